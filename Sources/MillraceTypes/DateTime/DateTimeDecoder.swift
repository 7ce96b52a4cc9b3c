/// Finds out what the fields of a text mean: a date, a time, a time zone (datetime.c's DecodeDateTime).
struct DateTimeDecoder {
  enum Outcome {
    case time
    case special(DateTimeToken.Special)
  }

  let settings: DateTimeSettings

  var time = LocalTime()
  /// Seconds west of UTC, as PostgreSQL keeps it.
  var zone = 0
  var found: DateTimeMask = []
  private var outcome = Outcome.time
  private var hasTextMonth = false
  private var isJulian = false
  private var hasTwoDigitYear = false
  private var isBeforeChrist = false
  private var halfDay: DateTimeToken?
  /// A label such as `J` or `T`, whose value is the next field.
  private var prefix: DateTimeToken.Unit?
  private var namedZone: TimeZone?
  private var dynamicZone: (zone: TimeZone, abbreviation: String)?

  init(_ settings: DateTimeSettings) {
    self.settings = settings
    (time.year, time.month, time.day) = (0, 0, 0)
  }

  mutating func decode(_ fields: [DateTimeField]) throws(DateTimeError) -> Outcome {
    for field in fields {
      guard let mask = try decode(field) else { continue }
      try add(mask)
    }
    guard prefix == nil else { throw .badFormat }
    if case .special = outcome { return outcome }
    try finish()
    return outcome
  }

  private mutating func add(_ mask: DateTimeMask) throws(DateTimeError) {
    guard found.isDisjoint(with: mask) else { throw .badFormat }
    found.formUnion(mask)
  }

  private mutating func decode(_ field: DateTimeField) throws(DateTimeError) -> DateTimeMask? {
    switch field.kind {
    case .date: return try decodeDateField(field.text)
    case .time:
      if let label = prefix {
        guard label == .isoTime else { throw .badFormat }
        prefix = nil
      }
      try decodeTime(field.text[...])
      if overflows { throw .fieldOverflow }
      return .time
    case .zone:
      zone = try Self.decodeZone(field.text[...])
      return .zone
    case .number: return prefix == nil ? try decodeNumberField(field.text) : try decodeLabelled(field.text)
    case .string, .special: return try decodeWord(field.text)
    }
  }

  /// `time_overflows`.
  private var overflows: Bool {
    time.hour < 0 || time.hour > 24 || time.minute < 0 || time.minute > 59 || time.second < 0 || time.second > 60
      || time.timeOfDay > Calendar.microsecondsPerDay
  }

  // MARK: - Dates

  private mutating func decodeDateField(_ text: [UInt8]) throws(DateTimeError) -> DateTimeMask {
    if prefix == .julian {
      let (day, end) = try DateTimeNumber.integer(text[...])
      guard day >= 0 else { throw .fieldOverflow }
      time.setDate(julianDay: day)
      isJulian = true
      zone = try Self.decodeZone(text[end...])
      prefix = nil
      return [.date, .time, .zone]
    }
    guard prefix != nil || found.isSuperset(of: [.month, .day]) else {
      return try decodeDate(text)
    }
    // There is a date already: this is a time zone's name, or a time with a zone at its end.
    guard ASCII.isDigit(text[0]) || prefix != nil else {
      let name = String(decoding: text, as: UTF8.self)
      guard let found = TimeZone.named(name) else { throw .badTimeZone(name) }
      namedZone = found
      return .zone
    }
    if let label = prefix {
      guard label == .isoTime else { throw .badFormat }
      prefix = nil
    }
    guard !found.isSuperset(of: .time), let hyphen = text.firstIndex(of: UInt8(ascii: "-")) else { throw .badFormat }
    zone = try Self.decodeZone(text[hyphen...])
    return try decodeConcatenated(text[..<hyphen], found).union(.zone)
  }

  /// A date whose parts are separated by punctuation.
  private mutating func decodeDate(_ text: [UInt8]) throws(DateTimeError) -> DateTimeMask {
    var parts: [ArraySlice<UInt8>] = []
    var at = 0
    while at < text.count {
      while at < text.count, !ASCII.isLetterOrDigit(text[at]) { at += 1 }
      guard at < text.count else { throw .badFormat }
      let start = at
      let isPart = ASCII.isDigit(text[at]) ? ASCII.isDigit : ASCII.isLetter
      while at < text.count, isPart(text[at]) { at += 1 }
      parts.append(text[start..<at])
      at += 1
    }
    var mask: DateTimeMask = []
    var known = found
    var hasTextMonth = false
    for part in parts where ASCII.isLetter(part[part.startIndex]) {
      switch DateTimeToken.ofDate(Array(part)) {
      case .ignored: continue
      case .month(let month):
        guard !known.contains(.month) else { throw .badFormat }
        time.month = month
        hasTextMonth = true
        known.insert(.month)
        mask.insert(.month)
      default: throw .badFormat
      }
    }
    for part in parts where ASCII.isDigit(part[part.startIndex]) {
      let decoded = try decodeNumber(part, known, hasTextMonth)
      guard known.isDisjoint(with: decoded) else { throw .badFormat }
      known.formUnion(decoded)
      mask.formUnion(decoded)
    }
    guard known.subtracting([.dayOfYear, .zone]) == .date else { throw .badFormat }
    return mask
  }

  // MARK: - Numbers

  private mutating func decodeLabelled(_ text: [UInt8]) throws(DateTimeError) -> DateTimeMask {
    let label = prefix
    prefix = nil
    let (value, end) = try DateTimeNumber.integer(text[...])
    guard end == text.count || text[end] == UInt8(ascii: ".") else { throw .badFormat }
    switch label {
    case .julian:
      guard value >= 0 else { throw .fieldOverflow }
      time.setDate(julianDay: value)
      isJulian = true
      guard end < text.count else { return .date }
      let fraction = try DateTimeNumber.fraction(text[end...])
      time.setTime(microseconds: Int64(fraction * Double(Calendar.microsecondsPerDay)))
      return [.date, .time]
    case .isoTime:
      let mask = try decodeConcatenated(text[...], found.union(.date))
      guard mask == .time else { throw .badFormat }
      return mask
    default: throw .badFormat
    }
  }

  private mutating func decodeNumberField(_ text: [UInt8]) throws(DateTimeError) -> DateTimeMask {
    let point = text.firstIndex(of: UInt8(ascii: "."))
    if point != nil, found.isDisjoint(with: .date) { return try decodeDate(text) }
    if let point, point > 2 { return try decodeConcatenated(text[...], found) }
    if text.count >= 6, found.isDisjoint(with: .date) || found.isDisjoint(with: .time) {
      return try decodeConcatenated(text[...], found)
    }
    return try decodeNumber(text[...], found, hasTextMonth)
  }

  /// One number, whose meaning follows from what has been found before it (DecodeNumber).
  private mutating func decodeNumber(
    _ text: ArraySlice<UInt8>, _ known: DateTimeMask, _ hasTextMonth: Bool
  ) throws(DateTimeError) -> DateTimeMask {
    let (value, end) = try DateTimeNumber.integer(text)
    guard end > text.startIndex else { throw .badFormat }
    if end < text.endIndex {
      guard text[end] == UInt8(ascii: ".") else { throw .badFormat }
      if end - text.startIndex > 2 { return try decodeConcatenated(text, known.union(.date)) }
      time.microsecond = try DateTimeNumber.microseconds(text[end...])
    }
    let dateFields = known.intersection(.date)
    if text.count == 3, dateFields == .year, 1...366 ~= value {
      time.dayOfYear = value
      return [.dayOfYear, .month, .day]
    }
    let isYear = text.count >= 3 || settings.order == .yearMonthDay
    switch dateFields {
    case []:
      if isYear { return setYear(value, text.count) }
      if settings.order == .dayMonthYear { return setDay(value) }
      return setMonth(value)
    case .year, .day: return setMonth(value)
    case .month: return hasTextMonth && isYear ? setYear(value, text.count) : setDay(value)
    case [.year, .month]:
      if hasTextMonth, text.count >= 3, hasTwoDigitYear {
        // What looked like a year was the day.
        time.day = time.year
        time.year = value
        hasTwoDigitYear = false
        return .day
      }
      return setDay(value)
    case [.month, .day]: return setYear(value, text.count)
    case .date: return try decodeConcatenated(text, known)
    default: throw .badFormat
    }
  }

  private mutating func setYear(_ value: Int, _ digits: Int) -> DateTimeMask {
    time.year = value
    hasTwoDigitYear = digits <= 2
    return .year
  }

  private mutating func setMonth(_ value: Int) -> DateTimeMask {
    time.month = value
    return .month
  }

  private mutating func setDay(_ value: Int) -> DateTimeMask {
    time.day = value
    return .day
  }

  /// `yyyymmdd` or `hhmmss`, perhaps with a fraction (DecodeNumberField).
  private mutating func decodeConcatenated(
    _ text: ArraySlice<UInt8>, _ known: DateTimeMask
  ) throws(DateTimeError) -> DateTimeMask {
    var digits = text
    func number(_ slice: ArraySlice<UInt8>) throws(DateTimeError) -> Int { try DateTimeNumber.integer(slice).value }
    if let point = text.firstIndex(of: UInt8(ascii: ".")) {
      time.microsecond = try DateTimeNumber.microseconds(text[point...])
      digits = text[..<point]
    } else if !known.isSuperset(of: .date), digits.count >= 6 {
      time.day = try number(digits.suffix(2))
      time.month = try number(digits.dropLast(2).suffix(2))
      time.year = try number(digits.dropLast(4))
      if digits.count == 6 { hasTwoDigitYear = true }
      return .date
    }
    guard digits.allSatisfy(ASCII.isDigit), !known.isSuperset(of: .time), digits.count == 6 || digits.count == 4 else {
      throw .badFormat
    }
    time.hour = try number(digits.prefix(2))
    time.minute = try number(digits.dropFirst(2).prefix(2))
    time.second = digits.count == 6 ? try number(digits.suffix(2)) : 0
    return .time
  }

  // MARK: - Times and zones

  /// `hh:mm`, `hh:mm:ss`, with a fraction (DecodeTime).
  mutating func decodeTime(_ text: ArraySlice<UInt8>) throws(DateTimeError) {
    let parts = try ClockTime(text, range: nil)
    time.hour = parts.hour
    time.minute = parts.minute
    time.second = parts.second
    time.microsecond = parts.microsecond
  }

  /// `+hh`, `+hh:mm`, `+hhmm`, `+hh:mm:ss`: seconds west of UTC.
  static func decodeZone(_ text: ArraySlice<UInt8>) throws(DateTimeError) -> Int {
    guard let sign = text.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { throw .badFormat }
    func number(_ start: Int) throws(DateTimeError) -> (value: Int, end: Int) {
      do throws(DateTimeError) { return try DateTimeNumber.integer(text[start...]) } catch {
        throw .zoneDisplacementOverflow
      }
    }
    func isColon(_ at: Int) -> Bool { at < text.endIndex && text[at] == UInt8(ascii: ":") }
    var (hours, end) = try number(text.startIndex + 1)
    var (minutes, seconds) = (0, 0)
    if isColon(end) {
      (minutes, end) = try number(end + 1)
      if isColon(end) { (seconds, end) = try number(end + 1) }
    } else if end == text.endIndex, text.count > 3 {
      minutes = hours % 100
      hours /= 100
    }
    guard 0...15 ~= hours, 0..<60 ~= minutes, 0..<60 ~= seconds else { throw .zoneDisplacementOverflow }
    guard end == text.endIndex else { throw .badFormat }
    let east = (hours * 60 + minutes) * 60 + seconds
    return sign == UInt8(ascii: "-") ? east : -east
  }

  // MARK: - Words

  private mutating func decodeWord(_ word: [UInt8]) throws(DateTimeError) -> DateTimeMask? {
    let name = String(decoding: word, as: UTF8.self)
    if let abbreviation = TimeZoneAbbreviation.find(name, session: settings.timeZone) {
      switch abbreviation {
      case .fixed(let offset, let isDST):
        time.isDST = isDST
        zone = -offset
        return isDST ? [.zone, .summerZone] : .zone
      case .dynamic(let found):
        dynamicZone = (found, name.uppercased())
        return [.zone, .dynamicZone]
      }
    }
    switch DateTimeToken.ofDate(word) {
    case .ignored: return nil
    case .special(let special): return decodeSpecial(special)
    case .month(let month):
      var mask = DateTimeMask.month
      if found.contains(.month), !hasTextMonth, !found.contains(.day), 1...31 ~= time.month {
        // The number before was the day.
        time.day = time.month
        mask = .day
      }
      hasTextMonth = true
      time.month = month
      return mask
    case .summerTime:
      time.isDST = true
      zone -= 3600
      return [.summerTime, .summerZone]
    case .ante, .post:
      halfDay = DateTimeToken.ofDate(word)
      return .halfDay
    case .annoDomini, .beforeChrist:
      isBeforeChrist = DateTimeToken.ofDate(word) == .beforeChrist
      return .era
    case .weekday: return .weekday
    case .unit(let unit):
      guard prefix == nil, unit != .isoTime || found.isSuperset(of: .date) else { throw .badFormat }
      prefix = unit
      return []
    case .ago: throw .badFormat
    case nil:
      guard let zone = TimeZone.named(name) else { throw .badFormat }
      namedZone = zone
      return .zone
    }
  }

  private mutating func decodeSpecial(_ special: DateTimeToken.Special) -> DateTimeMask {
    let now = Timestamp.localTime(ofTimestampTZ: settings.now, in: settings.timeZone)
    func setDay(_ offset: Int) {
      time.setDate(julianDay: now.time.julianDay + offset)
    }
    switch special {
    case .now:
      time = now.time
      zone = -now.offset
      return [.date, .time, .zone]
    case .today: setDay(0)
    case .tomorrow: setDay(1)
    case .yesterday: setDay(-1)
    case .zulu:
      (time.hour, time.minute, time.second) = (0, 0, 0)
      zone = 0
      return [.time, .zone]
    case .epoch, .infinity, .minusInfinity:
      outcome = .special(special)
      return [.date, .time, .zone]
    }
    return .date
  }

  // MARK: - The end

  private mutating func finish() throws(DateTimeError) {
    try validateDate()
    if halfDay != nil, time.hour > 12 { throw .fieldOverflow }
    if halfDay == .ante, time.hour == 12 { time.hour = 0 }
    if halfDay == .post, time.hour != 12 { time.hour += 12 }
    guard found.isSuperset(of: .date) else { throw .badFormat }
    if let namedZone {
      guard !found.contains(.summerTime) else { throw .badFormat }
      zone = -namedZone.offset(atLocal: time.unixSeconds).offset
    }
    if let dynamicZone {
      guard !found.contains(.summerTime) else { throw .badFormat }
      zone = -Self.offset(of: dynamicZone, time)
    }
    if !found.contains(.zone) {
      guard !found.contains(.summerTime) else { throw .badFormat }
      zone = -settings.timeZone.offset(atLocal: time.unixSeconds).offset
    }
  }

  /// Seconds east of UTC that an abbreviation stands for at a local time (DetermineTimeZoneAbbrevOffset).
  static func offset(of dynamic: (zone: TimeZone, abbreviation: String), _ time: LocalTime) -> Int {
    let local = time.unixSeconds
    let guess = dynamic.zone.offset(atLocal: local).offset
    return dynamic.zone.offset(ofAbbreviation: dynamic.abbreviation, at: local - Int64(guess))?.offset ?? guess
  }

  mutating func validateDate() throws(DateTimeError) {
    if found.contains(.year), !isJulian {
      if isBeforeChrist {
        guard time.year > 0 else { throw .fieldOverflow }
        time.year = 1 - time.year
      } else if hasTwoDigitYear {
        guard time.year >= 0 else { throw .fieldOverflow }
        if time.year < 70 { time.year += 2000 } else if time.year < 100 { time.year += 1900 }
      } else {
        guard time.year > 0 else { throw .fieldOverflow }
      }
    }
    if found.contains(.dayOfYear) {
      time.setDate(julianDay: Calendar.julianDay(year: time.year, month: 1, day: 1) + time.dayOfYear - 1)
    }
    if found.contains(.month), !(1...12 ~= time.month) { throw .monthDayOverflow }
    if found.contains(.day), !(1...31 ~= time.day) { throw .monthDayOverflow }
    if found.isSuperset(of: .date), time.day > Calendar.days(inMonth: time.month, year: time.year) {
      throw .fieldOverflow
    }
  }
}
