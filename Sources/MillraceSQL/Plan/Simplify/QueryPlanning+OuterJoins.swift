import MillraceEngine
import MillraceTypes

/// Outer joins whose added rows are thrown away again are plain ones (PostgreSQL's reduce_outer_joins,
/// src/backend/optimizer/prep/prepjointree.c).
extension QueryPlanning {
  func reduceOuterJoins(_ tree: PlanJoinTree) -> PlanJoinTree {
    guard tree.hasOuterJoin else { return tree }
    var antiSides: [RelationSet] = []
    let reduced = reduce(tree, notNull: RelationSet(), forcedNull: [], &antiSides)
    guard !antiSides.isEmpty else { return reduced }
    return withoutColumns(of: antiSides, reduced)
  }

  private func reduce(
    _ tree: PlanJoinTree, notNull: RelationSet, forcedNull: [Variable], _ antiSides: inout [RelationSet]
  ) -> PlanJoinTree {
    switch tree {
    case .entry: return tree
    case .list(let items, let conditions):
      let (own, nulls) = (notNull | notNullRelations(conditions), forcedNull + Self.forcedNulls(conditions))
      return .list(items.map { reduce($0, notNull: own, forcedNull: nulls, &antiSides) }, conditions)
    case .join(var kind, var left, var right, let conditions):
      if kind == .full {
        let (keepsLeft, keepsRight) = (notNull.overlaps(left.members), notNull.overlaps(right.members))
        kind = keepsLeft && keepsRight ? .inner : keepsLeft || keepsRight ? .left : .full
        if kind == .left, keepsRight { swap(&left, &right) }
      }
      if kind == .left, notNull.overlaps(right.members) { kind = .inner }
      if kind == .left, isAnti(right.members, conditions, forcedNull) {
        kind = .anti
        antiSides.append(right.members)
      }
      let own = notNullRelations(conditions)
      switch kind {
      case .inner, .semi:
        let (both, nulls) = (notNull | own, forcedNull + Self.forcedNulls(conditions))
        left = reduce(left, notNull: both, forcedNull: nulls, &antiSides)
        right = reduce(right, notNull: both, forcedNull: nulls, &antiSides)
      case .left, .anti, .right:
        left = reduce(left, notNull: notNull, forcedNull: forcedNull, &antiSides)
        right = reduce(right, notNull: own, forcedNull: Self.forcedNulls(conditions), &antiSides)
      case .full:
        left = reduce(left, notNull: RelationSet(), forcedNull: [], &antiSides)
        right = reduce(right, notNull: RelationSet(), forcedNull: [], &antiSides)
      }
      return .join(kind, left, right, conditions)
    }
  }

  /// Whether a condition above wants a column of the right side to be null that is never null where the join's own
  /// condition is true: then only rows without a partner are left.
  private func isAnti(_ right: RelationSet, _ conditions: [TypedExpression], _ forcedNull: [Variable]) -> Bool {
    forcedNull.contains { variable in
      right.contains(variable.entry)
        && conditions.contains { condition in
          condition.variables.contains(variable) && strictVariables(condition).contains(variable)
        }
    }
  }

  private static func forcedNulls(_ conditions: [TypedExpression]) -> [Variable] {
    conditions.compactMap { condition in
      if case .nullTest(.variable(let variable), isNegated: false) = condition { return variable }
      return nil
    }
  }

  /// Columns that are not null where a condition is true (`find_nonnullable_vars`).
  private func strictVariables(_ condition: TypedExpression) -> [Variable] {
    switch condition {
    case .call, .relabel: statement.isStrict(condition) ? condition.variables : []
    case .nullTest(let argument, isNegated: true): statement.isStrict(argument) ? argument.variables : []
    case .and(let arguments): arguments.flatMap { strictVariables($0) }
    case .variable(let variable): [variable]
    default: []
    }
  }

  /// Relations that are not null-extended where all the conditions are true (`find_nonnullable_rels`).
  func notNullRelations(_ conditions: [TypedExpression]) -> RelationSet {
    conditions.reduce(into: RelationSet()) { $0.formUnion(notNullRelations($1, isTop: true)) }
  }

  private func notNullRelations(_ expression: TypedExpression, isTop: Bool) -> RelationSet {
    switch expression {
    case .variable(let variable): return variable.levelsUp == 0 ? RelationSet(variable.entry) : RelationSet()
    case .call(let call):
      guard functions.functions[call.function]?.isStrict ?? false else { return RelationSet() }
      return call.arguments.reduce(into: RelationSet()) { $0.formUnion(notNullRelations($1, isTop: false)) }
    case .relabel(let inner, _, _), .throughText(let inner, _, _), .not(let inner):
      return notNullRelations(inner, isTop: false)
    case .and(let arguments) where isTop:
      return arguments.reduce(into: RelationSet()) { $0.formUnion(notNullRelations($1, isTop: true)) }
    case .and(let arguments), .or(let arguments):
      guard let first = arguments.first else { return RelationSet() }
      return arguments.dropFirst().reduce(notNullRelations(first, isTop: isTop)) { common, argument in
        common.intersection(notNullRelations(argument, isTop: isTop))
      }
    case .nullTest(let argument, isNegated: true) where isTop: return notNullRelations(argument, isTop: false)
    case .booleanTest(let argument, let value, let isNegated) where isTop:
      let isStrict = value == .isUnknown ? isNegated : !isNegated
      return isStrict ? notNullRelations(argument, isTop: false) : RelationSet()
    case .arrayComparison(let comparison):
      guard functions.functions[comparison.function]?.isStrict ?? false, !comparison.isAll || isTop else {
        return RelationSet()
      }
      if comparison.isAll { return RelationSet() }
      return notNullRelations(comparison.left, isTop: false)
    default: return RelationSet()
    }
  }

  // MARK: Anti joins

  /// Above an anti join the columns of its right side are null.
  private func withoutColumns(of sides: [RelationSet], _ tree: PlanJoinTree) -> PlanJoinTree {
    let gone = sides.reduce(RelationSet()) { $0 | $1 }
    let rewriter = VariableRewriter { variable, depth in
      guard variable.levelsUp == depth, gone.contains(variable.entry) else { return nil }
      return .constant(TypedConstant(variable.type, .null, variable.location))
    }
    rewriteAll(rewriter)
    return blank(tree, rewriter, sides)
  }

  private func blank(
    _ tree: PlanJoinTree, _ rewriter: VariableRewriter, _ sides: [RelationSet]
  ) -> PlanJoinTree {
    func blanked(_ conditions: [TypedExpression]) -> [TypedExpression] {
      conditions.compactMap { condition in
        guard relations(of: condition).overlaps(sides.reduce(RelationSet()) { $0 | $1 }) else { return condition }
        let rewritten = (try? statement.fold(rewriter.rewrite(condition))) ?? condition
        return rewritten.isTrueConstant ? nil : rewritten
      }
    }
    switch tree {
    case .entry: return tree
    case .list(let items, let conditions):
      return .list(items.map { blank($0, rewriter, sides) }, blanked(conditions))
    case .join(.anti, let left, let right, let conditions) where sides.contains(right.members):
      return .join(.anti, blank(left, rewriter, sides), right, conditions)
    case .join(let kind, let left, let right, let conditions):
      return .join(
        kind, blank(left, rewriter, sides), blank(right, rewriter, sides),
        blanked(conditions))
    }
  }
}

extension PlanJoinTree {
  var hasOuterJoin: Bool {
    switch self {
    case .entry: false
    case .list(let items, _): items.contains(where: \.hasOuterJoin)
    case .join(let kind, let left, let right, _):
      kind == .left || kind == .full || kind == .right || left.hasOuterJoin || right.hasOuterJoin
    }
  }
}
