/// Arrays of built-in types, in PostgreSQL's format (arrayfuncs.c).
public enum ArrayType {
  /// A one-dimensional array whose first element has the subscript 1.
  public static func make(_ elements: [Datum?], of type: TypeDescriptor, in arena: Arena) -> Datum {
    var shape = ArrayShape()
    if !elements.isEmpty {
      shape.lengths = [elements.count]
      shape.lowerBounds = [1]
      shape.hasNulls = elements.contains { $0 == nil }
    }
    return shape.make(elements, type, in: arena)
  }

  /// The elements of an array of any dimensions, in the order in which they lie, nil where NULL. They point into it.
  public static func elements(_ array: Datum, of type: TypeDescriptor) -> [Datum?] {
    ArrayShape(array.bytes).elements(array.bytes, type)
  }

  /// The number of elements in each dimension, and the first subscript of each; none for an empty array.
  public static func dimensions(_ array: Datum) -> (lengths: [Int], lowerBounds: [Int]) {
    let shape = ArrayShape(array.bytes)
    return (shape.lengths, shape.lowerBounds)
  }

  /// An array of a given shape, whose product is the number of elements.
  public static func make(
    _ elements: [Datum?], lengths: [Int], lowerBounds: [Int], of type: TypeDescriptor, in arena: Arena
  ) -> Datum {
    var shape = ArrayShape()
    if !elements.isEmpty {
      (shape.lengths, shape.lowerBounds) = (lengths, lowerBounds)
      shape.hasNulls = elements.contains { $0 == nil }
    }
    return shape.make(elements, type, in: arena)
  }

  /// An array of one more dimension, made of arrays of the same shape: `ARRAY[a, b]`.
  public static func nest(_ arrays: [Datum?], of type: TypeDescriptor, in arena: Arena) throws(TypeError) -> Datum {
    let mismatch = TypeError(
      .arraySubscriptError, "multidimensional arrays must have array expressions with matching dimensions")
    var elements: [Datum?] = []
    var inner: ArrayShape?
    for array in arrays {
      guard let array else {
        if inner?.count ?? 0 > 0 { throw mismatch }
        inner = inner ?? ArrayShape()
        continue
      }
      let shape = ArrayShape(array.bytes)
      if let inner, inner.lengths != shape.lengths { throw mismatch }
      inner = inner ?? shape
      elements += shape.elements(array.bytes, type)
    }
    guard let inner, inner.count > 0 else { return make([], of: type, in: arena) }
    guard inner.lengths.count < ArrayShape.dimensionsMax else {
      throw TypeError(
        .programLimitExceeded,
        "number of array dimensions (\(inner.lengths.count + 1)) exceeds the maximum allowed"
          + " (\(ArrayShape.dimensionsMax))"
      )
    }
    return make(
      elements, lengths: [arrays.count] + inner.lengths, lowerBounds: [1] + inner.lowerBounds, of: type, in: arena)
  }

  // MARK: - Comparison and hashing

  /// Element by element, NULL after all else; then by length and dimensions.
  static func compare(_ a: Datum, _ b: Datum, _ type: TypeDescriptor, _ order: TypeDescriptor.Comparison) -> Int {
    let (left, right) = (ArrayShape(a.bytes), ArrayShape(b.bytes))
    for (x, y) in zip(left.elements(a.bytes, type), right.elements(b.bytes, type)) {
      switch (x, y) {
      case (nil, nil): continue
      case (nil, _): return 1
      case (_, nil): return -1
      case (let x?, let y?):
        let result = order(x, y)
        if result != 0 { return result }
      }
    }
    if left.count != right.count { return left.count - right.count }
    if left.lengths.count != right.lengths.count { return left.lengths.count - right.lengths.count }
    for (x, y) in zip(left.lengths + left.lowerBounds, right.lengths + right.lowerBounds) where x != y {
      return x - y
    }
    return 0
  }

  static func hash(_ array: Datum, _ type: TypeDescriptor, _ hash: TypeDescriptor.Hash) -> UInt32 {
    elements(array, of: type).reduce(1) { $0 << 5 &- $0 &+ ($1.map(hash) ?? 0) }
  }

  static func hash(
    _ array: Datum, _ type: TypeDescriptor, _ hash: TypeDescriptor.ExtendedHash, seed: UInt64
  ) -> UInt64 {
    elements(array, of: type).reduce(1) { $0 << 5 &- $0 &+ ($1.map { hash($0, seed) } ?? 0) }
  }

  // MARK: - Output

  static func output(_ array: Datum, _ type: TypeDescriptor, _ settings: TypeSettings, _ text: inout [UInt8]) {
    appendText(array, of: type, to: &text) { type.output($0, settings, &$1) }
  }

  /// Appends the text of an array that says itself of what it is one: a value of type `anyarray`.
  public static func appendText(ofAny array: Datum, _ settings: TypeSettings, to text: inout [UInt8]) {
    guard array.count >= 12, let type = TypeDescriptor.builtIn[TypeID(array.bytes.load(at: 8))] else { return }
    output(array, type, settings, &text)
  }

  /// Appends an array's text.
  /// - Parameter appendElement: appends the text of an element, without quotes.
  public static func appendText<Failure: Error>(
    _ array: Datum, of type: TypeDescriptor, to text: inout [UInt8],
    _ appendElement: (Datum, inout [UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    let shape = ArrayShape(array.bytes)
    guard shape.count > 0 else { return text.append("{}") }
    if shape.lowerBounds.contains(where: { $0 != 1 }) {
      for (bound, length) in zip(shape.lowerBounds, shape.lengths) {
        text.append("[")
        text.append(decimal: bound)
        text.append(":")
        text.append(decimal: bound + length - 1)
        text.append("]")
      }
      text.append("=")
    }
    var element: [UInt8] = []
    for (index, value) in shape.elements(array.bytes, type).enumerated() {
      // As many braces as there are dimensions that begin or end here.
      var (opening, closing) = (0, 0)
      var span = 1
      for length in shape.lengths.reversed() {
        span *= length
        if index % span == 0 { opening += 1 }
        if (index + 1) % span == 0 { closing += 1 }
      }
      if index > 0 { text.append(type.delimiter) }
      text.append(contentsOf: repeatElement(UInt8(ascii: "{"), count: opening))
      if let value {
        element.removeAll(keepingCapacity: true)
        try appendElement(value, &element)
        appendQuoted(element, delimiter: type.delimiter, to: &text)
      } else {
        text.append("NULL")
      }
      text.append(contentsOf: repeatElement(UInt8(ascii: "}"), count: closing))
    }
  }

  private static func appendQuoted(_ element: [UInt8], delimiter: UInt8, to text: inout [UInt8]) {
    let needsQuotes =
      element.isEmpty || element.withByteView { ASCII.isEqualIgnoringCase($0, "NULL") }
      || element.contains { byte in
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "{")
          || byte == UInt8(ascii: "}") || byte == delimiter || ASCII.isSpace(byte)
      }
    guard needsQuotes else { return text.append(contentsOf: element) }
    text.append("\"")
    for byte in element {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { text.append("\\") }
      text.append(byte)
    }
    text.append("\"")
  }

  // MARK: - Binary form

  static func receive(
    _ message: inout ByteReader, _ typmod: Int32, _ type: TypeDescriptor, _ arena: Arena
  ) throws(TypeError) -> Datum {
    let dimensions = Int(try message.integer(Int32.self))
    guard dimensions >= 0 else {
      throw TypeError(.invalidBinaryRepresentation, "invalid number of dimensions: \(dimensions)")
    }
    guard dimensions <= ArrayShape.dimensionsMax else {
      throw TypeError(
        .programLimitExceeded,
        "number of array dimensions (\(dimensions)) exceeds the maximum allowed (\(ArrayShape.dimensionsMax))")
    }
    guard 0...1 ~= (try message.integer(Int32.self)) else {
      throw TypeError(.invalidBinaryRepresentation, "invalid array flags")
    }
    let sent = try message.integer(UInt32.self)
    guard sent == type.id.rawValue else {
      let name = TypeDescriptor.builtIn[TypeID(sent)]?.name ?? "???"
      throw TypeError(
        SQLState("42804"),
        "binary data has array element type \(sent) (\(name)) instead of expected \(type.id.rawValue) (\(type.name))")
    }
    var shape = ArrayShape()
    for _ in 0..<dimensions {
      shape.lengths.append(Int(try message.integer(Int32.self)))
      shape.lowerBounds.append(Int(try message.integer(Int32.self)))
    }
    // Each element takes at least four bytes, so a length that cannot be is found before anything is made.
    guard shape.isPossible(countMax: message.rest.count / 4) else { throw .insufficientMessage }
    let values = try elements(of: &message, shape.count, typmod, type, arena)
    guard !values.isEmpty else { return make([], of: type, in: arena) }
    shape.hasNulls = values.contains { $0 == nil }
    return shape.make(values, type, in: arena)
  }

  private static func elements(
    of message: inout ByteReader, _ count: Int, _ typmod: Int32, _ type: TypeDescriptor, _ arena: Arena
  ) throws(TypeError) -> [Datum?] {
    var values: [Datum?] = []
    for index in 0..<count {
      let length = Int(try message.integer(Int32.self))
      if length == -1 {
        values.append(nil)
        continue
      }
      var element = ByteReader(try message.bytes(length))
      values.append(try type.receive(&element, typmod, arena))
      guard element.isAtEnd else {
        throw TypeError(.invalidBinaryRepresentation, "improper binary format in array element \(index + 1)")
      }
    }
    return values
  }

  static func send(_ array: Datum, _ type: TypeDescriptor, _ message: inout [UInt8]) {
    let shape = ArrayShape(array.bytes)
    message.append(bigEndian: Int32(shape.lengths.count))
    message.append(bigEndian: Int32(shape.hasNulls ? 1 : 0))
    message.append(bigEndian: type.id.rawValue)
    for (length, bound) in zip(shape.lengths, shape.lowerBounds) {
      message.append(bigEndian: Int32(length))
      message.append(bigEndian: Int32(bound))
    }
    var element: [UInt8] = []
    for value in shape.elements(array.bytes, type) {
      guard let value else {
        message.append(bigEndian: Int32(-1))
        continue
      }
      element.removeAll(keepingCapacity: true)
      type.send(value, &element)
      message.append(bigEndian: Int32(element.count))
      message.append(contentsOf: element)
    }
  }

  // MARK: - The type

  static func functions(_ type: TypeDescriptor) -> TypeDescriptor.Functions {
    var functions = TypeDescriptor.Functions(
      input: { (text, typmod, settings, arena) throws(TypeError) in
        var parser = ArrayParser(text, delimiter: type.delimiter)
        let elements = try parser.parse()
        var values: [Datum?] = []
        for element in elements {
          if let element {
            values.append(try type.input(arena.copy(element).bytes, typmod, settings, arena))
          } else {
            values.append(nil)
          }
        }
        parser.shape.hasNulls = values.contains { $0 == nil }
        return parser.shape.make(values, type, in: arena)
      },
      output: { array, settings, text in output(array, type, settings, &text) },
      receive: { (message, typmod, arena) throws(TypeError) in try receive(&message, typmod, type, arena) },
      send: { array, message in send(array, type, &message) },
      typmodInput: type.typmodInput, typmodOutput: type.typmodOutput)
    if let order = type.compare {
      functions.compare = { compare($0, $1, type, order) }
      functions.equal = { compare($0, $1, type, order) == 0 }
    }
    if let hash = type.hash { functions.hash = { Self.hash($0, type, hash) } }
    if let hash = type.hashExtended { functions.hashExtended = { Self.hash($0, type, hash, seed: $1) } }
    return functions
  }

  /// What `pg_type` says of the arrays of a type.
  static func row(_ type: TypeDescriptor) -> TypeRow {
    TypeRow(
      type.arrayID, "_" + type.name, array: 0, length: -1, byValue: false, type.alignment == .double ? .double : .int,
      .extended, "A", element: type.id)
  }
}
