import MillraceTestSupport
import MillraceTypes
import Testing

/// Every answer is compared with a real server's.
@Suite(
  "Types agree with PostgreSQL 18", .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"),
  .referee)
struct DifferentialTests {
  /// A type, the names of its functions in PostgreSQL, and texts of which some are values.
  struct Subject: Sendable, CustomTestStringConvertible {
    let name: String
    let send: String
    var hash: String?
    /// With parentheses, where the type has a modifier.
    var modifier = ""
    var typmodWords: [String] = []
    var isOrdered = true
    let texts: [String]

    var testDescription: String { name + modifier }

    /// As SQL writes the type.
    var sqlName: String { (name == "char" ? "\"char\"" : name) + modifier }

    var descriptor: TypeDescriptor {
      get throws { try #require(TypeDescriptor.all.first { $0.name == name }, "no type \(name)") }
    }

    func typmod() throws -> Int32 {
      if typmodWords.isEmpty { return -1 }
      let input = try #require(try descriptor.typmodInput)
      return try input(typmodWords)
    }
  }

  @Test("texts, binary forms and hashes", arguments: Subject.all)
  func values(subject: Subject) throws {
    let type = try subject.descriptor
    let typmod = try subject.typmod()
    let arena = Arena()
    let settings = TypeSettings()
    let questions = subject.texts.map { text in
      let hash =
        subject.hash.map { name in
          let extended = name + (name.contains("_") ? "_extended" : "extended")
          return " || '|' || \(name)(x) || '|' || \(extended)(x, 4711::int8)"
        } ?? ""
      let sql =
        "format('%s', x) || '|' || encode(\(subject.send)(x), 'hex')\(hash) FROM "
        + "(SELECT \(escapeQuoted(text))::\(subject.sqlName) AS x) AS s"
      let ours = Answer.of { () throws(TypeError) in
        let value = try type.value(of: text, typmod: typmod, settings, in: arena)
        var sent: [UInt8] = []
        type.send(value, &sent)
        var answer = type.text(of: value, settings) + "|" + Answer.hex(sent)
        if subject.hash != nil, let hash = type.hash, let extended = type.hashExtended {
          answer += "|\(Int32(bitPattern: hash(value)))|\(Int64(bitPattern: extended(value, 4711)))"
        }
        return answer
      }
      return Referee.Question(sql: sql, ours: ours)
    }
    try Referee.compare(questions)
  }

  @Test("a binary form that was sent is received as the same value", arguments: Subject.all)
  func roundTrip(subject: Subject) throws {
    let type = try subject.descriptor
    let arena = Arena()
    var count = 0
    for text in subject.texts {
      guard let value = try? type.value(of: text, typmod: try subject.typmod(), in: arena) else { continue }
      var sent: [UInt8] = []
      type.send(value, &sent)
      var reader = ByteReader(arena.copy(sent).bytes)
      let received = try type.receive(&reader, -1, arena)
      #expect(reader.isAtEnd)
      #expect(type.text(of: received) == type.text(of: value))
      count += 1
    }
    #expect(count > 0)
  }

  @Test("order", arguments: Subject.all.filter { $0.isOrdered })
  func order(subject: Subject) throws {
    let type = try subject.descriptor
    let compare = try #require(type.compare)
    let typmod = try subject.typmod()
    let arena = Arena()
    var random = SeededGenerator(for: "order of \(subject.name)")
    let values = subject.texts.compactMap { text in
      (try? type.value(of: text, typmod: typmod, in: arena)).map { (text, $0) }
    }
    let questions = (0..<min(400, values.count * values.count)).map { _ in
      let (a, b) = (values[random.below(values.count)], values[random.below(values.count)])
      let sql =
        "CASE WHEN a < b THEN -1 WHEN a = b THEN 0 ELSE 1 END FROM (SELECT \(escapeQuoted(a.0))::\(subject.sqlName) a, "
        + "\(escapeQuoted(b.0))::\(subject.sqlName) b) s"
      let result = compare(a.1, b.1)
      if let equal = type.equal { #expect(equal(a.1, b.1) == (result == 0)) }
      return Referee.Question(sql: sql, ours: "\(result.signum())")
    }
    try Referee.compare(questions)
  }

  @Test("modifiers")
  func modifiers() throws {
    let arena = Arena()
    let cases: [(type: String, words: [String], texts: [String])] = [
      ("numeric", ["5", "2"], ["1.005", "999.994", "999.995", "-999.995", "NaN", "Infinity", "0", "1e-9"]),
      ("numeric", ["3", "-2"], ["12345", "99949", "99950", "49", "50", "-12350"]),
      ("numeric", ["3", "5"], ["0.00999", "0.009994", "0.009995", "0.01"]),
      ("numeric", ["2", "2"], ["0.99", "0.994", "0.995", "1"]),
      (
        "timestamp", ["0"],
        ["2024-01-01 00:00:00.5", "1999-12-31 23:59:59.5", "1999-12-31 23:59:59.499999", "infinity"]
      ),
      ("timestamp", ["2"], ["2024-01-01 00:00:00.555", "1980-12-31 23:59:59.994999"]),
      ("timestamptz", ["3"], ["2024-01-01 00:00:00.0005+02", "-infinity"]),
      ("time", ["1"], ["23:59:59.95", "00:00:00.05", "00:00:00.04"]),
      ("timetz", ["0"], ["23:59:59.5+01", "00:00:00.4-03:30"]),
    ]
    for (name, words, texts) in cases {
      let type = try #require(TypeDescriptor.all.first { $0.name == name })
      let input = try #require(type.typmodInput)
      let typmod = try input(words)
      let questions = texts.map { text in
        Referee.Question(
          sql: "format('[%s]', \(quoted(text))::\(name)(\(words.joined(separator: ","))))",
          ours: Answer.of { () throws(TypeError) in
            "[\(type.text(of: try type.value(of: text, typmod: typmod, in: arena)))]"
          })
      }
      try Referee.compare(questions)
    }
  }

  @Test("lengths of character types, assigned and cast")
  func lengths() throws {
    let arena = Arena()
    for text in ["", "a", "abc", "abcd", "abc   ", "äöü", "äöüß", "日本語です", "äö", "    "] {
      let bytes = arena.copy(text).bytes
      let assigned = "coalesce(e.message || e.sql_error_code, 'fine') FROM pg_input_error_info(\(quoted(text)), "
      func assign(_ type: TypeDescriptor) -> String {
        do throws(TypeError) {
          _ = try type.input(bytes, 7, TypeSettings(), arena)
          return "fine"
        } catch {
          return "\(error.message)\(error.sqlState)"
        }
      }
      try Referee.compare([
        Referee.Question(sql: assigned + "'varchar(3)') e", ours: assign(.varchar)),
        Referee.Question(sql: assigned + "'char(3)') e", ours: assign(.bpchar)),
        Referee.Question(
          sql: "format('[%s]', \(quoted(text))::varchar(3))",
          ours: "[\(try VarcharType.coerce(bytes, typmod: 7, isExplicit: true).string)]"),
        Referee.Question(
          sql: "format('[%s]', \(quoted(text))::char(3))",
          ours: "[\(try BpcharType.coerce(bytes, typmod: 7, isExplicit: true, in: arena).bytes.string)]"),
      ])
    }
  }
}
