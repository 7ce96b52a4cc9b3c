/// Moving queries into others (IncrementVarSublevelsUp of rewrite/rewriteManip.c).
extension Query {
  /// The same query, with all that refers to something further out than it `levels` queries further away.
  public func shiftingOuterReferences(by levels: Int) -> Query { shifted(by: levels, beyond: 1) }

  /// - Parameter depth: references to queries at least so far out change.
  func shifted(by levels: Int, beyond depth: Int) -> Query {
    var query = self
    query.mapExpressions { $0.shifted(by: levels, beyond: depth) }
    for index in query.with.indices {
      query.with[index].query = query.with[index].query.shifted(by: levels, beyond: depth + 1)
    }
    for index in query.rangeTable.indices {
      switch query.rangeTable[index].kind {
      case .subquery(let inner, let isLateral):
        query.rangeTable[index].kind = .subquery(inner.shifted(by: levels, beyond: depth + 1), isLateral: isLateral)
      case .commonTable(let name, let levelsUp) where levelsUp >= depth:
        query.rangeTable[index].kind = .commonTable(name, levelsUp: levelsUp + levels)
      default: break
      }
    }
    return query
  }

  /// Replaces every expression that stands in the query itself; see ``forEachExpression(_:)``.
  public mutating func mapExpressions<Failure: Error>(
    _ transform: (TypedExpression) throws(Failure) -> TypedExpression
  ) throws(Failure) {
    for index in targets.indices { targets[index].expression = try transform(targets[index].expression) }
    for index in returning.indices { returning[index].expression = try transform(returning[index].expression) }
    for index in from.indices { from[index] = try from[index].mapConditions(transform) }
    if let expression = condition { condition = try transform(expression) }
    if let expression = having { having = try transform(expression) }
    if let expression = limit { limit = try transform(expression) }
    if let expression = offset { offset = try transform(expression) }
    if var update = onConflict?.update {
      update.values = try update.values.map(transform)
      if let expression = update.condition { update.condition = try transform(expression) }
      onConflict?.update = update
    }
    for index in rangeTable.indices {
      switch rangeTable[index].kind {
      case .function(let call, let withOrdinality):
        guard case .call(let changed) = try transform(.call(call)) else { continue }
        rangeTable[index].kind = .function(changed, withOrdinality: withOrdinality)
      case .values(let rows):
        var changed: [[TypedExpression]] = []
        for row in rows { changed.append(try row.map(transform)) }
        rangeTable[index].kind = .values(changed)
      case .join:
        for column in rangeTable[index].columns.indices {
          guard let expression = rangeTable[index].columns[column].expression else { continue }
          rangeTable[index].columns[column].expression = try transform(expression)
        }
      default: break
      }
    }
  }
}

extension JoinTree {
  func mapConditions<Failure: Error>(
    _ transform: (TypedExpression) throws(Failure) -> TypedExpression
  ) throws(Failure) -> JoinTree {
    guard case .join(var join) = self else { return self }
    join.left = try join.left.mapConditions(transform)
    join.right = try join.right.mapConditions(transform)
    if let condition = join.condition { join.condition = try transform(condition) }
    return .join(join)
  }
}

extension TypedExpression {
  /// The same expression, with variables and aggregates of queries at least `depth` further out `levels` further away.
  public func shifted(by levels: Int, beyond depth: Int) -> TypedExpression {
    let mapped = mapChildren { $0.shifted(by: levels, beyond: depth) }
    switch mapped {
    case .variable(var variable) where variable.levelsUp >= depth:
      variable.levelsUp += levels
      return .variable(variable)
    case .aggregate(var aggregate) where aggregate.levelsUp >= depth:
      aggregate.levelsUp += levels
      return .aggregate(aggregate)
    case .subquery(var link):
      link.query = link.query.shifted(by: levels, beyond: depth + 1)
      return .subquery(link)
    default: return mapped
    }
  }
}
