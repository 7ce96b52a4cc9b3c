import MillraceEngine
import MillraceSettings
import MillraceStorage
import MillraceTypes

/// CREATE INDEX and REINDEX (PostgreSQL's commands/indexcmds.c, catalog/index.c).
extension SQLSession {
  func createIndex(_ statement: CreateIndexStatement) throws(SQLError) {
    if statement.isConcurrent { throw .unsupported("CREATE INDEX CONCURRENTLY") }
    try requireUsual(statement.tablespace, accessMethod: nil)
    guard statement.accessMethod == "btree" else {
      let known = ["hash", "gist", "gin", "spgist", "brin"].contains(statement.accessMethod)
      if known { throw .unsupported("access method \"\(statement.accessMethod)\"") }
      throw SQLError(.undefinedObject, "access method \"\(statement.accessMethod)\" does not exist")
    }
    let table = try open(statement.relation, .share)
    guard table.kind == .table else {
      throw SQLError(
        .wrongObjectType, "cannot create index on relation \"\(table.name)\"",
        detail: "This operation is not supported for \(table.kind.noun)s.")
    }
    try requireOwnership(of: table)
    if let name = statement.name, try skipsExisting(name, table.namespace, statement.ifNotExists) { return }
    let definition = try indexDefinition(statement, table)
    let oid = try SQLError.engine { () throws(EngineError) in try catalog.createIndex(definition) }
    try fill(index: oid, of: table.oid)
  }

  private func indexDefinition(
    _ statement: CreateIndexStatement, _ table: RelationDescriptor
  ) throws(SQLError) -> IndexDefinition {
    var columns: [IndexDescriptor.Column] = []
    var (expressionTypes, expressionColumns) = ([Int: TypeID](), Set<Int>())
    var names: [String] = []
    for (place, element) in statement.elements.enumerated() {
      let (column, type, used, name) = try indexColumn(element, table)
      columns.append(column)
      if let type { expressionTypes[place] = type }
      expressionColumns.formUnion(used)
      names.append(name)
    }
    var definition = IndexDefinition(statement.name ?? "", on: table.oid, columns: columns)
    definition.expressionTypes = expressionTypes
    for element in statement.including {
      guard case .column(let name) = element.key else {
        throw .unsupported("an expression in INCLUDE")
      }
      definition.included.append(try column(name, of: table))
    }
    definition.isUnique = statement.isUnique
    definition.isNullsNotDistinct = statement.nullsNotDistinct
    definition.options = try RelationOptions.index(statement.options)
    if let condition = statement.condition {
      let typed = try makeAnalyzer().analyzeExpression(
        condition, over: table, expecting: ValueType(.bool), for: .indexPredicate)
      try requireImmutable(typed, "functions in index predicate must be marked IMMUTABLE")
      expressionColumns.formUnion(self.columns(in: typed))
      definition.predicate = Deparser.text(of: condition)
    }
    definition.expressionColumns = expressionColumns.sorted()
    if statement.name == nil {
      let nameParts = names
      definition.name = try SQLError.engine { () throws(EngineError) in
        try catalog.freeRelationName(table.name, nameParts, "idx", in: table.namespace)
      }
    }
    return definition
  }

  private func column(_ name: String, of table: RelationDescriptor) throws(SQLError) -> Int {
    if let index = table.tuple.index(of: name) { return index }
    throw SQLError(.undefinedColumn, "column \"\(name)\" does not exist")
  }

  private func indexColumn(
    _ element: IndexElement, _ table: RelationDescriptor
  ) throws(SQLError) -> (IndexDescriptor.Column, TypeID?, [Int], name: String) {
    var made: IndexDescriptor.Column
    var (type, used, name) = (TypeID?.none, [Int](), "expr")
    switch element.key {
    case .column(let columnName):
      made = IndexDescriptor.Column(column: try column(columnName, of: table))
      name = columnName
    case .expression(let expression):
      let typed = try makeAnalyzer().analyzeExpression(
        expression, over: table, expecting: nil, for: .indexExpression)
      try requireImmutable(typed, "functions in index expression must be marked IMMUTABLE")
      made = IndexDescriptor.Column(expression: Deparser.text(of: expression))
      (type, used) = (typed.type.id, columns(in: typed))
      if case .function(let call) = expression { name = call.name.last ?? name }
    }
    if !element.operatorClassOptions.isEmpty { throw .unsupported("options of an operator class") }
    made.collation = try collation(element.collation) ?? 0
    if !element.operatorClass.isEmpty { made.operatorClass = try operatorClass(element.operatorClass) }
    made.isDescending = element.ordering == .descending
    made.isNullsFirst =
      switch element.nulls {
      case .first: true
      case .last: false
      case .unspecified: made.isDescending
      }
    return (made, type, used, name)
  }

  private func operatorClass(_ name: [String]) throws(SQLError) -> UInt32 {
    let functions = try SQLError.engine { () throws(EngineError) in try catalog.functions() }
    let found = functions.operatorClasses.values.first {
      $0.name == name.last && $0.accessMethod == SystemOID.btree
    }
    if let found { return found.oid }
    throw SQLError(
      .undefinedObject,
      "operator class \"\(name.joined(separator: "."))\" does not exist for access method \"btree\"")
  }

  private func requireImmutable(_ expression: TypedExpression, _ message: String) throws(SQLError) {
    let functions = try SQLError.engine { () throws(EngineError) in try catalog.functions() }
    var isImmutable = true
    func visit(_ expression: TypedExpression) {
      if case .call(let call) = expression, functions.functions[call.function]?.volatility != "i" {
        isImmutable = false
      }
      expression.forEachChild { visit($0) }
    }
    visit(expression)
    guard isImmutable else { throw SQLError(.invalidObjectDefinition, message) }
  }

  // MARK: Filling

  /// Makes the entries of all rows of a table in an index of its that has none.
  /// - Parameter isRebuilt: whether it had entries before.
  func fill(index oid: UInt32, of table: UInt32, isRebuilt: Bool = false) throws(SQLError) {
    let relation = try SQLError.engine { () throws(EngineError) in try catalog.requiredRelation(table) }
    guard let heap = relation.heap, relation.indexes.contains(where: { $0.oid == oid }) else { return }
    // An empty index is complete for an empty table.
    let pages = try SQLError.engine { () throws(EngineError) in try heap.blockCount() }
    if pages == 0 { return }
    let rebuilt = try SQLError.engine { () throws(EngineError) in
      try catalog.setNewStorage(of: oid, initializesIndex: false)
      return try catalog.requiredRelation(table)
    }
    guard let index = rebuilt.indexes.first(where: { $0.oid == oid }), let tree = index.tree else {
      throw .unsupported("an index over this type")
    }
    let context = ExecutionContext(
      session, self, typeSettings, parameters: noParameters, executorParameterCount: 0)
    let entries = try IndexEntries(index, of: rebuilt, heap, ExpressionCompiler(context), context)
    let memory = settings[.maintenanceWorkMem] << 10
    showProgress(of: oid, on: relation.oid, accessMethod: index.accessMethod, blocks: UInt64(pages))
    defer { session.progress.end() }
    let build = try SQLError.engine { () throws(EngineError) in try IndexBuild(tree, session, memoryLimit: memory) }
    let hasBrokenChains = try enter(rebuilt, heap, entries, into: build)
    do throws(EngineError) {
      try build.finish()
    } catch {
      guard error.code == .duplicateKey else { throw SQLError(error) }
      var failure = SQLError(.uniqueViolation, "could not create unique index \"\(index.name)\"")
      failure.detail = build.duplicate.flatMap { duplicateDetail($0, entries, rebuilt) }
      (failure.table, failure.constraint) = (rebuilt.name, index.name)
      throw failure
    }
    // Transactions that see versions of rows which it does not know must not use it; those that could not use it as it
    // was before need no longer mind.
    guard isRebuilt ? index.usableAfter != nil && !hasBrokenChains : hasBrokenChains else { return }
    try SQLError.engine { () throws(EngineError) in
      try catalog.setIndexChecksXmin(index.oid, hasBrokenChains)
    }
  }

  /// Enters all rows. - Returns: whether there are versions of rows that only older transactions see, and no entry for
  /// them.
  private func enter(
    _ table: RelationDescriptor, _ heap: HeapRelation, _ entries: IndexEntries, into build: IndexBuild
  ) throws(SQLError) -> Bool {
    let row = TupleSlot(count: table.tuple.count)
    let batch = RowBatch(of: row)
    let deformer = table.tuple.deformer(for: entries.referencedColumns.sorted())
    let scan = try SQLError.engine { () throws(EngineError) in try IndexBuildScan(heap, session) }
    while true {
      let next: HeapTuple?
      do throws(EngineError) { next = try scan.next() } catch { throw SQLError(error) }
      guard let tuple = next else { return scan.hasBrokenChains }
      session.progress.set(.blocksDone, UInt64(scan.root.block.rawValue))
      guard deformer.deform(tuple, row.values, row.nulls) else {
        throw SQLError(
          .dataCorrupted, "tuple \(scan.root) of \"\(table.name)\" does not have the columns of its table")
      }
      try entries.add(row, batch, at: scan.root, isAlive: scan.isAlive, to: build)
    }
  }

  private func showProgress(of index: UInt32, on table: UInt32, accessMethod: UInt32, blocks: UInt64) {
    let progress = session.progress
    progress.begin(.createIndex, on: table)
    progress.set(.statement, CommandProgress.CreateIndex.create)
    progress.set(.indexRelation, UInt64(index))
    progress.set(.accessMethod, UInt64(accessMethod))
    progress.set(.phase, CommandProgress.CreateIndex.building)
    progress.set(.subphase, CommandProgress.CreateIndex.scanningTable)
    progress.set(.blocksTotal, blocks)
  }

  /// `Key (a)=(1) is duplicated.`
  private func duplicateDetail(
    _ place: TupleIdentifier, _ entries: IndexEntries, _ relation: RelationDescriptor
  ) -> String? {
    do throws(SQLError) {
      let reading = try TableReading(relation, session)
      while try reading.next() {
        guard try reading.rootIdentifier() == place else { continue }
        return try entries.keyText(reading.row, reading.batch).map { "Key \($0) is duplicated." }
      }
    } catch {
      // The message says enough without it.
    }
    return nil
  }

  /// Makes an index anew from its table's rows.
  func rebuild(_ index: UInt32, of table: UInt32) throws(SQLError) {
    let heap = try SQLError.engine { () throws(EngineError) in try catalog.requiredRelation(table).heap }
    let pages = try SQLError.engine { () throws(EngineError) in try heap?.blockCount() ?? 0 }
    if pages == 0 { return try SQLError.engine { () throws(EngineError) in try catalog.setNewStorage(of: index) } }
    try fill(index: index, of: table, isRebuilt: true)
  }
}
