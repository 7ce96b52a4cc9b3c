package import Synchronization

/// Lets threads sleep until something has changed that they look at themselves, and that others change without a lock.
/// (The eventcount of Reed and Kanodia, Synchronization with Eventcounts and Sequencers, 1979, as user-space locks use
/// it.)
///
///     while true {
///       let ticket = event.prepare()
///       if condition { break }
///       event.sleep(ticket)
///     }
///
/// and elsewhere, after the condition was made true: `event.signalAll()`. Many conditions may share one; whoever wakes
/// for another's looks again. Who signals and finds nobody asleep pays a fence and a load.
///
/// **Why no wake-up is lost.** A sleeper announces itself in the word and then looks at the condition; who signals has
/// changed the condition and then looks at the word. Both have a fence between the two, whatever the orderings are that
/// the condition is written and read with, so at least one of them sees what the other did: either the sleeper the
/// condition, or the signaller the sleeper, and then the word is changed, by which the ticket is out of date.
package struct EventCount: @unchecked Sendable {
  // Safe because it only names a word that changes atomically.

  /// Bit 0: somebody sleeps, or is about to; the rest counts the signals that found somebody.
  private let word: UnsafeMutablePointer<Atomic<UInt64>>
  private static let sleepers: UInt64 = 1

  /// - Parameter word: stays valid, and is used for nothing else, as long as this is used.
  package init(_ word: UnsafeMutablePointer<Atomic<UInt64>>) { self.word = word }

  /// Announces a sleeper. To be called before the condition is looked at for the last time; needs no undoing.
  package func prepare() -> UInt64 {
    var seen = word.pointee.load(ordering: .sequentiallyConsistent)
    // Several who come to sleep share the announcement, and so the cache line.
    if seen & Self.sleepers == 0 {
      seen = word.pointee.bitwiseOr(Self.sleepers, ordering: .sequentiallyConsistent).newValue
    }
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    return seen
  }

  /// Sleeps unless there was a signal after `ticket` was given out. May return early.
  /// - Parameter timeout: nanoseconds; negative for none.
  /// - Returns: false where the time ran out.
  @discardableResult
  package func sleep(_ ticket: UInt64, timeout: Int64 = -1) -> Bool {
    guard word.pointee.load(ordering: .acquiring) == ticket else { return true }
    return Futex.wait(word, while: ticket, timeout: timeout)
  }

  /// Wakes all who sleep, or are about to.
  package func signalAll() {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    var seen = word.pointee.load(ordering: .sequentiallyConsistent)
    while seen & Self.sleepers != 0 {
      let (exchanged, now) = word.pointee.weakCompareExchange(
        expected: seen, desired: (seen & ~Self.sleepers) &+ 2, ordering: .sequentiallyConsistent)
      if exchanged {
        Futex.wake(word)
        return
      }
      seen = now
    }
  }

  /// Wakes one of those who sleep. Whoever is about to sleep looks at the condition again.
  package func signalOne() {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    guard word.pointee.load(ordering: .sequentiallyConsistent) & Self.sleepers != 0 else { return }
    _ = word.pointee.wrappingAdd(2, ordering: .sequentiallyConsistent)
    Futex.wake(word, count: 1)
  }
}

/// An ``EventCount`` with memory of its own.
package struct OwnedEventCount: ~Copyable, @unchecked Sendable {
  // Safe because the word is touched by the event count alone until nobody has this any more.

  package let event: EventCount
  private let word: UnsafeMutablePointer<Atomic<UInt64>>

  package init() {
    word = .allocate(capacity: 1)
    word.initialize(to: Atomic(0))
    event = EventCount(word)
  }

  deinit {
    word.deinitialize(count: 1)
    word.deallocate()
  }
}
