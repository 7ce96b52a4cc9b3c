import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// How a range of blocks becomes operations: facts §11, scenarios 49 to 55 and 59, each on every method, for shared and
/// for local buffers.
@Suite struct StartReadBuffersTests {
  typealias Operation = ReadProbe.Operation

  static let setups: [(ReadSetup, BufferPool.Scope)] = ReadSetup.paths.flatMap { setup in
    [(setup, .shared), (setup, .local)]
  }

  /// Segments of 20 blocks, so that ranges within them are cut by nothing else.
  static func rig(_ setup: ReadSetup, _ scope: BufferPool.Scope) throws -> (StorageRig, IOBackend) {
    let rig = try StorageRig(setup, blocks: 50, blocksPerSegment: 20, scope: scope)
    return (rig, try rig.backend())
  }

  /// Scenarios 49 and 50.
  @Test(arguments: setups)
  func coldBlocksAreOneReadAndCachedOnesAreHits(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let (rig, backend) = try Self.rig(setup, scope)
    let reader = rig.reader(backend)
    #expect(try rig.read(reader, 0...1) == [.read(0...1)])
    #expect(try rig.read(reader, 0...1) == [.hit(0), .hit(1)])
    let statistics = rig.pool.statistics
    #expect(statistics.reads == 1)
    #expect(statistics.blocksRead == 2)
    #expect(statistics.hits == 2)
    rig.expectNothingHeld([backend])
  }

  /// Scenario 51.
  @Test(arguments: setups)
  func aCachedBlockInTheMiddleSplitsARead(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let (rig, backend) = try Self.rig(setup, scope)
    let reader = rig.reader(backend)
    #expect(try rig.read(reader, 3...3) == [.read(3)])
    #expect(try rig.read(reader, 2...5) == [.read(2), .hit(3), .read(4...5)])
    rig.expectNothingHeld([backend])
  }

  /// Scenarios 52 and 53: every pattern of what is cached among five blocks.
  @Test(arguments: setups)
  func everyPatternOfCachedBlocksIsCutAtItsEdges(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let (rig, backend) = try Self.rig(setup, scope)
    let reader = rig.reader(backend)
    for pattern in 0..<32 {
      rig.pool.invalidate(rig.fork)
      var expected: [Operation] = []
      for block in UInt32(0)..<5 {
        if pattern >> block & 1 == 1 {
          _ = try rig.read(reader, block...block)
          expected.append(.hit(block))
        } else if let last = expected.last, last.kind == .read {
          expected[expected.count - 1] = .read(last.block...block)
        } else {
          expected.append(.read(block))
        }
      }
      let found = try rig.read(reader, 0...4)
      #expect(found == expected)
    }
    rig.expectNothingHeld([backend])
  }

  /// Scenario 54.
  @Test(arguments: setups)
  func theCombineLimitCutsReads(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let (rig, backend) = try Self.rig(setup.with { $0.combineLimit = 3 }, scope)
    #expect(try rig.read(rig.reader(backend), 1...5) == [.read(1...3), .read(4...5)])
    rig.expectNothingHeld([backend])
  }

  /// Scenario 59.
  @Test(arguments: setups)
  func theEndOfASegmentCutsReads(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let (rig, backend) = try Self.rig(setup, scope)
    let reader = rig.reader(backend)
    #expect(try rig.read(reader, 15...24) == [.read(15...19), .read(20...24)])
    #expect(try rig.read(reader, 35...44) == [.read(35...39), .read(40...44)])
    rig.expectNothingHeld([backend])
  }

  /// Scenario 55: an earlier I/O of one's own is joined, wherever in the range it lies.
  @Test(arguments: setups)
  func anIOOfOnesOwnThatIsUnderWayIsJoined(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let (rig, backend) = try Self.rig(setup, scope)
    let reader = rig.reader(backend)
    // In a batch nothing is submitted, so it stays under way; on sync it is over when it has been started.
    let isOver = setup.kind == .sync
    for (block, before, after) in [(UInt32(1), nil, 2...5), (3, 1...2, 4...5), (5, 1...4, nil)] as [Case] {
      rig.pool.invalidate(rig.fork)
      rig.injection.forgetAttempts()
      let batch = backend.batch()
      let first = ReadProbe(rig, reader, block...block)
      #expect(try first.start() == [.read(block)])
      let second = ReadProbe(rig, reader, 1...5)
      let joined: Operation = isOver ? .hit(block) : .foreign(block)
      #expect(try second.start() == [before.map { .read($0) }, joined, after.map { .read($0) }].compactMap { $0 })
      batch.submit()
      try second.finish()
      try first.finish()
      let count = rig.injection.attempts.count
      #expect(count == (block == 3 ? 3 : 2), "a block was read twice")
    }
    rig.expectNothingHeld([backend])
  }

  private typealias Case = (UInt32, ClosedRange<UInt32>?, ClosedRange<UInt32>?)

  /// Scenario 60: with a single buffer to be had, everything still gets read.
  @Test(arguments: setups)
  func oneFreeBufferIsEnoughToGoOn(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let rig = try StorageRig(setup, blocks: 20, buffers: 16, scope: scope)
    let backend = try rig.backend()
    let other = rig.storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: 1))
    let pins = try (0..<15).map { try rig.pool.pinOrAllocate(BufferTag(other.id, $0), strategy: nil) }
    let stream = rig.stream(backend, BlockRange(0..<20, isCertain: true))
    #expect(try rig.drain(stream) == Array(0..<20))
    for buffer in pins { rig.pool.unpin(buffer) }
    rig.expectNothingHeldBut(stream)
  }

  /// Where buffers run out behind the first block, the read is shorter.
  @Test(arguments: setups)
  func aShortageOfBuffersShortensARead(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let rig = try StorageRig(setup, blocks: 20, buffers: 16, blocksPerSegment: 20, scope: scope)
    let backend = try rig.backend()
    let other = rig.storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: 1))
    let pins = try (0..<14).map { try rig.pool.pinOrAllocate(BufferTag(other.id, $0), strategy: nil) }
    let probe = ReadProbe(rig, rig.reader(backend), 0...4)
    let error = #expect(throws: StorageError.self) { try probe.start() }
    #expect(error?.code == .noUnpinnedBuffers)
    #expect(probe.started == [.read(0...1)])
    for buffer in pins { rig.pool.unpin(buffer) }
    #expect(try probe.start() == [.read(0...1), .read(2...4)])
    try probe.finish()
    rig.expectNothingHeld([backend])
  }

  /// Blocks that lie side by side in memory go to the kernel as one piece.
  @Test func neighboursInMemoryAreOnePiece() throws {
    let (rig, backend) = try Self.rig(ReadSetup(kind: .worker, direct: true), .shared)
    let probe = ReadProbe(rig, rig.reader(backend), 0...7)
    let batch = backend.batch()
    _ = try probe.start()
    let rows: [IOSnapshot] = rig.engine.snapshot()
    #expect(rows.count == 1)
    #expect(rows.first?.state == .staged)
    #expect(rows.first?.length == 65_536)
    #expect(rows.first?.handleDataLength == 8)
    #expect(rows.first?.targetDescription == "blocks 0..7 in file \"base/5/16384\"")
    let index = try #require(rows.first?.ioID)
    #expect(rig.engine.table[UInt32(index)].pointee.vectorCount == 1)
    batch.submit()
    try probe.finish()
  }
}
