import MillraceTestSupport
import MillraceTypes
import Testing

extension DifferentialTests {
  private static let words = [
    "", "a", "abc", "Hello World", "größe", "日本語", "  x  ", "aXbXc", "x_y%z", "a\\b", "O'Reilly", "🙂é",
  ]

  /// Questions about functions of texts, whose results are texts too.
  private final class Inquiry {
    let arena = Arena()
    var questions: [Referee.Question] = []

    func ask(_ sql: String, _ ours: (inout [UInt8]) throws(TypeError) -> Void) {
      questions.append(
        Referee.Question(
          sql: sql,
          ours: Answer.of { () throws(TypeError) in
            var result: [UInt8] = []
            try ours(&result)
            return String(decoding: result, as: UTF8.self)
          }))
    }

    func view(_ text: String) -> ByteView { arena.copy(text).bytes }
  }

  @Test("parts of texts")
  func textParts() throws {
    let inquiry = Inquiry()
    for x in Self.words {
      let (a, q) = (inquiry.view(x), escapeQuoted(x))
      for n: Int32 in [-2_147_483_648, -3, -1, 0, 1, 2, 3, 7, 100, 2_147_483_647] {
        inquiry.ask("left(\(q), \(n))") { $0.append(TextFunctions.left(a, n)) }
        inquiry.ask("right(\(q), \(n))") { $0.append(TextFunctions.right(a, n)) }
        inquiry.ask("substring(\(q) from \(n))") { (result) throws(TypeError) in
          result.append(try TextFunctions.substring(a, from: n))
        }
        inquiry.ask("split_part(\(q), 'X', \(n))") { (result) throws(TypeError) in
          result.append(try TextFunctions.splitPart(a, inquiry.view("X"), n))
        }
        for m: Int32 in [-1, 0, 1, 2, 50, 2_147_483_647] {
          inquiry.ask("substring(\(q) from \(n) for \(m))") { (result) throws(TypeError) in
            result.append(try TextFunctions.substring(a, from: n, length: m))
          }
          inquiry.ask("encode(substring(convert_to(\(q), 'UTF8') from \(n) for \(m)), 'hex')") {
            (result) throws(TypeError) in
            try BinaryEncoding.hex.encode(TextFunctions.substring(bytes: a, from: n, length: m), to: &result)
          }
          inquiry.ask("overlay(\(q) placing 'ÄÖ' from \(n) for \(m))") { (result) throws(TypeError) in
            try TextFunctions.overlay(a, inquiry.view("ÄÖ"), from: n, length: m, to: &result)
          }
        }
      }
      for y in Self.words {
        let (b, r) = (inquiry.view(y), escapeQuoted(y))
        inquiry.ask("strpos(\(q), \(r))") { $0.append(decimal: TextFunctions.position(of: b, in: a)) }
        inquiry.ask("btrim(\(q), \(r))") { $0.append(TextFunctions.trim(a, b, leading: true, trailing: true)) }
        inquiry.ask("ltrim(\(q), \(r))") { $0.append(TextFunctions.trim(a, b, leading: true, trailing: false)) }
        inquiry.ask("rtrim(\(q), \(r))") { $0.append(TextFunctions.trim(a, b, leading: false, trailing: true)) }
        inquiry.ask("split_part(\(q), \(r), 2)") { (result) throws(TypeError) in
          result.append(try TextFunctions.splitPart(a, b, 2))
        }
        inquiry.ask("split_part(\(q), \(r), -1)") { (result) throws(TypeError) in
          result.append(try TextFunctions.splitPart(a, b, -1))
        }
      }
    }
    try Referee.compare(inquiry.questions)
  }

  @Test("changes of texts")
  func textChanges() throws {
    let inquiry = Inquiry()
    for x in Self.words {
      let (a, q) = (inquiry.view(x), escapeQuoted(x))
      inquiry.ask("upper(\(q) COLLATE \"C\")") { TextFunctions.upper(a, to: &$0) }
      inquiry.ask("lower(\(q) COLLATE \"C\")") { TextFunctions.lower(a, to: &$0) }
      inquiry.ask("initcap(\(q) COLLATE \"C\")") { TextFunctions.capitalized(a, to: &$0) }
      inquiry.ask("reverse(\(q))") { TextFunctions.reversed(a, to: &$0) }
      inquiry.ask("md5(\(q))") { TextFunctions.md5(a, to: &$0) }
      inquiry.ask("ascii(\(q))") { $0.append(decimal: TextFunctions.ascii(a)) }
      inquiry.ask("quote_ident(\(q))") { Quoting.identifier(a, to: &$0) }
      inquiry.ask("quote_literal(\(q))") { Quoting.literal(a, to: &$0) }
      for n: Int32 in [-1, 0, 1, 3, 5, 12, 300_000_000] {
        for y in ["", " ", "ab", "日本"] {
          let b = inquiry.view(y)
          inquiry.ask("lpad(\(q), \(n), '\(y)')") { (result) throws(TypeError) in
            try TextFunctions.pad(a, to: n, with: b, left: true, to: &result)
          }
          inquiry.ask("rpad(\(q), \(n), '\(y)')") { (result) throws(TypeError) in
            try TextFunctions.pad(a, to: n, with: b, left: false, to: &result)
          }
        }
        if n < 1000 || x.count > 5 {
          inquiry.ask("repeat(\(q), \(n))") { (result) throws(TypeError) in
            try TextFunctions.repeated(a, n, to: &result)
          }
        }
      }
      for (set, other) in [("abc", "xy"), ("", "z"), ("lo", ""), ("ö日", "o曰"), ("aa", "12")] {
        let (b, c) = (inquiry.view(set), inquiry.view(other))
        inquiry.ask("translate(\(q), '\(set)', '\(other)')") { TextFunctions.translate(a, b, c, to: &$0) }
        inquiry.ask("replace(\(q), '\(set)', '\(other)')") { TextFunctions.replace(a, b, with: c, to: &$0) }
      }
    }
    for code: Int32 in [
      -1, 0, 1, 65, 128, 255, 0x7FF, 0x800, 0xD7FF, 0xD800, 0xDFFF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF, 0x110000,
    ] {
      inquiry.ask("chr(\(code))") { (result) throws(TypeError) in try TextFunctions.character(code, to: &result) }
    }
    for number: Int32 in [0, 1, 255, -1, .max, .min] {
      inquiry.ask("to_hex(\(number))") { TextFunctions.digits(number, radix: 16, to: &$0) }
      inquiry.ask("to_oct((\(number))::int8)") { TextFunctions.digits(Int64(number), radix: 8, to: &$0) }
      inquiry.ask("to_bin(\(number))") { TextFunctions.digits(number, radix: 2, to: &$0) }
    }
    for word in [
      "select", "SELECT", "abc", "a b", "1a", "_a", "a1", "a\"b", "user", "name", "int", "text", "between", "ä", "a$",
    ] {
      inquiry.ask("quote_ident('\(word)')") { Quoting.identifier(inquiry.view(word), to: &$0) }
    }
    try Referee.compare(inquiry.questions)
  }

  @Test("LIKE and ILIKE")
  func like() throws {
    let inquiry = Inquiry()
    var random = SeededGenerator(for: "LIKE and ILIKE")
    let letters = ["a", "b", "A", "ä", "%", "_", "\\", "日"]
    func word(_ letters: [String], _ count: Int) -> String {
      (0..<random.below(count)).map { _ in letters[random.below(letters.count)] }.joined()
    }
    let fixed = [
      ("", ""), ("", "%"), ("a", ""), ("a", "_"), ("abc", "a%c"), ("a%c", "a\\%c"), ("abc", "a\\"), ("a", "a\\"),
      ("", "\\"),
      ("aaaaaaaaaaaaaaaaaaaaaaaab", "%a%a%a%a%a%a%c"), ("ä", "_"), ("日本", "__"), ("日本", "%_"), ("x", "%\\"),
      ("", "%\\"),
    ]
    for (text, pattern) in fixed + (0..<1500).map({ _ in (word(Array(letters[..<4]) + ["日"], 8), word(letters, 6)) }) {
      let (a, b) = (inquiry.view(text), inquiry.view(pattern))
      inquiry.ask("\(escapeQuoted(text)) LIKE \(escapeQuoted(pattern))") { (result) throws(TypeError) in
        result.append(try LikePattern.matches(a, b) ? "true" : "false")
      }
      inquiry.ask("\(escapeQuoted(text)) COLLATE \"C\" ILIKE \(escapeQuoted(pattern))") { (result) throws(TypeError) in
        result.append(try LikePattern.matches(a, b, ignoresCase: true) ? "true" : "false")
      }
    }
    for pattern in ["a#%b", "##", "a\\b", "#", "%_", "ä%ä"] {
      for escape in ["#", "", "\\", "ä", "ab"] {
        inquiry.ask("like_escape(\(escapeQuoted(pattern)), \(escapeQuoted(escape)))") { (result) throws(TypeError) in
          try LikePattern.escaped(inquiry.view(pattern), escape: inquiry.view(escape), to: &result)
        }
      }
    }
    try Referee.compare(inquiry.questions)
  }

  @Test("format, encode and decode")
  func formatting() throws {
    let inquiry = Inquiry()
    let arguments: [String?] = ["one", "Two words", nil, "12", "-8", "it's"]
    let list = arguments.map { $0.map { quoted($0) + "::text" } ?? "NULL::text" }.joined(separator: ", ")
    let formats = [
      "", "%%", "%s", "%s %s %s", "%I", "%2$I", "%L", "%3$L", "%3$s", "%3$I", "%6$L", "%10s|", "%-10s|", "%1$10s|",
      "%1$-10s|", "%*4$s|", "%*5$s|",
      "%1$*4$s|", "%7$s", "%0$s", "%", "%1", "%1$", "%x", "%1$x", "%-", "%10", "%*", "%*4", "%*0$s", "%99999999999s",
      "%s%s%s%s%s%s%s", "ä%sö", "%*s", "%2$s %s",
      "%--5s|", "%5$*4$s|", "%*3$s|", "%-*4$s|",
    ]
    for format in formats {
      let views: [FormatString.Argument] = arguments.map { $0.map { inquiry.view($0) } }
      inquiry.ask("format(\(quoted(format)), \(list))") { (result) throws(TypeError) in
        try FormatString.append(inquiry.view(format), views, to: &result)
      }
    }
    var random = SeededGenerator(for: "encode and decode")
    for count in 0..<80 {
      let bytes = random.bytes(count)
      let hex = Answer.hex(bytes)
      for name in ["hex", "base64", "escape"] {
        inquiry.ask("encode('\\x\(hex)'::bytea, '\(name)')") { (result) throws(TypeError) in
          let encoding = try BinaryEncoding(named: inquiry.view(name))
          bytes.withByteView { encoding.encode($0, to: &result) }
        }
      }
    }
    for (text, name) in [
      ("YWJj", "base64"), ("YWI=", "base64"), ("YQ==", "base64"), ("YQ=", "base64"), ("YQ", "base64"),
      ("Y Q = =", "base64"), ("Y*Q=", "base64"),
      ("=", "base64"), ("YWJj\nYWJj", "base64"), ("YQ==YQ==", "base64"), ("61 62", "hex"), ("6", "hex"), ("6g", "hex"),
      ("ä", "hex"),
      ("a\\\\b\\001", "escape"), ("a\\9", "escape"), ("x", "rot13"), ("ä", "base64"), ("YWJ=Y", "base64"),
    ] {
      inquiry.ask("encode(decode(\(escapeQuoted(text)), '\(name)'), 'hex')") { (result) throws(TypeError) in
        var bytes: [UInt8] = []
        try BinaryEncoding(named: inquiry.view(name)).decode(inquiry.view(text), to: &bytes)
        bytes.withByteView { BinaryEncoding.hex.encode($0, to: &result) }
      }
    }
    try Referee.compare(inquiry.questions)
  }
}
