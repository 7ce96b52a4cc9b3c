import MillraceIO
import MillraceServer
import MillraceStorage
import MillraceTypes
import NIOCore
import Synchronization

/// An executor that is small but honest: its transactions commit and roll back, its slow statements can be cancelled,
/// its rows are made one by one.
final class TestExecutor: StatementExecutor {
  private let database: TestDatabase
  private let information: SessionInformation
  private let latch = Latch()
  private let isCancelled = Atomic<Bool>(false)
  private var statements: [String: TestStatement?] = [:]
  private var portals: [String: Portal] = [:]
  private var pending: [Int]?
  private var block = TransactionStatus.idle
  private(set) var thread: BackendThread?

  private struct Portal {
    let statement: TestStatement?
    let parameters: ParameterList
    let formats: [ValueFormat]
    var next = 0
    var isDone = false
  }

  init(_ database: TestDatabase, _ information: SessionInformation) {
    (self.database, self.information) = (database, information)
  }

  var initialParameters: [(name: String, value: String)] {
    [
      ("server_version", "18.0"), ("server_encoding", "UTF8"), ("client_encoding", "UTF8"),
      ("application_name", information.applicationName), ("is_superuser", information.role.isSuperuser ? "on" : "off"),
      ("session_authorization", information.role.name), ("DateStyle", "ISO, MDY"), ("IntervalStyle", "postgres"),
      ("TimeZone", "UTC"), ("integer_datetimes", "on"), ("standard_conforming_strings", "on"),
    ]
  }

  var transactionStatus: TransactionStatus { block }
  var needsThread: Bool { block != .idle || pending != nil || !portals.isEmpty }

  func attach(to thread: BackendThread) throws(ErrorReport) { self.thread = thread }
  func detach() { thread = nil }

  func cancel() {
    isCancelled.store(true, ordering: .releasing)
    latch.set()
  }

  func clearCancellation() { isCancelled.store(false, ordering: .relaxed) }

  func end() {
    rollBack()
    database.state.withLock { $0.ended += 1 }
  }

  func abort() {
    portals = [:]
    let wasInBlock = block != .idle
    rollBack()
    block = wasInBlock ? .failed : .idle
  }

  private func rollBack() {
    guard pending != nil || block != .idle else { return }
    pending = nil
    database.state.withLock { $0.rollbacks += 1 }
  }

  private func commit() {
    if let pending { database.state.withLock { $0.rows += pending } }
    pending = nil
    block = .idle
  }

  // MARK: Simple

  func simpleQuery(_ sql: String, _ sink: ResponseSink) throws(ErrorReport) {
    var isEmpty = true
    for part in sql.split(separator: ";") {
      guard let statement = try TestStatement(String(part)) else { continue }
      isEmpty = false
      var portal = Portal(statement: statement, parameters: .none, formats: [])
      try check(statement)
      if let columns = statement.columns { try sink.rowDescription(columns) }
      guard case .completed(let tag) = try run(&portal, 0, sink) else { continue }
      try sink.commandComplete(tag)
    }
    if isEmpty { try sink.emptyQuery() }
    try sync()
  }

  // MARK: Extended

  func parse(name: String, sql: String, parameterTypes: [UInt32]) throws(ErrorReport) {
    guard name.isEmpty || statements[name] == nil else {
      throw ErrorReport(.error, .duplicatePreparedStatement, "prepared statement \"\(name)\" already exists")
    }
    guard !sql.dropLast().contains(";") else {
      throw ErrorReport(.error, .syntaxError, "cannot insert multiple commands into a prepared statement")
    }
    let statement = try TestStatement(sql.last == ";" ? String(sql.dropLast()) : sql)
    if let statement { try check(statement) }
    statements[name] = .some(statement)
  }

  private func statement(_ name: String) throws(ErrorReport) -> TestStatement? {
    guard let statement = statements[name] else {
      throw ErrorReport(
        .error, .invalidStatementName,
        name.isEmpty ? "unnamed prepared statement does not exist" : "prepared statement \"\(name)\" does not exist")
    }
    return statement
  }

  func bind(_ message: BindMessage) throws(ErrorReport) {
    let statement = try statement(message.statement)
    if let statement { try check(statement) }
    let wanted = statement?.parameterTypes.count ?? 0
    guard wanted == message.parameters.count else {
      throw ErrorReport(
        .error, .protocolViolation,
        "bind message supplies \(message.parameters.count) parameters, but prepared statement"
          + " \"\(message.statement)\" requires \(wanted)")
    }
    let formats = message.resultFormats
    try formats.check(columns: statement?.columns?.count ?? 0)
    if pending == nil { pending = [] }
    portals[message.portal] = Portal(statement: statement, parameters: message.parameters, formats: formats)
  }

  func describe(_ target: StatementTarget) throws(ErrorReport) -> StatementDescription {
    switch target {
    case .statement(let name):
      let statement = try statement(name)
      return StatementDescription(parameterTypes: statement?.parameterTypes ?? [], columns: statement?.columns)
    case .portal(let name):
      guard let portal = portals[name] else { throw Self.noPortal(name) }
      return StatementDescription(columns: portal.statement?.columns, formats: portal.formats)
    }
  }

  private static func noPortal(_ name: String) -> ErrorReport {
    ErrorReport(.error, .invalidCursorName, "portal \"\(name)\" does not exist")
  }

  func execute(portal name: String, maxRows: Int, _ sink: ResponseSink) throws(ErrorReport) -> ExecutionOutcome {
    guard var portal = portals[name] else { throw Self.noPortal(name) }
    guard let statement = portal.statement else { return .empty }
    try check(statement)
    let outcome = try run(&portal, maxRows, sink)
    if portals[name] != nil { portals[name] = portal }
    return outcome
  }

  func close(_ target: StatementTarget) throws(ErrorReport) {
    switch target {
    case .statement(let name): statements[name] = nil
    case .portal(let name): portals[name] = nil
    }
  }

  func sync() throws(ErrorReport) {
    guard block == .idle else { return }
    portals = [:]
    commit()
  }

  // MARK: Running

  private func check(_ statement: TestStatement) throws(ErrorReport) {
    guard block == .failed, statement != .commit, statement != .rollback else { return }
    throw ErrorReport(
      .error, .inFailedTransaction,
      "current transaction is aborted, commands ignored until end of transaction block")
  }

  private func run(
    _ portal: inout Portal, _ maxRows: Int, _ sink: ResponseSink
  ) throws(ErrorReport) -> ExecutionOutcome {
    guard let statement = portal.statement else { return .empty }
    if block == .idle, pending == nil { pending = [] }
    switch statement {
    case .select(let values):
      guard !portal.isDone else { return .completed("SELECT 0") }
      portal.isDone = true
      try row(values, portal, sink)
      return .completed("SELECT 1")
    case .series(let first, let last, let width):
      return try series(first, last, width, &portal, maxRows, sink)
    case .wait:
      try wait()
      return .completed("SELECT 1")
    case .divide(let rows):
      for number in 0..<rows { try row([.integer(number)], portal, sink) }
      sink.beginRow(columns: 1)
      throw ErrorReport(.error, "22012", "division by zero")
    default: return .completed(try command(statement, portal, sink))
    }
  }

  private func command(
    _ statement: TestStatement, _ portal: Portal, _ sink: ResponseSink
  ) throws(ErrorReport) -> String {
    switch statement {
    case .begin:
      if block != .idle {
        try sink.notice(
          ErrorReport(.warning, .activeTransaction, "there is already a transaction in progress"))
      }
      block = .inTransaction
      return "BEGIN"
    case .commit:
      let hasFailed = block == .failed
      if hasFailed { pending = nil }
      commit()
      return hasFailed ? "ROLLBACK" : "COMMIT"
    case .rollback:
      rollBack()
      block = .idle
      return "ROLLBACK"
    case .insert(let numbers):
      pending = (pending ?? []) + numbers
      return "INSERT 0 \(numbers.count)"
    case .count:
      let count = database.state.withLock { $0.rows.count } + (pending?.count ?? 0)
      try row([.integer(count)], portal, sink)
      return "SELECT 1"
    case .notice(let text):
      try sink.notice(ErrorReport(.notice, .successfulCompletion, text))
      return "NOTICE"
    case .setApplicationName(let name):
      try sink.parameterStatus("application_name", name)
      return "SET"
    case .copyIn: return try copyIn(sink)
    case .copyOut: return try copyOut(sink)
    case .select, .series, .wait, .divide: return ""
    }
  }

  private func series(
    _ first: Int, _ last: Int, _ width: Int?, _ portal: inout Portal, _ maxRows: Int, _ sink: ResponseSink
  ) throws(ErrorReport) -> ExecutionOutcome {
    let text = width.map { String(repeating: "x", count: $0) }
    var sent = 0
    while first + portal.next <= last {
      if maxRows > 0, sent == maxRows { return .suspended }
      if isCancelled.load(ordering: .acquiring) { throw Self.cancelled }
      try row([text.map { .text($0) } ?? .integer(first + portal.next)], portal, sink)
      portal.next += 1
      sent += 1
      database.state.withLock { $0.produced += 1 }
    }
    return .completed("SELECT \(sent)")
  }

  private static let cancelled = ErrorReport(.error, .queryCanceled, "canceling statement due to user request")

  private func wait() throws(ErrorReport) {
    while true {
      latch.reset()
      if isCancelled.load(ordering: .acquiring) { throw Self.cancelled }
      latch.wait(-1)
    }
  }

  private func row(_ values: [TestStatement.Value], _ portal: Portal, _ sink: ResponseSink) throws(ErrorReport) {
    sink.beginRow(columns: values.count)
    for (index, value) in values.enumerated() {
      let format = portal.formats.format(ofColumn: index)
      switch value {
      case .null: sink.null()
      case .text(let text): sink.value(text)
      case .integer(let number): format == .binary ? sink.value(binary: Int32(number)) : sink.value("\(number)")
      case .parameter(let number, let type): try parameter(number - 1, type ?? 25, format, portal, sink)
      }
    }
    try sink.endRow()
  }

  private func parameter(
    _ index: Int, _ type: UInt32, _ format: ValueFormat, _ portal: Portal, _ sink: ResponseSink
  ) throws(ErrorReport) {
    guard let bytes = portal.parameters.values[index] else { return sink.null() }
    guard type != 25 else { return sink.value(String(buffer: bytes)) }
    var reader = bytes
    let number: Int?
    if portal.parameters.format(index) == .text {
      number = Int(String(buffer: bytes))
    } else {
      number =
        switch bytes.readableBytes {
        case 2: reader.readInteger(as: Int16.self).map { Int($0) }
        case 4: reader.readInteger(as: Int32.self).map { Int($0) }
        default: reader.readInteger(as: Int.self)
        }
    }
    guard let number else {
      throw ErrorReport(.error, "22P02", "invalid input syntax for type integer: \"\(String(buffer: bytes))\"")
    }
    if format == .text { return sink.value("\(number)") }
    if type == 23 { sink.value(binary: Int32(number)) } else { sink.value(binary: Int64(number)) }
  }

  // MARK: COPY

  private func copyIn(_ sink: ResponseSink) throws(ErrorReport) -> String {
    let source = try sink.beginCopyIn(.text, columns: 1)
    var rest = ""
    var numbers: [Int] = []
    while let piece = try source.next() {
      rest += String(buffer: piece)
      while let end = rest.firstIndex(of: "\n") {
        let line = rest[..<end]
        rest.removeSubrange(...end)
        if line == "\\." { continue }
        guard let number = Int(line) else {
          throw ErrorReport(.error, "22P02", "invalid input syntax for type integer: \"\(line)\"")
        }
        numbers.append(number)
      }
    }
    pending = (pending ?? []) + numbers
    return "COPY \(numbers.count)"
  }

  private func copyOut(_ sink: ResponseSink) throws(ErrorReport) -> String {
    let rows = database.state.withLock { $0.rows }
    try sink.beginCopyOut(.text, columns: 1)
    for row in rows {
      let line = Array("\(row)\n".utf8)
      try line.withUnsafeBytes { bytes -> Result<Void, ErrorReport> in
        do throws(ErrorReport) { return .success(try sink.copyData(bytes)) } catch { return .failure(error) }
      }.get()
    }
    try sink.copyDone()
    return "COPY \(rows.count)"
  }
}
