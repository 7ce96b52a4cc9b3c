import MillraceTestSupport
import Testing

@testable import MillraceSQL

@Suite("Plans are PostgreSQL's", .serialized)
struct PlanDifferentialTests {
  @Test(
    "over the same tables the same way is chosen, and EXPLAIN shows it in the same words",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func shapesAndCosts() throws {
    let pair = try PlanPair()
    var sameCosts = 0
    try pair.whileRunning {
      for sql in PlanCorpus.schema { try pair.run(sql) }
      try pair.analyze(PlanCorpus.tables)
      for sql in PlanCorpus.statements {
        let (expected, own) = try pair.plans(sql, costs: false)
        #expect(own == expected, "\(sql)")
        let priced = try pair.plans(sql, costs: true)
        if priced.own == priced.expected { sameCosts += 1 } else { print("costs of \(sql):\n\(difference(priced))") }
      }
    }
    print("\(PlanCorpus.statements.count) plans compared with PostgreSQL 18; \(sameCosts) with the same costs")
    #expect(sameCosts >= PlanCorpus.sameCostsMin)
  }

  @Test(
    "what nested loops look up is remembered where PostgreSQL does that",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func memoized() throws {
    let pair = try PlanPair()
    try pair.whileRunning {
      for sql in PlanCorpus.schema { try pair.run(sql) }
      try pair.analyze(PlanCorpus.tables)
      for setting in ["enable_hashjoin", "enable_mergejoin"] { try pair.run("set \(setting) = off") }
      var count = 0
      for sql in PlanCorpus.memoized {
        let (expected, own) = try pair.plans(sql, costs: false)
        #expect(own == expected, "\(sql)")
        let rows = try pair.rows(sql)
        #expect(Self.sorted(pair.rig.execute(sql).rows) == Self.sorted(rows), "\(sql)")
        if own.contains(where: { $0.contains("Memoize") }) { count += 1 }
      }
      #expect(count > PlanCorpus.memoized.count / 2)
    }
  }

  private func difference(_ plans: (expected: [String], own: [String])) -> String {
    zip(plans.expected, plans.own).filter { $0 != $1 }.map { "  expected \($0)\n       own \($1)" }
      .joined(separator: "\n")
  }

  @Test(
    "joins made from a seed give the same rows, whichever way is taken",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func joins() throws {
    let pair = try PlanPair()
    var generator = JoinGenerator(SeededGenerator(for: "joins compared with PostgreSQL 18"))
    var compared = 0
    try pair.whileRunning {
      for sql in JoinGenerator.schema { try pair.run(sql) }
      for settings in JoinGenerator.settings {
        for name in settings { #expect(pair.rig.execute("set \(name) = off").failure == nil) }
        for _ in 0..<60 {
          let sql = generator.statement()
          let expected = try pair.rows(sql)
          let own = pair.rig.execute(sql)
          #expect(own.failure == nil, "\(sql)")
          #expect(Self.sorted(own.rows) == Self.sorted(expected), "\(sql)")
          compared += 1
        }
        for name in settings { #expect(pair.rig.execute("set \(name) = on").failure == nil) }
      }
    }
    print("\(compared) joins compared with PostgreSQL 18")
    #expect(compared == 60 * JoinGenerator.settings.count)
  }

  private static func sorted(_ rows: [[String?]]) -> [String] {
    rows.map { $0.map { $0 ?? "null" }.joined(separator: "|") }.sorted()
  }
}
