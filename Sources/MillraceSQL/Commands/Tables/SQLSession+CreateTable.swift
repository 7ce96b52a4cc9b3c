import MillraceEngine
import MillraceTypes

/// CREATE TABLE (PostgreSQL's commands/tablecmds.c, DefineRelation).
extension SQLSession {
  func createTable(_ statement: CreateTableStatement) throws(SQLError) {
    if !statement.inherits.isEmpty { throw .unsupported("INHERITS", at: statement.inherits[0].location) }
    try requireUsual(statement.tablespace, accessMethod: statement.accessMethod)
    let (namespace, persistence) = try creationPlace(statement.relation)
    if statement.onCommit != .unspecified, persistence != .temporary {
      throw SQLError(.invalidTableDefinition, "ON COMMIT can only be used on temporary tables")
    }
    if try skipsExisting(statement.relation.name, namespace, statement.ifNotExists) { return }
    var building = TableBuilding(self, table: statement.relation.name, namespace: namespace)
    for element in statement.elements {
      switch element {
      case .column(let column): try building.add(column)
      case .like(let like): try building.add(like)
      case .constraint: break
      }
    }
    for case .constraint(let constraint) in statement.elements { try building.add(constraint) }
    let oid = try create(building, statement, namespace, persistence)
    try finish(building, oid)
  }

  private func create(
    _ building: TableBuilding, _ statement: CreateTableStatement, _ namespace: UInt32,
    _ persistence: RelationDescriptor.Persistence
  ) throws(SQLError) -> UInt32 {
    var definition = TableDefinition(statement.relation.name, namespace: namespace, columns: building.columns)
    definition.persistence = persistence
    definition.options = try RelationOptions.table(statement.options)
    // The primary key's index comes first, as in PostgreSQL.
    definition.constraints =
      building.keys.filter { Self.isPrimary($0) } + building.keys.filter { !Self.isPrimary($0) }
    definition.onCommit =
      switch statement.onCommit {
      case .deleteRows: .deleteRows
      case .drop: .drop
      case .unspecified, .preserveRows: .preserveRows
      }
    let made = definition
    return try SQLError.engine { () throws(EngineError) in try catalog.createTable(made) }
  }

  private static func isPrimary(_ key: ConstraintDefinition) -> Bool {
    if case .primaryKey = key.kind { true } else { false }
  }

  /// What needs the table to be there: sequences' owners, and expressions, which are looked at now.
  private func finish(_ building: TableBuilding, _ oid: UInt32) throws(SQLError) {
    for (column, sequence, isIdentity) in building.sequences {
      try SQLError.engine { () throws(EngineError) in
        try catalog.setSequenceOwner(sequence, column: column, of: oid, isIdentity: isIdentity)
        if !isIdentity { try catalog.recordDefaultDependency(column: column, of: oid, on: .relation(sequence)) }
      }
    }
    let table = try SQLError.engine { () throws(EngineError) in try catalog.requiredRelation(oid) }
    for (column, expression) in building.expressions {
      try checkDefault(expression, column: column, of: table)
    }
    for (constraint, expression) in building.checks {
      try addCheck(constraint, expression, to: oid, isValidated: true)
    }
  }

  /// Looks at a column's default, or how it is generated.
  func checkDefault(_ expression: Expression, column: Int, of table: RelationDescriptor) throws(SQLError) {
    let descriptor = table.tuple.columns[column]
    let analyzer = makeAnalyzer()
    let typed = try analyzer.analyzeExpression(
      expression, over: table, expecting: ValueType(descriptor.typeID, descriptor.typmod),
      for: descriptor.generated == .none ? .columnDefault : .generatedColumn)
    for sequence in sequences(in: typed) {
      try SQLError.engine { () throws(EngineError) in
        try catalog.recordDefaultDependency(column: column, of: table.oid, on: .relation(sequence))
      }
    }
  }

  /// Sequences, or other relations, that an expression names: constants of type regclass.
  func sequences(in expression: TypedExpression) -> [UInt32] {
    var found: [UInt32] = []
    func visit(_ expression: TypedExpression) {
      if case .constant(let constant) = expression, constant.type.id == .regClass,
        case .word(let word) = constant.value
      {
        found.append(UInt32(truncatingIfNeeded: word))
      }
      expression.forEachChild { visit($0) }
    }
    visit(expression)
    return found
  }

  /// Adds a CHECK constraint. That rows which are there keep it the caller makes sure.
  func addCheck(
    _ constraint: Constraint, _ expression: Expression, to oid: UInt32, isValidated: Bool
  ) throws(SQLError) {
    let table = try SQLError.engine { () throws(EngineError) in try catalog.requiredRelation(oid) }
    let typed = try makeAnalyzer().analyzeExpression(
      expression, over: table, expecting: ValueType(.bool), for: .check)
    var definition = ConstraintDefinition(
      .check(Deparser.text(of: expression)), columns: columns(in: typed), name: constraint.name)
    (definition.isValidated, definition.isNoInherit) = (isValidated, constraint.isNoInherit)
    let made = definition
    try SQLError.engine { () throws(EngineError) in _ = try catalog.addConstraint(made, to: oid) }
  }

  /// The columns of a table that an expression over it looks at, from 0, ascending.
  func columns(in expression: TypedExpression) -> [Int] {
    var found: Set<Int> = []
    func visit(_ expression: TypedExpression) {
      if case .variable(let variable) = expression, case .column(let column) = variable.column { found.insert(column) }
      expression.forEachChild { visit($0) }
    }
    visit(expression)
    return found.sorted()
  }

  func makeAnalyzer() -> Analyzer {
    let analyzer = Analyzer(catalog, self, parameters: ParameterTypes([], isVariable: false))
    analyzer.typeSettings = typeSettings
    analyzer.maxStackDepth = parser.maxStackDepth
    return analyzer
  }

  // MARK: Where new relations go

  func requireUsual(_ tablespace: String?, accessMethod: String?) throws(SQLError) {
    if let tablespace, tablespace != "pg_default" {
      throw SQLError(.undefinedObject, "tablespace \"\(tablespace)\" does not exist")
    }
    if let accessMethod, accessMethod != "heap" {
      throw SQLError(.undefinedObject, "access method \"\(accessMethod)\" does not exist")
    }
  }

  /// The schema of a relation that is to be made, and how long it lives.
  func creationPlace(
    _ relation: RangeVariable
  ) throws(SQLError) -> (namespace: UInt32, RelationDescriptor.Persistence) {
    try requireOwnDatabase(relation)
    let isTemporary = relation.persistence == .temporary || relation.schema == "pg_temp"
    if relation.persistence == .temporary, let schema = relation.schema, schema != "pg_temp" {
      throw SQLError(
        .invalidTableDefinition, "cannot create temporary relation in non-temporary schema", at: relation.location)
    }
    let namespace = try SQLError.engine { () throws(EngineError) in
      if isTemporary { return try catalog.temporaryNamespace() }
      if let schema = relation.schema { return try catalog.requiredNamespace(named: schema) }
      return try catalog.creationNamespace()
    }
    guard namespace != SystemOID.catalogNamespace || isInitializing else {
      throw SQLError(
        .insufficientPrivilege, "permission denied to create \"pg_catalog.\(relation.name)\"",
        detail: "System catalog modifications are currently disallowed.")
    }
    let persistence: RelationDescriptor.Persistence =
      isTemporary ? .temporary : relation.persistence == .unlogged ? .unlogged : .permanent
    return (namespace, persistence)
  }

  /// Whether a relation is there already and `IF NOT EXISTS` was said.
  func skipsExisting(_ name: String, _ namespace: UInt32, _ ifNotExists: Bool) throws(SQLError) -> Bool {
    guard ifNotExists else { return false }
    let isThere = try SQLError.engine { () throws(EngineError) in
      let schema = try catalog.namespaceName(namespace)
      return try catalog.relationOID(named: name, schema: schema) != nil
    }
    guard isThere else { return false }
    notice(.notice, SQLError(.duplicateTable, "relation \"\(name)\" already exists, skipping"))
    return true
  }

  /// A collation's OID from its name; nil for none.
  func collation(_ name: [String]) throws(SQLError) -> UInt32? {
    guard let last = name.last else { return nil }
    switch last {
    case "default": return SystemOID.defaultCollation
    case "C", "POSIX": return SystemOID.cCollation
    default:
      throw SQLError(
        .undefinedObject, "collation \"\(name.joined(separator: "."))\" for encoding \"UTF8\" does not exist")
    }
  }

  /// A relation's name as a literal of type regclass has it.
  func regClassName(_ oid: UInt32) throws(SQLError) -> String {
    try SQLError.engine { () throws(EngineError) in
      let relation = try catalog.requiredRelation(oid)
      let schema = try catalog.namespaceName(relation.namespace) ?? ""
      return "\(SessionCatalog.quoted(schema)).\(SessionCatalog.quoted(relation.name))"
    }
  }
}
