import Dispatch
import Foundation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Many threads that want files of a cache at the same time, where opening and closing take their time.
@Suite struct DescriptorCacheStressTests {
  static let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: 1)

  private func makeStorage(_ files: WatchedFileSystem, limit: Int) throws -> StorageManager {
    let engine = try IOEngine(IOConfiguration(method: .sync))
    return StorageManager(engine: engine, directory: "", blocksPerSegment: 4, filesMax: limit, fileSystem: files)
  }

  /// Opening one file does not keep others from being opened.
  @Test func filesAreOpenedSideBySide() throws {
    let second = DispatchSemaphore(value: 0)
    let files = WatchedFileSystem(pause: { path in
      // The first is open only when the second is.
      if path == "base/5/1" { second.wait() } else { second.signal() }
    })
    let storage = try makeStorage(files, limit: 10)
    let fork = storage.open(Self.locator)
    let first = try TestThread("first") { try fork.withSegment(0) { _ in } }
    try fork.withSegment(1) { _ in }
    try first.join()
    #expect(storage.files.openCount == 2)
    second.signal()
    second.signal()
  }

  /// Closing one does not either, nor does it let anybody open the same file meanwhile.
  @Test func whoWantsAFileThatIsBeingClosedWaits() throws {
    let (closing, other) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let isWatched = Locked(false)
    let files = WatchedFileSystem(pause: { path in
      guard path == "base/5/1", isWatched.withLock({ $0 }) else { return }
      isWatched.withLock { $0 = false }
      closing.signal()
      other.wait()
    })
    let storage = try makeStorage(files, limit: 1)
    let fork = storage.open(Self.locator)
    try fork.withSegment(0) { _ in }
    isWatched.withLock { $0 = true }
    let evicting = try TestThread("evicting") { try fork.withSegment(1) { _ in } }
    closing.wait()
    let wanting = try TestThread("wanting") { try fork.withSegment(0) { _ in } }
    // A third file passes by both.
    try fork.withSegment(2) { _ in }
    other.signal()
    try evicting.join()
    try wanting.join()
    #expect(files.collisions == 0)
  }

  @Test(arguments: [1, 3, 8])
  func manyThreadsShareFewDescriptors(limit: Int) throws {
    let failing = Locked<SeededGenerator?>(SeededGenerator(seed: 9))
    let files = WatchedFileSystem(
      failure: { _ in
        failing.withLock { random in
          guard random?.below(20) == 0, let kind = random?.below(2) else { return 0 }
          return [EMFILE, EIO][kind]
        }
      },
      pause: { _ in sched_yield() })
    let storage = try makeStorage(files, limit: limit)
    let forks = (1...4).map { storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: OID($0))) }
    let threads = try (0..<6).map { number in
      try TestThread("user \(number)") { () -> Int in
        var random = SeededGenerator(seed: UInt64(number))
        var failures = 0
        for _ in 0..<2000 {
          let (fork, segment) = (forks[random.below(4)], random.below(6))
          do throws(IOError) {
            try fork.withSegment(segment) { file throws(IOError) in
              // Fails where the file is not open.
              _ = try file.size()
              sched_yield()
            }
          } catch {
            failures += 1
          }
        }
        return failures
      }
    }
    var failures = 0
    for thread in threads { failures += try thread.join() }
    #expect(files.collisions == 0)
    // Besides those that are in use a thread has one that it opens or closes.
    #expect(files.heldMax <= max(limit, 6) + 6)
    #expect(files.held == storage.files.openCount)
    #expect(failures < files.openings)
    failing.withLock { $0 = nil }
    for segment in 0..<6 { try forks[0].withSegment(segment) { _ in } }
    #expect(storage.files.openCount <= limit)
  }

  /// After a fork was forgotten no file of it is opened, not even by who was about to.
  @Test func whatIsForgottenIsNotOpenedAnyMore() throws {
    let forgotten = Locked<Set<String>>([])
    let late = Locked(0)
    let files = WatchedFileSystem(pause: { path in
      sched_yield()
      // Looked at in the middle of an opening: it has to be over before `forget` returns.
      if forgotten.withLock({ $0.contains(path) }) { late.withLock { $0 += 1 } }
    })
    let storage = try makeStorage(files, limit: 100)
    for round in 0..<200 {
      let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: OID(round + 1))
      let fork = storage.open(locator)
      let threads = try (0..<2).map { number in
        try TestThread("user \(number)") {
          for segment in 0..<4 { _ = try? fork.withSegment(segment * 2 + number) { _ in } }
        }
      }
      storage.forget(locator)
      forgotten.withLock { set in
        for segment in 0..<8 { set.insert("\(fork.path)\(segment == 0 ? "" : ".\(segment)")") }
      }
      for thread in threads { try thread.join() }
      // What was open is closed when the fork goes, and that is not late.
      forgotten.withLock { $0 = [] }
      withExtendedLifetime(fork) {}
    }
    #expect(late.withLock { $0 } == 0)
  }

  /// Threads that are the first to touch a fork, each another segment.
  @Test func aTableOfSegmentsGrowsUnderManyHands() throws {
    let files = WatchedFileSystem()
    let storage = try makeStorage(files, limit: 1000)
    for round in 0..<100 {
      let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: OID(round + 1))
      let threads = try (0..<4).map { number in
        try TestThread("user \(number)") {
          let fork = storage.open(locator)
          for step in 0..<6 {
            let segment = (step * 3 + number * 5) % 16
            let isRight = try fork.withSegment(segment) { $0.firstBlock == UInt64(segment * 4) }
            #expect(isRight)
          }
        }
      }
      for thread in threads { try thread.join() }
      storage.forget(locator)
    }
    #expect(files.collisions == 0)
    #expect(files.held == 0)
  }
}
