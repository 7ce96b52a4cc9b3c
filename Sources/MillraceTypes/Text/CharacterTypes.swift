/// What `varchar(n)` and `char(n)` have in common: a length in characters, kept in the typmod with four added.
enum CharacterLength {
  static let maximum = 10_485_760

  /// `anychar_typmodin`.
  static func typmod(_ words: [String], type: StaticString) throws(TypeError) -> Int32 {
    guard words.count == 1, let length = Int32(words[0]) else { throw .invalidParameter("invalid type modifier") }
    if length < 1 { throw .invalidParameter("length for type \(type) must be at least 1") }
    if length > maximum { throw .invalidParameter("length for type \(type) cannot exceed \(maximum)") }
    return length + 4
  }

  static func typmodText(_ typmod: Int32) -> String { typmod > 4 ? "(\(typmod - 4))" : "" }

  /// The length in bytes of at most so many characters of the text; what is left over must be spaces, unless the cast
  /// was written out.
  static func fit(
    _ text: ByteView, characters limit: Int, isExplicit: Bool, type: StaticString
  ) throws(TypeError) -> Int {
    if text.count <= limit { return text.count }
    let kept = UTF8Encoding.prefixLength(text, characters: limit)
    if !isExplicit, text.from(kept).contains(where: { $0 != UInt8(ascii: " ") }) {
      throw TypeError(.stringDataRightTruncation, "value too long for type \(type)(\(limit))")
    }
    return kept
  }
}

/// The type `character varying(n)`: as `text`, but with a greatest length.
public enum VarcharType {
  /// The text as a value of `varchar(n)`.
  /// - Parameter isExplicit: a cast that was written out cuts off silently.
  public static func coerce(_ text: ByteView, typmod: Int32, isExplicit: Bool) throws(TypeError) -> ByteView {
    guard typmod > 4 else { return text }
    let kept = try CharacterLength.fit(
      text, characters: Int(typmod - 4), isExplicit: isExplicit, type: "character varying")
    return text.upTo(kept)
  }

  static var functions: TypeDescriptor.Functions {
    var functions = TextType.functions
    functions.input = { (text, typmod, _, arena) throws(TypeError) in
      arena.copy(try coerce(text, typmod: typmod, isExplicit: false))
    }
    functions.receive = { (message, typmod, arena) throws(TypeError) in
      arena.copy(try coerce(try message.text(), typmod: typmod, isExplicit: false))
    }
    functions.typmodInput = { (words) throws(TypeError) in try CharacterLength.typmod(words, type: "varchar") }
    functions.typmodOutput = CharacterLength.typmodText
    return functions
  }
}

/// The type `character(n)` (PostgreSQL's `bpchar`): padded with spaces, which do not count when values are compared.
public enum BpcharType {
  /// The bytes before the trailing spaces.
  @inlinable public static func significant(_ value: Datum) -> ByteView {
    let bytes = value.bytes
    var end = bytes.count
    while end > 0, bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
    return bytes.upTo(end)
  }

  @inlinable public static func compare(_ a: Datum, _ b: Datum) -> Int { significant(a).compare(significant(b)) }
  @inlinable public static func equal(_ a: Datum, _ b: Datum) -> Bool { significant(a).isEqual(significant(b)) }

  /// The text as a value of `char(n)`.
  public static func coerce(
    _ text: ByteView, typmod: Int32, isExplicit: Bool, in arena: Arena
  ) throws(TypeError) -> Datum {
    guard typmod > 4 else { return arena.copy(text) }
    let length = Int(typmod - 4)
    let kept = try CharacterLength.fit(text, characters: length, isExplicit: isExplicit, type: "character")
    let padding = max(0, length - UTF8Encoding.characterCount(text.upTo(kept)))
    return arena.make { value in
      value.append(text.upTo(kept))
      value.append(contentsOf: repeatElement(UInt8(ascii: " "), count: padding))
    }
  }

  static let functions = TypeDescriptor.Functions(
    input: { (text, typmod, _, arena) throws(TypeError) in
      try coerce(text, typmod: typmod, isExplicit: false, in: arena)
    },
    output: { value, _, text in text.append(value.bytes) },
    receive: { (message, typmod, arena) throws(TypeError) in
      try coerce(try message.text(), typmod: typmod, isExplicit: false, in: arena)
    },
    send: { value, message in message.append(value.bytes) },
    compare: compare, equal: equal, hash: { Hashing.bytes(significant($0)) },
    hashExtended: { Hashing.bytes(significant($0), seed: $1) },
    typmodInput: { (words) throws(TypeError) in try CharacterLength.typmod(words, type: "char") },
    typmodOutput: CharacterLength.typmodText)
}

/// The type `"char"`: one byte.
public enum CharType {
  @inlinable public static func compare(_ a: Datum, _ b: Datum) -> Int { Int(a.char) - Int(b.char) }
  @inlinable public static func equal(_ a: Datum, _ b: Datum) -> Bool { a.char == b.char }

  /// The first byte, or the one that a backslash and three octal digits name.
  static func parse(_ text: ByteView) -> UInt8 {
    if text.count == 4, text[0] == UInt8(ascii: "\\"), text.from(1).allSatisfy({ $0 & 0xF8 == 0x30 }) {
      return (text[1] & 7) << 6 | (text[2] & 7) << 3 | text[3] & 7
    }
    return text.first ?? 0
  }

  static let functions = TypeDescriptor.Functions(
    input: { text, _, _, _ in Datum(char: parse(text)) },
    output: { value, _, text in
      if value.char & 0x80 != 0 {
        text.append("\\")
        for shift: UInt8 in [6, 3, 0] { text.append(UInt8(ascii: "0") + (value.char >> shift & 7)) }
      } else if value.char != 0 {
        text.append(value.char)
      }
    },
    receive: { (message, _, _) throws(TypeError) in Datum(char: try message.integer(UInt8.self)) },
    send: { value, message in message.append(value.char) },
    compare: compare, equal: equal,
    hash: { Hashing.word(UInt32(bitPattern: Int32(Int8(bitPattern: $0.char)))) },
    hashExtended: { Hashing.word(UInt32(bitPattern: Int32(Int8(bitPattern: $0.char))), seed: $1) })
}
