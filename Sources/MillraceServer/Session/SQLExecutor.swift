import MillraceEngine
import MillraceIO
import MillraceSQL
import MillraceSettings
import MillraceTypes
import NIOCore

/// Runs a session's statements as SQL: turns what the protocol says into calls of ``SQLSession``, and what comes of
/// them into messages.
final class SQLExecutor: StatementExecutor {
  private let sql: SQLSession
  private let client = WireClient()
  let initialParameters: [(name: String, value: String)]
  private var lastDescribed: (columns: [ResultColumn], description: [ColumnDescription])?

  init(_ sql: SQLSession) {
    self.sql = sql
    initialParameters = sql.initialParameters
    client.typeSettings = { [unowned sql] in sql.typeSettings }
    client.settingsVersion = { [unowned sql] in sql.settingsVersion }
    client.namedText = { [unowned sql] value, type in sql.namedText(of: value, type) }
  }

  var transactionStatus: TransactionStatus {
    switch sql.status {
    case .idle: .idle
    case .inTransaction: .inTransaction
    case .failed: .failed
    }
  }

  var needsThread: Bool { sql.isBusy }

  func attach(to thread: BackendThread) throws(ErrorReport) {}
  func detach() {}

  func cancel() { sql.cancel() }
  func clearCancellation() { sql.clearCancellation() }
  func abort() { sql.abort() }
  func end() { sql.close() }

  // MARK: Calls

  /// Calls something of SQL; its errors become reports, and those that the protocol has thrown come out again.
  private func call<Result>(
    _ sink: ResponseSink? = nil, describes: Bool = false, formats: [ValueFormat] = [],
    _ body: (SQLSession, WireClient) throws(SQLError) -> Result
  ) throws(ErrorReport) -> Result {
    client.begin(sink, describes: describes, formats: formats)
    defer { client.begin(nil, describes: false, formats: []) }
    do throws(SQLError) {
      return try body(sql, client)
    } catch {
      guard var failure = client.takeFailure() else { throw ErrorReport(error) }
      failure.context = failure.context ?? error.context
      throw failure
    }
  }

  func simpleQuery(_ text: String, _ sink: ResponseSink) throws(ErrorReport) {
    try call(sink, describes: true) { sql, client throws(SQLError) in try sql.run(text, client) }
  }

  func parse(name: String, sql text: String, parameterTypes: [UInt32]) throws(ErrorReport) {
    try call { sql, client throws(SQLError) in
      try sql.prepare(name: name, text, parameterTypes: parameterTypes.map { TypeID($0) }, client)
    }
  }

  func bind(_ message: BindMessage) throws(ErrorReport) {
    let list = message.parameters
    var values: [ParameterValue] = []
    values.reserveCapacity(list.count)
    for (index, buffer) in list.values.enumerated() {
      // The message keeps its memory where it is as long as it is there.
      let bytes = buffer.map { $0.withUnsafeReadableBytes { ByteView($0) } }
      values.append(ParameterValue(bytes, isBinary: list.format(index) == .binary))
    }
    try withExtendedLifetime(message) { () throws(ErrorReport) in
      try call { sql, _ throws(SQLError) in
        try sql.bind(
          portal: message.portal, statement: message.statement, values,
          formats: message.resultFormats)
      }
    }
    guard message.resultFormats.count > 1 else { return }
    try message.resultFormats.check(columns: sql.result(ofPortal: message.portal)?.types.count ?? 0)
  }

  func describe(_ target: StatementTarget) throws(ErrorReport) -> StatementDescription {
    try call { sql, _ throws(SQLError) in
      switch target {
      case .statement(let name):
        let description = try sql.describe(statement: name)
        return StatementDescription(
          parameterTypes: description.parameterTypes.map(\.rawValue),
          columns: description.columns.map { $0.map { ColumnDescription($0) } })
      case .portal(let name):
        let (description, formats) = try sql.describe(portal: name)
        return StatementDescription(columns: description.columns.map { described($0) }, formats: formats)
      }
    }
  }

  /// Columns as clients are told of them. The same portal's come again and again.
  private func described(_ columns: [ResultColumn]) -> [ColumnDescription] {
    // Which is found out by a look at where the two arrays are, mostly.
    if let known = lastDescribed, known.columns == columns { return known.description }
    let description = columns.map { ColumnDescription($0) }
    lastDescribed = (columns, description)
    return description
  }

  func execute(portal: String, maxRows: Int, _ sink: ResponseSink) throws(ErrorReport) -> ExecutionOutcome {
    let result = sql.result(ofPortal: portal)
    let outcome = try call(sink, formats: result?.formats ?? []) { sql, client throws(SQLError) in
      client.prepare(result?.types ?? [])
      return try sql.execute(portal: portal, limit: maxRows, client)
    }
    switch outcome {
    case .completed(let tag): return .completed(tag)
    case .suspended: return .suspended
    case .empty: return .empty
    }
  }

  func close(_ target: StatementTarget) throws(ErrorReport) {
    switch target {
    case .statement(let name): sql.close(statement: name)
    case .portal(let name): sql.close(portal: name)
    }
  }

  func sync() throws(ErrorReport) {
    try call { sql, _ throws(SQLError) in try sql.sync() }
  }
}

extension ColumnDescription {
  init(_ column: ResultColumn) {
    let type = TypeDescriptor.builtIn[column.type.id]
    self.init(
      column.name, type: column.type.id.rawValue, typeLength: type?.length ?? -1, typeModifier: column.type.typmod,
      table: column.table, attribute: column.attribute)
  }
}

extension ErrorReport {
  init(_ error: SQLError, _ severity: Severity = .error) {
    // What ends everything ends the session, too.
    let isFatal = error.sqlState == "57P01" || error.sqlState == "57P02"
    self.init(
      isFatal ? .fatal : severity, SQLState(error.sqlState), error.message, detail: error.detail, hint: error.hint,
      position: error.position)
    (context, schema, table) = (error.context, error.schema, error.table)
    (column, dataType, constraint, routine) = (error.column, error.dataType, error.constraint, error.routine)
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
