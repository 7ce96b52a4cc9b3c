import MillraceEngine
import MillraceTypes

/// Turning EXISTS and `= ANY` into joins (PostgreSQL's pull_up_sublinks, src/backend/optimizer/prep/prepjointree.c).
extension QueryPlanning {
  func pullUpSubqueryLinks(_ tree: PlanJoinTree) -> PlanJoinTree {
    switch tree {
    case .entry: return tree
    case .list(let items, let conditions):
      let items = items.map { pullUpSubqueryLinks($0) }
      return pullUp(conditions, over: .list(items, [])) { tree, kept in
        if case .list(let items, let others) = tree { return .list(items, others + kept) }
        return .list([tree], kept)
      }
    case .join(.inner, let left, let right, let conditions):
      let joined = PlanJoinTree.join(.inner, pullUpSubqueryLinks(left), pullUpSubqueryLinks(right), [])
      return pullUp(conditions, over: joined) { tree, kept in
        if case .join(.inner, let left, let right, let others) = tree {
          return .join(.inner, left, right, others + kept)
        }
        return .list([tree], kept)
      }
    case .join(let kind, let left, let right, let conditions):
      return .join(kind, pullUpSubqueryLinks(left), pullUpSubqueryLinks(right), conditions)
    }
  }

  private func pullUp(
    _ conditions: [TypedExpression], over tree: PlanJoinTree,
    filter: (PlanJoinTree, [TypedExpression]) -> PlanJoinTree
  ) -> PlanJoinTree {
    var tree = tree
    var kept: [TypedExpression] = []
    for condition in conditions {
      if let joined = join(condition, over: tree) { tree = joined } else { kept.append(condition) }
    }
    return kept.isEmpty ? tree : filter(tree, kept)
  }

  private func join(_ condition: TypedExpression, over tree: PlanJoinTree) -> PlanJoinTree? {
    switch condition {
    case .subquery(let link) where link.kind == .any: joinAny(link, over: tree)
    case .subquery(let link) where link.kind == .exists: joinExists(link, over: tree, .semi)
    case .not(.subquery(let link)) where link.kind == .exists: joinExists(link, over: tree, .anti)
    default: nil
    }
  }

  /// `convert_ANY_sublink_to_join`: the query is one more entry of FROM.
  private func joinAny(_ link: SubqueryLink, over tree: PlanJoinTree) -> PlanJoinTree? {
    guard link.query.command == .select, !link.query.refersToOuter else { return nil }
    let left = link.left.reduce(into: RelationSet()) { $0.formUnion(relations(of: $1)) }
    guard !left.isEmpty, left.isSubset(of: tree.members), !link.left.contains(where: { isVolatile($0) }) else {
      return nil
    }
    let shown = link.query.targets.filter { !$0.isHidden }
    guard shown.count == link.left.count else { return nil }
    let number = query.rangeTable.count
    let columns = shown.map { RangeTableColumn($0.name, $0.expression.type) }
    query.rangeTable.append(
      RangeTableEntry(.subquery(link.query, isLateral: false), name: "ANY_subquery", columns: columns))
    var conditions: [TypedExpression] = []
    for (place, operatorID) in link.operators.enumerated() {
      guard let found = functions.operators[operatorID] else { return nil }
      let right = TypedExpression.variable(Variable(number, .column(place), shown[place].expression.type))
      conditions.append(
        .call(
          CallExpression(
            function: found.function, operatorID: operatorID, [link.left[place], right], ValueType(.bool))))
    }
    return .join(.semi, tree, .entry(number), conditions)
  }

  /// `convert_EXISTS_sublink_to_join`: what the query reads becomes one side of a join, its WHERE the condition.
  private func joinExists(_ link: SubqueryLink, over tree: PlanJoinTree, _ kind: JoinKind) -> PlanJoinTree? {
    guard let inner = try? simplifyExists(link.query), inner.command == .select, inner.with.isEmpty,
      inner.setOperations == nil, !inner.hasAggregates, inner.groupBy.isEmpty, inner.having == nil,
      inner.limit == nil, inner.offset == nil, inner.rowMarks.isEmpty, inner.distinct == .no,
      inner.targets.isEmpty, !inner.from.isEmpty, let condition = inner.condition
    else { return nil }
    var rest = inner
    rest.condition = nil
    guard !rest.refersToOuter, !isVolatile(condition) else { return nil }
    // Queries inside of the condition may refer to both sides; they are left where they are.
    var outer = RelationSet()
    var isNear = true
    _ = VariableRewriter { variable, depth in
      if variable.levelsUp == depth + 1 { outer.insert(variable.entry) }
      if variable.levelsUp > depth + 1, depth > 0 { isNear = false }
      return nil
    }.rewrite(condition)
    guard isNear, !outer.isEmpty, outer.isSubset(of: tree.members) else { return nil }
    let offset = adopt(&rest)
    let lowered = Self.lowering(by: offset).rewrite(condition)
    var right = PlanJoinTree.list(rest.from.map { PlanJoinTree($0) }, [])
    if case .list(let items, _) = right, items.count == 1 { right = items[0] }
    return .join(kind, tree, pullUpSubqueryLinks(right), Self.conjuncts(lowered))
  }

  // MARK: Taking over another query's entries

  /// Appends the entries of a query from one level further in to those of this one.
  /// - Returns: how much higher their numbers are.
  func adopt(_ inner: inout Query) -> Int {
    let offset = query.rangeTable.count
    inner = Self.lowering(by: offset).rewrite(inner, depth: 0)
    inner.from = inner.from.map { $0.shifted(by: offset) }
    query.rangeTable += inner.rangeTable
    return offset
  }

  /// Rewrites what stood one level further in for this level.
  static func lowering(by offset: Int) -> VariableRewriter {
    VariableRewriter { variable, depth in
      guard variable.levelsUp >= depth else { return nil }
      var variable = variable
      if variable.levelsUp == depth { variable.entry += offset } else { variable.levelsUp -= 1 }
      return .variable(variable)
    } levelsUp: { _, up, depth in
      up > depth ? up - 1 : up
    } aggregateLevelsUp: { up, depth in
      up > depth ? up - 1 : up
    }
  }
}

extension JoinTree {
  func shifted(by offset: Int) -> JoinTree {
    switch self {
    case .entry(let entry): return .entry(entry + offset)
    case .join(var join):
      (join.left, join.right) = (join.left.shifted(by: offset), join.right.shifted(by: offset))
      join.entry += offset
      return .join(join)
    }
  }
}

extension Query {
  /// Whether it refers to a query around it.
  var refersToOuter: Bool {
    var found = false
    _ = VariableRewriter { variable, depth in
      if variable.levelsUp > depth { found = true }
      return nil
    } levelsUp: { _, up, _ in
      up
    } aggregateLevelsUp: { up, depth in
      if up > depth { found = true }
      return up
    }.rewrite(self, depth: 0)
    return found
  }
}
