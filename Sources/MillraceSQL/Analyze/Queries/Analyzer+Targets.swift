import MillraceEngine
import MillraceTypes

/// SELECT lists and RETURNING (src/backend/parser/parse_target.c).
extension Analyzer {
  func analyze(targets: [ResultTarget], _ scope: QueryScope, _ kind: ExpressionKind) throws(SQLError) {
    scope.query.targets.reserveCapacity(targets.count)
    let before = scope.kind
    scope.kind = kind
    defer { scope.kind = before }
    for target in targets { scope.query.targets += try entries(of: target, scope) }
  }

  /// One, or all columns that a star stands for.
  func entries(of target: ResultTarget, _ scope: QueryScope) throws(SQLError) -> [TargetEntry] {
    if case .column(let reference) = target.expression, reference.isStar {
      return try expand(reference, scope)
    }
    let expression = try analyze(target.expression, scope)
    return [entry(expression, name: target.name ?? FigureName.of(target.expression), scope)]
  }

  func entry(_ expression: TypedExpression, name: String, _ scope: QueryScope) -> TargetEntry {
    var entry = TargetEntry(expression, name: name)
    guard case .variable(let variable) = expression, let home = scope.ancestor(variable.levelsUp) else { return entry }
    let source = home.query.rangeTable[variable.entry]
    switch variable.column {
    case .column(let column): markOrigin(&entry, source, column, home)
    case .system(let column):
      guard case .relation(let oid) = source.kind else { break }
      (entry.originTable, entry.originColumn) = (oid, column.rawValue)
    case .wholeRow: break
    }
    return entry
  }

  /// markTargetListOrigin: the table's column that is shown, through subqueries.
  private func markOrigin(_ entry: inout TargetEntry, _ source: RangeTableEntry, _ column: Int, _ home: QueryScope) {
    if let view = source.view {
      (entry.originTable, entry.originColumn) = (view, Int16(truncatingIfNeeded: column + 1))
      return
    }
    let shown: [TargetEntry]
    switch source.kind {
    case .relation(let oid):
      (entry.originTable, entry.originColumn) = (oid, Int16(truncatingIfNeeded: column + 1))
      return
    case .subquery(let query, _):
      shown = query.visibleTargets
    case .commonTable(let name, let levelsUp):
      guard let holder = home.ancestor(levelsUp), let place = holder.commonTables[name] else { return }
      let query = holder.query.with[place].query
      shown = query.command == .select ? query.visibleTargets : query.returning
    default: return
    }
    guard shown.indices.contains(column) else { return }
    (entry.originTable, entry.originColumn) = (shown[column].originTable, shown[column].originColumn)
  }

  // MARK: Stars

  /// ExpandColumnRefStar.
  private func expand(_ reference: ColumnReference, _ scope: QueryScope) throws(SQLError) -> [TargetEntry] {
    let names = reference.names
    guard !names.isEmpty else {
      var entries: [TargetEntry] = []
      var hasAny = false
      let items = scope.namespace.filter { $0.areColumnsVisible && !$0.isLateralOnly }
      noteResolved(reference, items, scope)
      for item in items {
        hasAny = true
        entries += columns(of: item, 0, scope, scope, reference.location)
      }
      guard hasAny else {
        throw SQLError(
          .syntaxError, "SELECT * with no tables specified is not valid", at: reference.location)
      }
      return entries
    }
    if names.count == 3, names[0] != environment.databaseName {
      throw SQLError(
        .featureNotSupported, "cross-database references are not implemented: \(names.joined(separator: ".")).*",
        at: reference.location)
    }
    guard names.count <= 3, let table = names.last else {
      throw SQLError(
        .syntaxError, "improper qualified name (too many dotted names): \(names.joined(separator: ".")).*",
        at: reference.location)
    }
    let schema = names.count > 1 ? names[names.count - 2] : nil
    guard let (item, levels) = try item(schema, table, scope, reference.location),
      let home = scope.ancestor(levels)
    else { throw try missingTable(schema, table, scope, reference.location) }
    noteResolved(reference, [item], home)
    return columns(of: item, levels, home, scope, reference.location)
  }

  private func columns(
    of item: NamespaceItem, _ levels: Int, _ home: QueryScope, _ scope: QueryScope, _ location: Location
  ) -> [TargetEntry] {
    let columns = home.query.rangeTable[item.entry].columns
    var entries: [TargetEntry] = []
    for index in 0..<(item.columnLimit ?? columns.count) where !columns[index].name.isEmpty {
      entries.append(
        entry(reference(to: index, of: item, levels, home, location), name: columns[index].name, scope))
    }
    return entries
  }
}

/// What a column is called that has no name of its own (FigureColname).
enum FigureName {
  static func of(_ expression: Expression) -> String { figure(expression).name ?? "?column?" }

  /// - Returns: the name, and how sure it is: a type's name only if there is nothing better.
  private static func figure(_ expression: Expression) -> (name: String?, strength: Int) {
    switch expression {
    case .column(let reference): return reference.names.last.map { ($0, 2) } ?? (nil, 0)
    case .indirection(let indirection):
      for element in indirection.elements.reversed() { if case .field(let name) = element { return (name, 2) } }
      return figure(indirection.argument)
    case .function(let call): return (call.name.last, 2)
    case .nullIf: return ("nullif", 2)
    case .cast(let cast):
      let inner = figure(cast.argument)
      return inner.strength > 1 ? inner : (cast.type.names.last, 1)
    case .collate(let clause): return figure(clause.argument)
    case .grouping: return ("grouping", 2)
    case .subquery(let subquery):
      switch subquery.kind {
      case .exists: return ("exists", 2)
      case .array: return ("array", 2)
      case .value: return figure(subquery.query)
      default: return (nil, 0)
      }
    case .caseWhen(let expression):
      let inner: (name: String?, strength: Int) = expression.otherwise.map(figure) ?? (nil, 0)
      return inner.strength > 1 ? inner : ("case", 1)
    case .array: return ("array", 2)
    case .row: return ("row", 2)
    case .coalesce: return ("coalesce", 2)
    case .minMax(let expression): return (expression.isGreatest ? "greatest" : "least", 2)
    case .valueFunction(let function): return (function.kind.name, 2)
    default: return (nil, 0)
    }
  }

  /// Of a query that gives one value: what its first column is called.
  private static func figure(_ query: SelectStatement) -> (name: String?, strength: Int) {
    switch query.body {
    case .select(let block):
      guard let first = block.targets.first else { return (nil, 0) }
      if let name = first.name { return (name, 2) }
      return (of(first.expression), 2)
    case .values: return ("column1", 2)
    case .setOperation(let operation): return figure(operation.left)
    }
  }
}

extension ValueFunction.Kind {
  fileprivate var name: String {
    switch self {
    case .currentDate: "current_date"
    case .currentTime: "current_time"
    case .currentTimestamp: "current_timestamp"
    case .localTime: "localtime"
    case .localTimestamp: "localtimestamp"
    case .currentRole: "current_role"
    case .currentUser: "current_user"
    case .user: "user"
    case .sessionUser: "session_user"
    case .currentCatalog: "current_catalog"
    case .currentSchema: "current_schema"
    }
  }
}
