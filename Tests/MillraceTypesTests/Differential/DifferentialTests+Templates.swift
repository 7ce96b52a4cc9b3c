import MillraceTestSupport
import MillraceTypes
import Testing

extension DifferentialTests {
  private static let dateTemplates = [
    "YYYY-MM-DD HH24:MI:SS", "Day, DD Mon YYYY", "DAY day Dy DY dy", "MONTH Month month MON Mon mon|",
    "FMMonth FMDD, FMYYYY", "Q CC RM rm W WW IW",
    "IYYY-IW-ID", "IYY IY I IDDD", "J", "D DDD ID", "Y,YYY YYYY YYY YY Y", "HH HH12 HH24 MI SS",
    "AM PM a.m. P.M. am pm", "AD BC a.d. B.C.", "MS US",
    "FF1 FF2 FF3 FF4 FF5 FF6", "SSSS SSSSS", "DDth DDTH FMDDth FMDDTH YYYYth HH24TH", "TZ tz TZH TZM OF", "FMTZH FMOF",
    "\"quoted YYYY\" YYYY", "\\\"YYYY\\\"",
    "\"a\\\"b\"", "YYYY\\MM", "yyyy mm dd hh24 mi ss", "FX YYYY", "TMMonth TMDay TMMon", "DDSP", "äYYYYö",
    "YYYYMMDDHH24MISSUS", "FMHH24:FMMI:FMSS", "FMY,YYY", "FMRM|RM|",
    "FMDay|Day|", "Hh Yyyy", "fmMonth", "FMDDD DDD", "", "FM", "YYYY FM", "IYYYth", "CCth", "MSth", "QTH", "12345",
    "th",
  ]

  @Test("to_char of timestamps and intervals")
  func dateTemplates() throws {
    var questions: [Referee.Question] = []
    var settings = TypeSettings()
    settings.dateTime.timeZone = try #require(TimeZone.named("America/St_Johns"))
    let zone = settings.dateTime.timeZone
    let stamps = [
      "2024-02-29 12:34:56.789012", "2001-01-01 00:00:00", "1999-12-31 23:59:59.5", "0044-03-15 BC 13:00",
      "0001-12-31 BC", "2021-01-03 11:00", "10000-07-04",
      "2024-12-30 01:02:03.000004", "1582-10-05 04:00", "0900-11-11",
    ]
    let spans = [
      "1 year 2 mons 3 days 04:05:06.789", "-1 year -2 mons -3 days -04:05:06.789", "0", "100 hours", "-100 hours",
      "12 mons", "-12 mons", "1000 years", "5 days -00:00:01", "13:00",
      "-00:30", "3 mons",
    ]
    let arena = Arena()
    for text in Self.dateTemplates {
      let template = DateTimeTemplate(arena.copy(text).bytes)
      func ask(_ value: String, _ prelude: String = "", _ ours: (inout [UInt8]) throws(TypeError) -> Void) {
        questions.append(
          Referee.Question(
            sql: "to_char(\(value), \(escapeQuoted(text)))",
            ours: Answer.of { () throws(TypeError) in
              if text.isEmpty { return nil }
              var result: [UInt8] = []
              try ours(&result)
              return String(decoding: result, as: UTF8.self)
            }, prelude: prelude))
      }
      for stamp in stamps {
        let value = try TypeDescriptor.timestamp.value(of: stamp, in: arena).int64
        ask("'\(stamp)'::timestamp") { (result) throws(TypeError) in try template.append(value, to: &result) }
        let local = try TypeDescriptor.timestampTZ.value(of: stamp, settings, in: arena).int64
        ask("'\(stamp)'::timestamptz", "SET LOCAL timezone = 'America/St_Johns'") { (result) throws(TypeError) in
          try template.append(timestampTZ: local, in: zone, to: &result)
        }
      }
      for span in spans {
        let value = IntervalType.value(try TypeDescriptor.interval.value(of: span, in: arena))
        ask("'\(span)'::interval") { (result) throws(TypeError) in try template.append(value, to: &result) }
      }
    }
    try Referee.compare(questions)
  }

  private static let numberTemplates = [
    "9", "99", "999", "9999", "0", "00", "000", "0999", "9990", "99.99", "00.00", "90.09", "999.999", "FM999.999",
    "FM999.990", "FM990.099", "FM0.9", "FM9.9", "9.9", "0.9", ".99", "FM.99",
    "9,999", "9,999.99", "FM9,999.99", "0,000.00", "9G999D99", "S999", "999S", "S9.99", "9.99S", "FMS999", "FM999S",
    "MI999", "999MI", "FM999MI", "PL999", "999PL", "FMPL999", "SG999", "999SG", "99SG9",
    "999PR", "FM999PR", "999.9PR", "B999", "B9.9", "999th", "999TH", "FM999th", "9.9th", "V99", "99V99", "9V9", "RN",
    "rn", "FMRN", "FMrn", "9.99EEEE", "9.999eeee", "9EEEE", "L999", "FML999", "9 9 9", "\"x\"999",
    "999\"y\"", "99-99", "9.9.9", "9V9.9", "S9S", "SMI9", "MIS9", "PLS9", "SGS9", "PR9", "9PRS", "SPR9", "9PR9",
    "EEEE9", "9EEEEEEEE", "FM9EEEE", "9RN", "RNRN", "S9PR", "MI9PR", "", "abc", "99ä9", "0.00000", "FM999999999",
    "999999999999999999", "FM99999999999999999999.99999999999", "9.99999999999999999999", "SP99", "D99", "99D", "99.",
    "FM99.", "00009.", "0099", "9909", "FM0000", "FM09.90", "S0999.90", "PL9MI", "MI9PL", "S.99", "9,9,9", ",999",
    "999,", "FM,999",
    "G999", "999G", "RN\"x\"",
  ]

  @Test("to_char of numbers")
  func numberTemplates() throws {
    var questions: [Referee.Question] = []
    let arena = Arena()
    let numbers = [
      "0", "1", "-1", "12", "-12", "123", "1234", "-1234.567", "0.1", "-0.1", "0.01", "12.34", "99.99", "99.995",
      "999.9999", "1e10", "-1e-10", "485", "3999", "4000", "1234567890.123456789", "NaN", "Infinity", "-Infinity", "11",
      "21.5", "0.5", "-0.5",
      "100", "12.0", "0.999", "112",
    ]
    for text in Self.numberTemplates {
      for number in numbers {
        let value = try Array(number.utf8).withByteView { try Numeric(parsing: $0) }
        func ask(_ type: String, _ ours: (NumberTemplate, inout [UInt8]) throws(TypeError) -> Void) {
          questions.append(
            Referee.Question(
              sql: "to_char('\(number)'::\(type), \(escapeQuoted(text)))",
              ours: Answer.of { () throws(TypeError) in
                if text.isEmpty { return "" }
                var result: [UInt8] = []
                try ours(try NumberTemplate(arena.copy(text).bytes), &result)
                return String(decoding: result, as: UTF8.self)
              }))
        }
        ask("numeric") { (template, result) throws(TypeError) in try template.append(value, to: &result) }
        let double = value.doubleValue
        ask("float8") { (template, result) throws(TypeError) in try template.append(double, to: &result) }
        guard let integer = Int64(number) else { continue }
        ask("int8") { (template, result) throws(TypeError) in try template.append(Numeric(integer), to: &result) }
      }
    }
    for part in stride(from: 0, to: questions.count, by: 2000) {
      try Referee.compare(Array(questions[part..<min(part + 2000, questions.count)]))
    }
  }
}

extension DifferentialTests {
  @Test("to_number")
  func numberReading() throws {
    let arena = Arena()
    let cases: [(String, String)] = [
      ("123", "999"), ("-123", "999"), ("123-", "999S"), ("123-", "999MI"), ("-123", "S999"), ("+123", "S999"),
      ("<123>", "999PR"), ("1,234", "9,999"), ("1,234.5", "9G999D9"),
      ("12.34", "99.99"), ("12.345", "99.99"), ("12", "9"), ("1234", "99"), ("", "999"), ("abc", "999"), ("1a2", "999"),
      (" 12", "999"), ("12 ", "999"), ("1 2 3", "999"),
      ("-0.5", "9.9"), (".5", "9.9"), ("5.", "9.9"), ("$12", "L99"), ("12th", "99th"), ("1st", "9th"), ("123", "99V9"),
      ("12.5", "99V9"), ("XII", "RN"), ("mcmxcix", "rn"), ("IIII", "RN"),
      ("1e5", "9EEEE"), ("12", "FM999"), ("1,2,3", "9,9,9"), ("123", "9,9,9"), ("+12", "PL99"), ("-12", "MI99"),
      ("-12", "SG99"), ("12", "SG99"), ("x12", "\"x\"99"), ("y12", "\"x\"99"),
      ("0012", "0000"), ("99999", "9999"), ("-34,338,492.654,878", "99G999G999D999G999"),
      ("<564646.654564>", "999999.999999PR"), ("0.00001-", "9.999999S"), ("5.01-", "FM9.999999S"),
      ("5 4 4 4 4 8 . 7 8", "9 9 9 9 9 9 . 9 9"), (".01", "FM9.99"), (". 0", "FM 9.9"), ("42nd", "99th"),
      ("123456", "999G999"), ("$1,234.56", "L99,999.99"), ("1,234.56", "L99,999.99"),
    ]
    try Referee.compare(
      cases.map { text, template in
        Referee.Question(
          sql: "to_number(\(quoted(text)), \(quoted(template)))",
          ours: Answer.of { () throws(TypeError) in
            try NumberTemplate(arena.copy(template).bytes).number(from: arena.copy(text).bytes).text
          })
      })
  }

  @Test("to_date and to_timestamp")
  func dateReading() throws {
    let arena = Arena()
    var settings = TypeSettings()
    settings.dateTime.timeZone = try #require(TimeZone.named("Europe/Berlin"))
    let cases: [(String, String)] = [
      ("2024-02-29", "YYYY-MM-DD"), ("20240229", "YYYYMMDD"), ("2024/2/9", "YYYY-MM-DD"),
      ("29 Feb 2024", "DD Mon YYYY"), ("29 FEBRUARY 2024", "DD Month YYYY"), ("2024-02-30", "YYYY-MM-DD"),
      ("2024-13-01", "YYYY-MM-DD"), ("24-2-9", "YY-MM-DD"), ("70-1-1", "YY-MM-DD"), ("999-1-1", "YYY-MM-DD"),
      ("2024 60", "YYYY DDD"), ("2024-366", "YYYY-DDD"), ("2023-366", "YYYY-DDD"), ("60", "DDD"),
      ("2451187", "J"), ("2024-W05-3", "IYYY-\"W\"IW-ID"), ("2024 05", "IYYY IW"), ("2024-05-3", "IYYY-MM-ID"),
      ("2024 10", "YYYY WW"), ("2024 02 3", "YYYY MM W"), ("44 BC", "YYYY BC"), ("0044-03-15 BC", "YYYY-MM-DD BC"),
      ("21 24", "CC YY"), ("21", "CC"), ("1,999", "Y,YYY"), ("x", "YYYY"), ("", "YYYY"), ("2024", "YYYY-MM-DD"),
      ("2024-02-29 extra", "YYYY-MM-DD"), ("2024-02-29 12:34:56", "YYYY-MM-DD HH24:MI:SS"),
      ("2024-02-29 12:34:56.789", "YYYY-MM-DD HH24:MI:SS.MS"),
      ("2024-02-29 12:34:56.789012", "YYYY-MM-DD HH24:MI:SS.US"), ("12:34 PM", "HH12:MI AM"),
      ("2024 12:34 a.m.", "YYYY HH:MI P.M."), ("2024 13:34", "YYYY HH:MI"),
      ("2024 25:00", "YYYY HH24:MI"), ("2024 3661", "YYYY SSSS"), ("2024-01-01 10 +05", "YYYY-MM-DD HH24 TZH"),
      ("2024-01-01 10 -05:30", "YYYY-MM-DD HH24 TZH:TZM"), ("2024-01-01 10 +05:30", "YYYY-MM-DD HH24 OF"),
      ("2024-01-01 10 EST", "YYYY-MM-DD HH24 TZ"), ("2024-01-01 10 CEST", "YYYY-MM-DD HH24 TZ"),
      ("2024-01-01 10 XXX", "YYYY-MM-DD HH24 TZ"), ("2024-01-01 10 +17", "YYYY-MM-DD HH24 TZH"), ("2024XII", "YYYYRM"),
      ("IV 2024", "RM YYYY"),
      ("Tuesday 2024", "Day YYYY"), ("Tues 2024", "Dy YYYY"), ("Foo 2024", "Mon YYYY"), ("2024 2 2024", "YYYY MM YYYY"),
      ("2024 2 2025", "YYYY MM YYYY"), ("1 st 2024", "DDth YYYY"), ("1st 2024", "DDth YYYY"),
      ("2024-02-29 12:34:56.5", "YYYY-MM-DD HH24:MI:SS.FF3"),
      ("2024-02-29 12:34:56.123456", "YYYY-MM-DD HH24:MI:SS.FF2"), ("202402", "YYYYMMDD"), ("2024 2", "YYYYMM"),
      ("2024ab", "YYYYMM"), ("2024  02", "FXYYYY MM"),
      ("2024-02", "FXYYYY/MM"), ("  2024-02", "YYYY-MM"), ("99999-01-01", "YYYY-MM-DD"),
      ("6000000-01-01", "YYYY-MM-DD"), ("2024-1", "YYYY-Q"), ("2024 q1", "YYYY \"q\"Q"), ("99999999999", "YYYY"),
      ("2024-06-15 13:00", "YYYY-MM-DD HH12:MI"),
      ("20240229123456", "YYYYMMDDHH24MISS"), ("5 2024", "D YYYY"), ("2024-01-01 00:00:60", "YYYY-MM-DD HH24:MI:SS"),
      ("-44-02-01", "YYYY-MM-DD"), ("2024-2-1", "FMYYYY-FMMM-FMDD"), ("97/Feb/16", "YY:Mon:DD"),
      ("15 \"text between quote marks\" 98 54 45", "HH24 \"\\\"text between quote marks\\\"\" YY MI SS"),
    ]
    var questions: [Referee.Question] = []
    for (text, template) in cases {
      let parsed = DateTimeTemplate(arena.copy(template).bytes)
      let bytes = arena.copy(text).bytes
      questions.append(
        Referee.Question(
          sql: "to_timestamp(\(quoted(text)), \(quoted(template)))",
          ours: Answer.of { () throws(TypeError) in
            TypeDescriptor.timestampTZ.text(of: Datum(try parsed.timestampTZ(from: bytes, settings.dateTime)), settings)
          }, prelude: "SET LOCAL timezone = 'Europe/Berlin'"))
      questions.append(
        Referee.Question(
          sql: "to_date(\(quoted(text)), \(quoted(template)))",
          ours: Answer.of { () throws(TypeError) in
            TypeDescriptor.date.text(of: Datum(try parsed.date(from: bytes, settings.dateTime)))
          }))
    }
    try Referee.compare(questions)
  }
}
