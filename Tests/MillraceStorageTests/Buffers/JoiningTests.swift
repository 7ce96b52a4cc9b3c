import Foundation
import Glibc
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Two threads want the same block: it is read once. Facts §11, scenarios 21, 28 to 32, 57, 58.
///
/// Thread A starts reads and then does nothing; thread B needs the same blocks. On io_uring with a ring of A's own only
/// A can complete them, so there A waits as soon as B has joined. On sync A's start is the whole read, and on the
/// others one from the page cache, so there A is held inside.
@Suite struct JoiningTests {
  typealias Operation = ReadProbe.Operation

  /// What A and B tell each other.
  final class Meeting: Sendable {
    let started = DispatchSemaphore(value: 0)
    let joined = DispatchSemaphore(value: 0)
    let mayFinish = DispatchSemaphore(value: 0)
  }

  struct Result: Sendable {
    var operations: [Operation] = []
    var error: StorageError?
    var warnings: [String] = []
  }

  static let setups = ReadSetup.paths

  /// Whether A has to reap what it has started.
  static func reapsItself(_ setup: ReadSetup) -> Bool { setup.exclusive && setup.direct }

  /// A's part.
  /// - Parameter completes: whether A itself completes its reads, once B has joined them.
  static func issuer(
    _ rig: StorageRig, _ meeting: Meeting, _ blocks: ClosedRange<UInt32>, flags: ReadBuffersFlags = []
  ) throws -> TestThread<Result> {
    try TestThread("issuer") {
      let warnings = Locked<[String]>([])
      let backend = try rig.backend("issuer")
      let probe = ReadProbe(
        rig, rig.reader(backend, flags: flags) { line in warnings.withLock { $0.append(line) } }, blocks)
      var result = Result()
      do throws(StorageError) {
        result.operations = try probe.start()
        meeting.started.signal()
        if reapsItself(rig.setup) { meeting.joined.wait() } else { meeting.mayFinish.wait() }
        try probe.finish()
      } catch { result.error = error }
      result.warnings = warnings.withLock { $0 }
      probe.release()
      backend.close()
      return result
    }
  }

  /// B's part.
  static func joiner(
    _ rig: StorageRig, _ meeting: Meeting, _ blocks: ClosedRange<UInt32>
  ) throws -> TestThread<Result> {
    try TestThread("joiner") {
      let warnings = Locked<[String]>([])
      let backend = try rig.backend("joiner")
      let probe = ReadProbe(rig, rig.reader(backend) { line in warnings.withLock { $0.append(line) } }, blocks)
      var result = Result()
      do throws(StorageError) {
        result.operations = try probe.start()
        meeting.joined.signal()
        try probe.finish()
      } catch { result.error = error }
      result.warnings = warnings.withLock { $0 }
      probe.release()
      backend.close()
      return result
    }
  }

  /// Runs both: A starts, B joins and is done, then A looks.
  static func run(
    _ rig: StorageRig, issuer blocksOfA: ClosedRange<UInt32>, joiner blocksOfB: ClosedRange<UInt32>,
    flags: ReadBuffersFlags = [], result: Int64? = nil
  ) throws -> (a: Result, b: Result) {
    let meeting = Meeting()
    // Held until B has joined: by A itself on sync, by a worker, or by whoever reaps.
    let gate = rig.injection.hold(readsOf: blocksOfA.lowerBound, result: result) { meeting.started.signal() }
    let issuer = try Self.issuer(rig, meeting, blocksOfA, flags: flags)
    meeting.started.wait()
    let joiner = try Self.joiner(rig, meeting, blocksOfB)
    if reapsItself(rig.setup) {
      // A waits as soon as B has joined, and is held.
      gate.waitUntilEntered()
    } else {
      meeting.joined.wait()
    }
    gate.open()
    let b = try joiner.join()
    meeting.mayFinish.signal()
    return (try issuer.join(), b)
  }

  /// Scenario 28, and 58: every block of A's one read is joined by itself.
  @Test(arguments: setups)
  func aReadUnderWayIsJoinedAndNotRepeated(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let (a, b) = try Self.run(rig, issuer: 2...3, joiner: 2...3)
    #expect(a.operations == [.read(2...3)])
    #expect(b.operations == [.foreign(2), .foreign(3)])
    #expect(a.error == nil && b.error == nil)
    #expect(rig.injection.attempts.count == 1)
    let statistics = rig.pool.statistics
    #expect(statistics.reads == 1)
    #expect(statistics.blocksRead == 2)
    // What another read counts as a hit.
    #expect(statistics.hits == 2)
    rig.expectNothingHeld()
  }

  /// Scenarios 57 and 58: what A reads is joined, the rest is read.
  @Test(arguments: setups)
  func whatIsNotUnderWayIsReadBeside(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    #expect(try Self.run(rig, issuer: 1...1, joiner: 1...4).b.operations == [.foreign(1), .read(2...4)])
    rig.pool.invalidate(rig.fork)
    #expect(try Self.run(rig, issuer: 2...3, joiner: 0...3).b.operations == [.read(0...1), .foreign(2), .foreign(3)])
    rig.expectNothingHeld()
  }

  /// Scenario 21: the failure is A's alone.
  @Test(arguments: setups)
  func aFailureOfTheIssuerIsNotTheJoiners(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let (a, b) = try Self.run(rig, issuer: 2...3, joiner: 2...3, result: -Int64(EIO))
    #expect(b.operations == [.foreign(2), .foreign(3)])
    #expect(b.error == nil)
    #expect(a.error?.message == "could not read blocks 2..3 in file \"base/5/16384\": Input/output error")
    #expect(a.error?.blocks == 2..<4)
    // A's, and B's own: block 2, and block 3, which is another operation.
    #expect(rig.injection.attempts.map(\.blocks) == [2...3, 2...2, 3...3])
    rig.expectNothingHeld()
  }

  /// Scenario 30: each is told of a damaged page as the issuer of a read of its own.
  @Test(arguments: setups)
  func aDamagedPageIsAnErrorOfWhoeverReadIt(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    try rig.corruptHeader(2)
    let (a, b) = try Self.run(rig, issuer: 2...2, joiner: 2...2)
    let message = "invalid page in block 2 of relation \"base/5/16384\""
    #expect(a.error?.message == message)
    #expect(b.error?.message == message)
    #expect(rig.injection.attempts.count == 2)
    rig.expectNothingHeld()
  }

  /// Scenario 31: A asked for zeroing and is warned; B gets the page and no warning.
  @Test(arguments: setups)
  func theIssuersWishesHoldAndItsWarningsAreItsOwn(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    try rig.corruptHeader(2)
    let meeting = Meeting()
    let gate = rig.injection.hold(readsOf: 2) { meeting.started.signal() }
    let issuer = try TestThread("issuer") { () -> [String] in
      let warnings = Locked<[String]>([])
      let backend = try rig.backend("issuer")
      defer { backend.close() }
      let stream = rig.stream(backend, BlockList([BlockNumber(2)])) {
        $0.flags = .zeroOnError
        $0.onWarning = { line in warnings.withLock { $0.append(line) } }
        $0.ioConcurrency = 4
      }
      stream.lookAhead()
      meeting.started.signal()
      if Self.reapsItself(rig.setup) { meeting.joined.wait() } else { meeting.mayFinish.wait() }
      _ = try stream.next()
      return warnings.withLock { $0 }
    }
    meeting.started.wait()
    let joiner = try TestThread("joiner") { () -> Bool in
      let backend = try rig.backend("joiner")
      defer { backend.close() }
      let stream = rig.stream(backend, BlockList([BlockNumber(2)])) {
        $0.onWarning = { Issue.record("a bystander was warned: \($0)") }
      }
      stream.lookAhead()
      meeting.joined.signal()
      guard let page = try stream.next() else { return false }
      return PageChecksum.isAllZero(page.bytes)
    }
    if Self.reapsItself(setup) { gate.waitUntilEntered() } else { meeting.joined.wait() }
    gate.open()
    #expect(try joiner.join(), "the page was not zeroed")
    meeting.mayFinish.signal()
    #expect(try issuer.join() == ["invalid page in block 2 of relation \"base/5/16384\"; zeroing out page"])
    rig.expectNothingHeld()
  }

  /// Scenario 29: A is gone before B looks.
  @Test(arguments: setups)
  func theIssuerMayGoAway(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    for _ in 0..<20 {
      rig.pool.invalidate(rig.fork)
      let issuer = try TestThread("issuer") {
        let backend = try rig.backend("issuer")
        let stream = rig.stream(backend, BlockRange(0..<20, isCertain: true))
        stream.lookAhead()
      }
      let joiner = try TestThread("joiner") {
        let backend = try rig.backend("joiner")
        defer { backend.close() }
        return try rig.drain(rig.stream(backend, BlockRange(0..<20)))
      }
      try issuer.join()
      #expect(try joiner.join() == Array(0..<20))
    }
    rig.expectNothingHeld()
  }

  /// Scenario 32: A has staged and does not submit; B does it for A.
  @Test(arguments: setups.filter { !$0.exclusive && $0.kind != .sync })
  func whatIsOnlyStagedIsSubmittedByWhoNeedsIt(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let meeting = Meeting()
    let issuer = try TestThread("issuer") {
      let backend = try rig.backend("issuer")
      let batch = backend.batch()
      let probe = ReadProbe(rig, rig.reader(backend), 2...3)
      let operations = try probe.start()
      meeting.started.signal()
      meeting.mayFinish.wait()
      batch.submit()
      try probe.finish()
      backend.close()
      return operations
    }
    meeting.started.wait()
    let joiner = try Self.joiner(rig, meeting, 1...4)
    let b = try joiner.join()
    #expect(b.operations == [.read(1), .foreign(2), .foreign(3), .read(4)])
    #expect(b.error == nil)
    meeting.mayFinish.signal()
    #expect(try issuer.join() == [.read(2...3)])
    #expect(rig.injection.attempts.count == 3)
    rig.expectNothingHeld()
  }

  /// Facts, §1.11: A has staged 1 and waits for 2, B has staged 2 and waits for 1.
  /// With rings of their own, neither could complete the other's I/O: there each completes its own before it sleeps.
  @Test(arguments: setups)
  func batchesOfTwoThreadsThatWaitForEachOtherDoNotDeadlock(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let staged = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
    let threads = try [UInt32(1), 2].map { mine in
      try TestThread("thread \(mine)") {
        let backend = try rig.backend("thread \(mine)")
        let batch = backend.batch()
        let probe = ReadProbe(rig, rig.reader(backend), mine...mine)
        _ = try probe.start()
        staged[Int(mine) - 1].signal()
        staged[2 - Int(mine)].wait()
        _ = try rig.read(rig.reader(backend), (3 - mine)...(3 - mine))
        batch.submit()
        try probe.finish()
        backend.close()
      }
    }
    for thread in threads { try thread.join() }
    #expect(rig.injection.attempts.count == 2)
    rig.expectNothingHeld()
  }

  @Test(arguments: setups.filter { !$0.exclusive })
  func manyThreadsWantingTheSameBlockReadItOnce(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocksPerSegment: 20)
    let gate = rig.injection.hold(readsOf: 5)
    let threads = try (0..<4).map { number in
      try TestThread("thread \(number)") {
        let backend = try rig.backend("thread \(number)")
        defer { backend.close() }
        return try rig.drain(rig.stream(backend, BlockList([BlockNumber(5)])))
      }
    }
    gate.waitUntilEntered()
    gate.open()
    for thread in threads { #expect(try thread.join() == [5]) }
    #expect(rig.injection.attempts.count == 1)
    rig.expectNothingHeld()
  }
}
