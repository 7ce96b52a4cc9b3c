import MillraceEngine
import MillraceTypes

/// UNION, INTERSECT and EXCEPT, and recursion (PostgreSQL's src/backend/optimizer/prep/prepunion.c).
extension QueryPlanning {
  func planSetOperations() throws(SQLError) -> Path {
    guard let tree = query.setOperations else { preconditionFailure("a query without set operations") }
    for index in query.targets.indices {
      query.targets[index].expression = try prepare(query.targets[index].expression)
    }
    if let limit = query.limit { query.limit = try prepare(limit) }
    if let offset = query.offset { query.offset = try prepare(offset) }
    try setLimit()
    relations = Array(repeating: nil, count: query.rangeTable.count)
    try completeTargets()
    let fraction = query.orderBy.isEmpty ? tupleFraction : 0
    let path = workTable == nil ? try plan(tree, fraction) : try planRecursion(tree)
    let bottom = makeStep()
    for candidate in path { bottom.add(candidate) }
    bottom.setCheapest()
    sortOrder = pathKeys(query.orderBy.map { sortExpression($0) })
    return try finish(addSort(bottom))
  }

  /// The ways to compute a tree of set operations: one, or several that differ in what they cost at the start.
  private func plan(_ tree: SetOperationTree, _ fraction: Double) throws(SQLError) -> [Path] {
    switch tree {
    case .entry(let entry): return [try planLeaf(entry, fraction)]
    case .operation(let operation):
      if operation.kind == .union { return try planUnion(operation, fraction) }
      return [try planDifference(operation)]
    }
  }

  private func planLeaf(_ entry: Int, _ fraction: Double) throws(SQLError) -> Path {
    guard case .subquery(let inner, _) = query.rangeTable[entry].kind else {
      throw SQLError(.internalError, "a part of a set operation is no query")
    }
    let relation = statement.keep(RelationInfo(RelationSet(entry), entry: entry))
    relations[entry] = relation
    scopes.append([])
    let planning = QueryPlanning(statement, inner, parent: self)
    let path = try planning.plan(tupleFraction: fraction)
    scopes.removeLast()
    (relation.subquery, relation.subqueryPath) = (planning, path)
    (relation.rows, relation.tuples, relation.width) = (path.rows, path.rows, path.width)
    let made = Path(
      .subquery(path), relation, rows: path.rows, startup: path.startup, total: path.total, width: path.width,
      disabled: path.disabled)
    relation.paths = [made]
    relation.setCheapest()
    return made
  }

  /// `plan_union_children`: UNIONs in a UNION are one.
  private func unionLeaves(
    _ tree: SetOperationTree, isAll: Bool, _ fraction: Double, _ leaves: inout [Path]
  ) throws(SQLError) {
    if case .operation(let operation) = tree, operation.kind == .union, operation.isAll || !isAll {
      try unionLeaves(operation.left, isAll: isAll, fraction, &leaves)
      try unionLeaves(operation.right, isAll: isAll, fraction, &leaves)
      return
    }
    let paths = try plan(tree, fraction)
    guard let best = paths.min(by: { $0.isCheaper(than: $1) }) else { return }
    leaves.append(best)
  }

  private func planUnion(_ operation: TypedSetOperation, _ fraction: Double) throws(SQLError) -> [Path] {
    var leaves: [Path] = []
    try unionLeaves(operation.left, isAll: operation.isAll, operation.isAll ? fraction : 0, &leaves)
    try unionLeaves(operation.right, isAll: operation.isAll, operation.isAll ? fraction : 0, &leaves)
    let appended = append(leaves)
    guard !operation.isAll else { return [appended] }
    let keys = setKeys(operation)
    var result: [Path] = []
    if keys.allSatisfy({ canHash($0.order) }) {
      let aggregate = AggregatePath(
        strategy: .hashed, groups: appended.rows, keys: keys, aggregates: [], having: [])
      result.append(aggregatePath(appended, aggregate, width: appended.width, ordering: []))
    }
    let order = pathKeys(keys)
    if order.count == keys.count || result.isEmpty {
      result.append(uniquePath(sortPath(appended, order), keys, rows: appended.rows))
    }
    return result
  }

  /// `create_append_path`.
  func append(_ parts: [Path]) -> Path {
    let rows = parts.reduce(0) { $0 + $1.rows }
    let total = parts.reduce(0) { $0 + $1.total } + settings.cpuTupleCost * 0.5 * rows
    return Path(
      .append(parts), nil, rows: rows, startup: parts.first?.startup ?? 0, total: total,
      width: parts.map(\.width).max() ?? 0, disabled: parts.reduce(0) { $0 + $1.disabled })
  }

  /// INTERSECT and EXCEPT (`generate_nonunion_paths`).
  private func planDifference(_ operation: TypedSetOperation) throws(SQLError) -> Path {
    guard let left = try plan(operation.left, 0).min(by: { $0.isCheaper(than: $1) }),
      let right = try plan(operation.right, 0).min(by: { $0.isCheaper(than: $1) })
    else { throw SQLError(.internalError, "a set operation without parts") }
    let groups = left.rows
    let rows = operation.kind == .except ? left.rows : min(left.rows, right.rows)
    let keys = Double(operation.orders.count)
    var (first, second) = (left, right)
    // The side with fewer rows is kept in memory.
    if operation.kind == .intersect, right.rows < left.rows { swap(&first, &second) }
    let step = settings.cpuOperatorCost
    let startup = left.total + right.total + step * keys * (left.rows + right.rows)
    let output = operation.isAll ? rows : min(rows, groups)
    return Path(
      .setOperation(first, second, operation), nil, rows: output, startup: startup,
      total: startup + step * groups, width: left.width, disabled: left.disabled + right.disabled)
  }

  /// The columns of a set operation, as this query's targets refer to them.
  func setColumns(_ types: [ValueType]) -> [TypedExpression] {
    let first = query.setOperations?.firstEntry ?? 0
    return types.enumerated().map { .variable(Variable(first, .column($0), $1)) }
  }

  private func setKeys(_ operation: TypedSetOperation) -> [SortGroupExpression] {
    zip(setColumns(operation.types), operation.orders).map { SortGroupExpression(expression: $0, order: $1) }
  }

  // MARK: Recursion

  /// `generate_recursion_path`.
  private func planRecursion(_ tree: SetOperationTree) throws(SQLError) -> [Path] {
    guard case .operation(let operation) = tree, operation.kind == .union, var work = workTable else {
      throw SQLError(.internalError, "only UNION queries can be recursive")
    }
    guard let start = try plan(operation.left, 0).min(by: { $0.isCheaper(than: $1) }) else { return [] }
    // The working table is assumed to hold ten times the rows of the start.
    (work.info.rows, work.info.width) = (clampRows(start.rows * 10), start.width)
    workTable = work
    guard let step = try plan(operation.right, 0).min(by: { $0.isCheaper(than: $1) }) else { return [] }
    let rows = start.rows + 10 * step.rows
    let total = start.total + 10 * step.total + settings.cpuTupleCost * rows
    return [
      Path(
        .recursiveUnion(start, step, commonTable: work.info.index, operation), nil, rows: rows,
        startup: start.startup, total: total, width: max(start.width, step.width),
        disabled: start.disabled + step.disabled)
    ]
  }
}

extension SetOperationTree {
  /// The first query of it, which gives the columns their names.
  var firstEntry: Int {
    switch self {
    case .entry(let entry): entry
    case .operation(let operation): operation.left.firstEntry
    }
  }
}
