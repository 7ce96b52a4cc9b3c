import MillraceEngine
import MillraceTypes

/// Conditions on the result of a subquery, looked at inside of it (PostgreSQL's subquery_push_qual,
/// src/backend/optimizer/path/allpaths.c).
extension QueryPlanning {
  func pushDown(_ relation: RelationInfo, _ inner: Query) -> Query {
    guard let entry = relation.entry, inner.command == .select, inner.limit == nil, inner.offset == nil,
      inner.rowMarks.isEmpty
    else { return inner }
    var inner = inner
    relation.restrictions.removeAll { restriction in
      guard !restriction.isPseudoConstant, !restriction.clause.containsSubplan, !isVolatile(restriction.clause),
        let pushed = push(restriction.clause, of: entry, into: inner)
      else { return false }
      inner = pushed
      return true
    }
    return inner
  }

  private func push(_ clause: TypedExpression, of entry: Int, into inner: Query) -> Query? {
    guard inner.limit == nil, inner.offset == nil, inner.rowMarks.isEmpty else { return nil }
    if let tree = inner.setOperations { return push(clause, of: entry, into: inner, tree) }
    let shown = inner.targets.indices.filter { !inner.targets[$0].isHidden }
    for variable in clause.variables {
      guard variable.entry == entry, case .column(let column) = variable.column, column < shown.count else {
        return nil
      }
      let target = inner.targets[shown[column]].expression
      if isVolatile(target) || statement.returnsSet(target) { return nil }
      if case .on(let keys) = inner.distinct, !keys.contains(where: { $0.target == shown[column] }) { return nil }
    }
    let moved = VariableRewriter { variable, _ in
      guard variable.entry == entry, variable.levelsUp == 0, case .column(let column) = variable.column else {
        return nil
      }
      return inner.targets[shown[column]].expression
    }.rewrite(clause)
    var result = inner
    if inner.hasAggregates || !inner.groupBy.isEmpty || inner.having != nil {
      result.having = [inner.having, moved].compactMap(\.self).joinedByAnd
    } else {
      result.condition = [inner.condition, moved].compactMap(\.self).joinedByAnd
    }
    return result
  }

  /// Into all parts of a set operation; not into EXCEPT's.
  private func push(
    _ clause: TypedExpression, of entry: Int, into inner: Query, _ tree: SetOperationTree
  ) -> Query? {
    switch tree {
    case .entry(let part):
      guard case .subquery(let query, let isLateral) = inner.rangeTable[part].kind,
        let pushed = push(clause, of: entry, into: query)
      else { return nil }
      var result = inner
      result.rangeTable[part].kind = .subquery(pushed, isLateral: isLateral)
      return result
    case .operation(let operation):
      guard operation.kind != .except, let left = push(clause, of: entry, into: inner, operation.left) else {
        return nil
      }
      return push(clause, of: entry, into: left, operation.right)
    }
  }
}
