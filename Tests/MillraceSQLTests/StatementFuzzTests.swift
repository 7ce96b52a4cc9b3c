import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// Statements that are nearly right, through parser, analyzer, planner and executor: an answer or an error with its
/// SQLSTATE, and the session goes on.
@Suite("Broken statements are run")
struct StatementFuzzTests {
  /// Nothing that leaves the database, or waits.
  private static func isHarmless(_ sql: String) -> Bool {
    let text = sql.lowercased()
    return !["copy", "system", "sleep", "checkpoint", "database", "vacuum", "lock", "prewarm", "terminate"]
      .contains { text.contains($0) }
  }

  @Test func `changed statements have an answer or an error, and the session goes on`() throws {
    let rig = try SQLRig()
    for statement in StatementCorpus.schema {
      let answer = rig.execute(statement)
      #expect(answer.failure == nil, "\(statement)")
    }
    let corpus =
      (StatementCorpus.scalars + StatementCorpus.texts + StatementCorpus.times + StatementCorpus.aggregates
      + StatementCorpus.joins + StatementCorpus.queries).map { "\($0)" } + Corpus.statements
    let statements = corpus.filter(Self.isHarmless)
    var (answers, errors) = (0, 0)
    Fuzzing.run("changed statements are run", rounds: 40) { random in
      var mutation = Mutation(SeededGenerator(seed: random.next()), of: statements)
      for index in 0..<10 {
        let sql = index % 4 == 3 ? mutation.nextBytes() : mutation.nextStatement()
        guard Self.isHarmless(sql) else { continue }
        _ = rig.execute("set statement_timeout = '500ms'")
        guard let failure = rig.execute(sql).failure else {
          answers += 1
          continue
        }
        errors += 1
        let state = failure["C"] ?? ""
        #expect(state.utf8.count == 5 && !state.hasPrefix("XX"), "\(state) \(failure["M"] ?? ""): \(sql)")
      }
      _ = rig.execute("rollback")
      let still = rig.execute("select 1")
      #expect(still.rows == [["1"]])
    }
    #expect(answers > 20 && errors > 20)
    try rig.close()
  }
}
