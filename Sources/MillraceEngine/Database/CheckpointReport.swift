public import MillraceStorage

/// What a checkpoint did.
public struct CheckpointReport: Sendable, Equatable {
  /// Where recovery starts from now on.
  public var redoPosition = LogSequenceNumber.invalid
  /// Where the checkpoint's record starts.
  public var location = LogSequenceNumber.invalid
  /// The pages: how many were dirty, and how they were written.
  public var pages = BufferCheckpointResult()
  /// The files that were made durable.
  public var sync = SyncReport()
  /// Nanoseconds for writing pages, for making files durable, and in all.
  public var writeNanoseconds: UInt64 = 0
  public var syncNanoseconds: UInt64 = 0
  public var totalNanoseconds: UInt64 = 0

  public init() {}
}
