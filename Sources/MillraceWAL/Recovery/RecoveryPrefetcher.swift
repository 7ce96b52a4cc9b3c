import MillraceIO
import MillraceStorage

/// What prefetching has done: the columns of `pg_stat_recovery_prefetch`.
public struct RecoveryPrefetchStatistics: Sendable, Equatable {
  /// Blocks whose reads were started.
  public internal(set) var prefetched: UInt64 = 0
  /// Blocks that were in the pool, or on their way there.
  public internal(set) var hit: UInt64 = 0
  /// Blocks that redo makes anew.
  public internal(set) var skippedInit: UInt64 = 0
  /// Blocks that are not there yet.
  public internal(set) var skippedNew: UInt64 = 0
  /// Blocks with a full-page image.
  public internal(set) var skippedFullPageImage: UInt64 = 0
  /// Blocks of a record not yet repeated, named by another one.
  public internal(set) var skippedRepeated: UInt64 = 0
  /// Blocks in flight at most.
  public internal(set) var depthMax = 0
  /// Bytes of the log between the record being repeated and the last one looked at, at most.
  public internal(set) var distanceMax: UInt64 = 0
}

/// Starts the reads of the blocks that records further on refer to (PostgreSQL's xlogprefetcher.c, whose rules these
/// are; there the kernel is only advised).
struct RecoveryPrefetcher {
  private(set) var statistics = RecoveryPrefetchStatistics()
  /// Reads in flight at most: `maintenance_io_concurrency`.
  private let ioConcurrency: Int
  /// Reads in flight, oldest first, as a ring. One record can name many blocks.
  private var inFlight: [IOReference]
  private var oldest = 0
  private var inFlightCount = 0

  /// Blocks of records that have been looked at and not yet been repeated: what redo will find in the pool, or make, by
  /// the time a later record wants it. By the hash of the block; a newcomer takes an old one's place.
  private struct Recent {
    var fork: UInt32 = 0
    var block: UInt32 = 0
    var position = LogSequenceNumber.invalid
  }
  private var recent = [Recent](repeating: Recent(), count: recentCount)
  private static let recentCount = 8192

  /// - Parameter ioConcurrency: 0 switches prefetching off.
  init(ioConcurrency: Int) {
    self.ioConcurrency = ioConcurrency
    inFlight = Array(repeating: .none, count: ioConcurrency + WALLayout.blockIDMax + 1)
  }

  /// Looks at records ahead and starts reads, as far as it may without waiting.
  /// - Parameter position: of the record that is repeated next.
  mutating func lookAhead(
    _ reader: WALRecordReader, _ context: RedoContext, at position: LogSequenceNumber
  ) throws(IOError) {
    guard ioConcurrency > 0 else { return }
    while inFlightCount > 0, context.backend.isCompleted(inFlight[oldest]) {
      oldest = (oldest + 1) % inFlight.count
      inFlightCount -= 1
    }
    guard inFlightCount < ioConcurrency else { return }
    let batch = context.backend.batch()
    while inFlightCount < ioConcurrency {
      guard let record = try reader.lookAhead() else { break }
      statistics.distanceMax = max(statistics.distanceMax, record.end.rawValue - position.rawValue)
      for block in record.blocks { try prefetch(block, of: record, context, at: position) }
    }
    batch.submit()
    statistics.depthMax = max(statistics.depthMax, inFlightCount)
  }

  private mutating func prefetch(
    _ block: WALBlockReference, of record: WALRecord, _ context: RedoContext, at position: LogSequenceNumber
  ) throws(IOError) {
    let fork = context.fork(block.locator, block.fork)
    let isKnown = note(fork.id, block.block.rawValue, of: record, at: position)
    if block.appliesImage || block.willInitialize {
      if block.appliesImage { statistics.skippedFullPageImage += 1 } else { statistics.skippedInit += 1 }
      if try fork.blockCount() <= block.block.rawValue {
        let grown = context.expectedGrowth[fork.id] ?? 0
        context.expectedGrowth[fork.id] = max(grown, block.block.rawValue + 1)
      }
      return
    }
    if isKnown {
      statistics.skippedRepeated += 1
      return
    }
    guard try block.block.rawValue < fork.blockCount() else {
      statistics.skippedNew += 1
      return
    }
    switch context.pool.prefetch(fork, block.block, context.backend) {
    case .cached, .inProgress: statistics.hit += 1
    case .unavailable: break
    case .started(let reference):
      statistics.prefetched += 1
      inFlight[(oldest + inFlightCount) % inFlight.count] = reference
      inFlightCount += 1
    }
  }

  /// Notes that a record wants a block. - Returns: whether one that has not been repeated yet wants it, too.
  private mutating func note(
    _ fork: ForkID, _ block: UInt32, of record: WALRecord, at position: LogSequenceNumber
  ) -> Bool {
    let hash = (UInt64(fork.rawValue) << 32 | UInt64(block)) &* 0x9E37_79B9_7F4A_7C15
    let place = Int(hash >> 51)
    let seen = recent[place]
    recent[place] = Recent(fork: fork.rawValue, block: block, position: record.start)
    return seen.fork == fork.rawValue && seen.block == block && seen.position >= position
  }
}
