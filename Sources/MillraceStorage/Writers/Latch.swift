import CMillrace
import Synchronization

/// Lets one thread sleep until somebody sets it or time has passed (PostgreSQL's Latch,
/// src/backend/storage/ipc/latch.c). It stays set until it is reset, so nothing is missed between a look at the work
/// and the sleep.
package final class Latch: @unchecked Sendable {
  // Safe because the word is atomic and does not move.

  /// 0: not set; 1: set; 2: not set, and somebody sleeps.
  private let word: UnsafeMutablePointer<Atomic<UInt32>>

  package init() {
    word = .allocate(capacity: 1)
    word.initialize(to: Atomic(0))
  }

  deinit {
    word.deinitialize(count: 1)
    word.deallocate()
  }

  /// Wakes the sleeper, now or when it next wants to sleep.
  package func set() {
    if word.pointee.exchange(1, ordering: .acquiringAndReleasing) == 2 { _ = millrace_futex_wake(word, .max) }
  }

  /// The same for one that is only of interest to who sleeps already. One load where nobody does.
  @inline(__always) func setIfWaitedFor() {
    if word.pointee.load(ordering: .relaxed) == 2 { set() }
  }

  /// Before a look at the work.
  package func reset() { word.pointee.store(0, ordering: .sequentiallyConsistent) }

  /// Sleeps until it is set, or some nanoseconds have passed.
  package func wait(_ nanoseconds: Int64) {
    guard word.pointee.compareExchange(expected: 0, desired: 2, ordering: .acquiringAndReleasing).exchanged else {
      return
    }
    _ = millrace_futex_wait(word, 2, nanoseconds)
    _ = word.pointee.compareExchange(expected: 2, desired: 0, ordering: .acquiringAndReleasing)
  }
}
