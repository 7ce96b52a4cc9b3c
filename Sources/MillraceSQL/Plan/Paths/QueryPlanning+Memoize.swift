import MillraceEngine
import MillraceTypes

/// Remembering what the inner side of a nested loop has found for its parameters (PostgreSQL's get_memoize_path,
/// src/backend/optimizer/path/joinpath.c).
extension QueryPlanning {
  /// - Parameters:
  ///   - inner: a way to read `relation` with parameters of the outer side.
  ///   - clauses: all that is to be true of a pair of rows.
  ///   - calls: how many outer rows there are.
  /// - Returns: the same with a cache; nil where there is nothing to be gained, or what is found does not depend on the
  ///   parameters alone.
  func memoizePath(
    _ inner: Path, of relation: RelationInfo, outer: RelationInfo, _ kind: JoinKind, _ clauses: [Restriction],
    isInnerUnique: Bool, calls: Double
  ) -> Path? {
    guard settings.enableMemoize, outer.rows >= 2, relation.lateral.isEmpty, let parameters = inner.parameters,
      !parameters.clauses.isEmpty
    else { return nil }
    // A row without partners is known to have none only once the inner side has been read to its end.
    if kind == .semi || kind == .anti { return nil }
    // With one partner at most the inner side is left after the first, which must be the partner, then.
    if isInnerUnique {
      let isCovered = clauses.allSatisfy { clause in
        parameters.clauses.contains { $0 === clause || $0.clause == clause.clause }
      }
      guard isCovered else { return nil }
    }
    guard !relation.restrictions.contains(where: { isVolatile($0.clause) }),
      !parameters.clauses.contains(where: { isVolatile($0.clause) })
    else { return nil }
    var keys: [TypedExpression] = []
    var isBinary = false
    for clause in parameters.clauses {
      guard let key = cacheKey(clause, of: relation, outer: outer) else { return nil }
      if !clause.canHash { isBinary = true }
      if !keys.contains(key) { keys.append(key) }
    }
    let made = inner.below(
      .memoize(inner, MemoizePath(keys: keys, isBinary: isBinary, isSingleRow: isInnerUnique, calls: max(calls, 1))))
    made.startup += settings.cpuTupleCost
    made.total += settings.cpuTupleCost
    return made
  }

  /// What a condition takes of the outer side (`paraminfo_get_equal_hashops`).
  private func cacheKey(_ clause: Restriction, of relation: RelationInfo, outer: RelationInfo) -> TypedExpression? {
    guard let (left, right) = clause.operands else { return nil }
    let key: TypedExpression
    if clause.left.isSubset(of: outer.members), clause.right.isSubset(of: relation.members) {
      key = left
    } else if clause.right.isSubset(of: outer.members), clause.left.isSubset(of: relation.members) {
      key = right
    } else {
      return nil
    }
    guard let type = TypeDescriptor.builtIn[key.type.id], type.equal != nil, type.hash != nil || type.isByValue else {
      return nil
    }
    return key
  }

  /// What a look-up costs on average, with the cache (`cost_memoize_rescan`).
  func rescanCost(_ input: Path, _ memoize: MemoizePath) -> (startup: Double, total: Double) {
    let (tuples, calls) = (input.rows, memoize.calls)
    let overhead = Double(MemoizePath.entryOverhead) + Double(MemoizePath.tupleOverhead) * tuples
    var entryBytes = bytes(rows: tuples, width: input.width) + overhead
    for key in memoize.keys { entryBytes += Double(width(of: key)) }
    let capacity = (settings.hashMemory / entryBytes).rounded(.down)
    let isDefault = memoize.keys.contains { isDistinctDefault($0) }
    let distinct = isDefault ? calls : groupCount(memoize.keys, rows: calls)
    let evicted = 1 - min(capacity, distinct) / distinct
    let hits = max((calls - distinct) / calls * (capacity / max(distinct, capacity)), 0)
    var total = input.total * (1 - hits) + settings.cpuOperatorCost
    total += settings.cpuTupleCost * evicted
    total += settings.cpuOperatorCost / 10 * evicted * tuples
    total += settings.cpuTupleCost + settings.cpuOperatorCost * tuples
    return (input.startup * (1 - hits) + settings.cpuTupleCost, total)
  }

  /// Whether nothing is known of how many different values there are (`SELFLAG_USED_DEFAULT`).
  private func isDistinctDefault(_ expression: TypedExpression) -> Bool {
    let facts = examine(expression)
    if facts.facts != nil || facts.isUnique { return facts.distinct.isDefault }
    if case .variable = expression.withoutRelabels { return facts.distinct.isDefault }
    return expression.variables.contains { examine(.variable($0)).distinct.isDefault }
  }
}

/// A cache of what a path finds for its parameters (`MemoizePath`).
struct MemoizePath {
  /// What it is found by, over the outer side.
  var keys: [TypedExpression]
  /// Whether values that are equal but not the same count as different.
  var isBinary: Bool
  /// Whether there is one row at most for a key.
  var isSingleRow: Bool
  /// How often something is looked up.
  var calls: Double

  /// PostgreSQL's `sizeof(MemoizeEntry) + sizeof(MemoizeKey)` and `sizeof(MemoizeTuple)`.
  static let entryOverhead = 48
  static let tupleOverhead = 16
}
