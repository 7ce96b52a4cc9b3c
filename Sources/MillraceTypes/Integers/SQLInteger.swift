/// The integers of SQL: `smallint`, `integer`, `bigint`.
///
/// Their arithmetic is a few instructions and no allocation; what does not fit throws 22003 in PostgreSQL's words
/// (int.c, int8.c).
public protocol SQLInteger: FixedWidthInteger & SignedInteger & BitwiseCopyable & Sendable {
  /// The type's name in messages.
  static var sqlName: StaticString { get }
}

extension Int16: SQLInteger {
  @inlinable public static var sqlName: StaticString { "smallint" }
}

extension Int32: SQLInteger {
  @inlinable public static var sqlName: StaticString { "integer" }
}

extension Int64: SQLInteger {
  @inlinable public static var sqlName: StaticString { "bigint" }
}

extension SQLInteger {
  @inlinable public static func adding(_ a: Self, _ b: Self) throws(TypeError) -> Self {
    let (sum, overflows) = a.addingReportingOverflow(b)
    if overflows { throw .outOfRange(sqlName) }
    return sum
  }

  @inlinable public static func subtracting(_ a: Self, _ b: Self) throws(TypeError) -> Self {
    let (difference, overflows) = a.subtractingReportingOverflow(b)
    if overflows { throw .outOfRange(sqlName) }
    return difference
  }

  @inlinable public static func multiplying(_ a: Self, _ b: Self) throws(TypeError) -> Self {
    let (product, overflows) = a.multipliedReportingOverflow(by: b)
    if overflows { throw .outOfRange(sqlName) }
    return product
  }

  /// Truncates toward zero.
  @inlinable public static func dividing(_ a: Self, by b: Self) throws(TypeError) -> Self {
    if b == 0 { throw .divisionByZero }
    let (quotient, overflows) = a.dividedReportingOverflow(by: b)
    if overflows { throw .outOfRange(sqlName) }
    return quotient
  }

  /// The remainder, with the dividend's sign.
  @inlinable public static func remainder(_ a: Self, by b: Self) throws(TypeError) -> Self {
    if b == 0 { throw .divisionByZero }
    // The smallest number divided by -1 overflows; its remainder is zero all the same.
    if b == -1 { return 0 }
    return a % b
  }

  @inlinable public static func negating(_ a: Self) throws(TypeError) -> Self {
    if a == .min { throw .outOfRange(sqlName) }
    return 0 - a
  }

  @inlinable public static func absolute(_ a: Self) throws(TypeError) -> Self { a < 0 ? try negating(a) : a }

  /// A number of another width, if it fits.
  @inlinable public static func converting<Other: SQLInteger>(_ a: Other) throws(TypeError) -> Self {
    guard let value = Self(exactly: a) else { throw .outOfRange(sqlName) }
    return value
  }

  /// The nearest integer, the even one of two (`rint`).
  @inlinable public static func rounding(_ a: Double) throws(TypeError) -> Self {
    guard let value = Self(exactly: a.rounded(.toNearestOrEven)) else { throw .outOfRange(sqlName) }
    return value
  }

  @inlinable public static func rounding(_ a: Float) throws(TypeError) -> Self {
    guard let value = Self(exactly: a.rounded(.toNearestOrEven)) else { throw .outOfRange(sqlName) }
    return value
  }

  /// A shift by as many bits as C takes on this machine: the count modulo the width, which is at least 32 bits.
  @inlinable public static func shiftingLeft(_ a: Self, by count: Int32) -> Self {
    let width = Int32(Swift.max(bitWidth, 32))
    return Self(truncatingIfNeeded: Int64(a) << Int64(count & (width - 1)))
  }

  @inlinable public static func shiftingRight(_ a: Self, by count: Int32) -> Self {
    let width = Int32(Swift.max(bitWidth, 32))
    return Self(truncatingIfNeeded: Int64(a) >> Int64(count & (width - 1)))
  }

  /// The greatest common divisor, which is not negative.
  public static func greatestCommonDivisor(_ a: Self, _ b: Self) throws(TypeError) -> Self {
    var (large, small) = (a.magnitude, b.magnitude)
    while small != 0 { (large, small) = (small, large % small) }
    guard let divisor = Self(exactly: large) else { throw .outOfRange(sqlName) }
    return divisor
  }

  /// The least common multiple, which is not negative.
  public static func leastCommonMultiple(_ a: Self, _ b: Self) throws(TypeError) -> Self {
    if a == 0 || b == 0 { return 0 }
    return try absolute(try multiplying(a / (try greatestCommonDivisor(a, b)), b))
  }
}
