import CMillrace
import Glibc
import Synchronization

/// Holds several threads together below a number of bytes per second.
final class RateLimiter: Sendable {
  private let bytesPerSecond: Double
  /// Monotonic nanoseconds at which what has been allowed so far will have been paid for.
  private let paidUntil = Mutex<UInt64>(0)

  init(bytesPerSecond: Int) { self.bytesPerSecond = Double(bytesPerSecond) }

  /// Sleeps until `bytes` more may be read. Looks at `shouldStop` ten times a second.
  func pay(for bytes: Int, shouldStop: () -> Bool) {
    let cost = UInt64(Double(bytes) / bytesPerSecond * 1e9)
    let until = paidUntil.withLock { paidUntil in
      paidUntil = max(paidUntil, millrace_monotonic_ns()) + cost
      return paidUntil - cost
    }
    while !shouldStop() {
      let now = millrace_monotonic_ns()
      guard now < until else { return }
      usleep(UInt32(min((until - now) / 1000 + 1, 100_000)))
    }
  }
}
