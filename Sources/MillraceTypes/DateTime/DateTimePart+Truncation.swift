/// `date_trunc`: the beginning of the field in which a time is (timestamp.c).
extension DateTimePart {
  /// Of a timestamp without a zone.
  public static func truncate(_ name: ByteView, _ timestamp: Int64) throws(TypeError) -> Int64 {
    let part = try DateTimePart(named: name, of: .timestamp, isUnit: true)
    try part.checkTruncation(name, .timestamp)
    guard Timestamp.isFinite(timestamp) else { return timestamp }
    var time = Timestamp.localTime(timestamp)
    _ = part.truncate(&time)
    guard let result = Timestamp.timestamp(time) else { throw Timestamp.outOfRange }
    return result
  }

  /// Of a timestamp with a zone: by what clocks show there.
  public static func truncate(_ name: ByteView, timestampTZ timestamp: Int64, in zone: TimeZone) throws(TypeError)
    -> Int64
  {
    let part = try DateTimePart(named: name, of: .timestampTZ, isUnit: true)
    try part.checkTruncation(name, .timestampTZ)
    guard Timestamp.isFinite(timestamp) else { return timestamp }
    var (time, offset, _) = Timestamp.localTime(ofTimestampTZ: timestamp, in: zone)
    // Within a day the offset stays; a day may begin with another one.
    if part.truncate(&time) { offset = zone.offset(atLocal: time.unixSeconds).offset }
    guard let result = Timestamp.timestamp(time, zone: -offset) else { throw Timestamp.outOfRange }
    return result
  }

  /// Of an interval, which has no weeks of its own.
  public static func truncate(_ name: ByteView, _ interval: Interval) throws(TypeError) -> Interval {
    let part = try DateTimePart(named: name, of: .interval, isUnit: true)
    switch part {
    case .week:
      var error = notSupported(name, .interval)
      error.detail = "Months usually have fractional weeks."
      throw error
    default: try part.checkTruncation(name, .interval)
    }
    guard interval.isFinite else { return interval }
    var result = interval
    func drop(_ unit: Int64) { result.microseconds -= result.microseconds % unit }
    switch part {
    case .microsecond: return result
    case .millisecond: drop(1000)
    case .second: drop(Calendar.microsecondsPerSecond)
    case .minute: drop(Calendar.microsecondsPerMinute)
    case .hour: drop(Calendar.microsecondsPerHour)
    default: result.microseconds = 0
    }
    let months: Int32? =
      switch part {
      case .month: 1
      case .quarter: 3
      case .year: 12
      case .decade: 120
      case .century: 1200
      case .millennium: 12_000
      default: nil
      }
    if let months {
      result.days = 0
      result.months -= result.months % months
    }
    return result
  }

  private func checkTruncation(_ name: ByteView, _ source: Source) throws(TypeError) {
    switch self {
    case .timeZone, .timeZoneHour, .timeZoneMinute, .dayOfWeek, .isoDayOfWeek, .dayOfYear, .isoYear, .julian, .epoch:
      throw Self.notSupported(name, source)
    default: break
    }
  }

  /// True where the day, or what is larger, began anew.
  private func truncate(_ time: inout LocalTime) -> Bool {
    switch self {
    case .microsecond: return false
    case .millisecond:
      time.microsecond -= time.microsecond % 1000
      return false
    case .second:
      time.microsecond = 0
      return false
    case .minute:
      (time.second, time.microsecond) = (0, 0)
      return false
    case .hour:
      (time.minute, time.second, time.microsecond) = (0, 0, 0)
      return false
    default: break
    }
    (time.hour, time.minute, time.second, time.microsecond) = (0, 0, 0, 0)
    switch self {
    case .day: break
    case .week:
      let (year, week) = Calendar.isoWeek(year: time.year, month: time.month, day: time.day)
      time.setDate(julianDay: Calendar.firstDay(ofWeek: week, year: year))
    default: truncateMonths(&time)
    }
    return true
  }

  private func truncateMonths(_ time: inout LocalTime) {
    time.day = 1
    if self == .quarter { time.month -= (time.month - 1) % 3 }
    if self == .month || self == .quarter { return }
    time.month = 1
    let span: Int
    switch self {
    case .decade:
      time.year = time.year > 0 ? time.year / 10 * 10 : -((8 - (time.year - 1)) / 10) * 10
      return
    case .century: span = 100
    case .millennium: span = 1000
    default: return
    }
    // The first century has the years 1 to 100.
    time.year =
      time.year > 0
      ? (time.year + span - 1) / span * span - span + 1 : -((span - 1 - (time.year - 1)) / span) * span + 1
  }
}
