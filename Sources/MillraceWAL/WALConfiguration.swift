import Glibc
public import MillraceIO
public import MillraceStorage

/// Which call makes WAL durable: `wal_sync_method`.
public enum WALSyncMethod: String, Sendable, CaseIterable, CustomStringConvertible {
  case fsync
  case fdatasync
  /// Every write is durable with all metadata (O_SYNC).
  case openSync = "open_sync"
  /// Every write is durable with the metadata that reading it back needs (O_DSYNC). With `io_direct=wal` a commit is
  /// one write that the disk forces to its medium (FUA).
  case openDatasync = "open_datasync"
  /// Whichever of `fdatasync` and direct `open_datasync` is faster on the volume.
  case auto

  public var description: String { rawValue }

  /// Whether a write is durable when it completes.
  public var isDurableOnWrite: Bool { self == .openSync || self == .openDatasync }
}

/// How a log is kept. Fixed for its life, but for what ``WriteAheadLog`` has functions to change.
public struct WALConfiguration: Sendable {
  /// `pg_wal`, as the file system shall resolve it.
  public var directory: String
  public var fileSystem: IOFileSystem = LocalFileSystem()
  /// `wal_segment_size`, bytes: a power of two from 1 MiB to 1 GiB; a property of the cluster.
  public var segmentSize: UInt64 = 16 << 20
  public var timeline: UInt32 = 1
  public var systemIdentifier: UInt64

  /// `wal_buffers`, pages.
  public var bufferPages = 2048
  /// `wal_sync_method`.
  public var syncMethod = WALSyncMethod.fdatasync
  /// `fsync`: off acknowledges what has been written only.
  public var isFsyncEnabled = true
  /// `full_page_writes`.
  public var fullPageWrites = true
  /// `io_direct=wal`.
  public var isDirect = false
  /// `io_direct=wal_init`.
  public var isInitializationDirect = false
  /// `wal_init_zero`.
  public var initializesWithZeros = true
  /// `wal_recycle`.
  public var recyclesSegments = true
  /// `min_wal_size`, bytes.
  public var sizeMin: UInt64 = 80 << 20
  /// `max_wal_size`, bytes.
  public var sizeMax: UInt64 = 1 << 30
  /// `checkpoint_completion_target`, for the estimate of how many segments will be needed.
  public var checkpointCompletionTarget = 0.9
  /// Segments that are made before they are needed.
  public var segmentsAhead = 1

  /// `io_wal_concurrency`: writes in flight at most, and flushes.
  public var ioConcurrency = 32
  /// `io_wal_target_blocks`: the size of one write of many, pages; 0 for no limit.
  public var ioTargetPages = 8
  /// `io_wal_pad_partial`.
  public var padsPartialPages = false
  /// Groups of committers that are made durable at the same time, at most. One is what PostgreSQL does; how many there
  /// are up to this follows from what the disk shows (``CommitDepth``).
  public var commitBatchesMax = 8
  /// Off where a test wants so many whatever the disk shows.
  var learnsCommitDepth = true
  /// `commit_delay`, microseconds.
  public var commitDelay = 0
  /// `commit_siblings`.
  public var commitSiblings = 5
  /// `wal_writer_delay`, milliseconds.
  public var writerDelay = 200
  /// `wal_writer_flush_after`, pages; 0 flushes whenever there is something to.
  public var writerFlushAfterPages = 128
  public var hugePages = IOMemory.HugePages.try
  /// Microseconds since 2000, for a record that says when it was written.
  public var clock: @Sendable () -> Int64 = { WALConfiguration.systemMicroseconds() }
  /// Monotonic nanoseconds, for what the log learns from how long things take.
  public var monotonicClock: @Sendable () -> UInt64 = { monotonicNanoseconds() }
  /// Off only in the test that shows what it is for.
  var clearsStalePages = true

  private static func systemMicroseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    // 10,957 days from 1970 to 2000.
    return (Int64(time.tv_sec) - 10_957 * 86_400) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }

  public init(directory: String, systemIdentifier: UInt64) {
    (self.directory, self.systemIdentifier) = (directory, systemIdentifier)
  }

  /// Checks ranges.
  /// - Throws: ``WALError`` `.invalidConfiguration`, naming the setting and its range.
  func validate() throws(WALError) {
    guard WALGeometry.isValid(segmentSize: segmentSize) else {
      throw WALError(
        .invalidConfiguration, "wal_segment_size is \(segmentSize); it must be a power of two between 1 MB and 1 GB")
    }
    try check("wal_buffers", bufferPages, 4...Int(Int32.max) / WALLayout.pageSize)
    try check("io_wal_concurrency", ioConcurrency, 1...65_536)
    try check("io_wal_target_blocks", ioTargetPages, 0...Int(Int32.max) / WALLayout.pageSize)
    try check("commitBatchesMax", commitBatchesMax, 1...Int(CommitBatches.capacity) / 2)
    try check("commit_delay", commitDelay, 0...100_000)
    try check("commit_siblings", commitSiblings, 0...1000)
    try check("wal_writer_delay", writerDelay, 1...10_000)
    try check("wal_writer_flush_after", writerFlushAfterPages, 0...Int(Int32.max))
    try check("segmentsAhead", segmentsAhead, 0...1024)
  }

  private func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(WALError) {
    guard !range.contains(value) else { return }
    throw WALError(
      .invalidConfiguration,
      "\(value) is outside the valid range for parameter \"\(name)\" (\(range.lowerBound) .. \(range.upperBound))")
  }
}

/// Where a log goes on: what recovery, or the making of a cluster, has found.
public struct WALResumePoint: Sendable, Equatable {
  /// Where the next record goes: behind the last valid one.
  public var position: LogSequenceNumber
  /// Where the last record starts.
  public var lastRecord: LogSequenceNumber
  /// Where recovery would start now.
  public var redoPosition: LogSequenceNumber
  /// Whether the log was not ended by a shutdown. Then what lies behind its end is cleared. What lies before it has
  /// been made durable by whoever read it (``StorageManager/syncDataDirectory(_:)``).
  public var isAfterCrash: Bool
  /// A record that starts before `position` and was never written to its end; its rest is missing from there on, which
  /// is the start of a page. It stays, and the log says that it was given up.
  public var abandonedRecord: LogSequenceNumber?

  public init(
    position: LogSequenceNumber, lastRecord: LogSequenceNumber, redoPosition: LogSequenceNumber,
    isAfterCrash: Bool = true, abandonedRecord: LogSequenceNumber? = nil
  ) {
    (self.position, self.lastRecord, self.redoPosition) = (position, lastRecord, redoPosition)
    (self.isAfterCrash, self.abandonedRecord) = (isAfterCrash, abandonedRecord)
  }
}
