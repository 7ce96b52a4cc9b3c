import MillraceEngine
import MillraceTypes

/// CREATE SCHEMA, names and owners of things, comments, databases.
extension SQLSession {
  func createSchema(_ statement: CreateSchemaStatement) throws(SQLError) {
    if !statement.elements.isEmpty { throw .unsupported("CREATE SCHEMA with elements") }
    let owner = try statement.authorization.map { role throws(SQLError) in try self.role(role) }
    let name = statement.name ?? owner?.name ?? currentUser
    let isThere = try SQLError.engine { () throws(EngineError) in try catalog.namespace(named: name) != nil }
    if statement.ifNotExists, isThere {
      return notice(.notice, SQLError(.duplicateSchema, "schema \"\(name)\" already exists, skipping"))
    }
    try SQLError.engine { () throws(EngineError) in _ = try catalog.createSchema(name, owner: owner?.oid) }
  }

  /// A role that a statement names.
  func role(_ specification: RoleSpecification) throws(SQLError) -> RoleEntry {
    let name: String
    switch specification.kind {
    case .name(let given): name = given
    case .currentRole, .currentUser: name = currentUser
    case .sessionUser: name = identity.user
    case .isPublic: throw SQLError(.undefinedObject, "role \"public\" does not exist")
    }
    return try SQLError.engine { () throws(EngineError) in try catalog.requiredRole(named: name) }
  }

  func alterOwner(_ statement: AlterOwnerStatement) throws(SQLError) {
    throw .unsupported(
      {
        if case .schema = statement.target { return "ALTER SCHEMA ... OWNER TO" }
        return "ALTER DATABASE ... OWNER TO"
      }())
  }

  // MARK: Names

  func rename(_ statement: RenameStatement) throws(SQLError) {
    let newName = statement.newName
    switch statement.target {
    case .relation(let kind, let name):
      guard let relation = try relation(name, statement.ifExists, kind) else { return }
      try SQLError.engine { () throws(EngineError) in try catalog.renameRelation(relation.oid, to: newName) }
    case .column(let kind, let name, let column, _):
      guard let relation = try relation(name, statement.ifExists, kind) else { return }
      try SQLError.engine { () throws(EngineError) in
        try catalog.renameColumn(column, of: relation.oid, to: newName)
      }
    case .constraint(let name, let constraint):
      guard let relation = try relation(name, statement.ifExists, .table) else { return }
      try SQLError.engine { () throws(EngineError) in
        try catalog.renameConstraint(constraint, of: relation.oid, to: newName)
      }
    case .schema(let name):
      try SQLError.engine { () throws(EngineError) in try catalog.renameSchema(name, to: newName) }
    case .database(let name):
      try requireSuperuser("rename database")
      try SQLError.engine { () throws(EngineError) in try catalog.renameDatabase(name, to: newName) }
    case .role(let name):
      try requireRoleCreation("rename role")
      try SQLError.engine { () throws(EngineError) in try catalog.renameRole(name, to: newName) }
    }
  }

  /// A relation that ALTER names, locked against all others and of the kind that was said.
  func relation(
    _ name: RangeVariable, _ ifExists: Bool, _ kind: AlterTableStatement.Kind, _ mode: LockMode = .accessExclusive
  ) throws(SQLError) -> RelationDescriptor? {
    let relation = ifExists ? try openIfExists(name, mode) : try open(name, mode)
    guard let relation else { return nil }
    try requireOwnership(of: relation)
    let (isRight, words): (Bool, String) =
      switch kind {
      // ALTER TABLE is right for all of them.
      case .table: (true, "")
      case .index: (relation.kind == .index, "an index")
      case .sequence: (relation.kind == .sequence, "a sequence")
      case .view: (relation.kind == .view, "a view")
      }
    guard isRight else { throw SQLError(.wrongObjectType, "\"\(relation.name)\" is not \(words)") }
    return relation
  }

  func setSchema(_ statement: SetSchemaStatement) throws(SQLError) {
    throw .unsupported("ALTER ... SET SCHEMA")
  }

  // MARK: Comments

  func comment(_ statement: CommentStatement) throws(SQLError) {
    let object = try commented(statement.target)
    try SQLError.engine { () throws(EngineError) in try catalog.setComment(statement.comment, on: object) }
  }

  private func commented(_ target: CommentStatement.Target) throws(SQLError) -> ObjectAddress {
    switch target {
    case .table(let name), .index(let name), .sequence(let name), .view(let name):
      let relation = try named(name)
      try requireOwnership(of: relation)
      return .relation(relation.oid)
    case .column(let names):
      let relation = try named(Array(names.dropLast()))
      try requireOwnership(of: relation)
      guard let column = names.last, let index = relation.tuple.index(of: column) else {
        throw SQLError(
          .undefinedColumn,
          "column \"\(names.last ?? "")\" of relation \"\(relation.name)\" does not exist")
      }
      return .column(index + 1, of: relation.oid)
    case .constraint(let name, let table):
      let relation = try named(table)
      try requireOwnership(of: relation)
      guard let constraint = relation.constraints.first(where: { $0.name == name }) else {
        throw SQLError(
          .undefinedObject, "constraint \"\(name)\" for table \"\(relation.name)\" does not exist")
      }
      return .constraint(constraint.oid)
    case .schema(let name):
      return .namespace(
        try SQLError.engine { () throws(EngineError) in try catalog.requiredNamespace(named: name) })
    case .type(let name): return .type(try TypeNameResolver(catalog).resolve(name).id.rawValue)
    case .database, .role, .tablespace: throw .unsupported("a comment on a shared object")
    }
  }

  private func named(_ name: [String]) throws(SQLError) -> RelationDescriptor {
    let schema = name.count > 1 ? name[name.count - 2] : nil
    return try SQLError.engine { () throws(EngineError) in
      try catalog.requiredOpen(named: name.last ?? "", schema: schema, .shareUpdateExclusive)
    }
  }

  // MARK: Databases

  func createDatabase(_ statement: CreateDatabaseStatement) throws(SQLError) {
    try requireNoTransactionBlock("CREATE DATABASE")
    try requireDatabaseCreation()
    var template = "template1"
    var owner: UInt32?
    for option in statement.options {
      switch (option.name, RelationOptions.text(option.value)) {
      case ("template", let name): template = name ?? template
      case ("owner", let name?):
        owner = try SQLError.engine { () throws(EngineError) in try catalog.requiredRole(named: name).oid }
      case ("encoding", let name?):
        guard name.lowercased().filter({ $0 != "-" && $0 != "_" }) == "utf8" else {
          throw .unsupported("encoding \"\(name)\"", at: option.location)
        }
      case ("strategy", _), ("allow_connections", "true"), ("connection_limit", "-1"), ("locale", "C"),
        ("locale_provider", "libc"), ("lc_collate", "C"), ("lc_ctype", "C"), ("tablespace", "pg_default"):
        break
      default: throw .unsupported("CREATE DATABASE option \"\(option.name)\"", at: option.location)
      }
    }
    let (source, role) = (template, owner)
    try SQLError.engine { () throws(EngineError) in
      _ = try catalog.createDatabase(statement.name, template: source, owner: role)
    }
  }

  func dropDatabase(_ statement: DropDatabaseStatement) throws(SQLError) {
    try requireNoTransactionBlock("DROP DATABASE")
    try requireDatabaseCreation()
    if statement.ifExists {
      let isThere = try SQLError.engine { () throws(EngineError) in
        try catalog.first(CatalogColumns.Database.self, [.datname: .text(statement.name)]) != nil
      }
      if !isThere { return notice("database \"\(statement.name)\" does not exist, skipping") }
    }
    guard statement.name != databaseName else {
      throw SQLError(.objectInUse, "cannot drop the currently open database")
    }
    if statement.options.contains(where: { $0.name == "force" }) { try terminateSessions(of: statement.name) }
    try SQLError.engine { () throws(EngineError) in try catalog.dropDatabase(statement.name) }
  }

  /// Ends the sessions that are connected to a database, and does not wait for them (TerminateOtherDBBackends).
  private func terminateSessions(of database: String) throws(SQLError) {
    guard isSuperuser else {
      throw SQLError(.insufficientPrivilege, "permission denied to terminate process")
    }
    for other in instance.sessions where other.databaseName == database { _ = instance.terminate(other.processID) }
  }

  private func requireDatabaseCreation() throws(SQLError) {
    let role = try SQLError.engine { () throws(EngineError) in try catalog.role(catalog.currentUser) }
    guard role?.isSuperuser == true || role?.canCreateDatabases == true else {
      throw SQLError(.insufficientPrivilege, "permission denied to create database")
    }
  }

  func requireSuperuser(_ action: String) throws(SQLError) {
    let role = try SQLError.engine { () throws(EngineError) in try catalog.role(catalog.currentUser) }
    guard role?.isSuperuser == true else {
      throw SQLError(.insufficientPrivilege, "permission denied to \(action)")
    }
  }
}
