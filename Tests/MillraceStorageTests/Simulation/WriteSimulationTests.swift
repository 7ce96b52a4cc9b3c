import Testing

@testable import MillraceStorage

/// Floor 2's writing side on a disk that does wrong what disks do wrong, from a thousand seeds.
@Suite struct WriteSimulationTests {
  @Test func aThousandSeedsLoseNoPage() throws {
    let seeds = Seeds.range(1000)
    var met = WriteSimulation.Encounters()
    let failure = Seeds.firstFailure(seeds, filter: "WriteSimulationTests") { seed in
      met.add(try WriteSimulation(seed: seed).run())
    }
    if let failure {
      Issue.record(Comment(rawValue: failure))
      return
    }
    print("write simulation, \(seeds.count) seeds: \(met)")
    guard seeds.count >= 1000 else { return }
    // The runs must meet what they are made for.
    #expect(met.changes > 10_000)
    #expect(met.hints > 1000)
    #expect(met.extended > 10_000)
    #expect(met.written > 10_000)
    #expect(met.writeErrors > 100)
    #expect(met.full > 100)
    #expect(met.checkpoints > 500)
    #expect(met.failedCheckpoints > 50)
    #expect(met.logFlushes > 1000)
    #expect(met.waits > 25)
    #expect(met.crashes > 100)
  }

  /// The same seed is the same run, to the last count.
  @Test(arguments: [UInt64(1), 17, 4711])
  func aSeedDeterminesItsRun(seed: UInt64) throws {
    let first = try WriteSimulation(seed: seed).run()
    let second = try WriteSimulation(seed: seed).run()
    #expect(first == second)
  }
}
