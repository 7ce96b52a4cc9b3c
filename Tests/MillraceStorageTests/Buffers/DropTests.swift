import Foundation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Pages whose files go: scenarios 34 and 88.
@Suite struct DropTests {
  @Test(arguments: [nil, 40, 2] as [UInt32?])
  func pagesGoUnwritten(blockCount: UInt32?) throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), buffers: blockCount == 2 ? 128 : 2048)
    let backend = try rig.backend()
    try rig.change(0..<(blockCount ?? 40), backend)
    rig.pool.drop(rig.fork, blockCount: blockCount, backend: backend)
    for block in UInt32(0)..<(blockCount ?? 40) { #expect(rig.state(block) == nil) }
    #expect(rig.injection.writes.isEmpty)
    #expect(rig.pool.forks.count == 0)
    rig.expectNothingHeld([backend])
  }

  @Test(arguments: [nil, 40] as [UInt32?])
  func aForkThatBecomesShorterLosesItsEndOnly(blockCount: UInt32?) throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), buffers: 2048)
    let backend = try rig.backend()
    try rig.change(0..<40, backend)
    rig.pool.drop(rig.fork, from: BlockNumber(13), blockCount: blockCount, backend: backend)
    for block in UInt32(0)..<13 { #expect(rig.isDirty(block)) }
    for block in UInt32(13)..<40 { #expect(rig.state(block) == nil) }
    try rig.pool.flush(rig.fork, backend)
    #expect(try rig.valueOnDisk(12) == 1012)
  }

  @Test(arguments: ReadSetup.methods.filter { $0.kind != .sync && !$0.exclusive })
  func writesInFlightAreWaitedFor(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 100)
    let backend = try rig.backend()
    defer { backend.close() }
    try rig.change(0..<30, backend)
    let gate = rig.injection.hold(readsOf: 3)
    let hasAdded = AtomicFlag()
    let writer = try TestThread("writer") {
      let backend = try rig.backend("writer")
      defer { backend.close() }
      let stream = rig.writeStream(backend)
      try rig.add(0..<30, to: stream, backend)
      hasAdded.set()
      try stream.finish()
    }
    gate.waitUntilEntered()
    // It would read pages again that are dropped before.
    while !hasAdded.isSet { sched_yield() }
    let dropper = try TestThread("dropper") {
      rig.pool.drop(rig.fork)
      return rig.injection.attempts.count
    }
    // It cannot be done while the write is held.
    #expect(rig.state(3) != nil)
    gate.open()
    _ = try dropper.join()
    try writer.join()
    for block in UInt32(0)..<30 { #expect(rig.state(block) == nil) }
    #expect(rig.pool.forks.count == 0)
    rig.expectNothingHeld([backend])
  }

  @Test(arguments: ReadSetup.shared)
  func relationsComeAndGoWhileOthersWriteThePoolOut(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 20, buffers: 64, blocksPerSegment: 100)
    let isOver = AtomicFlag()
    let writer = try TestThread("checkpointer") {
      let backend = try rig.backend("checkpointer")
      defer { backend.close() }
      while !isOver.isSet {
        _ = try BufferCheckpoint(rig.pool, backend, configuration: WriteStreamConfiguration()).run(.none)
      }
    }
    let backend = try rig.backend()
    defer { backend.close() }
    for number in UInt32(0)..<60 {
      let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: 500 + number)
      try rig.directory.write([], to: "base/5/\(500 + number)")
      let fork = rig.storage.open(locator)
      var blocks = try rig.pool.extend(fork, by: 8, backend)
      while let block = blocks.next() {
        let page = Page(block)
        if page.lockMode == nil { page.lock(.exclusive) }
        PageHeader().store(to: page.mutableBytes)
        page.markDirty()
      }
      rig.pool.drop(fork, backend: backend)
      rig.storage.forget(locator)
      try FileManager.default.removeItem(at: rig.directory.url("base/5/\(500 + number)"))
    }
    isOver.set()
    try writer.join()
    #expect(rig.pool.forks.count <= 1)
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
  }
}
