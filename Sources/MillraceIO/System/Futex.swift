import CMillrace
package import Synchronization

/// Sleeping on a word in memory. Callers keep a flag in the word that says whether anyone sleeps, because waking
/// nobody still costs a system call.
package enum Futex {
  /// Sleeps while the low half of `word` equals the low half of `expected`; may return early for no reason.
  /// - Parameter timeout: nanoseconds; negative for none.
  /// - Returns: false when the time ran out.
  @discardableResult
  package static func wait(
    _ word: UnsafeMutablePointer<Atomic<UInt64>>, while expected: UInt64, timeout: Int64 = -1
  ) -> Bool {
    // The low half comes first in memory on every machine Swift runs servers on.
    millrace_futex_wait(word, UInt32(truncatingIfNeeded: expected), timeout) != -Int64(ETIMEDOUT)
  }

  package static func wake(_ word: UnsafeMutablePointer<Atomic<UInt64>>, count: Int32 = .max) {
    _ = millrace_futex_wake(word, count)
  }
}
