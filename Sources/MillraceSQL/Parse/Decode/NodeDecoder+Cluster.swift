import CPostgresParser

extension NodeDecoder {
  /// Statements that define something.
  func definitionStatement(_ node: MillraceNode) throws(SyntaxError) -> Statement {
    switch node {
    case .createStmt: .createTable(try createTable())
    case .alterTableStmt: .alterTable(try alterTable())
    case .indexStmt: .createIndex(try createIndex())
    case .createSeqStmt: .createSequence(try createSequence())
    case .alterSeqStmt: .alterSequence(try alterSequence())
    case .viewStmt: .createView(try createView())
    case .createTableAsStmt: .createTableAs(try createTableAs())
    case .dropStmt: .drop(try drop())
    case .truncateStmt: .truncate(try truncate())
    case .renameStmt: .rename(try rename())
    case .alterObjectSchemaStmt: .setSchema(try setSchema())
    case .commentStmt: .comment(try comment())
    case .reindexStmt: .reindex(try reindex())
    case .createSchemaStmt: .createSchema(try createSchema())
    case .createdbStmt: .createDatabase(CreateDatabaseStatement(name: string(), options: try definitionElements()))
    case .alterDatabaseStmt:
      .alterDatabase(AlterDatabaseStatement(name: string(), options: try definitionElements()))
    case .alterDatabaseSetStmt: .alterDatabaseSet(AlterDatabaseSetStatement(name: string(), set: try variableSet()))
    case .dropdbStmt:
      .dropDatabase(DropDatabaseStatement(name: string(), ifExists: bool(), options: try definitionElements()))
    case .alterOwnerStmt: .alterOwner(try alterOwner())
    case .grantStmt: .grant(try grant())
    case .grantRoleStmt: .grantRole(try grantRole())
    case .createRoleStmt: .createRole(try createRole())
    case .alterRoleStmt: .alterRole(try alterRole())
    case .alterRoleSetStmt:
      .alterRoleSet(
        AlterRoleSetStatement(role: try optional(role), database: optionalString(), set: try variableSet()))
    case .dropRoleStmt: .dropRole(DropRoleStatement(roles: try list(role), ifExists: bool()))
    default: throw unexpected(node)
    }
  }

  private func createSchema() throws(SyntaxError) -> CreateSchemaStatement {
    CreateSchemaStatement(
      name: optionalString(), authorization: try optional(role), elements: try list(statement), ifNotExists: bool())
  }

  private func alterOwner() throws(SyntaxError) -> AlterOwnerStatement {
    let object = objectType()
    guard object == .schema || object == .database else { throw unsupported("ALTER \(object.sqlName) ... OWNER TO") }
    try refuse("this OWNER TO")
    let name = try stringNode()
    return AlterOwnerStatement(
      target: object == .schema ? .schema(name) : .database(name), owner: try role())
  }

  private func grant() throws(SyntaxError) -> GrantStatement {
    let target = int32()
    let object = objectType()
    try refuse("ALTER DEFAULT PRIVILEGES", if: target == 2)
    let isGrant = bool()
    let objects = try grantTarget(object, isAllInSchema: target == 1)
    let privileges = try list(privilege)
    let grantees = try list(role)
    let grantOption = bool()
    return GrantStatement(
      isGrant: isGrant, privileges: privileges, target: objects, grantees: grantees, grantOption: grantOption,
      grantedBy: try optional(role), behavior: dropBehavior())
  }

  private func grantTarget(_ object: ObjectType, isAllInSchema: Bool) throws(SyntaxError) -> GrantStatement.Target {
    switch (object, isAllInSchema) {
    case (.table, false): .tables(try list(rangeVariable))
    case (.sequence, false): .sequences(try list(rangeVariable))
    case (.database, false): .databases(try names())
    case (.schema, false): .schemas(try names())
    case (.tablespace, false): .tablespaces(try names())
    case (.parameter, false): .parameters(try names())
    case (.table, true): .allTablesInSchemas(try names())
    case (.sequence, true): .allSequencesInSchemas(try names())
    default: throw unsupported("GRANT and REVOKE ON \(object.sqlName)")
    }
  }

  private func privilege() throws(SyntaxError) -> GrantStatement.Privilege {
    try expect(.accessPriv)
    return GrantStatement.Privilege(name: optionalString(), columns: try names())
  }

  private func grantRole() throws(SyntaxError) -> GrantRoleStatement {
    let roles = try list { () throws(SyntaxError) -> String in
      let privilege = try privilege()
      guard let name = privilege.name, privilege.columns.isEmpty else { throw unsupported("this role") }
      return name
    }
    let grantees = try list(role)
    let isGrant = bool()
    let adminOption = bool()
    return GrantRoleStatement(
      isGrant: isGrant, roles: roles, grantees: grantees, adminOption: adminOption,
      grantedBy: try optional(role), behavior: dropBehavior())
  }

  private func createRole() throws(SyntaxError) -> CreateRoleStatement {
    CreateRoleStatement(
      kind: enumerator([CreateRoleStatement.Kind.role, .user, .group]), name: string(),
      options: try definitionElements())
  }

  private func alterRole() throws(SyntaxError) -> AlterRoleStatement {
    AlterRoleStatement(role: try role(), options: try definitionElements(), isRemoval: int32() < 0)
  }
}
