import MillraceTestSupport
import Testing

@testable import MillraceWAL

@Suite("the log on a simulated disk, through crashes")
struct WALSimulationTests {
  @Test("what was acknowledged is there after every crash, and nothing that was not inserted")
  func crashes() {
    var crashes = 0
    var lost = 0
    var stops = 0
    var recycled: UInt64 = 0
    var depth: UInt64 = 0
    let seeds = Seeds.range(150)
    let failure = Seeds.firstFailure(seeds, filter: "WALSimulationTests") { seed in
      var simulation = try WALSimulation(seed: seed)
      try simulation.run(lives: 6, stepsMax: 60)
      crashes += simulation.crashes
      lost += simulation.lost
      stops += simulation.stops
      recycled += simulation.recycled
      depth = max(depth, simulation.depthInSegments)
    }
    if let failure {
      Issue.record(Comment(rawValue: failure))
      return
    }
    // The seeds do what they are for.
    if seeds.count >= 100 { #expect(crashes > 500 && lost > 0 && stops > 0 && recycled > 0 && depth > 0) }
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
