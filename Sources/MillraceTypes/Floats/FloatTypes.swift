/// The type `double precision`.
public enum Float8Type {
  /// NaN is equal to itself and greater than all else, so that sorting and indexes work.
  @inlinable public static func compare(_ a: Datum, _ b: Datum) -> Int { a.float8.sqlOrder(to: b.float8) }
  @inlinable public static func equal(_ a: Datum, _ b: Datum) -> Bool { a.float8.sqlOrder(to: b.float8) == 0 }
  public static func hash(_ a: Datum) -> UInt32 { hash(a.float8) }

  /// Zeros of both signs hash alike, as do all NaNs.
  static func hash(_ value: Double) -> UInt32 {
    if value == 0 { return 0 }
    return withBytes(value) { Hashing.bytes($0) }
  }

  static func hash(_ value: Double, seed: UInt64) -> UInt64 {
    if value == 0 { return seed }
    return withBytes(value) { Hashing.bytes($0, seed: seed) }
  }

  private static func withBytes<Result>(_ value: Double, _ body: (ByteView) -> Result) -> Result {
    ByteView.withBytes(of: (value.isNaN ? Double.nan : value).bitPattern, body)
  }

  static let functions = TypeDescriptor.Functions(
    input: { (text, _, _, _) throws(TypeError) in Datum(try FloatText.parseDouble(text)) },
    output: { value, settings, text in
      if settings.extraFloatDigits > 0 {
        FloatText.appendShortest(value.float8, to: &text)
      } else {
        FloatText.append(value.float8, digits: 15 + settings.extraFloatDigits, to: &text)
      }
    },
    receive: { (message, _, _) throws(TypeError) in Datum(word: try message.integer(UInt64.self)) },
    send: { value, message in message.append(bigEndian: value.word) },
    compare: compare, equal: equal, hash: { hash($0) },
    hashExtended: { hash($0.float8, seed: $1) })
}

/// The type `real`.
public enum Float4Type {
  @inlinable public static func compare(_ a: Datum, _ b: Datum) -> Int { a.float4.sqlOrder(to: b.float4) }
  @inlinable public static func equal(_ a: Datum, _ b: Datum) -> Bool { a.float4.sqlOrder(to: b.float4) == 0 }
  /// The same as of the same number as `double precision`.
  public static func hash(_ a: Datum) -> UInt32 { Float8Type.hash(Double(a.float4)) }

  static let functions = TypeDescriptor.Functions(
    input: { (text, _, _, _) throws(TypeError) in Datum(try FloatText.parseFloat(text)) },
    output: { value, settings, text in
      if settings.extraFloatDigits > 0 {
        FloatText.appendShortest(value.float4, to: &text)
      } else {
        FloatText.append(Double(value.float4), digits: 6 + settings.extraFloatDigits, to: &text)
      }
    },
    receive: { (message, _, _) throws(TypeError) in Datum(Float(bitPattern: try message.integer(UInt32.self))) },
    send: { value, message in message.append(bigEndian: value.float4.bitPattern) },
    compare: compare, equal: equal, hash: hash,
    hashExtended: { Float8Type.hash(Double($0.float4), seed: $1) })
}
