/// What `global/pg_control` says about a cluster: PostgreSQL's `ControlFileData` (src/include/catalog/pg_control.h), of
/// PostgreSQL 14 to 18.
public struct ControlFile: Sendable, Hashable {
  /// What all of a cluster's WAL and its replicas have in common.
  public let systemIdentifier: UInt64
  /// The format of the control file: 1300 for PostgreSQL 14 to 17, 1800 for 18.
  public let version: UInt32
  /// The format of the system catalogs, a date and a number. Part of the name of tablespace directories.
  public let catalogVersion: UInt32
  public let state: State
  /// When the file was last written, in seconds since 1970.
  public let modificationTime: Int64
  /// Where the record of the last checkpoint starts.
  public let checkpointLocation: LogSequenceNumber
  /// A copy of that record.
  public let checkpoint: Checkpoint
  /// The next of the made-up positions that stand in the pages of unlogged relations.
  public let unloggedLSN: LogSequenceNumber
  public let recovery: Recovery
  public let settings: Settings
  /// Bytes to which tuples are aligned.
  public let maximumAlignment: UInt32
  /// Bytes of a page. Always `PageLayout.blockSize`: other files are refused.
  public let blockSize: UInt32
  /// Blocks of a full segment of a relation: 131,072, which makes 1 GiB, unless PostgreSQL was built otherwise.
  public let segmentBlocks: UInt32
  /// Bytes of a WAL page.
  public let walBlockSize: UInt32
  /// Bytes of a WAL segment.
  public let walSegmentSize: UInt32
  /// Bytes of a `name`, including the terminator.
  public let nameLength: UInt32
  /// How many columns an index can have.
  public let maximumIndexKeys: UInt32
  /// Bytes of a chunk in a TOAST table.
  public let toastChunkSize: UInt32
  /// Bytes of a chunk in `pg_largeobject`.
  public let largeObjectChunkSize: UInt32
  public let float8PassedByValue: Bool
  /// Zero without checksums; one for the checksum that `PageChecksum` computes.
  public let dataChecksumVersion: UInt32
  /// Whether C's `char` was signed where the cluster was made. Recorded since PostgreSQL 18.
  public let charIsSigned: Bool?
  /// Thirty-two random bytes.
  public let authenticationNonce: [UInt8]

  /// Whether every initialized page carries a checksum.
  public var checksumsEnabled: Bool { dataChecksumVersion != 0 }

  /// What the server was doing when it last wrote the file: PostgreSQL's `DBState`.
  public enum State: UInt32, Sendable, CustomStringConvertible {
    case startingUp = 0
    case shutDown = 1
    case shutDownInRecovery = 2
    case shuttingDown = 3
    case inCrashRecovery = 4
    case inArchiveRecovery = 5
    case inProduction = 6

    /// The words that `pg_controldata` prints.
    public var description: String {
      switch self {
      case .startingUp: "starting up"
      case .shutDown: "shut down"
      case .shutDownInRecovery: "shut down in recovery"
      case .shuttingDown: "shutting down"
      case .inCrashRecovery: "in crash recovery"
      case .inArchiveRecovery: "in archive recovery"
      case .inProduction: "in production"
      }
    }

    /// Whether the server stopped in order. If it did not, and does not run, pages may be torn until it has recovered.
    public var isClean: Bool { self == .shutDown || self == .shutDownInRecovery }
  }

  /// A checkpoint's record: PostgreSQL's `CheckPoint`.
  public struct Checkpoint: Sendable, Hashable {
    /// Where recovery starts to read.
    public let redo: LogSequenceNumber
    public let timeline: UInt32
    /// Differs from `timeline` if the record starts a new one.
    public let previousTimeline: UInt32
    public let fullPageWrites: Bool
    /// The next transaction, with its epoch in the upper half.
    public let nextXID: UInt64
    public let nextOID: OID
    public let nextMultiXact: UInt32
    public let nextMultiXactOffset: UInt32
    public let oldestXID: UInt32
    public let oldestXIDDatabase: OID
    public let oldestMultiXact: UInt32
    public let oldestMultiXactDatabase: OID
    /// In seconds since 1970.
    public let time: Int64
    public let oldestCommitTimestampXID: UInt32
    public let newestCommitTimestampXID: UInt32
    public let oldestActiveXID: UInt32
  }

  /// How far recovery must go before the cluster is consistent.
  public struct Recovery: Sendable, Hashable {
    public let minimumPoint: LogSequenceNumber
    public let minimumPointTimeline: UInt32
    public let backupStartPoint: LogSequenceNumber
    public let backupEndPoint: LogSequenceNumber
    public let backupEndRequired: Bool
  }

  /// The settings that a replica must be able to match.
  public struct Settings: Sendable, Hashable {
    public let walLevel: WALLevel
    public let walLogHints: Bool
    public let maxConnections: Int32
    public let maxWorkerProcesses: Int32
    public let maxWALSenders: Int32
    public let maxPreparedTransactions: Int32
    public let maxLocksPerTransaction: Int32
    public let trackCommitTimestamp: Bool
  }

  /// PostgreSQL's setting `wal_level`.
  public enum WALLevel: UInt32, Sendable, CustomStringConvertible {
    case minimal = 0
    case replica = 1
    case logical = 2

    public var description: String {
      switch self {
      case .minimal: "minimal"
      case .replica: "replica"
      case .logical: "logical"
      }
    }
  }
}
