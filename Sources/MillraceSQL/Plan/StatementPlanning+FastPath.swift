import MillraceEngine
import MillraceTypes

/// Statements that look up one row by a unique key: SELECT, UPDATE and DELETE `WHERE key = $1`. They are planned with a
/// few costs compared and nothing searched; what comes out is what the long way finds.
extension StatementPlanning {
  /// nil where the statement has to be planned like any other.
  func planSimple(_ query: Query, tupleFraction: Double) throws(SQLError) -> PlannedStatement? {
    guard tupleFraction == 0, let condition = query.condition, isSimple(query),
      case .relation(let oid) = query.rangeTable[0].kind
    else { return nil }
    let conditions = QueryPlanning.conjuncts(condition)
    guard conditions.allSatisfy({ isLookup($0) }) else { return nil }
    let planning = QueryPlanning(self, query, parent: nil)
    planning.tree = .entry(0)
    for index in query.targets.indices {
      planning.query.targets[index].expression = try fold(query.targets[index].expression)
    }
    for index in query.returning.indices {
      planning.query.returning[index].expression = try fold(query.returning[index].expression)
    }
    guard let path = try planning.lookup(oid, try conditions.map { (part) throws(SQLError) in try fold(part) }) else {
      return nil
    }
    let top = query.command == .select ? path : path.below(.modify(path), ordering: [])
    if query.command != .select, query.returning.isEmpty { (top.rows, top.width) = (0, 0) }
    let (plan, _) = try planning.createTop(top)
    return finish(query, planning, plan, isLookup: true)
  }

  private func isSimple(_ query: Query) -> Bool {
    guard query.command != .insert, query.rangeTable.count == 1, query.from == [.entry(0)], query.with.isEmpty,
      query.groupBy.isEmpty, !query.hasAggregates, query.having == nil, query.distinct == .no, query.orderBy.isEmpty,
      query.limit == nil, query.offset == nil, query.rowMarks.isEmpty, query.setOperations == nil
    else { return false }
    return query.targets.allSatisfy { isPlain($0.expression) } && query.returning.allSatisfy { isPlain($0.expression) }
  }

  /// Whether an expression needs nothing that is planned: no subqueries, no functions that give several rows.
  private func isPlain(_ expression: TypedExpression) -> Bool {
    switch expression {
    case .variable, .constant, .parameter: true
    case .subquery, .aggregate: false
    default: !expression.containsSubquery && !returnsSet(expression)
    }
  }

  /// `column = $1` or `column = constant`.
  private func isLookup(_ condition: TypedExpression) -> Bool {
    guard case .call(let call) = condition, call.operatorID != 0, call.arguments.count == 2,
      case .variable(let variable) = call.arguments[0], variable.levelsUp == 0, case .column = variable.column
    else { return false }
    switch call.arguments[1] {
    case .constant, .parameter: return true
    default: return false
    }
  }
}

extension QueryPlanning {
  /// The cheaper one of a scan of the table and of the unique index that the conditions give a key for; nil where there
  /// is no such index, or others may be as good.
  fileprivate func lookup(_ oid: UInt32, _ conditions: [TypedExpression]) throws(SQLError) -> Path? {
    let descriptor = try statement.relation(oid)
    let columns = conditions.compactMap { condition -> Int? in
      guard case .call(let call) = condition, case .variable(let variable) = call.arguments.first,
        case .column(let column) = variable.column
      else { return nil }
      return column
    }
    guard columns.count == conditions.count else { return nil }
    let session = statement.catalog.session
    let matching = descriptor.indexes.filter { index in
      index.isValid && index.isReady && session.canUse(index) && columns.contains { $0 == index.columns[0].column }
    }
    guard matching.count == 1, let index = matching.first, index.isUnique, index.isImmediate, index.predicate == nil,
      index.columns.prefix(index.keyCount).allSatisfy({ key in key.column.map { columns.contains($0) } ?? false })
    else { return nil }
    allRelations = RelationSet(0)
    let relation = statement.keep(RelationInfo(allRelations, entry: 0))
    relations = [relation]
    relation.descriptor = descriptor
    (relation.pages, relation.tuples, relation.visibleFraction) = try statement.size(of: descriptor)
    totalPages = relation.pages
    guard let info = try indexInfo(index, descriptor, relation) else { return nil }
    relation.indexes = [info]
    for condition in conditions {
      let own = relations(of: condition)
      guard own == allRelations else { return nil }
      relation.restrictions.append(makeRestriction(condition, own, required: own, isPushedDown: true))
    }
    relation.restrictionCost = cost(relation.restrictions)
    let clauses = self.clauses(of: relation.restrictions, info, relation)
    guard
      clauses.allSatisfy({ column in
        column.contains { $0.conditions.contains { $0.comparison == .equal } }
      })
    else { return nil }
    relation.rows = clampRows(relation.tuples * selectivity(relation.restrictions, nil, .inner, nil))
    try completeTargets()
    relation.width = outputs.reduce(0) { $0 + width(of: $1) }
    relation.needed = outputs.flatMap(\.variables)
    let known = IndexPath(
      index: info, clauses: clauses.flatMap(\.self), isBackward: false,
      isIndexOnly: query.command == .select && canReadIndexOnly(relation, info))
    let found = indexPath(relation, known, ordering: [], nil, loops: 1)
    let whole = sequentialPath(relation)
    let path = found.isCheaper(than: whole) ? found : whole
    let target = cost(outputs)
    path.startup += target.startup
    path.total += target.startup + target.perTuple * path.rows
    return path
  }
}
