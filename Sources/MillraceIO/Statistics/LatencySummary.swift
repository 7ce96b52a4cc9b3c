import Histogram

/// What latencies there were: a row of `pg_stat_aio_latency`. In nanoseconds.
public struct LatencySummary: Sendable, Equatable {
  public let count: UInt64
  public let least, median, percentile90, percentile99, most: UInt64
}

extension IOEngine {
  /// The latencies so far of one operation; nil where there was none.
  /// - Parameter inPlace: of I/O that its issuer executed itself instead of giving it to the method.
  public func latencySummary(of operation: IOOperation, inPlace: Bool) -> LatencySummary? {
    let found = latencies(of: operation, inPlace: inPlace)
    guard found.totalCount > 0 else { return nil }
    return LatencySummary(
      count: found.totalCount, least: found.min, median: found.valueAtPercentile(50),
      percentile90: found.valueAtPercentile(90), percentile99: found.valueAtPercentile(99), most: found.max)
  }
}
