import MillraceEngine
import MillraceTypes

/// PREPARE, EXECUTE and DEALLOCATE (PostgreSQL's commands/prepare.c).
extension SQLSession {
  func prepare(_ statement: PrepareStatement, source: String) throws(SQLError) {
    guard !statement.name.isEmpty else {
      throw SQLError(.invalidStatementName, "invalid statement name: must not be empty")
    }
    guard statements[statement.name] == nil else { throw Self.duplicateStatement(statement.name) }
    let resolver = TypeNameResolver(catalog)
    var types: [TypeID] = []
    for name in statement.argumentTypes { types.append(try resolver.resolve(name).id) }
    let prepared = PreparedStatement(
      name: statement.name, source: source, statement.query, isFromSQL: true, time: statementStart)
    try prepare(prepared, parameterTypes: types)
    statements[statement.name] = prepared
  }

  /// - Returns: the tag of the statement that was executed.
  func run(_ statement: ExecuteStatement, _ client: any SQLClient) throws(SQLError) -> String {
    let prepared = try preparedStatement(statement.name)
    let arena = Arena(chunkSize: 1024)
    let parameters = try arguments(of: statement, for: prepared, arena)
    guard let raw = prepared.statement else { return "" }
    guard Self.isPlannable(raw) else { return try runUtility(raw, source: prepared.source, client) }
    return try run(try plan(prepared, parameters), parameters: parameters, client, describes: true)
  }

  /// The values of EXECUTE's arguments, as the statement's parameters want them.
  func arguments(
    of statement: ExecuteStatement, for prepared: PreparedStatement, _ arena: Arena
  ) throws(SQLError) -> TupleSlot {
    guard statement.arguments.count == prepared.parameterTypes.count else {
      throw SQLError(
        .syntaxError, "wrong number of parameters for prepared statement \"\(statement.name)\"",
        detail: "Expected \(prepared.parameterTypes.count) parameters but got \(statement.arguments.count).")
    }
    let parameters = TupleSlot(count: prepared.parameterTypes.count)
    for (index, argument) in statement.arguments.enumerated() {
      let type = prepared.parameterTypes[index]
      parameters[index] = try evaluate(argument, as: ValueType(type), for: .executeParameter, arena)
    }
    return parameters
  }

  func deallocate(_ statement: DeallocateStatement) throws(SQLError) {
    guard let name = statement.name else { return statements = [:] }
    guard statements.removeValue(forKey: name) != nil else {
      throw SQLError(.invalidStatementName, "prepared statement \"\(name)\" does not exist")
    }
  }
}
