public import MillraceStorage

/// How recovery is done.
public struct RecoveryConfiguration: Sendable {
  /// Reads of pages in flight ahead of redo: `maintenance_io_concurrency`; 0 for none (`recovery_prefetch=off`).
  public var ioConcurrency = 16
  /// Blocks of one of these reads at most: `io_combine_limit`.
  public var combineLimit = 16
  /// Memory for records that are sorted by page before they are repeated, in bytes: at least `wal_decode_buffer_size`.
  /// The more of them there are, the fewer times a page is read and written.
  public var batchBytes = 512 << 10
  /// Whether the log is read by a thread of its own, while what it says is repeated; there are two batches then.
  public var readsOnThread = false
  /// How the log is read.
  public var reader = WALReaderConfiguration()

  public init() {}
}

/// What recovery did, and what it found.
public struct RecoveryReport: Sendable {
  /// Whether the cluster had not been shut down in order.
  public internal(set) var wasNeeded = false
  /// Where the first record that was repeated starts; nil if none was.
  public internal(set) var redoStart: LogSequenceNumber?
  /// Where the last one that was repeated starts (PostgreSQL's "redo done at").
  public internal(set) var redoDone: LogSequenceNumber?
  /// Where the log ends: new records go there, linked to the last one; and why it ends there.
  public internal(set) var endPosition: LogSequenceNumber
  public internal(set) var lastRecord: LogSequenceNumber
  /// What is wrong with what follows. Nil where that was not looked at, because the cluster had been shut down.
  public internal(set) var problem: WALProblem?
  /// The record that was not written to its end, and the page where its rest is missing.
  public internal(set) var abortedRecord: LogSequenceNumber?
  public internal(set) var missingContinuation: LogSequenceNumber?
  /// Where the log goes on, for who inserts: at its end; or, where that lies in the midst of a record, behind the last
  /// page that has a part of it, since who follows the log may have these pages already.
  public var resumePoint: WALResumePoint {
    WALResumePoint(
      position: missingContinuation ?? endPosition, lastRecord: lastRecord, redoPosition: state.lastCheckpoint.redo,
      isAfterCrash: wasNeeded, abandonedRecord: abortedRecord)
  }
  /// What is true of the cluster as a whole.
  public internal(set) var state: RecoveredState

  public internal(set) var recordCount: UInt64 = 0
  /// Bytes of the records, without page headers and padding.
  public internal(set) var recordBytes: UInt64 = 0
  /// Records of each resource manager, by its number.
  public internal(set) var recordCounts = [UInt64](repeating: 0, count: 256)
  /// Pages that were made from full-page images.
  public internal(set) var imageCount: UInt64 = 0
  public internal(set) var elapsedNanoseconds: UInt64 = 0
  /// Of that, waiting for pages, and for the log.
  public internal(set) var pageWaitNanoseconds: UInt64 = 0
  public internal(set) var walWaitNanoseconds: UInt64 = 0
  public internal(set) var pages = RecoveryPageStatistics()

  init(end: LogSequenceNumber, lastRecord: LogSequenceNumber, state: RecoveredState) {
    (endPosition, self.lastRecord, self.state) = (end, lastRecord, state)
  }
}
