import Foundation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Threads that write pages out, and threads that want them at the same time.
@Suite struct WriteContentionTests {
  /// A write that is staged and never submitted by its owner: who wants the page does it (facts §5.6).
  @Test(arguments: ReadSetup.shared.filter { $0.kind != .sync }, ContentLockMode.allCases)
  func whoWantsThePageCompletesTheWrite(setup: ReadSetup, mode: ContentLockMode) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let backend = try rig.backend()
    try rig.change(0..<3, backend)
    let pin = try rig.read(1, backend)
    let page = pin.buffer
    defer { withExtendedLifetime(pin) {} }
    let batch = backend.batch()
    for block in UInt32(0)..<3 {
      let buffer = try rig.pool.pinOrAllocate(BufferTag(rig.fork.id, block), strategy: nil)
      #expect(rig.pool.claimForWrite(buffer) == .claimed)
      var run = buffer
      _ = try rig.pool.startWrite(&run, 1, backend, outcome: nil)
    }
    let other = try TestThread("other") {
      rig.pool.lock(page, mode, backend: nil)
      defer { rig.pool.unlock(page, mode) }
      return rig.pool.state(page).has(BufferState.dirty)
    }
    // Sharers read on while it is written.
    #expect(try other.join() == (mode == .share))
    batch.submit()
    backend.close()
    #expect(try rig.valueOnDisk(2) == 1002)
    rig.expectNothingLocked()
  }

  /// Who sleeps for the lock before there is an I/O is told when there is one.
  @Test(arguments: ReadSetup.shared.filter { $0.kind != .sync })
  func aSleeperForTheLockIsToldWhenTheWriteIsStaged(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let backend = try rig.backend()
    try rig.change(1, to: 5, backend)
    let pin = try rig.read(1, backend)
    let page = pin.buffer
    defer { withExtendedLifetime(pin) {} }
    let buffer = try rig.pool.pinOrAllocate(BufferTag(rig.fork.id, 1), strategy: nil)
    #expect(rig.pool.claimForWrite(buffer) == .claimed)
    let sleepers = try (0..<3).map { number in
      try TestThread("sleeper \(number)") {
        rig.pool.lock(page, number == 0 ? .shareExclusive : .exclusive, backend: nil)
        rig.pool.unlock(page, number == 0 ? .shareExclusive : .exclusive)
      }
    }
    while rig.pool.state(buffer).rawValue & ContentLock.sleepers(.exclusive) == 0 { sched_yield() }
    // Staged, and never submitted by this thread before they are done.
    let batch = backend.batch()
    var run = buffer
    _ = try rig.pool.startWrite(&run, 1, backend, outcome: nil)
    for sleeper in sleepers { try sleeper.join() }
    batch.submit()
    backend.close()
    rig.expectNothingLocked()
  }

  /// What one thread did, and what it saw that must not be.
  struct Findings: Sendable {
    var changes = 0
    var wrong: [String] = []
  }

  static let blocks = 96

  /// Each page counts its changes, in two places. Some threads change pages, some set hint bits, some write out
  /// overlapping ranges, one takes checkpoints; the pool is smaller than the relation, so that pages go and come back
  /// through their checksums.
  @Test(arguments: ReadSetup.paths.filter { !$0.exclusive }.map { $0.with { $0.handles = 4 } })
  func noChangeIsLostAndNoChecksumIsWrong(setup: ReadSetup) throws {
    let rig = try StorageRig(
      setup, blocks: Self.blocks, buffers: 48, blocksPerSegment: 20, filesMax: 3, merges: true)
    let log = RecordingGuard()
    rig.pool.flushGuard = log
    try Self.reset(rig)
    let seed = SeededGenerator(for: "write contention, \(setup)").seed
    let counts = Locked(Array(repeating: 0, count: Self.blocks))
    let tooEarly = AtomicFlag()
    rig.injection.set { attempt in
      // Its pages are locked until it has been completed.
      for block in attempt.blocks where attempt.isWrite {
        guard let buffer = rig.pool.table.find(BufferTag(attempt.fork, block)) else { continue }
        if PageHeader.lsn(of: rig.pool.page(buffer)) > log.flushedPosition { tooEarly.set() }
      }
      return attempt.raw
    }
    let threads = try (0..<5).map { number in
      try TestThread("session \(number)") { () -> Findings in
        let backend = try rig.backend("session \(number)")
        defer { backend.close() }
        var random = SeededGenerator(seed: seed &* 100 &+ UInt64(number))
        var findings = Findings()
        for _ in 0..<250 { Self.act(rig, backend, &random, counts, log, &findings) }
        return findings
      }
    }
    var changes = 0
    for thread in threads {
      let findings = try thread.join()
      #expect(findings.wrong.isEmpty)
      changes += findings.changes
    }
    #expect(changes > 300)
    #expect(!tooEarly.isSet, "a page went out before its log")
    let backend = try rig.backend("last")
    _ = try BufferCheckpoint(rig.pool, backend, configuration: WriteStreamConfiguration()).run(.none)
    backend.close()
    let expected = counts.withLock { $0 }
    for block in 0..<Self.blocks { #expect(try rig.valueOnDisk(UInt32(block)) == UInt64(expected[block])) }
    rig.expectNothingLocked()
    rig.expectNothingHeld()
    #expect(rig.log.lines.isEmpty)
    rig.pool.flushGuard = nil
  }

  private static let copyOffset = 6000
  private static let hintOffset = 7000

  private static func reset(_ rig: StorageRig) throws {
    let backend = try rig.backend("reset")
    defer { backend.close() }
    for block in 0..<UInt32(blocks) {
      let page = try rig.read(block, backend)
      page.lock(.exclusive)
      page.mutableBytes.storeBytes(of: 0, toByteOffset: StorageRig.valueOffset, as: UInt64.self)
      page.mutableBytes.storeBytes(of: 0, toByteOffset: copyOffset, as: UInt64.self)
      page.markDirty()
    }
  }

  private static func act(
    _ rig: StorageRig, _ backend: IOBackend, _ random: inout SeededGenerator, _ counts: borrowing Locked<[Int]>,
    _ log: RecordingGuard,
    _ findings: inout Findings
  ) {
    let block = UInt32(random.below(blocks))
    do throws(StorageError) {
      switch random.below(16) {
      case 0:
        _ = try BufferCheckpoint(rig.pool, backend, configuration: WriteStreamConfiguration()).run(.none)
      case 1, 2:
        let stream = rig.writeStream(backend) { $0.ioConcurrency = 2 }
        let end = min(block + 24, UInt32(blocks))
        for block in (block..<end).reversed() {
          if let buffer = rig.pool.table.find(BufferTag(rig.fork.id, block)) {
            stream.add(buffer, BufferTag(rig.fork.id, block))
          }
        }
        try stream.finish()
      case 3, 4: try look(try rig.read(block, backend), setsHint: true, backend, &findings)
      case 5, 6, 7: try look(try rig.read(block, backend), setsHint: false, backend, &findings)
      default: try change(rig, block, backend, &random, counts, log, &findings)
      }
    } catch {
      // The pool is small: that all of it is pinned for a moment is the one thing that may happen.
      if error.code != .noUnpinnedBuffers { findings.wrong.append("\(error)") }
    }
  }

  private static func look(
    _ page: Page, setsHint: Bool, _ backend: IOBackend, _ findings: inout Findings
  ) throws(StorageError) {
    page.lock(.share, backend: backend)
    let copy = page.bytes.load(fromByteOffset: copyOffset, as: UInt64.self)
    if page.value != copy { findings.wrong.append("block \(page.block) says \(page.value) and \(copy)") }
    if setsHint, page.tryUpgrade() {
      let hint = page.bytes.load(fromByteOffset: hintOffset, as: UInt64.self)
      page.mutableBytes.storeBytes(of: hint &+ 1, toByteOffset: hintOffset, as: UInt64.self)
      page.markDirtyHint()
    }
  }

  private static func change(
    _ rig: StorageRig, _ block: UInt32, _ backend: IOBackend, _ random: inout SeededGenerator,
    _ counts: borrowing Locked<[Int]>, _ log: RecordingGuard, _ findings: inout Findings
  ) throws(StorageError) {
    let page = try rig.read(block, backend)
    page.lock(.exclusive, backend: backend)
    let value = page.value + 1
    page.mutableBytes.storeBytes(of: value, toByteOffset: StorageRig.valueOffset, as: UInt64.self)
    // Another page comes in while this one is locked, now and then.
    if random.below(8) == 0 { _ = try? rig.read(UInt32(random.below(blocks)), backend) }
    page.mutableBytes.storeBytes(of: value, toByteOffset: copyOffset, as: UInt64.self)
    page.setLSN(log.append())
    page.markDirty()
    counts.withLock { $0[Int(block)] += 1 }
    findings.changes += 1
  }
}
