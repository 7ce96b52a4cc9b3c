#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The floating-point numbers of SQL. A finite operation whose result is infinite, or zero where it should not be,
/// throws 22003 (float.c).
public protocol SQLFloat: BinaryFloatingPoint & BitwiseCopyable & Sendable {}

extension Double: SQLFloat {}
extension Float: SQLFloat {}

extension TypeError {
  @usableFromInline static var floatOverflow: TypeError {
    @inline(never) get { TypeError(.numericValueOutOfRange, "value out of range: overflow") }
  }
  @usableFromInline static var floatUnderflow: TypeError {
    @inline(never) get { TypeError(.numericValueOutOfRange, "value out of range: underflow") }
  }
}

extension SQLFloat {
  /// Negative, zero or positive; NaN is the greatest and equal to itself.
  @inlinable public func sqlOrder(to other: Self) -> Int {
    if self < other { return -1 }
    if self > other { return 1 }
    if self == other { return 0 }
    return (isNaN ? 1 : 0) - (other.isNaN ? 1 : 0)
  }

  @inlinable public static func adding(_ a: Self, _ b: Self) throws(TypeError) -> Self {
    let sum = a + b
    if sum.isInfinite && !a.isInfinite && !b.isInfinite { throw .floatOverflow }
    return sum
  }

  @inlinable public static func subtracting(_ a: Self, _ b: Self) throws(TypeError) -> Self {
    let difference = a - b
    if difference.isInfinite && !a.isInfinite && !b.isInfinite { throw .floatOverflow }
    return difference
  }

  @inlinable public static func multiplying(_ a: Self, _ b: Self) throws(TypeError) -> Self {
    let product = a * b
    if product.isInfinite && !a.isInfinite && !b.isInfinite { throw .floatOverflow }
    if product == 0 && a != 0 && b != 0 { throw .floatUnderflow }
    return product
  }

  @inlinable public static func dividing(_ a: Self, by b: Self) throws(TypeError) -> Self {
    if b == 0 && !a.isNaN { throw .divisionByZero }
    let quotient = a / b
    if quotient.isInfinite && !a.isInfinite { throw .floatOverflow }
    if quotient == 0 && a != 0 && !b.isInfinite { throw .floatUnderflow }
    return quotient
  }
}

extension Float {
  /// `real` from `double precision`.
  @inlinable public static func converting(_ value: Double) throws(TypeError) -> Float {
    let result = Float(value)
    if result.isInfinite && !value.isInfinite { throw .floatOverflow }
    if result == 0 && value != 0 { throw .floatUnderflow }
    return result
  }
}

extension Double {
  public static func squareRoot(_ value: Double) throws(TypeError) -> Double {
    if value < 0 {
      throw TypeError(.invalidArgumentForPowerFunction, "cannot take square root of a negative number")
    }
    return value.squareRoot()
  }

  public static func exponential(_ value: Double) throws(TypeError) -> Double {
    if value.isNaN { return value }
    if value.isInfinite { return value > 0 ? value : 0 }
    let result = exp(value)
    if result.isInfinite { throw .floatOverflow }
    if result == 0 { throw .floatUnderflow }
    return result
  }

  private static func checkLogarithm(_ value: Double) throws(TypeError) {
    if value == 0 { throw TypeError(.invalidArgumentForLogarithm, "cannot take logarithm of zero") }
    if value < 0 { throw TypeError(.invalidArgumentForLogarithm, "cannot take logarithm of a negative number") }
  }

  public static func naturalLogarithm(_ value: Double) throws(TypeError) -> Double {
    try checkLogarithm(value)
    return log(value)
  }

  public static func decimalLogarithm(_ value: Double) throws(TypeError) -> Double {
    try checkLogarithm(value)
    return log10(value)
  }

  /// `power`, with POSIX's results for infinities and PostgreSQL's refusals.
  public static func power(_ base: Double, _ exponent: Double) throws(TypeError) -> Double {
    if base.isNaN || exponent.isNaN { return base == 1 || exponent == 0 ? 1 : .nan }
    if base == 0 && exponent < 0 {
      throw TypeError(.invalidArgumentForPowerFunction, "zero raised to a negative power is undefined")
    }
    if base < 0 && exponent.rounded(.down) != exponent {
      throw TypeError(
        .invalidArgumentForPowerFunction,
        "a negative number raised to a non-integer power yields a complex result")
    }
    let result = pow(base, exponent)
    if base.isInfinite || exponent.isInfinite { return result }
    if result.isInfinite { throw .floatOverflow }
    if result == 0 && base != 0 { throw .floatUnderflow }
    return result
  }
}
