import MillraceEngine
import MillraceTypes

/// Whether a grouped query shows only what groups have (parseCheckAggregates of src/backend/parser/parse_agg.c).
extension Analyzer {
  func checkGrouping(_ scope: QueryScope) throws(SQLError) {
    let query = scope.query
    if query.hasAggregates { try refuseAggregatesOverRecursion(scope) }
    let grouped = query.groupBy.map { query.targets[$0.target].expression }
    for clause in query.groupBy {
      var found: Location?
      query.targets[clause.target].expression.visit { part, depth in
        if case .aggregate(let aggregate) = part, aggregate.levelsUp == depth { found = found ?? aggregate.location }
      }
      if let found {
        throw SQLError(.groupingError, "aggregate functions are not allowed in GROUP BY", at: found)
      }
    }
    var check = GroupingCheck(scope: scope, catalog: catalog, grouped: grouped)
    for target in query.targets { try check.look(at: target.expression, 0) }
    if let having = query.having { try check.look(at: having, 0) }
  }

  private func refuseAggregatesOverRecursion(_ scope: QueryScope) throws(SQLError) {
    let isRecursive = scope.query.rangeTable.contains { entry in
      guard case .commonTable(let name, let levelsUp) = entry.kind else { return false }
      return scope.ancestor(levelsUp)?.recursions[name] != nil
    }
    guard isRecursive else { return }
    var found: Location?
    scope.query.forEachExpression { expression in
      expression.visit { part, depth in
        if case .aggregate(let aggregate) = part, aggregate.levelsUp == depth { found = found ?? aggregate.location }
      }
    }
    throw SQLError(
      .invalidRecursion, "aggregate functions are not allowed in a recursive query's recursive term", at: found)
  }
}

/// check_ungrouped_columns: walks an expression and stops at what is grouped or aggregated.
private struct GroupingCheck {
  let scope: QueryScope
  let catalog: SessionCatalog
  let grouped: [TypedExpression]
  /// Tables whose primary key is grouped, by entry: all of their columns have one value a group.
  private var keyed: [Int: Bool] = [:]

  init(scope: QueryScope, catalog: SessionCatalog, grouped: [TypedExpression]) {
    (self.scope, self.catalog, self.grouped) = (scope, catalog, grouped)
  }

  mutating func look(at expression: TypedExpression, _ depth: Int) throws(SQLError) {
    switch expression {
    case .constant, .parameter, .caseOperand: return
    // What is aggregated here, or further out, is not a matter of groups.
    case .aggregate(let aggregate) where aggregate.levelsUp >= depth: return
    default: break
    }
    if depth == 0 {
      if grouped.contains(expression) { return }
    } else if grouped.contains(where: { $0.shifted(by: depth, beyond: 0) == expression }) {
      return
    }
    if case .variable(let variable) = expression {
      guard variable.levelsUp == depth else { return }
      try require(variable, depth)
      return
    }
    var children: [TypedExpression] = []
    expression.forEachChild { children.append($0) }
    for child in children { try look(at: child, depth) }
    if case .subquery(let link) = expression { try look(in: link.query, depth + 1) }
  }

  private mutating func look(in query: Query, _ depth: Int) throws(SQLError) {
    var expressions: [TypedExpression] = []
    query.forEachExpression { expressions.append($0) }
    for expression in expressions { try look(at: expression, depth) }
    for table in query.with { try look(in: table.query, depth + 1) }
    for entry in query.rangeTable {
      if case .subquery(let inner, _) = entry.kind { try look(in: inner, depth + 1) }
    }
  }

  private mutating func require(_ variable: Variable, _ depth: Int) throws(SQLError) {
    let entry = scope.query.rangeTable[variable.entry]
    if let known = keyed[variable.entry] {
      if known { return }
    } else {
      let isKeyed = try isKeyGrouped(variable.entry, entry)
      keyed[variable.entry] = isKeyed
      if isKeyed { return }
    }
    let column =
      switch variable.column {
      case .column(let index): entry.columns[index].name
      case .system(let system): system.name
      case .wholeRow: "*"
      }
    throw SQLError(
      .groupingError,
      depth == 0
        ? "column \"\(entry.name).\(column)\" must appear in the GROUP BY clause or be used in an aggregate function"
        : "subquery uses ungrouped column \"\(entry.name).\(column)\" from outer query", at: variable.location)
  }

  /// check_functional_grouping.
  private func isKeyGrouped(_ index: Int, _ entry: RangeTableEntry) throws(SQLError) -> Bool {
    guard case .relation(let oid) = entry.kind else { return false }
    let relation = try SQLError.wrapping { () throws(EngineError) in try catalog.relation(oid) }
    guard let key = relation?.primaryKey, key.isImmediate else { return false }
    return key.columns.prefix(key.keyCount).allSatisfy { column in
      grouped.contains { expression in
        guard case .variable(let variable) = expression, variable.levelsUp == 0, variable.entry == index,
          case .column(let number) = variable.column
        else { return false }
        return number == column.column
      }
    }
  }
}
