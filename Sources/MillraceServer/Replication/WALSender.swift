import CMillrace
import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceWAL
import NIOCore

/// Streams the log to one client, from a position on, as it becomes durable (src/backend/replication/walsender.c).
///
/// It sleeps until the log has been flushed further (woken by the publication of the durable position, whichever
/// `wal_sync_method` made it), the client says something, or it is time to ask whether the client is there.
final class WALSender {
  private let database: Database
  private let senders: WALSenderTable
  private let slot: String?
  /// Nanoseconds; 0 for none.
  private let timeout: UInt64
  private let name: String
  private let usualName: String
  private var status: WALSenderStatus
  private var lag = LagTracker()
  private var lastReply: UInt64
  private var hasAsked = false
  private var clientIsDone = false

  init(
    _ database: Database, _ session: SessionInformation, _ senders: WALSenderTable, slot: String?, timeout: Int,
    number: Int
  ) {
    (self.database, self.senders, self.slot) = (database, senders, slot)
    self.timeout = UInt64(timeout) * 1_000_000
    (name, usualName) = ("walsender \(number)", "backend \(number)")
    status = WALSenderStatus(
      processID: session.processID, roleName: session.role.name, applicationName: session.applicationName,
      address: session.address, startTime: Self.now(), slotName: slot)
    lastReply = monotonicNanoseconds()
  }

  private static func now() -> Int64 { DatabaseConfiguration.systemMicroseconds() - 946_684_800_000_000 }

  /// Streams until the client has had enough.
  /// - Throws: FATAL: the client is gone, or does not answer; ERROR: the log is not there any more.
  func stream(from position: LogSequenceNumber, _ sink: ResponseSink) throws(ErrorReport) {
    millrace_name_thread(name)
    defer { millrace_name_thread(usualName) }
    let backend: IOBackend
    let reader: WALStreamReader
    do throws(MillraceIO.IOError) {
      backend = try database.engine.makeBackend(name, priority: .wal, kind: .walSender)
      reader = try WALStreamReader(database.log, from: position, backend: backend)
    } catch {
      throw ErrorReport(.error, .ioError, error.description)
    }
    defer {
      reader.close()
      backend.close()
    }
    status.sent = position
    status.state = .catchup
    senders.add(status)
    defer { senders.remove(status.processID) }
    let connection = try sink.beginCopyBoth()
    let latch = connection.latch
    let follower = database.log.follow { latch.set() }
    defer { database.log.stopFollowing(follower) }
    try loop(reader, connection, sink.encoder)
    try sink.copyDone()
  }

  // MARK: The loop

  private func loop(
    _ reader: WALStreamReader, _ connection: Connection, _ encoder: MessageEncoder
  ) throws(ErrorReport) {
    while true {
      connection.latch.reset()
      while let frame = try poll(connection) { try handle(frame, reader, encoder) }
      if clientIsDone { return }
      if let failure = database.log.failure { throw ErrorReport(.fatal, .crashShutdown, "\(failure)") }
      let durable = database.log.flushedPosition
      if try send(reader, upTo: durable, encoder) {
        try keepAlive(encoder)
        continue
      }
      if status.state == .catchup { setState(.streaming) }
      if senders.isStopping, try hasEnded(durable, encoder) { return }
      try keepAlive(encoder)
      try encoder.flush()
      if database.log.flushedPosition == reader.position { connection.latch.wait(sleepTime) }
    }
  }

  /// A message that is there.
  private func poll(_ connection: Connection) throws(ErrorReport) -> Frame? {
    switch connection.next(waits: true, nanoseconds: 0) {
    case .frame(let frame): return frame
    case .timeout, .nothing: return nil
    case .closed: throw Connection.lost
    case .terminated(let report):
      // A shutdown is waited with until what was logged has been sent, which `hasEnded` sees.
      if senders.isStopping, report.state == .adminShutdown { return nil }
      throw report
    }
  }

  /// Sends the next piece. - Returns: whether there was one.
  private func send(
    _ reader: WALStreamReader, upTo durable: LogSequenceNumber, _ encoder: MessageEncoder
  ) throws(ErrorReport) -> Bool {
    do throws(WALStreamError<ErrorReport>) {
      let hasSent = try reader.next(upTo: durable) { bytes, start throws(ErrorReport) in
        encoder.begin("d")
        encoder.int8(UInt8(ascii: "w"))
        encoder.int64(Int64(bitPattern: start.rawValue))
        encoder.int64(Int64(bitPattern: durable.rawValue))
        encoder.int64(Self.now())
        encoder.bytes(bytes)
        try encoder.end()
      }
      guard hasSent else { return false }
      status.sent = reader.position
      lag.sent(reader.position, at: monotonicNanoseconds())
      senders.update(status)
      return true
    } catch {
      switch error {
      case .body(let report): throw report
      case .log(let failure): throw ErrorReport(.error, .undefinedFile, failure.description)
      }
    }
  }

  private func setState(_ state: WALSenderStatus.State) {
    status.state = state
    senders.update(status)
  }

  /// Whether a sender of a server that shuts down has done all: everything is sent, and the client has it durably, or
  /// wrote it if it never makes anything durable.
  private func hasEnded(_ durable: LogSequenceNumber, _ encoder: MessageEncoder) throws(ErrorReport) -> Bool {
    if status.state != .stopping {
      setState(.stopping)
      try sendKeepAlive(encoder, asks: true)
      try encoder.flush()
    }
    let confirmed = status.flushed == .invalid ? status.written : status.flushed
    return confirmed >= durable || timeout > 0 && monotonicNanoseconds() - lastReply > timeout / 2
  }

  // MARK: What the client says

  private func handle(
    _ frame: Frame, _ reader: WALStreamReader, _ encoder: MessageEncoder
  ) throws(ErrorReport) {
    switch frame.kind {
    case MessageKind.copyData: break
    case MessageKind.copyDone:
      clientIsDone = true
      return
    case MessageKind.terminate: throw ErrorReport(.fatal, .connectionFailure, "connection to client lost")
    case MessageKind.copyFail:
      throw ErrorReport(.error, .queryCanceled, "the client has given up the stream")
    default:
      throw ErrorReport(.fatal, .protocolViolation, "unexpected message type \(frame.kind) in the stream")
    }
    var message = MessageReader(frame.body)
    switch try message.byte() {
    case UInt8(ascii: "r"): try standbyStatus(&message, encoder)
    case UInt8(ascii: "h"):
      // What its queries still see holds back nothing here: slots hold back log, and never rows.
      break
    case let kind:
      throw ErrorReport(.fatal, .protocolViolation, "unexpected message type \"\(UnicodeScalar(kind))\"")
    }
    lastReply = monotonicNanoseconds()
    hasAsked = false
  }

  private func standbyStatus(
    _ message: inout MessageReader, _ encoder: MessageEncoder
  ) throws(ErrorReport) {
    func position() throws(ErrorReport) -> LogSequenceNumber {
      LogSequenceNumber(UInt64(bitPattern: try message.int64()))
    }
    let (written, flushed, applied) = (try position(), try position(), try position())
    let time = try message.int64()
    let wantsReply = try message.byte() != 0
    (status.written, status.flushed, status.applied, status.replyTime) = (written, flushed, applied, time)
    let lags = lag.answered(
      written: written, flushed: flushed, applied: applied, isIdle: applied == status.sent,
      at: monotonicNanoseconds())
    (status.writeLag, status.flushLag, status.applyLag) = (lags.write, lags.flush, lags.apply)
    senders.update(status)
    if let slot, flushed != .invalid { database.replicationSlots.advance(slot, to: flushed) }
    if wantsReply {
      try sendKeepAlive(encoder, asks: false)
      try encoder.flush()
    }
  }

  // MARK: Is it there?

  /// Asks the client to answer when half of the time is over; gives it up when all of it is.
  private func keepAlive(_ encoder: MessageEncoder) throws(ErrorReport) {
    guard timeout > 0 else { return }
    let silence = monotonicNanoseconds() - lastReply
    guard silence < timeout else {
      throw ErrorReport(
        .fatal, .connectionFailure, "terminating walsender process due to replication timeout")
    }
    if silence >= timeout / 2, !hasAsked {
      hasAsked = true
      try sendKeepAlive(encoder, asks: true)
      try encoder.flush()
    }
  }

  private var sleepTime: Int64 {
    // A sender that shuts down looks now and then.
    if senders.isStopping { return 100_000_000 }
    guard timeout > 0 else { return -1 }
    let silence = monotonicNanoseconds() - lastReply
    let next = hasAsked ? timeout : timeout / 2
    return silence < next ? Int64(next - silence) : 1_000_000
  }

  private func sendKeepAlive(_ encoder: MessageEncoder, asks: Bool) throws(ErrorReport) {
    encoder.begin("d")
    encoder.int8(UInt8(ascii: "k"))
    encoder.int64(Int64(bitPattern: status.sent.rawValue))
    encoder.int64(Self.now())
    encoder.int8(asks ? 1 : 0)
    try encoder.end()
  }
}
