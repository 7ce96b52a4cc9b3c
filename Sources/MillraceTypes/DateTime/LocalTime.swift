/// A time in its parts, as clocks and calendars show it (PostgreSQL's `struct pg_tm`).
public struct LocalTime: Equatable, Sendable {
  /// The year before 1 is 0.
  public var year = 2000
  public var month = 1
  public var day = 1
  public var hour = 0
  public var minute = 0
  public var second = 0
  public var microsecond = 0
  /// Day of the year, while a date is being decoded.
  var dayOfYear = 0
  /// Whether a text said that it is summer time.
  var isDST = false

  public init() {}

  public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, microsecond: Int = 0) {
    (self.year, self.month, self.day) = (year, month, day)
    (self.hour, self.minute, self.second, self.microsecond) = (hour, minute, second, microsecond)
  }

  var julianDay: Int { Calendar.julianDay(year: year, month: month, day: day) }

  mutating func setDate(julianDay: Int) { (year, month, day) = Calendar.date(ofJulianDay: julianDay) }

  mutating func setTime(microseconds: Int64) {
    hour = Int(microseconds / Calendar.microsecondsPerHour)
    minute = Int(microseconds / Calendar.microsecondsPerMinute % 60)
    second = Int(microseconds / Calendar.microsecondsPerSecond % 60)
    microsecond = Int(microseconds % Calendar.microsecondsPerSecond)
  }

  /// Microseconds since midnight.
  var timeOfDay: Int64 {
    Int64((hour * 60 + minute) * 60 + second) * Calendar.microsecondsPerSecond + Int64(microsecond)
  }

  /// Seconds since 1970, as if the time were UTC.
  var unixSeconds: Int64 {
    Int64(julianDay - Calendar.unixEpochDay) * 86_400 + Int64((hour * 60 + minute) * 60 + second)
  }
}
