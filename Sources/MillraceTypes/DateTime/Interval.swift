/// A span of time in the three units that cannot be converted into each other: months, days, microseconds.
public struct Interval: Equatable, Sendable {
  public var months: Int32
  public var days: Int32
  public var microseconds: Int64

  public init(months: Int32 = 0, days: Int32 = 0, microseconds: Int64 = 0) {
    self.months = months
    self.days = days
    self.microseconds = microseconds
  }

  public static let infinity = Interval(months: .max, days: .max, microseconds: .max)
  public static let minusInfinity = Interval(months: .min, days: .min, microseconds: .min)

  public var isFinite: Bool { self != .infinity && self != .minusInfinity }
  public var isInfinity: Bool { self == .infinity }
  public var isMinusInfinity: Bool { self == .minusInfinity }

  static let outOfRange = TypeError(.datetimeFieldOverflow, "interval out of range")

  // MARK: - Comparison

  /// In microseconds, a month having 30 days and a day 24 hours.
  var comparisonValue: Int128 {
    Int128(microseconds) + (Int128(months) * 30 + Int128(days)) * Int128(Calendar.microsecondsPerDay)
  }

  public static func compare(_ a: Interval, _ b: Interval) -> Int {
    let (left, right) = (a.comparisonValue, b.comparisonValue)
    return left < right ? -1 : left == right ? 0 : 1
  }

  public var sign: Int { comparisonValue.signum() < 0 ? -1 : comparisonValue == 0 ? 0 : 1 }

  // MARK: - Sums

  public static func negating(_ a: Interval) throws(TypeError) -> Interval {
    if a.isInfinity { return .minusInfinity }
    if a.isMinusInfinity { return .infinity }
    guard a.months != .min, a.days != .min, a.microseconds != .min else { throw outOfRange }
    let result = Interval(months: -a.months, days: -a.days, microseconds: -a.microseconds)
    guard result.isFinite else { throw outOfRange }
    return result
  }

  public static func adding(_ a: Interval, _ b: Interval) throws(TypeError) -> Interval {
    if !a.isFinite || !b.isFinite {
      if !a.isFinite && !b.isFinite && a != b { throw outOfRange }
      return a.isFinite ? b : a
    }
    let (months, monthsOverflow) = a.months.addingReportingOverflow(b.months)
    let (days, daysOverflow) = a.days.addingReportingOverflow(b.days)
    let (microseconds, timeOverflows) = a.microseconds.addingReportingOverflow(b.microseconds)
    let result = Interval(months: months, days: days, microseconds: microseconds)
    guard !monthsOverflow, !daysOverflow, !timeOverflows, result.isFinite else { throw outOfRange }
    return result
  }

  public static func subtracting(_ a: Interval, _ b: Interval) throws(TypeError) -> Interval {
    if !b.isFinite { return try adding(a, try negating(b)) }
    if !a.isFinite { return a }
    let (months, monthsOverflow) = a.months.subtractingReportingOverflow(b.months)
    let (days, daysOverflow) = a.days.subtractingReportingOverflow(b.days)
    let (microseconds, timeOverflows) = a.microseconds.subtractingReportingOverflow(b.microseconds)
    let result = Interval(months: months, days: days, microseconds: microseconds)
    guard !monthsOverflow, !daysOverflow, !timeOverflows, result.isFinite else { throw outOfRange }
    return result
  }

  // MARK: - Products

  /// `TSROUND`: to whole microseconds, of seconds.
  private static func roundedToMicroseconds(_ value: Double) -> Double {
    (value * 1_000_000).rounded(.toNearestOrEven) / 1_000_000
  }

  private static func int32(_ value: Double) throws(TypeError) -> Int32 {
    guard let result = Int32(exactly: value.rounded(.towardZero)) else { throw outOfRange }
    return result
  }

  /// Spills fractions of months into days, and of days into time (interval_mul, interval_div).
  private static func scaled(_ a: Interval, by operation: (Double) -> Double) throws(TypeError) -> Interval {
    let monthsProduct = operation(Double(a.months))
    let daysProduct = operation(Double(a.days))
    guard !monthsProduct.isNaN, !daysProduct.isNaN else { throw outOfRange }
    let months = try int32(monthsProduct)
    var days = try int32(daysProduct)
    // What is left of months is thirty days each; the time is rounded so that representation errors do not show.
    let restDays = roundedToMicroseconds((monthsProduct - Double(months)) * 30)
    var seconds = roundedToMicroseconds(
      (daysProduct - Double(days) + restDays - restDays.rounded(.towardZero)) * 86_400)
    // Rounding may have made a whole day of it, where the months' share would not have.
    if abs(seconds) >= 86_400 {
      let whole = Int32(seconds / 86_400)
      let (sum, overflows) = days.addingReportingOverflow(whole)
      if overflows { throw outOfRange }
      days = sum
      seconds -= Double(whole) * 86_400
    }
    let (sum, overflows) = days.addingReportingOverflow(Int32(restDays.rounded(.towardZero)))
    if overflows { throw outOfRange }
    let time = (operation(Double(a.microseconds)) + seconds * 1_000_000).rounded(.toNearestOrEven)
    guard !time.isNaN, let microseconds = Int64(exactly: time) else { throw outOfRange }
    let result = Interval(months: months, days: sum, microseconds: microseconds)
    guard result.isFinite else { throw outOfRange }
    return result
  }

  public static func multiplying(_ a: Interval, by factor: Double) throws(TypeError) -> Interval {
    if factor.isNaN { throw outOfRange }
    if factor.isInfinite || !a.isFinite {
      let sign = a.sign * (factor < 0 ? -1 : factor == 0 ? 0 : 1)
      if sign == 0 { throw outOfRange }
      return sign > 0 ? .infinity : .minusInfinity
    }
    return try scaled(a) { $0 * factor }
  }

  public static func dividing(_ a: Interval, by divisor: Double) throws(TypeError) -> Interval {
    if divisor == 0 { throw .divisionByZero }
    if divisor.isNaN { throw outOfRange }
    if !a.isFinite {
      if divisor.isInfinite { throw outOfRange }
      return divisor < 0 ? try negating(a) : a
    }
    return try scaled(a) { $0 / divisor }
  }

  // MARK: - Justification

  /// `justify_hours`: 24 hours make a day.
  public func justifyingHours() throws(TypeError) -> Interval {
    guard isFinite else { return self }
    var result = self
    try result.moveWholeDays()
    result.balanceDays()
    return result
  }

  /// `justify_days`: 30 days make a month.
  public func justifyingDays() throws(TypeError) -> Interval {
    guard isFinite else { return self }
    var result = self
    try result.moveWholeMonths()
    result.balanceMonths()
    return result
  }

  /// `justify_interval`: both, and all parts get the same sign.
  public func justified() throws(TypeError) -> Interval {
    guard isFinite else { return self }
    var result = self
    if (result.days > 0 && result.microseconds > 0) || (result.days < 0 && result.microseconds < 0) {
      // Done before, lest days overflow by what belongs to months.
      try result.moveWholeMonths()
    }
    try result.moveWholeDays()
    try result.moveWholeMonths()
    if result.months > 0 && (result.days < 0 || (result.days == 0 && result.microseconds < 0)) {
      result.days += 30
      result.months -= 1
    } else if result.months < 0 && (result.days > 0 || (result.days == 0 && result.microseconds > 0)) {
      result.days -= 30
      result.months += 1
    }
    result.balanceDays()
    return result
  }

  private mutating func moveWholeDays() throws(TypeError) {
    let whole = microseconds / Calendar.microsecondsPerDay
    microseconds -= whole * Calendar.microsecondsPerDay
    let (sum, overflows) = days.addingReportingOverflow(Int32(whole))
    if overflows { throw Self.outOfRange }
    days = sum
  }

  private mutating func moveWholeMonths() throws(TypeError) {
    let whole = days / 30
    days -= whole * 30
    let (sum, overflows) = months.addingReportingOverflow(whole)
    if overflows { throw Self.outOfRange }
    months = sum
  }

  private mutating func balanceDays() {
    if days > 0 && microseconds < 0 {
      microseconds += Calendar.microsecondsPerDay
      days -= 1
    } else if days < 0 && microseconds > 0 {
      microseconds -= Calendar.microsecondsPerDay
      days += 1
    }
  }

  private mutating func balanceMonths() {
    if months > 0 && days < 0 {
      days += 30
      months -= 1
    } else if months < 0 && days > 0 {
      days -= 30
      months += 1
    }
  }
}
