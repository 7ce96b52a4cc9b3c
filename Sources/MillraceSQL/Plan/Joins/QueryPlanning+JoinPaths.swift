import MillraceEngine
import MillraceTypes

/// Ways to join two relations (PostgreSQL's src/backend/optimizer/path/joinpath.c).
extension QueryPlanning {
  /// What all ways to join an outer with an inner relation have in common.
  private struct Pair {
    var joined: RelationInfo
    var outer: RelationInfo
    var inner: RelationInfo
    var kind: JoinKind
    var special: SpecialJoin
    var clauses: [Restriction]
    /// The inner or the outer side of a semi join is made distinct, and then it is a plain one.
    var distinctInner = false
    var distinctOuter = false
    var isInnerUnique = false
    var stop: EarlyStop?
    var mergeClauses: [Restriction] = []
    /// Whether a merge join is possible at all.
    var canMerge = true
  }

  /// `populate_joinrel_with_paths`.
  func addPaths(
    _ joined: RelationInfo, _ left: RelationInfo, _ right: RelationInfo, _ special: SpecialJoin,
    _ clauses: [Restriction]
  ) {
    func pair(_ outer: RelationInfo, _ inner: RelationInfo, _ kind: JoinKind) -> Pair {
      Pair(joined: joined, outer: outer, inner: inner, kind: kind, special: special, clauses: clauses)
    }
    switch special.kind {
    case .inner:
      add(pair(left, right, .inner))
      add(pair(right, left, .inner))
    case .left, .right:
      add(pair(left, right, .left))
      add(pair(right, left, .right))
    case .full:
      add(pair(left, right, .full))
      add(pair(right, left, .full))
    case .anti: add(pair(left, right, .anti))
    case .semi:
      if special.minimumLeft.isSubset(of: left.members), special.minimumRight.isSubset(of: right.members) {
        add(pair(left, right, .semi))
      }
      if special.right == right.members, uniquePath(right, special) != nil {
        var own = pair(left, right, .inner)
        own.distinctInner = true
        add(own)
        own = pair(right, left, .inner)
        own.distinctOuter = true
        add(own)
      }
    }
  }

  private func add(_ pair: Pair) {
    var pair = pair
    if pair.distinctInner {
      pair.isInnerUnique = pair.special.minimumLeft.isSubset(of: pair.outer.members)
    } else if pair.kind != .semi, pair.kind != .anti {
      pair.isInnerUnique = isUnique(pair.inner, for: pair.outer, pair.kind, pair.clauses, pair.joined.members)
    }
    selectMergeClauses(&pair)
    if pair.kind == .semi || pair.kind == .anti || pair.isInnerUnique {
      pair.stop = earlyStop(
        pair.joined.members, pair.outer, pair.inner, pair.kind, pair.special, pair.clauses)
    }
    if pair.canMerge { addSortedMerges(pair) }
    addUnsorted(pair)
    addHashes(pair)
  }

  /// `select_mergejoin_clauses`.
  private func selectMergeClauses(_ pair: inout Pair) {
    let isOuter = pair.kind == .left || pair.kind == .right || pair.kind == .full || pair.kind == .anti
    var hasOther = false
    for clause in pair.clauses {
      if isOuter, clause.filters(pair.joined.members) { continue }
      guard !clause.mergeFamilies.isEmpty, clause.joins(pair.outer.members, pair.inner.members) else {
        if !clause.clause.isTrueConstant { hasOther = true }
        continue
      }
      setClasses(clause)
      guard let left = clause.leftClass?.canonical, let right = clause.rightClass?.canonical, !left.isRedundant,
        !right.isRedundant
      else {
        hasOther = true
        continue
      }
      pair.mergeClauses.append(clause)
    }
    // The rows that have no partner on the inner side come out of merges by all conditions only.
    if pair.kind == .right || pair.kind == .full { pair.canMerge = !hasOther }
  }

  // MARK: Paths by method

  private func addNested(_ pair: Pair, _ outer: Path, _ inner: Path, _ ordering: [PathKey]) {
    guard pair.kind == .inner || pair.kind == .left || pair.kind == .semi || pair.kind == .anti else { return }
    // An inner side that wants parameters of the outer one gets them; the outer one cannot get any of the inner one.
    guard !outer.required.overlaps(pair.inner.members) else { return }
    let required = (outer.required | inner.required).subtracting(pair.joined.members)
    if !required.isEmpty, !isSensible(required, pair) {
      // One table gives parameters to several (`allow_star_schema_join`).
      let fromOuter = inner.required.overlaps(pair.outer.members)
      guard fromOuter, !inner.required.isSubset(of: pair.outer.members) else { return }
    }
    var join = JoinPath(
      method: .nested, kind: pair.kind, outer: outer, inner: inner, clauses: pair.clauses,
      isInnerUnique: pair.isInnerUnique)
    if inner.required.overlaps(pair.outer.members) {
      // What the inner scan fulfils already is not looked at once more.
      let given = inner.required | pair.inner.members
      join.clauses = pair.clauses.filter { clause in
        if inner.parameters?.clauses.contains(where: {
          $0 === clause || ($0.parentClass != nil && $0.parentClass === clause.parentClass)
        }) ?? false {
          return false
        }
        return !isMovable(clause, into: pair.inner.members, given)
      }
    }
    pair.joined.add(nestedLoopPath(pair.joined, join, ordering, pair.stop))
  }

  /// Parameters that come from further out make sense only where something must be looked up there.
  private func isSensible(_ required: RelationSet, _ pair: Pair) -> Bool {
    if required.isSubset(of: pair.joined.lateral) { return true }
    return isWantedFromOutside(pair.joined.members, required)
  }

  /// Whether a join order may want this join on the inner side of a nested loop (`param_source_rels`).
  private func isWantedFromOutside(_ members: RelationSet, _ required: RelationSet) -> Bool {
    var sources = RelationSet()
    for special in specialJoins {
      if members.overlaps(special.minimumRight), !members.overlaps(special.minimumLeft) {
        sources.formUnion(allRelations.subtracting(special.minimumRight))
      }
      if special.kind == .full, members.overlaps(special.minimumLeft), !members.overlaps(special.minimumRight) {
        sources.formUnion(allRelations.subtracting(special.minimumLeft))
      }
    }
    return required.overlaps(sources)
  }

  private func addMerge(
    _ pair: Pair, _ outer: Path, _ inner: Path, _ keys: [Restriction], _ ordering: [PathKey], outerSort: [PathKey],
    innerSort: [PathKey], mergeKeys: [PathKey]
  ) {
    guard pair.kind != .semi || !keys.isEmpty, outer.required.isDisjoint(with: pair.inner.members),
      inner.required.isDisjoint(with: pair.outer.members)
    else { return }
    let required = (outer.required | inner.required).subtracting(pair.joined.members)
    guard required.isEmpty || isSensible(required, pair) else { return }
    let join = JoinPath(
      method: .merge, kind: pair.kind, outer: outer, inner: inner, clauses: pair.clauses, keys: keys,
      isInnerUnique: pair.isInnerUnique, outerSort: outer.ordering.fulfils(outerSort) ? [] : outerSort,
      innerSort: inner.ordering.fulfils(innerSort) ? [] : innerSort, mergeKeys: mergeKeys)
    pair.joined.add(mergePath(pair.joined, join, ordering, pair.stop))
  }

  /// The order of the outer rows stays, unless rows without a partner come in between (`build_join_pathkeys`).
  private func ordering(_ pair: Pair, _ outer: [PathKey]) -> [PathKey] {
    pair.kind == .full || pair.kind == .right ? [] : useful(outer, pair.joined)
  }

  // MARK: Merges of what is sorted for it

  /// `sort_inner_and_outer`.
  private func addSortedMerges(_ pair: Pair) {
    guard !pair.mergeClauses.isEmpty || (pair.kind == .full && pair.clauses.isEmpty) else { return }
    guard var outer = pair.outer.cheapestTotal, var inner = pair.inner.cheapestTotal else { return }
    guard outer.required.isDisjoint(with: pair.inner.members), inner.required.isDisjoint(with: pair.outer.members)
    else { return }
    if pair.distinctOuter { outer = uniquePath(pair.outer, pair.special) ?? outer }
    if pair.distinctInner { inner = uniquePath(pair.inner, pair.special) ?? inner }
    let all = outerKeys(pair)
    for (place, first) in all.enumerated() {
      // Each key is the first one once.
      var order = all
      order.remove(at: place)
      order.insert(first, at: 0)
      let keys = clauses(pair.mergeClauses, by: order, outer: pair.outer.members)
      let innerOrder = innerKeys(keys, order, outer: pair.outer.members)
      addMerge(
        pair, outer, inner, keys, ordering(pair, order), outerSort: order, innerSort: innerOrder, mergeKeys: order)
    }
    if all.isEmpty {
      addMerge(pair, outer, inner, [], [], outerSort: [], innerSort: [], mergeKeys: [])
    }
  }

  /// The classes of the outer operands, the order that is wanted in the end first (`select_outer_pathkeys_for_merge`).
  private func outerKeys(_ pair: Pair) -> [PathKey] {
    var found: [EquivalenceClass] = []
    for clause in pair.mergeClauses {
      let own = outerClass(clause, pair.outer.members)
      if !found.contains(where: { $0 === own }) { found.append(own) }
    }
    var keys: [PathKey] = []
    let isWanted = wantedOrder.allSatisfy { key in found.contains { $0 === key.classIdentity.canonical } }
    if isWanted { keys = wantedOrder }
    let rest = found.filter { known in !keys.contains { $0.classIdentity.canonical === known } }
    // Those that more others are equal to come first.
    let ordered = rest.enumerated().sorted { first, second in
      let (one, two) = (score(first.element, pair), score(second.element, pair))
      return one != two ? one > two : first.offset < second.offset
    }
    for (_, known) in ordered {
      keys.append(PathKey(known, family: known.families[0], isDescending: false, isNullsFirst: false))
    }
    return keys
  }

  private func score(_ known: EquivalenceClass, _ pair: Pair) -> Int {
    known.members.count { !$0.isConstant && !$0.relations.overlaps(pair.joined.members) }
  }

  private func outerClass(_ clause: Restriction, _ outer: RelationSet) -> EquivalenceClass {
    guard let left = clause.leftClass, let right = clause.rightClass else {
      preconditionFailure("a merge clause without classes")
    }
    return clause.left.isSubset(of: outer) ? left.canonical : right.canonical
  }

  private func innerClass(_ clause: Restriction, _ outer: RelationSet) -> EquivalenceClass {
    guard let left = clause.leftClass, let right = clause.rightClass else {
      preconditionFailure("a merge clause without classes")
    }
    return clause.left.isSubset(of: outer) ? right.canonical : left.canonical
  }

  /// The clauses that an order of the outer rows can merge by (`find_mergeclauses_for_outer_pathkeys`).
  private func clauses(_ all: [Restriction], by order: [PathKey], outer: RelationSet) -> [Restriction] {
    var result: [Restriction] = []
    for key in order {
      let own = all.filter { clause in
        outerClass(clause, outer) === key.classIdentity.canonical && clause.mergeFamilies.contains(key.family)
      }
      guard !own.isEmpty else { break }
      result += own.filter { clause in !result.contains { $0 === clause } }
    }
    return result
  }

  /// `make_inner_pathkeys_for_merge`.
  private func innerKeys(_ clauses: [Restriction], _ order: [PathKey], outer: RelationSet) -> [PathKey] {
    var result: [PathKey] = []
    for clause in clauses {
      let own = outerClass(clause, outer)
      guard let key = order.first(where: { $0.classIdentity.canonical === own }) else { continue }
      let inner = PathKey(
        innerClass(clause, outer), family: key.family, isDescending: key.isDescending, isNullsFirst: key.isNullsFirst)
      if !result.contains(inner) { result.append(inner) }
    }
    return result
  }

  // MARK: Nested loops, and merges of what is in order already

  /// `match_unsorted_outer`.
  private func addUnsorted(_ pair: Pair) {
    let canNest = pair.kind != .right && pair.kind != .full
    guard canNest || pair.canMerge else { return }
    var materialized: Path?
    var inner = pair.inner.cheapestTotal
    if pair.distinctInner { inner = uniquePath(pair.inner, pair.special) }
    if let found = inner, !found.required.isDisjoint(with: pair.outer.members) { inner = nil }
    if let found = inner, canNest, settings.enableMaterial, !found.node.keepsRows, found.required.isEmpty {
      materialized = costMaterialize(found)
    }
    var outers = pair.outer.paths
    if pair.distinctOuter { outers = uniquePath(pair.outer, pair.special).map { [$0] } ?? [] }
    for outer in outers {
      guard outer.required.isDisjoint(with: pair.inner.members) else { continue }
      let order = ordering(pair, outer.ordering)
      if canNest {
        if pair.distinctInner {
          if let inner { addNested(pair, outer, inner, order) }
        } else {
          for path in pair.inner.cheapestParameterized {
            addNested(pair, outer, path, order)
            let cached = memoizePath(
              path, of: pair.inner, outer: pair.outer, pair.kind, pair.clauses, isInnerUnique: pair.isInnerUnique,
              calls: outer.rows)
            if let cached { addNested(pair, outer, cached, order) }
          }
        }
        if let materialized { addNested(pair, outer, materialized, order) }
      }
      if pair.canMerge { addMerges(pair, outer, inner, order) }
    }
  }

  /// `generate_mergejoin_paths`.
  private func addMerges(_ pair: Pair, _ outer: Path, _ inner: Path?, _ order: [PathKey]) {
    guard let inner else { return }
    let keys = clauses(pair.mergeClauses, by: outer.ordering, outer: pair.outer.members)
    guard !keys.isEmpty else { return }
    if (pair.kind == .right || pair.kind == .full) && keys.count != pair.mergeClauses.count { return }
    let wanted = innerKeys(keys, outer.ordering, outer: pair.outer.members)
    addMerge(
      pair, outer, inner, keys, order, outerSort: [], innerSort: wanted, mergeKeys: outer.ordering)
    guard !pair.distinctInner else { return }
    // Inner paths that are in order themselves: the cheapest for all keys, and for fewer.
    var count = wanted.count
    var (cheapestTotal, cheapestStartup): (Path?, Path?) = (nil, nil)
    while count > 0 {
      let part = Array(wanted.prefix(count))
      let sorted = pair.inner.paths.filter { $0.required.isEmpty && $0.ordering.fulfils(part) }
      func usable() -> [Restriction] {
        count == wanted.count
          ? keys
          : keys.filter { key in
            let own = innerClass(key, pair.outer.members)
            return part.contains { $0.classIdentity.canonical === own }
          }
      }
      if let best = sorted.min(by: { $0.isCheaper(than: $1) }), cheapestTotal.map({ best.isCheaper(than: $0) }) ?? true
      {
        let own = usable()
        addMerge(pair, outer, best, own, order, outerSort: [], innerSort: [], mergeKeys: outer.ordering)
        cheapestTotal = best
      }
      if let best = sorted.min(by: { $0.startsEarlier(than: $1) }), best !== cheapestTotal,
        cheapestStartup.map({ best.startsEarlier(than: $0) }) ?? true
      {
        let own = usable()
        addMerge(pair, outer, best, own, order, outerSort: [], innerSort: [], mergeKeys: outer.ordering)
        cheapestStartup = best
      }
      if pair.kind == .right || pair.kind == .full { break }
      count -= 1
    }
  }

  // MARK: Hash joins

  /// `hash_inner_and_outer`.
  private func addHashes(_ pair: Pair) {
    let isOuter = pair.kind == .left || pair.kind == .right || pair.kind == .full || pair.kind == .anti
    let keys = pair.clauses.filter { clause in
      !(isOuter && clause.filters(pair.joined.members)) && clause.canHash
        && clause.joins(pair.outer.members, pair.inner.members)
    }
    guard !keys.isEmpty, var outer = pair.outer.cheapestTotal, var inner = pair.inner.cheapestTotal else { return }
    guard outer.required.isDisjoint(with: pair.inner.members), inner.required.isDisjoint(with: pair.outer.members)
    else { return }
    func add(_ outer: Path, _ inner: Path) {
      let required = (outer.required | inner.required).subtracting(pair.joined.members)
      guard required.isEmpty || isSensible(required, pair) else { return }
      let join = JoinPath(
        method: .hash, kind: pair.kind, outer: outer, inner: inner, clauses: pair.clauses, keys: keys,
        isInnerUnique: pair.isInnerUnique)
      pair.joined.add(hashPath(pair.joined, join, pair.stop, isInnerDistinct: pair.distinctInner))
    }
    if pair.distinctOuter { outer = uniquePath(pair.outer, pair.special) ?? outer }
    if pair.distinctInner { inner = uniquePath(pair.inner, pair.special) ?? inner }
    if !pair.distinctOuter, let early = pair.outer.cheapestStartup, early !== outer { add(early, inner) }
    add(outer, inner)
    guard !pair.distinctOuter, !pair.distinctInner else { return }
    for other in pair.outer.cheapestParameterized where other.required.isDisjoint(with: pair.inner.members) {
      for path in pair.inner.cheapestParameterized where path.required.isDisjoint(with: pair.outer.members) {
        if other === outer, path === inner { continue }
        add(other, path)
      }
    }
  }
}

extension RelationSet {
  func isDisjoint(with other: RelationSet) -> Bool { !overlaps(other) }
}
