/// What an I/O is for: object and context of PostgreSQL's `pg_stat_io`.
public enum IOUse: UInt8, Sendable, CaseIterable {
  case relation
  case relationVacuum
  case relationBulkRead
  case relationBulkWrite
  /// Making files.
  case relationInit
  case temporaryRelation
  case wal
  /// Making segments.
  case walInit
  /// What `pg_stat_io` has no rows for: sorts, transaction states, slots.
  case other

  /// `object`; nil for what it has no rows for.
  public var object: String? {
    switch self {
    case .relation, .relationVacuum, .relationBulkRead, .relationBulkWrite, .relationInit: "relation"
    case .temporaryRelation: "temp relation"
    case .wal, .walInit: "wal"
    case .other: nil
    }
  }

  /// `context`.
  public var context: String {
    switch self {
    case .relation, .temporaryRelation, .wal, .other: "normal"
    case .relationVacuum: "vacuum"
    case .relationBulkRead: "bulkread"
    case .relationBulkWrite: "bulkwrite"
    case .relationInit, .walInit: "init"
    }
  }
}

/// Who has a backend: PostgreSQL's `BackendType`, as far as there is such here.
public enum IOBackendKind: UInt8, Sendable, CaseIterable, CustomStringConvertible {
  case client, autovacuumLauncher, autovacuumWorker, walSender, standalone, backgroundWriter, checkpointer, ioWorker
  case startup, walWriter

  /// The text of `backend_type` in views.
  public var description: String {
    switch self {
    case .client: "client backend"
    case .autovacuumLauncher: "autovacuum launcher"
    case .autovacuumWorker: "autovacuum worker"
    case .walSender: "walsender"
    case .standalone: "standalone backend"
    case .backgroundWriter: "background writer"
    case .checkpointer: "checkpointer"
    case .ioWorker: "io worker"
    case .startup: "startup"
    case .walWriter: "walwriter"
    }
  }
}

/// What is counted of each use; the order is that of the words of ``IOUseCounters``.
package enum IOUseCount: Int, CaseIterable {
  case reads, readBytes, readTime, writes, writeBytes, writeTime, writebacks, writebackTime, extends, extendBytes
  case extendTime, fsyncs, fsyncTime, hits, evictions, reuses

  /// Which word counts an operation, its bytes and its time.
  @inline(__always) static func of(_ operation: IOOperation) -> Self {
    switch operation {
    case .readv: .reads
    case .writev: .writes
    case .fsync, .fdatasync: .fsyncs
    case .flushRange: .writebacks
    case .allocate: .extends
    }
  }

  /// Where the time of an operation is counted that this counts.
  var time: Self {
    switch self {
    case .reads: .readTime
    case .writes: .writeTime
    case .writebacks: .writebackTime
    case .extends: .extendTime
    default: .fsyncTime
    }
  }
}

/// The counts of one kind of backend for one use: a row of `pg_stat_io`. Times are nanoseconds that backends have
/// waited.
public struct IOUseStatistics: Sendable, Equatable {
  public let kind: IOBackendKind
  public let use: IOUse
  let counts: [UInt64]

  init(_ kind: IOBackendKind, _ use: IOUse, _ counts: [UInt64]) {
    (self.kind, self.use, self.counts) = (kind, use, counts)
  }

  private func value(_ count: IOUseCount) -> UInt64 { counts[count.rawValue] }

  public var reads: UInt64 { value(.reads) }
  public var readBytes: UInt64 { value(.readBytes) }
  public var readTime: UInt64 { value(.readTime) }
  public var writes: UInt64 { value(.writes) }
  public var writeBytes: UInt64 { value(.writeBytes) }
  public var writeTime: UInt64 { value(.writeTime) }
  public var writebacks: UInt64 { value(.writebacks) }
  public var writebackTime: UInt64 { value(.writebackTime) }
  public var extends: UInt64 { value(.extends) }
  public var extendBytes: UInt64 { value(.extendBytes) }
  public var extendTime: UInt64 { value(.extendTime) }
  public var fsyncs: UInt64 { value(.fsyncs) }
  public var fsyncTime: UInt64 { value(.fsyncTime) }
  public var hits: UInt64 { value(.hits) }
  public var evictions: UInt64 { value(.evictions) }
  public var reuses: UInt64 { value(.reuses) }
}
