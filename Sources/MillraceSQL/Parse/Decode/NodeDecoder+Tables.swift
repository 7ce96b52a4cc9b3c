import CPostgresParser

extension NodeDecoder {
  func createTable() throws(SyntaxError) -> CreateTableStatement {
    try refuse("PARTITION OF")
    try refuse("PARTITION BY")
    try refuse("CREATE TABLE ... OF")
    let relation = try rangeVariable()
    let elements = try list(tableElement)
    let inherits = try list(rangeVariable)
    try refuse("this constraint")
    let options = try definitionElements()
    let onCommit = onCommitAction()
    return CreateTableStatement(
      relation: relation, elements: elements, inherits: inherits, options: options, onCommit: onCommit,
      tablespace: optionalString(), accessMethod: optionalString(), ifNotExists: bool())
  }

  private func onCommitAction() -> OnCommitAction {
    enumerator([OnCommitAction.unspecified, .preserveRows, .deleteRows, .drop])
  }

  func createTableAs() throws(SyntaxError) -> CreateTableAsStatement {
    let object = objectType()
    try refuse("CREATE \(object.sqlName)", if: object != .table)
    let query = try statement()
    let into = try intoClause()
    try refuse("this CREATE TABLE AS", if: bool())
    return CreateTableAsStatement(query: query, into: into, ifNotExists: bool())
  }

  func intoClause() throws(SyntaxError) -> IntoClause {
    try expect(.intoClause)
    let relation = try rangeVariable()
    let columnNames = try names()
    let accessMethod = optionalString()
    let options = try definitionElements()
    let onCommit = onCommitAction()
    let tablespace = optionalString()
    try refuse("this INTO")
    return IntoClause(
      relation: relation, columnNames: columnNames, accessMethod: accessMethod, options: options, onCommit: onCommit,
      tablespace: tablespace, skipsData: bool())
  }

  func createIndex() throws(SyntaxError) -> CreateIndexStatement {
    let name = optionalString()
    let relation = try rangeVariable()
    let accessMethod = string()
    let tablespace = optionalString()
    let elements = try list(indexElement)
    let including = try list(indexElement)
    let options = try definitionElements()
    let condition = try optionalExpression()
    try refuse("EXCLUDE")
    try refuse("this index", if: optionalString() != nil)
    try resolvedLater(4)
    let isUnique = bool()
    let nullsNotDistinct = bool()
    // primary, isconstraint, deferrable, initdeferred, transformed belong to constraints.
    try resolvedLater(5)
    let isConcurrent = bool()
    let ifNotExists = bool()
    try resolvedLater()
    return CreateIndexStatement(
      name: name, relation: relation, accessMethod: accessMethod, elements: elements, including: including,
      options: options, condition: condition, tablespace: tablespace, isUnique: isUnique,
      nullsNotDistinct: nullsNotDistinct, isConcurrent: isConcurrent, ifNotExists: ifNotExists)
  }

  func createSequence() throws(SyntaxError) -> CreateSequenceStatement {
    let sequence = try rangeVariable()
    let options = try definitionElements()
    try resolvedLater(2)
    return CreateSequenceStatement(sequence: sequence, options: options, ifNotExists: bool())
  }

  func alterSequence() throws(SyntaxError) -> AlterSequenceStatement {
    let sequence = try rangeVariable()
    let options = try definitionElements()
    try resolvedLater()
    return AlterSequenceStatement(sequence: sequence, options: options, ifExists: bool())
  }

  func createView() throws(SyntaxError) -> CreateViewStatement {
    let view = try rangeVariable()
    let columnNames = try names()
    let query = try selectStatement()
    let orReplace = bool()
    let options = try definitionElements()
    let checkOption = enumerator([CreateViewStatement.CheckOption.none, .local, .cascaded])
    return CreateViewStatement(
      view: view, columnNames: columnNames, query: query, orReplace: orReplace, options: options,
      checkOption: checkOption)
  }

  func drop() throws(SyntaxError) -> DropStatement {
    let object = objectType()
    let kinds: [ObjectType: DropStatement.Kind] = [
      .table: .table, .sequence: .sequence, .view: .view, .index: .index, .schema: .schema,
    ]
    guard let kind = kinds[object] else { throw unsupported("DROP \(object.sqlName)") }
    // A schema has no name with dots.
    let objects = try list { () throws(SyntaxError) -> [String] in
      kind == .schema ? [try stringNode()] : try names()
    }
    return DropStatement(
      kind: kind, names: objects, behavior: dropBehavior(), ifExists: bool(), isConcurrent: bool())
  }

  func truncate() throws(SyntaxError) -> TruncateStatement {
    TruncateStatement(relations: try list(rangeVariable), restartsIdentity: bool(), behavior: dropBehavior())
  }

  func rename() throws(SyntaxError) -> RenameStatement {
    let object = objectType()
    let parent = objectType()
    switch object {
    case .column, .tableConstraint, .schema, .database, .role: break
    default: _ = try relationKind(object, "RENAME")
    }
    let relation = try optional(rangeVariable)
    try refuse("ALTER \(object.sqlName) ... RENAME")
    let oldName = optionalString() ?? ""
    let newName = string()
    let behavior = dropBehavior()
    let target: RenameStatement.Target
    switch (object, relation) {
    case (.schema, nil): target = .schema(oldName)
    case (.database, nil): target = .database(oldName)
    case (.role, nil): target = .role(oldName)
    case (.column, let relation?):
      target = .column(try relationKind(parent, "RENAME"), relation, oldName, behavior)
    case (.tableConstraint, let relation?): target = .constraint(relation, oldName)
    case (_, let relation?): target = .relation(try relationKind(object, "RENAME"), relation)
    default: throw unsupported("ALTER \(object.sqlName) ... RENAME")
    }
    return RenameStatement(target: target, newName: newName, ifExists: bool())
  }

  func setSchema() throws(SyntaxError) -> SetSchemaStatement {
    let kind = try relationKind(objectType(), "SET SCHEMA")
    let relation = try rangeVariable()
    try refuse("this SET SCHEMA")
    return SetSchemaStatement(kind: kind, relation: relation, schema: string(), ifExists: bool())
  }

  /// The kinds of relations that ALTER knows.
  func relationKind(_ object: ObjectType, _ action: String) throws(SyntaxError) -> AlterTableStatement.Kind {
    switch object {
    case .table: .table
    case .index: .index
    case .sequence: .sequence
    case .view: .view
    default: throw unsupported("ALTER \(object.sqlName)\(action.isEmpty ? "" : " ... ")\(action)")
    }
  }

  func comment() throws(SyntaxError) -> CommentStatement {
    let object = objectType()
    let target: CommentStatement.Target
    switch object {
    case .table: target = .table(try names())
    case .index: target = .index(try names())
    case .sequence: target = .sequence(try names())
    case .view: target = .view(try names())
    case .column: target = .column(try names())
    case .tableConstraint:
      var names = try names()
      let name = names.removeLast()
      target = .constraint(name, table: names)
    case .schema: target = .schema(try stringNode())
    case .database: target = .database(try stringNode())
    case .role: target = .role(try stringNode())
    case .tablespace: target = .tablespace(try stringNode())
    case .type: target = .type(try typeName())
    default: throw unsupported("COMMENT ON \(object.sqlName)")
    }
    return CommentStatement(target: target, comment: optionalString())
  }

  func reindex() throws(SyntaxError) -> ReindexStatement {
    let kind = int32()
    let relation = try optional(rangeVariable)
    let name = optionalString()
    let target: ReindexStatement.Target
    switch (kind, relation, name) {
    case (0, let relation?, nil): target = .index(relation)
    case (1, let relation?, nil): target = .table(relation)
    case (2, nil, let name?): target = .schema(name)
    case (3, nil, let name?): target = .system(name)
    case (4, nil, let name?): target = .database(name)
    default: throw unsupported("this REINDEX")
    }
    return ReindexStatement(target: target, options: try definitionElements())
  }
}
