/// How a read stream reads.
public struct ReadStreamConfiguration: Sendable {
  /// I/Os in flight at most: `effective_io_concurrency`, or `maintenance_io_concurrency`. 0: each read by itself,
  /// waited for at once, still combined.
  public var ioConcurrency = 16
  /// Blocks of one I/O at most: `io_combine_limit`.
  public var combineLimit = 16
  /// Start at full distance instead of finding out by waiting whether it pays: for callers that will read it all.
  public var startsFull = false
  /// How pages are verified.
  public var flags: ReadBuffersFlags = []
  /// Bytes that go with each block.
  public var perBufferDataSize = 0
  /// Called with a sentence for each read that had to zero pages or ignore checksums.
  public var onWarning: @Sendable (String) -> Void = { _ in }

  public init() {}
}

/// What a stream has done: EXPLAIN (ANALYZE, IO) prints it.
public struct ReadStreamStatistics: Sendable, Equatable {
  /// Pages given out.
  public internal(set) var prefetchCount: UInt64 = 0
  /// Sum and maximum of the blocks pinned ahead, at each page given out.
  public internal(set) var distanceSum: UInt64 = 0
  public internal(set) var distanceMax = 0
  /// Blocks that can be pinned ahead.
  public internal(set) var capacity = 0
  public internal(set) var ioCount: UInt64 = 0
  public internal(set) var ioBlocks: UInt64 = 0
  /// Pages for which the consumer had to wait.
  public internal(set) var waitCount: UInt64 = 0
  /// Sum of the I/Os in progress at each start, with the new one.
  public internal(set) var inProgressSum: UInt64 = 0

  public var averageDistance: Double { Self.ratio(distanceSum, prefetchCount) }
  /// In blocks.
  public var averageIOSize: Double { Self.ratio(ioBlocks, ioCount) }
  public var averageInProgress: Double { Self.ratio(inProgressSum, ioCount) }

  private static func ratio(_ sum: UInt64, _ count: UInt64) -> Double { count == 0 ? 0 : Double(sum) / Double(count) }
}
