import MillraceStorage

/// How long it takes from a position's being sent to the answer that the other side has written it, made it durable,
/// applied it (`LagTracker`, src/backend/replication/walsender.c). It keeps some hundred samples; where more are sent
/// than answered, the newest one is replaced, so what is told gets coarser and never old.
struct LagTracker {
  private struct Sample {
    let position: LogSequenceNumber
    let time: UInt64
  }

  private static let samplesMax = 512

  private var samples: [Sample] = []
  /// What has been told last, for each of the three, in nanoseconds.
  private var lags: [UInt64?] = [nil, nil, nil]
  private var reached = [LogSequenceNumber](repeating: .invalid, count: 3)

  mutating func sent(_ position: LogSequenceNumber, at time: UInt64) {
    if samples.count == Self.samplesMax { samples.removeLast() }
    samples.append(Sample(position: position, time: time))
  }

  /// - Parameter isIdle: the other side has all there is: where nothing new was sent since, there is no lag.
  mutating func answered(
    written: LogSequenceNumber, flushed: LogSequenceNumber, applied: LogSequenceNumber, isIdle: Bool,
    at time: UInt64
  ) -> (write: UInt64?, flush: UInt64?, apply: UInt64?) {
    for (index, position) in [written, flushed, applied].enumerated() {
      if let sample = samples.last(where: { $0.position <= position && $0.position > reached[index] }) {
        lags[index] = time - min(sample.time, time)
        reached[index] = sample.position
      } else if isIdle {
        lags[index] = nil
      }
    }
    // What all three have passed is not asked for again. Who never applies does not hold samples back.
    let oldest = reached.filter { $0 != .invalid }.min() ?? .invalid
    samples.removeAll { $0.position <= oldest }
    return (lags[0], lags[1], lags[2])
  }
}
