import MillraceIO
import MillraceStorage

/// What checkpoints have done since the database was opened: a row of `pg_stat_checkpointer`.
public struct CheckpointStatistics: Sendable, Equatable {
  /// Due by `checkpoint_timeout`, and asked for; and those that were made.
  public var timed: UInt64 = 0
  public var requested: UInt64 = 0
  public var done: UInt64 = 0
  /// Nanoseconds of writing pages, and of making files durable.
  public var writeTime: UInt64 = 0
  public var syncTime: UInt64 = 0
  public var pagesWritten: UInt64 = 0
  /// Pages of transaction states.
  public var statePagesWritten: UInt64 = 0

  public init() {}

  mutating func add(_ writing: CheckpointReport.Writing, statePages: Int) {
    done += 1
    writeTime += writing.writeNanoseconds
    syncTime += writing.syncNanoseconds
    pagesWritten += writing.pages.stream.ioBlocks
    statePagesWritten += UInt64(statePages)
  }
}

extension Database {
  /// What checkpoints have done since it was opened.
  public var checkpointStatistics: CheckpointStatistics { checkpoints.statistics.withLock { $0 } }
}
