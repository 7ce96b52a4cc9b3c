import MillraceEngine
import MillraceTypes

/// Making one query of a query and the simple ones in its FROM (PostgreSQL's pull_up_subqueries,
/// src/backend/optimizer/prep/prepjointree.c).
extension QueryPlanning {
  func pullUpSubqueries(_ tree: PlanJoinTree) throws(SQLError) -> PlanJoinTree {
    (query.from, query.condition) = ([], nil)
    var tree = tree
    while let entry = simpleSubquery(in: tree, isNullable: false) { tree = pullUp(entry, in: tree) }
    return tree
  }

  /// An entry that can be replaced by what its query reads.
  /// - Parameter isNullable: whether an outer join above may make its columns null.
  private func simpleSubquery(in tree: PlanJoinTree, isNullable: Bool) -> Int? {
    switch tree {
    case .entry(let entry):
      guard case .subquery(let inner, _) = query.rangeTable[entry].kind else { return nil }
      return isSimple(inner, isNullable: isNullable) ? entry : nil
    case .list(let items, _):
      for item in items {
        if let found = simpleSubquery(in: item, isNullable: isNullable) { return found }
      }
      return nil
    case .join(let kind, let left, let right, _):
      let isLeftNullable = isNullable || kind == .full || kind == .right
      // Nothing above refers to the right side of semi and anti joins, but an anti join keeps what it does not match.
      let isRightNullable = isNullable || kind == .full || kind == .left || kind == .anti
      return simpleSubquery(in: left, isNullable: isLeftNullable)
        ?? simpleSubquery(in: right, isNullable: isRightNullable)
    }
  }

  /// `is_simple_subquery`.
  private func isSimple(_ inner: Query, isNullable: Bool) -> Bool {
    guard inner.command == .select, inner.setOperations == nil, !inner.hasAggregates, inner.groupBy.isEmpty,
      inner.having == nil, inner.orderBy.isEmpty, inner.limit == nil, inner.offset == nil, inner.rowMarks.isEmpty,
      inner.distinct == .no, inner.with.isEmpty, !inner.from.isEmpty,
      query.rangeTable.count + inner.rangeTable.count <= RelationSet.countMax
    else { return false }
    for target in inner.targets {
      if isNullable {
        guard case .variable(let variable) = target.expression, variable.levelsUp == 0 else { return false }
      }
      if statement.returnsSet(target.expression) || isVolatile(target.expression) { return false }
    }
    // What it refers to beside it could be on the wrong side of an outer join.
    return !isNullable || !inner.refersToOuter
  }

  private func pullUp(_ entry: Int, in tree: PlanJoinTree) -> PlanJoinTree {
    guard case .subquery(var inner, _) = query.rangeTable[entry].kind else { return tree }
    query.rangeTable[entry].kind = .nothing
    _ = adopt(&inner)
    let condition = inner.condition.map { Self.conjuncts($0) } ?? []
    var replacement = PlanJoinTree.list(inner.from.map { PlanJoinTree($0) }, condition)
    if inner.hasSubqueries { replacement = pullUpSubqueryLinks(replacement) }
    let targets = inner.targets.map(\.expression)
    let rewriter = VariableRewriter { variable, depth in
      guard variable.entry == entry, variable.levelsUp == depth else { return nil }
      switch variable.column {
      case .column(let column): return VariableRewriter.raise(targets[column], by: depth)
      case .wholeRow:
        return VariableRewriter.raise(.row(targets, variable.type), by: depth)
      case .system: return nil
      }
    }
    rewriteAll(rewriter)
    return substitute(entry, by: replacement, in: tree).mapConditions { conditions in
      conditions.map { rewriter.rewrite($0) }
    }
  }

  /// Rewrites all that the query has apart from ``tree``.
  func rewriteAll(_ rewriter: VariableRewriter) {
    query = rewriter.rewrite(query, depth: 0)
  }

  private func substitute(_ entry: Int, by replacement: PlanJoinTree, in tree: PlanJoinTree) -> PlanJoinTree {
    switch tree {
    case .entry(let found):
      guard found == entry else { return tree }
      if case .list(let items, let conditions) = replacement, items.count == 1, conditions.isEmpty { return items[0] }
      return replacement
    case .list(let items, let conditions):
      return .list(items.map { substitute(entry, by: replacement, in: $0) }, conditions)
    case .join(let kind, let left, let right, let conditions):
      return .join(
        kind, substitute(entry, by: replacement, in: left), substitute(entry, by: replacement, in: right), conditions)
    }
  }
}
