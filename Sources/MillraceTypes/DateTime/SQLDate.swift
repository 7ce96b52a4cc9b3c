/// Computing with dates: days since 2000-01-01, the largest and the smallest of which are infinite (PostgreSQL's
/// date.c).
public enum SQLDate {
  public static let infinity = Int32.max
  public static let minusInfinity = Int32.min
  static let range: Range<Int32> = -2_451_545..<2_145_031_949

  @inlinable public static func isFinite(_ date: Int32) -> Bool { date != infinity && date != minusInfinity }

  static let outOfRange = TypeError(.datetimeFieldOverflow, "date out of range")

  static func localTime(_ date: Int32) -> LocalTime {
    var time = LocalTime()
    time.setDate(julianDay: Int(date) + Calendar.postgresEpochDay)
    return time
  }

  /// A date from year, month and day, nil where there is none.
  static func date(_ time: LocalTime) -> Int32? {
    guard Calendar.isValid(year: time.year, month: time.month) else { return nil }
    return Int32(exactly: time.julianDay - Calendar.postgresEpochDay).flatMap { range.contains($0) ? $0 : nil }
  }

  /// `make_date`. Negative years are before Christ.
  public static func make(year: Int, month: Int, day: Int) throws(TypeError) -> Int32 {
    func refusal(_ message: String, _ year: Int) -> TypeError {
      func padded(_ number: Int, _ width: Int) -> String {
        var text: [UInt8] = []
        text.append(decimal: number, width: number < 0 ? width - 1 : width)
        return String(decoding: text, as: UTF8.self)
      }
      return TypeError(.datetimeFieldOverflow, "\(message): \(year)-\(padded(month, 2))-\(padded(day, 2))")
    }
    guard year != 0, 1...12 ~= month, day >= 1 else { throw refusal("date field value out of range", year) }
    let astronomical = year < 0 ? year + 1 : year
    guard day <= Calendar.days(inMonth: month, year: astronomical) else {
      throw refusal("date field value out of range", year)
    }
    guard let date = date(LocalTime(year: astronomical, month: month, day: day)) else {
      throw refusal("date out of range", astronomical)
    }
    return date
  }

  public static func adding(_ date: Int32, days: Int32) throws(TypeError) -> Int32 {
    guard isFinite(date) else { return date }
    let (sum, overflows) = date.addingReportingOverflow(days)
    guard !overflows, range.contains(sum) else { throw outOfRange }
    return sum
  }

  public static func subtracting(_ date: Int32, days: Int32) throws(TypeError) -> Int32 {
    guard isFinite(date) else { return date }
    let (difference, overflows) = date.subtractingReportingOverflow(days)
    guard !overflows, range.contains(difference) else { throw outOfRange }
    return difference
  }

  /// In days.
  public static func difference(_ a: Int32, _ b: Int32) throws(TypeError) -> Int32 {
    guard isFinite(a), isFinite(b) else {
      throw TypeError(.datetimeFieldOverflow, "cannot subtract infinite dates")
    }
    return a - b
  }

  /// The beginning of the day.
  public static func timestamp(_ date: Int32) throws(TypeError) -> Int64 {
    if date == infinity { return Timestamp.infinity }
    if date == minusInfinity { return Timestamp.minusInfinity }
    let (result, overflows) = Int64(date).multipliedReportingOverflow(by: Calendar.microsecondsPerDay)
    guard !overflows, Timestamp.range.contains(result) else {
      throw TypeError(.datetimeFieldOverflow, "date out of range for timestamp")
    }
    return result
  }

  /// The beginning of the day in a zone.
  public static func timestampTZ(_ date: Int32, in zone: TimeZone) throws(TypeError) -> Int64 {
    let local = try timestamp(date)
    guard Timestamp.isFinite(local) else { return local }
    guard let result = Timestamp.timestampTZ(Timestamp.localTime(local), in: zone) else {
      throw TypeError(.datetimeFieldOverflow, "date out of range for timestamp")
    }
    return result
  }
}

/// Computing with times of day: microseconds since midnight, 24:00 included.
public enum SQLTime {
  /// Around the clock.
  public static func adding(_ time: Int64, _ interval: Interval) throws(TypeError) -> Int64 {
    if !interval.isFinite {
      throw TypeError(.datetimeFieldOverflow, "cannot add infinite interval to time")
    }
    return wrapped(time &+ interval.microseconds)
  }

  public static func subtracting(_ time: Int64, _ interval: Interval) throws(TypeError) -> Int64 {
    if !interval.isFinite {
      throw TypeError(.datetimeFieldOverflow, "cannot subtract infinite interval from time")
    }
    return wrapped(time &- interval.microseconds)
  }

  private static func wrapped(_ time: Int64) -> Int64 {
    let rest = time % Calendar.microsecondsPerDay
    return rest < 0 ? rest + Calendar.microsecondsPerDay : rest
  }

  /// The time of an interval, days and months left out.
  public static func time(of interval: Interval) throws(TypeError) -> Int64 {
    if !interval.isFinite {
      throw TypeError(.datetimeFieldOverflow, "cannot convert infinite interval to time")
    }
    return wrapped(interval.microseconds)
  }

  public static func rounded(_ time: Int64, digits: Int32) -> Int64 { Timestamp.rounded(time, digits: digits) }
}
