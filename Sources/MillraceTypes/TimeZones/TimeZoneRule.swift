/// A time zone in POSIX's notation, `CET-1CEST,M3.5.0,M10.5.0/3` (IEEE Std 1003.1, 8.3; RFC 8536, 3.3).
///
/// It stands at the end of a time zone file, for all times after those listed there, and may be written where a zone's
/// name may be.
struct TimeZoneRule: Sendable {
  struct Period: Sendable {
    let abbreviation: String
    /// Seconds east of UTC.
    let offset: Int
    let isDST: Bool
  }

  enum Day: Sendable {
    /// 1 to 365, without February 29.
    case julian(Int)
    /// 0 to 365.
    case ofYear(Int)
    case monthly(month: Int, week: Int, weekday: Int)
  }

  struct Change: Sendable {
    let day: Day
    /// Seconds after midnight, local time.
    let seconds: Int
  }

  let standard: Period
  /// nil where there is no summer time.
  let summer: (period: Period, begin: Change, end: Change)?

  init?(_ text: some StringProtocol) {
    var parser = Parser(Array(text.utf8))
    guard let name = parser.name(), let offset = parser.offset() else { return nil }
    standard = Period(abbreviation: name, offset: -offset, isDST: false)
    if parser.isAtEnd {
      summer = nil
      return
    }
    guard let summerName = parser.name() else { return nil }
    var summerOffset = standard.offset + 3600
    if !parser.isAtEnd, !parser.isNext(",") {
      guard let offset = parser.offset() else { return nil }
      summerOffset = -offset
    }
    // The rule of the United States, for whoever gives none.
    if parser.isAtEnd { parser = Parser(Array(",M3.2.0,M11.1.0".utf8)) }
    guard parser.skip(","), let begin = parser.change(), parser.skip(","), let end = parser.change(), parser.isAtEnd
    else { return nil }
    summer = (Period(abbreviation: summerName, offset: summerOffset, isDST: true), begin, end)
  }

  /// The two changes of a year, in order: seconds since 1970, and what holds from then on.
  func changes(inYear year: Int) -> [(at: Int64, period: Period)] {
    guard let summer else { return [] }
    let begin = Self.seconds(summer.begin, year) - Int64(standard.offset)
    let end = Self.seconds(summer.end, year) - Int64(summer.period.offset)
    let changes = [(begin, summer.period), (end, standard)]
    return begin <= end ? changes : changes.reversed()
  }

  private static func seconds(_ change: Change, _ year: Int) -> Int64 {
    let newYear = Calendar.julianDay(year: year, month: 1, day: 1)
    let isLeap = Calendar.isLeap(year)
    let day: Int
    switch change.day {
    case .julian(let number): day = newYear + number - 1 + (isLeap && number >= 60 ? 1 : 0)
    case .ofYear(let number): day = newYear + number
    case .monthly(let month, let week, let weekday):
      let first = Calendar.julianDay(year: year, month: month, day: 1)
      var offset = weekday - Calendar.weekday(first)
      if offset < 0 { offset += 7 }
      offset += (week - 1) * 7
      while offset >= Calendar.days(inMonth: month, year: year) { offset -= 7 }
      day = first + offset
    }
    return Int64(day - Calendar.unixEpochDay) * 86_400 + Int64(change.seconds)
  }

  private struct Parser {
    let bytes: [UInt8]
    var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { at == bytes.count }

    func isNext(_ byte: Unicode.Scalar) -> Bool { at < bytes.count && bytes[at] == UInt8(ascii: byte) }

    mutating func skip(_ byte: Unicode.Scalar) -> Bool {
      guard isNext(byte) else { return false }
      at += 1
      return true
    }

    mutating func name() -> String? {
      let start: Int
      let end: Int
      if skip("<") {
        start = at
        while at < bytes.count, !isNext(">") { at += 1 }
        end = at
        guard skip(">") else { return nil }
      } else {
        start = at
        while at < bytes.count, ASCII.isLetter(bytes[at]) { at += 1 }
        end = at
      }
      guard end > start else { return nil }
      return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    mutating func number(_ limit: ClosedRange<Int>) -> Int? {
      let start = at
      var value = 0
      while at < bytes.count, ASCII.isDigit(bytes[at]) {
        value = value * 10 + Int(bytes[at] - UInt8(ascii: "0"))
        guard value <= limit.upperBound else { return nil }
        at += 1
      }
      return at > start && limit.contains(value) ? value : nil
    }

    /// Hours, minutes, seconds, with a sign.
    mutating func offset() -> Int? {
      let isNegative = skip("-")
      if !isNegative { _ = skip("+") }
      guard let hours = number(0...167) else { return nil }
      var seconds = hours * 3600
      if skip(":") {
        guard let minutes = number(0...59) else { return nil }
        seconds += minutes * 60
        if skip(":") {
          guard let rest = number(0...60) else { return nil }
          seconds += rest
        }
      }
      return isNegative ? -seconds : seconds
    }

    mutating func change() -> Change? {
      let day: Day
      if skip("M") {
        guard let month = number(1...12), skip("."), let week = number(1...5), skip("."), let weekday = number(0...6)
        else { return nil }
        day = .monthly(month: month, week: week, weekday: weekday)
      } else if skip("J") {
        guard let number = number(1...365) else { return nil }
        day = .julian(number)
      } else {
        guard let number = number(0...365) else { return nil }
        day = .ofYear(number)
      }
      guard skip("/") else { return Change(day: day, seconds: 2 * 3600) }
      return offset().map { Change(day: day, seconds: $0) }
    }
  }
}
