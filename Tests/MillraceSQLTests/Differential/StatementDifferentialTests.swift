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
        try pair.compare(sql)
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
  func compare(_ sql: String, isGenerated: Bool = false) throws {
    if let trace = PostgresInstallation.environment["MILLRACE_TRACE"] {
      try? (sql + "\n").write(toFile: trace, atomically: false, encoding: .utf8)
    }
    guard var expected = try server?.execute(sql) else { return }
    var own = rig.execute(sql)
    compared += 1
    if isGenerated, own.failure != nil, expected.failure != nil {
      errors += 1
      return
    }
    if let failure = expected.failure {
      errors += 1
      let fields: [Character] = ["C", "M", "D", "H", "P"]
      let shown = fields.map { failure[$0] }
      #expect(own.failure.map { failure in fields.map { failure[$0] } } == shown, "\(sql)")
      return
    }
    rows += expected.rows.count
    #expect(own.failure == nil, "\(sql)")
    #expect(own.columns == expected.columns, "\(sql)")
    #expect(own.tag == expected.tag, "\(sql)")
    if !sql.contains("ORDER BY") {
      expected.rows.sort(by: Self.precedes)
      own.rows.sort(by: Self.precedes)
    }
    #expect(own.rows == expected.rows, "\(sql)")
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
