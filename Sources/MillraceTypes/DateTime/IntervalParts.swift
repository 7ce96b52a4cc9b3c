/// An interval while its text is read: sums in each unit, which may be larger than an ``Interval`` has room for
/// (datetime.c's pg_itm_in and its Adjust functions).
struct IntervalParts {
  var years: Int64 = 0
  var months: Int64 = 0
  var days: Int64 = 0
  var microseconds: Int64 = 0
  /// Then the sign is that of the years.
  private(set) var isInfinite = false

  static func infinite(_ sign: Int64) -> IntervalParts {
    var parts = IntervalParts()
    parts.years = sign
    parts.isInfinite = true
    return parts
  }

  private static func add(_ value: Int64, times scale: Int64, to sum: inout Int64) throws(DateTimeError) {
    let (product, tooLarge) = value.multipliedReportingOverflow(by: scale)
    let (result, overflows) = sum.addingReportingOverflow(product)
    guard !tooLarge, !overflows, Int32(exactly: result) != nil, Int32(exactly: value) != nil else {
      throw .fieldOverflow
    }
    sum = result
  }

  mutating func addMicroseconds(_ value: Int64, _ fraction: Double, _ scale: Int64) throws(DateTimeError) {
    let (product, tooLarge) = value.multipliedReportingOverflow(by: scale)
    let (sum, overflows) = microseconds.addingReportingOverflow(product)
    guard !tooLarge, !overflows else { throw .fieldOverflow }
    microseconds = sum
    try addFraction(fraction, ofMicroseconds: scale)
  }

  mutating func addFraction(_ fraction: Double, ofMicroseconds scale: Int64) throws(DateTimeError) {
    if fraction == 0 { return }
    let product = fraction * Double(scale)
    var whole = Int64(product)
    let rest = product - Double(whole)
    if rest > 0.5 { whole += 1 } else if rest < -0.5 { whole -= 1 }
    let (sum, overflows) = microseconds.addingReportingOverflow(whole)
    guard !overflows else { throw .fieldOverflow }
    microseconds = sum
  }

  mutating func addDays(_ value: Int64, _ scale: Int64 = 1) throws(DateTimeError) {
    try Self.add(value, times: scale, to: &days)
  }

  /// Whole days of it are days, the rest is time.
  mutating func addFraction(_ fraction: Double, ofDays scale: Int64) throws(DateTimeError) {
    if fraction == 0 { return }
    let product = fraction * Double(scale)
    let whole = Int64(product)
    try Self.add(whole, times: 1, to: &days)
    try addFraction(product - Double(whole), ofMicroseconds: Calendar.microsecondsPerDay)
  }

  mutating func addMonths(_ value: Int64) throws(DateTimeError) { try Self.add(value, times: 1, to: &months) }

  mutating func addYears(_ value: Int64, _ fraction: Double, _ scale: Int64 = 1) throws(DateTimeError) {
    try Self.add(value, times: scale, to: &years)
    let months = (fraction * Double(scale) * 12).rounded(.toNearestOrEven)
    try Self.add(Int64(months), times: 1, to: &self.months)
  }

  mutating func negate() throws(DateTimeError) {
    guard years != Int64(Int32.min), months != Int64(Int32.min), days != Int64(Int32.min), microseconds != .min else {
      throw .fieldOverflow
    }
    (years, months, days, microseconds) = (-years, -months, -days, -microseconds)
  }

  /// nil where there are too many months, or where it would read as infinite.
  var interval: Interval? {
    guard let months = Int32(exactly: years * 12 + months), let days = Int32(exactly: days) else { return nil }
    let interval = Interval(months: months, days: days, microseconds: microseconds)
    return interval.isFinite ? interval : nil
  }
}
