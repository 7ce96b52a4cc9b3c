public import MillraceStorage

/// One who is sent the log: a row of `pg_stat_replication`.
public struct ReplicaStatus: Sendable {
  public let processID: Int32
  public let userName: String
  public let applicationName: String
  /// Microseconds since 2000.
  public let startTime: Int64
  public let state: String
  public var clientAddress: String?
  /// -1 for a socket in the file system.
  public var clientPort: Int32 = -1
  public var sent = LogSequenceNumber.invalid
  /// What it says that it has written, made durable, applied.
  public var written = LogSequenceNumber.invalid
  public var flushed = LogSequenceNumber.invalid
  public var applied = LogSequenceNumber.invalid
  /// Nanoseconds until the answer that something is written, durable, applied; nil where nothing new has been sent.
  public var writeLag: UInt64?
  public var flushLag: UInt64?
  public var applyLag: UInt64?
  /// When the last answer was sent, in microseconds since 2000.
  public var replyTime: Int64?

  public init(processID: Int32, userName: String, applicationName: String, startTime: Int64, state: String) {
    (self.processID, self.userName, self.applicationName) = (processID, userName, applicationName)
    (self.startTime, self.state) = (startTime, state)
  }
}
