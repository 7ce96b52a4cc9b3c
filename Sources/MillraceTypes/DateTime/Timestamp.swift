/// Computing with timestamps: microseconds since 2000-01-01, the largest and the smallest of which are infinite
/// (PostgreSQL's timestamp.c).
public enum Timestamp {
  public static let infinity = Int64.max
  public static let minusInfinity = Int64.min
  /// 4714-11-24 BC, and the end of the year 294276.
  static let range: Range<Int64> = -211_813_488_000_000_000..<9_223_371_331_200_000_000

  @inlinable public static func isFinite(_ timestamp: Int64) -> Bool {
    timestamp != infinity && timestamp != minusInfinity
  }

  static let outOfRange = TypeError(.datetimeFieldOverflow, "timestamp out of range")

  // MARK: - Parts

  private static func divided(_ timestamp: Int64) -> (days: Int, rest: Int64) {
    var days = timestamp / Calendar.microsecondsPerDay
    var rest = timestamp % Calendar.microsecondsPerDay
    if rest < 0 {
      rest += Calendar.microsecondsPerDay
      days -= 1
    }
    return (Int(days), rest)
  }

  /// The parts of a finite timestamp.
  public static func localTime(_ timestamp: Int64) -> LocalTime {
    let (days, rest) = divided(timestamp)
    var time = LocalTime()
    time.setDate(julianDay: days + Calendar.postgresEpochDay)
    time.setTime(microseconds: rest)
    return time
  }

  /// What clocks show in a zone at a finite time, with the offset east of UTC in seconds.
  public static func localTime(
    ofTimestampTZ timestamp: Int64, in zone: TimeZone
  ) -> (time: LocalTime, offset: Int, abbreviation: String) {
    let period = zone.period(at: unixSeconds(timestamp))
    return (
      localTime(timestamp + Int64(period.offset) * Calendar.microsecondsPerSecond), period.offset, period.abbreviation
    )
  }

  /// Seconds since 1970, rounded down.
  static func unixSeconds(_ timestamp: Int64) -> Int64 {
    var seconds = timestamp / Calendar.microsecondsPerSecond
    if timestamp % Calendar.microsecondsPerSecond < 0 { seconds -= 1 }
    return seconds + Int64(Calendar.postgresEpochDay - Calendar.unixEpochDay) * 86_400
  }

  /// A timestamp from its parts, nil where there is none. The hour may be 24.
  /// - Parameter zone: seconds west of UTC.
  public static func timestamp(_ time: LocalTime, zone: Int = 0) -> Int64? {
    guard Calendar.isValid(year: time.year, month: time.month) else { return nil }
    let days = Int64(time.julianDay - Calendar.postgresEpochDay)
    let (product, tooLarge) = days.multipliedReportingOverflow(by: Calendar.microsecondsPerDay)
    let (sum, overflows) = product.addingReportingOverflow(time.timeOfDay)
    guard !tooLarge, !overflows else { return nil }
    let (result, zoneOverflows) = sum.addingReportingOverflow(Int64(zone) * Calendar.microsecondsPerSecond)
    return !zoneOverflows && range.contains(result) ? result : nil
  }

  /// A time with a zone from what clocks show in it.
  public static func timestampTZ(_ time: LocalTime, in zone: TimeZone) -> Int64? {
    timestamp(time, zone: -zone.offset(atLocal: time.unixSeconds).offset)
  }

  // MARK: - Conversions

  /// The time that clocks show in a zone.
  public static func local(_ timestamp: Int64, in zone: TimeZone) throws(TypeError) -> Int64 {
    guard isFinite(timestamp) else { return timestamp }
    let offset = zone.period(at: unixSeconds(timestamp)).offset
    let (result, overflows) = timestamp.addingReportingOverflow(Int64(offset) * Calendar.microsecondsPerSecond)
    guard !overflows, range.contains(result) else { throw outOfRange }
    return result
  }

  /// The time at which clocks in a zone show this.
  public static func absolute(_ local: Int64, in zone: TimeZone) throws(TypeError) -> Int64 {
    guard isFinite(local) else { return local }
    guard let result = timestampTZ(localTime(local), in: zone) else { throw outOfRange }
    return result
  }

  /// The day that a timestamp is in.
  public static func date(_ timestamp: Int64) -> Int32 {
    if timestamp == infinity { return SQLDate.infinity }
    if timestamp == minusInfinity { return SQLDate.minusInfinity }
    return Int32(divided(timestamp).days)
  }

  /// Microseconds since midnight of a finite timestamp.
  public static func timeOfDay(_ timestamp: Int64) -> Int64 { divided(timestamp).rest }

  /// `to_timestamp(double precision)`: from seconds since 1970.
  public static func fromUnix(_ seconds: Double) throws(TypeError) -> Int64 {
    if seconds.isNaN { throw TypeError(.datetimeFieldOverflow, "timestamp cannot be NaN") }
    if seconds.isInfinite { return seconds < 0 ? minusInfinity : infinity }
    let epoch = Double((Calendar.postgresEpochDay - Calendar.unixEpochDay) * 86_400)
    let low = -Double(Calendar.unixEpochDay) * 86_400
    let high = Double(109_203_528 - Calendar.unixEpochDay) * 86_400
    func refusal() -> TypeError {
      var text: [UInt8] = []
      text.append(contentsOf: FloatText.format("%.*g", 6, seconds))
      return TypeError(
        .datetimeFieldOverflow, "timestamp out of range: \"\(String(decoding: text, as: UTF8.self))\"")
    }
    guard seconds >= low, seconds < high else { throw refusal() }
    let microseconds = ((seconds - epoch) * 1_000_000).rounded(.toNearestOrEven)
    guard let result = Int64(exactly: microseconds), range.contains(result) else { throw refusal() }
    return result
  }

  /// Rounds to so many digits of seconds.
  public static func rounded(_ timestamp: Int64, digits: Int32) -> Int64 {
    guard isFinite(timestamp), 0..<6 ~= digits else { return timestamp }
    var unit: Int64 = 1
    for _ in digits..<6 { unit *= 10 }
    return timestamp >= 0 ? (timestamp + unit / 2) / unit * unit : -((-timestamp + unit / 2) / unit * unit)
  }
}
