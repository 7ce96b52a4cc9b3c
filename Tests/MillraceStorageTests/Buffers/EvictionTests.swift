import Foundation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Dirty pages that must make room.
@Suite struct EvictionTests {
  @Test(arguments: ReadSetup.all)
  func dirtyPagesAreWrittenBeforeTheyGo(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 100, buffers: 16, blocksPerSegment: 30)
    let backend = try rig.backend()
    defer { backend.close() }
    let seed = SeededGenerator(for: "eviction, \(setup)").seed
    var random = SeededGenerator(seed: seed)
    var model: [UInt32: UInt64] = [:]
    for number in 0..<600 {
      let block = UInt32(random.below(100))
      if let known = model[block] {
        #expect(try rig.read(block, backend).value == known)
      }
      if random.below(3) > 0 {
        try rig.change(block, to: UInt64(number), backend)
        model[block] = UInt64(number)
      }
    }
    try rig.pool.flush(rig.fork, backend)
    for (block, value) in model { #expect(try rig.valueOnDisk(block) == value) }
    rig.settle(backend)
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
  }

  @Test(arguments: ReadSetup.methods)
  func nobodyWaitsForAWriteWhileACleanPageCanGo(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 200, buffers: 32, blocksPerSegment: 1000)
    let backend = try rig.backend()
    defer { backend.close() }
    try rig.change(0..<31, backend)
    rig.injection.forgetAttempts()
    // One clean buffer is left, and each page that is read leaves it clean again.
    for block in UInt32(40)..<150 { _ = try rig.read(block, backend) }
    #expect(rig.pool.statistics.writesWaitedFor == 0)
    // Where a write is over when it has been started, none is started in passing.
    if setup.kind == .sync { #expect(rig.injection.writes.isEmpty) }
    rig.settle(backend)
    rig.expectNothingHeld()
  }

  @Test func whereAllAreDirtyOneWriteMakesRoomForMany() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 200, buffers: 32, blocksPerSegment: 1000)
    let backend = try rig.backend()
    try rig.change(0..<32, backend)
    rig.injection.forgetAttempts()
    _ = try rig.read(100, backend)
    // The victim took its neighbours along.
    #expect(rig.injection.writes == [0...15])
    #expect(rig.pool.statistics.writesWaitedFor == 1)
    for block in UInt32(101)..<116 { _ = try rig.read(block, backend) }
    #expect(rig.pool.statistics.writesWaitedFor == 1)
  }

  @Test(arguments: ReadSetup.methods.filter { $0.kind != .sync })
  func whoPassesDirtyPagesStartsTheirWriteAndDoesNotWait(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 300, buffers: 64, blocksPerSegment: 1000)
    let backend = try rig.backend()
    defer { backend.close() }
    try rig.change(0..<60, backend)
    for block in UInt32(100)..<300 { _ = try rig.read(block, backend) }
    #expect(rig.pool.statistics.writesWaitedFor == 0)
    #expect(rig.pool.statistics.writes > 0)
    rig.settle(backend)
    #expect(rig.pool.statistics.blocksWritten > 0)
  }

  /// Writes that were started in passing, and that nobody has reaped, keep nobody from getting a buffer.
  @Test(arguments: ReadSetup.methods.filter { $0.kind != .sync })
  func whereAllAreBeingWrittenOneIsWaitedFor(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 300, buffers: 32, blocksPerSegment: 1000)
    let backend = try rig.backend()
    defer { backend.close() }
    try rig.change(0..<32, backend)
    let stream = rig.writeStream(backend)
    for buffer in UInt32(0)..<32 { stream.add(buffer, rig.pool.tag(buffer)) }
    stream.start()
    for block in UInt32(100)..<132 { _ = try rig.read(block, backend) }
    try stream.finish()
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
  }

  @Test func aPageWhoseLogIsNotDurableIsNotWrittenInPassing() throws {
    let rig = try StorageRig(ReadSetup(kind: .worker), blocks: 200, buffers: 32, blocksPerSegment: 1000)
    let log = RecordingGuard()
    rig.pool.flushGuard = log
    let backend = try rig.backend()
    defer { backend.close() }
    try rig.change(0..<20, lsn: 500, backend)
    for block in UInt32(100)..<150 { _ = try rig.read(block, backend) }
    #expect(log.flushes.isEmpty)
    #expect(rig.pool.statistics.writes == 0)
    // Where no other can go it must be.
    let pins = try (150..<162).map { try rig.read($0, backend) }
    _ = try rig.read(170, backend)
    #expect(log.flushes == [500])
    #expect(pins.count == 12)
    rig.pool.flushGuard = nil
  }

  @Test func aWriteThatFailsIsTheErrorOfWhoNeedsTheBufferAndLaterAllIsWell() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 200, buffers: 16, blocksPerSegment: 1000)
    let backend = try rig.backend()
    try rig.change(0..<16, backend)
    rig.injection.set { $0.isWrite ? -Int64(ENOSPC) : $0.raw }
    do {
      _ = try rig.read(100, backend)
      Issue.record("a write that failed was not reported")
    } catch {
      #expect(error.message.contains("could not write blocks 0..15 in file"))
      #expect(error.message.contains("No space left on device"))
    }
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
    rig.injection.set(nil)
    for block in UInt32(100)..<200 { _ = try rig.read(block, backend) }
    for block in UInt32(0)..<16 { #expect(try rig.valueOnDisk(block) == UInt64(block) + 1000) }
  }

  @Test func whereNothingCanBeWrittenThePoolIsFull() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 40, buffers: 16)
    let backend = try rig.backend()
    let pages = try (0..<16).map { try rig.read($0, backend) }
    #expect(throws: StorageError.noUnpinnedBuffers(count: 16)) { try rig.read(20, backend) }
    #expect(pages.count == 16)
  }

  // MARK: Rings

  @Test func aScanLeavesPagesBehindWhoseLogIsNotDurable() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 200, buffers: 128, blocksPerSegment: 1000)
    let log = RecordingGuard()
    rig.pool.flushGuard = log
    let backend = try rig.backend()
    let ring = BufferStrategy(.bulkRead, count: 8, pool: rig.pool)
    for block in UInt32(0)..<100 {
      let page = Page(try rig.pool.read(rig.fork, BlockNumber(block), backend, strategy: ring))
      page.lock(.shareExclusive)
      page.with { $0.markDirtyHint() }
      if block % 10 == 0 {
        page.unlock()
        page.lock(.exclusive)
        page.setLSN(LogSequenceNumber(700))
      }
    }
    #expect(log.flushes.isEmpty)
    #expect(rig.isDirty(10))
    #expect(!rig.isDirty(11))
    rig.pool.flushGuard = nil
  }

  /// What is copied into the same few buffers stays in the processor's caches.
  @Test func aBulkReadRingGrowsAsFarAsItsPagesAreHeld() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 600, buffers: 1024, blocksPerSegment: 1000)
    let backend = try rig.backend()
    defer { backend.close() }
    let ring = BufferStrategy(.bulkRead, count: 96, pool: rig.pool)
    for block in UInt32(0)..<200 { _ = try rig.pool.read(rig.fork, BlockNumber(block), backend, strategy: ring) }
    #expect(ring.size == 32)
    #expect(rig.pool.statistics.reuses == 200 - 32)
    var held: [Page] = []
    for block in UInt32(200)..<250 {
      held.append(Page(try rig.pool.read(rig.fork, BlockNumber(block), backend, strategy: ring)))
    }
    #expect(ring.size == 50)
    for block in UInt32(250)..<400 {
      held.removeFirst()
      held.append(Page(try rig.pool.read(rig.fork, BlockNumber(block), backend, strategy: ring)))
    }
    // Each takes the buffer of the page that was let go of just before.
    #expect(ring.size == 50)
    #expect(rig.pool.statistics.reuses == 400 - 50)
    for block in UInt32(400)..<500 {
      held.append(Page(try rig.pool.read(rig.fork, BlockNumber(block), backend, strategy: ring)))
    }
    #expect(ring.size == 96)
    held = []
    rig.expectNothingHeld()
  }

  @Test(arguments: ReadSetup.methods)
  func aRingsPagesAreWrittenBeforeItComesToThemAgain(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 600, buffers: 1024, blocksPerSegment: 1000)
    let backend = try rig.backend()
    defer { backend.close() }
    do {
      let ring = BufferStrategy(.vacuum, count: 64, pool: rig.pool)
      for block in UInt32(0)..<600 {
        let page = Page(try rig.pool.read(rig.fork, BlockNumber(block), backend, strategy: ring))
        page.lock(.exclusive)
        page.mutableBytes.storeBytes(of: UInt64(block), toByteOffset: StorageRig.valueOffset, as: UInt64.self)
        page.markDirty()
      }
    }
    rig.settle(backend)
    let statistics = rig.pool.statistics
    #expect(statistics.reuses > 500)
    // The pool at large is hardly touched, and writes are large.
    #expect(statistics.blocksWritten >= 520)
    #expect(statistics.writes <= statistics.blocksWritten / 8)
    try rig.pool.flush(rig.fork, backend)
    for block in UInt32(0)..<600 { #expect(try rig.valueOnDisk(block) == UInt64(block)) }
    rig.expectNothingLocked()
    rig.expectNothingHeld()
  }

  @Test(arguments: ReadSetup.methods)
  func aBulkLoadWritesItsRingAheadInLargePieces(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 1, buffers: 1024, blocksPerSegment: 100)
    let log = RecordingGuard()
    rig.pool.flushGuard = log
    let backend = try rig.backend()
    defer { backend.close() }
    var next = UInt32(1)
    do {
      let ring = BufferStrategy(.bulkWrite, count: 128, pool: rig.pool)
      while next < 700 {
        var blocks = try rig.pool.extend(rig.fork, by: 16, backend, strategy: ring)
        while let block = blocks.next() {
          let page = Page(block)
          #expect(page.block.rawValue == next)
          if page.lockMode == nil { page.lock(.exclusive) }
          var header = PageHeader()
          header.lsn = LogSequenceNumber(UInt64(next))
          log.insert(upTo: UInt64(next))
          header.store(to: page.mutableBytes)
          page.mutableBytes.storeBytes(of: UInt64(next), toByteOffset: StorageRig.valueOffset, as: UInt64.self)
          page.markDirty()
          next += 1
        }
      }
    }
    rig.settle(backend)
    let statistics = rig.pool.statistics
    #expect(statistics.reuses > 400)
    #expect(statistics.writes <= statistics.blocksWritten / 8)
    #expect(log.flushes.count <= 10)
    try rig.pool.flush(rig.fork, backend)
    for block in 1..<next { #expect(try rig.valueOnDisk(block) == UInt64(block)) }
    rig.expectNothingLocked()
    rig.expectNothingHeld()
    rig.pool.flushGuard = nil
  }
}

extension Page {
  /// What tests gave the page.
  var value: UInt64 { bytes.load(fromByteOffset: StorageRig.valueOffset, as: UInt64.self) }
}
