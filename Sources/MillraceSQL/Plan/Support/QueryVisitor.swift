/// Goes through a query and all queries inside of it (PostgreSQL's query_tree_walker, src/backend/nodes/nodeFuncs.c).
enum QueryVisitor {
  /// Calls `body` for the query and each one in it.
  static func visit(_ query: Query, _ body: (Query) -> Void) {
    body(query)
    forEachPart(query) { part in visitQueries(of: part, body) }
    forEachNested(query) { nested in visit(nested, body) }
  }

  private static func visitQueries(of expression: TypedExpression, _ body: (Query) -> Void) {
    if case .subquery(let link) = expression { visit(link.query, body) }
    expression.forEachChild { child in visitQueries(of: child, body) }
  }

  /// Calls `body` for each expression that the query itself has.
  static func forEachPart<Failure: Error>(
    _ query: Query, _ body: (TypedExpression) throws(Failure) -> Void
  ) throws(Failure) {
    for target in query.targets { try body(target.expression) }
    for tree in query.from { try forEachCondition(tree, body) }
    for part in [query.condition, query.having, query.limit, query.offset] {
      if let part { try body(part) }
    }
    for target in query.returning { try body(target.expression) }
    if let update = query.onConflict?.update {
      for value in update.values { try body(value) }
      if let condition = update.condition { try body(condition) }
    }
    for entry in query.rangeTable {
      switch entry.kind {
      case .function(let call, _): try body(.call(call))
      case .values(let rows): for row in rows { for value in row { try body(value) } }
      default: break
      }
    }
  }

  private static func forEachCondition<Failure: Error>(
    _ tree: JoinTree, _ body: (TypedExpression) throws(Failure) -> Void
  ) throws(Failure) {
    guard case .join(let join) = tree else { return }
    try forEachCondition(join.left, body)
    try forEachCondition(join.right, body)
    if let condition = join.condition { try body(condition) }
  }

  /// Calls `body` for the queries of FROM and WITH.
  static func forEachNested(_ query: Query, _ body: (Query) -> Void) {
    for table in query.with { body(table.query) }
    for entry in query.rangeTable {
      if case .subquery(let nested, _) = entry.kind { body(nested) }
    }
  }

  // MARK: Changing

  /// The same query with each of its expressions replaced by what `expression` makes of it, and each of the queries of
  /// its FROM and WITH by what `nested` makes of that.
  static func map<Failure: Error>(
    _ query: Query, expression body: (TypedExpression) throws(Failure) -> TypedExpression,
    nested: (Query) throws(Failure) -> Query
  ) throws(Failure) -> Query {
    var query = query
    for index in query.with.indices { query.with[index].query = try nested(query.with[index].query) }
    for index in query.rangeTable.indices { try mapEntry(&query.rangeTable[index], body, nested) }
    for index in query.from.indices { query.from[index] = try mapTree(query.from[index], body) }
    for index in query.targets.indices {
      query.targets[index].expression = try body(query.targets[index].expression)
    }
    for index in query.returning.indices {
      query.returning[index].expression = try body(query.returning[index].expression)
    }
    if let condition = query.condition { query.condition = try body(condition) }
    if let having = query.having { query.having = try body(having) }
    if let limit = query.limit { query.limit = try body(limit) }
    if let offset = query.offset { query.offset = try body(offset) }
    if var update = query.onConflict?.update {
      for index in update.values.indices { update.values[index] = try body(update.values[index]) }
      if let condition = update.condition { update.condition = try body(condition) }
      query.onConflict?.update = update
    }
    return query
  }

  private static func mapEntry<Failure: Error>(
    _ entry: inout RangeTableEntry, _ body: (TypedExpression) throws(Failure) -> TypedExpression,
    _ nested: (Query) throws(Failure) -> Query
  ) throws(Failure) {
    switch entry.kind {
    case .subquery(let query, let isLateral): entry.kind = .subquery(try nested(query), isLateral: isLateral)
    case .function(let call, let withOrdinality):
      if case .call(let mapped) = try body(.call(call)) {
        entry.kind = .function(mapped, withOrdinality: withOrdinality)
      }
    case .values(var rows):
      for row in rows.indices {
        for column in rows[row].indices { rows[row][column] = try body(rows[row][column]) }
      }
      entry.kind = .values(rows)
    default: break
    }
    for index in entry.columns.indices {
      if let expression = entry.columns[index].expression {
        entry.columns[index].expression = try body(expression)
      }
    }
  }

  private static func mapTree<Failure: Error>(
    _ tree: JoinTree, _ body: (TypedExpression) throws(Failure) -> TypedExpression
  ) throws(Failure) -> JoinTree {
    guard case .join(var join) = tree else { return tree }
    join.left = try mapTree(join.left, body)
    join.right = try mapTree(join.right, body)
    if let condition = join.condition { join.condition = try body(condition) }
    return .join(join)
  }
}

/// Replaces variables in expressions and in the queries inside of them (PostgreSQL's rewriteManip.c).
struct VariableRewriter {
  /// What comes instead of a variable, and how many queries further in it stands than where the rewriting began. What
  /// is returned must be right for that depth; nil leaves the variable.
  let replace: (Variable, _ depth: Int) -> TypedExpression?
  /// The same for references to queries of WITH: the name and how many queries further out it stands.
  var levelsUp: ((String, Int, _ depth: Int) -> Int)?
  /// The same for aggregates that are computed further out.
  var aggregateLevelsUp: ((Int, _ depth: Int) -> Int)?

  func rewrite(_ expression: TypedExpression, depth: Int = 0) -> TypedExpression {
    switch expression {
    case .variable(let variable): return replace(variable, depth) ?? expression
    case .subquery(var link):
      link.left = link.left.map { rewrite($0, depth: depth) }
      link.query = rewrite(link.query, depth: depth + 1)
      return .subquery(link)
    case .aggregate(var aggregate):
      if let aggregateLevelsUp { aggregate.levelsUp = aggregateLevelsUp(aggregate.levelsUp, depth) }
      return TypedExpression.aggregate(aggregate).mapChildren { child in rewrite(child, depth: depth) }
    default: return expression.mapChildren { child in rewrite(child, depth: depth) }
    }
  }

  /// - Parameter depth: that of the query's own expressions.
  func rewrite(_ query: Query, depth: Int) -> Query {
    var query = QueryVisitor.map(query) { expression in
      rewrite(expression, depth: depth)
    } nested: { nested in
      rewrite(nested, depth: depth + 1)
    }
    if let levelsUp {
      for index in query.rangeTable.indices {
        if case .commonTable(let name, let up) = query.rangeTable[index].kind {
          query.rangeTable[index].kind = .commonTable(name, levelsUp: levelsUp(name, up, depth))
        }
      }
    }
    return query
  }

  /// Moves an expression so many queries further in: what it refers to outside of it is further out then.
  static func raise(_ expression: TypedExpression, by levels: Int) -> TypedExpression {
    guard levels != 0 else { return expression }
    return raising(by: levels).rewrite(expression)
  }

  static func raise(_ query: Query, by levels: Int) -> Query {
    guard levels != 0 else { return query }
    return raising(by: levels).rewrite(query, depth: 1)
  }

  private static func raising(by levels: Int) -> VariableRewriter {
    VariableRewriter { variable, depth in
      guard variable.levelsUp >= depth else { return nil }
      var variable = variable
      variable.levelsUp += levels
      return .variable(variable)
    } levelsUp: { _, up, depth in
      up >= depth ? up + levels : up
    } aggregateLevelsUp: { up, depth in
      up >= depth && up > 0 ? up + levels : up
    }
  }
}
