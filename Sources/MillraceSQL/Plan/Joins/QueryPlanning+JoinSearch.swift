import MillraceEngine
import MillraceTypes

/// In which order relations are joined: all orders up to a number of relations, by dynamic programming (PostgreSQL's
/// standard_join_search, src/backend/optimizer/path/joinrels.c and allpaths.c); above it, one after the other, always
/// the pair that gives the fewest rows.
extension QueryPlanning {
  /// `geqo_threshold`: how many relations are too many to try all orders.
  private static let exhaustiveMax = 11

  func searchJoins(_ list: JoinList) throws(SQLError) -> RelationInfo {
    switch list {
    case .entry(let entry):
      guard let relation = relations[entry] else { preconditionFailure("a relation that is not there") }
      return relation
    case .group(let items):
      var initial: [RelationInfo] = []
      for item in items { initial.append(try searchJoins(item)) }
      if initial.count == 1 { return initial[0] }
      return initial.count > Self.exhaustiveMax ? try searchGreedily(initial) : try searchAll(initial)
    }
  }

  private func searchAll(_ initial: [RelationInfo]) throws(SQLError) -> RelationInfo {
    var levels: [[RelationInfo]] = [[], initial]
    for level in 2...initial.count {
      var found: [RelationInfo] = []
      func join(_ first: RelationInfo, _ second: RelationInfo) {
        guard let joined = makeJoin(first, second) else { return }
        if !found.contains(where: { $0 === joined }) { found.append(joined) }
      }
      for (place, old) in levels[level - 1].enumerated() {
        try checkInterrupts()
        if hasJoinClauses(old) {
          // Two relations that stand alone are tried once.
          let others = level == 2 ? Array(initial[(place + 1)...]) : initial
          for other in others where !other.members.overlaps(old.members) && areRelated(old, other) { join(old, other) }
        } else {
          for other in initial where !other.members.overlaps(old.members) { join(old, other) }
        }
      }
      for size in stride(from: 2, through: level - 2, by: 1) where size <= level - size {
        for (place, old) in levels[size].enumerated() where hasJoinClauses(old) {
          try checkInterrupts()
          let others = size == level - size ? Array(levels[size][(place + 1)...]) : levels[level - size]
          for other in others where !other.members.overlaps(old.members) && areRelated(old, other) { join(old, other) }
        }
      }
      if found.isEmpty {
        // Nothing is joined by a condition.
        for old in levels[level - 1] {
          for other in initial where !other.members.overlaps(old.members) { join(old, other) }
        }
      }
      for joined in found { joined.setCheapest() }
      levels.append(found)
    }
    if hasImpossibleFullJoin {
      throw SQLError(
        .featureNotSupported, "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions")
    }
    guard let result = levels[initial.count].first else {
      throw SQLError(.internalError, "failed to build any \(initial.count)-way joins")
    }
    return result
  }

  /// Always joins the two whose join gives the fewest rows, and those that a condition joins first.
  private func searchGreedily(_ initial: [RelationInfo]) throws(SQLError) -> RelationInfo {
    var parts = initial
    while parts.count > 1 {
      var best: (first: Int, second: Int, joined: RelationInfo)?
      for onlyRelated in [true, false] where best == nil {
        for first in parts.indices {
          try checkInterrupts()
          for second in parts.indices where second > first {
            if onlyRelated, !areRelated(parts[first], parts[second]) { continue }
            guard let joined = makeJoin(parts[first], parts[second]) else { continue }
            joined.setCheapest()
            if best.map({ joined.rows < $0.joined.rows }) ?? true { best = (first, second, joined) }
          }
        }
      }
      guard let best else { throw SQLError(.internalError, "failed to join all relations together") }
      parts.remove(at: best.second)
      parts.remove(at: best.first)
      parts.append(best.joined)
    }
    return parts[0]
  }

  /// Many relations take long, and a statement can be cancelled while it is planned.
  private func checkInterrupts() throws(SQLError) {
    do throws(EngineError) { try statement.catalog.session.checkInterrupts() } catch { throw SQLError(error) }
  }

  /// Whether a condition, or the place of an outer join, says that the relation is to be joined with some others.
  private func hasJoinClauses(_ relation: RelationInfo) -> Bool {
    !relation.joinClauses.isEmpty || relation.hasEquivalenceJoins || hasOrderRestriction(relation)
  }

  private func areRelated(_ first: RelationInfo, _ second: RelationInfo) -> Bool {
    haveJoinClause(first, second) || haveOrderRestriction(first, second)
  }

  /// `have_relevant_joinclause`.
  func haveJoinClause(_ first: RelationInfo, _ second: RelationInfo) -> Bool {
    first.joinClauses.contains { $0.required.overlaps(second.members) && $0.required.overlaps(first.members) }
      || (first.hasEquivalenceJoins && second.hasEquivalenceJoins && haveCommonClass(first, second))
  }

  /// `have_join_order_restriction`.
  private func haveOrderRestriction(_ first: RelationInfo, _ second: RelationInfo) -> Bool {
    if first.lateral.overlaps(second.members) || second.lateral.overlaps(first.members) { return true }
    for special in specialJoins where special.kind != .full {
      let (one, two) = (first.members, second.members)
      if special.minimumLeft.isSubset(of: one), special.minimumRight.isSubset(of: two) { return true }
      if special.minimumLeft.isSubset(of: two), special.minimumRight.isSubset(of: one) { return true }
      if special.minimumRight.overlaps(one), special.minimumRight.overlaps(two) { return true }
      if special.minimumLeft.overlaps(one), special.minimumLeft.overlaps(two) { return true }
    }
    return false
  }

  private func hasOrderRestriction(_ relation: RelationInfo) -> Bool {
    if !relation.lateral.isEmpty { return true }
    return specialJoins.contains { special in
      guard special.kind != .full else { return false }
      let members = relation.members
      // One that is done inside of it restricts nothing any more.
      if special.minimumLeft.isSubset(of: members), special.minimumRight.isSubset(of: members) { return false }
      return special.minimumLeft.overlaps(members) || special.minimumRight.overlaps(members)
    }
  }

  // MARK: Legality

  private struct Legality {
    var special: SpecialJoin?
    var isReversed = false
  }

  /// Whether two relations may be joined at this point; nil where not (`join_is_legal`).
  private func legality(_ first: RelationInfo, _ second: RelationInfo) -> Legality? {
    let join = first.members | second.members
    var match: SpecialJoin?
    var (isReversed, isUnique, mustBeLeft) = (false, false, false)
    for special in specialJoins {
      guard special.minimumRight.overlaps(join), !join.isSubset(of: special.minimumRight) else { continue }
      func isDone(_ relation: RelationInfo) -> Bool {
        special.minimumLeft.isSubset(of: relation.members) && special.minimumRight.isSubset(of: relation.members)
      }
      if isDone(first) || isDone(second) { continue }
      if special.kind == .semi {
        // Its right side has been made distinct already.
        if special.right.isSubset(of: first.members), special.right != first.members { continue }
        if special.right.isSubset(of: second.members), special.right != second.members { continue }
      }
      let isForward =
        special.minimumLeft.isSubset(of: first.members) && special.minimumRight.isSubset(of: second.members)
      let isBackward =
        special.minimumLeft.isSubset(of: second.members) && special.minimumRight.isSubset(of: first.members)
      if isForward || isBackward {
        guard match == nil else { return nil }
        (match, isReversed) = (special, !isForward)
      } else if special.kind == .semi, special.right == second.members, uniquePath(second, special) != nil {
        guard match == nil else { return nil }
        (match, isReversed, isUnique) = (special, false, true)
      } else if special.kind == .semi, special.right == first.members, uniquePath(first, special) != nil {
        guard match == nil else { return nil }
        (match, isReversed, isUnique) = (special, true, true)
      } else {
        if special.minimumRight.overlaps(first.members), special.minimumRight.overlaps(second.members) { continue }
        if special.kind != .left || join.overlaps(special.minimumLeft) { return nil }
        mustBeLeft = true
      }
    }
    if mustBeLeft, match == nil || match?.kind != .left || !(match?.isLeftStrict ?? false) { return nil }
    guard isLateralLegal(first, second, match, isReversed: isReversed, isUnique: isUnique) else { return nil }
    return Legality(special: match, isReversed: isReversed)
  }

  private func isLateralLegal(
    _ first: RelationInfo, _ second: RelationInfo, _ match: SpecialJoin?, isReversed: Bool, isUnique: Bool
  ) -> Bool {
    let isFirstLateral = first.lateral.overlaps(second.members)
    let isSecondLateral = second.lateral.overlaps(first.members)
    if isFirstLateral, isSecondLateral { return false }
    guard let match else { return true }
    // What refers to the other side must be the inner one, on the right.
    if isSecondLateral { return !isReversed && !isUnique && match.kind != .full }
    if isFirstLateral { return isReversed && !isUnique && match.kind != .full }
    return true
  }

  // MARK: Making joins

  /// The join of two relations, with all ways to do it that these two give; nil where it must not be made now
  /// (`make_join_rel`).
  func makeJoin(_ first: RelationInfo, _ second: RelationInfo) -> RelationInfo? {
    guard let legality = legality(first, second) else { return nil }
    let (left, right) = legality.isReversed ? (second, first) : (first, second)
    let special = legality.special ?? .inner(left.members, right.members)
    let members = left.members | right.members
    let clauses = joinClauses(members, left, right)
    let joined: RelationInfo
    if let known = joins[members] {
      joined = known
    } else {
      joined = makeJoinRelation(members, left, right, special, clauses)
      joins[members] = joined
    }
    if joined.isEmpty { return joined }
    if isEmptyJoin(left, right, special, clauses) {
      joined.isEmpty = true
      joined.paths = [Path(.result([.isFalse]), joined, rows: 0, width: joined.width)]
      return joined
    }
    addPaths(joined, left, right, special, clauses)
    if special.kind == .full, joined.paths.isEmpty { hasImpossibleFullJoin = true }
    return joined
  }

  private func isEmptyJoin(
    _ left: RelationInfo, _ right: RelationInfo, _ special: SpecialJoin, _ clauses: [Restriction]
  ) -> Bool {
    switch special.kind {
    case .inner, .semi:
      left.isEmpty || right.isEmpty || clauses.contains { $0.clause.isFalseConstant || $0.clause.isNullConstant }
    case .left, .anti, .right: left.isEmpty
    case .full: left.isEmpty && right.isEmpty
    }
  }

  /// The conditions that can be looked at in this join and not before (`build_joinrel_restrictlist`).
  private func joinClauses(_ members: RelationSet, _ left: RelationInfo, _ right: RelationInfo) -> [Restriction] {
    var result: [Restriction] = []
    for clause in left.joinClauses + right.joinClauses {
      guard clause.required.isSubset(of: members), !result.contains(where: { $0 === clause }) else { continue }
      result.append(clause)
    }
    for derived in impliedEqualities(members, outer: left.members, inner: right.members)
    where !result.contains(where: { $0 === derived }) {
      result.append(derived)
    }
    return result
  }

  private func makeJoinRelation(
    _ members: RelationSet, _ left: RelationInfo, _ right: RelationInfo, _ special: SpecialJoin,
    _ clauses: [Restriction]
  ) -> RelationInfo {
    let joined = statement.keep(RelationInfo(members))
    joined.considersStartup = tupleFraction > 0
    for clause in left.joinClauses + right.joinClauses
    where !clause.required.isSubset(of: members) && !joined.joinClauses.contains(where: { $0 === clause }) {
      joined.joinClauses.append(clause)
    }
    joined.hasEquivalenceJoins = classes.contains { known in
      !known.hasConstant && !known.sources.isEmpty && known.relations.overlaps(members)
        && !known.relations.isSubset(of: members)
    }
    joined.lateral = (left.lateral | right.lateral).subtracting(members)
    setNeeds(joined)
    joined.rows = joinRows(clauses, special, left: left.rows, right: right.rows, members)
    return joined
  }

  /// `calc_joinrel_size_estimate`.
  func joinRows(
    _ clauses: [Restriction], _ special: SpecialJoin, left: Double, right: Double, _ members: RelationSet
  ) -> Double {
    let isOuter = special.kind != .inner && special.kind != .semi
    let matching = isOuter ? clauses.filter { !$0.filters(members) } : clauses
    let filtering = isOuter ? clauses.filter { $0.filters(members) } : []
    let own = selectivity(matching, nil, special.kind, special)
    let filter = selectivity(filtering, nil, special.kind, special)
    let rows: Double
    switch special.kind {
    case .inner: rows = left * right * own
    case .left, .right: rows = max(left * right * own, left) * filter
    case .full: rows = max(left * right * own, left, right) * filter
    case .semi: rows = left * own
    case .anti: rows = left * (1 - own) * filter
    }
    return clampRows(rows)
  }
}
