/// Sums and differences of timestamps and intervals. Where a zone is given, a day is as long as it is there, and months
/// and days keep the local time.
extension Timestamp {
  public static func adding(_ timestamp: Int64, _ interval: Interval, in zone: TimeZone? = nil) throws(TypeError)
    -> Int64
  {
    if !interval.isFinite {
      let infinite = interval.isInfinity ? infinity : minusInfinity
      guard isFinite(timestamp) || timestamp == infinite else { throw outOfRange }
      return infinite
    }
    guard isFinite(timestamp) else { return timestamp }
    var result = timestamp
    if interval.months != 0 { result = try addMonths(interval.months, to: result, zone) }
    if interval.days != 0 { result = try addDays(interval.days, to: result, zone) }
    let (sum, overflows) = result.addingReportingOverflow(interval.microseconds)
    guard !overflows, range.contains(sum) else { throw outOfRange }
    return sum
  }

  public static func subtracting(
    _ timestamp: Int64, _ interval: Interval, in zone: TimeZone? = nil
  ) throws(TypeError) -> Int64 {
    try adding(timestamp, try Interval.negating(interval), in: zone)
  }

  private static func parts(_ timestamp: Int64, _ zone: TimeZone?) -> LocalTime {
    zone.map { localTime(ofTimestampTZ: timestamp, in: $0).time } ?? localTime(timestamp)
  }

  private static func timestamp(_ time: LocalTime, _ zone: TimeZone?) throws(TypeError) -> Int64 {
    guard let result = zone.map({ timestampTZ(time, in: $0) }) ?? timestamp(time) else { throw outOfRange }
    return result
  }

  private static func addMonths(_ months: Int32, to timestamp: Int64, _ zone: TimeZone?) throws(TypeError) -> Int64 {
    var time = parts(timestamp, zone)
    let month = time.year * 12 + time.month - 1 + Int(months)
    time.year = month >= 0 ? month / 12 : -((11 - month) / 12)
    time.month = month - time.year * 12 + 1
    time.day = min(time.day, Calendar.days(inMonth: time.month, year: time.year))
    return try Self.timestamp(time, zone)
  }

  private static func addDays(_ days: Int32, to timestamp: Int64, _ zone: TimeZone?) throws(TypeError) -> Int64 {
    var time = parts(timestamp, zone)
    let day = time.julianDay + Int(days)
    guard day >= 0, day <= Int(Int32.max) else { throw outOfRange }
    time.setDate(julianDay: day)
    return try Self.timestamp(time, zone)
  }

  /// Days and time; no months, for they have no length.
  public static func difference(_ a: Int64, _ b: Int64) throws(TypeError) -> Interval {
    guard isFinite(a), isFinite(b) else { return try infiniteDifference(a, b) }
    let (difference, overflows) = a.subtractingReportingOverflow(b)
    if overflows { throw Interval.outOfRange }
    return try Interval(microseconds: difference).justifyingHours()
  }

  private static func infiniteDifference(_ a: Int64, _ b: Int64) throws(TypeError) -> Interval {
    if a == b { throw Interval.outOfRange }
    return a == infinity || b == minusInfinity ? .infinity : .minusInfinity
  }

  /// `age`: the difference in years, months, days and time, as one would say it.
  public static func age(_ a: Int64, _ b: Int64, in zone: TimeZone? = nil) throws(TypeError) -> Interval {
    guard isFinite(a), isFinite(b) else { return try infiniteDifference(a, b) }
    let (first, second) = (parts(a, zone), parts(b, zone))
    var (years, months, days) = (first.year - second.year, first.month - second.month, first.day - second.day)
    var time = first.timeOfDay - second.timeOfDay
    let isNegative = a < b
    if isNegative { (years, months, days, time) = (-years, -months, -days, -time) }
    if time < 0 {
      time += Calendar.microsecondsPerDay
      days -= 1
    }
    // Borrowed days are those of the month in which the earlier of both lies.
    let borrowed = isNegative ? first : second
    while days < 0 {
      days += Calendar.days(inMonth: borrowed.month, year: borrowed.year)
      months -= 1
    }
    while months < 0 {
      months += 12
      years -= 1
    }
    let sign = isNegative ? -1 : 1
    return Interval(
      months: Int32(sign * (years * 12 + months)), days: Int32(sign * days), microseconds: Int64(sign) * time)
  }

  /// `date_bin`: the beginning of the span of that length, counted from the origin, in which a timestamp is.
  public static func bin(_ stride: Interval, _ timestamp: Int64, origin: Int64) throws(TypeError) -> Int64 {
    guard isFinite(timestamp) else { return timestamp }
    if !isFinite(origin) { throw TypeError(.datetimeFieldOverflow, "origin out of range") }
    if !stride.isFinite {
      throw TypeError(.datetimeFieldOverflow, "timestamps cannot be binned into infinite intervals")
    }
    if stride.months != 0 {
      throw TypeError(
        .featureNotSupported, "timestamps cannot be binned into intervals containing months or years")
    }
    let (dayTime, tooLarge) = Int64(stride.days).multipliedReportingOverflow(by: Calendar.microsecondsPerDay)
    let (length, overflows) = dayTime.addingReportingOverflow(stride.microseconds)
    if tooLarge || overflows { throw Interval.outOfRange }
    if length <= 0 { throw TypeError(.datetimeFieldOverflow, "stride must be greater than zero") }
    let (distance, distanceOverflows) = timestamp.subtractingReportingOverflow(origin)
    if distanceOverflows { throw Interval.outOfRange }
    var rest = distance % length
    if rest < 0 { rest += length }
    let (result, resultOverflows) = timestamp.subtractingReportingOverflow(rest)
    guard !resultOverflows, range.contains(result) else { throw outOfRange }
    return result
  }
}
