import MillraceEngine
import MillraceTypes

/// UNION, INTERSECT and EXCEPT (transformSetOperationStmt of src/backend/parser/analyze.c).
extension Analyzer {
  /// A part of a set operation: a query, or an operation whose parts are in the same range table.
  private struct Part {
    var tree: SetOperationTree
    /// The entries of its first query, and so where its columns' names come from.
    var firstEntry: Int
    var columns: [Column]
  }

  private struct Column {
    var type: ValueType
    var location: Location
  }

  func analyze(
    _ operation: SetOperation, _ select: SelectStatement, _ scope: QueryScope
  ) throws(SQLError) -> Query {
    if let locking = select.locking.first ?? scope.lockedFromOutside {
      throw SQLError(
        .featureNotSupported, "\(locking.strength.words) is not allowed with UNION/INTERSECT/EXCEPT")
    }
    let part = try analyze(operation, scope, isTop: true)
    scope.query.setOperations = part.tree
    let names = scope.query.rangeTable[part.firstEntry].columns
    for (index, column) in part.columns.enumerated() {
      scope.query.targets.append(
        TargetEntry(
          .variable(Variable(part.firstEntry, .column(index), column.type, column.location)),
          name: names[index].name))
    }
    try analyze(setOrderBy: select.orderBy, names, scope)
    try analyze(limit: select.limit, scope)
    return scope.query
  }

  /// Only the names of the result can be sorted by.
  private func analyze(
    setOrderBy keys: [SortBy], _ names: [RangeTableColumn], _ scope: QueryScope
  ) throws(SQLError) {
    guard !keys.isEmpty else { return }
    let before = scope.namespace
    let entry = scope.add(
      RangeTableEntry(
        .join, name: "unnamed_join",
        columns: scope.query.targets.map { RangeTableColumn($0.name, $0.expression.type, $0.expression) }))
    var item = NamespaceItem(entry: entry, name: nil)
    item.isNameVisible = false
    scope.namespace = [item]
    let count = scope.query.targets.count
    try analyze(orderBy: keys, scope)
    scope.namespace = before
    scope.query.rangeTable.removeLast()
    guard scope.query.targets.count == count else {
      throw SQLError(
        .featureNotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
        detail: "Only result column names can be used, not expressions or functions.",
        hint: "Add the expression/function to every SELECT, or move the UNION into a FROM clause.",
        at: scope.query.targets[count].expression.location)
    }
  }

  // MARK: The tree

  private func analyze(
    _ operation: SetOperation, _ scope: QueryScope, isTop: Bool
  ) throws(SQLError) -> Part {
    try checkStackDepth()
    var left = try part(operation.left, scope)
    if isTop, let recursion = scope.ownRecursion {
      let first = try resolved(&left, scope)
      determineColumns(recursion, first)
    }
    let obstacle: String? =
      switch operation.operator {
      case .union: nil
      case .intersect: operation.isAll ? "INTERSECT" : nil
      case .except: "EXCEPT"
      }
    var right = try withRecursionObstacle(obstacle) { () throws(SQLError) in try part(operation.right, scope) }
    let construct = operation.words
    guard left.columns.count == right.columns.count else {
      throw SQLError(
        .syntaxError, "each \(construct) query must have the same number of columns",
        at: right.columns.first?.location)
    }
    var columns: [Column] = []
    var orders: [SortOrder] = []
    for (l, r) in zip(left.columns, right.columns) {
      let type = try commonType([(l.type.id, l.location), (r.type.id, r.location)], construct)
      for side in [l, r] where try !canCoerce(side.type.id, to: type, .implicit) {
        throw SQLError(
          .cannotCoerce, "\(construct) could not convert type \(typeName(side.type.id)) to \(typeName(type))",
          at: side.location)
      }
      let typmod = l.type == r.type ? l.type.typmod : -1
      columns.append(Column(type: ValueType(type, typmod), location: l.location))
      // UNION ALL compares nothing.
      if operation.operator != .union || !operation.isAll || scope.ownRecursion != nil && isTop {
        if operation.isAll, operation.operator == .union, try sortOperators(of: type) == nil { continue }
        guard try sortOperators(of: type) != nil else {
          throw SQLError(
            .undefinedFunction, "could not identify an equality operator for type \(typeName(type))",
            at: l.location)
        }
        orders.append(try sortOrder(of: type, l.location))
      }
    }
    let types = columns.map(\.type)
    try coerce(&left, to: types, construct, scope)
    try coerce(&right, to: types, construct, scope)
    return Part(
      tree: .operation(
        TypedSetOperation(
          operation.operator, isAll: operation.isAll, left.tree, right.tree, types: types, orders: orders)),
      firstEntry: left.firstEntry, columns: columns)
  }

  /// A SELECT with clauses of its own, or one that is no set operation, is a subquery.
  private func part(_ select: SelectStatement, _ scope: QueryScope) throws(SQLError) -> Part {
    if case .setOperation(let operation) = select.body, select.orderBy.isEmpty, select.limit.count == nil,
      select.limit.offset == nil, select.with == nil, select.locking.isEmpty
    {
      return try analyze(operation, scope, isTop: false)
    }
    let inner = QueryScope(scope)
    inner.resolvesUnknowns = false
    let query = try analyze(select, inner)
    try refuseOuterReferences(query, scope)
    let entry = add(query, scope)
    let columns = query.visibleTargets.map { Column(type: $0.expression.type, location: $0.expression.location) }
    return Part(tree: .entry(entry), firstEntry: entry, columns: columns)
  }

  private func add(_ query: Query, _ scope: QueryScope) -> Int {
    let name = "*SELECT* \(scope.query.rangeTable.count + 1)"
    let columns = query.visibleTargets.map { RangeTableColumn($0.name, $0.expression.type) }
    return scope.add(RangeTableEntry(.subquery(query, isLateral: false), name: name, columns: columns))
  }

  /// A part cannot use the other parts' columns; of queries further out it can.
  private func refuseOuterReferences(_ query: Query, _ scope: QueryScope) throws(SQLError) {
    guard !scope.namespace.isEmpty else { return }
    var found: Location?
    query.visitExpressions { part, depth in
      if case .variable(let variable) = part, variable.levelsUp == depth + 1 { found = found ?? variable.location }
    }
    if let found {
      throw SQLError(
        .invalidColumnReference,
        "UNION/INTERSECT/EXCEPT member statement cannot refer to other relations of same query level", at: found)
    }
  }

  // MARK: Types

  /// Makes a part give values of certain types. An operation whose types would change becomes a subquery.
  private func coerce(
    _ part: inout Part, to types: [ValueType], _ construct: String, _ scope: QueryScope
  ) throws(SQLError) {
    guard zip(part.columns, types).contains(where: { $0.type.id != $1.id }) else { return }
    switch part.tree {
    case .entry(let entry):
      guard case .subquery(var query, let isLateral) = scope.query.rangeTable[entry].kind else { return }
      try coerceOutput(of: &query, to: types, construct)
      scope.query.rangeTable[entry].kind = .subquery(query, isLateral: isLateral)
      for (index, target) in query.visibleTargets.enumerated() {
        scope.query.rangeTable[entry].columns[index].type = target.expression.type
      }
    case .operation:
      // Its literals without a type are in its own parts, which know better.
      var query = subquery(of: part, scope)
      try coerceOutput(of: &query, to: types, construct)
      let entry = add(query, scope)
      part.tree = .entry(entry)
      part.firstEntry = entry
    }
    for index in types.indices { part.columns[index].type = types[index] }
  }

  /// An operation as a query of its own. Its parts' entries move into it, and so one query further in.
  private func subquery(of part: Part, _ scope: QueryScope) -> Query {
    var query = Query()
    func moved(_ tree: SetOperationTree) -> SetOperationTree {
      switch tree {
      case .entry(let entry):
        var copy = scope.query.rangeTable[entry]
        if case .subquery(let inner, let isLateral) = copy.kind {
          copy.kind = .subquery(inner.shifted(by: 1, beyond: 1), isLateral: isLateral)
        }
        // What stays behind is not used any more.
        scope.query.rangeTable[entry].kind = .nothing
        query.rangeTable.append(copy)
        return .entry(query.rangeTable.count - 1)
      case .operation(var operation):
        operation.left = moved(operation.left)
        operation.right = moved(operation.right)
        return .operation(operation)
      }
    }
    query.setOperations = moved(part.tree)
    for (index, column) in part.columns.enumerated() {
      query.targets.append(
        TargetEntry(
          .variable(Variable(0, .column(index), column.type, column.location)),
          name: query.rangeTable[0].columns[index].name))
    }
    return query
  }

  /// The first part of a recursive UNION, with types for its literals.
  private func resolved(_ part: inout Part, _ scope: QueryScope) throws(SQLError) -> Query {
    let types = part.columns.map { $0.type.id == .unknown ? ValueType(.text) : $0.type }
    try coerce(&part, to: types, "UNION", scope)
    if case .entry(let entry) = part.tree, case .subquery(let query, _) = scope.query.rangeTable[entry].kind {
      return query
    }
    var query = Query()
    let names = scope.query.rangeTable[part.firstEntry].columns
    for (index, column) in part.columns.enumerated() {
      query.targets.append(
        TargetEntry(.variable(Variable(part.firstEntry, .column(index), column.type)), name: names[index].name))
    }
    return query
  }
}

extension SetOperation {
  var words: String {
    switch self.operator {
    case .union: "UNION"
    case .intersect: "INTERSECT"
    case .except: "EXCEPT"
    }
  }
}
