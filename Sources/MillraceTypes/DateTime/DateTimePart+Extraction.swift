/// Taking fields out of dates, times and intervals (timestamp.c's extract functions).
extension DateTimePart {
  private static func wholeYear(_ year: Int) -> Int { year > 0 ? year : year - 1 }

  /// Divides rounding to minus infinity.
  private static func floorDivided(_ value: Int, by divisor: Int) -> Int {
    value >= 0 ? value / divisor : -((divisor - 1 - value) / divisor)
  }

  /// The field of a broken-down time; nil for those that need more than that.
  private func value(of time: LocalTime) -> DateTimePartValue? {
    switch self {
    case .microsecond: return DateTimePartValue(time.second * 1_000_000 + time.microsecond)
    case .millisecond: return DateTimePartValue(Int128(time.second * 1_000_000 + time.microsecond), scale: 3)
    case .second: return DateTimePartValue(Int128(time.second * 1_000_000 + time.microsecond), scale: 6)
    case .minute: return DateTimePartValue(time.minute)
    case .hour: return DateTimePartValue(time.hour)
    case .day: return DateTimePartValue(time.day)
    case .month: return DateTimePartValue(time.month)
    case .quarter: return DateTimePartValue((time.month - 1) / 3 + 1)
    case .week: return DateTimePartValue(Calendar.isoWeek(year: time.year, month: time.month, day: time.day).week)
    case .year: return DateTimePartValue(Self.wholeYear(time.year))
    case .decade: return DateTimePartValue(Self.floorDivided(time.year, by: 10))
    case .century:
      return DateTimePartValue(time.year > 0 ? (time.year + 99) / 100 : -((99 - (time.year - 1)) / 100))
    case .millennium:
      return DateTimePartValue(time.year > 0 ? (time.year + 999) / 1000 : -((999 - (time.year - 1)) / 1000))
    case .isoYear:
      return DateTimePartValue(
        Self.wholeYear(Calendar.isoWeek(year: time.year, month: time.month, day: time.day).year))
    case .dayOfWeek: return DateTimePartValue(Calendar.weekday(time.julianDay))
    case .isoDayOfWeek:
      let day = Calendar.weekday(time.julianDay)
      return DateTimePartValue(day == 0 ? 7 : day)
    case .dayOfYear:
      return DateTimePartValue(time.julianDay - Calendar.julianDay(year: time.year, month: 1, day: 1) + 1)
    case .julian:
      let whole = Numeric(Int64(time.julianDay))
      let day = Numeric(Int64(Calendar.microsecondsPerDay))
      // A quotient that is never divided by zero.
      guard let fraction = try? Numeric.dividing(Numeric(time.timeOfDay), by: day) else { return nil }
      return DateTimePartValue(numeric: whole + fraction)
    case .epoch, .timeZone, .timeZoneHour, .timeZoneMinute: return nil
    }
  }

  /// Seconds since 1970, of a timestamp.
  private static func epoch(_ timestamp: Int64) -> DateTimePartValue {
    let start = Int64(Calendar.unixEpochDay - Calendar.postgresEpochDay) * Calendar.microsecondsPerDay
    let (difference, overflows) = timestamp.subtractingReportingOverflow(start)
    if !overflows { return DateTimePartValue(Int128(difference), scale: 6) }
    // PostgreSQL divides here, and division gives as many digits as it gives.
    let quotient = try? Numeric.dividing(Numeric(timestamp) - Numeric(start), by: Numeric(Int64(1_000_000)))
    return DateTimePartValue(
      numeric: (quotient ?? .notANumber).rounded(toScale: 6), float: (Double(timestamp) - Double(start)) / 1_000_000)
  }

  private func value(ofInfinite isNegative: Bool) -> DateTimePartValue? {
    isMonotonic ? (isNegative ? .minusInfinity : .infinity) : nil
  }

  /// `extract(part from timestamp)`; nil is NULL.
  public static func extract(_ name: ByteView, from timestamp: Int64) throws(TypeError) -> DateTimePartValue? {
    let part = try DateTimePart(named: name, of: .timestamp)
    guard Timestamp.isFinite(timestamp) else { return part.value(ofInfinite: timestamp < 0) }
    switch part {
    case .timeZone, .timeZoneHour, .timeZoneMinute: throw notSupported(name, .timestamp)
    default: break
    }
    return part == .epoch ? epoch(timestamp) : part.value(of: Timestamp.localTime(timestamp))
  }

  /// `extract(part from timestamptz)`.
  public static func extract(
    _ name: ByteView, fromTimestampTZ timestamp: Int64, in zone: TimeZone
  ) throws(TypeError) -> DateTimePartValue? {
    let part = try DateTimePart(named: name, of: .timestampTZ)
    guard Timestamp.isFinite(timestamp) else { return part.value(ofInfinite: timestamp < 0) }
    let (time, offset, _) = Timestamp.localTime(ofTimestampTZ: timestamp, in: zone)
    switch part {
    case .epoch: return epoch(timestamp)
    case .timeZone: return DateTimePartValue(offset)
    case .timeZoneHour: return DateTimePartValue(offset / 3600)
    case .timeZoneMinute: return DateTimePartValue(offset / 60 % 60)
    default: return part.value(of: time)
    }
  }

  /// `extract(part from date)`: fields of the time of day are not supported.
  public static func extract(_ name: ByteView, fromDate date: Int32) throws(TypeError) -> DateTimePartValue? {
    let part = try DateTimePart(named: name, of: .date)
    switch part {
    case .microsecond, .millisecond, .second, .minute, .hour, .timeZone, .timeZoneHour, .timeZoneMinute:
      throw notSupported(name, .date)
    default: break
    }
    guard SQLDate.isFinite(date) else { return part.value(ofInfinite: date < 0) }
    if part == .epoch {
      return DateTimePartValue((Int(date) + Calendar.postgresEpochDay - Calendar.unixEpochDay) * 86_400)
    }
    if part == .julian { return DateTimePartValue(Int(date) + Calendar.postgresEpochDay) }
    return part.value(of: SQLDate.localTime(date))
  }

  /// `extract(part from time)`.
  public static func extract(_ name: ByteView, fromTime time: Int64) throws(TypeError) -> DateTimePartValue? {
    try extract(name, time, .time, zone: nil)
  }

  /// `extract(part from timetz)`.
  /// - Parameter zone: seconds west of UTC.
  public static func extract(
    _ name: ByteView, fromTime time: Int64, zone: Int32
  ) throws(TypeError) -> DateTimePartValue? {
    try extract(name, time, .timeTZ, zone: Int(zone))
  }

  private static func extract(
    _ name: ByteView, _ time: Int64, _ source: Source, zone: Int?
  ) throws(TypeError) -> DateTimePartValue? {
    let part = try DateTimePart(named: name, of: source)
    switch (part, zone) {
    case (.epoch, _):
      return DateTimePartValue(Int128(time) + Int128(zone ?? 0) * 1_000_000, scale: 6)
    case (.timeZone, let zone?): return DateTimePartValue(-zone)
    case (.timeZoneHour, let zone?): return DateTimePartValue(-zone / 3600)
    case (.timeZoneMinute, let zone?): return DateTimePartValue(-zone / 60 % 60)
    case (.microsecond, _), (.millisecond, _), (.second, _), (.minute, _), (.hour, _):
      var parts = LocalTime()
      parts.setTime(microseconds: time)
      return part.value(of: parts)
    default: throw notSupported(name, source)
    }
  }

  /// `extract(part from interval)`.
  public static func extract(
    _ name: ByteView, fromInterval interval: Interval
  ) throws(TypeError) -> DateTimePartValue? {
    let part = try DateTimePart(named: name, of: .interval)
    switch part {
    case .timeZone, .timeZoneHour, .timeZoneMinute, .dayOfWeek, .isoDayOfWeek, .dayOfYear, .isoYear, .julian:
      throw notSupported(name, .interval)
    default: break
    }
    guard interval.isFinite else {
      switch part {
      case .hour, .day, .year, .decade, .century, .millennium, .epoch:
        return interval.isInfinity ? .infinity : .minusInfinity
      default: return nil
      }
    }
    return part.value(of: interval)
  }

  private func value(of interval: Interval) -> DateTimePartValue {
    let seconds = Int(interval.microseconds % Calendar.microsecondsPerMinute)
    let years = Int(interval.months) / 12
    let months = Int(interval.months) % 12
    switch self {
    case .microsecond: return DateTimePartValue(seconds)
    case .millisecond: return DateTimePartValue(Int128(seconds), scale: 3)
    case .second: return DateTimePartValue(Int128(seconds), scale: 6)
    case .minute: return DateTimePartValue(Int(interval.microseconds / Calendar.microsecondsPerMinute % 60))
    case .hour: return DateTimePartValue(Int(interval.microseconds / Calendar.microsecondsPerHour))
    case .day: return DateTimePartValue(Int(interval.days))
    case .week: return DateTimePartValue(Int(interval.days) / 7)
    case .quarter: return DateTimePartValue(interval.months >= 0 ? months / 3 + 1 : -((-months) / 3 + 1))
    case .month: return DateTimePartValue(months)
    case .year: return DateTimePartValue(years)
    case .decade: return DateTimePartValue(years / 10)
    case .century: return DateTimePartValue(years / 100)
    case .millennium: return DateTimePartValue(years / 1000)
    default:
      // A year counts 365.25 days, a month 30.
      let days = Int128(years) * 1461 * 6 + Int128(months) * 30 * 24 + Int128(interval.days) * 24
      let value = days * 3600 * 1_000_000 + Int128(interval.microseconds)
      var float = Double(interval.microseconds) / 1_000_000
      float += 365.25 * 86_400 * Double(years)
      float += 30.0 * 86_400 * Double(months)
      float += 86_400.0 * Double(interval.days)
      return DateTimePartValue(numeric: Numeric(unscaled: value, scale: 6), float: float)
    }
  }
}
