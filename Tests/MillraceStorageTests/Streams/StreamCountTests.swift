import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Exact counts of what scripted streams do: these gate changes where times would not.
@Suite struct StreamCountTests {
  @Test func aThousandColdBlocksAreSixtyThreeReads() throws {
    let rig = try SimulatedRig(blocks: 1000)
    let stream = rig.stream(BlockRange(0..<1000, isCertain: true))
    #expect(try rig.read(stream).count == 1000)
    let statistics = stream.statistics
    #expect(statistics.ioCount == 63)
    #expect(statistics.ioBlocks == 1000)
    #expect(statistics.prefetchCount == 1000)
    #expect(statistics.capacity == 272)
    #expect(statistics.distanceMax == 270)
    #expect(statistics.averageIOSize == 1000.0 / 63)
    let pool = rig.pool.statistics
    #expect(pool.reads == 63)
    #expect(pool.blocksRead == 1000)
    #expect(pool.hits == 0)
    let backend = rig.backend.statistics
    #expect(backend.executedTotal == 63)
    #expect(backend.issuedTotal == 63)
    #expect(backend.retryTotal == 0)
    #expect(backend.handleWaits == 0)
    #expect(backend.bytesRead == 1000 * 8192)
    // The first sixteen together, the others by four, when there has come to be room for so many.
    #expect(backend.submissionsTotal == 1 + (63 - 16 + 3) / 4)
  }

  /// Without knowing anything: reads of 1, 2, 4 and 8 blocks, then of 16.
  @Test func findingOutByWaitingCostsThreeReadsMore() throws {
    let rig = try SimulatedRig(blocks: 1000)
    let stream = rig.stream(BlockRange(0..<1000))
    #expect(try rig.read(stream).count == 1000)
    #expect(stream.statistics.ioCount == 66)
    #expect(stream.statistics.ioBlocks == 1000)
  }

  @Test func segmentsCutReads() throws {
    let rig = try SimulatedRig(blocks: 1000, blocksPerSegment: 40)
    let stream = rig.stream(BlockRange(0..<1000, isCertain: true))
    #expect(try rig.read(stream).count == 1000)
    // 16, 16 and 8 in each segment.
    #expect(stream.statistics.ioCount == 75)
  }

  @Test func cachedBlocksCostNothing() throws {
    let rig = try SimulatedRig(blocks: 1000)
    try rig.read(rig.stream(BlockRange(0..<1000)))
    let before = rig.backend.statistics
    for _ in 0..<3 {
      let stream = rig.stream(BlockRange(0..<1000, isCertain: true))
      #expect(try rig.read(stream).count == 1000)
      #expect(stream.statistics.ioCount == 0)
    }
    #expect(rig.backend.statistics == before)
    #expect(rig.pool.statistics.hits == 3000)
  }

  /// The same on every method: how much is issued does not depend on when it completes.
  @Test(arguments: ReadSetup.paths)
  func everyMethodIssuesTheSame(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 400, buffers: 1024, blocksPerSegment: 1000)
    let backend = try rig.backend()
    let stream = rig.stream(backend, BlockRange(0..<400, isCertain: true))
    #expect(try rig.drain(stream).count == 400)
    #expect(stream.statistics.ioCount == 25)
    #expect(stream.statistics.ioBlocks == 400)
    let statistics = backend.statistics
    #expect(statistics.executedTotal == 25)
    #expect(statistics.issuedTotal == 25)
    #expect(statistics.retryTotal == 0)
    #expect(statistics.bytesRead == 400 * 8192)
    if setup.kind == .sync {
      #expect(statistics.inPlaceTotal == 25)
      #expect(statistics.submissionsTotal == 0)
    } else {
      // The first sixteen in one call; the rest by four, where the last one may be executed in place.
      #expect(statistics.submissionsTotal + statistics.inPlaceTotal == 4)
    }
  }

  /// Neighbouring reads of one batch become one, up to the limit: what streams with a small combine limit lose in
  /// building reads, the engine makes good.
  @Test(arguments: ReadSetup.paths.filter { $0.kind != .sync })
  func neighboursInABatchAreMerged(setup: ReadSetup) throws {
    let rig = try StorageRig(
      setup.with { $0.combineLimit = 1 }, blocks: 64, buffers: 1024, blocksPerSegment: 1000, merges: true)
    let backend = try rig.backend()
    let stream = rig.stream(backend, BlockRange(0..<64, isCertain: true)) { $0.ioConcurrency = 64 }
    #expect(try rig.drain(stream).count == 64)
    #expect(stream.statistics.ioCount == 64)
    let statistics = backend.statistics
    #expect(statistics.executedTotal == 64)
    // Two batches of 32, each merged into reads of 16 blocks.
    #expect(statistics.issuedTotal == 4)
    #expect(statistics.submissionsTotal == 2)
  }

  /// Blocks that are far apart are not combined; a batch still submits them together.
  @Test(arguments: ReadSetup.paths.filter { $0.kind != .sync })
  func scatteredBlocksAreSubmittedTogether(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 400, buffers: 1024, blocksPerSegment: 1000, merges: true)
    let backend = try rig.backend()
    let blocks = (0..<16).map { UInt32($0 * 25) }
    let stream = rig.stream(backend, BlockList(blocks.map { BlockNumber($0) }))
    #expect(try rig.drain(stream) == blocks)
    #expect(backend.statistics.executedTotal == 16)
    #expect(backend.statistics.issuedTotal == 16)
    // The last one waits for a neighbour until the source has said that there is none.
    #expect(backend.statistics.submissionsTotal + backend.statistics.inPlaceTotal == 2)
  }

  @Test func handlesAreWaitedForOnlyWhereTheyAreFew() throws {
    let rig = try SimulatedRig(blocks: 400, handles: 4)
    let stream = rig.stream(BlockRange(0..<400, isCertain: true))
    #expect(try rig.read(stream).count == 400)
    #expect(rig.backend.statistics.executedTotal == 25)
    #expect(rig.backend.statistics.handleWaits > 0)
  }
}
