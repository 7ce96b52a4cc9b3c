import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// What is refused, and how, is held against real servers.
///
/// Each statement is sent with another one before it that fails when it is executed. A server parses the whole string
/// first, so the grammar's error comes if there is one, and nothing is ever executed.
@Suite("Errors are PostgreSQL's", .serialized)
struct DifferentialTests {
  private static let failing = "SELECT 1/0;\n"

  /// `nil` where the grammar finds no fault.
  private func ourError(_ sql: String) -> SyntaxError? {
    do {
      _ = try Parser.parse(Self.failing + sql)
      return nil
    } catch {
      return error.sqlState == "0A000" && error.message.hasSuffix("is not supported") ? nil : error
    }
  }

  private func serverError(_ sql: String, _ session: ServerSession) throws -> SyntaxError? {
    guard case .failure(let fields) = try session.run(Self.failing + sql) else {
      throw ServerSession.Broken(what: "executed: \(sql)")
    }
    if fields["C"] == "22012" { return nil }
    return SyntaxError(
      sqlState: fields["C"] ?? "", message: fields["M"] ?? "", detail: fields["D"], hint: fields["H"],
      position: fields["P"].flatMap(Int.init))
  }

  private func whileRunning(_ version: Int, _ body: (ServerSession) throws -> Void) throws {
    let cluster = try PostgresCluster(
      .required(version), checksums: false, options: ["-E", "UTF8", "--locale=C"])
    try cluster.whileRunning { try body(try ServerSession(directory: cluster.temporary.path)) }
  }

  @Test(
    "message, state, position, detail and hint are those of PostgreSQL 15",
    .enabled(if: PostgresInstallation.isExpected(15), "no PostgreSQL 15 found"))
  func version15() throws {
    try whileRunning(15) { session in
      var refused = 0
      for sql in Corpus.bad + Corpus.statements {
        let expected = try serverError(sql, session)
        if let reason = Self.departures[sql] {
          #expect(ourError(sql) != expected, "\(sql): \(reason)")
        } else {
          #expect(ourError(sql) == expected, "\(sql)")
        }
        if expected != nil { refused += 1 }
      }
      #expect(refused > 300)

      // Where libpg_query takes a parameter and PostgreSQL does not, it may find another error first.
      var mutation = Mutation(
        SeededGenerator(for: "comparison with PostgreSQL 15"), of: Corpus.statements.filter { !$0.contains("$") })
      var random = 0
      for number in 0..<3000 {
        let sql = number % 3 == 0 ? mutation.nextBytes() : mutation.nextStatement()
        let expected = try serverError(sql, session)
        #expect(ourError(sql) == expected, "\(sql)")
        if expected != nil { random += 1 }
      }
      #expect(random > 1000)
    }
  }

  @Test(
    "a parameter in the place of any token is refused where PostgreSQL 15 refuses it",
    .enabled(if: PostgresInstallation.isExpected(15), "no PostgreSQL 15 found"))
  func parameters() throws {
    try whileRunning(15) { session in
      var refused = 0
      for sql in Corpus.statements {
        let tokens = Mutation.tokens(sql)
        for place in tokens.indices where tokens[place] != " " {
          let changed = (tokens[..<place] + [" $1 "] + tokens[(place + 1)...]).joined()
          let expected = try serverError(changed, session)
          let ours = ourError(changed)
          if expected?.message == "syntax error at or near \"$1\"" {
            // libpg_query may have gone on to the next fault.
            #expect(ours?.sqlState == "42601", "\(changed)")
          } else {
            #expect(ours == expected, "\(changed)")
          }
          if expected != nil { refused += 1 }
        }
      }
      #expect(refused > 4000)
    }
  }

  @Test(
    "PostgreSQL 18 differs only where its grammar has grown",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func version18() throws {
    try whileRunning(18) { session in
      for sql in Corpus.bad {
        let expected = try serverError(sql, session)
        if let reason = Self.grown[sql] {
          #expect(ourError(sql) != expected, "\(sql): \(reason)")
        } else {
          #expect(ourError(sql) == expected, "\(sql)")
        }
      }
      for sql in Corpus.statements { #expect(try serverError(sql, session) == nil, "\(sql)") }
    }
  }

  /// What PostgreSQL 18 answers otherwise, and why.
  private static let grown: [String: String] = [
    "SELECT 0x1F": "hexadecimal numbers",
    "SELECT 1_000": "underscores in numbers",
    "SELECT a FROM (SELECT 1)": "a subquery without alias",
    "SELECT a FROM (VALUES (1))": "a subquery without alias",
    "SELECT a FROM t FETCH FIRST 1 ROW WITH TIES": "has a position",
    "SELECT a FROM t ORDER BY a FETCH FIRST 1 ROW WITH TIES FOR UPDATE SKIP LOCKED": "has a position",
    "CREATE TABLE t (a int GENERATED ALWAYS AS (a))": "virtual generated columns",
    "CREATE TABLE t (CHECK (a) DEFERRABLE)": "has a position",
    "CREATE TABLE t (UNIQUE (a) NOT VALID)": "has a position",
    "CREATE TABLE t (FOREIGN KEY (a) REFERENCES u NO INHERIT)": "has a position",
    "ALTER TABLE t ADD UNIQUE (a) NOT VALID": "has a position",
    "ALTER TABLE t ALTER CONSTRAINT c NOT VALID": "says it in other words",
    "GRANT a TO b WITH GRANT OPTION": "options of a membership",
  ]

  /// Where we answer otherwise than PostgreSQL 15 does, and why.
  private static let departures: [String: String] = [
    "SELECT $99999999999": "15 takes the lower bits for the number; this is 18's error",
    "ALTER TABLE t ALTER CONSTRAINT c NOT VALID": "15.0 and 15.1 said it in other words",
  ]
}
