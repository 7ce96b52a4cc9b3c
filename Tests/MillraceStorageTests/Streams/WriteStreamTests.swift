import Foundation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Pages on their way out: what is combined, what is on disk afterwards, and what must be durable before.
@Suite struct WriteStreamTests {
  @Test(arguments: ReadSetup.all)
  func whatWasChangedIsOnDiskWithItsChecksum(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 7)
    let backend = try rig.backend()
    defer { backend.close() }
    try rig.change(0..<40, backend)
    let stream = rig.writeStream(backend)
    try rig.add((0..<40).reversed(), to: stream, backend)
    try stream.finish()
    for block in UInt32(0)..<40 {
      #expect(try rig.valueOnDisk(block) == UInt64(block) + 1000)
      #expect(!rig.isDirty(block))
    }
    #expect(stream.statistics.ioBlocks == 40)
    #expect(rig.pool.statistics.blocksWritten == 40)
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
  }

  /// Scenario 85.
  @Test(arguments: ReadSetup.paths)
  func neighboursAreOneWrite(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let backend = try rig.backend()
    defer { backend.close() }
    func writes(_ dirty: [UInt32], added: [UInt32]? = nil) throws -> [ClosedRange<UInt32>] {
      try rig.change(dirty, backend)
      rig.injection.forgetAttempts()
      let stream = rig.writeStream(backend)
      try rig.add(added ?? dirty, to: stream, backend)
      try stream.finish()
      return rig.injection.writes.sorted { $0.lowerBound < $1.lowerBound }
    }
    #expect(try writes([0, 1, 2, 3, 4, 5]) == [0...5])
    #expect(try writes([5, 3, 1, 0, 4, 2]) == [0...5])
    #expect(try writes([0, 2, 3, 5]) == [0...0, 2...3, 5...5])
    // A clean one in between is not written.
    #expect(try writes([0, 1, 3, 4], added: [0, 1, 2, 3, 4]) == [0...1, 3...4])
    // Not across the end of a segment.
    #expect(try writes([18, 19, 20, 21]) == [18...19, 20...21])
    #expect(try writes([7, 7, 8]) == [7...8])
    // Not more than one I/O holds.
    #expect(try writes(Array(0..<18)) == [0...15, 16...17])
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
  }

  @Test func aPageThatSomebodyHasLockedSplitsTheWriteAndIsWaitedFor() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocksPerSegment: 20)
    let backend = try rig.backend()
    try rig.change(0..<6, backend)
    let held = try rig.read(3, backend)
    held.lock(.exclusive)
    rig.injection.forgetAttempts()
    let writer = try TestThread("writer") {
      let backend = try rig.backend("writer")
      defer { backend.close() }
      let stream = rig.writeStream(backend)
      try rig.add(0..<6, to: stream, backend)
      try stream.finish()
      return stream.statistics.waitCount
    }
    // It sleeps for the lock; all before it has gone out by then.
    while rig.pool.state(held.buffer).rawValue & ContentLock.allSleepers == 0 { sched_yield() }
    #expect(rig.injection.writes == [0...2])
    held.mutableBytes.storeBytes(of: 77, toByteOffset: StorageRig.valueOffset, as: UInt64.self)
    held.unlock()
    #expect(try writer.join() > 0)
    #expect(rig.injection.writes == [0...2, 3...5])
    #expect(try rig.valueOnDisk(3) == 77)
  }

  // MARK: The log

  @Test(arguments: ReadSetup.methods)
  func theLogIsFlushedOnceForABatchAndBefore(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, buffers: 512, blocksPerSegment: 20)
    let log = RecordingGuard()
    rig.pool.flushGuard = log
    let backend = try rig.backend()
    defer { backend.close() }
    for block in UInt32(0)..<40 { try rig.change(block, to: 1, lsn: 1000 + UInt64(block * 7 % 40), backend) }
    let stream = rig.writeStream(backend) { $0.batchLimit = 40 }
    rig.injection.set { attempt in
      if attempt.isWrite { #expect(log.flushedPosition.rawValue >= 1039) }
      return attempt.raw
    }
    try rig.add(0..<40, to: stream, backend)
    try stream.finish()
    #expect(log.flushes == [1039])
    #expect(stream.statistics.logFlushCount == 1)
    // What is durable is not asked for again.
    try rig.change(3, to: 2, lsn: 1010, backend)
    try rig.add([3], to: stream, backend)
    try stream.finish()
    #expect(log.flushes == [1039])
    #expect(try rig.valueOnDisk(3) == 2)
    rig.injection.set(nil)
    rig.pool.flushGuard = nil
  }

  @Test func aLogThatCannotBeFlushedKeepsPagesDirtyAndIsReported() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync))
    let log = RecordingGuard()
    rig.pool.flushGuard = log
    let backend = try rig.backend()
    try rig.change(0..<5, lsn: 50, backend)
    log.fail(with: StorageError(.writeAheadLog, message: "could not flush the log"))
    let stream = rig.writeStream(backend)
    try rig.add(0..<5, to: stream, backend)
    #expect(throws: StorageError.self) { try stream.finish() }
    #expect(rig.injection.writes.isEmpty)
    for block in UInt32(0)..<5 { #expect(rig.isDirty(block)) }
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
    log.fail(with: nil)
    try rig.add(0..<5, to: stream, backend)
    try stream.finish()
    for block in UInt32(0)..<5 { #expect(!rig.isDirty(block)) }
  }

  // MARK: Failures

  @Test(arguments: ReadSetup.paths)
  func aWriteThatFailsKeepsItsPagesDirtyAndIsReportedOnce(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let backend = try rig.backend()
    defer { backend.close() }
    try rig.change([0, 1, 2, 5, 6], backend)
    rig.injection.fail(EIO, onWritesOf: 5)
    let stream = rig.writeStream(backend)
    try rig.add([0, 1, 2, 5, 6], to: stream, backend)
    do {
      try stream.finish()
      Issue.record("a write that failed was not reported")
    } catch {
      #expect(error.message == "could not write blocks 5..6 in file \"base/5/16384\": Input/output error")
      #expect(error.blocks == 5..<7)
    }
    for block: UInt32 in [0, 1, 2] { #expect(!rig.isDirty(block)) }
    for block: UInt32 in [5, 6] {
      #expect(rig.isDirty(block))
      #expect(rig.state(block)?.has(BufferState.ioError) == true)
    }
    #expect(stream.statistics.failedCount == 2)
    #expect(rig.log.lines.isEmpty)
    // Again: that is a bad sign.
    try rig.add([5, 6], to: stream, backend)
    #expect(throws: StorageError.self) { try stream.finish() }
    #expect(rig.log.lines.count == 2)
    #expect(rig.log.lines.allSatisfy { $0.contains("write error might be permanent") })
    rig.injection.set(nil)
    try rig.add([5, 6], to: stream, backend)
    try stream.finish()
    #expect(try rig.valueOnDisk(6) == 1006)
    #expect(rig.state(5)?.has(BufferState.ioError) == false)
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
  }

  /// Scenarios 15 and 23, for writes.
  @Test(arguments: ReadSetup.paths)
  func aShortWriteGoesOnAndAFullDiskIsAnError(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let backend = try rig.backend()
    defer { backend.close() }
    try rig.change(0..<6, backend)
    rig.injection.force([-Int64(EAGAIN), 8192, -Int64(EINTR), 8192 * 3], onReadsOf: 2)
    let stream = rig.writeStream(backend)
    try rig.add(0..<6, to: stream, backend)
    try stream.finish()
    for block in UInt32(0)..<6 { #expect(try rig.valueOnDisk(block) == UInt64(block) + 1000) }
    try rig.change(0..<6, backend)
    rig.injection.force([8192 * 2, 0], onReadsOf: 2)
    try rig.add(0..<6, to: stream, backend)
    do {
      try stream.finish()
      Issue.record("a full disk was not reported")
    } catch {
      #expect(error.message == "could not write blocks 0..5 in file \"base/5/16384\": No space left on device")
    }
    for block in UInt32(0)..<6 { #expect(rig.isDirty(block)) }
    rig.injection.set(nil)
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
  }

  @Test func aSegmentThatIsGoneIsReportedAndThePageStaysDirty() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 4, filesMax: 1)
    let backend = try rig.backend()
    try rig.change(0..<2, backend)
    try FileManager.default.removeItem(at: rig.directory.url(StorageRig.path))
    // Another file takes the one descriptor, so that the segment has to be opened again.
    let other = rig.storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: 9))
    try rig.image.write(to: rig.directory, "base/5/9", blocksPerSegment: 6)
    _ = try rig.pool.read(other, BlockNumber(0), backend)
    let stream = rig.writeStream(backend)
    try rig.add(0..<2, to: stream, backend)
    do {
      try stream.finish()
      Issue.record("a file that is gone was not reported")
    } catch {
      #expect(error.message.contains("could not open file \"base/5/16384\""))
    }
    #expect(rig.isDirty(0))
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
  }

  // MARK: Limits

  @Test(arguments: ReadSetup.methods)
  func noMoreIsInFlightThanAllowed(setup: ReadSetup) throws {
    let rig = try StorageRig(setup.with { $0.combineLimit = 2 }, blocks: 100, buffers: 128)
    let backend = try rig.backend()
    defer { backend.close() }
    try rig.change(0..<100, backend)
    let stream = rig.writeStream(backend) { $0.ioConcurrency = 3 }
    try rig.add(0..<100, to: stream, backend)
    try stream.finish()
    #expect(stream.statistics.ioCount >= 50)
    #expect(stream.statistics.inProgressSum <= stream.statistics.ioCount * 3)
    #expect(rig.pool.writeBudget.usedCount == 0)
  }

  @Test func whatIsNotFinishedIsLetGo() throws {
    let rig = try StorageRig(ReadSetup(kind: .worker))
    let backend = try rig.backend()
    try rig.change(0..<20, backend)
    do {
      let stream = rig.writeStream(backend)
      try rig.add(0..<20, to: stream, backend)
    }
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
  }

  @Test(arguments: [false, true])
  func theKernelIsAskedToWriteOutWhatItsCacheHolds(direct: Bool) throws {
    let rig = try StorageRig(ReadSetup(kind: .sync, direct: direct), blocksPerSegment: 100)
    let backend = try rig.backend()
    try rig.change(0..<40, backend)
    let stream = rig.writeStream(backend) {
      $0.flushAfter = 16
      $0.combineLimit = 4
    }
    try rig.add(0..<40, to: stream, backend)
    try stream.finish()
    #expect(stream.statistics.flushRangeCount == (direct ? 0 : 3))
    rig.expectNothingHeld([backend])
  }

  @Test func aLocalPoolWritesWithoutALog() throws {
    let rig = try StorageRig(ReadSetup(kind: .worker), scope: .local)
    let backend = try rig.backend()
    try rig.change(0..<10, lsn: 99, backend)
    try rig.pool.flush(rig.fork, backend)
    for block in UInt32(0)..<10 { #expect(try rig.valueOnDisk(block) == UInt64(block) + 1000) }
    rig.expectNothingHeld([backend])
  }
}
