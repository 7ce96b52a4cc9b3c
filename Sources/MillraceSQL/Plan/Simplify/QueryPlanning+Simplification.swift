import MillraceEngine
import MillraceTypes

/// What is done to a query before ways are looked for (PostgreSQL's subquery_planner,
/// src/backend/optimizer/plan/planner.c).
extension QueryPlanning {
  func simplify() throws(SQLError) {
    tree = .list(query.from.map { PlanJoinTree($0) }, query.condition.map { Self.conjuncts($0) } ?? [])
    tree = tree.mapConditions { conditions in conditions.flatMap(Self.conjuncts) }
    if query.hasSubqueries { tree = pullUpSubqueryLinks(tree) }
    tree = try pullUpSubqueries(tree)
    for index in query.targets.indices {
      query.targets[index].expression = try prepare(query.targets[index].expression)
    }
    for index in query.returning.indices {
      query.returning[index].expression = try prepare(query.returning[index].expression)
    }
    tree = try tree.mapConditions { (conditions) throws(SQLError) in try prepare(conditions: conditions) }
    if let having = query.having {
      query.having = try prepare(conditions: Self.conjuncts(having)).joinedByAnd
      try moveHaving()
    }
    if let limit = query.limit { query.limit = try prepare(limit) }
    if let offset = query.offset { query.offset = try prepare(offset) }
    if var update = query.onConflict?.update {
      for index in update.values.indices { update.values[index] = try prepare(update.values[index]) }
      if let condition = update.condition { update.condition = try prepare(condition) }
      query.onConflict?.update = update
    }
    for index in query.rangeTable.indices { try prepareEntry(index) }
    tree = reduceOuterJoins(tree)
  }

  private func prepareEntry(_ index: Int) throws(SQLError) {
    switch query.rangeTable[index].kind {
    case .function(let call, let withOrdinality):
      lateralArguments[index] = []
      if case .call(let prepared) = try prepareLateral(.call(call), index) {
        query.rangeTable[index].kind = .function(prepared, withOrdinality: withOrdinality)
      }
    case .values(var rows):
      for row in rows.indices {
        for column in rows[row].indices { rows[row][column] = try prepareLateral(rows[row][column], index) }
      }
      query.rangeTable[index].kind = .values(rows)
    default: break
    }
  }

  /// Of an entry that has no input: columns of entries before it come as parameters.
  private func prepareLateral(_ expression: TypedExpression, _ entry: Int) throws(SQLError) -> TypedExpression {
    let prepared = try prepare(expression)
    guard !relations(of: prepared).isEmpty else { return prepared }
    scopes.append(lateralArguments[entry] ?? [])
    defer { lateralArguments[entry] = scopes.removeLast() }
    return asParameters(prepared)
  }

  private func asParameters(_ expression: TypedExpression) -> TypedExpression {
    if case .variable = expression { return provide(expression) }
    return expression.mapChildren { child in asParameters(child) }
  }

  /// A condition of HAVING that needs no aggregate may as well filter the rows (subquery_planner does so too), unless
  /// it is volatile or there is no GROUP BY, so that one row comes out in any case.
  private func moveHaving() throws(SQLError) {
    guard let having = query.having else { return }
    var kept: [TypedExpression] = []
    var moved: [TypedExpression] = []
    for condition in Self.conjuncts(having) {
      if condition.containsAggregate || isVolatile(condition) || condition.containsSubplan || query.groupBy.isEmpty {
        kept.append(condition)
      } else {
        moved.append(condition)
      }
    }
    query.having = kept.joinedByAnd
    guard !moved.isEmpty, case .list(let items, let conditions) = tree else { return }
    tree = .list(items, conditions + moved)
  }

  /// What has to be true together for an expression to be true.
  static func conjuncts(_ expression: TypedExpression) -> [TypedExpression] {
    if case .and(let arguments) = expression { return arguments.flatMap(conjuncts) }
    if case .constant(let constant) = expression, constant.value == .word(1) { return [] }
    return [expression]
  }
}

extension [TypedExpression] {
  /// All of them in one expression; nil where there are none.
  var joinedByAnd: TypedExpression? {
    switch count {
    case 0: nil
    case 1: self[0]
    default: .and(self)
    }
  }
}

extension Query {
  /// Whether there is a subquery in an expression of its WHERE or ON.
  var hasSubqueries: Bool {
    var found = false
    QueryVisitor.forEachPart(self) { part in found = found || part.containsSubquery }
    return found
  }
}
