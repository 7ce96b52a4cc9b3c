import MillraceTypes

extension CallFrame {
  /// The type of the elements of an array argument.
  func elementType(_ index: Int) throws(TypeError) -> TypeDescriptor {
    try Self.elementType(of: argumentTypes[index].id)
  }

  static func elementType(of array: TypeID) throws(TypeError) -> TypeDescriptor {
    guard let type = TypeDescriptor.builtIn[array], let element = TypeDescriptor.builtIn[type.elementID] else {
      throw TypeError(.featureNotSupported, "an array of type with OID \(array.rawValue) is not supported")
    }
    return element
  }

  fileprivate func elements(_ index: Int) throws(TypeError) -> [Datum?] {
    ArrayType.elements(self[index], of: try elementType(index))
  }

  /// The equality of a type's values.
  fileprivate func equality(_ type: TypeDescriptor) throws(TypeError) -> TypeDescriptor.Equality {
    guard let equal = type.equal else {
      throw TypeError(.undefinedFunction, "could not identify an equality operator for type \(type.name)")
    }
    return equal
  }
}

extension FunctionRegistry {
  mutating func addArrays() {
    addArrayShapes()
    addArrayChanges()
    addArraySearch()
    addArrayTexts()
    addArraySubscript()
    addArrayComparisons()
  }

  private mutating func addArrayShapes() {
    scalar("array_length") { call in
      let (lengths, dimension) = (ArrayType.dimensions(call[0]).lengths, Int(call[1].int32))
      return 1...max(lengths.count, 1) ~= dimension && !lengths.isEmpty ? Datum(Int32(lengths[dimension - 1])) : nil
    }
    scalar("array_lower") { call in
      let (bounds, dimension) = (ArrayType.dimensions(call[0]).lowerBounds, Int(call[1].int32))
      return dimension >= 1 && dimension <= bounds.count ? Datum(Int32(bounds[dimension - 1])) : nil
    }
    scalar("array_upper") { call in
      let ((lengths, bounds), dimension) = (ArrayType.dimensions(call[0]), Int(call[1].int32))
      guard dimension >= 1, dimension <= bounds.count else { return nil }
      return Datum(Int32(bounds[dimension - 1] + lengths[dimension - 1] - 1))
    }
    scalar("array_ndims") { call in
      let count = ArrayType.dimensions(call[0]).lengths.count
      return count == 0 ? nil : Datum(Int32(count))
    }
    scalar("array_cardinality") { call in
      let lengths = ArrayType.dimensions(call[0]).lengths
      return Datum(Int32(lengths.isEmpty ? 0 : lengths.reduce(1, *)))
    }
    scalar("array_dims") { call in
      let (lengths, bounds) = ArrayType.dimensions(call[0])
      if lengths.isEmpty { return nil }
      return call.arena.copy(zip(lengths, bounds).map { "[\($1):\($1 + $0 - 1)]" }.joined())
    }
  }

  private mutating func addArrayChanges() {
    scalar("array_append") { (call) throws(TypeError) in
      let type = try Self.element(call.type.id)
      let array = call.optional(0)
      let (elements, start) = try Self.vector(array, type)
      return ArrayType.make(
        elements + [call.optional(1)], lengths: [elements.count + 1], lowerBounds: [start], of: type, in: call.arena)
    }
    scalar("array_prepend") { (call) throws(TypeError) in
      let type = try Self.element(call.type.id)
      let (elements, start) = try Self.vector(call.optional(1), type)
      return ArrayType.make(
        [call.optional(0)] + elements, lengths: [elements.count + 1], lowerBounds: [start], of: type, in: call.arena)
    }
    scalar("array_cat") { (call) throws(TypeError) in try Self.concatenated(call) }
    scalar("array_remove") { (call) throws(TypeError) in
      guard let array = call.optional(0) else { return nil }
      let type = try call.elementType(0)
      guard ArrayType.dimensions(array).lengths.count <= 1 else {
        throw TypeError(
          .featureNotSupported, "removing elements from multidimensional arrays is not supported")
      }
      let (equal, wanted) = (try call.equality(type), call.optional(1))
      let elements = ArrayType.elements(array, of: type)
      let kept = elements.filter { !Self.isEqual($0, wanted, equal) }
      return kept.count == elements.count ? array : ArrayType.make(kept, of: type, in: call.arena)
    }
    scalar("array_replace") { (call) throws(TypeError) in
      guard let array = call.optional(0) else { return nil }
      let type = try call.elementType(0)
      let (equal, wanted, other) = (try call.equality(type), call.optional(1), call.optional(2))
      let (lengths, bounds) = ArrayType.dimensions(array)
      let replaced = ArrayType.elements(array, of: type).map { Self.isEqual($0, wanted, equal) ? other : $0 }
      return ArrayType.make(replaced, lengths: lengths, lowerBounds: bounds, of: type, in: call.arena)
    }
    scalar("trim_array") { (call) throws(TypeError) in
      let elements = try call.elements(0)
      let lengths = ArrayType.dimensions(call[0]).lengths
      let (count, first) = (Int(call[1].int32), lengths.first ?? 0)
      guard 0...first ~= count else {
        throw TypeError(SQLState("2202E"), "number of elements to trim must be between 0 and \(first)")
      }
      let part = first == 0 ? 0 : elements.count / first
      let kept = Array(elements.prefix((first - count) * part))
      return ArrayType.make(
        kept, lengths: [first - count] + lengths.dropFirst(), lowerBounds: lengths.map { _ in 1 },
        of: try call.elementType(0), in: call.arena)
    }
    scalar("array_reverse") { (call) throws(TypeError) in
      let lengths = ArrayType.dimensions(call[0]).lengths
      let elements = try call.elements(0)
      guard let first = lengths.first, first > 1 else { return call[0] }
      let part = elements.count / first
      let parts = stride(from: elements.count - part, through: 0, by: -part).flatMap { elements[$0..<$0 + part] }
      return ArrayType.make(
        parts, lengths: lengths, lowerBounds: ArrayType.dimensions(call[0]).lowerBounds, of: try call.elementType(0),
        in: call.arena)
    }
  }

  private static func element(_ array: TypeID) throws(TypeError) -> TypeDescriptor {
    try CallFrame.elementType(of: array)
  }

  /// The elements of an array of at most one dimension, and its first subscript.
  private static func vector(
    _ array: Datum?, _ type: TypeDescriptor
  ) throws(TypeError) -> (elements: [Datum?], start: Int) {
    guard let array else { return ([], 1) }
    let (lengths, bounds) = ArrayType.dimensions(array)
    guard lengths.count <= 1 else {
      throw TypeError(SQLState("22000"), "argument must be empty or one-dimensional array")
    }
    return (ArrayType.elements(array, of: type), bounds.first ?? 1)
  }

  private static func concatenated(_ call: CallFrame) throws(TypeError) -> Datum? {
    guard let left = call.optional(0) else { return call.optional(1) }
    guard let right = call.optional(1) else { return left }
    let (first, second) = (ArrayType.dimensions(left), ArrayType.dimensions(right))
    if first.lengths.isEmpty { return right }
    if second.lengths.isEmpty { return left }
    let type = try call.elementType(0)
    let elements = ArrayType.elements(left, of: type) + ArrayType.elements(right, of: type)
    func mismatch(_ detail: String) -> TypeError {
      TypeError(.arraySubscriptError, "cannot concatenate incompatible arrays", detail: detail)
    }
    let difference = first.lengths.count - second.lengths.count
    guard -1...1 ~= difference else {
      throw mismatch(
        "Arrays of \(first.lengths.count) and \(second.lengths.count) dimensions are not compatible for concatenation.")
    }
    let inner = "Arrays with differing element dimensions are not compatible for concatenation."
    let outer = "Arrays with differing dimensions are not compatible for concatenation."
    if difference == 0 {
      guard first.lengths.dropFirst() == second.lengths.dropFirst(),
        first.lowerBounds.dropFirst() == second.lowerBounds.dropFirst()
      else { throw mismatch(inner) }
      return ArrayType.make(
        elements, lengths: [first.lengths[0] + second.lengths[0]] + first.lengths.dropFirst(),
        lowerBounds: first.lowerBounds, of: type, in: call.arena)
    }
    let (large, small) = difference > 0 ? (first, second) : (second, first)
    guard Array(large.lengths.dropFirst()) == small.lengths,
      Array(large.lowerBounds.dropFirst()) == small.lowerBounds
    else { throw mismatch(outer) }
    return ArrayType.make(
      elements, lengths: [large.lengths[0] + 1] + large.lengths.dropFirst(), lowerBounds: large.lowerBounds, of: type,
      in: call.arena)
  }

  private static func isEqual(_ a: Datum?, _ b: Datum?, _ equal: TypeDescriptor.Equality) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    return equal(a, b)
  }

  private mutating func addArraySearch() {
    scalar("array_position", "array_position_start") { (call) throws(TypeError) in
      guard let array = call.optional(0) else { return nil }
      guard call.count < 3 || call.optional(2) != nil else {
        throw TypeError(.nullValueNotAllowed, "initial position must not be null")
      }
      let (elements, start) = try Self.searched(array, try call.elementType(0))
      let (equal, wanted) = (try call.equality(try call.elementType(0)), call.optional(1))
      let first = call.count > 2 ? max(0, Int(call[2].int32) - start) : 0
      guard first < elements.count else { return nil }
      let found = elements[first...].firstIndex { Self.isEqual($0, wanted, equal) }
      return found.map { Datum(Int32($0 + start)) }
    }
    scalar("array_positions") { (call) throws(TypeError) in
      guard let array = call.optional(0) else { return nil }
      let (elements, start) = try Self.searched(array, try call.elementType(0))
      let (equal, wanted) = (try call.equality(try call.elementType(0)), call.optional(1))
      let found = elements.indices.filter { Self.isEqual(elements[$0], wanted, equal) }
      return ArrayType.make(found.map { Datum(Int32($0 + start)) }, of: .int4, in: call.arena)
    }
    scalar("arrayoverlap") { (call) throws(TypeError) in
      let equal = try call.equality(try call.elementType(0))
      let others = try call.elements(1).compactMap { $0 }
      return Datum(
        try call.elements(0).contains { one in one.map { one in others.contains { equal(one, $0) } } ?? false })
    }
    scalar("arraycontains") { (call) throws(TypeError) in
      Datum(try Self.contains(call.elements(0), call.elements(1), call))
    }
    scalar("arraycontained") { (call) throws(TypeError) in
      Datum(try Self.contains(call.elements(1), call.elements(0), call))
    }
  }

  private static func contains(_ all: [Datum?], _ some: [Datum?], _ call: CallFrame) throws(TypeError) -> Bool {
    let equal = try call.equality(try call.elementType(0))
    let all = all.compactMap { $0 }
    return some.allSatisfy { one in one.map { one in all.contains { equal($0, one) } } ?? false }
  }

  private static func searched(
    _ array: Datum, _ type: TypeDescriptor
  ) throws(TypeError) -> (elements: [Datum?], start: Int) {
    let (lengths, bounds) = ArrayType.dimensions(array)
    guard lengths.count <= 1 else {
      throw TypeError(
        .featureNotSupported, "searching for elements in multidimensional arrays is not supported")
    }
    return (ArrayType.elements(array, of: type), bounds.first ?? 1)
  }

  private mutating func addArraySubscript() {
    scalar("array_subscript_handler") { (call) throws(TypeError) in
      let type = try call.elementType(0)
      let (lengths, bounds) = ArrayType.dimensions(call[0])
      guard lengths.count == call.count - 1 else { return nil }
      var place = 0
      for (dimension, length) in lengths.enumerated() {
        let offset = Int(call[dimension + 1].int32) - bounds[dimension]
        guard (0..<length).contains(offset) else { return nil }
        place = place * length + offset
      }
      return ArrayType.elements(call[0], of: type)[place]
    }
  }

  private mutating func addArrayTexts() {
    session("array_to_text", "array_to_text_null") { (call) throws(SQLError) in
      guard call.optional(0) != nil, call.optional(1) != nil else { return nil }
      let (type, elements): (TypeDescriptor, [Datum?])
      do throws(TypeError) {
        (type, elements) = (try call.elementType(0), try call.elements(0))
      } catch {
        throw SQLError(error)
      }
      let (values, null) = (
        try ValueText(ValueType(type.id), call.context), call.count > 2 ? call.optional(2)?.bytes : nil
      )
      var text: [UInt8] = []
      var isFirst = true
      for element in elements {
        if element == nil, null == nil { continue }
        if !isFirst { text.append(call.text(1)) }
        isFirst = false
        if let element {
          try values.append(element, to: &text)
        } else if let null {
          text.append(null)
        }
      }
      return call.arena.copy(text)
    }
    scalar("text_to_array", "text_to_array_null") { (call) throws(TypeError) in
      guard call.optional(0) != nil else { return nil }
      return ArrayType.make(TextSplitting.split(call), of: .text, in: call.arena)
    }
  }

  private mutating func addArrayComparisons() {
    arrayComparison("array_eq") { $0 == 0 }
    arrayComparison("array_ne") { $0 != 0 }
    arrayComparison("array_lt") { $0 < 0 }
    arrayComparison("array_le") { $0 <= 0 }
    arrayComparison("array_gt") { $0 > 0 }
    arrayComparison("array_ge") { $0 >= 0 }
    scalar("array_larger") { (call) throws(TypeError) in try Self.order(call) > 0 ? call[0] : call[1] }
    scalar("array_smaller") { (call) throws(TypeError) in try Self.order(call) < 0 ? call[0] : call[1] }
    scalar("oidvectoreq") { call in Datum(VectorType.oids(call[0]) == VectorType.oids(call[1])) }
    scalar("oidvectorne") { call in Datum(VectorType.oids(call[0]) != VectorType.oids(call[1])) }
  }

  private static func order(_ call: CallFrame) throws(TypeError) -> Int {
    guard let compare = TypeDescriptor.builtIn[call.argumentTypes[0].id]?.compare else {
      let name = try call.elementType(0).name
      throw TypeError(.undefinedFunction, "could not identify a comparison function for type \(name)")
    }
    return compare(call[0], call[1])
  }

  private mutating func arrayComparison(_ name: String, _ test: @escaping @Sendable (Int) -> Bool) {
    scalar(name) { (call) throws(TypeError) in Datum(test(try Self.order(call))) }
  }
}

/// `string_to_array` and `string_to_table`.
enum TextSplitting {
  /// The parts of the first argument between those places where the second stands: characters where that is NULL; the
  /// whole where it is empty. What is equal to the third argument becomes NULL.
  static func split(_ call: CallFrame) -> [Datum?] {
    let text = call.text(0)
    let null = call.count > 2 ? call.optional(2)?.bytes : nil
    func value(_ part: ByteView) -> Datum? { null.map { $0.isEqual(part) } == true ? nil : Datum(part) }
    if text.isEmpty { return [] }
    guard let separator = call.optional(1)?.bytes else {
      var parts: [Datum?] = []
      var at = 0
      while at < text.count {
        let length = UTF8Encoding.prefixLength(text.from(at), characters: 1)
        parts.append(value(text[at..<at + length]))
        at += length
      }
      return parts
    }
    if separator.isEmpty { return [value(text)] }
    var parts: [Datum?] = []
    var at = 0
    while let found = text.firstIndex(of: separator, from: at) {
      parts.append(value(text[at..<found]))
      at = found + separator.count
    }
    parts.append(value(text.from(at)))
    return parts
  }
}
