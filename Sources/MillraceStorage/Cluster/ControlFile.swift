/// What `global/pg_control` says about a cluster: PostgreSQL's `ControlFileData` (src/include/catalog/pg_control.h), of
/// PostgreSQL 14 to 18.
public struct ControlFile: Sendable, Hashable {
  /// What all of a cluster's WAL and its replicas have in common.
  public var systemIdentifier: UInt64
  /// The format of the control file: 1300 for PostgreSQL 14 to 17, 1800 for 18.
  public var version: UInt32
  /// The format of the system catalogs, a date and a number. Part of the name of tablespace directories.
  public var catalogVersion: UInt32
  public var state: State
  /// When the file was last written, in seconds since 1970.
  public var modificationTime: Int64
  /// Where the record of the last checkpoint starts.
  public var checkpointLocation: LogSequenceNumber
  /// A copy of that record.
  public var checkpoint: Checkpoint
  /// The next of the made-up positions that stand in the pages of unlogged relations.
  public var unloggedLSN: LogSequenceNumber
  public var recovery: Recovery
  public var settings: Settings
  /// Bytes to which tuples are aligned.
  public var maximumAlignment: UInt32
  /// Bytes of a page. Always `PageLayout.blockSize`: other files are refused.
  public var blockSize: UInt32
  /// Blocks of a full segment of a relation: 131,072, which makes 1 GiB, unless PostgreSQL was built otherwise.
  public var segmentBlocks: UInt32
  /// Bytes of a WAL page.
  public var walBlockSize: UInt32
  /// Bytes of a WAL segment.
  public var walSegmentSize: UInt32
  /// Bytes of a `name`, including the terminator.
  public var nameLength: UInt32
  /// How many columns an index can have.
  public var maximumIndexKeys: UInt32
  /// Bytes of a chunk in a TOAST table.
  public var toastChunkSize: UInt32
  /// Bytes of a chunk in `pg_largeobject`.
  public var largeObjectChunkSize: UInt32
  public var float8PassedByValue: Bool
  /// Zero without checksums; one for the checksum that `PageChecksum` computes.
  public var dataChecksumVersion: UInt32
  /// Whether C's `char` was signed where the cluster was made. Recorded since PostgreSQL 18.
  public var charIsSigned: Bool?
  /// Thirty-two random bytes.
  public var authenticationNonce: [UInt8]

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
    public var redo: LogSequenceNumber
    public var timeline: UInt32
    /// Differs from `timeline` if the record starts a new one.
    public var previousTimeline: UInt32
    public var fullPageWrites: Bool
    /// The next transaction, with its epoch in the upper half.
    public var nextXID: UInt64
    public var nextOID: OID
    public var nextMultiXact: UInt32
    public var nextMultiXactOffset: UInt32
    public var oldestXID: UInt32
    public var oldestXIDDatabase: OID
    public var oldestMultiXact: UInt32
    public var oldestMultiXactDatabase: OID
    /// In seconds since 1970.
    public var time: Int64
    public var oldestCommitTimestampXID: UInt32
    public var newestCommitTimestampXID: UInt32
    public var oldestActiveXID: UInt32
  }

  /// How far recovery must go before the cluster is consistent.
  public struct Recovery: Sendable, Hashable {
    public var minimumPoint: LogSequenceNumber
    public var minimumPointTimeline: UInt32
    public var backupStartPoint: LogSequenceNumber
    public var backupEndPoint: LogSequenceNumber
    public var backupEndRequired: Bool
  }

  /// The settings that a replica must be able to match.
  public struct Settings: Sendable, Hashable {
    public var walLevel: WALLevel
    public var walLogHints: Bool
    public var maxConnections: Int32
    public var maxWorkerProcesses: Int32
    public var maxWALSenders: Int32
    public var maxPreparedTransactions: Int32
    public var maxLocksPerTransaction: Int32
    public var trackCommitTimestamp: Bool
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
