import MillraceEngine
import MillraceTypes

/// FROM (transformFromClauseItem of src/backend/parser/parse_clause.c).
extension Analyzer {
  func analyze(from items: [FromItem], _ scope: QueryScope) throws(SQLError) {
    for item in items {
      let (tree, added) = try analyze(item, scope)
      try checkConflicts(scope.namespace, added, scope)
      scope.query.from.append(tree)
      scope.namespace += added.map { $0.lateral(only: true, allowed: true) }
    }
    for index in scope.namespace.indices {
      scope.namespace[index] = scope.namespace[index].lateral(only: false, allowed: true)
    }
  }

  func analyze(_ item: FromItem, _ scope: QueryScope) throws(SQLError) -> (JoinTree, [NamespaceItem]) {
    try checkStackDepth()
    switch item {
    case .relation(let variable):
      let item = try analyze(variable, scope)
      return (.entry(item.entry), [item])
    case .subquery(let subselect):
      let item = try analyze(subselect, scope)
      return (.entry(item.entry), [item])
    case .function(let function):
      let item = try analyze(function, scope)
      return (.entry(item.entry), [item])
    case .join(let join): return try analyze(join, scope)
    case .sample(let sample): throw SQLError.unsupported("TABLESAMPLE", at: sample.location)
    }
  }

  /// checkNameSpaceConflicts: two tables of one name.
  private func checkConflicts(
    _ first: [NamespaceItem], _ second: [NamespaceItem], _ scope: QueryScope
  ) throws(SQLError) {
    for item in first where item.isNameVisible {
      for other in second where other.isNameVisible && other.name == item.name {
        // Tables of one name in two schemas are told apart by these.
        if item.relation != 0, other.relation != 0, item.relation != other.relation { continue }
        throw SQLError(.duplicateAlias, "table name \"\(item.name ?? "")\" specified more than once")
      }
    }
  }

  // MARK: Relations

  func analyze(_ variable: RangeVariable, _ scope: QueryScope) throws(SQLError) -> NamespaceItem {
    if variable.schema == nil, variable.catalog == nil,
      let item = try commonTable(variable, scope)
    {
      return item
    }
    if let item = try systemView(variable, scope) { return item }
    let isLocked = scope.isLocked(variable.alias?.name ?? variable.name)
    let relation = try open(variable, isLocked ? .rowShare : .accessShare, scope)
    try noteResolved(variable, relation)
    switch relation.kind {
    case .view: return try expand(view: relation, variable, scope)
    case .table, .toast, .materializedView, .sequence, .partitionedTable, .foreignTable: break
    case .index, .partitionedIndex, .compositeType:
      throw SQLError(
        .wrongObjectType, "cannot open relation \"\(relation.name)\"",
        detail: "This operation is not supported for \(relation.kind.plural).", at: variable.location)
    }
    return try add(relation, variable.alias, scope, variable.location)
  }

  /// parserOpenTable: the relation, locked.
  func open(
    _ variable: RangeVariable, _ mode: LockMode, _ scope: QueryScope? = nil
  ) throws(SQLError) -> RelationDescriptor {
    if let database = variable.catalog, database != environment.databaseName {
      throw SQLError(
        .featureNotSupported,
        "cross-database references are not implemented: \"\(database).\(variable.schema ?? "").\(variable.name)\"",
        at: variable.location)
    }
    let found = try SQLError.wrapping(at: variable.location) { () throws(EngineError) -> RelationDescriptor? in
      if let schema = variable.schema, try catalog.namespace(named: schema) == nil { return nil }
      return try catalog.open(named: variable.name, schema: variable.schema, mode)
    }
    if let found { return found }
    var error = SQLError(
      .undefinedTable,
      "relation \"\(variable.schema.map { $0 + "." } ?? "")\(variable.name)\" does not exist", at: variable.location)
    if variable.schema == nil, let scope, isLaterCommonTable(variable.name, scope) {
      error.detail =
        "There is a WITH item named \"\(variable.name)\", but it cannot be referenced from this part of the query."
      error.hint = "Use WITH RECURSIVE, or re-order the WITH items to remove forward references."
    }
    throw error
  }

  /// addRangeTableEntryForRelation.
  func add(
    _ relation: RelationDescriptor, _ alias: Alias?, _ scope: QueryScope, _ location: Location
  ) throws(SQLError) -> NamespaceItem {
    var columns: [RangeTableColumn] = []
    columns.reserveCapacity(relation.tuple.columns.count)
    for column in relation.tuple.columns {
      columns.append(RangeTableColumn(column.isDropped ? "" : column.name, ValueType(column.typeID, column.typmod)))
    }
    let name = alias?.name ?? relation.name
    try rename(&columns, alias, table: name)
    let entry = scope.add(
      RangeTableEntry(.relation(relation.oid), name: name, hasAlias: alias != nil, columns: columns, location))
    var item = NamespaceItem(entry: entry, name: name)
    item.relation = alias == nil ? relation.oid : 0
    item.hasSystemColumns = true
    return item
  }

  /// buildRelationAliases: `AS name (columns)`.
  func rename(_ columns: inout [RangeTableColumn], _ alias: Alias?, table: String) throws(SQLError) {
    guard let names = alias?.columnNames, !names.isEmpty else { return }
    var places = columns.indices.filter { !columns[$0].name.isEmpty }[...]
    let available = places.count
    for name in names {
      guard let place = places.popFirst() else {
        throw SQLError(
          .invalidColumnReference,
          "table \"\(table)\" has \(available) columns available but \(names.count) columns specified")
      }
      columns[place].name = name
    }
  }

  // MARK: Subqueries

  private func analyze(_ subselect: RangeSubselect, _ scope: QueryScope) throws(SQLError) -> NamespaceItem {
    let name = subselect.alias?.name
    let inner = QueryScope(scope)
    let before = (scope.kind, scope.isLateralActive)
    (scope.kind, scope.isLateralActive) = (.fromSubquery, subselect.isLateral)
    defer { (scope.kind, scope.isLateralActive) = before }
    inner.lockedFromOutside = scope.lock(on: name)
    let query = try analyze(subselect.query, inner)
    return try add(
      query, name: name ?? "unnamed_subquery", subselect.alias, isLateral: subselect.isLateral, scope,
      isNameVisible: name != nil)
  }

  func add(
    _ query: Query, name: String, _ alias: Alias?, isLateral: Bool, _ scope: QueryScope, isNameVisible: Bool = true
  ) throws(SQLError) -> NamespaceItem {
    let shown = query.command == .select ? query.visibleTargets : query.returning
    var columns = shown.map { RangeTableColumn($0.name, $0.expression.type) }
    try rename(&columns, alias, table: name)
    let entry = scope.add(
      RangeTableEntry(
        .subquery(query, isLateral: isLateral), name: name, hasAlias: alias != nil, columns: columns))
    var item = NamespaceItem(entry: entry, name: name)
    item.isNameVisible = isNameVisible
    return item
  }

  // MARK: Functions

  private func analyze(_ function: RangeFunction, _ scope: QueryScope) throws(SQLError) -> NamespaceItem {
    if let several = try parallelUnnest(function) { return try analyze(several, scope) }
    guard function.items.count == 1, let first = function.items.first else {
      throw SQLError.unsupported("ROWS FROM with several functions")
    }
    if let column = function.columns.first ?? first.columns.first {
      throw SQLError.unsupported("a column definition list", at: column.location)
    }
    let before = (scope.kind, scope.isLateralActive)
    (scope.kind, scope.isLateralActive) = (.fromFunction, true)
    defer { (scope.kind, scope.isLateralActive) = before }
    let expression = try analyze(first.function, scope)
    guard case .call(let call) = expression else {
      throw SQLError.unsupported("this expression in FROM", at: expression.location)
    }
    let functionName = FigureName.of(first.function)
    var columns = try resultColumns(call, functionName, function.alias)
    if function.withOrdinality { columns.append(RangeTableColumn("ordinality", ValueType(.int8))) }
    let name = function.alias?.name ?? functionName
    try rename(&columns, function.alias, table: name)
    let entry = scope.add(
      RangeTableEntry(
        .function(call, withOrdinality: function.withOrdinality), name: name, hasAlias: function.alias != nil,
        columns: columns, call.location))
    return NamespaceItem(entry: entry, name: name)
  }

  /// The columns of a function's result: its output arguments, or one with its name.
  private func resultColumns(
    _ call: CallExpression, _ functionName: String, _ alias: Alias?
  ) throws(SQLError) -> [RangeTableColumn] {
    let entry = try functions().functions[call.function]
    var outputs: [RangeTableColumn] = []
    for (index, mode) in (entry?.modes ?? []).enumerated()
    where mode == UInt8(ascii: "o") || mode == UInt8(ascii: "b") || mode == UInt8(ascii: "t") {
      let name = entry?.outputNames.indices.contains(index) == true ? entry?.outputNames[index] ?? "" : ""
      let type = entry?.allArguments[index] ?? .record
      outputs.append(RangeTableColumn(name.isEmpty ? "column\(outputs.count + 1)" : name, ValueType(type)))
    }
    if call.type.id == .record {
      guard !outputs.isEmpty else {
        throw SQLError(
          .syntaxError, "a column definition list is required for functions returning \"record\"", at: call.location)
      }
      return outputs
    }
    if try types().byID[call.type.id]?.kind == "c" {
      throw SQLError.unsupported("a function with rows of type \(typeName(call.type.id)) in FROM", at: call.location)
    }
    let own = outputs.count == 1 && !outputs[0].name.hasPrefix("column") ? outputs[0].name : nil
    return [RangeTableColumn(own ?? alias?.name ?? functionName, call.type)]
  }
}

extension NamespaceItem {
  func lateral(only: Bool, allowed: Bool) -> NamespaceItem {
    var item = self
    (item.isLateralOnly, item.isLateralAllowed) = (only, allowed)
    return item
  }
}

extension RelationDescriptor.Kind {
  /// What messages call several of them.
  var plural: String {
    switch self {
    case .index: "indexes"
    case .partitionedIndex: "partitioned indexes"
    case .compositeType: "composite types"
    case .sequence: "sequences"
    case .view: "views"
    case .materializedView: "materialized views"
    case .toast: "TOAST tables"
    case .foreignTable: "foreign tables"
    case .table: "tables"
    case .partitionedTable: "partitioned tables"
    }
  }
}
