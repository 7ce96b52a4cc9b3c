/// The types `int2vector` and `oidvector`, of which catalog columns are: one-dimensional arrays with the lower bound 0,
/// without NULLs, whose text is numbers with spaces between them.
public enum VectorType {
  /// An `int2vector`.
  public static func make(_ numbers: [Int16], in arena: Arena) -> Datum {
    make(numbers.map { Datum($0) }, of: .int2, in: arena)
  }

  /// An `oidvector`.
  public static func make(oids numbers: [UInt32], in arena: Arena) -> Datum {
    make(numbers.map { Datum(oid: $0) }, of: .oid, in: arena)
  }

  public static func int2s(_ vector: Datum) -> [Int16] {
    ArrayType.elements(vector, of: .int2).compactMap { $0?.int16 }
  }

  public static func oids(_ vector: Datum) -> [UInt32] { ArrayType.elements(vector, of: .oid).compactMap { $0?.oid } }

  private static func make(_ values: [Datum], of type: TypeDescriptor, in arena: Arena) -> Datum {
    var shape = ArrayShape()
    shape.lengths = [values.count]
    shape.lowerBounds = [0]
    return shape.make(values, type, in: arena)
  }

  /// Numbers as C's `strtol` finds them, one after the other.
  private static func parse(
    _ text: ByteView, _ read: (ByteView) throws(TypeError) -> Datum
  ) throws(TypeError) -> [Datum] {
    var values: [Datum] = []
    var at = 0
    while true {
      while at < text.count, ASCII.isSpace(text[at]) { at += 1 }
      guard at < text.count else { return values }
      var end = at
      while end < text.count, !ASCII.isSpace(text[end]) { end += 1 }
      values.append(try read(text[at..<end]))
      at = end
    }
  }

  private static func output(_ vector: Datum, _ type: TypeDescriptor, _ text: inout [UInt8]) {
    for (index, value) in ArrayType.elements(vector, of: type).enumerated() {
      if index > 0 { text.append(" ") }
      if let value { type.output(value, TypeSettings(), &text) }
    }
  }

  /// Shorter vectors first, else number by number (btoidvectorcmp).
  static func compare(_ a: Datum, _ b: Datum, _ type: TypeDescriptor) -> Int {
    let (left, right) = (ArrayType.elements(a, of: type), ArrayType.elements(b, of: type))
    if left.count != right.count { return left.count - right.count }
    for case (let x?, let y?) in zip(left, right) {
      let order = type.compare?(x, y) ?? 0
      if order != 0 { return order }
    }
    return 0
  }

  private static func checked(
    _ message: inout ByteReader, _ type: TypeDescriptor, _ name: String, _ arena: Arena
  ) throws(TypeError) -> Datum {
    let array = try ArrayType.receive(&message, -1, type, arena)
    let shape = ArrayShape(array.bytes)
    if shape.count == 0 { return make([], of: type, in: arena) }
    guard shape.lengths.count == 1, shape.lowerBounds == [0], !shape.hasNulls else {
      throw TypeError(.invalidBinaryRepresentation, "invalid \(name) data")
    }
    return array
  }

  static func functions(_ type: TypeDescriptor, name: String) -> TypeDescriptor.Functions {
    let isOID = type.id == .oid
    var functions = TypeDescriptor.Functions(
      input: { (text, _, _, arena) throws(TypeError) in
        let values = try parse(text) { (word) throws(TypeError) -> Datum in
          if isOID { return Datum(oid: try IntegerText.parseUnsigned(word, type: "oid")) }
          return Datum(try IntegerText.parse(word, type: "smallint", as: Int16.self))
        }
        return make(values, of: type, in: arena)
      },
      output: { vector, _, text in output(vector, type, &text) },
      receive: { (message, _, arena) throws(TypeError) in try checked(&message, type, name, arena) },
      send: { vector, message in ArrayType.send(vector, type, &message) })
    functions.equal = { compare($0, $1, type) == 0 }
    if isOID {
      functions.compare = { compare($0, $1, type) }
      functions.hash = { Hashing.bytes($0.bytes.from(min(20, $0.count))) }
      functions.hashExtended = { Hashing.bytes($0.bytes.from(min(20, $0.count)), seed: $1) }
    }
    return functions
  }
}
