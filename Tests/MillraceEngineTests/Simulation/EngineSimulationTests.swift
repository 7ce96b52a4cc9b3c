import Foundation
import Testing

/// The whole engine on a disk that does wrong what disks do wrong, from a thousand seeds.
@Suite struct EngineSimulationTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let firstSeed = environment["MILLRACE_SEED"].flatMap { UInt64($0) } ?? 1

  /// `MILLRACE_SEED` sets the first seed, `MILLRACE_SEEDS` how many are tried.
  @Test func `a thousand seeds lose nothing that was acknowledged`() throws {
    let count = Self.environment["MILLRACE_SEEDS"].flatMap { UInt64($0) } ?? 1000
    var met = EngineSimulation.Encounters()
    for seed in Self.firstSeed..<Self.firstSeed + count {
      do { met.add(try EngineSimulation(seed: seed).run()) } catch {
        Issue.record("\(error)")
        return
      }
    }
    print("engine simulation, \(count) seeds: \(met)")
    guard count >= 1000 else { return }
    // The runs must meet what they are made for.
    #expect(met.commits > 10_000)
    #expect(met.aborts > 1000)
    #expect(met.unacknowledged > 100)
    #expect(met.unacknowledgedCommitted > 10)
    #expect(met.checkpoints > 1000)
    #expect(met.statementErrors > 100)
    #expect(met.stops > 10)
    #expect(met.crashesInRecovery > 100)
    #expect(met.records > 10_000)
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
  @Test(.enabled(if: environment["MILLRACE_SOAK"] != nil, "only with MILLRACE_SOAK"))
  func `seeds without end`() throws {
    var met = EngineSimulation.Encounters()
    var seed = Self.environment["MILLRACE_SEED"].flatMap { UInt64($0) } ?? UInt64(Date.now.timeIntervalSince1970)
    for count in 1... {
      do { met.add(try EngineSimulation(seed: seed).run()) } catch {
        Issue.record("\(error)")
        return
      }
      if count % 100 == 0 { print("soak: \(count) seeds, the last is \(seed); \(met)") }
      seed &+= 1
    }
  }
}
