import Foundation
import MillraceTestSupport
import Testing

/// The whole engine on a disk that does wrong what disks do wrong, from a thousand seeds.
@Suite struct EngineSimulationTests {
  private static let isSoaking = ProcessInfo.processInfo.environment["MILLRACE_SOAK"] != nil

  /// In parts, so that the machine's cores share them.
  private static let parts: UInt64 = 4

  @Test(arguments: 0..<parts)
  func `a thousand seeds lose nothing that was acknowledged`(part: UInt64) throws {
    let seeds = Seeds.range(1000).filter { $0 % Self.parts == part }
    var met = EngineSimulation.Encounters()
    let failure = Seeds.firstFailure(seeds, filter: "EngineSimulation") { seed in
      met.add(try EngineSimulation(seed: seed).run())
    }
    if let failure {
      Issue.record(Comment(rawValue: failure))
      return
    }
    print("engine simulation, \(seeds.count) seeds: \(met)")
    guard seeds.count >= 250 else { return }
    // The runs must meet what they are made for.
    #expect(met.commits > 2500)
    #expect(met.aborts > 250)
    #expect(met.unacknowledged > 25)
    #expect(met.unacknowledgedCommitted > 2)
    #expect(met.checkpoints > 250)
    #expect(met.statementErrors > 25)
    #expect(met.stops > 2)
    #expect(met.crashesInRecovery > 25)
    #expect(met.kills > 75)
    #expect(met.records > 2500)
  }

  /// The same seed is the same run, to the last count.
  @Test(arguments: [UInt64(1), 17, 4711])
  func `a seed determines its run`(seed: UInt64) throws {
    let first = try EngineSimulation(seed: seed).run()
    let second = try EngineSimulation(seed: seed).run()
    #expect(first == second)
  }

  @Test(arguments: SimulationPlan.Canary.allCases)
  func `a bug that is put in on purpose is found within a hundred seeds`(canary: SimulationPlan.Canary) throws {
    for seed in UInt64(1)...100 {
      do { _ = try EngineSimulation(seed: seed, canary: canary).run() } catch is EngineSimulation.Failure {
        print("\(canary) was found by seed \(seed)")
        return
      }
    }
    Issue.record("\(canary) was not found")
  }

  /// `make soak`: seed after seed until it is stopped, or one fails.
  @Test(.enabled(if: isSoaking, "only with MILLRACE_SOAK"))
  func `seeds without end`() throws {
    var met = EngineSimulation.Encounters()
    let first = Seeds.asked ?? UInt64(Date.now.timeIntervalSince1970)
    let failure = Seeds.firstFailure(first..<UInt64.max, filter: "EngineSimulation") { seed in
      met.add(try EngineSimulation(seed: seed).run())
      if (seed - first) % 100 == 99 { print("soak: \(seed - first + 1) seeds, the last is \(seed); \(met)") }
    }
    if let failure { Issue.record(Comment(rawValue: failure)) }
  }
}
