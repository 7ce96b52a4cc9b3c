import MillraceSimulation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// How far a stream looks ahead and how large its reads get: facts §6.3 and §11, scenarios 69 and 70, exactly, on a
/// simulated disk whose every read takes 100 µs.
@Suite struct StreamDistanceTests {
  struct Distances: Equatable {
    let ahead, combine: Int

    init(_ ahead: Int, _ combine: Int) { (self.ahead, self.combine) = (ahead, combine) }

    init(_ stream: ReadStream) {
      self.init(stream.own.pointee.readAheadDistance, stream.own.pointee.combineDistance)
    }
  }

  @Test func bothGrowByWaiting() throws {
    let rig = try SimulatedRig(blocks: 2000)
    let stream = rig.stream(BlockRange(0..<2000))
    #expect(stream.maxPinned == 17 * 16)
    var previous = Distances(stream)
    #expect(previous == Distances(1, 1))
    for _ in 0..<1000 {
      try rig.read(stream, 1)
      let now = Distances(stream)
      #expect(now.ahead == previous.ahead || now.ahead == min(previous.ahead * 2, stream.maxPinned))
      #expect(now.combine == previous.combine || now.combine == min(previous.combine * 2, 16))
      previous = now
    }
    #expect(previous == Distances(stream.maxPinned, 16))
  }

  /// A consumer that is slower than the disk never waits, so the stream does not look far ahead; its reads get large
  /// anyway.
  @Test func withoutWaitingOnlyReadsGrow() throws {
    let rig = try SimulatedRig(blocks: 2000)
    let stream = rig.stream(BlockRange(0..<2000))
    try rig.read(stream, 200, work: 1_000_000)
    #expect(Distances(stream).combine == 16)
    // The first was waited for, because nothing had been started before, and a few more while reads were small.
    let waits = stream.statistics.waitCount
    #expect(waits <= 5)
    #expect(Distances(stream).ahead <= 32)
    try rig.read(stream, 1000, work: 1_000_000)
    #expect(stream.statistics.waitCount == waits)
    #expect(Distances(stream).ahead <= 32)
  }

  /// Scenario 70: cached pages make the distances fall, by one each, but only when there have been many in a row.
  @Test func cachedPagesMakeThemFallWhenThatHasLasted() throws {
    let rig = try SimulatedRig(blocks: 1000)
    try rig.read(rig.stream(BlockRange(0..<1000)))
    rig.evict(0..<300)
    let stream = rig.stream(BlockRange(0..<1000))
    try rig.read(stream, 300)
    let reached = Distances(stream)
    #expect(reached == Distances(272, 16))
    var previous = reached
    var pagesBeforeFalling = 0
    for _ in 300..<1000 {
      let holdOff = stream.own.pointee.holdOff
      let isQuiet = stream.own.pointee.inProgress == 0
      let hits = rig.pool.statistics.hits
      try rig.read(stream, 1)
      let now = Distances(stream)
      if isQuiet {
        // Each page that was found counts, first against the hold-off, then against the distances.
        let fall = max(Int(rig.pool.statistics.hits - hits) - holdOff, 0)
        #expect(now == Distances(max(previous.ahead - fall, 1), max(previous.combine - fall, 1)))
      } else {
        #expect(now == previous)
      }
      if now == reached { pagesBeforeFalling += 1 }
      previous = now
    }
    #expect(pagesBeforeFalling > 0)
    #expect(previous.ahead < reached.ahead / 2)
    #expect(previous.combine == 1)
  }

  /// Scenario 70: rare misses in a cached relation keep the stream awake.
  @Test func rareMissesKeepTheDistance() throws {
    let rig = try SimulatedRig(blocks: 1000)
    try rig.read(rig.stream(BlockRange(0..<1000)))
    rig.evict(stride(from: 0, to: 1000, by: 90).map { UInt32($0) })
    let stream = rig.stream(BlockRange(0..<1000))
    var lowest = Int.max
    var reached = 0
    for _ in 0..<1000 {
      try rig.read(stream, 1)
      reached = max(reached, Distances(stream).ahead)
      if reached >= 32 { lowest = min(lowest, Distances(stream).ahead) }
    }
    #expect(lowest >= 32)
    // From then on a miss is found long before it is needed.
    #expect(stream.statistics.ioCount == 12)
    #expect(stream.statistics.waitCount < 12)
  }

  /// Scenario 70: when all is cached, one page ahead is enough, and the source is asked once a page.
  @Test func allCachedIsTheFastPath() throws {
    let rig = try SimulatedRig(blocks: 500)
    try rig.read(rig.stream(BlockRange(0..<500)))
    let before = rig.backend.statistics.executedTotal
    let hits = rig.pool.statistics.hits
    let source = NumberedBlocks(Array(0..<500))
    let stream = rig.stream(source)
    for number in 1..<500 {
      try rig.read(stream, 1)
      #expect(source.position == number + 1)
      #expect(stream.own.pointee.isFast)
      #expect(rig.pool.pinCount == 1)
      #expect(rig.pool.readAheadBudget.usedCount == 1)
    }
    try rig.read(stream)
    #expect(stream.statistics.ioCount == 0)
    #expect(stream.statistics.waitCount == 0)
    #expect(stream.statistics.distanceMax <= 1)
    #expect(stream.statistics.prefetchCount == 500)
    #expect(rig.pool.statistics.hits - hits == 500)
    #expect(rig.backend.statistics.executedTotal == before)
  }

  @Test func theFastPathEndsAtAMissAndComesBack() throws {
    let rig = try SimulatedRig(blocks: 700)
    try rig.read(rig.stream(BlockRange(0..<700)))
    rig.evict([100])
    let stream = rig.stream(BlockRange(0..<700))
    #expect(try rig.read(stream, 90) == Array(0..<90))
    #expect(stream.own.pointee.isFast)
    #expect(try rig.read(stream, 20) == Array(90..<110))
    #expect(!stream.own.pointee.isFast)
    #expect(try rig.read(stream, 500) == Array(110..<610))
    #expect(stream.own.pointee.isFast)
    #expect(try rig.read(stream) == Array(610..<700))
    #expect(stream.statistics.ioCount == 1)
  }

  /// Scenario 69: without concurrency each read is waited for in place, and gets large all the same.
  @Test func withoutConcurrencyReadsStillCombine() throws {
    let rig = try SimulatedRig(blocks: 500)
    let stream = rig.stream(BlockRange(0..<500)) { $0.ioConcurrency = 0 }
    #expect(stream.maxIOs == 1)
    #expect(stream.maxPinned == 32)
    try rig.read(stream)
    #expect(stream.statistics.inProgressSum == stream.statistics.ioCount)
    // 1, 2, 4, 8, then 16 each.
    #expect(stream.statistics.ioCount == 4 + (500 - 15 + 15) / 16)
    #expect(rig.backend.statistics.inPlaceTotal == stream.statistics.ioCount)
    #expect(rig.backend.statistics.submissionsTotal == 0)
  }

  @Test func aFullStartSkipsTheRampOfReads() throws {
    let rig = try SimulatedRig(blocks: 500)
    let stream = rig.stream(BlockRange(0..<500)) { $0.startsFull = true }
    #expect(Distances(stream) == Distances(16, 16))
    stream.lookAhead()
    #expect(stream.statistics.ioBlocks == 16)
  }

  /// The burst hint: what is certain to be wanted is started at once.
  @Test(arguments: [1, 5, 16, 100, 272, 273, 500])
  func whatIsCertainIsStartedAtOnce(count: Int) throws {
    let rig = try SimulatedRig(blocks: 500)
    let stream = rig.stream(BlockRange(0..<UInt32(count), isCertain: true))
    stream.lookAhead()
    // Whole reads, up to sixteen; what is left over may still grow.
    #expect(stream.statistics.ioBlocks == UInt64(count < 16 ? count : min(count / 16, 16) * 16))
    #expect(rig.backend.statistics.submissionsTotal == 1)
    try rig.read(stream)
    #expect(stream.statistics.ioBlocks == UInt64(count))
    #expect(stream.statistics.ioCount == UInt64((count + 15) / 16))
  }

  // MARK: Limits

  @Test func theQueueIsBoundedByPoolRingAndConcurrency() throws {
    let rig = try SimulatedRig(blocks: 10, buffers: 1024)
    func capacity(_ io: Int, _ combine: Int, ring: BufferStrategy? = nil) -> Int {
      rig.stream(BlockRange(0..<10), strategy: ring) { ($0.ioConcurrency, $0.combineLimit) = (io, combine) }.maxPinned
    }
    #expect(capacity(16, 16) == 272)
    #expect(capacity(16, 1) == 17)
    #expect(capacity(1, 3) == 6)
    #expect(capacity(0, 16) == 32)
    #expect(capacity(1000, 16) == 512)
    #expect(capacity(16, 16, ring: BufferStrategy(.bulkRead, count: 20, pool: rig.pool)) == 20)
    #expect(capacity(16, 16, ring: BufferStrategy(.vacuum, count: 20, pool: rig.pool)) == 10)
    #expect(capacity(16, 16, ring: BufferStrategy(.vacuum, count: 1, pool: rig.pool)) == 1)
    let local = try BufferPool(engine: rig.engine, count: 400, scope: .local)
    #expect(ReadStream(local, rig.backend, rig.fork, BlockRange(0..<1)).maxPinned == 100)
  }

  /// However small the queue, everything comes, in order.
  @Test(arguments: [0, 1, 2, 3], [1, 2, 3, 16])
  func everySmallQueueWorks(concurrency: Int, combine: Int) throws {
    let rig = try SimulatedRig(blocks: 60, buffers: 256, blocksPerSegment: 7)
    for ringSize in 1...6 {
      for cached in [[], stride(from: 0, to: 60, by: 3).map { UInt32($0) }] as [[UInt32]] {
        rig.pool.invalidate(rig.fork)
        for block in cached { try rig.read(rig.stream(BlockList([BlockNumber(block)]))) }
        let ring = BufferStrategy(.bulkRead, count: ringSize, pool: rig.pool)
        let stream = rig.stream(BlockRange(0..<60, isCertain: true), strategy: ring) {
          ($0.ioConcurrency, $0.combineLimit) = (concurrency, combine)
        }
        #expect(try rig.read(stream) == Array(0..<60))
      }
    }
    #expect(rig.pool.pinCount == 0)
  }
}
