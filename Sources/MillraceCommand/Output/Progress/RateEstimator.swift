import Foundation

/// A rate that follows what happens now without jumping: an exponential average over the last seconds.
struct RateEstimator {
  /// After this long without change a difference has shrunk to a third.
  private static let memorySeconds = 3.0

  private var lastBytes = 0
  private var lastSeconds = 0.0
  /// Bytes per second.
  private(set) var rate = 0.0
  private var hasRate = false

  /// Takes in how much was done at a time since the start. Times that do not advance are ignored.
  mutating func observe(bytesDone: Int, seconds: Double) {
    let elapsed = seconds - lastSeconds
    guard elapsed > 0 else { return }
    let current = Double(bytesDone - lastBytes) / elapsed
    if hasRate {
      // The weight of the past depends on the time gone by, so that irregular observations give the same result.
      rate += (current - rate) * (1 - exp(-elapsed / Self.memorySeconds))
    } else {
      rate = current
      hasRate = bytesDone > 0
    }
    lastBytes = bytesDone
    lastSeconds = seconds
  }
}
