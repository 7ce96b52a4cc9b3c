import MillraceEngine
import MillraceTypes

/// CREATE TABLE AS and SELECT INTO (PostgreSQL's commands/createas.c).
extension SQLSession {
  /// - Returns: the tag.
  func createTableAs(_ select: SelectStatement, _ parameters: StatementParameters?) throws(SQLError) -> String {
    guard let into = select.into else { preconditionFailure("a SELECT without INTO is a query") }
    return try createTable(into, as: .select(select.withoutInto), ifNotExists: false, parameters)
  }

  func run(_ statement: CreateTableAsStatement, _ parameters: StatementParameters?) throws(SQLError) -> String {
    try createTable(statement.into, as: statement.query, ifNotExists: statement.ifNotExists, parameters)
  }

  private func createTable(
    _ into: IntoClause, as statement: Statement, ifNotExists: Bool, _ given: StatementParameters?
  ) throws(SQLError) -> String {
    try requireUsual(into.tablespace, accessMethod: into.accessMethod)
    let (namespace, persistence) = try creationPlace(into.relation)
    if try skipsExisting(into.relation.name, namespace, ifNotExists) { return "CREATE TABLE AS" }
    let arena = Arena(chunkSize: 1024)
    var parameters = given?.values ?? noParameters
    let planned: PlannedStatement
    if case .execute(let execute) = statement {
      let prepared = try preparedStatement(execute.name)
      parameters = try arguments(of: execute, for: prepared, arena)
      planned = try plan(prepared, parameters)
    } else {
      planned = try plan(statement, given)
    }
    guard planned.command == .select else {
      throw SQLError(.wrongObjectType, "prepared statement is not a SELECT")
    }
    let table = try makeTable(into, planned, namespace, persistence)
    guard !into.skipsData else { return "CREATE TABLE AS" }
    let execution = try QueryExecution(planned, self, parameters: parameters)
    defer { execution.close() }
    let context = ExecutionContext(
      session, self, typeSettings, parameters: noParameters, executorParameterCount: 0)
    let inserter = try TableInserter(table, checks: [], context)
    let loader = TableLoader(inserter)
    while let (batch, range) = try execution.next() {
      for place in range {
        let number = Int(batch.selection[place])
        inserter.load(batch, number)
        try loader.insert()
      }
    }
    try loader.finish()
    return CommandTag.select(loader.count)
  }

  private func makeTable(
    _ into: IntoClause, _ planned: PlannedStatement, _ namespace: UInt32,
    _ persistence: RelationDescriptor.Persistence
  ) throws(SQLError) -> RelationDescriptor {
    guard into.columnNames.count <= planned.columns.count else {
      throw SQLError(.syntaxError, "too many column names were specified")
    }
    var columns: [MillraceEngine.ColumnDefinition] = []
    for (place, target) in planned.columns.enumerated() {
      let name = place < into.columnNames.count ? into.columnNames[place] : target.name
      let type = target.expression.type
      columns.append(MillraceEngine.ColumnDefinition(name, type.id == .unknown ? .text : type.id, typmod: type.typmod))
    }
    var definition = TableDefinition(into.relation.name, namespace: namespace, columns: columns)
    definition.persistence = persistence
    definition.options = try RelationOptions.table(into.options)
    definition.onCommit = into.onCommit == .deleteRows ? .deleteRows : into.onCommit == .drop ? .drop : .preserveRows
    let made = definition
    return try SQLError.engine { () throws(EngineError) in
      try catalog.requiredRelation(try catalog.createTable(made))
    }
  }
}
