import MillraceEngine
import MillraceTypes

/// What follows from equalities (PostgreSQL's src/backend/optimizer/path/equivclass.c).
extension QueryPlanning {
  /// Takes an equality into a class (`process_equivalence`).
  /// - Returns: whether it did; else the condition has to be looked at as it is.
  func absorb(_ restriction: Restriction, isBelowOuterJoin: Bool) -> Bool {
    guard !restriction.mergeFamilies.isEmpty, let (left, right) = restriction.operands else { return false }
    let (first, second) = (Self.classForm(left), Self.classForm(right))
    if first == second { return false }
    let hasConstant = restriction.left.isEmpty || restriction.right.isEmpty
    if hasConstant, isBelowOuterJoin { return false }
    if restriction.left.isEmpty, restriction.right.isEmpty { return false }
    if !restriction.canJoin, !hasConstant { return false }
    let families = restriction.mergeFamilies
    let found = classes.first { Self.has($0, first, families) }
    let other = classes.first { Self.has($0, second, families) }
    let target: EquivalenceClass
    switch (found, other) {
    case (let one?, let two?):
      target = one
      if one !== two { merge(two, into: one) }
    case (let one?, nil):
      target = one
      one.add(second, restriction.right)
    case (nil, let two?):
      target = two
      two.add(first, restriction.left)
    case (nil, nil):
      target = statement.keep(EquivalenceClass(families: families))
      target.add(first, restriction.left)
      target.add(second, restriction.right)
      classes.append(target)
    }
    target.sources.append(restriction)
    (restriction.leftClass, restriction.rightClass) = (target, target)
    return true
  }

  /// Casts between types with the same order do not count.
  static func classForm(_ expression: TypedExpression) -> TypedExpression {
    guard case .relabel(let inner, let type, _) = expression else { return expression }
    let form = inner.withoutRelabels
    return orderType(form.type.id) == orderType(type.id) ? form : expression
  }

  /// A member as an operand: with the cast that its operator wants.
  private static func operand(_ member: EquivalenceClass.Member) -> TypedExpression {
    member.type == .varchar
      ? .relabel(member.expression, ValueType(.text), .implicitCast) : member.expression
  }

  private static func has(_ class: EquivalenceClass, _ expression: TypedExpression, _ families: [UInt32]) -> Bool {
    guard !`class`.hasVolatile, `class`.families == families else { return false }
    return `class`.members.contains { $0.expression == expression }
  }

  private func merge(_ gone: EquivalenceClass, into kept: EquivalenceClass) {
    for member in gone.members where !kept.members.contains(where: { $0.expression == member.expression }) {
      kept.add(member.expression, member.relations, isConstant: member.isConstant)
    }
    for source in gone.sources { (source.leftClass, source.rightClass) = (kept, kept) }
    kept.sources += gone.sources
    gone.mergedInto = kept
    classes.removeAll { $0 === gone }
  }

  /// The class of what rows are sorted by (`get_eclass_for_sort_expr`).
  func sortClass(_ expression: TypedExpression, families: [UInt32], reference: Int? = nil) -> EquivalenceClass {
    let form = Self.classForm(expression)
    let isVolatile = isVolatile(form)
    for known in classes where known.families == families {
      if known.hasVolatile {
        if isVolatile, known.sortReference == reference { return known }
      } else if !isVolatile, known.members.contains(where: { $0.expression == form }) {
        return known
      }
    }
    let made = statement.keep(EquivalenceClass(families: families))
    made.hasVolatile = isVolatile
    made.sortReference = isVolatile ? reference : nil
    let members = relations(of: form)
    // Without columns it can still be another one for each row: an aggregate, for example.
    let isConstant = members.isEmpty && !isVolatile && !form.containsAggregate && !statement.returnsSet(form)
    made.add(form, members, isConstant: isConstant)
    classes.append(made)
    return made
  }

  // MARK: What follows

  /// Of each class: what follows for one relation alone (`generate_base_implied_equalities`).
  func deriveRestrictions() {
    for known in classes where known.members.count > 1 || !known.sources.isEmpty {
      if known.hasConstant { deriveFromConstant(known) } else { deriveWithoutConstant(known) }
      guard known.relations.hasSeveral else { continue }
      for entry in known.relations { relations[entry]?.hasEquivalenceJoins = !known.hasConstant }
      for member in known.members {
        for variable in member.expression.variables { note(variable, for: known.relations) }
      }
    }
    for known in classes where known.relations.hasSeveral && !known.hasConstant {
      for entry in known.relations { relations[entry]?.hasEquivalenceJoins = true }
    }
  }

  private func deriveFromConstant(_ known: EquivalenceClass) {
    // A single clause says it already.
    if known.members.count == 2, known.sources.count == 1 {
      add(known.sources[0])
      return
    }
    let constant =
      known.members.first { $0.isConstant && $0.expression.asConstant != nil }
      ?? known.members.first { $0.isConstant }
    guard let constant else { return }
    for member in known.members where member.expression != constant.expression {
      guard let made = derive(known, member, constant) else {
        known.isBroken = true
        break
      }
      guard !made.clause.isTrueConstant else { continue }
      if made.required.isEmpty { gates.append(made.clause) } else { add(made) }
    }
    if known.isBroken { known.sources.forEach { add($0) } }
  }

  /// Members of one relation are equal to each other.
  private func deriveWithoutConstant(_ known: EquivalenceClass) {
    var previous: [Int: EquivalenceClass.Member] = [:]
    for member in known.members {
      guard let entry = member.relations.single else { continue }
      if let before = previous[entry] {
        guard let made = derive(known, before, member) else {
          known.isBroken = true
          break
        }
        add(made)
      }
      previous[entry] = member
    }
    if known.isBroken { for source in known.sources where !source.required.hasSeveral { add(source) } }
  }

  /// A clause that says two members are equal: one that was written, or a new one; nil where there is no operator.
  private func derive(
    _ known: EquivalenceClass, _ left: EquivalenceClass.Member, _ right: EquivalenceClass.Member
  ) -> Restriction? {
    for source in known.sources + known.derived {
      guard let operands = source.operands else { continue }
      let (first, second) = (Self.classForm(operands.left), Self.classForm(operands.right))
      if (first, second) == (left.expression, right.expression)
        || (first, second) == (right.expression, left.expression)
      {
        return source
      }
    }
    guard let id = equalityOperator(left.type, right.type, known.families), let found = functions.operators[id] else {
      return nil
    }
    let call = TypedExpression.call(
      CallExpression(
        function: found.function, operatorID: id, [Self.operand(left), Self.operand(right)], ValueType(.bool)))
    let folded = left.isConstant && right.isConstant ? (try? statement.fold(call)) ?? call : call
    let all = left.relations | right.relations
    let made = makeRestriction(folded, all, required: all, isPushedDown: true)
    (made.leftClass, made.rightClass) = (known, known)
    known.derived.append(made)
    return made
  }

  /// Two members of a class are equal.
  func impliedEquality(
    _ known: EquivalenceClass, _ left: EquivalenceClass.Member, _ right: EquivalenceClass.Member
  ) -> Restriction? {
    let made = derive(known, left, right)
    made?.parentClass = known
    return made
  }

  /// The equality between two types in some families; nil where there is none.
  func equalityOperator(_ left: TypeID, _ right: TypeID, _ families: [UInt32]) -> UInt32? {
    let (first, second) = (Self.orderType(left), Self.orderType(right))
    return families.lazy.compactMap { self.statement.familyOperator($0, first, second, strategy: 3) }.first
  }

  /// The type whose operators compare a type's values.
  static func orderType(_ type: TypeID) -> TypeID { type == .varchar ? .text : type }

  // MARK: Joins

  /// What a join of these two has to fulfil because of the classes (`generate_join_implied_equalities`).
  func impliedEqualities(_ join: RelationSet, outer: RelationSet, inner: RelationSet) -> [Restriction] {
    var result: [Restriction] = []
    for known in classes where !known.hasConstant && known.members.count > 1 {
      guard known.relations.overlaps(outer), known.relations.overlaps(inner), !known.sources.isEmpty else { continue }
      if !known.isBroken, let derived = impliedEqualities(known, join, outer, inner) {
        result += derived
      } else {
        known.isBroken = true
        result += known.sources.filter {
          $0.required.isSubset(of: join) && !$0.required.isSubset(of: outer) && !$0.required.isSubset(of: inner)
        }
      }
    }
    return result
  }

  private func impliedEqualities(
    _ known: EquivalenceClass, _ join: RelationSet, _ outer: RelationSet, _ inner: RelationSet
  ) -> [Restriction]? {
    var (outers, inners, others) = (
      [EquivalenceClass.Member](), [EquivalenceClass.Member](), [EquivalenceClass.Member]()
    )
    for member in known.members where !member.isConstant && member.relations.isSubset(of: join) {
      if member.relations.isSubset(of: outer) {
        outers.append(member)
      } else if member.relations.isSubset(of: inner) {
        inners.append(member)
      } else {
        others.append(member)
      }
    }
    var result: [Restriction] = []
    var hasBest = false
    if let (left, right) = bestPair(known, outers, inners) {
      guard let made = derive(known, left, right) else { return nil }
      made.parentClass = known
      result.append(made)
      hasBest = true
    } else if !outers.isEmpty, !inners.isEmpty {
      return nil
    }
    // Expressions over both sides are equal to the rest, too.
    guard !others.isEmpty else { return result }
    var chain = others
    if hasBest || !outers.isEmpty || !inners.isEmpty, let first = outers.first ?? inners.first { chain.append(first) }
    for (left, right) in zip(chain, chain.dropFirst()) {
      guard let made = derive(known, left, right) else { return nil }
      made.parentClass = known
      result.append(made)
    }
    return result
  }

  /// Plain columns are the best to compare.
  private func bestPair(
    _ known: EquivalenceClass, _ outers: [EquivalenceClass.Member], _ inners: [EquivalenceClass.Member]
  ) -> (EquivalenceClass.Member, EquivalenceClass.Member)? {
    var best: (EquivalenceClass.Member, EquivalenceClass.Member)?
    var bestScore = -1
    for left in outers {
      for right in inners {
        guard let id = equalityOperator(left.type, right.type, known.families) else { continue }
        var score = 0
        if case .variable = left.expression.withoutRelabels { score += 1 }
        if case .variable = right.expression.withoutRelabels { score += 1 }
        if functions.operators[id]?.canHash ?? false { score += 1 }
        if score > bestScore { (best, bestScore) = ((left, right), score) }
        if score == 3 { return best }
      }
    }
    return best
  }

  /// Whether classes give a clause that joins the two (`have_relevant_eclass_joinclause`).
  func haveCommonClass(_ first: RelationInfo, _ second: RelationInfo) -> Bool {
    classes.contains { known in
      !known.hasConstant && !known.sources.isEmpty && known.relations.overlaps(first.members)
        && known.relations.overlaps(second.members)
    }
  }

  /// Classes in which an operand of a clause is (`initialize_mergeclause_eclasses`).
  func setClasses(_ restriction: Restriction) {
    guard restriction.leftClass == nil, !restriction.mergeFamilies.isEmpty, let operands = restriction.operands else {
      return
    }
    restriction.leftClass = sortClass(operands.left, families: restriction.mergeFamilies)
    restriction.rightClass = sortClass(operands.right, families: restriction.mergeFamilies)
  }
}

extension StatementPlanning {
  /// The operator of a family between two types; nil where there is none.
  func familyOperator(_ family: UInt32, _ left: TypeID, _ right: TypeID, strategy: Int16) -> UInt32? {
    let key = FamilyKey(family: family, left: left, right: right, strategy: strategy)
    if let known = familyOperators[key] { return known }
    let found = functions.familyOperators.lazy.flatMap { $0.value }.first {
      $0.family == family && $0.left == left && $0.right == right && $0.strategy == strategy
    }?.operatorID
    familyOperators[key] = .some(found)
    return found
  }

  struct FamilyKey: Hashable {
    var family: UInt32
    var left: TypeID
    var right: TypeID
    var strategy: Int16
  }
}
