import MillraceIO
import Synchronization

/// Where threads sleep until a condition may have come true that others make true without a lock: an event count
/// (Reed and Kanodia: Synchronization with Eventcounts and Sequencers, 1979).
///
///     let ticket = event.prepare()
///     if !condition { event.sleep(ticket) }
///
/// Who makes the condition true signals afterwards. Both sides write one word and read the other's, in one total order:
/// either the sleeper sees the condition or the signaller sees the sleeper. Without sleepers a signal is one load.
struct EventCount: @unchecked Sendable {
  // Safe because it only names a word that changes atomically.

  /// Bit 0: somebody sleeps, or is about to; the rest counts signals.
  private let word: UnsafeMutablePointer<Atomic<UInt64>>
  private static let sleepers: UInt64 = 1

  /// - Parameter word: stays valid as long as this is used.
  init(_ word: UnsafeMutablePointer<Atomic<UInt64>>) { self.word = word }

  /// Announces a sleeper. To be called before the condition is looked at for the last time.
  func prepare() -> UInt64 {
    var seen = word.pointee.load(ordering: .sequentiallyConsistent)
    while seen & Self.sleepers == 0 {
      let (exchanged, now) = word.pointee.weakCompareExchange(
        expected: seen, desired: seen | Self.sleepers, ordering: .sequentiallyConsistent)
      if exchanged { return seen | Self.sleepers }
      seen = now
    }
    return seen
  }

  /// Sleeps until there has been a signal since ``prepare()``. May return early.
  /// - Parameter timeout: nanoseconds; negative for none.
  /// - Returns: false where the time ran out.
  @discardableResult
  func sleep(_ ticket: UInt64, timeout: Int64 = -1) -> Bool { Futex.wait(word, while: ticket, timeout: timeout) }

  /// Wakes all who sleep, or are about to.
  func signalAll() {
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
  func signalOne() {
    guard word.pointee.load(ordering: .sequentiallyConsistent) & Self.sleepers != 0 else { return }
    _ = word.pointee.wrappingAdd(2, ordering: .sequentiallyConsistent)
    Futex.wake(word, count: 1)
  }
}
