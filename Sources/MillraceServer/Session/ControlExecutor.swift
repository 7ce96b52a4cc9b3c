import MillraceEngine
import MillraceSettings

/// Runs what needs no tables: settings (SHOW, SET, RESET), CHECKPOINT, and the ends of transactions. Whatever else
/// comes is refused by its first word, with SQLSTATE 0A000.
final class ControlExecutor: StatementExecutor {
  private let database: Database
  private let session: SessionInformation
  private let moment: SettingMoment
  private var settings: Settings
  private var initial: Settings
  private var statements: [String: Command] = [:]
  private var portals: [String: Portal] = [:]
  private(set) var transactionStatus = TransactionStatus.idle

  private enum Command {
    case empty
    case show(String)
    case set(String, String)
    case reset(String)
    case checkpoint
    case begin, commit, rollback
  }

  private struct Portal {
    let command: Command
    let formats: [ValueFormat]
  }

  init(_ database: Database, _ session: SessionInformation) throws(ErrorReport) {
    (self.database, self.session) = (database, session)
    moment = session.role.isSuperuser ? .superuserSession : .session
    settings = database.settings
    initial = settings
    for (name, value) in session.settings where SettingsCatalog.definition(named: name) != nil {
      do throws(SettingError) {
        try settings.set(name, to: value, at: moment)
      } catch {
        throw ErrorReport(error).with(.fatal)
      }
    }
    initial = settings
  }

  var initialParameters: [(name: String, value: String)] { InitialParameters.list(session) }
  var needsThread: Bool { transactionStatus != .idle }
  func attach(to thread: BackendThread) throws(ErrorReport) {}
  func detach() {}
  func cancel() {}
  func clearCancellation() {}
  func end() {}

  func abort() {
    if transactionStatus == .inTransaction { transactionStatus = .failed }
    portals = [:]
  }

  func sync() throws(ErrorReport) {
    if transactionStatus == .idle { portals = [:] }
  }

  // MARK: The simple protocol

  func simpleQuery(_ sql: String, _ sink: ResponseSink) throws(ErrorReport) {
    var isEmpty = true
    for tokens in try Self.statements(of: sql) where !tokens.isEmpty {
      isEmpty = false
      let command = try Self.command(tokens)
      if let columns = columns(of: command) { try sink.rowDescription(columns) }
      try sink.commandComplete(try run(command, sink))
    }
    if isEmpty { try sink.emptyQuery() }
  }

  // MARK: The extended protocol

  func parse(name: String, sql: String, parameterTypes: [UInt32]) throws(ErrorReport) {
    guard name.isEmpty || statements[name] == nil else {
      throw ErrorReport(.error, .duplicatePreparedStatement, "prepared statement \"\(name)\" already exists")
    }
    let parts = try Self.statements(of: sql).filter { !$0.isEmpty }
    guard parts.count <= 1 else {
      throw ErrorReport(.error, .syntaxError, "cannot insert multiple commands into a prepared statement")
    }
    statements[name] = try parts.first.map { tokens throws(ErrorReport) in try Self.command(tokens) } ?? .empty
  }

  private func statement(_ name: String) throws(ErrorReport) -> Command {
    guard let statement = statements[name] else {
      throw ErrorReport(
        .error, .invalidStatementName,
        name.isEmpty ? "unnamed prepared statement does not exist" : "prepared statement \"\(name)\" does not exist")
    }
    return statement
  }

  private func portal(_ name: String) throws(ErrorReport) -> Portal {
    guard let portal = portals[name] else {
      throw ErrorReport(.error, .invalidCursorName, "portal \"\(name)\" does not exist")
    }
    return portal
  }

  func bind(_ message: BindMessage) throws(ErrorReport) {
    let command = try statement(message.statement)
    guard message.parameters.count == 0 else {
      throw ErrorReport(
        .error, .protocolViolation,
        "bind message supplies \(message.parameters.count) parameters, but prepared statement"
          + " \"\(message.statement)\" requires 0")
    }
    let formats = try message.resultFormats.forColumns(columns(of: command)?.count ?? 0)
    portals[message.portal] = Portal(command: command, formats: formats)
  }

  func describe(_ target: StatementTarget) throws(ErrorReport) -> StatementDescription {
    switch target {
    case .statement(let name): return StatementDescription(columns: columns(of: try statement(name)))
    case .portal(let name):
      let portal = try portal(name)
      return StatementDescription(columns: columns(of: portal.command), formats: portal.formats)
    }
  }

  func execute(portal name: String, maxRows: Int, _ sink: ResponseSink) throws(ErrorReport) -> ExecutionOutcome {
    let command = try portal(name).command
    if case .empty = command { return .empty }
    return .completed(try run(command, sink))
  }

  func close(_ target: StatementTarget) throws(ErrorReport) {
    switch target {
    case .statement(let name): statements[name] = nil
    case .portal(let name): portals[name] = nil
    }
  }

  // MARK: Running

  private func columns(of command: Command) -> [ColumnDescription]? {
    guard case .show(let name) = command else { return nil }
    return [ColumnDescription(name, type: 25, typeLength: -1)]
  }

  /// - Returns: the command's tag.
  private func run(_ command: Command, _ sink: ResponseSink) throws(ErrorReport) -> String {
    switch command {
    case .commit, .rollback:
      defer { transactionStatus = .idle }
      if transactionStatus == .idle {
        try sink.notice(ErrorReport(.warning, .noActiveTransaction, "there is no transaction in progress"))
      }
      if case .commit = command, transactionStatus != .failed { return "COMMIT" }
      return "ROLLBACK"
    case _ where transactionStatus == .failed:
      throw ErrorReport(
        .error, .inFailedTransaction, "current transaction is aborted, commands ignored until end of transaction block")
    case .empty: return ""
    case .begin:
      if transactionStatus != .idle {
        try sink.notice(ErrorReport(.warning, .activeTransaction, "there is already a transaction in progress"))
      }
      transactionStatus = .inTransaction
      return "BEGIN"
    case .checkpoint:
      do throws(EngineError) {
        try database.checkpoint()
      } catch {
        throw ErrorReport(.error, .ioError, error.message)
      }
      return "CHECKPOINT"
    case .show(let name):
      sink.beginRow(columns: 1)
      sink.value(try shown(name))
      try sink.endRow()
      return "SHOW"
    case .set(let name, let value):
      try change { settings throws(SettingError) in try settings.set(name, to: value, at: moment) }
      return "SET"
    case .reset(let name):
      let initial = initial
      try change { settings throws(SettingError) in
        try settings.set(name, to: try initial.show(name), at: moment)
      }
      return "RESET"
    }
  }

  private func change(_ body: (inout Settings) throws(SettingError) -> Void) throws(ErrorReport) {
    do throws(SettingError) { try body(&settings) } catch { throw ErrorReport(error) }
  }

  private func shown(_ name: String) throws(ErrorReport) -> String {
    if let (_, value) = initialParameters.first(where: { $0.name.lowercased() == name.lowercased() }) { return value }
    do throws(SettingError) { return try settings.show(name) } catch { throw ErrorReport(error) }
  }

  // MARK: The text

  /// The words of each statement of a string.
  private static func statements(of sql: String) throws(ErrorReport) -> [[ReplicationTokens.Token]] {
    try ReplicationTokens.tokenize(sql)
      .split(separator: ReplicationTokens.Token(text: ";", isQuoted: false), omittingEmptySubsequences: true)
      .map(Array.init)
  }

  private static func command(_ tokens: [ReplicationTokens.Token]) throws(ErrorReport) -> Command {
    let words = tokens.map { $0.isQuoted ? "" : $0.text.uppercased() }
    func name(_ from: Int) -> String { tokens[from...].map(\.text).joined() }
    switch words[0] {
    case "CHECKPOINT" where tokens.count == 1: return .checkpoint
    case "BEGIN" where tokens.count == 1, "START" where words == ["START", "TRANSACTION"]: return .begin
    case "COMMIT" where tokens.count == 1, "END" where tokens.count == 1: return .commit
    case "ROLLBACK" where tokens.count == 1, "ABORT" where tokens.count == 1: return .rollback
    case "SHOW" where tokens.count >= 2: return .show(name(1))
    case "RESET" where tokens.count >= 2: return .reset(name(1))
    case "SET":
      if let sign = words.firstIndex(where: { $0 == "=" || $0 == "TO" }), sign >= 2, sign + 1 < tokens.count {
        return .set(tokens[1..<sign].map(\.text).joined(), name(sign + 1))
      }
    default: break
    }
    throw ErrorReport(
      .error, .featureNotSupported, "\(words[0].isEmpty ? "this statement" : words[0]) is not supported",
      detail: "This server runs SHOW, SET, RESET, CHECKPOINT and the replication commands.", position: 1)
  }
}

extension ErrorReport {
  init(_ error: SettingError) {
    let state: SQLState =
      switch error.reason {
      case .unrecognized: .undefinedObject
      case .invalidValue, .outOfRange: .invalidParameterValue
      case .notNow: .cannotChangeNow
      case .permissionDenied: .insufficientPrivilege
      case .malformedAssignment: .syntaxError
      }
    self.init(.error, state, error.message, detail: error.detail, hint: error.hint)
  }
}
