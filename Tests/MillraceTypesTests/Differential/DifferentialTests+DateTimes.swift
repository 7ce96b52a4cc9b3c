import MillraceTestSupport
import MillraceTypes
import Testing

extension DifferentialTests {
  private static let stamps = [
    "2024-02-29 12:34:56.789", "2023-12-31 23:59:59.999999", "2000-01-01", "1999-12-31 23:59:59.5", "1970-01-01",
    "0001-01-01",
    "0001-12-31 BC", "0100-06-15 BC", "4714-11-24 BC", "294276-12-31 23:59:59.999999", "infinity", "-infinity",
    "2024-03-31 01:30",
    "2024-03-31 03:30", "2024-10-27 02:30", "2024-10-27 00:30", "2021-01-31", "2020-12-28", "2021-01-03", "1900-03-01",
    "2001-01-01", "2000-12-31",
    "1582-10-15 10:00", "2400-02-29", "1980-05-05 05:05:05.000005", "0010-01-01", "0011-01-01 BC", "1001-01-01",
    "1000-12-31", "2038-07-19 03:14:08",
  ]
  private static let spans = [
    "0", "1 day", "-1 day", "1 month", "-1 month", "1 year", "13 months", "1 mon 1 day 1 hour",
    "-1 mon +30 days -00:00:00.000001", "24 hours",
    "100000 hours", "1 us", "178956970 years", "-178956970 years", "2147483647 days", "-2147483648 days", "infinity",
    "-infinity", "29 days 25:00",
    "1 year 2 mons -3 days 04:05:06.7", "-00:30", "0.5 mons", "65 days", "-65 days -30:00", "1 mon -1 day",
    "9223372036854775807 us",
    "11 mons 29 days 23:59:59.999999",
  ]

  private static func settings(_ zone: String) throws -> TypeSettings {
    var settings = TypeSettings()
    settings.dateTime.timeZone = try #require(TimeZone.named(zone))
    return settings
  }

  private static func value(_ type: TypeDescriptor, _ text: String, _ settings: TypeSettings = TypeSettings()) throws
    -> Int64
  {
    try type.value(of: text, settings, in: Arena()).int64
  }

  private static func interval(_ text: String) throws -> Interval {
    try Array(text.utf8).withByteView { try IntervalType.parse($0, typmod: -1, DateTimeSettings()) }
  }

  private static func shown(_ interval: Interval) -> String {
    let arena = Arena()
    return withExtendedLifetime(arena) { TypeDescriptor.interval.text(of: IntervalType.datum(interval, in: arena)) }
  }

  @Test("every style of dates, times and intervals")
  func styles() throws {
    var questions: [Referee.Question] = []
    let arena = Arena()
    for style in [
      "ISO, MDY", "ISO, DMY", "SQL, MDY", "SQL, DMY", "Postgres, MDY", "Postgres, DMY", "German, DMY", "ISO, YMD",
    ] {
      for zone in ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "<+0330>-3:30"] {
        var settings = try Self.settings(zone)
        let isKnown = settings.dateTime.setDateStyle(style)
        #expect(isKnown)
        #expect(settings.dateTime.dateStyle == style)
        let prelude = "SET LOCAL datestyle = '\(style)'; SET LOCAL timezone = '\(zone)'"
        for text in Self.stamps + ["01/02/03 04:05", "2024-07-01 12:00 PST", "1880-01-01", "1912-06-01 Europe/Paris"] {
          for (name, type) in [("timestamp", TypeDescriptor.timestamp), ("timestamptz", .timestampTZ), ("date", .date)]
          {
            questions.append(
              Referee.Question(
                sql: "'\(text)'::\(name)",
                ours: Answer.of { () throws(TypeError) in
                  type.text(of: try type.value(of: text, settings, in: arena), settings)
                }, prelude: prelude))
          }
        }
      }
    }
    let styles: [(String, DateTimeSettings.IntervalStyle)] = [
      ("postgres", .postgres), ("postgres_verbose", .postgresVerbose), ("sql_standard", .sqlStandard),
      ("iso_8601", .iso8601),
    ]
    for (name, style) in styles {
      var settings = TypeSettings()
      settings.dateTime.intervalStyle = style
      for text in Self.spans + Subject.intervals {
        questions.append(
          Referee.Question(
            sql: "\(quoted(text))::interval",
            ours: Answer.of { () throws(TypeError) in
              let type = TypeDescriptor.interval
              return type.text(of: try type.value(of: text, settings, in: arena), settings)
            }, prelude: "SET LOCAL intervalstyle = '\(name)'"))
      }
    }
    try Referee.compare(questions)
  }

  @Test(
    "local times and summer time",
    arguments: ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
  func zones(zone: String) throws {
    let settings = try Self.settings(zone)
    let type = TypeDescriptor.timestampTZ
    let arena = Arena()
    var random = SeededGenerator(for: "local times in \(zone)")
    var questions: [Referee.Question] = []
    for index in 0..<600 {
      // Every other one within a few hours of where clocks change in Europe and America.
      let near = [(3, 31), (10, 27), (3, 10), (11, 3), (4, 7), (10, 6)][random.below(6)]
      let (month, day) = index % 2 == 0 ? near : (1 + random.below(12), 1 + random.below(28))
      let year = index % 2 == 0 ? 2024 : 1850 + random.below(400)
      let text = "\(year)-\(month)-\(day) \(random.below(24)):\(random.below(60)):\(random.below(60))"
      let prelude = "SET LOCAL timezone = '\(zone)'"
      questions.append(
        Referee.Question(
          sql: "'\(text)'::timestamptz",
          ours: Answer.of { () throws(TypeError) in
            type.text(of: try type.value(of: text, settings, in: arena), settings)
          }, prelude: prelude))
      questions.append(
        Referee.Question(
          sql: "'\(text) UTC'::timestamptz",
          ours: Answer.of { () throws(TypeError) in
            type.text(of: try type.value(of: "\(text) UTC", settings, in: arena), settings)
          }, prelude: prelude))
    }
    try Referee.compare(questions)
  }

  @Test("sums and differences of timestamps, dates, times and intervals")
  func dateTimeArithmetic() throws {
    var questions: [Referee.Question] = []
    let zone = "Europe/Berlin"
    let settings = try Self.settings(zone)
    let prelude = "SET LOCAL timezone = '\(zone)'"
    func text(_ value: Int64) -> String { TypeDescriptor.timestamp.text(of: Datum(value)) }
    func textTZ(_ value: Int64) -> String { TypeDescriptor.timestampTZ.text(of: Datum(value), settings) }
    func ask(_ sql: String, _ prelude: String = "", _ ours: () throws(TypeError) -> String?) {
      questions.append(Referee.Question(sql: sql, ours: Answer.of(ours), prelude: prelude))
    }
    for x in Self.stamps {
      let a = try Self.value(.timestamp, x)
      let atz = try? Self.value(.timestampTZ, x, settings)
      for y in Self.spans {
        let b = try Self.interval(y)
        ask("'\(x)'::timestamp + '\(y)'::interval") { () throws(TypeError) in text(try Timestamp.adding(a, b)) }
        ask("'\(x)'::timestamp - '\(y)'::interval") { () throws(TypeError) in text(try Timestamp.subtracting(a, b)) }
        guard let atz else { continue }
        ask("'\(x)'::timestamptz + '\(y)'::interval", prelude) { () throws(TypeError) in
          textTZ(try Timestamp.adding(atz, b, in: settings.dateTime.timeZone))
        }
      }
      for y in Self.stamps {
        let b = try Self.value(.timestamp, y)
        ask("'\(x)'::timestamp - '\(y)'::timestamp") { () throws(TypeError) in
          Self.shown(try Timestamp.difference(a, b))
        }
        ask("age('\(x)'::timestamp, '\(y)'::timestamp)") { () throws(TypeError) in Self.shown(try Timestamp.age(a, b)) }
        ask("date_bin('3 days 1 hour', '\(x)'::timestamp, '\(y)'::timestamp)") { () throws(TypeError) in
          text(try Timestamp.bin(Interval(days: 3, microseconds: 3_600_000_000), a, origin: b))
        }
      }
      ask("'\(x)'::timestamp::timestamptz", prelude) { () throws(TypeError) in
        textTZ(try Timestamp.absolute(a, in: settings.dateTime.timeZone))
      }
      ask("'\(x)'::timestamp::date") { TypeDescriptor.date.text(of: Datum(Timestamp.date(a))) }
      guard let atz else { continue }
      ask("'\(x)'::timestamptz::timestamp", prelude) { () throws(TypeError) in
        text(try Timestamp.local(atz, in: settings.dateTime.timeZone))
      }
    }
    try Referee.compare(questions)
  }

  @Test("arithmetic of intervals")
  func intervalArithmetic() throws {
    var questions: [Referee.Question] = []
    func ask(_ sql: String, _ ours: () throws(TypeError) -> Interval) {
      questions.append(
        Referee.Question(sql: sql, ours: Answer.of { () throws(TypeError) in Self.shown(try ours()) }))
    }
    for x in Self.spans {
      let a = try Self.interval(x)
      for y in Self.spans {
        let b = try Self.interval(y)
        ask("'\(x)'::interval + '\(y)'::interval") { () throws(TypeError) in try Interval.adding(a, b) }
        ask("'\(x)'::interval - '\(y)'::interval") { () throws(TypeError) in try Interval.subtracting(a, b) }
      }
      for factor in [0, 1, -1, 0.5, 1.5, 3, -2.25, 1e10, 0.1, 7, .infinity, -.infinity, .nan, 1e-9] {
        let shown = TypeDescriptor.float8.text(of: Datum(factor))
        ask("'\(x)'::interval * '\(shown)'::float8") { () throws(TypeError) in try Interval.multiplying(a, by: factor) }
        ask("'\(x)'::interval / '\(shown)'::float8") { () throws(TypeError) in try Interval.dividing(a, by: factor) }
      }
      ask("-('\(x)'::interval)") { () throws(TypeError) in try Interval.negating(a) }
      ask("justify_hours('\(x)'::interval)") { () throws(TypeError) in try a.justifyingHours() }
      ask("justify_days('\(x)'::interval)") { () throws(TypeError) in try a.justifyingDays() }
      ask("justify_interval('\(x)'::interval)") { () throws(TypeError) in try a.justified() }
    }
    for (suffix, words) in [
      ("year", ["4"]), ("month", ["2"]), ("year to month", ["6"]), ("day", ["8"]), ("hour", ["1024"]),
      ("day to hour", ["1032"]),
      ("minute", ["2048"]), ("day to minute", ["3080"]), ("hour to minute", ["3072"]), ("second", ["4096"]),
      ("day to second", ["7176"]),
      ("minute to second", ["6144"]), ("second(2)", ["4096", "2"]), ("(1)", ["32767", "1"]),
    ] {
      let typmod = try TypeDescriptor.interval.typmodInput?(words) ?? -1
      for text in Subject.intervals + Self.spans {
        ask("\(quoted(text))::interval \(suffix.first == "(" ? "" : suffix)\(suffix.first == "(" ? suffix : "")") {
          () throws(TypeError) in
          // A typmod that is only a precision stands right after the type's name.
          let arena = Arena()
          let value = try TypeDescriptor.interval.value(of: text, typmod: typmod, in: arena)
          return IntervalType.value(value)
        }
      }
    }
    try Referee.compare(questions)
  }

  private static let partNames = [
    "microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade",
    "century",
    "millennium", "dow", "isodow", "doy", "isoyear", "julian", "epoch", "timezone", "timezone_hour", "timezone_minute",
    "YEAR",
    "fortnight", "usec", "yr",
  ]

  @Test("extract, date_part and date_trunc")
  func parts() throws {
    var questions: [Referee.Question] = []
    let zone = try #require(TimeZone.named("Europe/Berlin"))
    let settings = try Self.settings("Europe/Berlin")
    let prelude = "SET LOCAL timezone = 'Europe/Berlin'"
    let arena = Arena()
    for part in Self.partNames {
      let name = arena.copy(part).bytes
      func ask(_ value: String, _ ours: () throws(TypeError) -> DateTimePartValue?) {
        let answer: Result<DateTimePartValue?, TypeError> = Result { () throws(TypeError) in try ours() }
        questions.append(
          Referee.Question(
            sql: "extract(\(quoted(part)) from \(value))",
            ours: Answer.of { () throws(TypeError) in try answer.get()?.numeric.text }, prelude: prelude))
        // Of a date it is of the timestamp that the date is cast to.
        if value.hasSuffix("::date") { return }
        questions.append(
          Referee.Question(
            sql: "date_part(\(quoted(part)), \(value))",
            ours: Answer.of { () throws(TypeError) in
              try answer.get().map { TypeDescriptor.float8.text(of: Datum($0.float)) }
            }, prelude: prelude))
      }
      for x in Self.stamps {
        let stamp = try Self.value(.timestamp, x)
        ask("'\(x)'::timestamp") { () throws(TypeError) in try DateTimePart.extract(name, from: stamp) }
        questions.append(
          Referee.Question(
            sql: "date_trunc(\(quoted(part)), '\(x)'::timestamp)",
            ours: Answer.of { () throws(TypeError) in
              TypeDescriptor.timestamp.text(of: Datum(try DateTimePart.truncate(name, stamp)))
            }))
        if let value = try? Self.value(.timestampTZ, x, settings) {
          ask("'\(x)'::timestamptz") { () throws(TypeError) in
            try DateTimePart.extract(name, fromTimestampTZ: value, in: zone)
          }
          questions.append(
            Referee.Question(
              sql: "date_trunc(\(quoted(part)), '\(x)'::timestamptz)",
              ours: Answer.of { () throws(TypeError) in
                TypeDescriptor.timestampTZ.text(
                  of: Datum(try DateTimePart.truncate(name, timestampTZ: value, in: zone)), settings)
              }, prelude: prelude))
        }
        let date = Timestamp.date(stamp)
        ask("'\(x)'::timestamp::date") { () throws(TypeError) in try DateTimePart.extract(name, fromDate: date) }
      }
      for time in ["00:00", "12:34:56.789", "24:00", "23:59:59.999999"] {
        let value = try Self.value(.time, time)
        ask("'\(time)'::time") { () throws(TypeError) in try DateTimePart.extract(name, fromTime: value) }
        ask("'\(time)-03:30'::timetz") { () throws(TypeError) in
          try DateTimePart.extract(name, fromTime: value, zone: 12_600)
        }
      }
      for span in Self.spans {
        let value = try Self.interval(span)
        ask("'\(span)'::interval") { () throws(TypeError) in try DateTimePart.extract(name, fromInterval: value) }
        questions.append(
          Referee.Question(
            sql: "date_trunc(\(quoted(part)), '\(span)'::interval)",
            ours: Answer.of { () throws(TypeError) in Self.shown(try DateTimePart.truncate(name, value)) }))
      }
    }
    try Referee.compare(questions)
  }

  @Test("dates, and times around the clock")
  func dateArithmetic() throws {
    var questions: [Referee.Question] = []
    func ask(_ sql: String, _ ours: () throws(TypeError) -> String?) {
      questions.append(Referee.Question(sql: sql, ours: Answer.of(ours)))
    }
    func text(_ date: Int32) -> String { TypeDescriptor.date.text(of: Datum(date)) }
    let dates = ["2024-02-29", "4714-11-24 BC", "5874897-12-31", "infinity", "-infinity", "2000-01-01", "294277-01-01"]
    for x in dates {
      let a = try TypeDescriptor.date.value(of: x, in: Arena()).int32
      for days: Int32 in [0, 1, -1, 365, .max, .min, -2_451_546] {
        ask("'\(x)'::date + (\(days))::int4") { () throws(TypeError) in text(try SQLDate.adding(a, days: days)) }
        ask("'\(x)'::date - (\(days))::int4") { () throws(TypeError) in text(try SQLDate.subtracting(a, days: days)) }
      }
      for y in dates {
        let b = try TypeDescriptor.date.value(of: y, in: Arena()).int32
        ask("'\(x)'::date - '\(y)'::date") { () throws(TypeError) in "\(try SQLDate.difference(a, b))" }
      }
      ask("'\(x)'::date::timestamp") { () throws(TypeError) in
        TypeDescriptor.timestamp.text(of: Datum(try SQLDate.timestamp(a)))
      }
    }
    for (year, month, day) in [
      (2024, 2, 29), (2023, 2, 29), (-1, 1, 1), (0, 1, 1), (2024, 13, 1), (2024, 1, 0), (-4714, 1, 1), (99999999, 1, 1),
    ] {
      ask("make_date(\(year), \(month), \(day))") { () throws(TypeError) in
        text(try SQLDate.make(year: year, month: month, day: day))
      }
    }
    for x in ["00:00", "12:00", "23:59:59.999999", "24:00"] {
      let a = try Self.value(.time, x)
      for y in Self.spans {
        let b = try Self.interval(y)
        ask("'\(x)'::time + '\(y)'::interval") { () throws(TypeError) in
          TypeDescriptor.time.text(of: Datum(try SQLTime.adding(a, b)))
        }
        ask("'\(x)'::time - '\(y)'::interval") { () throws(TypeError) in
          TypeDescriptor.time.text(of: Datum(try SQLTime.subtracting(a, b)))
        }
        ask("('\(y)'::interval)::time") { () throws(TypeError) in
          TypeDescriptor.time.text(of: Datum(try SQLTime.time(of: b)))
        }
      }
    }
    for seconds in [
      0, 1.5, -1.5, 1e10, 1e18, -1e18, 253_402_300_800, .nan, .infinity, -.infinity, 1234567890.123456, 0.0000005,
    ] {
      ask("to_timestamp('\(TypeDescriptor.float8.text(of: Datum(seconds)))'::float8)") { () throws(TypeError) in
        TypeDescriptor.timestampTZ.text(of: Datum(try Timestamp.fromUnix(seconds)))
      }
    }
    try Referee.compare(questions)
  }
}
