/// `to_char` of timestamps and intervals (formatting.c's DCH_to_char).
public struct DateTimeTemplate: Sendable {
  let nodes: [TemplateNode<DateTimePattern>]

  public init(_ template: ByteView) { nodes = DateTimePattern.parse(template) }

  /// What is written: the parts of a time, or of an interval, whose parts may be negative or larger than a clock's.
  private struct Value {
    var time: LocalTime
    var isInterval = false
    var dayOfYear = 0
    var weekday = 0
    /// Seconds east of UTC.
    var offset = 0
    var abbreviation: String?
  }

  /// Of a finite timestamp without a zone.
  public func append(_ timestamp: Int64, to text: inout [UInt8]) throws(TypeError) {
    try append(Self.value(Timestamp.localTime(timestamp)), to: &text)
  }

  /// Of a finite timestamp with a zone.
  public func append(timestampTZ timestamp: Int64, in zone: TimeZone, to text: inout [UInt8]) throws(TypeError) {
    let (time, offset, abbreviation) = Timestamp.localTime(ofTimestampTZ: timestamp, in: zone)
    var value = Self.value(time)
    value.offset = offset
    value.abbreviation = abbreviation
    try append(value, to: &text)
  }

  /// Of a finite interval.
  public func append(_ interval: Interval, to text: inout [UInt8]) throws(TypeError) {
    var time = LocalTime(year: Int(interval.months) / 12, month: Int(interval.months) % 12, day: Int(interval.days))
    time.setTime(microseconds: interval.microseconds)
    var value = Value(time: time, isInterval: true)
    value.dayOfYear = Int(interval.months) * 30 + Int(interval.days)
    try append(value, to: &text)
  }

  private static func value(_ time: LocalTime) -> Value {
    let day = time.julianDay
    return Value(
      time: time, dayOfYear: day - Calendar.julianDay(year: time.year, month: 1, day: 1) + 1,
      weekday: Calendar.weekday(day))
  }

  private func append(_ value: Value, to text: inout [UInt8]) throws(TypeError) {
    for node in nodes {
      switch node {
      case .literal(let character), .separator(let character), .space(let character): text.append(contentsOf: character)
      case .pattern(let pattern, let modifiers):
        if value.isInterval, pattern.needsCalendar {
          throw TypeError(
            .invalidDatetimeFormat, "invalid format specification for an interval value",
            hint: "Intervals are not tied to specific calendar dates.")
        }
        if !appendWord(pattern, modifiers, value, to: &text) { appendNumber(pattern, modifiers, value, to: &text) }
      }
    }
  }

  // MARK: - Words

  private static let romanMonths: [StaticString] = [
    "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII",
  ]

  /// False for patterns that are numbers.
  private func appendWord(
    _ pattern: DateTimePattern, _ modifiers: TemplateModifiers, _ value: Value, to text: inout [UInt8]
  ) -> Bool {
    let isFilled = modifiers.contains(.fillMode)
    let padding = isFilled || modifiers.contains(.translated) ? 0 : 9
    let time = value.time
    switch pattern {
    case .meridiem(let letters, let dotted):
      let isAfternoon = time.hour % 24 >= 12
      append(dotted ? (isAfternoon ? "P.M." : "A.M.") : (isAfternoon ? "PM" : "AM"), letters, to: &text)
    case .era(let letters, let dotted):
      let isBefore = time.year <= 0
      append(dotted ? (isBefore ? "B.C." : "A.D.") : (isBefore ? "BC" : "AD"), letters, to: &text)
    case .monthName(let letters):
      append(ByteView(Calendar.monthNames[time.month - 1]), letters, padding, to: &text)
    case .monthAbbreviation(let letters):
      append(ByteView(Calendar.monthNames[time.month - 1]).upTo(3), letters, 0, to: &text)
    case .dayName(let letters): append(ByteView(Calendar.dayNames[value.weekday]), letters, padding, to: &text)
    case .dayAbbreviation(let letters):
      append(ByteView(Calendar.dayNames[value.weekday]).upTo(3), letters, 0, to: &text)
    case .romanMonth(let letters):
      if time.month == 0 && time.year == 0 { return true }
      // Months of an interval count from both ends of the year.
      let index = time.month == 0 ? (time.year >= 0 ? 11 : 0) : time.month < 0 ? 12 + time.month : time.month - 1
      append(ByteView(Self.romanMonths[index]), letters, isFilled ? 0 : 4, to: &text)
    case .zone(let letters):
      guard let abbreviation = value.abbreviation else { return true }
      Array(abbreviation.utf8).withByteView { name in
        append(name, letters == .lower ? .lower : .capitalized, 0, to: &text)
      }
    case .exact: break
    default: return false
    }
    return true
  }

  private func append(_ word: StaticString, _ letters: DateTimePattern.Case, to text: inout [UInt8]) {
    append(ByteView(word), letters, 0, to: &text)
  }

  private func append(_ word: ByteView, _ letters: DateTimePattern.Case, _ width: Int, to text: inout [UInt8]) {
    switch letters {
    case .upper: TextFunctions.upper(word, to: &text)
    case .lower: TextFunctions.lower(word, to: &text)
    case .capitalized: text.append(word)
    }
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: max(width - word.count, 0)))
  }

  // MARK: - Numbers

  private func appendNumber(
    _ pattern: DateTimePattern, _ modifiers: TemplateModifiers, _ value: Value, to text: inout [UInt8]
  ) {
    let time = value.time
    let start = text.count
    func number(_ number: Int, _ width: Int) { Self.append(number, width, modifiers, to: &text) }
    switch pattern {
    case .hour12: number(time.hour % 12 == 0 ? 12 : time.hour % 12, time.hour >= 0 ? 2 : 3)
    case .hour24: number(time.hour, time.hour >= 0 ? 2 : 3)
    case .minute: number(time.minute, time.minute >= 0 ? 2 : 3)
    case .second: number(time.second, time.second >= 0 ? 2 : 3)
    case .fraction(let digits): text.append(decimal: Self.fraction(time.microsecond, digits), width: digits)
    case .millisecond: text.append(decimal: Self.fraction(time.microsecond, 3), width: 3)
    case .microsecond: text.append(decimal: time.microsecond, width: 6)
    case .secondOfDay: text.append(decimal: (time.hour * 60 + time.minute) * 60 + time.second)
    case .zoneHour, .zoneMinute, .offset: return appendOffset(pattern, modifiers, value.offset, to: &text)
    case .month: number(time.month, time.month >= 0 ? 2 : 3)
    case .day: number(time.day, 2)
    case .dayOfYear: number(value.dayOfYear, 3)
    case .dayOfWeek: number(value.weekday + 1, 1)
    case .isoDayOfWeek: number(value.weekday == 0 ? 7 : value.weekday, 1)
    case .isoDayOfYear:
      let isoYear = Calendar.isoWeek(year: time.year, month: time.month, day: time.day).year
      number(time.julianDay - Calendar.firstDay(ofWeek: 1, year: isoYear) + 1, 3)
    case .weekOfYear: number((value.dayOfYear - 1) / 7 + 1, 2)
    case .isoWeek: number(Calendar.isoWeek(year: time.year, month: time.month, day: time.day).week, 2)
    case .weekOfMonth: number((time.day - 1) / 7 + 1, 1)
    case .quarter:
      if time.month == 0 { return }
      number((time.month - 1) / 3 + 1, 1)
    case .julian: number(time.julianDay, 1)
    default: appendYear(pattern, modifiers, value, to: &text)
    }
    if modifiers.contains(.upperOrdinal) || modifiers.contains(.lowerOrdinal) {
      text.append(Ordinal.suffix(text[start...], upper: modifiers.contains(.upperOrdinal)))
    }
  }

  /// A sign counts to the width, as in C.
  private static func append(
    _ number: Int, _ width: Int, _ modifiers: TemplateModifiers, to text: inout [UInt8]
  ) {
    text.append(decimal: number, width: modifiers.contains(.fillMode) ? 1 : number < 0 ? width - 1 : width)
  }

  private static func fraction(_ microsecond: Int, _ digits: Int) -> Int {
    (digits..<6).reduce(microsecond) { value, _ in value / 10 }
  }

  private func appendYear(
    _ pattern: DateTimePattern, _ modifiers: TemplateModifiers, _ value: Value, to text: inout [UInt8]
  ) {
    let time = value.time
    func number(_ number: Int, _ width: Int) { Self.append(number, width, modifiers, to: &text) }
    func shown(_ year: Int) -> Int { value.isInterval || year > 0 ? year : 1 - year }
    switch pattern {
    case .century:
      let year = time.year
      let century = value.isInterval ? year / 100 : year > 0 ? (year - 1) / 100 + 1 : year / 100 - 1
      number(century, abs(century) > 99 ? 1 : century >= 0 ? 2 : 3)
    case .yearWithComma:
      let year = shown(time.year)
      text.append(decimal: year / 1000)
      text.append(",")
      text.append(decimal: year % 1000, width: year % 1000 < 0 ? 2 : 3)
    case .year(let digits), .isoYear(let digits):
      var year = time.year
      if case .isoYear = pattern { year = Calendar.isoWeek(year: time.year, month: time.month, day: time.day).year }
      year = shown(year)
      let sign = shown(time.year) >= 0 ? 0 : 1
      switch digits {
      case 4: number(year, 4 + sign)
      case 3: number(year % 1000, 3 + sign)
      case 2: number(year % 100, 2 + sign)
      default: number(year % 10, 1)
      }
    default: break
    }
  }

  private func appendOffset(
    _ pattern: DateTimePattern, _ modifiers: TemplateModifiers, _ offset: Int, to text: inout [UInt8]
  ) {
    let magnitude = abs(offset)
    if case .zoneMinute = pattern { return text.append(decimal: magnitude % 3600 / 60, width: 2) }
    text.append(offset >= 0 ? "+" : "-")
    if case .zoneHour = pattern { return text.append(decimal: magnitude / 3600, width: 2) }
    text.append(decimal: magnitude / 3600, width: modifiers.contains(.fillMode) ? 1 : 2)
    if magnitude % 3600 != 0 {
      text.append(":")
      text.append(decimal: magnitude % 3600 / 60, width: 2)
    }
  }
}

extension DateTimePattern {
  /// What an interval does not have.
  var needsCalendar: Bool {
    switch self {
    case .zone, .zoneHour, .zoneMinute, .offset, .era, .monthName, .monthAbbreviation, .dayName, .dayAbbreviation,
      .dayOfWeek, .isoDayOfWeek:
      true
    default: false
    }
  }

  /// Whether a text that it reads begins with a digit.
  var isNumber: Bool {
    switch self {
    case .meridiem, .era, .dayName, .dayAbbreviation, .monthName, .monthAbbreviation, .exact, .romanMonth, .zone,
      .zoneHour, .offset:
      false
    default: true
    }
  }
}
