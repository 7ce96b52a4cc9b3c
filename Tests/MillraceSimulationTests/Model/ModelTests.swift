import MillraceSimulation
import MillraceTestSupport
import Testing

@Suite("the engine against a model, from seeds")
struct ModelTests {
  /// Runs one seed. - Returns: what was wrong, in a form that says how to see it again.
  private func failure(seed: UInt64, canary: ModelCanary? = nil) throws -> String? {
    let run = try ModelRun(seed: seed, canary: canary)
    do {
      try run.run()
      return nil
    } catch {
      let last = run.trace.suffix(25).joined(separator: "\n  ")
      return """
        \(error)
        To repeat: MILLRACE_SEED=\(seed) swift test --filter ModelTests
        \(run.disk.faults)
          \(last)
        """
    }
  }

  /// In eight parts, so that the machine's cores share them.
  @Test("a thousand seeds find no difference", arguments: 0..<8)
  func agrees(part: Int) throws {
    for seed in Seeds.range(1024) where seed % 8 == UInt64(part) {
      if let failure = try failure(seed: seed) {
        Issue.record(Comment(rawValue: failure))
        return
      }
    }
  }

  @Test("everything that shall come up does")
  func seesAll() throws {
    var seen: Set<ModelRun.Sight> = []
    for seed in UInt64(0)..<100 {
      let run = try ModelRun(seed: seed)
      try run.run()
      seen.formUnion(run.seen)
    }
    #expect(seen == Set(ModelRun.Sight.allCases))
  }

  @Test("the same seed is the same run", arguments: [UInt64(1), 2, 3, 4])
  func repeats(seed: UInt64) throws {
    let runs = [try ModelRun(seed: seed), try ModelRun(seed: seed)]
    for run in runs { try run.run() }
    #expect(runs[0].trace == runs[1].trace)
    #expect(runs[0].disk.faultCounts == runs[1].disk.faultCounts)
    #expect(runs[0].simulation.clock.nanoseconds == runs[1].simulation.clock.nanoseconds)
    #expect(
      runs[0].trace
        != (try {
          let run = try ModelRun(seed: seed + 1); try run.run(); return run.trace
        }()))
  }

  @Test("a bug that is put in is found within a hundred seeds", arguments: ModelCanary.allCases)
  func findsCanary(canary: ModelCanary) throws {
    let found = try (UInt64(0)..<100).first { try failure(seed: $0, canary: canary) != nil }
    #expect(found != nil)
  }
}
