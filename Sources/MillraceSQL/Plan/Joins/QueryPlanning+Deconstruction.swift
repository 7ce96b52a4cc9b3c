import MillraceEngine
import MillraceTypes

/// What is to be joined with what: a relation, or a group of them whose best order is to be found.
indirect enum JoinList {
  case entry(Int)
  case group([JoinList])
}

/// Taking FROM apart: which conditions belong to which relations, and which joins must keep their place (PostgreSQL's
/// deconstruct_jointree, src/backend/optimizer/plan/initsplan.c, in the way it was before version 16).
extension QueryPlanning {
  private struct Part {
    var list: [JoinList]
    /// All relations below, and those among them that only inner joins connect.
    var members: RelationSet
    var inner: RelationSet
  }

  func deconstruct() -> JoinList {
    allRelations = tree.members
    hasOuterJoins = tree.hasOuterJoin
    return .group(deconstruct(tree, isBelowOuterJoin: false).list)
  }

  private func deconstruct(_ tree: PlanJoinTree, isBelowOuterJoin: Bool) -> Part {
    switch tree {
    case .entry(let entry):
      return Part(list: [.entry(entry)], members: RelationSet(entry), inner: RelationSet())
    case .list(let items, let conditions):
      var part = Part(list: [], members: RelationSet(), inner: RelationSet())
      for (place, item) in items.enumerated() {
        let below = deconstruct(item, isBelowOuterJoin: isBelowOuterJoin)
        part.members.formUnion(below.members)
        let remaining = items.count - place - 1
        if below.list.count <= 1 || part.list.count + below.list.count + remaining <= settings.fromCollapseLimit {
          part.list += below.list
        } else {
          part.list.append(.group(below.list))
        }
        part.inner = items.count > 1 ? part.members : below.inner
      }
      for condition in conditions {
        distribute(condition, Place(isBelowOuterJoin: isBelowOuterJoin, members: part.members))
      }
      return part
    case .join(let kind, let left, let right, let conditions):
      return deconstruct(kind, left, right, conditions, isBelowOuterJoin)
    }
  }

  private func deconstruct(
    _ kind: JoinKind, _ leftTree: PlanJoinTree, _ rightTree: PlanJoinTree, _ conditions: [TypedExpression],
    _ isBelowOuterJoin: Bool
  ) -> Part {
    let isOuter = kind == .left || kind == .anti || kind == .full
    let left = deconstruct(leftTree, isBelowOuterJoin: isBelowOuterJoin || kind == .full)
    let right = deconstruct(rightTree, isBelowOuterJoin: isBelowOuterJoin || isOuter)
    let members = left.members | right.members
    var inner = left.inner | right.inner
    var place = Place(isBelowOuterJoin: isBelowOuterJoin, members: members)
    switch kind {
    case .inner: inner = members
    case .left, .anti: place.kept = left.members
    case .full: place.kept = members
    case .semi, .right: break
    }
    var special: SpecialJoin?
    if kind != .inner {
      let made = makeSpecialJoin(kind, left.members, right.members, inner: inner, conditions)
      special = made
      // A semi join's condition is like any other.
      if kind != .semi { place.join = made.minimumLeft | made.minimumRight }
    }
    for condition in conditions { distribute(condition, place) }
    if let special {
      specialJoins.append(special)
      for variable in conditions.flatMap(\.variables) where kind == .full { note(variable, for: members) }
    }
    let canCollapse = left.list.count + right.list.count <= settings.joinCollapseLimit
    if kind == .full {
      return Part(list: [.group([Self.one(left.list), Self.one(right.list)])], members: members, inner: inner)
    }
    let list = canCollapse ? left.list + right.list : [Self.one(left.list), Self.one(right.list)]
    return Part(list: list, members: members, inner: inner)
  }

  private static func one(_ list: [JoinList]) -> JoinList { list.count == 1 ? list[0] : .group(list) }

  /// `make_outerjoininfo`.
  private func makeSpecialJoin(
    _ kind: JoinKind, _ left: RelationSet, _ right: RelationSet, inner: RelationSet, _ conditions: [TypedExpression]
  ) -> SpecialJoin {
    let special = SpecialJoin(kind, minimumLeft: left, minimumRight: right, left: left, right: right)
    if kind == .semi { setSemiKeys(special, conditions) }
    guard kind != .full else { return special }
    let clauseRelations = conditions.reduce(into: RelationSet()) { $0.formUnion(relations(of: $1)) }
    let strict = notNullRelations(conditions)
    special.isLeftStrict = strict.overlaps(left)
    var minimumLeft = clauseRelations.intersection(left)
    var minimumRight = (clauseRelations | inner).intersection(right)
    let isSemiOrAnti = kind == .semi || kind == .anti
    for other in specialJoins {
      let all = other.left | other.right
      if other.kind == .full {
        if left.overlaps(all) { minimumLeft.formUnion(all) }
        if right.overlaps(all) { minimumRight.formUnion(all) }
        continue
      }
      if left.overlaps(other.right), clauseRelations.overlaps(other.right),
        isSemiOrAnti || !strict.overlaps(other.minimumRight)
      {
        minimumLeft.formUnion(all)
      }
      if right.overlaps(other.right) {
        let isOtherSemiOrAnti = other.kind == .semi || other.kind == .anti
        if clauseRelations.overlaps(other.right) || !clauseRelations.overlaps(other.minimumLeft) || isSemiOrAnti
          || isOtherSemiOrAnti || !other.isLeftStrict || other.delaysUpperJoins
        {
          minimumRight.formUnion(all)
        }
      }
    }
    special.minimumLeft = minimumLeft.isEmpty ? left : minimumLeft
    special.minimumRight = minimumRight.isEmpty ? right : minimumRight
    return special
  }

  /// Whether the right side of a semi join could be made distinct (`compute_semijoin_info`).
  private func setSemiKeys(_ special: SpecialJoin, _ conditions: [TypedExpression]) {
    var (canSort, canHash) = (true, true)
    for condition in conditions {
      guard case .call(let call) = condition, call.operatorID != 0, call.arguments.count == 2 else {
        if relations(of: condition).overlaps(special.left), relations(of: condition).overlaps(special.right) { return }
        if relations(of: condition).isSubset(of: special.right), !isVolatile(condition) { continue }
        return
      }
      let (first, second) = (relations(of: call.arguments[0]), relations(of: call.arguments[1]))
      if !(first | second).overlaps(special.left), !isVolatile(condition) { continue }
      guard let properties = equality(call.operatorID) else { return }
      let (own, operatorID): (TypedExpression, UInt32)
      if !second.overlaps(special.left), second.overlaps(special.right), !first.overlaps(special.right) {
        (own, operatorID) = (call.arguments[1], call.operatorID)
      } else if !first.overlaps(special.left), first.overlaps(special.right), !second.overlaps(special.right) {
        (own, operatorID) = (call.arguments[0], functions.operators[call.operatorID]?.commutator ?? 0)
      } else {
        return
      }
      guard operatorID != 0, !isVolatile(own) else { return }
      canSort = canSort && !properties.families.isEmpty
      canHash = canHash && properties.canHash
      special.semiExpressions.append(own)
      special.semiOperators.append(operatorID)
    }
    guard !special.semiExpressions.isEmpty else { return }
    (special.semiCanSort, special.semiCanHash) = (canSort, canHash)
  }

  // MARK: Conditions

  /// Where a condition was found.
  struct Place {
    var isBelowOuterJoin: Bool
    /// All relations below it.
    var members: RelationSet
    /// What has to be joined before an outer join's own condition can be looked at; empty where it is none.
    var join = RelationSet()
    /// The side of the outer join whose rows are all kept.
    var kept = RelationSet()
  }

  /// `distribute_qual_to_rels`.
  func distribute(_ condition: TypedExpression, _ place: Place) {
    let clauseRelations = relations(of: condition)
    var required = clauseRelations
    var isPseudoConstant = false
    if required.isEmpty {
      if !place.join.isEmpty {
        required = place.join
      } else {
        required = place.members
        if !isVolatile(condition) {
          isPseudoConstant = true
          if !place.isBelowOuterJoin {
            gates.append(condition)
            return
          }
        }
      }
    }
    let isOuterClause = !place.join.isEmpty && clauseRelations.overlaps(place.kept)
    let isPushedDown = !(isOuterClause || (clauseRelations.isEmpty && !place.join.isEmpty))
    let isDelayed = delay(&required, isPushedDown: isPushedDown)
    // An outer join's own condition is looked at there and nowhere else.
    if !isPushedDown { required = place.join }
    let restriction = makeRestriction(condition, clauseRelations, required: required, isPushedDown: isPushedDown)
    restriction.isOuterJoinDelayed = isDelayed
    restriction.isPseudoConstant = isPseudoConstant
    if !restriction.isPushedDown { restriction.outerRelations = place.kept }
    if required.hasSeveral { for variable in condition.variables { note(variable, for: required) } }
    if !isDelayed, restriction.isPushedDown, !isVolatile(condition) {
      if absorb(restriction, isBelowOuterJoin: place.isBelowOuterJoin) { return }
    } else if !restriction.isPushedDown, !restriction.mergeFamilies.isEmpty, restriction.canJoin {
      outerClauses.append(restriction)
    }
    add(restriction)
  }

  /// What refers to the side of an outer join that may be null waits until that join is done
  /// (`check_outerjoin_delay`).
  private func delay(_ required: inout RelationSet, isPushedDown: Bool) -> Bool {
    var isDelayed = false
    var hasChanged = true
    while hasChanged {
      hasChanged = false
      for special in specialJoins where special.kind != .semi {
        let isNullable =
          required.overlaps(special.minimumRight) || (special.kind == .full && required.overlaps(special.minimumLeft))
        guard isNullable else { continue }
        isDelayed = true
        let all = special.minimumLeft | special.minimumRight
        if !all.isSubset(of: required) {
          required.formUnion(all)
          hasChanged = true
        }
        if isPushedDown, special.kind != .full, required.overlaps(special.minimumLeft) {
          special.delaysUpperJoins = true
        }
      }
    }
    return isDelayed
  }

  /// Puts a condition where it will be looked at.
  func add(_ restriction: Restriction) {
    if let entry = restriction.required.single {
      guard let relation = relations[entry], let needed = reduced(restriction, relation) else { return }
      relation.restrictions.append(needed)
    } else {
      for entry in restriction.required { relations[entry]?.joinClauses.append(restriction) }
    }
  }

  /// What a column that is never null makes of a test for it; nil where nothing is left to look at
  /// (`restriction_is_always_true`).
  private func reduced(_ restriction: Restriction, _ relation: RelationInfo) -> Restriction? {
    guard case .nullTest(.variable(let variable), let isNegated) = restriction.clause,
      case .column(let column) = variable.column, let table = relation.descriptor,
      table.tuple.columns[column].isNotNull
    else { return restriction }
    if isNegated { return nil }
    let never = Restriction(.isFalse, relations: RelationSet(), required: restriction.required)
    return never
  }

  func note(_ variable: Variable, for relations: RelationSet) {
    var variable = variable
    variable.location = .unknown
    if needs[variable] == nil { needs[variable] = Need(order: needs.count) }
    needs[variable]?.relations.formUnion(relations)
  }

  /// Notes what the result needs.
  func noteFinal(_ expression: TypedExpression) {
    for variable in expression.variables {
      if needs[variable] == nil { needs[variable] = Need(order: needs.count) }
      needs[variable]?.isFinal = true
    }
  }

  // MARK: Making restrictions

  func makeRestriction(
    _ condition: TypedExpression, _ clauseRelations: RelationSet, required: RelationSet, isPushedDown: Bool
  ) -> Restriction {
    let made = Restriction(
      condition, relations: clauseRelations, required: required, isPushedDown: isPushedDown)
    if case .or(let arms) = condition {
      made.arms = arms.map { arm in
        Self.conjuncts(arm).map { part in
          let own = relations(of: part)
          return makeRestriction(part, own, required: own, isPushedDown: true)
        }
      }
    }
    if let operands = made.operands {
      (made.left, made.right) = (relations(of: operands.left), relations(of: operands.right))
      made.canJoin = !made.left.isEmpty && !made.right.isEmpty && !made.left.overlaps(made.right)
      if let equality = equality(made.operatorID), !isVolatile(condition) {
        (made.mergeFamilies, made.canHash) = (equality.families, equality.canHash)
      }
    }
    return made
  }

  /// What an equality operator can be used for; nil where it is none.
  func equality(_ operatorID: UInt32) -> (families: [UInt32], canHash: Bool)? {
    guard let found = functions.operators[operatorID] else { return nil }
    let families = (functions.familyOperators[operatorID] ?? [])
      .filter { $0.accessMethod == SystemOID.btree && $0.strategy == 3 }.map(\.family)
    guard !families.isEmpty || found.canHash else { return nil }
    return (found.canMerge ? families : [], found.canHash)
  }
}
