import Foundation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// The right to do I/O on a buffer: facts §11, scenarios 24 to 26, 33 and 56.
@Suite struct BufferIOTests {
  /// Pins a block that is not there and takes the right to read it, as a reader does just before it starts the I/O.
  static func claim(_ rig: StorageRig, _ block: UInt32) throws -> BufferID {
    let buffer = try rig.pool.pinOrAllocate(BufferTag(rig.fork.id, block), strategy: nil)
    #expect(rig.pool.startIO(buffer) == .ready)
    return buffer
  }

  /// Waits until a thread sleeps on a buffer.
  static func waitForSleeper(_ rig: StorageRig, _ buffer: BufferID) {
    while !rig.pool.state(buffer).has(BufferState.sleepers) { sched_yield() }
  }

  /// Fills a claimed buffer by hand.
  static func fill(_ rig: StorageRig, _ buffer: BufferID, _ block: UInt32) {
    rig.pool.page(buffer).copyMemory(from: rig.image.page(block), byteCount: PageLayout.blockSize)
  }

  @Test(arguments: [BufferPool.Scope.shared, .local])
  func oneThreadHasTheRightUntilItGivesItUp(scope: BufferPool.Scope) throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), scope: scope)
    let buffer = try Self.claim(rig, 0)
    #expect(rig.pool.startIO(buffer) == .inProgress(.none))
    rig.pool.terminateIO(buffer, valid: false)
    #expect(rig.pool.state(buffer).has(BufferState.ioError))
    #expect(!rig.pool.state(buffer).has(BufferState.valid))
    // Not valid: the next may try.
    #expect(rig.pool.startIO(buffer) == .ready)
    rig.pool.terminateIO(buffer, valid: true)
    #expect(!rig.pool.state(buffer).has(BufferState.ioError))
    // Valid: nobody need.
    #expect(rig.pool.startIO(buffer) == .alreadyDone)
    rig.pool.unpin(buffer)
    #expect(rig.pool.pinCount == 0)
  }

  @Test(arguments: [false, true])
  func aThreadSleepsUntilTheRightIsGivenUp(valid: Bool) throws {
    let rig = try StorageRig(ReadSetup(kind: .sync))
    let buffer = try Self.claim(rig, 0)
    let sleepers = try (0..<3).map { number in
      try TestThread("sleeper \(number)") { rig.pool.waitForIO(buffer, backend: nil) }
    }
    Self.waitForSleeper(rig, buffer)
    rig.pool.terminateIO(buffer, valid: valid)
    for sleeper in sleepers { try sleeper.join() }
    #expect(!rig.pool.state(buffer).has(BufferState.ioInProgress))
    #expect(!rig.pool.state(buffer).has(BufferState.sleepers))
    rig.pool.unpin(buffer)
  }

  /// Scenario 56: another has the right to block 3 and has not started its I/O; who reads 1 to 5 waits for the buffer.
  @Test(arguments: ReadSetup.paths, [false, true])
  func aReaderWaitsForARightWithoutAnIO(setup: ReadSetup, valid: Bool) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let buffer = try Self.claim(rig, 3)
    let reader = try TestThread("reader") {
      let backend = try rig.backend("reader")
      defer { backend.close() }
      return try rig.read(rig.reader(backend), 1...5)
    }
    Self.waitForSleeper(rig, buffer)
    if valid { Self.fill(rig, buffer, 3) }
    rig.pool.terminateIO(buffer, valid: valid)
    #expect(try reader.join() == (valid ? [.read(1...2), .hit(3), .read(4...5)] : [.read(1...2), .read(3...5)]))
    rig.pool.unpin(buffer)
    rig.expectNothingHeld()
  }

  /// Scenario 33: who sleeps on the buffer is told when there is an I/O to wait for, and completes it if need be.
  @Test(arguments: ReadSetup.paths)
  func aSleeperIsToldWhenTheIOIsStarted(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let backend = try rig.backend("starter")
    let buffer = try Self.claim(rig, 3)
    let sleeper = try TestThread("sleeper") { rig.pool.waitForIO(buffer, backend: nil) }
    Self.waitForSleeper(rig, buffer)
    let reference = try rig.startRead(backend, buffer, block: 3)
    // Only the thread of an exclusive backend can complete its I/O.
    if setup.exclusive { backend.wait(for: reference) }
    try sleeper.join()
    #expect(rig.pool.state(buffer).has(BufferState.valid))
    #expect(rig.image.holds(rig.pool.page(buffer), 3))
    backend.close()
    rig.pool.unpin(buffer)
    rig.expectNothingHeld()
  }

  /// The same with the I/O staged in a batch that stays open: scenario 32 seen from the buffer. Many times, because the
  /// sleeper is told of the I/O just before it is staged, and may look at it at any moment of that.
  @Test(arguments: ReadSetup.shared.filter { $0.kind != .sync })
  func aSleeperSubmitsWhatItsStarterOnlyStaged(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let backend = try rig.backend("starter")
    for round in 0..<1000 {
      let buffer = try Self.claim(rig, 3)
      let sleeper = try TestThread("sleeper \(round)") { rig.pool.waitForIO(buffer, backend: nil) }
      Self.waitForSleeper(rig, buffer)
      let batch = backend.batch()
      _ = try rig.startRead(backend, buffer, block: 3)
      try sleeper.join()
      #expect(rig.pool.state(buffer).has(BufferState.valid))
      batch.submit()
      rig.pool.unpin(buffer)
      #expect(rig.pool.evict(rig.fork, 3))
    }
    backend.close()
    rig.expectNothingHeld()
  }
}

extension StorageRig {
  /// Starts a read into a claimed buffer, as a reader does.
  func startRead(_ backend: IOBackend, _ buffer: BufferID, block: UInt32) throws(IOError) -> IOReference {
    let segment = Int(block) / blocksPerSegment
    let offset = Int64(Int(block) % blocksPerSegment) * Int64(PageLayout.blockSize)
    return try fork.withSegment(segment) { file throws(IOError) in
      let handle = backend.acquire()
      handle.vectors[0] = IOVector(base: pool.page(buffer), byteCount: PageLayout.blockSize)
      handle.data[0] = buffer
      handle.setContext(UnsafeRawPointer(Unmanaged.passUnretained(pool).toOpaque()))
      handle.add(pool.readCompletion)
      handle.add(pool.segmentCompletion)
      return handle.start(.readv, file, at: offset, vectorCount: 1, dataCount: 1)
    }
  }
}
