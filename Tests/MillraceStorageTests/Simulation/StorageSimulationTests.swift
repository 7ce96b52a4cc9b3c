import Testing

@testable import MillraceStorage

/// Floor 2's reading side on a disk that does wrong what disks do wrong, from a thousand seeds.
@Suite struct StorageSimulationTests {
  @Test func aThousandSeedsGiveRightPagesOrJustifiedErrors() throws {
    let seeds = Seeds.range(1000)
    var met = StorageSimulation.Encounters()
    let failure = Seeds.firstFailure(seeds, filter: "StorageSimulationTests") { seed in
      met.add(try StorageSimulation(seed: seed).run())
    }
    if let failure {
      Issue.record(Comment(rawValue: failure))
      return
    }
    print("storage simulation, \(seeds.count) seeds: \(met)")
    guard seeds.count >= 1000 else { return }
    // The runs must meet what they are made for.
    #expect(met.pages > 10_000)
    #expect(met.readErrors > 100)
    #expect(met.shortReads > 100)
    #expect(met.pageErrors > 100)
    #expect(met.warnings > 100)
    #expect(met.shortages > 0)
    #expect(met.retries > 1000)
  }

  /// The same seed is the same run, to the last count.
  @Test(arguments: [UInt64(1), 17, 4711])
  func aSeedDeterminesItsRun(seed: UInt64) throws {
    let first = try StorageSimulation(seed: seed).run()
    let second = try StorageSimulation(seed: seed).run()
    #expect(first == second)
  }
}
