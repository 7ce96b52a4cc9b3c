import Foundation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// The write phase of a checkpoint.
@Suite struct BufferCheckpointTests {
  private static func checkpoint(_ rig: StorageRig, _ backend: IOBackend) -> BufferCheckpoint {
    var configuration = WriteStreamConfiguration()
    configuration.combineLimit = rig.setup.combineLimit
    return BufferCheckpoint(rig.pool, backend, configuration: configuration)
  }

  @Test(arguments: ReadSetup.all)
  func everythingThatWasDirtyIsOnDisk(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 100, blocksPerSegment: 30)
    let backend = try rig.backend()
    defer { backend.close() }
    let blocks = Array(UInt32(0)..<100).filter { $0 % 7 != 3 }
    try rig.change(blocks.reversed(), backend)
    let result = try Self.checkpoint(rig, backend).run(.none)
    #expect(result.dirty == blocks.count)
    #expect(result.stream.ioBlocks == UInt64(blocks.count))
    for block in blocks { #expect(try rig.valueOnDisk(block) == UInt64(block) + 1000) }
    for buffer in UInt32(0)..<128 {
      #expect(!rig.pool.state(buffer).has(BufferState.dirty | BufferState.checkpointNeeded))
    }
    #expect(try Self.checkpoint(rig, backend).run(.none).dirty == 0)
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
  }

  @Test func itWritesInFileOrderWhatIsNeighbouringTogether() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 100, blocksPerSegment: 50)
    let backend = try rig.backend()
    try rig.change((0..<100).reversed(), backend)
    rig.injection.forgetAttempts()
    _ = try Self.checkpoint(rig, backend).run(.none)
    #expect(rig.injection.writes == [0...15, 16...31, 32...47, 48...49, 50...65, 66...81, 82...97, 98...99])
  }

  @Test func tablespacesAdvanceTogether() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 96, buffers: 256, blocksPerSegment: 1000)
    let other = RelationLocator(tablespace: 1664, database: 0, relNumber: 50)
    try rig.image.write(to: rig.directory, "global/50", blocksPerSegment: 1000)
    let shared = rig.storage.open(other)
    let backend = try rig.backend()
    try rig.change(0..<96, backend)
    for block in UInt32(0)..<32 {
      let page = Page(try rig.pool.read(shared, BlockNumber(block), backend))
      page.lock(.exclusive)
      page.markDirty()
    }
    rig.injection.forgetAttempts()
    var configuration = WriteStreamConfiguration()
    configuration.batchLimit = 16
    _ = try BufferCheckpoint(rig.pool, backend, configuration: configuration).run(.none)
    var done: [ForkID: Int] = [:]
    for attempt in rig.injection.attempts {
      done[attempt.fork, default: 0] += attempt.blocks.count
      let (main, global) = (Double(done[rig.fork.id] ?? 0) / 96, Double(done[shared.id] ?? 0) / 32)
      #expect(abs(main - global) <= 0.51)
    }
    #expect(done == [rig.fork.id: 96, shared.id: 32])
  }

  @Test func whatIsDirtiedMeanwhileIsLeftForTheNext() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 100, blocksPerSegment: 1000)
    let backend = try rig.backend()
    let own = try rig.backend("checkpointer")
    try rig.change(0..<40, backend)
    let checkpoint = Self.checkpoint(rig, own)
    var isFirst = true
    let pacing = CheckpointPacing(elapsed: { 0 }) {
      guard isFirst else { return }
      isFirst = false
      try? rig.change(60..<70, backend)
    }
    let result = try checkpoint.run(pacing)
    #expect(result.dirty == 40)
    for block in UInt32(0)..<40 { #expect(!rig.isDirty(block)) }
    for block in UInt32(60)..<70 { #expect(rig.isDirty(block)) }
  }

  @Test func itKeepsToItsSchedule() throws {
    let rig = try StorageRig(
      ReadSetup(kind: .sync, combineLimit: 1), blocks: 100, buffers: 128, blocksPerSegment: 1000)
    let backend = try rig.backend()
    try rig.change(0..<100, backend)
    rig.injection.forgetAttempts()
    var now = 0.0
    var progress: [(Double, Int)] = []
    var pacing = CheckpointPacing(elapsed: { now }) {
      progress.append((now, rig.injection.writes.count))
      now += 0.02
    }
    pacing.completionTarget = 0.5
    let result = try Self.checkpoint(rig, backend).run(pacing)
    #expect(result.sleeps == progress.count)
    // A page each 0.5 %, to the end.
    for (time, written) in progress { #expect(abs(Double(written) - time / 0.5 * 100) <= 5) }
    #expect(now >= 0.48 && now <= 0.53)
  }

  @Test func theLogThatIsWrittenMakesItHurry() {
    var consumed = 0.0
    let pacing = CheckpointPacing(elapsed: { 0.1 }, logConsumed: { consumed }, sleep: {})
    #expect(pacing.isOnSchedule(0.2))
    consumed = 0.3
    #expect(!pacing.isOnSchedule(0.2))
    #expect(pacing.isOnSchedule(0.4))
    #expect(!pacing.isOnSchedule(0.05))
  }

  @Test func fewPagesDoNotTakeLong() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 100, blocksPerSegment: 1000)
    let backend = try rig.backend()
    try rig.change([3, 50, 51], backend)
    let result = try Self.checkpoint(rig, backend).run(CheckpointPacing(elapsed: { 0 }, sleep: {}))
    #expect(result.sleeps == 3)
  }

  @Test(arguments: ReadSetup.methods)
  func aPageThatCannotBeWrittenMakesItFailAndTheNextGetsIt(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 60, blocksPerSegment: 1000)
    let backend = try rig.backend()
    defer { backend.close() }
    try rig.change(0..<60, backend)
    rig.injection.fail(EIO, onWritesOf: 20)
    #expect(throws: StorageError.self) { try Self.checkpoint(rig, backend).run(.none) }
    #expect(rig.isDirty(20))
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
    rig.injection.set(nil)
    _ = try Self.checkpoint(rig, backend).run(.none)
    for block in UInt32(0)..<60 { #expect(try rig.valueOnDisk(block) == UInt64(block) + 1000) }
  }

  @Test func aRelationThatGoesMeanwhileIsNotWritten() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 100, blocksPerSegment: 1000)
    let backend = try rig.backend()
    try rig.change(0..<100, backend)
    var written = 0
    let pacing = CheckpointPacing(elapsed: { 0 }) {
      if written == 0 {
        written = rig.injection.writes.count
        rig.pool.drop(rig.fork)
        rig.storage.forget(StorageRig.locator)
      }
    }
    let result = try Self.checkpoint(rig, backend).run(pacing)
    #expect(result.dirty == 100)
    #expect(rig.injection.writes.count == written)
    #expect(rig.pool.forks.count == 0)
    rig.expectNothingHeld([backend])
  }

  /// While a query's I/O is in flight, few of the checkpoint's are.
  @Test(arguments: ReadSetup.shared.filter { $0.kind != .sync }, [false, true])
  func itGivesWayToQueries(setup: ReadSetup, busy: Bool) throws {
    let rig = try StorageRig(setup.with { $0.combineLimit = 1 }, blocks: 100, buffers: 512, blocksPerSegment: 1000)
    let backend = try rig.backend()
    let own = try rig.engine.makeBackend("checkpointer", priority: .checkpoint)
    try rig.change(0..<99, backend)
    let gate = busy ? rig.injection.hold(readsOf: 99) : nil
    let reader = try TestThread("reader") {
      guard busy else { return }
      let backend = try rig.backend("reader")
      defer { backend.close() }
      _ = try rig.read(99, backend)
    }
    gate?.waitUntilEntered()
    let result = try Self.checkpoint(rig, own).run(.none)
    #expect(busy == (result.stream.yieldCount > 0))
    if busy { #expect(result.stream.inProgressSum <= result.stream.ioCount * 3) }
    gate?.open()
    try reader.join()
    own.close()
    backend.close()
    rig.expectNothingLocked()
  }
}
