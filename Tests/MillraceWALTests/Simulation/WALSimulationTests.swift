import Foundation
import Testing

@testable import MillraceWAL

@Suite("the log on a simulated disk, through crashes")
struct WALSimulationTests {
  /// `MILLRACE_SEED` runs one seed, `MILLRACE_SEEDS` so many from 1.
  private static let seeds: Range<UInt64> = {
    let environment = ProcessInfo.processInfo.environment
    if let seed = environment["MILLRACE_SEED"].flatMap(UInt64.init) { return seed..<seed + 1 }
    return 1..<(environment["MILLRACE_SEEDS"].flatMap(UInt64.init) ?? 150) + 1
  }()

  @Test("what was acknowledged is there after every crash, and nothing that was not inserted")
  func crashes() {
    var crashes = 0
    var lost = 0
    var stops = 0
    var recycled: UInt64 = 0
    for seed in Self.seeds {
      let simulation: WALSimulation
      do {
        var run = try WALSimulation(seed: seed)
        try run.run(lives: 6, stepsMax: 60)
        simulation = run
      } catch {
        Issue.record("\(error)\nMILLRACE_SEED=\(seed) swift test --filter WALSimulationTests")
        return
      }
      crashes += simulation.crashes
      lost += simulation.lost
      stops += simulation.stops
      recycled += simulation.recycled
    }
    // The seeds do what they are for.
    if Self.seeds.count >= 100 { #expect(crashes > 500 && lost > 0 && stops > 0 && recycled > 0) }
  }

  @Test("pages that a crash has left behind the end are found as a continuation, unless they are cleared")
  func stalePages() throws {
    for seed: UInt64 in 1...600 {
      var simulation = try WALSimulation(seed: seed) { $0.clearsStalePages = false }
      do {
        try simulation.run(lives: 6, stepsMax: 60)
      } catch is WALSimulation.Failure {
        return
      }
    }
    Issue.record("the simulation does not find what it is meant to find")
  }
}
