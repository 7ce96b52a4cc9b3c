/// Writes intervals in the style that IntervalStyle names (datetime.c's EncodeInterval).
struct IntervalEncoder {
  private let years: Int
  private let months: Int
  private let days: Int
  private let hours: Int
  private let minutes: Int
  private let seconds: Int
  private let microseconds: Int

  static func append(_ interval: Interval, _ style: DateTimeSettings.IntervalStyle, to text: inout [UInt8]) {
    guard interval.isFinite else { return text.append(interval.isInfinity ? "infinity" : "-infinity") }
    let encoder = IntervalEncoder(interval)
    switch style {
    case .postgres: encoder.appendPostgres(to: &text)
    case .postgresVerbose: encoder.appendVerbose(to: &text)
    case .sqlStandard: encoder.appendSQL(to: &text)
    case .iso8601: encoder.appendISO(to: &text)
    }
  }

  private init(_ interval: Interval) {
    years = Int(interval.months) / 12
    months = Int(interval.months) % 12
    days = Int(interval.days)
    let time = interval.microseconds
    hours = Int(time / Calendar.microsecondsPerHour)
    minutes = Int(time / Calendar.microsecondsPerMinute % 60)
    seconds = Int(time / Calendar.microsecondsPerSecond % 60)
    microseconds = Int(time % Calendar.microsecondsPerSecond)
  }

  private var isTimeNegative: Bool { hours < 0 || minutes < 0 || seconds < 0 || microseconds < 0 }
  private var hasTime: Bool { hours != 0 || minutes != 0 || seconds != 0 || microseconds != 0 }

  private func appendClock(width: Int, to text: inout [UInt8]) {
    text.append(decimal: abs(hours), width: width)
    text.append(":")
    text.append(decimal: abs(minutes), width: 2)
    text.append(":")
    DateTimeEncoder.appendSeconds(seconds, microseconds, to: &text)
  }

  /// `1 year 2 mons -3 days +04:05:06`
  private func appendPostgres(to text: inout [UInt8]) {
    var isFirst = true
    var wasNegative = false
    func part(_ value: Int, _ unit: StaticString, _ text: inout [UInt8]) {
      guard value != 0 else { return }
      if !isFirst { text.append(" ") }
      if wasNegative && value > 0 { text.append("+") }
      text.append(decimal: value)
      text.append(" ")
      text.append(unit)
      if value != 1 { text.append("s") }
      wasNegative = value < 0
      isFirst = false
    }
    part(years, "year", &text)
    part(months, "mon", &text)
    part(days, "day", &text)
    guard isFirst || hasTime else { return }
    if !isFirst { text.append(" ") }
    if isTimeNegative { text.append("-") } else if wasNegative { text.append("+") }
    appendClock(width: 2, to: &text)
  }

  /// `@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs ago`
  private func appendVerbose(to text: inout [UInt8]) {
    var isFirst = true
    var isAgo = false
    func part(_ value: Int, _ unit: StaticString, _ text: inout [UInt8]) {
      guard value != 0 else { return }
      // The first part's sign is that of all, said at the end.
      if isFirst { isAgo = value < 0 }
      isFirst = false
      let shown = isAgo ? -value : value
      text.append(" ")
      text.append(decimal: shown)
      text.append(" ")
      text.append(unit)
      if shown != 1 { text.append("s") }
    }
    text.append("@")
    part(years, "year", &text)
    part(months, "mon", &text)
    part(days, "day", &text)
    part(hours, "hour", &text)
    part(minutes, "min", &text)
    if seconds != 0 || microseconds != 0 {
      let isNegative = seconds < 0 || (seconds == 0 && microseconds < 0)
      text.append(" ")
      if isFirst { isAgo = isNegative } else if isNegative != isAgo { text.append("-") }
      isFirst = false
      DateTimeEncoder.appendSeconds(seconds, microseconds, padded: false, to: &text)
      text.append(abs(seconds) != 1 || microseconds != 0 ? " secs" : " sec")
    }
    if isFirst { text.append(" 0") }
    if isAgo { text.append(" ago") }
  }

  /// `P1Y2M3DT4H5M6S`
  private func appendISO(to text: inout [UInt8]) {
    guard years != 0 || months != 0 || days != 0 || hasTime else { return text.append("PT0S") }
    func part(_ value: Int, _ unit: StaticString, _ text: inout [UInt8]) {
      guard value != 0 else { return }
      text.append(decimal: value)
      text.append(unit)
    }
    text.append("P")
    part(years, "Y", &text)
    part(months, "M", &text)
    part(days, "D", &text)
    guard hasTime else { return }
    text.append("T")
    part(hours, "H", &text)
    part(minutes, "M", &text)
    if seconds != 0 || microseconds != 0 {
      if seconds < 0 || microseconds < 0 { text.append("-") }
      DateTimeEncoder.appendSeconds(seconds, microseconds, padded: false, to: &text)
      text.append("S")
    }
  }

  /// `+1-2 -3 +4:05:06`, or shorter where SQL has an interval for it.
  private func appendSQL(to text: inout [UInt8]) {
    let hasNegative = years < 0 || months < 0 || days < 0 || isTimeNegative
    let hasPositive = years > 0 || months > 0 || days > 0 || hours > 0 || minutes > 0 || seconds > 0 || microseconds > 0
    let hasYearMonth = years != 0 || months != 0
    let hasDayTime = days != 0 || hasTime
    if !hasNegative && !hasPositive { return text.append("0") }
    if (hasYearMonth && hasDayTime) || (hasNegative && hasPositive) {
      // Not SQL any more: every part gets its sign.
      text.append(years < 0 || months < 0 ? "-" : "+")
      appendYearsMonths(to: &text)
      text.append(days < 0 ? " -" : " +")
      text.append(decimal: abs(days))
      text.append(isTimeNegative ? " -" : " +")
      return appendClock(width: 1, to: &text)
    }
    if hasNegative { text.append("-") }
    if hasYearMonth { return appendYearsMonths(to: &text) }
    if days != 0 {
      text.append(decimal: abs(days))
      text.append(" ")
    }
    appendClock(width: 1, to: &text)
  }

  private func appendYearsMonths(to text: inout [UInt8]) {
    text.append(decimal: abs(years))
    text.append("-")
    text.append(decimal: abs(months))
  }
}
