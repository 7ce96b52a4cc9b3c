import Foundation
import MillraceTestSupport
import MillraceTypes
import Testing

@testable import MillraceSQL

/// Statements are run by PostgreSQL 18 and by this engine, and every row, tag and error is compared.
@Suite("Answers are PostgreSQL's", .serialized)
struct StatementDifferentialTests {
  @Test(
    "statements written by hand give the same rows and errors",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func written() throws {
    let pair = try Pair()
    try pair.whileRunning {
      try pair.prepare(StatementCorpus.schema)
      for sql in StatementCorpus.all { try pair.compare(sql) }
      try pair.prepare([AnalyzerRig.schema] + StatementCorpus.analysisRows)
      for sql in AnalysisCorpus.all
      where !sql.contains("$") && StatementCorpus.isRepeatable(sql) && AnalysisCorpus.departures[sql] == nil {
        // Not all of them say how equal rows are sorted.
        try pair.compare(sql, isOrdered: false)
      }
    }
    pair.report("written by hand")
    #expect(pair.compared > 700)
  }

  @Test(
    "statements made from a seed give the same rows and errors",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func generated() throws {
    let pair = try Pair()
    var generator = StatementGenerator(SeededGenerator(for: "comparison of answers with PostgreSQL 18"))
    try pair.whileRunning {
      try pair.prepare(StatementCorpus.schema)
      for _ in 0..<600 { try pair.compare(generator.expressionStatement(), isGenerated: true) }
      for _ in 0..<400 { try pair.compare(generator.queryStatement(), isGenerated: true) }
    }
    pair.report("from a seed")
    #expect(pair.compared == 1000)
  }
}

/// A server and an engine with the same tables.
private final class Pair {
  let cluster: PostgresCluster
  let rig: SQLRig
  private var server: ServerSession?
  private(set) var compared = 0
  private var rows = 0
  private var errors = 0

  init() throws {
    cluster = try PostgresCluster(.required(18), checksums: false, options: ["-E", "UTF8", "--locale=C"])
    rig = try SQLRig()
  }

  func whileRunning(_ body: () throws -> Void) throws {
    try cluster.whileRunning {
      server = try ServerSession(directory: cluster.temporary.path)
      try prepare(["SET TimeZone = 'America/New_York'", "SET extra_float_digits = 1"])
      try body()
    }
    try rig.close()
  }

  struct Unprepared: Error { let what: String }

  /// Runs what has to work on both.
  func prepare(_ statements: [String]) throws {
    for sql in statements {
      if let failure = try server?.execute(sql).failure { throw Unprepared(what: "PostgreSQL: \(sql): \(failure)") }
      if let failure = rig.execute(sql).failure { throw Unprepared(what: "\(sql): \(failure)") }
    }
  }

  /// - Parameter isGenerated: which of several errors comes first is then not looked at.
  func compare(_ sql: String, isGenerated: Bool = false, isOrdered: Bool? = nil) throws {
    if let trace = PostgresInstallation.environment["MILLRACE_TRACE"] {
      try "\(sql)\n".write(toFile: trace, atomically: false, encoding: .utf8)
    }
    guard var expected = try server?.execute(sql) else { return }
    var own = rig.execute(sql)
    compared += 1
    rows += expected.rows.count
    if expected.failure != nil { errors += 1 }
    if isGenerated, own.failure != nil, expected.failure != nil { return }
    if !(isOrdered ?? sql.contains("ORDER BY")) {
      expected.rows.sort(by: Self.precedes)
      own.rows.sort(by: Self.precedes)
    }
    let (ours, theirs) = (Self.shown(own), Self.shown(expected))
    if let reason = StatementCorpus.departures[sql] {
      #expect(ours != theirs, "\(sql): \(reason)")
    } else {
      #expect(ours == theirs, "\(sql)")
    }
  }

  /// An answer as a text; of an error its SQLSTATE, message, detail, hint and position.
  private static func shown(_ answer: ServerSession.Answer) -> String {
    if let failure = answer.failure {
      let fields: [Character] = ["C", "M", "D", "H", "P"]
      return fields.map { failure[$0] ?? "" }.joined(separator: " | ")
    }
    let rows = answer.rows.map { row in row.map { $0 ?? "NULL" }.joined(separator: "|") }
    return ([answer.tag ?? "", answer.columns.joined(separator: "|")] + rows).joined(separator: "\n")
  }

  private static func precedes(_ a: [String?], _ b: [String?]) -> Bool {
    for (x, y) in zip(a, b) where x != y {
      guard let x else { return false }
      guard let y else { return true }
      return x < y
    }
    return false
  }

  func report(_ kind: String) {
    print("\(compared) statements \(kind) compared with PostgreSQL 18: \(rows) rows, \(errors) errors")
  }
}
