/// The state of `avg`, `variance` and their kin over floating-point numbers (float.c's float8_accum): the sum and the
/// sum of squared differences from the mean, by Youngs and Cramer (1971).
@frozen public struct FloatAccumulator: Sendable {
  @usableFromInline var count = 0.0
  @usableFromInline var sum = 0.0
  @usableFromInline var squares = 0.0

  @inlinable public init() {}

  @inlinable public mutating func add(_ value: Double) throws(TypeError) {
    let before = (count: count, sum: sum)
    count += 1
    sum += value
    guard before.count > 0 else {
      if value.isNaN || value.isInfinite { squares = .nan }
      return
    }
    let difference = value * count - sum
    squares += difference * difference / (count * before.count)
    if sum.isInfinite || squares.isInfinite {
      if !before.sum.isInfinite && !value.isInfinite { throw .floatOverflow }
      squares = .nan
    }
  }

  /// Adds what another worker has accumulated.
  public mutating func combine(_ other: FloatAccumulator) throws(TypeError) {
    if other.count == 0 { return }
    if count == 0 {
      self = other
      return
    }
    let total = count + other.count
    let difference = sum / count - other.sum / other.count
    let combined = squares + other.squares + count * other.count * difference * difference / total
    if combined.isInfinite && !squares.isInfinite && !other.squares.isInfinite { throw .floatOverflow }
    sum = try Double.adding(sum, other.sum)
    squares = combined
    count = total
  }

  /// nil where there was no value.
  public var average: Double? { count > 0 ? sum / count : nil }

  /// `var_samp` and `var_pop`.
  public func variance(ofSample: Bool) -> Double? {
    let divisor = ofSample ? count - 1 : count
    return divisor > 0 ? squares / divisor : nil
  }

  /// `stddev_samp` and `stddev_pop`.
  public func standardDeviation(ofSample: Bool) -> Double? { variance(ofSample: ofSample).map { $0.squareRoot() } }
}
