import MillraceEngine
import MillraceTypes

/// What ALTER TABLE does to rows: new columns, and columns of other types (ATRewriteTable, commands/tablecmds.c).
extension SQLSession {
  func addColumn(
    _ definition: ColumnDefinition, _ ifNotExists: Bool, to table: RelationDescriptor
  ) throws(SQLError) {
    if ifNotExists, table.tuple.index(of: definition.name) != nil {
      return notice(
        .notice,
        SQLError(
          .duplicateColumn, "column \"\(definition.name)\" of relation \"\(table.name)\" already exists, skipping"))
    }
    var building = TableBuilding(self, table: table.name, namespace: table.namespace)
    try building.take(table)
    let place = building.columns.count
    try building.add(definition)
    var column = building.columns[place]
    let arena = Arena()
    let needsRewrite = try prepareDefault(of: &column, building, table, arena)
    let isEmpty = try isEmpty(table)
    if column.isNotNull, column.missing == nil, !needsRewrite, !isEmpty {
      var error = SQLError(
        .notNullViolation, "column \"\(column.name)\" of relation \"\(table.name)\" contains null values")
      (error.table, error.column) = (table.name, column.name)
      throw error
    }
    let made = column
    let changed = try SQLError.engine { () throws(EngineError) in
      try catalog.addColumn(made, to: table.oid)
      return try catalog.requiredRelation(table.oid)
    }
    try finish(building, place, changed)
    if needsRewrite, !isEmpty { try fillColumn(place, of: changed) }
    let current = try SQLError.engine { () throws(EngineError) in try catalog.requiredRelation(table.oid) }
    try addKeys(building.keys, to: current)
  }

  private func isEmpty(_ table: RelationDescriptor) throws(SQLError) -> Bool {
    try SQLError.engine { () throws(EngineError) in try table.heap?.blockCount() ?? 0 } == 0
  }

  /// Evaluates a default that is the same for all rows, which then need not be touched.
  /// - Returns: whether they must be.
  private func prepareDefault(
    of column: inout MillraceEngine.ColumnDefinition, _ building: TableBuilding, _ table: RelationDescriptor,
    _ arena: Arena
  ) throws(SQLError) -> Bool {
    if column.identity != .none || column.generated != .none || !building.sequences.isEmpty { return true }
    guard let expression = building.expressions.last?.expression else { return false }
    let type = ValueType(column.type, column.typmod)
    let typed = try makeAnalyzer().analyzeExpression(expression, over: nil, expecting: type, for: .columnDefault)
    let functions = try SQLError.engine { () throws(EngineError) in try catalog.functions() }
    let isVolatile = typed.contains { part in
      if case .call(let call) = part { return functions.functions[call.function]?.volatility == "v" }
      return false
    }
    if isVolatile { return true }
    if let value = try evaluate(expression, as: type, for: .columnDefault, arena) {
      let isByValue = TypeDescriptor.builtIn[type.id]?.isByValue ?? false
      column.missing = MissingValue(copying: value, isByValue: isByValue)
    }
    return false
  }

  private func finish(_ building: TableBuilding, _ place: Int, _ table: RelationDescriptor) throws(SQLError) {
    for (_, sequence, isIdentity) in building.sequences {
      try SQLError.engine { () throws(EngineError) in
        try catalog.setSequenceOwner(sequence, column: place, of: table.oid, isIdentity: isIdentity)
        if !isIdentity {
          try catalog.recordDefaultDependency(column: place, of: table.oid, on: .relation(sequence))
        }
      }
    }
    for (_, expression) in building.expressions { try checkDefault(expression, column: place, of: table) }
    for (constraint, expression) in building.checks {
      try addCheck(constraint, expression, to: table.oid, isValidated: true)
    }
  }

  /// Gives all rows a value in a new column.
  private func fillColumn(_ place: Int, of table: RelationDescriptor) throws(SQLError) {
    let context = ExecutionContext(
      session, self, typeSettings, parameters: noParameters, executorParameterCount: 0)
    let column = table.tuple.columns[place]
    let compiled: CompiledExpression?
    if column.generated != .none, let text = column.defaultExpression {
      let type = ValueType(column.typeID, column.typmod)
      compiled = try ExpressionCompiler(context).compile(
        try StoredExpression.analyze(text, over: table, type, .generatedColumn, context))
    } else {
      compiled = try makeAnalyzer().defaultValue(of: place, table).map { value throws(SQLError) in
        try ExpressionCompiler(context).compile(value)
      }
    }
    guard let compiled else { return }
    try rewrite(table, context) { reading, row, arena throws(SQLError) in
      row[place] = try compiled.evaluate(reading.batch, arena)[0]
    }
  }

  /// Writes all rows of a table anew, into a new file, with its indexes.
  /// - Parameters:
  ///   - old: as the rows are.
  ///   - change: makes of a row, which has been copied, what it is to be.
  private func rewrite(
    _ old: RelationDescriptor, _ context: ExecutionContext,
    _ change: (TableReading, TupleSlot, Arena) throws(SQLError) -> Void
  ) throws(SQLError) {
    let reading = try TableReading(old, session)
    let new = try SQLError.engine { () throws(EngineError) in
      try catalog.setNewStorage(of: old.oid)
      for index in try catalog.requiredRelation(old.oid).indexes { try catalog.setNewStorage(of: index.oid) }
      return try catalog.requiredRelation(old.oid)
    }
    let loader = TableLoader(try TableInserter(new, checks: [], context))
    let row = loader.inserter.row
    let arena = Arena()
    while try reading.next() {
      arena.reset()
      for column in 0..<row.count { row[column] = column < reading.row.count ? reading.row[column] : nil }
      try change(reading, row, arena)
      try loader.insert()
    }
    try loader.finish()
  }

  // MARK: Types

  func alterType(
    of name: String, _ table: RelationDescriptor, _ typeName: TypeName, _ collation: [String], _ using: Expression?
  ) throws(SQLError) {
    let place = try requiredColumn(name, of: table)
    let column = table.tuple.columns[place]
    let type = try TypeNameResolver(catalog).resolve(typeName)
    let collationID = try self.collation(collation)
    if column.generated != .none { throw .unsupported("ALTER TYPE of a generated column") }
    let isUsed = table.indexes.contains { $0.referencedColumns.contains(place) || $0.hasExpressions }
    // Of the same type, more room changes nothing about what is there.
    let isWidening =
      using == nil && type.id == column.typeID
      && (type.typmod == -1 || type.typmod == column.typmod
        || ([.varchar].contains(type.id) && column.typmod != -1 && type.typmod > column.typmod))
    if !isWidening {
      if isUsed { throw .unsupported("ALTER TYPE of a column that an index refers to") }
      try convert(place, table, type, collationID, using)
    } else {
      try SQLError.engine { () throws(EngineError) in
        try catalog.setColumnType(type.id, typmod: type.typmod, collation: collationID, column: name, of: table.oid)
      }
    }
  }

  private func convert(
    _ place: Int, _ table: RelationDescriptor, _ type: ValueType, _ collation: UInt32?, _ using: Expression?
  ) throws(SQLError) {
    let column = table.tuple.columns[place]
    let source =
      using ?? .column(ColumnReference(names: [column.name], isStar: false, location: .unknown))
    let typed: TypedExpression
    do throws(SQLError) {
      typed = try makeAnalyzer().analyzeExpression(source, over: table, expecting: type, for: .alterColumnType)
    } catch {
      guard using == nil, error.sqlState == SQLState.datatypeMismatch.description else { throw error }
      let types = try? catalog.types()
      throw SQLError(
        .datatypeMismatch,
        "column \"\(column.name)\" cannot be cast automatically to type \(TypeNames.format(type.id, types))",
        hint: "You might need to specify \"USING \(Deparser.quoted(identifier: column.name))::"
          + "\(TypeNames.format(type, types))\".")
    }
    let context = ExecutionContext(
      session, self, typeSettings, parameters: noParameters, executorParameterCount: 0)
    let compiled = try ExpressionCompiler(context).compile(StoredExpression.overColumns(typed))
    try SQLError.engine { () throws(EngineError) in
      try catalog.setColumnType(
        type.id, typmod: type.typmod, collation: collation, column: column.name, of: table.oid)
    }
    try rewrite(table, context) { reading, row, arena throws(SQLError) in
      row[place] = try compiled.evaluate(reading.batch, arena)[0]
    }
  }
}
