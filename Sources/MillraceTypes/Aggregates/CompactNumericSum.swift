/// The sum of numeric values whose digits fit into 64 bits, and how many there were: what nearly every `sum` and `avg`
/// of numeric needs. All zeros at first. Forty bytes, trivially copied.
public struct CompactNumericSum: BitwiseCopyable, Sendable {
  public private(set) var count: Int64
  private var low: UInt64
  private var high: Int64
  /// How many digits of base 10000 stand after the sum's point.
  private var fraction: Int32
  private(set) var scale: Int32

  public init() { (count, low, high, fraction, scale) = (0, 0, 0, 0, 0) }

  private var sum: Int128 {
    @inline(__always) get { Int128(high) << 64 | Int128(low) }
    @inline(__always) set {
      low = UInt64(truncatingIfNeeded: newValue)
      high = Int64(truncatingIfNeeded: newValue >> 64)
    }
  }

  /// Adds a value in PostgreSQL's format.
  /// - Returns: false where it does not fit; then nothing has changed, and a ``NumericAccumulator`` takes it.
  @inline(__always) public mutating func add(_ datum: Datum) -> Bool {
    guard let value = CompactNumeric(datum) else { return false }
    if value.fraction > Int(fraction) {
      let unit = Int128(CompactNumeric.unit(value.fraction - Int(fraction)))
      let (widened, overflows) = sum.multipliedReportingOverflow(by: unit)
      if overflows { return false }
      sum = widened
      fraction = Int32(truncatingIfNeeded: value.fraction)
    }
    let (total, overflows) = sum.addingReportingOverflow(value.widened(to: Int(fraction)))
    if overflows { return false }
    sum = total
    count += 1
    scale = max(scale, Int32(truncatingIfNeeded: value.scale))
    return true
  }

  /// The sum, with the scale of the value that has the largest.
  var value: Numeric {
    var value = Numeric(sum)
    value.weight -= value.isZero ? 0 : Int(fraction)
    value.scale = Int(scale)
    return value
  }
}
