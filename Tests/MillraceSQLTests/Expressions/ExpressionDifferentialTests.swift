import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// Expressions are computed by PostgreSQL 18 and by this engine, and every value and error is compared.
@Suite("Expressions give PostgreSQL's values and errors", .serialized)
struct ExpressionDifferentialTests {
  @Test(
    "operators, functions, patterns over a table of edge values",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func expressions() throws {
    let pair = try ExpressionPair()
    try pair.whileRunning(ExpressionCorpus.schema) {
      let ofRows = ExpressionCorpus.all.filter { ExpressionCorpus.usesColumns($0) }
      for row in 1...ExpressionCorpus.rowCount {
        try pair.compare(ofRows, "FROM et WHERE k = \(row)", departures: ExpressionCorpus.departures)
      }
      try pair.compare(
        ExpressionCorpus.all.filter { !ExpressionCorpus.usesColumns($0) }, departures: ExpressionCorpus.departures)
    }
    print("\(pair.compared) expressions compared with PostgreSQL 18, \(pair.failed) errors among them")
    #expect(pair.compared > 5000)
  }

  @Test(
    "every function of the library with edge values and NULL",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func functions() throws {
    let pair = try ExpressionPair()
    try pair.whileRunning([]) {
      let calls = try FunctionCalls.all(pair.rig, each: FunctionCalls.perFunction)
      try pair.compare(calls)
    }
    print("\(pair.compared) calls compared with PostgreSQL 18, \(pair.failed) errors among them")
    #expect(pair.compared > 3000)
  }

  @Test(
    "aggregates over all rows, none, and groups; series",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func aggregates() throws {
    let pair = try ExpressionPair()
    try pair.whileRunning(ExpressionCorpus.schema) {
      for source in AggregateCorpus.sources { try pair.compare(AggregateCorpus.calls, source) }
      try pair.compare(AggregateCorpus.series.map { "SELECT string_agg(s.x::text, '|') FROM (\($0)) s (x)" })
    }
    #expect(pair.compared > 300)
  }
}
