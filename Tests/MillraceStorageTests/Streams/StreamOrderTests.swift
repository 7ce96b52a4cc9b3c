import Dispatch
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Which pages come and in which order: facts §11, scenarios 61 to 64, 67 and 68.
@Suite struct StreamOrderTests {
  static let setups = StartReadBuffersTests.setups

  static func read(_ rig: StorageRig, _ backend: IOBackend, _ blocks: [UInt32]) throws -> [UInt32] {
    try rig.drain(rig.stream(backend, NumberedBlocks(blocks)))
  }

  /// Scenario 61.
  @Test(arguments: setups)
  func aBlockMayComeTwice(setup: ReadSetup, scope: BufferPool.Scope) throws {
    for combine in [1, 16] {
      let rig = try StorageRig(setup.with { $0.combineLimit = combine }, scope: scope)
      let backend = try rig.backend()
      let blocks: [UInt32] = [0, 2, 2, 4, 4, 4, 0]
      #expect(try Self.read(rig, backend, blocks) == blocks)
      #expect(try Self.read(rig, backend, blocks) == blocks)
      #expect(rig.pool.statistics.blocksRead == 3)
      rig.expectNothingHeld([backend])
    }
  }

  /// Scenario 62.
  @Test(arguments: setups)
  func upAndDownAgain(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let rig = try StorageRig(setup, scope: scope)
    let backend = try rig.backend()
    let blocks = Array(UInt32(0)...13) + (0...12).reversed()
    #expect(try Self.read(rig, backend, blocks) == blocks)
    #expect(rig.pool.statistics.blocksRead == 14)
    rig.expectNothingHeld([backend])
  }

  /// Scenario 63: with any one block, and any two, uncached.
  @Test(arguments: ReadSetup.methods, [BufferPool.Scope.shared, .local])
  func anyTwoBlocksMayBeMissing(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let rig = try StorageRig(setup, scope: scope)
    let backend = try rig.backend()
    let blocks = Array(UInt32(0)..<12)
    #expect(try Self.read(rig, backend, blocks) == blocks)
    for first in UInt32(0)..<12 {
      for second in first..<12 {
        rig.evict(first, second)
        #expect(try Self.read(rig, backend, blocks) == blocks)
      }
    }
    #expect(rig.pool.statistics.blocksRead == 12 + 12 + 66 * 2)
    rig.expectNothingHeld([backend])
  }

  /// Scenario 64: blocks of the stream are being read by another thread, with success and without.
  @Test(arguments: ReadSetup.paths, [false, true])
  func readsOfOthersInTheMiddle(setup: ReadSetup, fails: Bool) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let meeting = JoiningTests.Meeting()
    let gate = rig.injection.hold(readsOf: 5, result: fails ? -5 : nil) { meeting.started.signal() }
    let other = try JoiningTests.issuer(rig, meeting, 5...6)
    meeting.started.wait()
    let scan = try TestThread("scan") { () -> [UInt32] in
      let backend = try rig.backend("scan")
      defer { backend.close() }
      let stream = rig.stream(backend, BlockRange(2..<12, isCertain: true))
      stream.lookAhead()
      meeting.joined.signal()
      return try rig.drain(stream)
    }
    if setup.exclusive { gate.waitUntilEntered() } else { meeting.joined.wait() }
    gate.open()
    #expect(try scan.join() == Array(2..<12))
    meeting.mayFinish.signal()
    #expect(try (other.join().error != nil) == fails)
    rig.expectNothingHeld()
  }

  /// Scenario 67: what goes with a page is there until the next call.
  @Test(arguments: ReadSetup.all)
  func dataGoesWithItsPage(setup: ReadSetup) throws {
    let rig = try StorageRig(setup)
    let backend = try rig.backend()
    var random = SeededGenerator(seed: 3)
    let blocks = (0..<200).map { _ in UInt32(random.below(40)) }
    for concurrency in [0, 1, 16] {
      rig.pool.invalidate(rig.fork)
      let stream = rig.stream(backend, NumberedBlocks(blocks)) {
        ($0.perBufferDataSize, $0.ioConcurrency) = (8, concurrency)
      }
      var expected = 0
      while let page = try stream.next() {
        #expect(stream.perBufferData?.load(as: Int.self) == expected)
        #expect(page.block.rawValue == blocks[expected])
        expected += 1
      }
      #expect(expected == blocks.count)
    }
    rig.expectNothingHeld([backend])
  }

  /// Scenario 68: buffers that a shortened read leaves behind, at every place of the queue, its end included.
  @Test(arguments: ReadSetup.methods)
  func leftOverBuffersAtTheEndOfTheQueue(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 60, blocksPerSegment: 60)
    let backend = try rig.backend()
    for period in 2...7 {
      for combine in [2, 3, 4, 7, 16] {
        rig.pool.invalidate(rig.fork)
        for block in stride(from: 0, to: 60, by: period) { _ = try Self.read(rig, backend, [UInt32(block)]) }
        // A queue of few entries, so that it wraps at all of them.
        let stream = rig.stream(backend, BlockRange(0..<60, isCertain: true)) {
          ($0.ioConcurrency, $0.combineLimit) = (1, combine)
        }
        #expect(try rig.drain(stream) == Array(0..<60))
      }
    }
    rig.expectNothingHeld([backend])
  }

  /// Random lists against the list itself: runs, jumps, repeats, with anything cached, through queues of any size.
  @Test(arguments: ReadSetup.paths)
  func anyListComesAsItIs(setup: ReadSetup) throws {
    var random = SeededGenerator(for: "random block lists, \(setup)")
    for round in 0..<12 {
      let combine = [1, 2, 3, 7, 16][random.below(5)]
      let rig = try StorageRig(
        setup.with { ($0.combineLimit, $0.handles) = (combine, [64, 4, 1][round % 3]) }, blocks: 40,
        buffers: 16 + random.below(60), blocksPerSegment: 1 + random.below(20), merges: random.below(2) == 0)
      let backend = try rig.backend()
      for _ in 0..<4 {
        let blocks = Self.randomBlocks(&random)
        let hint = [nil, blocks.count, blocks.count / 2][random.below(3)]
        let stream = rig.stream(
          backend, NumberedBlocks(blocks, hint: hint),
          strategy: random.below(3) == 0
            ? BufferStrategy(.bulkRead, count: 1 + random.below(8), pool: rig.pool) : nil
        ) {
          $0.ioConcurrency = [0, 1, 3, 16][random.below(4)]
          $0.startsFull = random.below(2) == 0
          $0.perBufferDataSize = random.below(2) * 8
        }
        #expect(try rig.drain(stream) == blocks)
        if random.below(3) == 0 { rig.pool.invalidate(rig.fork) }
      }
      rig.expectNothingHeld([backend])
    }
  }

  /// Up to a hundred blocks of forty: runs in either direction, single ones, the same again.
  static func randomBlocks(_ random: inout SeededGenerator) -> [UInt32] {
    var blocks: [UInt32] = []
    let count = random.below(100)
    while blocks.count < count {
      let start = random.below(40)
      let length = min(1 + random.below(12), 40 - start)
      switch random.below(4) {
      case 0: blocks.append(UInt32(start))
      case 1: blocks += (start..<start + length).map { UInt32($0) }.reversed()
      default: blocks += (start..<start + length).map { UInt32($0) }
      }
    }
    return blocks
  }
}
