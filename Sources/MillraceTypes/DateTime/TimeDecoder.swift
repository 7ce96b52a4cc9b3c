/// Finds out what the fields of a text of `time` and `timetz` mean (datetime.c's DecodeTimeOnly).
///
/// A date may stand there too. It is checked, and says which offset a named time zone has.
struct TimeDecoder {
  let settings: DateTimeSettings
  var time = LocalTime()
  /// Seconds west of UTC.
  var zone = 0
  private var found: DateTimeMask = []
  private var halfDay: DateTimeToken?
  private var prefix: DateTimeToken.Unit?
  private var namedZone: TimeZone?
  private var dynamicZone: (zone: TimeZone, abbreviation: String)?
  /// Fields of a date, left to the other decoder.
  private var dateFields: [DateTimeField] = []

  init(_ settings: DateTimeSettings) { self.settings = settings }

  mutating func decode(_ fields: [DateTimeField]) throws(DateTimeError) {
    for (index, field) in fields.enumerated() {
      let mask = try decode(field, index, fields)
      guard found.isDisjoint(with: mask) else { throw .badFormat }
      found.formUnion(mask)
    }
    guard prefix == nil else { throw .badFormat }
    try finish()
  }

  private mutating func decode(
    _ field: DateTimeField, _ index: Int, _ fields: [DateTimeField]
  ) throws(DateTimeError) -> DateTimeMask {
    switch field.kind {
    case .date: return try decodeDate(field, index, fields)
    case .time:
      if let label = prefix {
        guard label == .isoTime else { throw .badFormat }
        prefix = nil
      }
      let parts = try ClockTime(field.text[...], range: nil)
      (time.hour, time.minute, time.second) = (parts.hour, parts.minute, parts.second)
      time.microsecond = parts.microsecond
      return .time
    case .zone:
      zone = try DateTimeDecoder.decodeZone(field.text[...])
      return .zone
    case .number: return try decodeNumber(field, index, fields)
    case .string, .special: return try decodeWord(field)
    }
  }

  private func isLast(_ index: Int, _ fields: [DateTimeField]) -> Bool { index == fields.count - 1 }

  /// A date, a time zone's name with punctuation, or a time with a zone at its end.
  private mutating func decodeDate(
    _ field: DateTimeField, _ index: Int, _ fields: [DateTimeField]
  ) throws(DateTimeError) -> DateTimeMask {
    let startsDate =
      index == 0 && fields.count >= 2
      && (fields[fields.count - 1].kind == .date || fields[1].kind == .time)
    if startsDate, prefix == nil {
      dateFields.append(field)
      return .date
    }
    guard ASCII.isDigit(field.text[0]) else {
      if prefix != nil { throw .badFormat }
      let name = String(decoding: field.text, as: UTF8.self)
      guard let named = TimeZone.named(name) else { throw .badTimeZone(name) }
      namedZone = named
      return .zone
    }
    if let label = prefix {
      guard label == .isoTime else { throw .badFormat }
      prefix = nil
    }
    guard found.isDisjoint(with: .time), let hyphen = field.text.firstIndex(of: UInt8(ascii: "-")) else {
      throw .badFormat
    }
    zone = try DateTimeDecoder.decodeZone(field.text[hyphen...])
    try setConcatenated(field.text[..<hyphen])
    return [.time, .zone]
  }

  /// `hhmm` or `hhmmss`, perhaps with a fraction.
  private mutating func setConcatenated(_ text: ArraySlice<UInt8>) throws(DateTimeError) {
    var digits = text
    if let point = text.firstIndex(of: UInt8(ascii: ".")) {
      time.microsecond = try DateTimeNumber.microseconds(text[point...])
      digits = text[..<point]
    }
    guard digits.allSatisfy(ASCII.isDigit), digits.count == 6 || digits.count == 4 else { throw .badFormat }
    time.hour = try DateTimeNumber.integer(digits.prefix(2)).value
    time.minute = try DateTimeNumber.integer(digits.dropFirst(2).prefix(2)).value
    time.second = digits.count == 6 ? try DateTimeNumber.integer(digits.suffix(2)).value : 0
  }

  private mutating func decodeNumber(
    _ field: DateTimeField, _ index: Int, _ fields: [DateTimeField]
  ) throws(DateTimeError) -> DateTimeMask {
    if let label = prefix {
      guard label == .isoTime else { throw .badFormat }
      prefix = nil
      try setConcatenated(field.text[...])
      return .time
    }
    let point = field.text.firstIndex(of: UInt8(ascii: "."))
    if point != nil, index == 0, fields.count >= 2, fields[fields.count - 1].kind == .date {
      dateFields.append(field)
      return .date
    }
    if let point, point <= 2 { throw .badFormat }
    if point == nil, field.text.count <= 4, field.text.count != 4 { throw .badFormat }
    if point == nil, field.text.count > 6 || field.text.count == 5 { throw .badFormat }
    try setConcatenated(field.text[...])
    return .time
  }

  private mutating func decodeWord(_ field: DateTimeField) throws(DateTimeError) -> DateTimeMask {
    let name = String(decoding: field.text, as: UTF8.self)
    if let abbreviation = TimeZoneAbbreviation.find(name, session: settings.timeZone) {
      switch abbreviation {
      case .fixed(let offset, let isDST):
        zone = -offset
        return isDST ? [.zone, .summerZone] : .zone
      case .dynamic(let found):
        dynamicZone = (found, name.uppercased())
        return [.zone, .dynamicZone]
      }
    }
    switch DateTimeToken.ofDate(field.text) {
    case .ignored: return []
    case .special(.now):
      let now = Timestamp.localTime(ofTimestampTZ: settings.now, in: settings.timeZone)
      time = now.time
      zone = -now.offset
      return [.time, .zone]
    case .special(.zulu):
      (time.hour, time.minute, time.second) = (0, 0, 0)
      zone = 0
      return [.time, .zone]
    case .summerTime:
      zone -= 3600
      return [.summerTime, .summerZone]
    case .ante, .post:
      halfDay = DateTimeToken.ofDate(field.text)
      return .halfDay
    case .annoDomini, .beforeChrist: return .era
    case .unit(let unit):
      guard prefix == nil else { throw .badFormat }
      prefix = unit
      return []
    case nil:
      guard let zone = TimeZone.named(name) else { throw .badFormat }
      namedZone = zone
      return .zone
    default: throw .badFormat
    }
  }

  private mutating func finish() throws(DateTimeError) {
    if halfDay != nil, time.hour > 12 { throw .fieldOverflow }
    if halfDay == .ante, time.hour == 12 { time.hour = 0 }
    if halfDay == .post, time.hour != 12 { time.hour += 12 }
    guard 0...24 ~= time.hour, 0...59 ~= time.minute, 0...60 ~= time.second,
      time.timeOfDay <= Calendar.microsecondsPerDay
    else { throw .fieldOverflow }
    guard found.isSuperset(of: .time) else { throw .badFormat }
    if !dateFields.isEmpty {
      var decoder = DateTimeDecoder(settings)
      guard case .time = try decoder.decode(dateFields) else { throw .badFormat }
      (time.year, time.month, time.day) = (decoder.time.year, decoder.time.month, decoder.time.day)
    } else {
      let today = Timestamp.localTime(ofTimestampTZ: settings.now, in: settings.timeZone).time
      (time.year, time.month, time.day) = (today.year, today.month, today.day)
    }
    try applyZone()
  }

  private mutating func applyZone() throws(DateTimeError) {
    if let namedZone {
      guard !found.contains(.summerTime) else { throw .badFormat }
      // Without a date nobody knows which offset a zone with summer time has.
      if dateFields.isEmpty, namedZone.nextTransition(after: time.unixSeconds) != nil { throw .badFormat }
      zone = -namedZone.offset(atLocal: time.unixSeconds).offset
    }
    if let dynamicZone {
      guard !found.contains(.summerTime) else { throw .badFormat }
      zone = -DateTimeDecoder.offset(of: dynamicZone, time)
    }
    if !found.contains(.zone) {
      guard !found.contains(.summerTime) else { throw .badFormat }
      zone = -settings.timeZone.offset(atLocal: time.unixSeconds).offset
    }
  }
}
