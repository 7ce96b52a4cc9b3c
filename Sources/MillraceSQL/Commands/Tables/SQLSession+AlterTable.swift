import MillraceEngine
import MillraceTypes

/// ALTER TABLE (PostgreSQL's commands/tablecmds.c).
extension SQLSession {
  func alterTable(_ statement: AlterTableStatement) throws(SQLError) {
    guard let relation = try relation(statement.relation, statement.ifExists, statement.kind) else { return }
    for command in statement.commands {
      // Each sees what those before it have done.
      let table = try SQLError.engine { () throws(EngineError) in try catalog.requiredRelation(relation.oid) }
      try requireRight(command, table)
      try alter(table, command)
    }
  }

  private func requireRight(_ command: AlterTableCommand, _ relation: RelationDescriptor) throws(SQLError) {
    switch command {
    case .changeOwner: return
    case .setOptions, .resetOptions: if relation.kind == .table || relation.kind == .index { return }
    case .setDefault: if relation.kind == .table || relation.kind == .view { return }
    default: if relation.kind == .table { return }
    }
    throw SQLError(
      .wrongObjectType, "ALTER action cannot be performed on relation \"\(relation.name)\"",
      detail: "This operation is not supported for \(relation.kind.noun == "index" ? "indexe" : relation.kind.noun)s.")
  }

  private func alter(_ table: RelationDescriptor, _ command: AlterTableCommand) throws(SQLError) {
    switch command {
    case .addColumn(let column, let ifNotExists): try addColumn(column, ifNotExists, to: table)
    case .dropColumn(let name, let behavior, let ifExists): try dropColumn(name, behavior, ifExists, of: table)
    case .setDefault(let name, let expression): try setDefault(name, expression, of: table)
    case .setNotNull(let name): try setNotNull(name, of: table)
    case .alterType(let name, let type, let collation, let using):
      try alterType(of: name, table, type, collation, using)
    case .addConstraint(let constraint): try addConstraint(constraint, to: table)
    case .validateConstraint(let name): try validate(name, of: table)
    case .dropConstraint(let name, let behavior, let ifExists):
      try dropConstraint(name, behavior, ifExists, of: table)
    case .addIdentity(let name, let isAlways, let options):
      try addIdentity(name, isAlways: isAlways, options, to: table)
    case .dropIdentity(let name, let ifExists): try dropIdentity(name, ifExists, of: table)
    default: try alterAttributes(table, command)
    }
  }

  /// What only changes rows of the catalog.
  private func alterAttributes(_ table: RelationDescriptor, _ command: AlterTableCommand) throws(SQLError) {
    let oid = table.oid
    switch command {
    case .dropNotNull(let name):
      try SQLError.engine { () throws(EngineError) in try catalog.dropNotNull(column: name, of: oid) }
    case .setStorage(let name, let word):
      let storage = try Self.storage(word)
      try SQLError.engine { () throws(EngineError) in try catalog.setStorage(storage, column: name, of: oid) }
    case .setCompression(let name, let word):
      let compression = try TableBuilding.compression(word)
      try SQLError.engine { () throws(EngineError) in
        try catalog.setCompression(compression, column: name, of: oid)
      }
    case .setOptions(let elements):
      let options =
        try table.kind == .index ? RelationOptions.index(elements) : RelationOptions.table(elements)
      try SQLError.engine { () throws(EngineError) in try catalog.setOptions(options, of: oid) }
    case .resetOptions(let elements):
      let names = RelationOptions.names(elements)
      try SQLError.engine { () throws(EngineError) in try catalog.setOptions([:], reset: names, of: oid) }
    case .changeOwner(let specification):
      let owner = try role(specification)
      try SQLError.engine { () throws(EngineError) in try catalog.setOwner(owner.oid, of: oid) }
    case .setTablespace("pg_default"), .setAccessMethod("heap"): break
    case .setStatistics: throw .unsupported("ALTER COLUMN ... SET STATISTICS")
    case .setLogged, .setUnlogged: throw .unsupported("ALTER TABLE ... SET LOGGED")
    default: throw .unsupported("this form of ALTER TABLE")
    }
  }

  private static func storage(_ word: String) throws(SQLError) -> TypeDescriptor.Storage {
    switch word.lowercased() {
    case "plain": .plain
    case "external": .external
    case "extended", "default": .extended
    case "main": .main
    default: throw SQLError(.invalidParameterValue, "invalid storage type \"\(word)\"")
    }
  }

  func requiredColumn(_ name: String, of table: RelationDescriptor) throws(SQLError) -> Int {
    if let index = table.tuple.index(of: name) { return index }
    throw SQLError(.undefinedColumn, "column \"\(name)\" of relation \"\(table.name)\" does not exist")
  }

  // MARK: Columns

  private func dropColumn(
    _ name: String, _ behavior: DropBehavior, _ ifExists: Bool, of table: RelationDescriptor
  ) throws(SQLError) {
    if ifExists, table.tuple.index(of: name) == nil {
      return notice("column \"\(name)\" of relation \"\(table.name)\" does not exist, skipping")
    }
    _ = try requiredColumn(name, of: table)
    let taken = try SQLError.engine { () throws(EngineError) in
      try catalog.dropColumn(name, of: table.oid, behavior == .cascade ? .cascade : .restrict)
    }
    noteCascade(taken)
  }

  private func setDefault(_ name: String, _ expression: Expression?, of table: RelationDescriptor) throws(SQLError) {
    let column = try requiredColumn(name, of: table)
    let text = expression.map { Deparser.text(of: $0) }
    try SQLError.engine { () throws(EngineError) in try catalog.setDefault(text, column: name, of: table.oid) }
    guard let expression else { return }
    let changed = try SQLError.engine { () throws(EngineError) in try catalog.requiredRelation(table.oid) }
    try checkDefault(expression, column: column, of: changed)
  }

  private func setNotNull(_ name: String, of table: RelationDescriptor) throws(SQLError) {
    let column = try requiredColumn(name, of: table)
    try requireNoNulls(in: [column], of: table)
    try SQLError.engine { () throws(EngineError) in try catalog.setNotNull(column: name, of: table.oid) }
  }

  /// - Throws: `23502` where a row has a null in one of the columns.
  func requireNoNulls(in columns: [Int], of table: RelationDescriptor) throws(SQLError) {
    let open = columns.filter { !table.tuple.columns[$0].isNotNull }
    guard !open.isEmpty else { return }
    let reading = try TableReading(table, session, columns: open)
    while try reading.next() {
      for column in open where reading.row.nulls[column] {
        let name = table.tuple.columns[column].name
        var error = SQLError(
          .notNullViolation, "column \"\(name)\" of relation \"\(table.name)\" contains null values")
        (error.table, error.column) = (table.name, name)
        throw error
      }
    }
  }

  private func addIdentity(
    _ name: String, isAlways: Bool, _ options: [DefinitionElement], to table: RelationDescriptor
  ) throws(SQLError) {
    let column = try requiredColumn(name, of: table)
    let descriptor = table.tuple.columns[column]
    guard descriptor.isNotNull else {
      throw SQLError(
        .objectNotInPrerequisiteState,
        "column \"\(name)\" of relation \"\(table.name)\" must be declared NOT NULL before identity can be added")
    }
    guard descriptor.identity == .none, !descriptor.hasDefault else {
      throw SQLError(
        .objectNotInPrerequisiteState,
        "column \"\(name)\" of relation \"\(table.name)\" already has "
          + (descriptor.identity == .none ? "a default value" : "an identity"))
    }
    var sequence = SequenceOptions(options)
    sequence.defaultType = descriptor.typeID
    let definition = try sequence.definition(self)
    try SQLError.engine { () throws(EngineError) in
      let free = try catalog.freeRelationName(table.name, [name], "seq", in: table.namespace)
      let oid = try catalog.createSequence(
        free, namespace: table.namespace, definition, persistence: table.persistence)
      try catalog.setIdentity(isAlways ? .always : .byDefault, column: name, of: table.oid)
      try catalog.setSequenceOwner(oid, column: column, of: table.oid, isIdentity: true)
    }
  }

  private func dropIdentity(_ name: String, _ ifExists: Bool, of table: RelationDescriptor) throws(SQLError) {
    let column = try requiredColumn(name, of: table)
    guard table.tuple.columns[column].identity != .none else {
      if ifExists {
        return notice("column \"\(name)\" of relation \"\(table.name)\" is not an identity column, skipping")
      }
      throw SQLError(
        .objectNotInPrerequisiteState,
        "column \"\(name)\" of relation \"\(table.name)\" is not an identity column")
    }
    throw .unsupported("DROP IDENTITY")
  }

  // MARK: Constraints

  private func addConstraint(_ constraint: Constraint, to table: RelationDescriptor) throws(SQLError) {
    switch constraint.kind {
    case .check(let expression):
      try addCheck(constraint, expression, to: table.oid, isValidated: !constraint.isNotValid)
      if !constraint.isNotValid { try requireFulfilled(expression, constraint, of: table) }
    case .primaryKey, .unique:
      var building = TableBuilding(self, table: table.name, namespace: table.namespace)
      try building.take(table)
      try building.add(constraint)
      try addKeys(building.keys, to: table)
    default:
      var building = TableBuilding(self, table: table.name, namespace: table.namespace)
      // It says why not.
      try building.add(constraint)
    }
  }

  /// Adds keys, and fills their indexes.
  func addKeys(_ keys: [ConstraintDefinition], to table: RelationDescriptor) throws(SQLError) {
    for key in keys {
      if case .primaryKey = key.kind { try requireNoNulls(in: key.columns, of: table) }
      let before = Set(table.indexes.map(\.oid))
      let changed = try SQLError.engine { () throws(EngineError) in
        try catalog.addConstraint(key, to: table.oid)
        return try catalog.requiredRelation(table.oid)
      }
      for index in changed.indexes where !before.contains(index.oid) {
        try fill(index: index.oid, of: table.oid)
      }
    }
  }

  /// - Throws: `23514` where a row does not keep a check.
  private func requireFulfilled(
    _ expression: Expression, _ constraint: Constraint, of table: RelationDescriptor
  ) throws(SQLError) {
    let context = ExecutionContext(
      session, self, typeSettings, parameters: noParameters, executorParameterCount: 0)
    let typed = try makeAnalyzer().analyzeExpression(
      expression, over: table, expecting: ValueType(.bool), for: .check)
    let compiled = try ExpressionCompiler(context).compile(StoredExpression.overColumns(typed))
    let reading = try TableReading(table, session)
    let arena = Arena()
    while try reading.next() {
      arena.reset()
      // Unknown is as good as true.
      guard try compiled.evaluate(reading.batch, arena)[0]?.bool == false else { continue }
      let current = try SQLError.engine { () throws(EngineError) in try catalog.requiredRelation(table.oid) }
      let known = Set(table.constraints.map(\.oid))
      let name = constraint.name ?? current.constraints.first { !known.contains($0.oid) }?.name ?? ""
      var error = SQLError(
        .checkViolation, "check constraint \"\(name)\" of relation \"\(table.name)\" is violated by some row")
      (error.table, error.constraint) = (table.name, name)
      throw error
    }
  }

  private func validate(_ name: String, of table: RelationDescriptor) throws(SQLError) {
    guard let constraint = table.constraints.first(where: { $0.name == name }) else {
      throw SQLError(
        .undefinedObject, "constraint \"\(name)\" of relation \"\(table.name)\" does not exist")
    }
    guard !constraint.isValidated, let text = constraint.expression else { return }
    let expression: Expression
    do throws(SyntaxError) { expression = try Parser.parseExpression(text) } catch { throw SQLError(error) }
    try requireFulfilled(expression, .check(named: name, expression), of: table)
    try SQLError.engine { () throws(EngineError) in try catalog.setValidated(constraint: constraint.oid) }
  }

  private func dropConstraint(
    _ name: String, _ behavior: DropBehavior, _ ifExists: Bool, of table: RelationDescriptor
  ) throws(SQLError) {
    if ifExists, !table.constraints.contains(where: { $0.name == name }) {
      return notice("constraint \"\(name)\" of relation \"\(table.name)\" does not exist, skipping")
    }
    let taken = try SQLError.engine { () throws(EngineError) in
      try catalog.dropConstraint(name, of: table.oid, behavior == .cascade ? .cascade : .restrict)
    }
    noteCascade(taken)
  }
}
