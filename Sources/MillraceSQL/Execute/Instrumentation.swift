public import MillraceStorage

/// Which counters an execution keeps: the options of EXPLAIN. Time costs two looks at the clock for each batch.
public struct InstrumentationOptions: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Rows and loops: ANALYZE.
  public static let rows = InstrumentationOptions(rawValue: 1)
  public static let timing = InstrumentationOptions(rawValue: 2)
  public static let buffers = InstrumentationOptions(rawValue: 4)
  public static let wal = InstrumentationOptions(rawValue: 8)
  public static let all: InstrumentationOptions = [.rows, .timing, .buffers, .wal]
}

/// What the execution of one node of a plan has counted, over all its loops: PostgreSQL's `Instrumentation`
/// (src/include/executor/instrument.h), and what EXPLAIN ANALYZE prints besides. Buffers, log and time include those of
/// the nodes below. Used by the session's thread.
public final class NodeInstrumentation {
  /// Rows given out.
  public var rows: UInt64 = 0
  /// How often it was started, or started over.
  public var loops: UInt64 = 0
  /// Nanoseconds up to the first row of each loop, and up to the end.
  public var startupNanoseconds: UInt64 = 0
  public var totalNanoseconds: UInt64 = 0
  /// `Rows Removed by Filter`, and by the condition of a join (`Join Filter`).
  public var removedByFilter: UInt64 = 0
  public var removedByJoinFilter: UInt64 = 0
  /// `Rows Removed by Index Recheck`.
  public var removedByRecheck: UInt64 = 0
  public var buffers = BufferUsage()
  public var wal = LogUsage()
  /// What the scan's read streams have done: `Prefetch:` and `I/O:`; nil for what reads through none.
  public var io: IOUsage?
  /// `Index Searches`: descents from the root; nil for what is no index scan.
  public var indexSearches: UInt64?
  /// `Heap Fetches`: rows of an index-only scan that were looked at in the table; nil for what is none.
  public var heapFetches: UInt64?
  /// `Heap Blocks: exact=… lossy=…` of a bitmap heap scan.
  public var exactBlocks: UInt64 = 0
  public var lossyBlocks: UInt64 = 0
  public var sort: SortUsage?
  public var hash: HashUsage?
  /// Of a hashed aggregation, set operation or subplan.
  public var aggregate: HashAggregateUsage?
  /// Of a materialization, a common table or a recursive union: `Storage: Memory  Maximum Storage: 17kB`.
  public var storage: TupleStorageUsage?
  /// Of a cache of look-ups: `Hits: 900  Misses: 100 ...`.
  public var memoize: MemoizeUsage?
  /// Of INSERT ... ON CONFLICT: `Tuples Inserted`, `Conflicting Tuples`.
  public var inserted: UInt64 = 0
  public var conflicts: UInt64 = 0

  public init() {}
}

/// Blocks that were used: PostgreSQL's `BufferUsage`.
public struct BufferUsage: Hashable, Sendable {
  public var sharedHit: UInt64 = 0
  public var sharedRead: UInt64 = 0
  public var sharedDirtied: UInt64 = 0
  public var sharedWritten: UInt64 = 0
  public var localHit: UInt64 = 0
  public var localRead: UInt64 = 0
  public var localDirtied: UInt64 = 0
  public var localWritten: UInt64 = 0
  public var temporaryRead: UInt64 = 0
  public var temporaryWritten: UInt64 = 0

  public init() {}

  public static func + (left: BufferUsage, right: BufferUsage) -> BufferUsage { left.combined(right, &+) }
  public static func - (left: BufferUsage, right: BufferUsage) -> BufferUsage { left.combined(right, &-) }

  private func combined(_ other: BufferUsage, _ step: (UInt64, UInt64) -> UInt64) -> BufferUsage {
    var result = BufferUsage()
    result.sharedHit = step(sharedHit, other.sharedHit)
    result.sharedRead = step(sharedRead, other.sharedRead)
    result.sharedDirtied = step(sharedDirtied, other.sharedDirtied)
    result.sharedWritten = step(sharedWritten, other.sharedWritten)
    result.localHit = step(localHit, other.localHit)
    result.localRead = step(localRead, other.localRead)
    result.localDirtied = step(localDirtied, other.localDirtied)
    result.localWritten = step(localWritten, other.localWritten)
    result.temporaryRead = step(temporaryRead, other.temporaryRead)
    result.temporaryWritten = step(temporaryWritten, other.temporaryWritten)
    return result
  }
}

/// What was written to the log: PostgreSQL's `WalUsage`.
public struct LogUsage: Hashable, Sendable {
  public var records: UInt64 = 0
  public var fullPageImages: UInt64 = 0
  public var bytes: UInt64 = 0

  public init() {}

  public static func + (left: LogUsage, right: LogUsage) -> LogUsage {
    var result = left
    result.records &+= right.records
    result.fullPageImages &+= right.fullPageImages
    result.bytes &+= right.bytes
    return result
  }

  public static func - (left: LogUsage, right: LogUsage) -> LogUsage {
    var result = left
    result.records &-= right.records
    result.fullPageImages &-= right.fullPageImages
    result.bytes &-= right.bytes
    return result
  }
}

/// What a node's read streams have done, added up over its loops: EXPLAIN (ANALYZE, IO).
public struct IOUsage: Hashable, Sendable {
  public var prefetchCount: UInt64 = 0
  public var distanceSum: UInt64 = 0
  public var distanceMax = 0
  public var capacity = 0
  public var ioCount: UInt64 = 0
  public var ioBlocks: UInt64 = 0
  public var waitCount: UInt64 = 0
  public var inProgressSum: UInt64 = 0

  public init() {}

  /// Adds what one stream has done.
  public mutating func add(_ stream: ReadStreamStatistics) {
    prefetchCount += stream.prefetchCount
    distanceSum += stream.distanceSum
    distanceMax = max(distanceMax, stream.distanceMax)
    capacity = max(capacity, stream.capacity)
    ioCount += stream.ioCount
    ioBlocks += stream.ioBlocks
    waitCount += stream.waitCount
    inProgressSum += stream.inProgressSum
  }

  /// `Prefetch: avg=…`, in blocks.
  public var averageDistance: Double { Self.ratio(distanceSum, prefetchCount) }
  /// `I/O: … size=…`, in blocks.
  public var averageSize: Double { Self.ratio(ioBlocks, ioCount) }
  public var averageInProgress: Double { Self.ratio(inProgressSum, ioCount) }

  private static func ratio(_ sum: UInt64, _ count: UInt64) -> Double { count == 0 ? 0 : Double(sum) / Double(count) }
}

/// `Sort Method: quicksort  Memory: 25kB`.
public struct SortUsage: Hashable, Sendable {
  public enum Method: String, Hashable, Sendable {
    case quicksort
    case topN = "top-N heapsort"
    case externalMerge = "external merge"
  }

  public var method: Method
  /// Whether ``bytes`` are on disk.
  public var isOnDisk: Bool
  public var bytes: Int64

  public init(_ method: Method, isOnDisk: Bool, bytes: Int64) {
    (self.method, self.isOnDisk, self.bytes) = (method, isOnDisk, bytes)
  }
}

/// `Buckets: 1024  Batches: 1  Memory Usage: 9kB`.
public struct HashUsage: Hashable, Sendable {
  public var buckets: Int
  public var originalBuckets: Int
  public var batches: Int
  public var originalBatches: Int
  public var peakBytes: Int

  public init(buckets: Int, batches: Int, peakBytes: Int) {
    (self.buckets, originalBuckets, self.peakBytes) = (buckets, buckets, peakBytes)
    (self.batches, originalBatches) = (batches, batches)
  }
}

/// `Batches: 1  Memory Usage: 24kB  Disk Usage: 0kB`.
public struct HashAggregateUsage: Hashable, Sendable {
  public var batches: Int
  public var peakBytes: Int
  public var diskBytes: Int64

  public init(batches: Int, peakBytes: Int, diskBytes: Int64) {
    (self.batches, self.peakBytes, self.diskBytes) = (batches, peakBytes, diskBytes)
  }
}

/// `Hits: 900  Misses: 100  Evictions: 0  Overflows: 0  Memory Usage: 11kB`.
public struct MemoizeUsage: Hashable, Sendable {
  public var hits: UInt64
  public var misses: UInt64
  public var evictions: UInt64
  public var overflows: UInt64
  public var peakBytes: Int

  public init(hits: UInt64, misses: UInt64, evictions: UInt64, overflows: UInt64, peakBytes: Int) {
    (self.hits, self.misses, self.evictions, self.overflows) = (hits, misses, evictions, overflows)
    self.peakBytes = peakBytes
  }
}

/// `Storage: Memory  Maximum Storage: 17kB`.
public struct TupleStorageUsage: Hashable, Sendable {
  public var isOnDisk: Bool
  public var bytes: Int64

  public init(isOnDisk: Bool, bytes: Int64) { (self.isOnDisk, self.bytes) = (isOnDisk, bytes) }
}
