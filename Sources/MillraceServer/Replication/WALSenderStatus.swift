import MillraceIO
public import MillraceStorage

/// What pg_stat_replication shows of one who is sent WAL.
public struct WALSenderStatus: Sendable, Hashable {
  public enum State: String, Sendable {
    case startup, catchup, streaming, stopping
  }

  public let processID: UInt32
  public let roleName: String
  public let applicationName: String
  public let address: ClientAddress
  /// Microseconds since 2000.
  public let startTime: Int64
  public var slotName: String?
  public var state = State.startup
  public var sent = LogSequenceNumber.invalid
  /// What the other side says that it has written, made durable, applied.
  public var written = LogSequenceNumber.invalid
  public var flushed = LogSequenceNumber.invalid
  public var applied = LogSequenceNumber.invalid
  /// Nanoseconds between a position's being durable here and the answer that it is written, durable, applied there; nil
  /// where nothing new has been sent for some time.
  public var writeLag: UInt64?
  public var flushLag: UInt64?
  public var applyLag: UInt64?
  /// When the last answer was sent, by the other side's clock, in microseconds since 2000.
  public var replyTime: Int64?
}

/// The places of WAL senders, as many as `max_wal_senders`.
public final class WALSenderTable: Sendable {
  private struct State {
    var senders: [UInt32: WALSenderStatus] = [:]
    var isStopping = false
    var waiters: [@Sendable () -> Void] = []
  }

  private let state = Locked(State())
  public let max: Int

  init(max: Int) { self.max = max }

  /// In the order in which they began.
  public var all: [WALSenderStatus] {
    state.withLock { $0.senders.values.sorted { ($0.startTime, $0.processID) < ($1.startTime, $1.processID) } }
  }

  /// Whether senders are to send what is left, and end.
  var isStopping: Bool { state.withLock { $0.isStopping } }

  func add(_ status: WALSenderStatus) { state.withLock { $0.senders[status.processID] = status } }

  func update(_ status: WALSenderStatus) { state.withLock { $0.senders[status.processID] = status } }

  func remove(_ processID: UInt32) { state.withLock { _ = $0.senders.removeValue(forKey: processID) } }

  /// Nothing more will be logged: senders end when they have sent all of it.
  func stop() { state.withLock { $0.isStopping = true } }
}
