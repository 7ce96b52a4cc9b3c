import MillraceEngine
import MillraceTypes

/// Ways to read a table through its indexes (PostgreSQL's create_index_paths, src/backend/optimizer/path/indxpath.c).
extension QueryPlanning {
  /// What an index's columns can look up, by column.
  typealias IndexClauses = [[IndexClause]]

  func addIndexPaths(_ relation: RelationInfo) {
    guard !relation.indexes.isEmpty else { return }
    var bitmaps: [BitmapPath] = []
    var joinBitmaps: [BitmapPath] = []
    for index in relation.indexes where index.isPredicateImplied {
      let own = clauses(of: relation.restrictions, index, relation)
      bitmaps += addPaths(relation, index, own, required: RelationSet())
      guard !relation.joinClauses.isEmpty || relation.hasEquivalenceJoins else { continue }
      joinBitmaps += addJoinPaths(relation, index, own)
    }
    bitmaps += orBitmaps(relation, relation.restrictions, relation.restrictions)
    if let chosen = chooseBitmap(relation, bitmaps) {
      relation.add(bitmapHeapPath(relation, chosen, parameterInfo(relation, relation.lateral), loops: 1))
    }
    for required in Set(joinBitmaps.map(\.required)) {
      let usable = bitmaps + joinBitmaps.filter { $0.required.isSubset(of: required) }
      guard let chosen = chooseBitmap(relation, usable), chosen.required == required else { continue }
      let parameters = parameterInfo(relation, required)
      relation.add(bitmapHeapPath(relation, chosen, parameters, loops: loopCount(relation, required)))
    }
  }

  func clauses(of restrictions: [Restriction], _ index: IndexInfo, _ relation: RelationInfo) -> IndexClauses {
    index.columns.indices.map { column in
      restrictions.compactMap { match($0, index, column, relation) }
    }
  }

  /// Adds the scans of an index for these conditions.
  /// - Returns: those that a bitmap can be made of.
  @discardableResult
  private func addPaths(
    _ relation: RelationInfo, _ index: IndexInfo, _ clauses: IndexClauses, required: RelationSet
  ) -> [BitmapPath] {
    let used = clauses.flatMap(\.self)
    let outer = required | relation.lateral
    let parameters = parameterInfo(relation, outer)
    let loops = loopCount(relation, outer)
    var bitmaps: [BitmapPath] = []
    // An array in a condition makes several scans, whose rows are in no order.
    let isOrdered = !used.contains { clause in clause.conditions.contains { $0.comparison == .anyOf } }
    let isIndexOnly = canReadIndexOnly(relation, index)
    for isBackward in [false, true] {
      let order = isOrdered ? useful(ordering(of: index, isBackward: isBackward), relation) : []
      guard !order.isEmpty || ((!used.isEmpty || isIndexOnly) && !isBackward) else { continue }
      let path = indexPath(
        relation, IndexPath(index: index, clauses: used, isBackward: isBackward, isIndexOnly: isIndexOnly),
        ordering: order, parameters, loops: loops)
      relation.add(path)
      if !isBackward, !used.isEmpty, case .index(let found) = path.node, order.isEmpty || found.selectivity < 1 {
        bitmaps.append(.index(found, parameters: outer))
      }
    }
    return bitmaps
  }

  /// Whether an index has all that is needed of the rows (`check_index_only`).
  func canReadIndexOnly(_ relation: RelationInfo, _ index: IndexInfo) -> Bool {
    guard settings.enableIndexOnlyScan else { return false }
    func isThere(_ variable: Variable) -> Bool {
      guard case .column(let column) = variable.column else { return false }
      return index.descriptor.columns.contains { $0.column == column }
    }
    return relation.needed.allSatisfy(isThere)
      && relation.restrictions.allSatisfy { restriction in
        restriction.clause.variables.allSatisfy { $0.entry != relation.entry || isThere($0) }
      }
  }

  /// How often a scan is going to be run, for what its parameters come from (`get_loop_count`).
  func loopCount(_ relation: RelationInfo, _ outer: RelationSet) -> Double {
    var count = 0.0
    for entry in outer {
      guard let found = relations[entry], found.rows > 0 else { continue }
      let rows = adjusted(found.rows, entry, for: relation)
      count = count == 0 ? rows : min(count, rows)
    }
    return max(count, 1)
  }

  /// Rows of a semi join's right side count as often as they are different (`adjust_rowcount_for_semijoins`).
  private func adjusted(_ rows: Double, _ outer: Int, for relation: RelationInfo) -> Double {
    var rows = rows
    for special in specialJoins where special.kind == .semi {
      guard relation.members.isSubset(of: special.left), special.right.contains(outer) else { continue }
      let count = special.right.reduce(1.0) { $0 * (relations[$1]?.rows ?? 1) }
      rows = min(rows, groupCount(special.semiExpressions, rows: count))
    }
    return rows
  }

  // MARK: Order

  /// The order of an index (`build_index_pathkeys`).
  func ordering(of index: IndexInfo, isBackward: Bool) -> [PathKey] {
    var keys: [PathKey] = []
    guard
      let entry = query.rangeTable.indices.first(where: { entry in
        relations[entry]?.indexes.contains { $0 === index } ?? false
      }), let relation = relations[entry]
    else { return [] }
    for column in index.columns {
      let expression: TypedExpression
      if let number = column.column, let table = relation.descriptor?.tuple.columns[number] {
        let variable = TypedExpression.variable(
          Variable(entry, .column(number), ValueType(table.typeID, table.typmod)))
        // Values that are sorted as text are looked for as text.
        expression =
          column.type == .text && table.typeID == .varchar
          ? .relabel(variable, ValueType(.text), .implicitCast) : variable
      } else if let own = column.expression {
        expression = own
      } else {
        return keys
      }
      guard let known = existingClass(expression, family: column.family) else { return keys }
      guard !known.isRedundant, !keys.contains(where: { $0.classIdentity === known }) else { continue }
      keys.append(
        PathKey(
          known, family: column.family, isDescending: column.isDescending != isBackward,
          isNullsFirst: column.isNullsFirst != isBackward))
    }
    return keys
  }

  /// The class of an expression, if somebody is interested in it.
  func existingClass(_ expression: TypedExpression, family: UInt32) -> EquivalenceClass? {
    let form = Self.classForm(expression)
    return classes.first { known in
      known.families.contains(family) && !known.hasVolatile
        && known.members.contains { $0.expression == form || $0.expression.withoutRelabels == form.withoutRelabels }
    }
  }

  /// What of an order is of use: to merge, or for ORDER BY, GROUP BY and DISTINCT (`truncate_useless_pathkeys`).
  func useful(_ order: [PathKey], _ relation: RelationInfo) -> [PathKey] {
    guard !order.isEmpty else { return [] }
    var merging = 0
    for key in order {
      guard isUsefulForMerging(key, relation) else { break }
      merging += 1
    }
    var ordering = 0
    for wanted in [wantedOrder, groupOrder, distinctOrder, sortOrder] where !wanted.isEmpty {
      ordering = max(ordering, order.commonPrefix(wanted))
    }
    if !groupOrder.isEmpty {
      var count = 0
      for key in order {
        guard groupOrder.contains(key) else { break }
        count += 1
      }
      ordering = max(ordering, count)
    }
    return Array(order.prefix(max(merging, ordering)))
  }

  private func isUsefulForMerging(_ key: PathKey, _ relation: RelationInfo) -> Bool {
    let known = key.classIdentity.canonical
    if relation.hasEquivalenceJoins, !known.sources.isEmpty, !known.hasConstant,
      !known.relations.isSubset(of: relation.members), known.relations.overlaps(relation.members)
    {
      return true
    }
    return relation.joinClauses.contains { clause in
      guard !clause.mergeFamilies.isEmpty, clause.canJoin else { return false }
      setClasses(clause)
      return clause.leftClass?.canonical === known || clause.rightClass?.canonical === known
    }
  }

  // MARK: Joins

  /// Scans that look up what a nested loop gives (`consider_index_join_clauses`).
  private func addJoinPaths(_ relation: RelationInfo, _ index: IndexInfo, _ own: IndexClauses) -> [BitmapPath] {
    var candidates = relation.joinClauses.filter { clause in
      isMovable(clause, into: relation.members, clause.clauseRelations | relation.members)
    }
    candidates += equivalenceClauses(relation, index)
    let joins = clauses(of: candidates, index, relation)
    var considered: Set<RelationSet> = []
    var bitmaps: [BitmapPath] = []
    func consider(_ outer: RelationSet) {
      guard !outer.isEmpty, !outer.overlaps(relation.members), considered.insert(outer).inserted else { return }
      var all: IndexClauses = []
      for column in index.columns.indices {
        let usable = joins[column].filter {
          $0.restriction.clauseRelations.subtracting(relation.members).isSubset(of: outer)
        }
        // Of what says the same, one is enough.
        var chosen: [IndexClause] = []
        for clause in usable {
          let parent = clause.restriction.parentClass
          if let parent, chosen.contains(where: { $0.restriction.parentClass === parent }) { continue }
          chosen.append(clause)
        }
        all.append(chosen + own[column])
      }
      bitmaps += addPaths(relation, index, all, required: outer)
    }
    for column in joins {
      for clause in column {
        let outer = clause.restriction.clauseRelations.subtracting(relation.members)
        for known in Array(considered) where considered.count < 10 * (candidates.count + 1) {
          if !known.isSubset(of: outer), !outer.isSubset(of: known) { consider(known | outer) }
        }
        consider(outer)
      }
    }
    return bitmaps
  }

  /// What the classes say of an index's columns (`generate_implied_equalities_for_column`).
  private func equivalenceClauses(_ relation: RelationInfo, _ index: IndexInfo) -> [Restriction] {
    guard relation.hasEquivalenceJoins else { return [] }
    var result: [Restriction] = []
    for known in classes where !known.hasConstant && known.relations.hasSeveral && !known.sources.isEmpty {
      guard known.relations.overlaps(relation.members) else { continue }
      let own = known.members.filter { $0.relations == relation.members }
      for member in own where index.columns.contains(where: { isIndexed(member.expression, $0, relation) }) {
        for other in known.members where !other.relations.overlaps(relation.members) && !other.isConstant {
          let outer = other.relations
          guard let made = impliedEquality(known, member, other), !outer.isEmpty else { continue }
          result.append(made)
        }
        break
      }
    }
    return result
  }

  private func isIndexed(_ expression: TypedExpression, _ column: IndexInfo.Column, _ relation: RelationInfo) -> Bool {
    let plain = expression.withoutRelabels
    if let number = column.column {
      guard case .variable(let variable) = plain else { return false }
      return variable.entry == relation.entry && variable.column == .column(number)
    }
    return column.expression?.withoutRelabels == plain
  }

  // MARK: Bitmaps

  /// Bitmaps for OR: one for each arm (`generate_bitmap_or_paths`).
  private func orBitmaps(
    _ relation: RelationInfo, _ restrictions: [Restriction], _ others: [Restriction]
  ) -> [BitmapPath] {
    var result: [BitmapPath] = []
    for restriction in restrictions {
      guard let arms = restriction.arms else { continue }
      var parts: [BitmapPath] = []
      for arm in arms {
        var usable: [BitmapPath] = []
        for index in relation.indexes {
          let conditions = (arm + others).map(\.clause)
          guard index.isPredicateImplied || implies(conditions, index.predicate) else { continue }
          let own = clauses(of: arm, index, relation)
          guard own.contains(where: { !$0.isEmpty }) else { continue }
          let rest = clauses(of: others.filter { $0 !== restriction }, index, relation)
          let all = zip(own, rest).map { $0 + $1 }.flatMap(\.self)
          let path = indexPath(
            relation, IndexPath(index: index, clauses: all, isBackward: false), ordering: [], nil, loops: 1)
          if case .index(let found) = path.node { usable.append(.index(found, parameters: RelationSet())) }
        }
        usable += orBitmaps(relation, arm, others)
        guard let chosen = chooseBitmap(relation, usable) else {
          parts = []
          break
        }
        parts.append(chosen)
      }
      guard !parts.isEmpty else { continue }
      result.append(parts.count == 1 ? parts[0] : bitmapOr(parts, restriction))
    }
    return result
  }

  /// The best of some bitmaps, or of several of them at once (`choose_bitmap_and`).
  private func chooseBitmap(_ relation: RelationInfo, _ bitmaps: [BitmapPath]) -> BitmapPath? {
    guard bitmaps.count > 1 else { return bitmaps.first }
    // Of those with the same conditions the cheapest.
    var candidates: [(bitmap: BitmapPath, clauses: Set<ObjectIdentifier>)] = []
    for bitmap in bitmaps {
      let used = Set(bitmap.allRestrictions.map { ObjectIdentifier($0) })
      if let same = candidates.firstIndex(where: { $0.clauses == used }) {
        if cost(bitmap).cost < cost(candidates[same].bitmap).cost { candidates[same].bitmap = bitmap }
      } else {
        candidates.append((bitmap, used))
      }
    }
    candidates.sort { first, second in
      let (one, two) = (cost(first.bitmap), cost(second.bitmap))
      return one.cost != two.cost ? one.cost < two.cost : one.selectivity < two.selectivity
    }
    var best: (bitmap: BitmapPath, cost: Double)?
    for start in candidates.indices {
      var chosen = [candidates[start].bitmap]
      var used = candidates[start].clauses
      var total = bitmapScanCost(relation, chosen)
      for other in candidates[(start + 1)...] {
        guard used.isDisjoint(with: other.clauses) else { continue }
        let wider = bitmapScanCost(relation, chosen + [other.bitmap])
        if wider < total {
          chosen.append(other.bitmap)
          used.formUnion(other.clauses)
          total = wider
        }
      }
      if best.map({ total < $0.cost }) ?? true { best = (chosen.count == 1 ? chosen[0] : bitmapAnd(chosen), total) }
    }
    return best?.bitmap
  }

  private func bitmapScanCost(_ relation: RelationInfo, _ parts: [BitmapPath]) -> Double {
    let bitmap = parts.count == 1 ? parts[0] : bitmapAnd(parts)
    let required = bitmap.required
    return bitmapHeapPath(
      relation, bitmap, parameterInfo(relation, required), loops: loopCount(relation, required)
    ).total
  }
}

extension BitmapPath {
  var allRestrictions: [Restriction] {
    switch self {
    case .index(let path, _): path.clauses.map(\.restriction)
    case .and(let parts, _, _), .or(let parts, _, _, _): parts.flatMap(\.allRestrictions)
    }
  }
}
