import Synchronization
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// The three modes: what excludes what, in every order of steps, and on real threads.
@Suite struct ContentLockTests {
  typealias Role = ContentLockModel.Role

  /// All ways to give so many threads roles, order aside.
  static func casts(_ count: Int) -> [[Role]] {
    guard count > 0 else { return [[]] }
    return casts(count - 1).flatMap { cast in
      Role.allCases.indices.filter { $0 >= (cast.last.flatMap(Role.allCases.firstIndex) ?? 0) }
        .map { cast + [Role.allCases[$0]] }
    }
  }

  @Test func threeThreadsTwiceInEveryOrderExcludeAndWakeEachOther() {
    for cast in Self.casts(3) {
      let model = ContentLockModel(cast, rounds: 2)
      #expect(model.problem == nil, "\(cast)")
      #expect(model.states > 10)
    }
  }

  @Test func fourThreadsOnceInEveryOrderExcludeAndWakeEachOther() {
    for cast in Self.casts(4) where !cast.contains(.write) {
      let model = ContentLockModel(cast, rounds: 1)
      #expect(model.problem == nil, "\(cast)")
    }
  }

  @Test func modesExcludeEachOtherAsTheTableSays() {
    let compatible: [ContentLockMode: Set<ContentLockMode>] = [
      .share: [.share, .shareExclusive], .shareExclusive: [.share], .exclusive: [],
    ]
    for held in ContentLockMode.allCases {
      guard let word = ContentLock.acquired(held, 0) else {
        Issue.record("a free lock could not be had")
        continue
      }
      for wanted in ContentLockMode.allCases {
        #expect((ContentLock.acquired(wanted, word) != nil) == (compatible[held]?.contains(wanted) == true))
      }
      #expect(ContentLock.released(held, word).word == 0)
      #expect(ContentLock.isHeld(held, word))
    }
  }

  @Test func theLockLeavesTheRestOfTheWordAlone() {
    let rest = BufferState.valid | BufferState.dirty | BufferState.onePin * 3 | BufferState.tagValid
    for mode in ContentLockMode.allCases {
      guard let word = ContentLock.acquired(mode, rest) else { continue }
      #expect(word & 0xFFFF_FFFF == rest)
      #expect(ContentLock.released(mode, word).word == rest)
    }
  }

  @Test func sharersDoNotComeBeforeWhoWaitsToBeAlone() {
    let shared = ContentLock.oneSharer * 2
    guard case .sleep(let drained) = ContentLock.Attempt(.exclusive).step(shared) else {
      Issue.record("got a lock that others hold")
      return
    }
    #expect(ContentLock.acquired(.share, drained) == nil)
    #expect(ContentLock.acquired(.shareExclusive, drained) == nil)
    #expect(ContentLock.upgraded(drained) == nil)
    let (one, none) = ContentLock.released(.share, drained)
    #expect(none == 0)
    let (free, wakes) = ContentLock.released(.share, one)
    #expect(wakes == ContentLock.sleepers(.exclusive))
    #expect(ContentLock.acquired(.share, free) == nil)
    #expect(ContentLock.acquired(.exclusive, free) == ContentLock.exclusive)
  }

  @Test func readersGoOnWhileAPageIsWrittenThatSomebodyWantsAlone() {
    guard case .sleep(let word) = ContentLock.Attempt(.exclusive).step(ContentLock.shareExclusive) else {
      Issue.record("got a lock that others hold")
      return
    }
    #expect(ContentLock.acquired(.share, word) != nil)
  }

  // MARK: Threads

  /// What the threads of a stress change only under the lock that it needs.
  final class Protected: @unchecked Sendable {
    // Safe because that is what the test is about; ThreadSanitizer watches.
    let pool: BufferPool
    let buffer: BufferID
    /// Changed exclusively, read under any lock.
    var value: (UInt64, UInt64) = (0, 0)
    /// Changed share-exclusively or exclusively, read by nobody who only shares.
    var hint: UInt64 = 0

    init(_ pool: BufferPool, _ buffer: BufferID) { (self.pool, self.buffer) = (pool, buffer) }
  }

  struct Tally: Sendable {
    var exclusive: UInt64 = 0
    var hints: UInt64 = 0
    var torn = 0
  }

  @Test(arguments: [2, 4, 8]) func realThreadsSeeWhatTheLockPromises(threads: Int) throws {
    let rig = try StorageRig(ReadSetup(kind: .sync), blocks: 1)
    let backend = try rig.backend()
    let page = Page(try rig.pool.read(rig.fork, BlockNumber(0), backend))
    let shared = Protected(rig.pool, page.buffer)
    let seed = SeededGenerator(for: "content lock, \(threads) threads").seed
    let running = try (0..<threads).map { number in
      try TestThread("locker \(number)") { () -> Tally in
        var random = SeededGenerator(seed: seed &* 1000 &+ UInt64(number))
        var tally = Tally()
        for _ in 0..<3000 { Self.act(shared, &random, &tally) }
        return tally
      }
    }
    var sum = Tally()
    for thread in running {
      let tally = try thread.join()
      sum.exclusive += tally.exclusive
      sum.hints += tally.hints
      sum.torn += tally.torn
    }
    #expect(sum.torn == 0)
    #expect(shared.value == (sum.exclusive, sum.exclusive))
    #expect(shared.hint == sum.hints)
    #expect(rig.pool.state(page.buffer).rawValue >> 32 == 0)
  }

  private static func act(_ shared: Protected, _ random: inout SeededGenerator, _ tally: inout Tally) {
    let (pool, buffer) = (shared.pool, shared.buffer)
    switch random.below(8) {
    case 0, 1:
      pool.lock(buffer, .exclusive, backend: nil)
      shared.value.0 += 1
      shared.value.1 += 1
      shared.hint += 1
      tally.exclusive += 1
      tally.hints += 1
      pool.unlock(buffer, .exclusive)
    case 2:
      pool.lock(buffer, .shareExclusive, backend: nil)
      if shared.value.0 != shared.value.1 { tally.torn += 1 }
      shared.hint += 1
      tally.hints += 1
      pool.unlock(buffer, .shareExclusive)
    case 3:
      guard pool.tryLock(buffer, .exclusive) else { return }
      shared.value.1 += 1
      shared.value.0 += 1
      tally.exclusive += 1
      pool.unlock(buffer, .exclusive)
    default:
      pool.lock(buffer, .share, backend: nil)
      if shared.value.0 != shared.value.1 { tally.torn += 1 }
      let upgraded = random.below(3) == 0 && pool.tryUpgrade(buffer)
      if upgraded {
        shared.hint += 1
        tally.hints += 1
      }
      pool.unlock(buffer, upgraded ? .shareExclusive : .share)
    }
  }
}
