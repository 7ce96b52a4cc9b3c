import Glibc
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Reads that the system fails or cuts short: facts §11, scenarios 13 to 20.
///
/// The engine itself goes on with a short transfer, so a short result must persist to be seen above it.
@Suite struct ReadErrorTests {
  static let setups = ReadSetup.paths
  static let file = "file \"base/5/16384\""

  static func rig(_ setup: ReadSetup) throws -> (StorageRig, IOBackend) {
    let rig = try StorageRig(setup, blocks: 20, blocksPerSegment: 20)
    return (rig, try rig.backend())
  }

  /// The message that reading a range ends with; nil where it succeeds.
  static func message(_ rig: StorageRig, _ backend: IOBackend, _ blocks: ClosedRange<UInt32>) -> String? {
    do {
      _ = try rig.read(rig.reader(backend), blocks)
      return nil
    } catch { return (error as? StorageError)?.message ?? "\(error)" }
  }

  /// Scenario 13.
  @Test(arguments: setups)
  func aWholeResultIsNoFailure(setup: ReadSetup) throws {
    let (rig, backend) = try Self.rig(setup)
    rig.injection.force([8192], onReadsOf: 2)
    #expect(Self.message(rig, backend, 2...2) == nil)
    #expect(rig.injection.attempts.count == 1)
  }

  /// Scenario 14: fractions of a block count for nothing.
  @Test(arguments: setups)
  func aFractionOfABlockIsNothing(setup: ReadSetup) throws {
    let (rig, backend) = try Self.rig(setup)
    rig.injection.force([17, 0], onReadsOf: 2)
    #expect(
      Self.message(rig, backend, 2...2) == "could not read blocks 2..2 in \(Self.file): read only 0 of 8192 bytes")
    rig.injection.force([8191, 0], onReadsOf: 2)
    #expect(
      Self.message(rig, backend, 2...4) == "could not read blocks 2..4 in \(Self.file): read only 0 of 24576 bytes")
    #expect(backend.statistics.retryTotal <= 2)
    rig.injection.set(nil)
    #expect(Self.message(rig, backend, 2...4) == nil)
    rig.expectNothingHeld([backend])
  }

  /// The engine goes on where a transfer was short, at any place.
  @Test(arguments: setups)
  func aShortTransferIsContinued(setup: ReadSetup) throws {
    let (rig, backend) = try Self.rig(setup)
    for first in [Int64(1), 17, 4095, 4096, 8191, 8192, 8193, 12_288, 20_000, 24_575] {
      // Direct I/O can go on only at a multiple of its alignment.
      if setup.direct, first < 4096 { continue }
      rig.pool.invalidate(rig.fork)
      rig.injection.force([first], onReadsOf: 3)
      #expect(try rig.read(rig.reader(backend), 2...4) == [.read(2...4)])
    }
    #expect(rig.pool.statistics.reads == (setup.direct ? 7 : 10))
    #expect(backend.statistics.retryTotal == (setup.direct ? 7 : 10))
  }

  /// Scenario 15: a read that stays partial is finished by another I/O.
  @Test(arguments: setups)
  func aPartialReadIsFinishedByAnother(setup: ReadSetup) throws {
    let (rig, backend) = try Self.rig(setup)
    for blocks in 1...3 {
      rig.pool.invalidate(rig.fork)
      rig.injection.forgetAttempts()
      rig.injection.force([Int64(blocks) * 8192, 0], onReadsOf: 5)
      let before = rig.pool.statistics
      #expect(try rig.read(rig.reader(backend), 2...5) == [.read(2...5)])
      let after = rig.pool.statistics
      #expect(after.reads - before.reads == 2)
      #expect(after.blocksRead - before.blocksRead == 4)
      let first = UInt32(2 + blocks)
      #expect(rig.injection.attempts.map(\.blocks) == [2...5, 2...5, first...5])
    }
    rig.expectNothingHeld([backend])
  }

  /// Scenarios 17 and 18.
  @Test(arguments: setups, [EIO, EROFS, ENODEV, EBADF])
  func anErrorIsReportedWithTheSystemsWordsEachTime(setup: ReadSetup, number: Int32) throws {
    let (rig, backend) = try Self.rig(setup)
    rig.injection.fail(number, onReadsOf: 4)
    let message = "could not read blocks 2..5 in \(Self.file): \(IOError.text(of: number))"
    #expect(Self.message(rig, backend, 2...5) == message)
    #expect(Self.message(rig, backend, 2...5) == message)
    for block in UInt32(2)...5 {
      let buffer = try #require(rig.pool.table.find(BufferTag(rig.fork.id, block)))
      #expect(rig.pool.state(buffer).has(BufferState.ioError))
    }
    rig.injection.set(nil)
    #expect(Self.message(rig, backend, 2...5) == nil)
    #expect(rig.injection.attempts.count == 3)
    rig.expectNothingHeld([backend])
  }

  /// Scenario 22, in the small: what passes is tried again and not seen.
  @Test(arguments: setups, [EAGAIN, EINTR])
  func whatPassesIsTriedAgain(setup: ReadSetup, number: Int32) throws {
    let (rig, backend) = try Self.rig(setup)
    rig.injection.force([-Int64(number), -Int64(number), -Int64(number)], onReadsOf: 3)
    #expect(Self.message(rig, backend, 2...5) == nil)
    #expect(backend.statistics.retryTotal == 3)
    rig.expectNothingHeld([backend])
  }

  /// Something that passes but does not: it ends as an error, and not in an endless loop.
  @Test(arguments: setups)
  func whatShouldPassAndDoesNotIsAnErrorInTheEnd(setup: ReadSetup) throws {
    let (rig, backend) = try Self.rig(setup)
    rig.injection.fail(EAGAIN, onReadsOf: 3)
    #expect(
      Self.message(rig, backend, 3...3)
        == "could not read blocks 3..3 in \(Self.file): Resource temporarily unavailable")
    rig.expectNothingHeld([backend])
  }

  /// Scenarios 19 and 20: a segment is closed between two reads, and cannot be opened again at first.
  @Test(arguments: setups)
  func aSegmentThatCannotBeOpenedAgainIsAnErrorUntilItCan(setup: ReadSetup) throws {
    let files = FaultyFileSystem()
    let rig = try StorageRig(setup, blocks: 24, filesMax: 1, fileSystem: files)
    let backend = try rig.backend()
    #expect(Self.message(rig, backend, 0...0) == nil)
    #expect(Self.message(rig, backend, 6...6) == nil)
    files.fail(EMFILE, opening: "/16384")
    #expect(Self.message(rig, backend, 1...2) == "could not open file \"base/5/16384\": Too many open files")
    files.fail(EACCES, opening: ".2")
    #expect(
      Self.message(rig, backend, 13...14)
        == "could not open file \"base/5/16384.2\" (target block 13): Permission denied")
    files.heal()
    #expect(Self.message(rig, backend, 1...2) == nil)
    rig.expectNothingHeld([backend])
  }

  /// Scenario 10: a session ends with reads in flight.
  @Test(arguments: setups)
  func aSessionThatEndsLeavesNothingInFlight(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 40)
    for _ in 0..<10 {
      rig.pool.invalidate(rig.fork)
      let session = try TestThread("session") {
        let backend = try rig.backend("session")
        let stream = rig.stream(backend, BlockRange(0..<40, isCertain: true))
        _ = try stream.next()
      }
      try session.join()
      rig.expectNothingHeld()
    }
    let backend = try rig.backend()
    #expect(try rig.drain(rig.stream(backend, BlockRange(0..<40))) == Array(0..<40))
  }
}
