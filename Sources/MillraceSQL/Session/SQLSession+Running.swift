import MillraceEngine
import MillraceTypes

/// Statements as they come in a string: the simple protocol (exec_simple_query, tcop/postgres.c).
extension SQLSession {
  /// Runs the statements of a string, one after the other. Those of one string are one transaction unless they say
  /// otherwise. Each result goes to the client.
  public func run(_ sql: String, _ client: any SQLClient) throws(SQLError) {
    beginCall(sql, client)
    do throws(SQLError) {
      try runAll(sql, client)
    } catch {
      throw located(error, in: sql)
    }
    endCall()
  }

  private func runAll(_ sql: String, _ client: any SQLClient) throws(SQLError) {
    // The unnamed ones go with each string.
    statements[""] = nil
    closePortal("")
    if try runKnown(sql, client) { return }
    let all = try parse(sql)
    guard !all.isEmpty else { return try client.completeEmpty() }
    for (index, raw) in all.enumerated() {
      try requireNotFailed(raw.statement)
      try ensureTransaction()
      if all.count > 1, block == .single { block = .implicit }
      beginStatement()
      let tag = try runStatement(raw.statement, source: sql, client)
      session.endStatement()
      if index == all.count - 1 { try endImplicitTransaction() }
      try advanceCommand()
      reportSettings(to: client)
      try client.complete(tag)
    }
  }

  func parse(_ sql: String) throws(SQLError) -> [RawStatement] {
    do throws(SyntaxError) { return try parser.parse(sql) } catch { throw SQLError(error) }
  }

  // MARK: Around calls

  func beginCall(_ sql: String, _ client: any SQLClient) {
    self.client = client
    followConfiguration()
    let now = Self.now()
    statementStart = now
    activity.begin(sql, at: now, transactionStart: session.isInTransaction ? session.transactionTime : now)
  }

  func endCall() {
    client = nil
    activity.end(block == .open ? .idleInTransaction : block == .failed ? .failed : .idle, at: statementStart)
  }

  func beginStatement() {
    session.beginStatement()
    if let isCallerCancelled, isCallerCancelled() { cancel() }
  }

  /// What the statement did, the next one of the transaction sees.
  func advanceCommand() throws(SQLError) {
    guard session.isInTransaction else { return }
    try SQLError.engine { () throws(EngineError) in try session.advanceCommand() }
  }

  /// An error with its place counted in characters of the text that it is about.
  func located(_ error: SQLError, in source: String) -> SQLError {
    var error = error
    error.position = error.position(in: source)
    error.location = nil
    return error
  }

  // MARK: One statement

  /// Runs a statement that is not prepared. - Returns: its tag.
  func runStatement(
    _ statement: Statement, source: String, _ client: any SQLClient
  ) throws(SQLError) -> String {
    guard Self.isPlannable(statement) else { return try runUtility(statement, source: source, client) }
    let query = try analyze(statement, ParameterTypes([], isVariable: false))
    let planned = try plan(query)
    return try run(planned, parameters: noParameters, client, describes: true)
  }

  /// Runs a plan to its end, and sends its rows.
  /// - Parameter isKept: whether the plan will be executed again.
  /// - Returns: its tag.
  func run(
    _ planned: PlannedStatement, parameters: TupleSlot, _ client: any SQLClient, describes: Bool, isKept: Bool = false
  ) throws(SQLError) -> String {
    let execution = try begin(planned, parameters, isKept: isKept)
    var isOver = false
    defer { isOver ? end(execution) : execution.close() }
    guard planned.returnsRows else {
      try execution.run()
      isOver = true
      return CommandTag.of(planned.command, execution.processed)
    }
    if describes { try client.beginRows(planned.columns.map { ResultColumn($0) }) }
    var count: UInt64 = 0
    while let (batch, range) = try execution.next() {
      try client.rows(batch, range)
      count += UInt64(range.count)
    }
    isOver = true
    return CommandTag.of(planned.command, planned.command == .select ? count : execution.processed)
  }
}
