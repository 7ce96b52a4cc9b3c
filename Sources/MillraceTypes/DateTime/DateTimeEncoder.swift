/// Writes dates and times in the style that DateStyle names (datetime.c's Encode functions).
enum DateTimeEncoder {
  static func appendYear(_ year: Int, to text: inout [UInt8]) {
    text.append(decimal: year > 0 ? year : 1 - year, width: 4)
  }

  private static func appendEra(_ year: Int, to text: inout [UInt8]) {
    if year <= 0 { text.append(" BC") }
  }

  private static func append(_ number: Int, _ separator: Unicode.Scalar?, to text: inout [UInt8]) {
    text.append(decimal: number, width: 2)
    if let separator { text.append(UInt8(ascii: separator)) }
  }

  /// Month and day in the order of the setting.
  private static func appendMonthDay(
    _ time: LocalTime, _ separator: Unicode.Scalar, _ settings: DateTimeSettings, to text: inout [UInt8]
  ) {
    let dayFirst = settings.order == .dayMonthYear
    append(dayFirst ? time.day : time.month, separator, to: &text)
    append(dayFirst ? time.month : time.day, separator, to: &text)
  }

  static func appendDate(_ time: LocalTime, _ settings: DateTimeSettings, to text: inout [UInt8]) {
    switch settings.style {
    case .iso:
      appendYear(time.year, to: &text)
      text.append("-")
      append(time.month, "-", to: &text)
      append(time.day, nil, to: &text)
    case .sql:
      appendMonthDay(time, "/", settings, to: &text)
      appendYear(time.year, to: &text)
    case .german:
      append(time.day, ".", to: &text)
      append(time.month, ".", to: &text)
      appendYear(time.year, to: &text)
    case .postgres:
      appendMonthDay(time, "-", settings, to: &text)
      appendYear(time.year, to: &text)
    }
    appendEra(time.year, to: &text)
  }

  /// Hours, minutes, seconds with as many digits after the point as there are.
  static func appendTime(_ time: LocalTime, to text: inout [UInt8]) {
    append(time.hour, ":", to: &text)
    append(time.minute, ":", to: &text)
    appendSeconds(time.second, time.microsecond, to: &text)
  }

  static func appendSeconds(_ seconds: Int, _ microseconds: Int, padded: Bool = true, to text: inout [UInt8]) {
    text.append(decimal: abs(seconds), width: padded ? 2 : 1)
    guard microseconds != 0 else { return }
    text.append(".")
    text.append(decimal: abs(microseconds), width: 6)
    while text.last == UInt8(ascii: "0") { text.removeLast() }
  }

  /// An offset, given in seconds west of UTC, as hours east with minutes and seconds where there are any.
  static func appendZone(_ zone: Int, to text: inout [UInt8]) {
    let magnitude = abs(zone)
    text.append(zone <= 0 ? "+" : "-")
    append(magnitude / 3600, nil, to: &text)
    if magnitude % 3600 != 0 {
      text.append(":")
      append(magnitude / 60 % 60, nil, to: &text)
      if magnitude % 60 != 0 {
        text.append(":")
        append(magnitude % 60, nil, to: &text)
      }
    }
  }

  /// - Parameter zone: seconds west of UTC and the zone's abbreviation; nil for a type without a zone.
  static func appendTimestamp(
    _ time: LocalTime, zone: (offset: Int, abbreviation: String?)?, _ settings: DateTimeSettings,
    to text: inout [UInt8]
  ) {
    switch settings.style {
    case .iso:
      appendYear(time.year, to: &text)
      text.append("-")
      append(time.month, "-", to: &text)
      append(time.day, " ", to: &text)
      appendTime(time, to: &text)
      if let zone { appendZone(zone.offset, to: &text) }
    case .sql, .german:
      if settings.style == .sql {
        appendMonthDay(time, "/", settings, to: &text)
      } else {
        append(time.day, ".", to: &text)
        append(time.month, ".", to: &text)
      }
      appendYear(time.year, to: &text)
      text.append(" ")
      appendTime(time, to: &text)
      if let zone { appendNamed(zone, withSpace: false, to: &text) }
    case .postgres:
      text.append(ByteView(Calendar.dayNames[Calendar.weekday(time.julianDay)]).upTo(3))
      text.append(" ")
      let month = ByteView(Calendar.monthNames[time.month - 1]).upTo(3)
      if settings.order == .dayMonthYear {
        append(time.day, " ", to: &text)
        text.append(month)
      } else {
        text.append(month)
        text.append(" ")
        append(time.day, nil, to: &text)
      }
      text.append(" ")
      appendTime(time, to: &text)
      text.append(" ")
      appendYear(time.year, to: &text)
      if let zone { appendNamed(zone, withSpace: true, to: &text) }
    }
    appendEra(time.year, to: &text)
  }

  private static func appendNamed(
    _ zone: (offset: Int, abbreviation: String?), withSpace: Bool, to text: inout [UInt8]
  ) {
    if let abbreviation = zone.abbreviation {
      text.append(" ")
      text.append(contentsOf: abbreviation.utf8)
    } else {
      if withSpace { text.append(" ") }
      appendZone(zone.offset, to: &text)
    }
  }
}
