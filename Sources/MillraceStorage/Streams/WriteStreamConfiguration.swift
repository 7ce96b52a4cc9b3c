public import MillraceIO

/// How a ``WriteStream`` writes.
public struct WriteStreamConfiguration: Sendable {
  /// Writes in flight at most: `maintenance_io_concurrency`, 1 at least.
  public var ioConcurrency = 16
  /// Blocks of one write at most: `io_combine_limit`.
  public var combineLimit = 16
  /// Pages that are collected, sorted and written together, with one flush of the log before: 0 is eight full writes.
  public var batchLimit = 0
  /// After how many written blocks the kernel is asked to write them out: `checkpoint_flush_after`,
  /// `bgwriter_flush_after`, `backend_flush_after`. 0 is never. Without meaning for direct I/O.
  public var flushAfter = 0
  /// What the writes count as; nil for what the pool is for.
  public var use: IOUse?

  /// Writes that a stream keeps in flight while there is I/O that somebody waits for, where its backend's can wait
  /// (``IOPriority``).
  public var besideForeground = 2

  public init() {}
}

/// What a write stream has done.
public struct WriteStreamStatistics: Sendable, Equatable {
  /// Writes started, and their blocks.
  public internal(set) var ioCount: UInt64 = 0
  public internal(set) var ioBlocks: UInt64 = 0
  /// Sum over all starts of how many were in flight then, the new one included.
  public internal(set) var inProgressSum: UInt64 = 0
  /// How often a write had to be waited for.
  public internal(set) var waitCount: UInt64 = 0
  /// How often the log had to be made durable first.
  public internal(set) var logFlushCount: UInt64 = 0
  /// Pages that others had written meanwhile, or that nobody needs written any more.
  public internal(set) var cleanCount: UInt64 = 0
  /// How often it waited because there was I/O that somebody waits for.
  public internal(set) var yieldCount: UInt64 = 0
  /// Pages that were left alone because somebody had them locked.
  public internal(set) var lockedCount: UInt64 = 0
  /// Pages that could not be written, and stay dirty.
  public internal(set) var failedCount: UInt64 = 0
  /// Ranges of files that the kernel was asked to write out.
  public internal(set) var flushRangeCount: UInt64 = 0
}
