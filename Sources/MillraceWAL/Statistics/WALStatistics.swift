import MillraceIO
import Synchronization

/// What has been done since the log was opened: a row of `pg_stat_wal`, and what PostgreSQL's AIO branch counts beside
/// it.
public struct WALStatistics: Sendable, Equatable {
  /// `wal_records`.
  public var records: UInt64 = 0
  /// `wal_fpi`: full-page images.
  public var fullPageImages: UInt64 = 0
  /// `wal_fpi_bytes`.
  public var fullPageImageBytes: UInt64 = 0
  /// `wal_bytes`: of records, with their padding, without page headers.
  public var bytes: UInt64 = 0
  /// `wal_buffers_full`: how often an inserter had to write pages out to have room.
  public var buffersFull: UInt64 = 0
  /// `wal_write`: writes started.
  public var writes: UInt64 = 0
  /// `wal_sync`: flushes started; none where writes are durable by themselves.
  public var syncs: UInt64 = 0
  /// The most writes, and flushes, that were in flight together.
  public var writeDepthReached: UInt64 = 0
  public var syncDepthReached: UInt64 = 0
  /// Groups of committers that were made durable together.
  public var commitBatches: UInt64 = 0
  /// How many of them may be in flight together, by what the disk has shown.
  public var commitBatchesLimit: UInt64 = 0
  /// How often a committer waited for others to come (`commit_delay`).
  public var commitDelays: UInt64 = 0
  /// How often the durable position was raised and published.
  public var publications: UInt64 = 0
  /// Segments that were ended by the record SWITCH.
  public var switchedSegments: UInt64 = 0
  /// `wal_partial_pad` and its bytes: records that fill a page up.
  public var padded: UInt64 = 0
  public var paddedBytes: UInt64 = 0

  public init() {}

  /// What was done since an earlier moment. The depths reached stay those since the start.
  public func since(_ earlier: WALStatistics) -> WALStatistics {
    var difference = self
    let counters: [WritableKeyPath<WALStatistics, UInt64>] = [
      \.records, \.fullPageImages, \.fullPageImageBytes, \.bytes, \.buffersFull, \.writes, \.syncs, \.commitBatches,
      \.commitDelays, \.publications, \.switchedSegments, \.padded, \.paddedBytes,
    ]
    for counter in counters { difference[keyPath: counter] -= earlier[keyPath: counter] }
    return difference
  }
}

extension WriteAheadLog {
  /// What has been done so far. Each number by itself is right; together they are of about the same moment.
  public func statistics() -> WALStatistics {
    let inserted = slots.total()
    var statistics = WALStatistics()
    statistics.records = inserted.records
    statistics.fullPageImages = inserted.images
    statistics.fullPageImageBytes = inserted.imageBytes
    statistics.bytes = inserted.bytes
    statistics.buffersFull = inserted.buffersFull
    statistics.writes = writes.startedCount
    statistics.syncs = flushes.startedCount
    statistics.writeDepthReached = writes.depthReached
    statistics.syncDepthReached = flushes.depthReached
    statistics.commitBatches = batches.appended
    statistics.commitBatchesLimit = batches.limit
    statistics.commitDelays = shared.pointee.commitDelays.relaxed
    statistics.publications = shared.pointee.publications.relaxed
    statistics.switchedSegments = shared.pointee.switchedSegments.relaxed
    statistics.padded = shared.pointee.padded.relaxed
    statistics.paddedBytes = shared.pointee.paddedBytes.relaxed
    return statistics
  }
}
