import MillraceIO
import Synchronization

/// Who puts I/O of the log in order. Taken only by trying, held for some microseconds, and never while waiting for the
/// device or for an inserter. Whoever does not get it waits until it is free, without taking it, and looks whether
/// there is still something to do (PostgreSQL's LWLockAcquireOrWait).
struct LeaderLock: @unchecked Sendable {
  // Safe because it only names words that change atomically.

  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  private let released: EventCount

  init() {
    words = .allocate(capacity: 2)
    (words + 0).initialize(to: Atomic(0))
    (words + 1).initialize(to: Atomic(0))
    released = EventCount(words + 1)
  }

  func deallocate() { words.deallocate() }

  @inline(__always) func tryAcquire() -> Bool {
    words[0].load(ordering: .relaxed) == 0
      && words[0].compareExchange(expected: 0, desired: 1, ordering: .acquiringAndReleasing).exchanged
  }

  /// Waits until it is free. May return early.
  func waitForRelease() {
    let ticket = released.prepare()
    guard words[0].load(ordering: .sequentiallyConsistent) != 0 else { return }
    released.sleep(ticket)
  }

  func acquire() {
    while !tryAcquire() { waitForRelease() }
  }

  @inline(__always) func release() {
    words[0].store(0, ordering: .sequentiallyConsistent)
    released.signalAll()
  }
}
