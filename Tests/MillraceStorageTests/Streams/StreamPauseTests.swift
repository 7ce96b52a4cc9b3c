import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Facts, scenarios 65 and 66: early end, reset and rescan, pause and resume, at any moment.
@Suite struct StreamPauseTests {
  /// Scenario 65.
  @Test(arguments: ReadSetup.all)
  func aStreamMayEndAnywhere(setup: ReadSetup) throws {
    let rig = try StorageRig(setup)
    let backend = try rig.backend()
    for count in 0...20 {
      rig.pool.invalidate(rig.fork)
      do {
        let stream = rig.stream(backend, BlockRange(0..<40, isCertain: count % 2 == 0))
        if count == 0 { stream.lookAhead() }
        for block in 0..<UInt32(count) { try rig.expectNext(of: stream, is: block) }
      }
      rig.expectNothingHeld([backend])
    }
  }

  /// Scenario 65: what the source gives next follows, in order, and what was under way is not seen.
  @Test(arguments: ReadSetup.all)
  func aStreamMayBeResetAnywhere(setup: ReadSetup) throws {
    let rig = try StorageRig(setup)
    let backend = try rig.backend()
    for count in 0...20 {
      rig.pool.invalidate(rig.fork)
      let source = RestartableBlocks(40)
      let stream = rig.stream(backend, source) { $0.startsFull = count % 2 == 0 }
      for block in 0..<UInt32(count) { try rig.expectNext(of: stream, is: block) }
      stream.reset()
      rig.expectNothingHeldBut(stream)
      source.next = 5
      #expect(try rig.drain(stream) == Array(5..<40))
      // Also at its end.
      stream.reset()
      source.next = 30
      #expect(try rig.drain(stream) == Array(30..<40))
    }
    rig.expectNothingHeld([backend])
  }

  @Test(arguments: ReadSetup.paths)
  func aResetForgetsErrors(setup: ReadSetup) throws {
    let rig = try StorageRig(setup)
    let backend = try rig.backend()
    let source = RestartableBlocks(40)
    let stream = rig.stream(backend, source) { $0.startsFull = true }
    rig.injection.fail(5, onReadsOf: 3)
    for _ in 0..<3 {
      // Before, in and behind the read that fails.
      stream.lookAhead()
      stream.reset()
      source.next = 0
      #expect(throws: StorageError.self) { try rig.drain(stream) }
      stream.reset()
      source.next = 6
      try rig.expectNext(of: stream, is: 6)
      stream.reset()
      source.next = 0
    }
    rig.injection.set(nil)
    #expect(try rig.drain(stream) == Array(0..<40))
    rig.expectNothingHeldBut(stream)
  }

  /// Scenario 66.
  @Test(arguments: ReadSetup.all)
  func aStreamMayBePausedAnywhere(setup: ReadSetup) throws {
    let rig = try StorageRig(setup)
    let backend = try rig.backend()
    for count in 0...12 {
      if count % 3 != 0 { rig.pool.invalidate(rig.fork) }
      let source = NumberedBlocks(Array(0..<40))
      let stream = rig.stream(backend, source)
      for block in 0..<UInt32(count) { try rig.expectNext(of: stream, is: block) }
      stream.pause()
      let asked = source.position
      #expect(try rig.drain(stream) == Array(UInt32(count)..<UInt32(asked)))
      #expect(source.position == asked, "a paused stream asked its source")
      rig.expectNothingHeldBut(stream)
      stream.resume()
      #expect(try rig.drain(stream) == Array(UInt32(asked)..<40))
    }
    rig.expectNothingHeld([backend])
  }

  /// The distances that were reached are kept over a pause.
  @Test func aPauseKeepsTheDistances() throws {
    let rig = try SimulatedRig(blocks: 2000)
    let stream = rig.stream(BlockRange(0..<2000))
    try rig.read(stream, 500)
    let reached = StreamDistanceTests.Distances(stream)
    stream.pause()
    try rig.read(stream)
    #expect(StreamDistanceTests.Distances(stream) == reached)
    stream.resume()
    #expect(StreamDistanceTests.Distances(stream) == reached)
    let before = stream.statistics.ioBlocks
    try rig.read(stream, 1)
    #expect(stream.statistics.ioBlocks - before == 256)
  }

  /// A source that needs a page to know the next block: it pauses its stream itself, and is resumed when it knows.
  @Test(arguments: ReadSetup.paths)
  func aSourceMayPauseItsOwnStream(setup: ReadSetup) throws {
    let rig = try StorageRig(setup)
    let backend = try rig.backend()
    let source = PausingBlocks()
    let stream = rig.stream(backend, source)
    source.stream = stream
    var came: [UInt32] = []
    source.known = [0]
    for step in 0..<15 {
      while let page = try stream.next() {
        rig.expect(page, is: page.block.rawValue)
        came.append(page.block.rawValue)
      }
      source.known = [UInt32(step * 2 + 1), UInt32(step * 2 + 2)]
      stream.resume()
    }
    #expect(came == Array(0..<29))
    source.stream = nil
  }

  @Test(arguments: ReadSetup.methods)
  func pausingACachedScanStopsAskingTheSource(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 30)
    let backend = try rig.backend()
    try rig.drain(rig.stream(backend, BlockRange(0..<30)))
    let source = NumberedBlocks(Array(0..<30))
    let stream = rig.stream(backend, source)
    for block in UInt32(0)..<10 { try rig.expectNext(of: stream, is: block) }
    stream.pause()
    let asked = source.position
    let rest = try rig.drain(stream)
    #expect(source.position == asked, "a paused stream asked its source")
    #expect(rest == Array(10..<UInt32(asked)))
    stream.resume()
    #expect(try rig.drain(stream) == Array(UInt32(asked)..<30))
  }
}

/// Blocks from a place that can be set, up to an end.
final class RestartableBlocks: BlockSource {
  var next: UInt32 = 0
  private let end: UInt32

  init(_ end: UInt32) { self.end = end }

  override func nextBlock(perBufferData: UnsafeMutableRawPointer?) -> BlockNumber? {
    guard next < end else { return nil }
    defer { next += 1 }
    return BlockNumber(next)
  }
}

/// Blocks that become known bit by bit.
final class PausingBlocks: BlockSource {
  weak var stream: ReadStream?
  var known: [UInt32] = []

  override func nextBlock(perBufferData: UnsafeMutableRawPointer?) -> BlockNumber? {
    if known.isEmpty {
      stream?.pause()
      return nil
    }
    return BlockNumber(known.removeFirst())
  }
}
