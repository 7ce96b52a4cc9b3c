import MillraceEngine
public import MillraceTypes

/// A parameter's value as a client gives it.
public struct ParameterValue {
  /// nil for NULL. Must stay where they are during the call.
  public var bytes: ByteView?
  public var isBinary: Bool

  public init(_ bytes: ByteView?, isBinary: Bool) { (self.bytes, self.isBinary) = (bytes, isBinary) }
}

/// The extended protocol: statements that are prepared, given values, and run (exec_parse_message and its fellows,
/// tcop/postgres.c). What runs up to ``sync()`` is one transaction.
extension SQLSession {
  /// How an execution ended.
  public enum Outcome: Sendable {
    /// With the command's tag.
    case completed(String)
    /// As many rows as were wanted have been given, and there may be more.
    case suspended
    /// There was no statement in the string.
    case empty
  }

  public struct Description {
    public var parameterTypes: [TypeID]
    /// nil where no rows are returned.
    public var columns: [ResultColumn]?
  }

  // MARK: Preparing

  /// Prepares a statement. An empty name stands for the unnamed one, which is replaced.
  public func prepare(
    name: String, _ sql: String, parameterTypes: [TypeID], _ client: any SQLClient
  ) throws(SQLError) {
    beginCall(sql, client)
    session.clearCancellation()
    do throws(SQLError) {
      if name.isEmpty {
        statements[""] = nil
        if try reuseUnnamed(sql, parameterTypes) { return endCall() }
      }
      guard statements[name] == nil else { throw Self.duplicateStatement(name) }
      let all = try parse(sql)
      guard all.count <= 1 else {
        throw SQLError(.syntaxError, "cannot insert multiple commands into a prepared statement")
      }
      if let raw = all.first { try requireNotFailed(raw.statement) }
      let prepared = PreparedStatement(
        name: name, source: sql, all.first?.statement, isFromSQL: false, time: statementStart)
      if prepared.statement != nil, block != .failed {
        try ensureTransaction()
        try prepare(prepared, parameterTypes: parameterTypes)
      }
      statements[name] = prepared
      if name.isEmpty { keepUnnamed(prepared) }
    } catch {
      throw located(error, in: sql)
    }
    endCall()
  }

  // MARK: The unnamed statement

  /// How many unnamed statements are kept; then all are forgotten.
  private static let unnamedMax = 256

  /// Prepares a statement again that was the unnamed one before.
  /// - Returns: false where it was not, or something has changed since.
  private func reuseUnnamed(_ sql: String, _ types: [TypeID]) throws(SQLError) -> Bool {
    guard block != .failed, let known = unnamedStatements[Self.hash(sql)], known.source == sql,
      known.givenTypes == types
    else { return false }
    if known.isPlannable {
      // Another plan than one that costs next to nothing is made for the values each time.
      guard known.generic != nil, known.genericCost < Self.cheapPlanCost,
        known.genericCount < PreparedStatement.reuseMax
      else { return false }
      catalog.acceptInvalidations()
      guard known.generation == catalog.generation, known.pathGeneration == pathGeneration else { return false }
    }
    try ensureTransaction()
    statements[""] = known
    return true
  }

  private func keepUnnamed(_ prepared: PreparedStatement) {
    guard prepared.source.utf8.count <= StatementTemplate.lengthMax, let statement = prepared.statement else { return }
    if case .transaction = statement {} else if !prepared.isPlannable { return }
    if unnamedStatements.count >= Self.unnamedMax { unnamedStatements.removeAll(keepingCapacity: true) }
    unnamedStatements[Self.hash(prepared.source)] = prepared
  }

  private static func hash(_ text: String) -> UInt64 {
    var text = text
    return text.withUTF8 { StatementTemplate.hash(UnsafeRawBufferPointer($0)) }
  }

  static func duplicateStatement(_ name: String) -> SQLError {
    SQLError(.duplicatePreparedStatement, "prepared statement \"\(name)\" already exists")
  }

  func preparedStatement(_ name: String) throws(SQLError) -> PreparedStatement {
    if let known = statements[name] { return known }
    throw SQLError(
      .invalidStatementName,
      name.isEmpty ? "unnamed prepared statement does not exist" : "prepared statement \"\(name)\" does not exist")
  }

  // MARK: Binding

  /// Makes a portal of a prepared statement.
  /// - Parameter formats: how the client wants the columns; kept for the caller.
  public func bind(
    portal name: String, statement: String, _ parameters: [ParameterValue], formats: [ValueFormat] = []
  ) throws(SQLError) {
    let prepared = try preparedStatement(statement)
    guard parameters.count == prepared.parameterTypes.count else {
      throw SQLError(
        .protocolViolation,
        "bind message supplies \(parameters.count) parameters, but prepared statement \"\(statement)\" requires "
          + "\(prepared.parameterTypes.count)")
    }
    if let raw = prepared.statement { try requireNotFailed(raw) }
    if name.isEmpty {
      closePortal("")
    } else if portals[name] != nil {
      throw SQLError(.duplicateCursor, "cursor \"\(name)\" already exists")
    }
    try ensureTransaction()
    let level = max(session.nestingLevel, 1)
    let portal: Portal
    if name.isEmpty, let spare = portals.takeSpare(for: prepared) {
      spare.beginAgain(level: level)
      portal = spare
    } else {
      portal = Portal(name, prepared, level: level)
    }
    portal.formats = formats
    for (index, parameter) in parameters.enumerated() {
      do throws(SQLError) {
        portal.parameters[index] = try value(parameter, prepared.parameterTypes[index], index, portal.arena)
      } catch {
        throw Self.located(error, inParameter: index, of: name, parameter)
      }
    }
    portals[name] = portal
  }

  /// A parameter's value from what the client sent.
  private func value(
    _ parameter: ParameterValue, _ type: TypeID, _ index: Int, _ arena: Arena
  ) throws(SQLError) -> Datum? {
    guard let bytes = parameter.bytes else { return nil }
    guard let descriptor = TypeDescriptor.builtIn[type] else {
      throw .unsupported("a parameter of type \(TypeNames.format(type, try? catalog.types()))")
    }
    if !parameter.isBinary, let names = RegisteredNames(type, catalog) {
      return Datum(oid: try names.oid(of: bytes.string))
    }
    // What the client sent ends with its message.
    let datum = arena.copy(bytes)
    do throws(TypeError) {
      if !parameter.isBinary, !descriptor.isByValue { try UTF8Encoding.validate(datum.bytes) }
      guard parameter.isBinary else { return try descriptor.input(datum.bytes, -1, typeSettings, arena) }
      var reader = ByteReader(datum.bytes)
      let value = try descriptor.receive(&reader, -1, arena)
      guard reader.isAtEnd else {
        throw TypeError(.invalidBinaryRepresentation, "incorrect binary data format in bind parameter \(index + 1)")
      }
      return value
    } catch {
      throw SQLError(error)
    }
  }

  /// bind_param_error_callback. A text that is one is hinted at; how much of it, a setting would say.
  private static func located(
    _ error: SQLError, inParameter index: Int, of portal: String, _ parameter: ParameterValue
  ) -> SQLError {
    guard error.sqlState != SQLState.featureNotSupported.description else { return error }
    var error = error
    let isText = !parameter.isBinary && error.sqlState != SQLState.characterNotInRepertoire.description
    error.context =
      (portal.isEmpty ? "unnamed portal" : "portal \"\(portal)\"") + " parameter $\(index + 1)"
      + (isText ? " = '...'" : "")
    return error
  }

  // MARK: Describing

  public func describe(statement name: String) throws(SQLError) -> Description {
    let prepared = try preparedStatement(name)
    if block == .failed, prepared.columns != nil { throw Self.inFailedTransaction }
    return Description(parameterTypes: prepared.parameterTypes, columns: prepared.columns)
  }

  public func describe(portal name: String) throws(SQLError) -> (Description, formats: [ValueFormat]) {
    let portal = try portal(name)
    if block == .failed, portal.prepared.columns != nil { throw Self.inFailedTransaction }
    return (Description(parameterTypes: [], columns: portal.prepared.columns), portal.formats)
  }

  public func columns(ofPortal name: String) -> [ResultColumn]? { portals[name]?.prepared.columns }

  /// The types of a portal's columns, and how the client wants these; nil where there is no such portal.
  public func result(ofPortal name: String) -> (types: [ValueType], formats: [ValueFormat])? {
    portals[name].map { ($0.prepared.columnTypes, $0.formats) }
  }

  // MARK: Running

  /// Runs a portal, or goes on with it; its rows go to the client.
  /// - Parameter limit: how many rows at most; 0 for all.
  public func execute(portal name: String, limit: Int, _ client: any SQLClient) throws(SQLError) -> Outcome {
    let portal = try portal(name)
    guard let statement = portal.prepared.statement else { return .empty }
    beginCall(portal.prepared.source, client)
    do throws(SQLError) {
      try requireNotFailed(statement)
      try ensureTransaction()
      beginStatement()
      let outcome = try execute(portal, statement, limit: limit, client)
      session.endStatement()
      // Statements that end transactions have ended this one.
      if case .transaction = statement { try endTransactionOfCommand() } else { try advanceCommand() }
      if block == .single { block = .implicit }
      hasRunStatement = true
      reportSettings(to: client)
      endCall()
      return outcome
    } catch {
      throw located(error, in: portal.prepared.source)
    }
  }

  private func endTransactionOfCommand() throws(SQLError) {
    try endImplicitTransaction()
    try advanceCommand()
  }

  private func execute(
    _ portal: Portal, _ statement: Statement, limit: Int, _ client: any SQLClient
  ) throws(SQLError) -> Outcome {
    if portal.prepared.isPlannable { return try executeQuery(portal, limit: limit, client) }
    guard !portal.isDone else {
      throw SQLError(.objectNotInPrerequisiteState, "portal \"\(portal.name)\" cannot be run")
    }
    portal.isDone = true
    let types = portal.prepared.parameterTypes
    let parameters = types.isEmpty ? nil : StatementParameters(types: types, values: portal.parameters)
    return .completed(
      try runUtility(statement, source: portal.prepared.source, UndescribedClient(client), parameters))
  }

  private func executeQuery(
    _ portal: Portal, limit: Int, _ client: any SQLClient
  ) throws(SQLError) -> Outcome {
    let prepared = portal.prepared
    if portal.execution == nil, portal.store == nil {
      guard !portal.isDone else {
        // Going on with what is at its end gives no rows.
        if prepared.columns != nil { return .completed(CommandTag.select(0)) }
        throw SQLError(.objectNotInPrerequisiteState, "portal \"\(portal.name)\" cannot be run")
      }
      let planned = try plan(prepared, portal.parameters)
      let isKept = prepared.generic?.planned === planned
      guard planned.returnsRows, limit > 0 || planned.command == .select else {
        portal.isDone = true
        return .completed(
          try run(planned, parameters: portal.parameters, client, describes: false, isKept: isKept))
      }
      let execution = try begin(planned, portal.parameters, isKept: isKept)
      portal.execution = execution
      if planned.command != .select { try complete(execution, of: portal) }
    }
    if portal.store != nil { return try executeStore(portal, limit: limit, client) }
    guard let execution = portal.execution else { return .completed(CommandTag.select(0)) }
    var count = 0
    let wanted = limit > 0 ? limit : Int.max
    while count < wanted, let (batch, range) = try execution.next(limit: wanted - count) {
      try client.rows(batch, range)
      count += range.count
    }
    portal.position += count
    if limit > 0, count == limit {
      execution.suspend()
      return .suspended
    }
    portal.execution = nil
    portal.isDone = true
    end(execution)
    return .completed(CommandTag.select(UInt64(count)))
  }

  /// A statement that changes rows does all of it before its first row is given out (PORTAL_ONE_RETURNING).
  private func complete(_ execution: QueryExecution, of portal: Portal) throws(SQLError) {
    let store = RowStore(portal.prepared.columnTypes)
    while let (batch, range) = try execution.next() { store.append(batch, range) }
    portal.processed = execution.processed
    portal.command = execution.planned.command
    execution.close()
    (portal.execution, portal.store) = (nil, store)
  }

  private func executeStore(_ portal: Portal, limit: Int, _ client: any SQLClient) throws(SQLError) -> Outcome {
    guard let store = portal.store else { return .completed(CommandTag.select(0)) }
    let count = try sendStored(
      store, from: portal.position, limit: limit > 0 ? limit : .max, portal.prepared.columns?.count ?? 0, client)
    portal.position += count
    if limit > 0, count == limit { return .suspended }
    portal.isDone = true
    return .completed(CommandTag.of(portal.command, portal.processed))
  }

  /// Sends rows that were kept. - Returns: how many.
  func sendStored(
    _ store: RowStore, from start: Int, limit: Int, _ columns: Int, _ client: any SQLClient
  ) throws(SQLError) -> Int {
    let total = min(limit, store.count - start)
    guard total > 0 else { return 0 }
    let batch = RowBatch(columns: columns, capacity: min(total, 256))
    var sent = 0
    while sent < total {
      let count = min(batch.capacity, total - sent)
      store.fill(batch, from: start + sent, count: count)
      try client.rows(batch, 0..<count)
      sent += count
    }
    return total
  }

  // MARK: Closing

  /// Forgets a prepared statement; no error where there is none.
  public func close(statement name: String) { statements[name] = nil }

  /// Forgets a portal; no error where there is none.
  public func close(portal name: String) { closePortal(name) }

  /// Ends the implicit transaction of what has been executed since the last one.
  public func sync() throws(SQLError) {
    try endImplicitTransaction()
    endCall()
  }
}
