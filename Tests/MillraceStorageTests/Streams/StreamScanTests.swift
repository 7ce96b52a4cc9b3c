import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Whole relations through streams: on every method, buffered and direct, with few handles and many, in small pieces
/// and large.
@Suite struct StreamScanTests {
  @Test(arguments: ReadSetup.all)
  func everyPageComesOnceAndInOrder(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 40, buffers: 64, merges: true)
    let backend = try rig.backend()
    let blocks = Array(UInt32(0)..<40)
    #expect(try rig.fork.blockCount() == 40)
    // Cold, cached, through a ring, and with everything known in advance.
    #expect(try rig.drain(rig.stream(backend, BlockRange(0..<40))) == blocks)
    #expect(try rig.drain(rig.stream(backend, BlockRange(0..<40))) == blocks)
    rig.pool.invalidate(rig.fork)
    let ring = BufferStrategy(.bulkRead, count: 32, pool: rig.pool)
    #expect(try rig.drain(rig.stream(backend, BlockRange(0..<40), strategy: ring)) == blocks)
    rig.pool.invalidate(rig.fork)
    #expect(try rig.drain(rig.stream(backend, BlockRange(0..<40, isCertain: true))) == blocks)
    rig.expectNothingHeld([backend])
  }

  /// Facts, scenario 7: one handle is enough for several scans at once.
  @Test(arguments: ReadSetup.paths.map { $0.with { $0.handles = 1 } })
  func oneHandleIsEnoughForConcurrentScans(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 60, buffers: 64)
    let threads = try (0..<3).map { number in
      try TestThread("scan \(number)") {
        let backend = try rig.backend("scan \(number)")
        defer { backend.close() }
        return try rig.drain(rig.stream(backend, BlockRange(0..<60)))
      }
    }
    for thread in threads { #expect(try thread.join() == Array(0..<60)) }
    rig.expectNothingHeld()
  }

  @Test(arguments: ReadSetup.paths)
  func anEmptyRelationHasNoPages(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 0)
    let backend = try rig.backend()
    #expect(try rig.fork.blockCount() == 0)
    let stream = rig.stream(backend, BlockRange(0..<0))
    let isAtEnd = try stream.next() == nil
    let isStillAtEnd = try stream.next() == nil
    #expect(isAtEnd && isStillAtEnd)
  }
}
