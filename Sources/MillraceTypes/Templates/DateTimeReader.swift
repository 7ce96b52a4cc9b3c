extension DateTimeTemplate {
  /// `to_timestamp(text, template)`: what the text says is a time in the session's zone, unless it names another.
  public func timestampTZ(from text: ByteView, _ settings: DateTimeSettings) throws(TypeError) -> Int64 {
    var reader = DateTimeReader(text, settings)
    try reader.read(nodes)
    let (time, zone) = try reader.finish()
    guard
      let result = Timestamp.timestamp(time, zone: zone ?? -settings.timeZone.offset(atLocal: time.unixSeconds).offset)
    else { throw Timestamp.outOfRange }
    return reader.precision == 0 ? result : Timestamp.rounded(result, digits: Int32(reader.precision))
  }

  /// `to_date(text, template)`.
  public func date(from text: ByteView, _ settings: DateTimeSettings) throws(TypeError) -> Int32 {
    var reader = DateTimeReader(text, settings)
    try reader.read(nodes)
    let (time, _) = try reader.finish()
    guard let date = SQLDate.date(time) else {
      throw TypeError(.datetimeFieldOverflow, "date out of range: \"\(text.string)\"")
    }
    return date
  }
}

/// Reads a text by a template, field by field (formatting.c's DCH_from_char and do_to_timestamp).
struct DateTimeReader {
  let text: ByteView
  let settings: DateTimeSettings
  var at = 0
  /// Characters that were skipped beyond what the template asks for.
  private var extra = 0
  private var isExact = false
  private var usesISOWeeks: Bool?
  var fields = DateTimeReaderFields()
  /// Digits of seconds that the template names; 0 for all.
  private(set) var precision = 0

  init(_ text: ByteView, _ settings: DateTimeSettings) {
    self.text = text
    self.settings = settings
  }

  var isAtEnd: Bool { at >= text.count }
  func isNext(_ byte: Unicode.Scalar) -> Bool { !isAtEnd && text[at] == UInt8(ascii: byte) }

  static func invalid(_ message: String, detail: String? = nil, hint: String? = nil) -> TypeError {
    TypeError(.invalidDatetimeFormat, message, detail: detail, hint: hint)
  }

  private mutating func skipSpace() {
    while !isAtEnd, ASCII.isSpace(text[at]) {
      at += 1
      extra += 1
    }
  }

  private mutating func skipCharacter() {
    at += min(UTF8Encoding.length(ofCharacterWith: text[at]), text.count - at)
  }

  mutating func read(_ nodes: [TemplateNode<DateTimePattern>]) throws(TypeError) {
    for (index, node) in nodes.enumerated() {
      if isAtEnd { return }
      switch node {
      case .pattern(.exact, _):
        isExact = true
        continue
      case .pattern: if !isExact { skipSpace() }
      default: if !isExact, index == 0 { skipSpace() }
      }
      switch node {
      case .space, .separator:
        if isExact {
          skipCharacter()
        } else {
          extra -= 1
          if !isAtEnd, ASCII.isSpace(text[at]) || ASCII.isPunctuation(text[at]) {
            at += 1
            extra += 1
          }
        }
      case .literal:
        if !isExact, extra > 0 { extra -= 1 } else if !isAtEnd { skipCharacter() }
      case .pattern(let pattern, let modifiers):
        try setConvention(pattern)
        let isOpen = modifiers.contains(.fillMode) || Self.isFollowedByOther(nodes, index, modifiers)
        try read(pattern, isOpen: isOpen)
        if !modifiers.isDisjoint(with: [.upperOrdinal, .lowerOrdinal]) {
          for _ in 0..<2 where !isAtEnd { skipCharacter() }
        }
        if !isExact {
          extra = 0
          skipSpace()
        }
      }
    }
  }

  private mutating func setConvention(_ pattern: DateTimePattern) throws(TypeError) {
    let isISO: Bool
    switch pattern {
    case .isoDayOfYear, .isoDayOfWeek, .isoWeek, .isoYear: isISO = true
    case .dayOfYear, .day, .dayOfWeek, .month, .monthName, .monthAbbreviation, .romanMonth, .weekOfYear, .weekOfMonth,
      .year, .yearWithComma:
      isISO = false
    default: return
    }
    if let usesISOWeeks, usesISOWeeks != isISO {
      throw Self.invalid(
        "invalid combination of date conventions",
        hint: "Do not mix Gregorian and ISO week date conventions in a formatting template.")
    }
    usesISOWeeks = isISO
  }

  /// Whether what follows in the template is no digit, so that a number may be as long as it likes.
  private static func isFollowedByOther(
    _ nodes: [TemplateNode<DateTimePattern>], _ index: Int, _ modifiers: TemplateModifiers
  ) -> Bool {
    if !modifiers.isDisjoint(with: [.upperOrdinal, .lowerOrdinal]) { return true }
    guard index + 1 < nodes.count else { return true }
    switch nodes[index + 1] {
    case .pattern(let pattern, _): return !pattern.isNumber
    case .literal(let character), .separator(let character), .space(let character):
      return character.count != 1 || !ASCII.isDigit(character[0])
    }
  }

  // MARK: - Fields

  /// An integer of `length` digits, or of any length where that is open. Returns how many characters it took.
  @discardableResult
  mutating func integer(
    _ pattern: DateTimePattern, _ length: Int, isOpen: Bool, into field: WritableKeyPath<DateTimeReaderFields, Int>?
  ) throws(TypeError) -> Int {
    let start = at
    while !isAtEnd, ASCII.isSpace(text[at]) { at += 1 }
    let available = min(length, text.count - at)
    let copy = text[at..<at + available]
    let name = pattern.name
    let hint = "If your source string is not fixed-width, try using the \"FM\" modifier."
    if !isOpen, available < length {
      throw Self.invalid(
        "source string too short for \"\(name)\" formatting field",
        detail: "Field requires \(length) characters, but only \(available) remain.", hint: hint)
    }
    let digits = (isOpen ? text.from(at) : copy).array
    let parsed: (value: Int, end: Int)
    do throws(DateTimeError) { parsed = try DateTimeNumber.integer(digits[...]) } catch {
      throw TypeError(
        .datetimeFieldOverflow, "value for \"\(name)\" in source string is out of range",
        detail: "Value must be in the range \(Int32.min) to \(Int32.max).")
    }
    if !isOpen, parsed.end > 0, parsed.end < length {
      throw Self.invalid(
        "invalid value \"\(copy.string)\" for \"\(name)\"",
        detail: "Field requires \(length) characters, but only \(parsed.end) could be parsed.", hint: hint)
    }
    guard parsed.end > 0 else {
      throw Self.invalid("invalid value \"\(copy.string)\" for \"\(name)\"", detail: "Value must be an integer.")
    }
    at += parsed.end
    if let field { try set(field, parsed.value, pattern) }
    return at - start
  }

  mutating func set(
    _ field: WritableKeyPath<DateTimeReaderFields, Int>, _ value: Int, _ pattern: DateTimePattern
  ) throws(TypeError) {
    if fields[keyPath: field] != 0, fields[keyPath: field] != value {
      throw Self.invalid(
        "conflicting values for \"\(pattern.name)\" field in formatting string",
        detail: "This value contradicts a previous setting for the same field type.")
    }
    fields[keyPath: field] = value
  }

  /// The index of the word that stands here, whatever its case.
  private mutating func word(_ words: [ByteView], _ pattern: DateTimePattern) throws(TypeError) -> Int {
    let rest = text.from(at)
    for (index, word) in words.enumerated() where rest.count >= word.count {
      if zip(rest, word).allSatisfy({ ASCII.lower($0) == ASCII.lower($1) }) {
        at += word.count
        return index
      }
    }
    let shown = rest.prefix { !ASCII.isSpace($0) }
    throw Self.invalid(
      "invalid value \"\(shown.string)\" for \"\(pattern.name)\"",
      detail: "The given value did not match any of the allowed values for this field.")
  }

  private mutating func read(_ pattern: DateTimePattern, isOpen: Bool) throws(TypeError) {
    switch pattern {
    case .hour12:
      try integer(pattern, 2, isOpen: isOpen, into: \.hour)
      fields.hasTwelveHours = true
    case .hour24: try integer(pattern, 2, isOpen: isOpen, into: \.hour)
    case .minute: try integer(pattern, 2, isOpen: isOpen, into: \.minute)
    case .second: try integer(pattern, 2, isOpen: isOpen, into: \.second)
    case .millisecond:
      let length = try integer(pattern, 3, isOpen: isOpen, into: \.millisecond)
      fields.millisecond *= length == 1 ? 100 : length == 2 ? 10 : 1
    case .fraction, .microsecond:
      var digits = 6
      if case .fraction(let count) = pattern { (digits, precision) = (count, count) }
      let length = try integer(pattern, digits, isOpen: isOpen, into: \.microsecond)
      for _ in 0..<max(6 - length, 0) { fields.microsecond *= 10 }
    case .secondOfDay: try integer(pattern, pattern.name.utf8.count, isOpen: isOpen, into: \.secondOfDay)
    case .month: try integer(pattern, 2, isOpen: isOpen, into: \.month)
    case .dayOfYear, .isoDayOfYear: try integer(pattern, 3, isOpen: isOpen, into: \.dayOfYear)
    case .day: try integer(pattern, 2, isOpen: isOpen, into: \.day)
    case .dayOfWeek: try integer(pattern, 1, isOpen: isOpen, into: \.dayOfWeek)
    case .isoDayOfWeek:
      try integer(pattern, 1, isOpen: isOpen, into: \.dayOfWeek)
      fields.dayOfWeek = fields.dayOfWeek >= 7 ? 1 : fields.dayOfWeek + 1
    case .weekOfYear, .isoWeek: try integer(pattern, 2, isOpen: isOpen, into: \.week)
    case .weekOfMonth: try integer(pattern, 1, isOpen: isOpen, into: \.weekOfMonth)
    case .quarter: try integer(pattern, 1, isOpen: isOpen, into: nil)
    case .century: try integer(pattern, 2, isOpen: isOpen, into: \.century)
    case .julian: try integer(pattern, 1, isOpen: isOpen, into: \.julian)
    case .year(let digits), .isoYear(let digits):
      let length = try integer(pattern, digits, isOpen: isOpen, into: \.year)
      if digits < 4, length < 4 { fields.year = Self.fullYear(fields.year) }
      fields.yearDigits = digits
    case .yearWithComma: try readYearWithComma(pattern)
    case .zone, .zoneHour, .zoneMinute, .offset: try readZone(pattern, isOpen: isOpen)
    default: try readWord(pattern)
    }
  }

  private mutating func readWord(_ pattern: DateTimePattern) throws(TypeError) {
    let shortMonths = Calendar.monthNames.map { ByteView($0).upTo(3) }
    switch pattern {
    case .meridiem(_, let dotted):
      let words: [StaticString] = dotted ? ["a.m.", "p.m."] : ["am", "pm"]
      fields.isAfternoon = try word(words.map { ByteView($0) }, pattern) == 1
      fields.hasTwelveHours = true
    case .era(_, let dotted):
      let words: [StaticString] = dotted ? ["a.d.", "b.c."] : ["ad", "bc"]
      fields.isBeforeChrist = try word(words.map { ByteView($0) }, pattern) == 1
    case .monthName: try set(\.month, try word(Calendar.monthNames.map { ByteView($0) }, pattern) + 1, pattern)
    case .monthAbbreviation: try set(\.month, try word(shortMonths, pattern) + 1, pattern)
    case .dayName: fields.dayOfWeek = try word(Calendar.dayNames.map { ByteView($0) }, pattern) + 1
    case .dayAbbreviation:
      fields.dayOfWeek = try word(Calendar.dayNames.map { ByteView($0).upTo(3) }, pattern) + 1
    case .romanMonth:
      // The longer ones first, since I begins II.
      let months: [StaticString] = ["XII", "XI", "X", "IX", "VIII", "VII", "VI", "V", "IV", "III", "II", "I"]
      try set(\.month, 12 - (try word(months.map { ByteView($0) }, pattern)), pattern)
    default: break
    }
  }

  private mutating func readYearWithComma(_ pattern: DateTimePattern) throws(TypeError) {
    let digits = text.from(at).array
    guard let (millennia, comma) = try? DateTimeNumber.integer(digits[...]), comma > 0, comma < digits.count,
      digits[comma] == UInt8(ascii: ","),
      let (years, end) = try? DateTimeNumber.integer(digits[(comma + 1)...].prefix(3)), end > comma + 1
    else { throw Self.invalid("invalid value \"\(text.from(at).string)\" for \"Y,YYY\"") }
    at += end
    try set(\.year, millennia * 1000 + years, pattern)
    fields.yearDigits = 4
  }

  /// Years of fewer than four digits are those nearest to 2020.
  private static func fullYear(_ year: Int) -> Int {
    switch year {
    case ..<70: year + 2000
    case ..<100: year + 1900
    case ..<520: year + 2000
    case ..<1000: year + 1000
    default: year
    }
  }

  // MARK: - Time zones

  private mutating func readZone(_ pattern: DateTimePattern, isOpen: Bool) throws(TypeError) {
    if case .zoneMinute = pattern {
      if fields.zoneSign == 0 { fields.zoneSign = 1 }
      try integer(pattern, 2, isOpen: isOpen, into: \.zoneMinute)
      return
    }
    if case .zone = pattern, try readAbbreviation(pattern) { return }
    if isNext("+") || isNext("-") || isNext(" ") {
      fields.zoneSign = isNext("-") ? -1 : 1
      at += 1
    } else {
      // The sign may have been taken for a separator.
      fields.zoneSign = extra > 0 && at > 0 && text[at - 1] == UInt8(ascii: "-") ? -1 : 1
    }
    try integer(pattern, 2, isOpen: isOpen, into: \.zoneHour)
    if case .zoneHour = pattern { return }
    if isNext(":") {
      at += 1
      try integer(pattern, 2, isOpen: isOpen, into: \.zoneMinute)
    }
  }

  private mutating func readAbbreviation(_ pattern: DateTimePattern) throws(TypeError) -> Bool {
    let rest = text.from(at)
    var length = rest.firstIndex { !ASCII.isLetter($0) } ?? rest.count
    guard length > 0 else { return false }
    while length > 0 {
      let name = rest.upTo(length).string.lowercased()
      if let abbreviation = TimeZoneAbbreviation.find(name, session: settings.timeZone) {
        fields.abbreviation = (abbreviation, name.uppercased())
        at += length
        return true
      }
      length -= 1
    }
    throw Self.invalid(
      "invalid value \"\(rest.string)\" for \"\(pattern.name)\"",
      detail: "Time zone abbreviation is not recognized.")
  }

  /// The time, and seconds west of UTC where the text said so.
  func finish() throws(TypeError) -> (time: LocalTime, zone: Int?) {
    let time = try fields.time(usesISOWeeks: usesISOWeeks ?? false, text)
    if let (abbreviation, name) = fields.abbreviation {
      switch abbreviation {
      case .fixed(let offset, _): return (time, -offset)
      case .dynamic(let zone): return (time, -DateTimeDecoder.offset(of: (zone, name), time))
      }
    }
    guard fields.zoneSign != 0 else { return (time, nil) }
    guard 0...15 ~= fields.zoneHour, 0..<60 ~= fields.zoneMinute else {
      throw DateTimeError.zoneDisplacementOverflow.error(text, type: "timestamp")
    }
    return (time, -fields.zoneSign * (fields.zoneHour * 60 + fields.zoneMinute) * 60)
  }
}
