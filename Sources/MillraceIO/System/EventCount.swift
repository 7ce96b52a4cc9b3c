import Synchronization

/// Lets threads sleep until something has changed that they look at themselves. Who changes it and finds nobody asleep
/// pays one load. (The eventcount of Reed and Kanodia, Synchronization with Eventcounts and Sequencers, 1979, as
/// user-space locks use it.)
///
///     while true {
///       let ticket = event.prepare()
///       if condition { break }
///       event.wait(ticket)
///     }
///
/// and elsewhere, after the condition was made true: `event.notifyAll()`. Many conditions may share one; whoever wakes
/// for another's looks again.
package struct EventCount: ~Copyable, @unchecked Sendable {
  // Safe because the word is atomic and does not move.

  /// Bit 0: somebody sleeps, or is about to. The rest counts the notifications that found somebody.
  private let word: UnsafeMutablePointer<Atomic<UInt64>>

  package init() {
    word = .allocate(capacity: 1)
    word.initialize(to: Atomic(0))
  }

  deinit {
    word.deinitialize(count: 1)
    word.deallocate()
  }

  /// Announces a sleeper. To be called before the condition is looked at; needs no undoing.
  package borrowing func prepare() -> UInt64 {
    word.pointee.bitwiseOr(1, ordering: .sequentiallyConsistent).newValue
  }

  /// Sleeps unless there was a notification after `ticket` was given out. May return early.
  package borrowing func wait(_ ticket: UInt64) {
    if word.pointee.load(ordering: .acquiring) == ticket { Futex.wait(word, while: ticket) }
  }

  /// Wakes all.
  package borrowing func notifyAll() {
    // The change comes first, also for a sleeper that announces itself right now.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    let seen = word.pointee.load(ordering: .sequentiallyConsistent)
    guard seen & 1 != 0 else { return }
    // Where this fails another notification has just done the same.
    if word.pointee.compareExchange(expected: seen, desired: seen &+ 1, ordering: .sequentiallyConsistent).exchanged {
      Futex.wake(word)
    }
  }
}
