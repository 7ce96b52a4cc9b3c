import Foundation
import Synchronization
import Testing

@testable import MillraceSQL

@Suite("Parsing")
struct ParserTests {
  /// The targets of a SELECT.
  private func expressions(_ sql: String, _ parser: Parser = Parser()) throws -> [MillraceSQL.Expression] {
    let statements = try parser.parse(sql)
    guard case .select(let select)? = statements.first?.statement, case .select(let block) = select.body else {
      throw SyntaxError(sqlState: "XX000", message: "not a SELECT: \(sql)")
    }
    return block.targets.map(\.expression)
  }

  private func strings(_ sql: String, _ parser: Parser = Parser()) throws -> [String] {
    try expressions(sql, parser).map {
      guard case .constant(let constant) = $0, case .string(let string) = constant.value else { return "\($0)" }
      return string
    }
  }

  @Test("a string has as many statements as it has, each with its place")
  func severalStatements() throws {
    let sql = "SELECT 1 ; ; /* ; */ select ';' ;\n SELECT $$;$$, \";\" -- ;\n; "
    let statements = try Parser.parse(sql)
    #expect(
      statements.map { String(sql.utf8.dropFirst($0.location).prefix($0.length)) } == [
        "SELECT 1 ", " /* ; */ select ';' ", "\n SELECT $$;$$, \";\" -- ;\n",
      ])
    #expect(try Parser.parse("").isEmpty)
    #expect(try Parser.parse(" ; -- nothing\n;;").isEmpty)
    let last = try Parser.parse("SELECT 1; SELECT 2")
    #expect(last.map(\.location) == [0, 9] && last.map(\.length) == [8, 9])
  }

  @Test("locations are bytes")
  func locations() throws {
    let sql = "SELECT 'ü', a + f(b)"
    let targets = try expressions(sql)
    guard case .operation(let operation) = targets[1], case .column(let column)? = operation.left,
      case .function(let call) = operation.right
    else { return #expect(Bool(false)) }
    let text = Array(sql.utf8)
    #expect(text[Int(column.location.offset)] == UInt8(ascii: "a"))
    #expect(text[Int(operation.location.offset)] == UInt8(ascii: "+"))
    #expect(text[Int(call.location.offset)] == UInt8(ascii: "f"))
  }

  @Test("trees are equal wherever they stand")
  func locationsAreEqual() throws {
    #expect(try expressions("SELECT a+1") == expressions("  SELECT   a  +  1"))
    #expect(try expressions("SELECT a+1") != expressions("SELECT a+2"))
  }

  @Test("strings in all their spellings")
  func stringLiterals() throws {
    #expect(try strings("SELECT 'it''s', '', 'a\\n'") == ["it's", "", "a\\n"])
    #expect(try strings(#"SELECT E'\t\n\\\'\x41\101\u00e9\U0001F600'"#) == ["\t\n\\'AAé😀"])
    #expect(try strings("SELECT U&'d\\0061t\\+000061', U&'!0041' UESCAPE '!'") == ["data", "A"])
    #expect(try strings("SELECT $$a'b$$, $t$c$$d$t$, 'one'\n  'two'") == ["a'b", "c$$d", "onetwo"])
    #expect(try strings("SELECT '日本語', 'a /* no */ -- comment'") == ["日本語", "a /* no */ -- comment"])
  }

  @Test("standard_conforming_strings=off makes a backslash an escape")
  func standardConformingStrings() throws {
    var parser = Parser()
    parser.standardConformingStrings = false
    #expect(try strings(#"SELECT 'a\nb'"#, parser) == ["a\nb"])
    #expect(try strings(#"SELECT 'a\nb'"#) == [#"a\nb"#])
    #expect(throws: SyntaxError.self) { try parser.parse("SELECT U&'a'") }
  }

  @Test("what the deparser quotes is the same under both")
  func quoting() throws {
    var parser = Parser()
    parser.standardConformingStrings = false
    for text in ["", "a", "it's", #"back\slash"#, #"\'"#, "new\nline", "E'x'", "日本"] {
      let sql = "SELECT \(Deparser.quoted(literal: text))"
      #expect(try strings(sql) == [text])
      #expect(try strings(sql, parser) == [text])
    }
    let identifiers = [
      "a": "a", "A": "\"A\"", "select": "\"select\"", "name": "name", "a b": "\"a b\"", "1a": "\"1a\"",
      "a\"b": "\"a\"\"b\"", "between": "\"between\"", "left": "\"left\"", "ü": "\"ü\"", "_x9": "_x9", "": "\"\"",
    ]
    for (name, quoted) in identifiers { #expect(Deparser.quoted(identifier: name) == quoted) }
  }

  @Test("numbers")
  func numbers() throws {
    let values: [Constant.Value] = try expressions("SELECT 0, 2147483647, 2147483648, -2147483648, -5, 1.50, 1e3, .5")
      .map { if case .constant(let constant) = $0 { constant.value } else { .null } }
    #expect(
      values == [
        .integer(0), .integer(.max), .float("2147483648"), .float("-2147483648"), .integer(-5), .float("1.50"),
        .float("1e3"), .float(".5"),
      ])
  }

  @Test("a zero byte is refused before C could take it for the end")
  func zeroByte() {
    #expect(throws: SyntaxError(sqlState: "22021", message: "invalid byte sequence for encoding \"UTF8\": 0x00")) {
      try Parser.parse("SELECT 1\0; DROP TABLE t")
    }
  }

  @Test("one expression is parsed by itself, and nothing else is one")
  func expression() throws {
    let expression = try Parser.parseExpression("a > 0 AND b IS NOT NULL -- comment")
    #expect(Deparser.text(of: expression) == "((a > 0) AND (b IS NOT NULL))")
    for sql in [
      "", "1, 2", "1) UNION SELECT (2", "1) FROM t, (SELECT 2) AS s WHERE (true", "*); DROP TABLE t; SELECT (1",
    ] {
      #expect(throws: SyntaxError.self, "\(sql)") { try Parser.parseExpression(sql) }
    }
  }

  @Test("text is what PostgreSQL's ruleutils.c would write")
  func ruleutilsText() throws {
    let texts = [
      "a + b * c": "(a + (b * c))", "-1": "(-1)", "a::int": "(a)::integer",
      "'x'::varchar(3)": "'x'::character varying(3)",
      "now() - interval '1 day'": "(now() - '1 day'::interval)", "not a": "(NOT a)", "a in (1,2)": "(a IN (1, 2))",
      "\"Odd\".b": "\"Odd\".b", "extract(year from a)": "EXTRACT('year' FROM a)", "true": "true",
      "case when a then 1 else 2 end": "CASE WHEN a THEN 1 ELSE 2 END", "a at time zone 'x'": "(a AT TIME ZONE 'x')",
      "timestamp(3) with time zone 'x'": "'x'::timestamp(3) with time zone",
      "count(*) filter (where a)":
        "count(*) FILTER (WHERE a)",
    ]
    for (sql, text) in texts { #expect(Deparser.text(of: try Parser.parseExpression(sql)) == text) }
  }

  @Test("many short-lived threads parse at once, good and bad statements")
  func threads() async throws {
    let corpus = Corpus.statements.prefix(60) + Corpus.bad.prefix(60)
    let expected = corpus.map { try? Parser.parse($0) }
    let wrong = Mutex(0)
    for _ in 0..<10 {
      let threads = (0..<8).map { number in
        Thread {
          for index in expected.indices {
            // Each in an order of its own.
            let place = (index * 7 + number * 13) % corpus.count
            if (try? Parser.parse(corpus[place])) != expected[place] { wrong.withLock { $0 += 1 } }
          }
        }
      }
      for thread in threads { thread.start() }
      while !threads.allSatisfy(\.isFinished) { await Task.yield() }
    }
    #expect(wrong.withLock { $0 } == 0)
  }
}
