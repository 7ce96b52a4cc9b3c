import MillraceEngine
import MillraceTypes

/// Statements that are no queries (ProcessUtility, tcop/utility.c).
extension SQLSession {
  /// - Parameter parameters: what came with it in the extended protocol.
  /// - Returns: the command's tag.
  func runUtility(
    _ statement: Statement, source: String, _ client: any SQLClient, _ parameters: StatementParameters? = nil
  ) throws(SQLError) -> String {
    if Self.changesSomething(statement) { try requireWritable(statement) }
    switch statement {
    case .select(let select): return try createTableAs(select, parameters)
    case .transaction(let statement): return try run(statement)
    case .execute(let statement): return try run(statement, client)
    case .fetch(let statement): return try run(statement, client)
    case .copy(let statement): return try run(statement, client)
    case .createTableAs(let statement): return try run(statement, parameters)
    case .explain(let statement): try explain(statement, client, parameters)
    case .declareCursor(let statement): try declareCursor(statement, source: source, parameters)
    case .show(let statement): try show(statement, client)
    default:
      if try !runSessionCommand(statement, source: source) { try runDefinition(statement) }
    }
    return CommandTag.of(statement)
  }

  /// - Returns: whether it was one.
  private func runSessionCommand(_ statement: Statement, source: String) throws(SQLError) -> Bool {
    switch statement {
    case .set(let statement): try set(statement)
    case .alterSystem(let statement): try alterSystem(statement)
    case .discard(let target): try discard(target)
    case .setConstraints: break
    case .lock(let statement): try lock(statement)
    case .prepare(let statement): try prepare(statement, source: source)
    case .deallocate(let statement): try deallocate(statement)
    case .close(let statement): try closeCursor(statement)
    case .checkpoint: try checkpoint()
    // Nobody listens to anything. Pools of connections say this whenever they take one back.
    case .unlisten: break
    case .vacuum(let statement): try vacuum(statement)
    default: return false
    }
    return true
  }

  private func runDefinition(_ statement: Statement) throws(SQLError) {
    switch statement {
    case .createTable(let statement): try createTable(statement)
    case .alterTable(let statement): try alterTable(statement)
    case .createIndex(let statement): try createIndex(statement)
    case .createSequence(let statement): try createSequence(statement)
    case .alterSequence(let statement): try alterSequence(statement)
    case .createView(let statement): try createView(statement)
    case .drop(let statement): try drop(statement)
    case .truncate(let statement): try truncate(statement)
    case .rename(let statement): try rename(statement)
    case .setSchema(let statement): try setSchema(statement)
    case .comment(let statement): try comment(statement)
    case .reindex(let statement): try reindex(statement)
    default: try runClusterCommand(statement)
    }
  }

  private func runClusterCommand(_ statement: Statement) throws(SQLError) {
    switch statement {
    case .createSchema(let statement): try createSchema(statement)
    case .createRole(let statement): try createRole(statement)
    case .alterRole(let statement): try alterRole(statement)
    case .dropRole(let statement): try dropRole(statement)
    case .grantRole(let statement): try grantRole(statement)
    case .alterOwner(let statement): try alterOwner(statement)
    case .createDatabase(let statement): try createDatabase(statement)
    case .dropDatabase(let statement): try dropDatabase(statement)
    case .alterDatabase, .alterDatabaseSet: throw .unsupported("ALTER DATABASE")
    case .alterRoleSet: throw .unsupported("ALTER ROLE ... SET")
    case .grant(let statement): throw .unsupported(statement.isGrant ? "GRANT" : "REVOKE")
    default: throw .unsupported("this statement")
    }
  }

  // MARK: What statements return

  /// The columns of what a statement that is no query returns; nil for no rows.
  func columns(ofUtility statement: Statement) throws(SQLError) -> [ResultColumn]? {
    switch statement {
    case .show(let show):
      let names = show.name == "all" ? ["name", "setting", "description"] : [shownName(show.name)]
      return names.map { ResultColumn($0, ValueType(.text)) }
    case .explain(let explain):
      return [ResultColumn("QUERY PLAN", ValueType(Self.explainFormat(explain) == .json ? .json : .text))]
    case .execute(let execute): return try preparedStatement(execute.name).columns
    case .fetch(let fetch): return fetch.isMove ? nil : portals[fetch.cursor]?.prepared.columns
    default: return nil
    }
  }

  // MARK: Transactions that only read

  /// ClassifyUtilityCommandAsReadOnly.
  private static func changesSomething(_ statement: Statement) -> Bool {
    switch statement {
    case .transaction, .set, .show, .discard, .setConstraints, .lock, .prepare, .execute, .deallocate,
      .declareCursor, .fetch, .close, .explain, .checkpoint, .unlisten, .alterSystem,
      .vacuum:
      false
    case .copy(let copy): copy.isFrom
    default: true
    }
  }

  private func requireWritable(_ statement: Statement) throws(SQLError) {
    guard session.isReadOnly else { return }
    if case .copy(let copy) = statement, case .relation(let relation, _) = copy.source {
      let target = try find(relation)
      if target?.persistence == .temporary { return }
    }
    let tag = if case .select = statement { "SELECT INTO" } else { CommandTag.of(statement) }
    try SQLError.engine { () throws(EngineError) in try session.requireWritable(tag) }
  }

  /// A relation by its name, not locked; nil where there is none.
  func find(_ relation: RangeVariable) throws(SQLError) -> RelationDescriptor? {
    try requireOwnDatabase(relation)
    return try SQLError.engine { () throws(EngineError) in
      try catalog.relation(named: relation.name, schema: relation.schema)
    }
  }

  func requireOwnDatabase(_ relation: RangeVariable) throws(SQLError) {
    guard let database = relation.catalog, database != databaseName else { return }
    throw SQLError(
      .featureNotSupported,
      "cross-database references are not implemented: "
        + "\"\(database).\(relation.schema ?? "").\(relation.name)\"", at: relation.location)
  }

  /// A relation by its name, locked.
  /// - Throws: `42P01` where there is none.
  func open(
    _ relation: RangeVariable, _ mode: LockMode, _ policy: LockWaitPolicy = .wait
  ) throws(SQLError) -> RelationDescriptor {
    try requireOwnDatabase(relation)
    do throws(EngineError) {
      return try catalog.requiredOpen(named: relation.name, schema: relation.schema, mode, policy)
    } catch {
      // Statements that are no queries say nothing of the place.
      throw SQLError(error)
    }
  }

  /// The same where it may be missing; then the client gets a notice.
  func openIfExists(
    _ relation: RangeVariable, _ mode: LockMode, noun: String = "relation"
  ) throws(SQLError) -> RelationDescriptor? {
    try requireOwnDatabase(relation)
    let found = try SQLError.engine { () throws(EngineError) in
      try catalog.open(named: relation.name, schema: relation.schema, mode)
    }
    if found == nil { notice("\(noun) \"\(relation.name)\" does not exist, skipping") }
    return found
  }

  func requireOwnership(of relation: RelationDescriptor) throws(SQLError) {
    try SQLError.engine { () throws(EngineError) in try catalog.requireOwnership(of: relation) }
    if relation.oid < SystemOID.firstUnpinned {
      throw SQLError(
        .insufficientPrivilege, "permission denied: \"\(relation.name)\" is a system catalog")
    }
  }
}
