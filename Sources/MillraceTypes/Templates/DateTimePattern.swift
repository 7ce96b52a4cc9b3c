/// The patterns of a template of dates and times.
enum DateTimePattern: Sendable, Equatable {
  /// The case in which a word was written is that in which it comes out.
  enum Case: Sendable { case upper, capitalized, lower }

  case meridiem(Case, dotted: Bool)
  case era(Case, dotted: Bool)
  case century, dayOfYear, day, dayOfWeek, isoDayOfYear, isoDayOfWeek
  case dayName(Case), dayAbbreviation(Case), monthName(Case), monthAbbreviation(Case)
  case fraction(Int), exact, hour24, hour12, minute, second, millisecond, microsecond, secondOfDay
  case isoWeek, isoYear(Int), julian, month, quarter, romanMonth(Case)
  case zone(Case), zoneHour, zoneMinute, offset
  case weekOfYear, weekOfMonth, year(Int), yearWithComma

  /// In the order in which they are tried: the longer of two that begin alike first.
  private static let all: [(StaticString, DateTimePattern)] = [
    ("A.D.", .era(.upper, dotted: true)), ("A.M.", .meridiem(.upper, dotted: true)),
    ("AD", .era(.upper, dotted: false)),
    ("AM", .meridiem(.upper, dotted: false)), ("B.C.", .era(.upper, dotted: true)), ("BC", .era(.upper, dotted: false)),
    ("CC", .century), ("DAY", .dayName(.upper)), ("DDD", .dayOfYear), ("DD", .day), ("DY", .dayAbbreviation(.upper)),
    ("Day", .dayName(.capitalized)), ("Dy", .dayAbbreviation(.capitalized)), ("D", .dayOfWeek), ("FF1", .fraction(1)),
    ("FF2", .fraction(2)), ("FF3", .fraction(3)), ("FF4", .fraction(4)), ("FF5", .fraction(5)), ("FF6", .fraction(6)),
    ("FX", .exact), ("HH24", .hour24), ("HH12", .hour12), ("HH", .hour12), ("IDDD", .isoDayOfYear),
    ("ID", .isoDayOfWeek), ("IW", .isoWeek), ("IYYY", .isoYear(4)), ("IYY", .isoYear(3)), ("IY", .isoYear(2)),
    ("I", .isoYear(1)), ("J", .julian), ("MI", .minute), ("MM", .month), ("MONTH", .monthName(.upper)),
    ("MON", .monthAbbreviation(.upper)), ("MS", .millisecond), ("Month", .monthName(.capitalized)),
    ("Mon", .monthAbbreviation(.capitalized)), ("OF", .offset), ("P.M.", .meridiem(.upper, dotted: true)),
    ("PM", .meridiem(.upper, dotted: false)), ("Q", .quarter), ("RM", .romanMonth(.upper)), ("SSSSS", .secondOfDay),
    ("SSSS", .secondOfDay), ("SS", .second), ("TZH", .zoneHour), ("TZM", .zoneMinute), ("TZ", .zone(.upper)),
    ("US", .microsecond), ("WW", .weekOfYear), ("W", .weekOfMonth), ("Y,YYY", .yearWithComma), ("YYYY", .year(4)),
    ("YYY", .year(3)), ("YY", .year(2)), ("Y", .year(1)),
    ("a.d.", .era(.lower, dotted: true)), ("a.m.", .meridiem(.lower, dotted: true)),
    ("ad", .era(.lower, dotted: false)),
    ("am", .meridiem(.lower, dotted: false)), ("b.c.", .era(.lower, dotted: true)), ("bc", .era(.lower, dotted: false)),
    ("cc", .century), ("day", .dayName(.lower)), ("ddd", .dayOfYear), ("dd", .day), ("dy", .dayAbbreviation(.lower)),
    ("d", .dayOfWeek), ("ff1", .fraction(1)), ("ff2", .fraction(2)), ("ff3", .fraction(3)), ("ff4", .fraction(4)),
    ("ff5", .fraction(5)), ("ff6", .fraction(6)), ("fx", .exact), ("hh24", .hour24), ("hh12", .hour12), ("hh", .hour12),
    ("iddd", .isoDayOfYear), ("id", .isoDayOfWeek), ("iw", .isoWeek), ("iyyy", .isoYear(4)), ("iyy", .isoYear(3)),
    ("iy", .isoYear(2)), ("i", .isoYear(1)), ("j", .julian), ("mi", .minute), ("mm", .month),
    ("month", .monthName(.lower)),
    ("mon", .monthAbbreviation(.lower)), ("ms", .millisecond), ("of", .offset),
    ("p.m.", .meridiem(.lower, dotted: true)),
    ("pm", .meridiem(.lower, dotted: false)), ("q", .quarter), ("rm", .romanMonth(.lower)), ("sssss", .secondOfDay),
    ("ssss", .secondOfDay), ("ss", .second), ("tzh", .zoneHour), ("tzm", .zoneMinute), ("tz", .zone(.lower)),
    ("us", .microsecond), ("ww", .weekOfYear), ("w", .weekOfMonth), ("y,yyy", .yearWithComma), ("yyyy", .year(4)),
    ("yyy", .year(3)), ("yy", .year(2)), ("y", .year(1)),
  ]

  static func parse(_ template: ByteView) -> [TemplateNode<DateTimePattern>] {
    var scanner = TemplateScanner(template)
    var nodes: [TemplateNode<DateTimePattern>] = []
    while !scanner.isAtEnd {
      var modifiers: TemplateModifiers = []
      if scanner.skip("FM") || scanner.skip("fm") {
        modifiers.insert(.fillMode)
      } else if scanner.skip("TM") || scanner.skip("tm") {
        modifiers.insert(.translated)
      }
      guard !scanner.isAtEnd else { break }
      guard let pattern = next(&scanner) else {
        scanner.appendLiterals(to: &nodes, separators: true)
        continue
      }
      if scanner.skip("TH") {
        modifiers.insert(.upperOrdinal)
      } else if scanner.skip("th") {
        modifiers.insert(.lowerOrdinal)
      } else if scanner.skip("SP") {
        modifiers.insert(.spelled)
      }
      nodes.append(.pattern(pattern, modifiers))
    }
    return nodes
  }

  private static func next(_ scanner: inout TemplateScanner) -> DateTimePattern? {
    for (word, pattern) in all where scanner.skip(word) { return pattern }
    return nil
  }

  /// The first word that stands for it, for messages.
  var name: String {
    Self.all.first { $0.1 == self }.map { String(describing: $0.0) } ?? ""
  }
}
