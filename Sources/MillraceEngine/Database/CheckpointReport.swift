public import MillraceStorage

/// What a checkpoint did.
public struct CheckpointReport: Sendable, Equatable {
  /// Where recovery starts from now on.
  public let redoPosition: LogSequenceNumber
  /// Where the checkpoint's record starts.
  public let location: LogSequenceNumber
  public let writing: Writing
  /// From its beginning until old segments of the log were let go of.
  public let totalNanoseconds: UInt64

  /// What was written and made durable.
  public struct Writing: Sendable, Equatable {
    /// The pages: how many were dirty, and how they were written.
    public let pages: BufferCheckpointResult
    /// The files that were made durable.
    public let sync: SyncReport
    /// For writing pages and the commit log, and for making the files durable.
    public let writeNanoseconds, syncNanoseconds: UInt64
  }
}
