import Foundation
import Testing

@testable import MillraceStorage

/// Floor 2's reading side on a disk that does wrong what disks do wrong, from a thousand seeds.
@Suite struct StorageSimulationTests {
  /// `MILLRACE_SEED` sets the first seed, `MILLRACE_SEEDS` how many are tried.
  @Test func aThousandSeedsGiveRightPagesOrJustifiedErrors() throws {
    let environment = ProcessInfo.processInfo.environment
    let first = SeededGenerator(for: "storage simulation").seed
    let count = environment["MILLRACE_SEEDS"].flatMap { UInt64($0) } ?? 1000
    var met = StorageSimulation.Encounters()
    for seed in first..<first + count {
      let simulation = try StorageSimulation(seed: seed)
      do {
        met.add(try simulation.run())
      } catch {
        Issue.record("\(error)")
        return
      }
    }
    print("storage simulation, \(count) seeds: \(met)")
    guard count >= 1000 else { return }
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
