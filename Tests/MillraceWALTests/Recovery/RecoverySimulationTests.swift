import MillraceIO
import MillraceSimulation
import MillraceStorage
import Testing

@testable import MillraceWAL

/// Clusters that crashed at any moment, drawn from a seed.
@Suite("recovery of crashed clusters")
struct RecoverySimulationTests {
  /// Everything whose record survived is there, and nothing else.
  private func check(
    _ rig: RecoveryRig, _ report: RecoveryReport, _ scenario: CrashScenario,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    #expect(report.wasNeeded, sourceLocation: location)
    // All whose last byte was there; one more where what was lost happened to be what took its place.
    let whole = scenario.log.entries.filter { $0.lastByteEnd <= scenario.cut }.count
    let recovered = scenario.log.entries.filter { $0.end <= report.endPosition }.count
    #expect((whole...whole + 1).contains(recovered), sourceLocation: location)
    #expect(report.endPosition == scenario.log.entries[recovered - 1].end, sourceLocation: location)
    #expect(report.lastRecord == scenario.log.entries[recovered - 1].start, sourceLocation: location)
    let expected = scenario.survivors(upTo: report.endPosition)
    for (relation, blocks) in expected.relations {
      let found = try rig.pages(relation)
      // The file may have grown before the crash by blocks whose records did not survive.
      let isEqual = found.count >= blocks.count && zip(found, blocks).allSatisfy { $0 == $1.withoutChecksum }
      #expect(isEqual, "relation \(relation)", sourceLocation: location)
      #expect(found.dropFirst(blocks.count).allSatisfy { !$0.contains { $0 != 0 } }, sourceLocation: location)
    }
    for (change, record) in scenario.changes where record.end <= report.endPosition {
      guard case .drop(let relation) = change else { continue }
      #expect(try !rig.storage.exists(ModelChange.locator(relation)), sourceLocation: location)
    }
    #expect(rig.pool.pinCount == 0, sourceLocation: location)
    #expect(rig.backend.outstandingCount == 0 || rig.backend.reap(atLeast: .max) >= 0, sourceLocation: location)
  }

  @Test("what was logged is there, torn pages are whole, and recovering again changes nothing", arguments: 1...150)
  func recover(seed: Int) throws {
    let seed = UInt64(seed)
    var random = SimulationRandom(seed: seed &* 77)
    let scenario = CrashScenario(seed: seed, steps: 20 + random.below(250))
    let disk = SimulatedDisk(seed: seed)
    try scenario.write(to: disk)

    let first = try RecoveryRig(seed: seed, disk: disk, control: scenario.control)
    let inOrder = UInt64(1 + random.below(40))
    first.manager.scopeOfChanges = { $0.start.rawValue / 8 % inOrder == 0 ? .everything : .blocks }
    let report = try first.recovery {
      $0.ioConcurrency = random.below(20)
      $0.reader.readSize = 8192 << random.below(6)
      $0.reader.ioConcurrency = random.below(4)
      $0.combineLimit = 1 + random.below(16)
      $0.batchBytes = 1 << random.below(20)
    }.run()
    try check(first, report, scenario)

    // Some of what the first did reaches the disk; then it is as if it had not been.
    for relation in scenario.survivors(upTo: report.endPosition).relations.keys.sorted() {
      let all = random.oneIn(2)
      try first.writeOut(relation) { _ in all || random.oneIn(2) }
    }
    let second = try RecoveryRig(seed: seed + 1, disk: disk, control: scenario.control)
    let again = try second.recovery().run()
    try check(second, again, scenario)
    #expect(again.recordCount == report.recordCount)
    #expect(again.state == report.state)
  }

  @Test("an interrupted recovery is begun anew", arguments: 1...60)
  func interrupted(seed: Int) throws {
    let seed = UInt64(seed)
    var random = SimulationRandom(seed: seed &* 79)
    let scenario = CrashScenario(seed: seed, steps: 200)
    let disk = SimulatedDisk(seed: seed)
    try scenario.write(to: disk)
    var interruptions = 0
    for attempt in 0..<4 {
      let rig = try RecoveryRig(seed: seed + UInt64(attempt), disk: disk, control: scenario.control)
      rig.manager.recordsUntilFailure = random.below(60)
      do throws(RecoveryError) {
        let report = try rig.recovery { $0.batchBytes = 1 << random.below(16) }.run()
        try? check(rig, report, scenario)
      } catch {
        #expect(error.message.hasPrefix("interrupted; CONTEXT: WAL redo at "))
        interruptions += 1
      }
      // What it has changed until then may have been written out; what it has not read yet stays as it is.
      for relation in UInt32(16384)..<16400 where try rig.storage.exists(ModelChange.locator(relation)) {
        try rig.writeOut(relation, onlyCached: true) { _ in random.oneIn(2) }
      }
    }
    let rig = try RecoveryRig(seed: seed, disk: disk, control: scenario.control)
    try check(rig, rig.recovery().run(), scenario)
  }
}
