import Synchronization
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Clean buffers ahead of the clock hand.
@Suite struct BackgroundWriterTests {
  /// Changes random blocks, with a round of the writer now and then. - Returns: writes that were waited for, after a
  /// start in which the writer learns.
  private static func run(_ setup: ReadSetup, roundEvery: Int?) throws -> UInt64 {
    let rig = try StorageRig(setup, blocks: 600, buffers: 256, blocksPerSegment: 1000)
    let backend = try rig.backend()
    let own = try rig.backend("background writer")
    defer {
      own.close()
      backend.close()
    }
    var random = SeededGenerator(seed: 5)
    let writer = BackgroundWriter(rig.pool, own)
    var before: UInt64 = 0
    for number in 0..<2000 {
      if number == 600 { before = rig.pool.statistics.writesWaitedFor }
      try rig.change(UInt32(random.below(600)), to: UInt64(number), backend)
      if let roundEvery, number % roundEvery == 0 { _ = writer.round() }
    }
    if roundEvery != nil {
      #expect(writer.statistics.buffersClean > 100)
      #expect(writer.statistics.failures == 0)
    }
    rig.settle(backend)
    rig.expectNothingHeld()
    return rig.pool.statistics.writesWaitedFor - before
  }

  @Test func nobodyWaitsForAWriteWhileItKeepsUp() throws {
    let setup = ReadSetup(kind: .sync)
    #expect(try Self.run(setup, roundEvery: nil) > 20)
    #expect(try Self.run(setup, roundEvery: 20) == 0)
  }

  @Test(arguments: ReadSetup.methods)
  func itWorksByEveryMethod(setup: ReadSetup) throws {
    #expect(try Self.run(setup, roundEvery: 20) == 0)
  }

  @Test func aRoundEndsAfterSoManyPages() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 200, buffers: 200)
    let backend = try rig.backend()
    try rig.change(0..<200, backend)
    // All without usage, as after the hand has passed.
    for buffer in UInt32(0)..<200 {
      _ = rig.pool.descriptors[Int(buffer)].state.bitwiseAnd(~BufferState.usageMask, ordering: .relaxed)
    }
    var configuration = BackgroundWriterConfiguration()
    configuration.pagesMax = 7
    configuration.stream.combineLimit = 1
    let writer = BackgroundWriter(rig.pool, backend, configuration: configuration)
    #expect(!writer.round())
    #expect(writer.statistics.buffersClean == 7)
    #expect(writer.statistics.maxWrittenClean == 1)
    configuration.pagesMax = 0
    let off = BackgroundWriter(rig.pool, backend, configuration: configuration)
    #expect(off.round())
    #expect(off.statistics.buffersClean == 0)
  }

  @Test func whereNobodyNeedsBuffersItComesToRest() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 40, buffers: 64)
    let backend = try rig.backend()
    try rig.change(0..<40, backend)
    let writer = BackgroundWriter(rig.pool, backend)
    var rounds = 0
    while !writer.round(), rounds < 2000 { rounds += 1 }
    #expect(rounds > 0 && rounds < 2000)
    #expect(writer.round())
  }

  @Test func pagesThatCannotBeWrittenAreLoggedAndItGoesOn() throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 200, buffers: 64, blocksPerSegment: 1000)
    let backend = try rig.backend()
    let own = try rig.backend("background writer")
    rig.injection.set { $0.isWrite ? -5 : $0.raw }
    let writer = BackgroundWriter(rig.pool, own)
    try rig.change(0..<60, backend)
    for buffer in UInt32(0)..<60 {
      _ = rig.pool.descriptors[Int(buffer)].state.bitwiseAnd(~BufferState.usageMask, ordering: .relaxed)
    }
    for block in UInt32(100)..<104 { _ = try? rig.read(block, backend) }
    for _ in 0..<200 { _ = writer.round() }
    #expect(writer.statistics.failures > 0)
    #expect(rig.log.lines.contains { $0.contains("could not write blocks") })
    rig.injection.set(nil)
    rig.expectNothingLocked()
  }

  @Test(arguments: ReadSetup.shared)
  func itsThreadWorksUntilItIsStopped(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 300, buffers: 64, blocksPerSegment: 1000)
    let backend = try rig.backend()
    defer { backend.close() }
    var configuration = BackgroundWriterConfiguration()
    configuration.delayMilliseconds = 1
    let thread = try BackgroundWriterThread(rig.pool, configuration: configuration)
    for round in 0..<5 { try rig.change(0..<300, lsn: UInt64(round), backend) }
    thread.stop()
    try rig.pool.flush(rig.fork, backend)
    for block in UInt32(0)..<300 { #expect(try rig.valueOnDisk(block) == UInt64(block) + 1000) }
    rig.settle(backend)
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
  }
}
