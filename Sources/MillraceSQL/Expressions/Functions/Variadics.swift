import MillraceTypes

/// The texts of a call's arguments, whatever their types.
private final class ArgumentTexts {
  let texts: [ValueText]
  /// For one argument that is an array of all: `VARIADIC array`.
  let element: TypeDescriptor?

  init(_ call: CallFrame, from first: Int, isVariadicArray: Bool) throws(SQLError) {
    var texts: [ValueText] = []
    for type in call.argumentTypes[first...] { texts.append(try ValueText(type, call.context)) }
    self.texts = texts
    element =
      isVariadicArray
      ? call.argumentTypes.last.flatMap { TypeDescriptor.builtIn[$0.id] }.flatMap {
        TypeDescriptor.builtIn[$0.elementID]
      }
      : nil
  }
}

extension CallFrame {
  private func argumentTexts(from first: Int) throws(SQLError) -> ArgumentTexts {
    if let known = memory as? ArgumentTexts { return known }
    let made = try ArgumentTexts(self, from: first, isVariadicArray: isVariadic)
    memory = made
    return made
  }

  /// The texts of the arguments from one on, nil where NULL; of a variadic array, its elements'. nil where that array
  /// is NULL.
  fileprivate func texts(from first: Int) throws(SQLError) -> [[UInt8]?]? {
    let known = try argumentTexts(from: first)
    var texts: [[UInt8]?] = []
    if let element = known.element {
      guard let array = optional(count - 1) else { return nil }
      for value in ArrayType.elements(array, of: element) {
        texts.append(
          value.map { value in
            var text: [UInt8] = []
            element.output(value, settings, &text)
            return text
          })
      }
      return texts
    }
    for index in first..<count {
      guard let value = optional(index) else {
        texts.append(nil)
        continue
      }
      var text: [UInt8] = []
      try known.texts[index - first].append(value, to: &text)
      texts.append(text)
    }
    return texts
  }
}

/// Functions whose arguments are of any number or any type.
extension FunctionRegistry {
  mutating func addVariadics() {
    session("text_concat") { (call) throws(SQLError) in
      try call.texts(from: 0).map { call.arena.copy(Array($0.compactMap { $0 }.joined())) }
    }
    session("text_concat_ws") { (call) throws(SQLError) in
      guard let separator = call.optional(0)?.bytes.array else { return nil }
      return try call.texts(from: 1).map { call.arena.copy(Array($0.compactMap { $0 }.joined(separator: separator))) }
    }
    session("text_format", "text_format_nv") { (call) throws(SQLError) in
      guard let format = call.optional(0)?.bytes else { return nil }
      let arguments = (try call.texts(from: 1) ?? []).map { text in text.map { call.arena.copy($0).bytes } }
      do throws(TypeError) {
        return try call.make { (text) throws(TypeError) in try FormatString.append(format, arguments, to: &text) }
      } catch { throw SQLError(error) }
    }
    session("textanycat(text,anynonarray)", "textanycat(text,2776)") { (call) throws(SQLError) in
      guard let text = try call.texts(from: 1)?[0] else { return nil }
      return call.arena.copy(call.text(0).array + text)
    }
    session("anytextcat(anynonarray,text)", "anytextcat(2776,text)") { (call) throws(SQLError) in
      guard let text = try call.texts(from: 0)?[0] else { return nil }
      return call.arena.copy(text + call.text(1).array)
    }
    session("quote_literal(2283)") { (call) throws(SQLError) in
      guard let text = try call.texts(from: 0)?[0] else { return nil }
      return call.arena.make { result in text.withByteView { Quoting.literal($0, to: &result) } }
    }
    session("quote_nullable(2283)") { (call) throws(SQLError) in
      guard let text = try call.texts(from: 0)?[0] else { return Datum(ByteView("NULL")) }
      return call.arena.make { result in text.withByteView { Quoting.literal($0, to: &result) } }
    }
    scalar("pg_num_nulls", takesToasted: true) { call in
      if call.isVariadic { return call.countNulls(true) }
      return Datum(Int32((0..<call.count).count { call.nulls[$0] }))
    }
    scalar("pg_num_nonnulls", takesToasted: true) { call in
      if call.isVariadic { return call.countNulls(false) }
      return Datum(Int32((0..<call.count).count { !call.nulls[$0] }))
    }
    scalar("pg_typeof", takesToasted: true) { call in Datum(oid: call.argumentTypes[0].id.rawValue) }
  }
}

extension CallFrame {
  /// Of the elements of a variadic array.
  fileprivate func countNulls(_ areNull: Bool) -> Datum? {
    guard let array = optional(0), let type = try? elementType(0) else { return nil }
    return Datum(Int32(ArrayType.elements(array, of: type).count { ($0 == nil) == areNull }))
  }
}
