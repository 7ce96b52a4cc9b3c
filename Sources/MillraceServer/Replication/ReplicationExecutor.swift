public import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceStorage
import MillraceWAL

/// Runs the commands of a connection for physical replication (`exec_replication_command`,
/// src/backend/replication/walsender.c).
public final class ReplicationExecutor: StatementExecutor {
  private let database: Database
  private let session: SessionInformation
  private let senders: WALSenderTable
  private var settings: Settings
  private weak var thread: BackendThread?

  /// - Throws: FATAL: a setting makes no sense.
  public init(_ database: Database, _ session: SessionInformation, _ senders: WALSenderTable) throws(ErrorReport) {
    (self.database, self.session, self.senders) = (database, session, senders)
    var settings = database.settings
    for (name, value) in session.settings where SettingsCatalog.definition(named: name) != nil {
      do throws(SettingError) {
        try settings.set(name, to: value, at: session.role.isSuperuser ? .superuserSession : .session)
      } catch {
        throw ErrorReport(error).with(.fatal)
      }
    }
    self.settings = settings
  }

  public var initialParameters: [(name: String, value: String)] { InitialParameters.list(session) }
  public var transactionStatus: TransactionStatus { .idle }
  public var needsThread: Bool { false }
  public func attach(to thread: BackendThread) throws(ErrorReport) { self.thread = thread }
  public func detach() { thread = nil }
  public func sync() throws(ErrorReport) {}
  public func abort() {}
  public func cancel() {}
  public func clearCancellation() {}

  public func end() { database.replicationSlots.dropTemporary(of: session.processID) }

  private static let noExtendedProtocol = ErrorReport(
    .error, .protocolViolation, "extended query protocol not supported in a replication connection")

  public func parse(name: String, sql: String, parameterTypes: [UInt32]) throws(ErrorReport) {
    throw Self.noExtendedProtocol
  }

  public func bind(_ message: BindMessage) throws(ErrorReport) { throw Self.noExtendedProtocol }

  public func describe(_ target: StatementTarget) throws(ErrorReport) -> StatementDescription {
    throw Self.noExtendedProtocol
  }

  public func execute(
    portal: String, maxRows: Int, _ sink: ResponseSink
  ) throws(ErrorReport) -> ExecutionOutcome { throw Self.noExtendedProtocol }

  public func close(_ target: StatementTarget) throws(ErrorReport) { throw Self.noExtendedProtocol }

  // MARK: Commands

  public func simpleQuery(_ sql: String, _ sink: ResponseSink) throws(ErrorReport) {
    guard let command = try ReplicationCommand(sql) else {
      throw ErrorReport(
        .error, .featureNotSupported, "cannot execute SQL commands in WAL sender for physical replication")
    }
    switch command {
    case .identifySystem: try identifySystem(sink)
    case .show(let name): try show(name, sink)
    case .timelineHistory(let timeline): try timelineHistory(timeline, sink)
    case .createSlot(let name, let isTemporary, let reserves):
      try createSlot(name, isTemporary: isTemporary, reservesWAL: reserves, sink)
    case .dropSlot(let name, let waits):
      do throws(ReplicationSlotError) {
        try database.replicationSlots.drop(name, waits: waits, by: nil)
      } catch {
        throw ErrorReport(error)
      }
    case .readSlot(let name): try readSlot(name, sink)
    case .start(let slot, let position, let timeline): try start(slot, position, timeline, sink)
    }
    try sink.commandComplete(command.tag)
  }

  private static let text: UInt32 = 25
  private static let int8: UInt32 = 20

  private func row(
    _ columns: [(name: String, type: UInt32, value: String?)], _ sink: ResponseSink
  ) throws(ErrorReport) {
    try sink.rowDescription(
      columns.map { ColumnDescription($0.name, type: $0.type, typeLength: $0.type == Self.int8 ? 8 : -1) })
    sink.beginRow(columns: columns.count)
    for column in columns {
      if let value = column.value { sink.value(value) } else { sink.null() }
    }
    try sink.endRow()
  }

  private var timeline: UInt32 { database.log.configuration.timeline }

  private func identifySystem(_ sink: ResponseSink) throws(ErrorReport) {
    try row(
      [
        ("systemid", Self.text, "\(database.control.systemIdentifier)"), ("timeline", Self.int8, "\(timeline)"),
        ("xlogpos", Self.text, "\(database.log.flushedPosition)"), ("dbname", Self.text, nil),
      ], sink)
  }

  private func show(_ name: String, _ sink: ResponseSink) throws(ErrorReport) {
    let value: String
    switch name {
    // What PostgreSQL computes when it starts, and pg_receivewal asks for.
    case "wal_segment_size":
      value = ByteCount(bytes: Int(database.control.walSegmentSize)).description
    case "data_directory_mode": value = "0700"
    case "server_version": value = InitialParameters.serverVersion
    default:
      do throws(SettingError) {
        value = try settings.show(name)
      } catch {
        throw ErrorReport(.error, .undefinedObject, error.message)
      }
    }
    try row([(name, Self.text, value)], sink)
  }

  private func timelineHistory(_ timeline: UInt32, _ sink: ResponseSink) throws(ErrorReport) {
    let digits = String(timeline, radix: 16, uppercase: true)
    let name = String(repeating: "0", count: 8 - digits.count) + digits + ".history"
    let bytes: [UInt8]
    do throws(MillraceIO.IOError) {
      bytes = try LocalFileSystem().readAll("\(database.path)/pg_wal/\(name)")
    } catch {
      throw ErrorReport(
        .error, .undefinedFile, "could not open file \"pg_wal/\(name)\": \(MillraceIO.IOError.text(of: error.errno))")
    }
    try row(
      [("filename", Self.text, name), ("content", Self.text, String(decoding: bytes, as: UTF8.self))], sink)
  }

  private func createSlot(
    _ name: String, isTemporary: Bool, reservesWAL: Bool, _ sink: ResponseSink
  ) throws(ErrorReport) {
    do throws(ReplicationSlotError) {
      // From the redo position of the last checkpoint on, the log is there for sure.
      try database.replicationSlots.create(
        name, isTemporary ? .temporary : .persistent,
        restartPosition: reservesWAL ? database.control.checkpoint.redo : .invalid,
        by: isTemporary ? session.processID : nil)
    } catch {
      throw ErrorReport(error)
    }
    try row(
      [
        ("slot_name", Self.text, name), ("consistent_point", Self.text, "0/0"), ("snapshot_name", Self.text, nil),
        ("output_plugin", Self.text, nil),
      ], sink)
  }

  private func readSlot(_ name: String, _ sink: ResponseSink) throws(ErrorReport) {
    let slot = database.replicationSlots[name]
    let position = slot.flatMap { $0.restartPosition == .invalid ? nil : $0.restartPosition }
    try row(
      [
        ("slot_type", Self.text, slot == nil ? nil : "physical"),
        ("restart_lsn", Self.text, position.map { "\($0)" }),
        ("restart_tli", Self.int8, position == nil ? nil : "\(timeline)"),
      ], sink)
  }

  private func start(
    _ slot: String?, _ position: LogSequenceNumber, _ wanted: UInt32?, _ sink: ResponseSink
  ) throws(ErrorReport) {
    if let wanted, wanted != timeline {
      throw ErrorReport(.error, .undefinedObject, "requested timeline \(wanted) is not in this server's history")
    }
    guard position <= database.log.flushedPosition else {
      throw ErrorReport(
        .error, .objectNotInPrerequisiteState,
        "requested starting point \(position) is ahead of the WAL flush position of this server"
          + " \(database.log.flushedPosition)")
    }
    if let slot {
      do throws(ReplicationSlotError) {
        _ = try database.replicationSlots.acquire(slot, by: session.processID)
      } catch {
        throw ErrorReport(error)
      }
    }
    defer { if let slot { database.replicationSlots.release(slot) } }
    try WALSender(
      database, session, senders, slot: slot, timeout: settings[.walSenderTimeout], number: thread?.number ?? 0
    ).stream(from: position, sink)
    // The stream ends with a tag of its own.
    try sink.commandComplete("START_STREAMING")
  }
}

extension ErrorReport {
  init(_ error: ReplicationSlotError) {
    let state: SQLState =
      switch error.code {
      case .invalidName: "42602"
      case .duplicate: .duplicateObject
      case .undefined: .undefinedObject
      case .inUse: .objectInUse
      case .tooMany: .configurationLimitExceeded
      case .invalidated: .objectNotInPrerequisiteState
      case .io: .ioError
      }
    self.init(.error, state, error.message, hint: error.hint)
  }
}
