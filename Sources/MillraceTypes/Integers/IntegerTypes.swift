/// The type `smallint`.
public enum Int2Type {
  /// A number from its text.
  public static func input(_ text: ByteView) throws(TypeError) -> Datum {
    Datum(try IntegerText.parse(text, type: "smallint", as: Int16.self))
  }

  @inlinable public static func compare(_ a: Datum, _ b: Datum) -> Int { Int(a.int16) - Int(b.int16) }
  @inlinable public static func equal(_ a: Datum, _ b: Datum) -> Bool { a.int16 == b.int16 }
  @inlinable public static func hash(_ a: Datum) -> UInt32 { Hashing.word(UInt32(bitPattern: Int32(a.int16))) }

  static let functions = TypeDescriptor.Functions(
    input: { (text, _, _, _) throws(TypeError) in try input(text) },
    output: { value, _, text in text.append(decimal: value.int16) },
    receive: { (message, _, _) throws(TypeError) in Datum(try message.integer(Int16.self)) },
    send: { value, message in message.append(bigEndian: value.int16) },
    compare: compare, equal: equal, hash: hash,
    hashExtended: { Hashing.word(UInt32(bitPattern: Int32($0.int16)), seed: $1) })
}

/// The type `integer`.
public enum Int4Type {
  /// A number from its text.
  public static func input(_ text: ByteView) throws(TypeError) -> Datum {
    Datum(try IntegerText.parse(text, type: "integer", as: Int32.self))
  }

  @inlinable public static func compare(_ a: Datum, _ b: Datum) -> Int { Int(a.int32) - Int(b.int32) }
  @inlinable public static func equal(_ a: Datum, _ b: Datum) -> Bool { a.int32 == b.int32 }
  @inlinable public static func hash(_ a: Datum) -> UInt32 { Hashing.word(UInt32(bitPattern: a.int32)) }

  static let functions = TypeDescriptor.Functions(
    input: { (text, _, _, _) throws(TypeError) in try input(text) },
    output: { value, _, text in text.append(decimal: value.int32) },
    receive: { (message, _, _) throws(TypeError) in Datum(try message.integer(Int32.self)) },
    send: { value, message in message.append(bigEndian: value.int32) },
    compare: compare, equal: equal, hash: hash,
    hashExtended: { Hashing.word(UInt32(bitPattern: $0.int32), seed: $1) })
}

/// The type `bigint`.
public enum Int8Type {
  /// A number from its text.
  public static func input(_ text: ByteView) throws(TypeError) -> Datum {
    Datum(try IntegerText.parse(text, type: "bigint", as: Int64.self))
  }

  @inlinable public static func compare(_ a: Datum, _ b: Datum) -> Int {
    a.int64 < b.int64 ? -1 : a.int64 == b.int64 ? 0 : 1
  }
  @inlinable public static func equal(_ a: Datum, _ b: Datum) -> Bool { a.int64 == b.int64 }
  @inlinable public static func hash(_ a: Datum) -> UInt32 { Hashing.word(Hashing.fold(a.int64)) }

  static let functions = TypeDescriptor.Functions(
    input: { (text, _, _, _) throws(TypeError) in try input(text) },
    output: { value, _, text in text.append(decimal: value.int64) },
    receive: { (message, _, _) throws(TypeError) in Datum(try message.integer(Int64.self)) },
    send: { value, message in message.append(bigEndian: value.int64) },
    compare: compare, equal: equal, hash: hash,
    hashExtended: { Hashing.word(Hashing.fold($0.int64), seed: $1) })
}

/// The types that are unsigned numbers of 32 bits: `oid`, `xid`, `cid` and, as numbers only, `regclass` and its kin.
public enum OIDType {
  @inlinable public static func compare(_ a: Datum, _ b: Datum) -> Int { Int(a.oid) - Int(b.oid) }
  @inlinable public static func equal(_ a: Datum, _ b: Datum) -> Bool { a.oid == b.oid }
  @inlinable public static func hash(_ a: Datum) -> UInt32 { Hashing.word(a.oid) }

  /// - Parameters:
  ///   - type: the name in messages.
  ///   - isOrdered: `xid` and `cid` have equality and hashing, but no order.
  static func functions(_ type: StaticString, isOrdered: Bool = true) -> TypeDescriptor.Functions {
    TypeDescriptor.Functions(
      input: { (text, _, _, _) throws(TypeError) in Datum(oid: try IntegerText.parseUnsigned(text, type: type))
      },
      output: { value, _, text in text.append(decimal: value.oid) },
      receive: { (message, _, _) throws(TypeError) in Datum(oid: try message.integer(UInt32.self)) },
      send: { value, message in message.append(bigEndian: value.oid) },
      compare: isOrdered ? compare : nil, equal: equal, hash: hash,
      hashExtended: { Hashing.word($0.oid, seed: $1) })
  }

  /// `regclass` and its kin show zero as a dash and take it so.
  static func registeredFunctions(_ type: StaticString) -> TypeDescriptor.Functions {
    var functions = functions(type)
    functions.input = { (text, _, _, _) throws(TypeError) in
      if text.isEqual(ByteView("-")) { return Datum(oid: 0) }
      return Datum(oid: try IntegerText.parseUnsigned(text, type: type))
    }
    functions.output = { value, _, text in
      if value.oid == 0 { text.append("-") } else { text.append(decimal: value.oid) }
    }
    return functions
  }
}

/// The type `boolean`.
public enum BoolType {
  @inlinable public static func compare(_ a: Datum, _ b: Datum) -> Int { (a.bool ? 1 : 0) - (b.bool ? 1 : 0) }
  @inlinable public static func equal(_ a: Datum, _ b: Datum) -> Bool { a.bool == b.bool }

  static let functions = TypeDescriptor.Functions(
    input: { (text, _, _, _) throws(TypeError) in
      guard let value = parse(ASCII.trimmed(text)) else { throw .invalidInput("boolean", text) }
      return Datum(value)
    },
    output: { value, _, text in text.append(value.bool ? UInt8(ascii: "t") : UInt8(ascii: "f")) },
    receive: { (message, _, _) throws(TypeError) in Datum(try message.integer(UInt8.self) != 0) },
    send: { value, message in message.append(value.bool ? 1 : 0) },
    compare: compare, equal: equal, hash: { Hashing.word($0.bool ? 1 : 0) },
    hashExtended: { Hashing.word($0.bool ? 1 : 0, seed: $1) })

  /// `parse_bool`: 1, 0, and every beginning of true, false, yes, no, on and off that can only be one of them.
  public static func parse(_ text: ByteView) -> Bool? {
    let words: [(word: StaticString, shortest: Int, value: Bool)] = [
      ("true", 1, true), ("false", 1, false), ("yes", 1, true), ("no", 1, false), ("on", 2, true), ("off", 2, false),
      ("1", 1, true), ("0", 1, false),
    ]
    for (word, shortest, value) in words {
      let letters = ByteView(word)
      guard text.count >= shortest, text.count <= letters.count else { continue }
      if zip(text, letters).allSatisfy({ ASCII.lower($0) == $1 }) { return value }
    }
    return nil
  }
}
