/// Walks over a query (query_tree_walker of nodes/nodeFuncs.c).
extension Query {
  /// Calls `body` with every expression that stands in the query itself, as a whole: targets, conditions, functions and
  /// rows of FROM. Queries inside of it are not entered.
  public func forEachExpression(_ body: (TypedExpression) -> Void) {
    for target in targets { body(target.expression) }
    for target in returning { body(target.expression) }
    for item in from { item.forEachCondition(body) }
    if let condition { body(condition) }
    if let having { body(having) }
    if let limit { body(limit) }
    if let offset { body(offset) }
    if let update = onConflict?.update {
      for value in update.values { body(value) }
      if let condition = update.condition { body(condition) }
    }
    for entry in rangeTable {
      switch entry.kind {
      case .function(let call, _): body(.call(call))
      case .values(let rows): for row in rows { for value in row { body(value) } }
      default: break
      }
    }
  }

  /// Calls `body` with every expression and every one that it is made of, here and in all queries inside, and how many
  /// queries further in that is.
  public func visitExpressions(_ body: (TypedExpression, _ depth: Int) -> Void) { visit(0, body) }

  private func visit(_ depth: Int, _ body: (TypedExpression, Int) -> Void) {
    forEachExpression { $0.visit(depth, body) }
    for table in with { table.query.visit(depth + 1, body) }
    for entry in rangeTable {
      if case .subquery(let query, _) = entry.kind { query.visit(depth + 1, body) }
    }
  }
}

extension TypedExpression {
  /// Calls `body` with this expression and every one that it is made of, subqueries included.
  public func visit(_ depth: Int = 0, _ body: (TypedExpression, _ depth: Int) -> Void) {
    body(self, depth)
    forEachChild { $0.visit(depth, body) }
    if case .subquery(let link) = self { link.query.visitExpressions { body($0, depth + 1 + $1) } }
  }
}

extension JoinTree {
  func forEachCondition(_ body: (TypedExpression) -> Void) {
    guard case .join(let join) = self else { return }
    join.left.forEachCondition(body)
    join.right.forEachCondition(body)
    if let condition = join.condition { body(condition) }
  }
}
