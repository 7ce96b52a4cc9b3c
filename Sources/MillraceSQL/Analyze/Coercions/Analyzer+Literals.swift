import MillraceEngine
import MillraceTypes

/// Literals: what the statement's text says of values.
extension Analyzer {
  /// make_const: the type that a literal has by itself.
  func analyze(_ constant: Constant) throws(SQLError) -> TypedExpression {
    switch constant.value {
    case .null: return .constant(TypedConstant(ValueType(.unknown), .null, constant.location))
    case .integer(let number):
      return .constant(TypedConstant(ValueType(.int4), .word(Datum(number).word), constant.location))
    case .boolean(let value):
      return .constant(TypedConstant(ValueType(.bool), .word(Datum(value).word), constant.location))
    case .string(let text):
      return .constant(TypedConstant(ValueType(.unknown), .bytes(Array(text.utf8)), constant.location))
    case .float(let text):
      if let number = Int32(text) {
        return .constant(TypedConstant(ValueType(.int4), .word(Datum(number).word), constant.location))
      }
      if let number = Int64(text) {
        return .constant(TypedConstant(ValueType(.int8), .word(Datum(number).word), constant.location))
      }
      return .constant(
        try constantValue(Array(text.utf8), as: ValueType(.numeric), shownAs: constant.location))
    case .bitString(let text):
      return .constant(try constantValue(Array(text.utf8), as: ValueType(.bit), shownAs: constant.location))
    }
  }

  /// A literal of unknown type becomes one of a certain type: its text is read.
  func literal(_ constant: TypedConstant, as target: ValueType) throws(SQLError) -> TypedExpression {
    // Only an interval's fields decide how its text is read; other lengths are a cast of their own.
    let type = ValueType(target.id, target.id == .interval ? target.typmod : -1)
    switch constant.value {
    case .null: return .constant(TypedConstant(type, .null, constant.location))
    case .bytes(let text): return .constant(try constantValue(text, as: type, shownAs: constant.location))
    case .word: preconditionFailure("a literal of unknown type has a text")
    }
  }

  private func constantValue(
    _ text: [UInt8], as type: ValueType, shownAs location: Location
  ) throws(SQLError) -> TypedConstant {
    switch type.id {
    case .text, .varchar: return TypedConstant(type, .bytes(text), location)
    case .regClass, .regType, .regProc, .regProcedure, .regNamespace, .regRole, .regOper, .regOperator:
      let oid = try objectID(String(decoding: text, as: UTF8.self), type.id, location)
      return TypedConstant(type, .word(Datum(oid: oid).word), location)
    default: break
    }
    guard let descriptor = TypeDescriptor.builtIn[type.id] else {
      if Polymorphism.isPolymorphic(type.id) || type.id == .any || type.id == .record {
        throw SQLError(
          .featureNotSupported,
          type.id == .record
            ? "input of anonymous composite types is not implemented"
            : "cannot accept a value of type \(typeName(type.id))", at: location)
      }
      throw SQLError.unsupported("type \(typeName(type.id))", at: location)
    }
    defer { arena.reset() }
    do {
      let datum = try text.withByteView { (view) throws(TypeError) in
        try descriptor.input(view, type.typmod, typeSettings, arena)
      }
      return TypedConstant(type, descriptor.isByValue ? .word(datum.word) : .bytes(datum.bytes.array), location)
    } catch { throw SQLError(error, at: location) }
  }

  // MARK: Names of objects as values

  /// What `'name'::regclass` and its like mean (src/backend/utils/adt/regproc.c).
  private func objectID(_ text: String, _ type: TypeID, _ location: Location) throws(SQLError) -> UInt32 {
    if text == "-" { return 0 }
    if let number = UInt32(text) { return number }
    let names = try QualifiedName.split(text)
    let (schema, name) = (names.count > 1 ? names[names.count - 2] : nil, names[names.count - 1])
    switch type {
    case .regClass:
      return try SQLError.wrapping(at: location) { () throws(EngineError) in
        guard let oid = try catalog.relationOID(named: name, schema: schema) else {
          throw EngineError(.undefinedTable, "relation \"\(names.joined(separator: "."))\" does not exist")
        }
        return oid
      }
    case .regNamespace:
      return try SQLError.wrapping(at: location) { () throws(EngineError) in
        try catalog.requiredNamespace(named: name)
      }
    case .regRole:
      return try SQLError.wrapping(at: location) { () throws(EngineError) in try catalog.requiredRole(named: name).oid }
    case .regType: return try typeID(named: text, location)
    case .regProc:
      let candidates = try functions().functionsByName[name] ?? []
      if candidates.count == 1 { return candidates[0] }
      throw candidates.isEmpty
        ? SQLError(.undefinedFunction, "function \"\(text)\" does not exist", at: location)
        : SQLError(.ambiguousFunction, "more than one function named \"\(text)\"", at: location)
    default: throw SQLError.unsupported("a name of type \(typeName(type))", at: location)
    }
  }

  private func typeID(named text: String, _ location: Location) throws(SQLError) -> TypeID.RawValue {
    let parsed: Expression
    do {
      parsed = try Parser.parseExpression("NULL::\(text)")
    } catch {
      throw SQLError(.syntaxError, "invalid type name \"\(text)\"", at: location)
    }
    guard case .cast(let cast) = parsed else {
      throw SQLError(.syntaxError, "invalid type name \"\(text)\"", at: location)
    }
    var type = cast.type
    type.location = location
    return try TypeNameResolver(catalog).resolve(type).id.rawValue
  }
}

/// A name in a value: identifiers with dots between them.
enum QualifiedName {
  /// stringToQualifiedNameList: the parts, in lower case unless they are quoted.
  static func split(_ text: String) throws(SQLError) -> [String] {
    var parts: [String] = []
    var rest = Substring(text)
    func skipSpaces() { rest = rest.drop { $0.isWhitespace } }
    while true {
      skipSpaces()
      var part = ""
      if rest.first == "\"" {
        rest = rest.dropFirst()
        while let end = rest.firstIndex(of: "\"") {
          part += rest[..<end]
          rest = rest[end...].dropFirst()
          guard rest.first == "\"" else { break }
          part += "\""
          rest = rest.dropFirst()
        }
      } else {
        let word = rest.prefix { $0 != "." && !$0.isWhitespace }
        part = word.lowercased()
        rest = rest[word.endIndex...]
      }
      skipSpaces()
      guard !part.isEmpty, rest.isEmpty || rest.first == "." else {
        throw SQLError(.invalidName, "invalid name syntax")
      }
      parts.append(part)
      if rest.isEmpty { return parts }
      rest = rest.dropFirst()
    }
  }
}
