import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Pins, usage counts, replacement, rings.
@Suite struct BufferPoolTests {
  static func tag(_ rig: StorageRig, _ block: UInt32) -> BufferTag { BufferTag(rig.fork.id, block) }

  /// Pins a block, reading it if need be, and lets go of it.
  static func touch(_ rig: StorageRig, _ backend: IOBackend, _ block: UInt32, strategy: BufferStrategy? = nil) throws {
    let stream = rig.stream(backend, BlockList([BlockNumber(block)]), strategy: strategy)
    try rig.expectNext(of: stream, is: block)
  }

  @Test func aDescriptorIsOneCacheLine() throws {
    #expect(MemoryLayout<BufferDescriptor>.stride == 64)
    let rig = try StorageRig(ReadSetup(kind: .sync))
    #expect(UInt(bitPattern: rig.pool.descriptors) % 64 == 0)
  }

  @Test(arguments: [15, 0, -1, Int(Int32.max) / 2 + 1])
  func aPoolOfASizeOutOfRangeIsRefused(count: Int) throws {
    let engine = try IOEngine(IOConfiguration(method: .sync))
    let error = #expect(throws: IOError.self) { try BufferPool(engine: engine, count: count) }
    #expect(error?.code == .invalidConfiguration)
    #expect(error?.description.contains("outside the valid range for parameter \"shared_buffers\"") ?? false)
  }

  @Test func pinsAreCountedAndGoWithTheirOwners() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync))
    let backend = try rig.backend()
    try Self.touch(rig, backend, 3)
    let buffer = try #require(rig.pool.pinIfPresent(Self.tag(rig, 3), raisesUsage: true))
    #expect(rig.pool.pinCount == 1)
    do {
      rig.pool.addPin(buffer)
      let page = PinnedBuffer(rig.pool, buffer)
      #expect(page.block == BlockNumber(3))
      #expect(page.fork == rig.fork.id)
      #expect(rig.pool.pinCount == 2)
    }
    #expect(rig.pool.pinCount == 1)
    let taken = PinnedBuffer(rig.pool, buffer).take()
    #expect(taken == buffer)
    #expect(rig.pool.pinCount == 1)
    rig.pool.unpin(buffer)
    #expect(rig.pool.pinCount == 0)
  }

  @Test func aPageThatIsNotThereIsNotPinned() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync))
    #expect(rig.pool.pinIfPresent(Self.tag(rig, 3), raisesUsage: true) == nil)
    #expect(rig.pool.pinCount == 0)
  }

  @Test func usageRisesToFiveAndThroughARingToOne() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync))
    let backend = try rig.backend()
    let ring = BufferStrategy(.bulkRead, count: 4, pool: rig.pool)
    for _ in 0..<20 { try Self.touch(rig, backend, 3) }
    for _ in 0..<20 { try Self.touch(rig, backend, 4, strategy: ring) }
    func usage(_ block: UInt32) throws -> UInt64 {
      let buffer = try #require(rig.pool.table.find(Self.tag(rig, block)))
      return rig.pool.state(buffer).usage
    }
    #expect(try usage(3) == BufferState.usageMax)
    #expect(try usage(4) == 1)
    // Somebody who comes without a ring makes it popular; a ring does not make it less so.
    try Self.touch(rig, backend, 4)
    #expect(try usage(4) == 2)
    try Self.touch(rig, backend, 4, strategy: ring)
    #expect(try usage(4) == 2)
  }

  @Test(arguments: [16, 17, 64])
  func theClockSweepGivesOutEveryBuffer(count: Int) throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), buffers: count)
    let fork = rig.fork.id
    for round in UInt32(0)..<3 {
      // All at once...
      var buffers = try (0..<UInt32(count)).map {
        try rig.pool.pinOrAllocate(BufferTag(fork, round * 1000 + $0), strategy: nil)
      }
      #expect(Set(buffers).count == count)
      // ...and no more.
      let error = #expect(throws: StorageError.self) {
        try rig.pool.pinOrAllocate(BufferTag(fork, 999_999), strategy: nil)
      }
      #expect(error?.code == .noUnpinnedBuffers)
      #expect(error?.message == "no unpinned buffers available")
      #expect(error?.hint?.contains("\(count)") ?? false)
      // One free buffer is found, wherever the hand stands.
      let free = buffers.remove(at: Int(round) * 7 % count)
      rig.pool.unpin(free)
      let found = try rig.pool.pinOrAllocate(BufferTag(fork, round * 1000 + 500), strategy: nil)
      #expect(found == free)
      for buffer in buffers + [found] { rig.pool.unpin(buffer) }
    }
    #expect(rig.pool.pinCount == 0)
  }

  /// A page that is used between two passes of the hand stays; one that is not goes.
  @Test func pagesThatAreUsedStay() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 200, buffers: 32)
    let backend = try rig.backend()
    for _ in 0..<3 { for block in UInt32(0)..<8 { try Self.touch(rig, backend, block) } }
    let before = rig.pool.statistics
    for block in UInt32(8)..<200 {
      try Self.touch(rig, backend, block)
      try Self.touch(rig, backend, block % 8)
    }
    let after = rig.pool.statistics
    #expect(after.hits - before.hits == 192, "the hot pages did not stay")
    #expect(after.blocksRead - before.blocksRead == 192)
    #expect(after.evictions - before.evictions == 192 - 24)
  }

  // MARK: Rings

  @Test(arguments: [BufferStrategy.Kind.bulkRead, .vacuum])
  func aRingUsesItsOwnBuffersAgainAndLeavesThePoolAlone(kind: BufferStrategy.Kind) throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 200, buffers: 64)
    let backend = try rig.backend()
    for block in UInt32(0)..<40 { try Self.touch(rig, backend, block) }
    let ring = BufferStrategy(kind, count: 8, pool: rig.pool)
    #expect(ring.count == 8)
    #expect(ring.pinLimit == (kind == .bulkRead ? 8 : 4))
    let stream = rig.stream(backend, BlockRange(40..<200), strategy: ring)
    #expect(try rig.drain(stream) == Array(40..<200))
    #expect(stream.statistics.capacity <= ring.pinLimit)
    let statistics = rig.pool.statistics
    // The first eight took buffers that were never used; all others those eight again.
    #expect(statistics.reuses == 160 - 8)
    #expect(statistics.evictions == 0)
    for block in UInt32(0)..<40 { #expect(rig.pool.table.find(Self.tag(rig, block)) != nil, "block \(block) went") }
  }

  @Test func aRingGivesUpABufferThatOthersUse() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 200, buffers: 64)
    let backend = try rig.backend()
    let ring = BufferStrategy(.bulkRead, count: 8, pool: rig.pool)
    try rig.drain(rig.stream(backend, BlockRange(0..<8), strategy: ring))
    // One is pinned, one has become popular.
    let pinned = try #require(rig.pool.pinIfPresent(Self.tag(rig, 2), raisesUsage: true))
    try Self.touch(rig, backend, 5)
    try rig.drain(rig.stream(backend, BlockRange(8..<40), strategy: ring))
    #expect(rig.pool.table.find(Self.tag(rig, 2)) == pinned)
    #expect(rig.pool.table.find(Self.tag(rig, 5)) != nil)
    #expect(rig.pool.table.find(Self.tag(rig, 3)) == nil)
    rig.pool.unpin(pinned)
  }

  @Test func aRingIsAtMostAnEighthOfThePool() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), buffers: 64)
    #expect(BufferStrategy(.bulkRead, count: 1000, pool: rig.pool).count == 8)
    #expect(BufferStrategy(.vacuum, count: 0, pool: rig.pool).count == 1)
    let large = try StorageRig(ReadSetup(kind: .sync), buffers: 8192)
    var configuration = ReadStreamConfiguration()
    #expect(BufferStrategy(bulkReadFor: configuration, pool: large.pool).count == 32 + 16 * 16)
    (configuration.ioConcurrency, configuration.combineLimit) = (0, 4)
    #expect(BufferStrategy(bulkReadFor: configuration, pool: large.pool).count == 32 + 4)
  }

  // MARK: Invalidation

  @Test(arguments: ReadSetup.methods)
  func invalidatingDropsAForksPagesAndNoOthers(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 30)
    let backend = try rig.backend()
    let other = rig.storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: 1))
    let others = try (0..<5).map { try rig.pool.pinOrAllocate(BufferTag(other.id, $0), strategy: nil) }
    try rig.drain(rig.stream(backend, BlockRange(0..<30)))
    let pinned = try #require(rig.pool.pinIfPresent(Self.tag(rig, 7), raisesUsage: true))
    #expect(rig.pool.invalidate(rig.fork) == 1)
    for block in UInt32(0)..<30 { #expect((rig.pool.table.find(Self.tag(rig, block)) != nil) == (block == 7)) }
    for (block, buffer) in others.enumerated() {
      #expect(rig.pool.table.find(BufferTag(other.id, UInt32(block))) == buffer)
      rig.pool.unpin(buffer)
    }
    rig.pool.unpin(pinned)
    #expect(rig.pool.invalidate(rig.fork) == 0)
    #expect(rig.pool.table.find(Self.tag(rig, 7)) == nil)
    #expect(rig.pool.pinCount == 0)
    try rig.drain(rig.stream(backend, BlockRange(0..<30)))
  }

  /// Facts, scenario 34: a relation goes while reads of it are outstanding.
  @Test(arguments: ReadSetup.shared)
  func invalidatingWaitsForReadsInFlight(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 30)
    let gate = rig.injection.hold(readsOf: 2)
    let scan = try TestThread("scan") {
      let backend = try rig.backend("scan")
      defer { backend.close() }
      return try rig.drain(rig.stream(backend, BlockRange(0..<30, isCertain: true)))
    }
    gate.waitUntilEntered()
    let drop = try TestThread("drop") { rig.pool.invalidate(rig.fork) }
    gate.open()
    _ = try drop.join()
    #expect(try scan.join() == Array(0..<30))
    #expect(rig.pool.invalidate(rig.fork) == 0)
    rig.expectNothingHeld()
  }
}
