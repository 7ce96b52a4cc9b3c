import MillraceEngine
import MillraceTypes

/// Making plans of joins and of set operations.
extension QueryPlanning {
  func createJoin(_ path: Path, _ join: JoinPath, _ wanted: [TypedExpression]) throws(SQLError) -> CreatedPlan {
    guard let outerRelation = join.outer.relation, let innerRelation = join.inner.relation else {
      throw SQLError(.internalError, "a join of what is no relation")
    }
    let members = outerRelation.members | innerRelation.members
    let isOuterJoin = join.kind == .left || join.kind == .right || join.kind == .full || join.kind == .anti
    var clauses = join.clauses
    if let parameters = path.parameters, clauses.isEmpty { clauses = parameters.clauses }
    let conditions = clauses.filter { clause in
      !join.keys.contains { $0 === clause } && !(isOuterJoin && clause.filters(members))
        && !clause.clause.isTrueConstant
    }
    let filters = isOuterJoin ? clauses.filter { $0.filters(members) } : []
    let (conditionList, filterList) = (orderedClauses(conditions), orderedClauses(filters))
    var needed: [TypedExpression] = []
    for expression in wanted + conditionList + filterList { collectNeeded(expression, join, &needed) }
    switch join.method {
    case .nested:
      return try createNestedLoop(path, join, wanted, needed, conditionList, filterList, outerRelation.members)
    case .hash, .merge:
      return try createKeyed(path, join, wanted, needed, conditionList, filterList)
    }
  }

  private func orderedClauses(_ restrictions: [Restriction]) -> [TypedExpression] {
    guard restrictions.count > 1 else { return restrictions.map(\.clause) }
    return restrictions.enumerated().sorted { first, second in
      let (one, two) = (cost(first.element).perTuple, cost(second.element).perTuple)
      return one != two ? one < two : first.offset < second.offset
    }.map(\.element.clause)
  }

  /// The columns that a join needs of its inputs; what one side has made distinct is taken as a whole.
  private func collectNeeded(_ expression: TypedExpression, _ join: JoinPath, _ found: inout [TypedExpression]) {
    let distinct = [join.outer, join.inner].flatMap { path -> [TypedExpression] in
      if case .uniqueRows(_, let special, _) = path.node { return special.semiExpressions }
      return []
    }
    func collect(_ expression: TypedExpression) {
      if distinct.contains(expression) {
        if !found.contains(expression) { found.append(expression) }
        return
      }
      guard case .variable(let variable) = expression else { return expression.forEachChild { collect($0) } }
      guard variable.levelsUp == 0, !found.contains(expression) else { return }
      found.append(expression)
    }
    collect(expression)
  }

  private func part(_ needed: [TypedExpression], of members: RelationSet) -> [TypedExpression] {
    needed.filter { relations(of: $0).isSubset(of: members) }
  }

  private func createNestedLoop(
    _ path: Path, _ join: JoinPath, _ wanted: [TypedExpression], _ needed: [TypedExpression],
    _ conditions: [TypedExpression], _ filters: [TypedExpression], _ outerMembers: RelationSet
  ) throws(SQLError) -> CreatedPlan {
    guard let innerMembers = join.inner.relation?.members else { preconditionFailure("a join without a relation") }
    let before = outerRelations
    outerRelations.formUnion(outerMembers)
    let inner = try create(join.inner, part(needed, of: innerMembers))
    outerRelations = before
    // What the inner side gets from this outer side.
    let own = outerParameters.filter { relations(of: $0.value).isSubset(of: outerMembers) }
    outerParameters.removeAll { argument in own.contains { $0.parameter == argument.parameter } }
    var all = part(needed, of: outerMembers)
    for argument in own { collectNeeded(argument.value, join, &all) }
    let outer = try create(join.outer, all)
    var parameters: [SubplanArgument] = []
    for argument in own {
      parameters.append(
        SubplanArgument(parameter: argument.parameter, try resolve(argument.value, .list(outer.list))))
    }
    let map = InputMap.list(outer.list + inner.list)
    return try finish(
      path, join, .nestedLoop(join.kind, condition: try resolve(conditions, map), parameters: parameters), outer, inner,
      wanted, filters)
  }

  private func finish(
    _ path: Path, _ join: JoinPath, _ operation: PlanOperation, _ outer: CreatedPlan, _ inner: CreatedPlan,
    _ wanted: [TypedExpression], _ filters: [TypedExpression]
  ) throws(SQLError) -> CreatedPlan {
    let map = InputMap.list(outer.list + inner.list)
    let plan = Plan(
      operation, [outer.plan, inner.plan], inputTypes: outer.plan.outputTypes + inner.plan.outputTypes,
      filter: try resolve(filters, map), output: try resolve(wanted, map), cost: cost(of: path),
      description: description(path, isInnerUnique: join.isInnerUnique))
    return CreatedPlan(plan: plan, list: wanted)
  }

  // MARK: Hash and merge joins

  private func createKeyed(
    _ path: Path, _ join: JoinPath, _ wanted: [TypedExpression], _ needed: [TypedExpression],
    _ conditions: [TypedExpression], _ filters: [TypedExpression]
  ) throws(SQLError) -> CreatedPlan {
    guard let outerMembers = join.outer.relation?.members, let innerMembers = join.inner.relation?.members else {
      preconditionFailure("a join without a relation")
    }
    var all = needed
    let keys = join.keys.compactMap { operands($0, outerMembers) }
    for key in keys {
      collectNeeded(key.outer, join, &all)
      collectNeeded(key.inner, join, &all)
    }
    let outer = try createSorted(join.outer, join.outerSort, part(all, of: outerMembers))
    var inner = try createSorted(join.inner, join.innerSort, part(all, of: innerMembers))
    if join.materializesInner {
      let sorted = join.innerSort.isEmpty ? join.inner : sortPath(join.inner, join.innerSort)
      inner = try createAbove(costMaterialize(sorted), .materialize, inner)
    }
    let map = InputMap.list(outer.list + inner.list)
    let resolved = try resolve(conditions, map)
    var joinKeys: [JoinKey] = []
    for (key, clause) in zip(keys, join.keys) {
      joinKeys.append(
        JoinKey(
          outer: try resolve(key.outer, .list(outer.list)), inner: try resolve(key.inner, .list(inner.list)),
          keyOrder(clause, key, join)))
    }
    let operation: PlanOperation =
      join.method == .hash
      ? .hashJoin(join.kind, keys: joinKeys, condition: resolved)
      : .mergeJoin(join.kind, keys: joinKeys, condition: resolved)
    return try finish(path, join, operation, outer, inner, wanted, filters)
  }

  private func createSorted(
    _ path: Path, _ order: [PathKey], _ wanted: [TypedExpression]
  ) throws(SQLError) -> CreatedPlan {
    guard !order.isEmpty else { return try create(path, wanted) }
    let sorted = sortPath(path, order)
    if case .incrementalSort(_, let presorted) = sorted.node {
      return try createSort(sorted, path, order, wanted, presorted: presorted)
    }
    return try createSort(sorted, path, order, wanted)
  }

  private struct KeyOperands {
    var outer: TypedExpression
    var inner: TypedExpression
    /// The operator with the outer operand on its left.
    var operatorID: UInt32
    var type: TypeID
  }

  /// A key's operands, of one type where their datums are not comparable as they are.
  private func operands(_ clause: Restriction, _ outer: RelationSet) -> KeyOperands? {
    guard let (left, right) = clause.operands else { return nil }
    let isForward = clause.left.isSubset(of: outer)
    let commutator = functions.operators[clause.operatorID]?.commutator ?? clause.operatorID
    var key = KeyOperands(
      outer: isForward ? left : right, inner: isForward ? right : left,
      operatorID: isForward ? clause.operatorID : commutator, type: Self.orderType(left.type.id))
    let (one, two) = (Self.orderType(key.outer.type.id), Self.orderType(key.inner.type.id))
    if one == two { return key }
    if Self.isInteger(one), Self.isInteger(two) {
      key.type = .int8
      return key
    }
    if let cast = cast(key.outer, from: one, to: two) {
      (key.outer, key.type) = (cast, two)
    } else if let cast = cast(key.inner, from: two, to: one) {
      (key.inner, key.type) = (cast, one)
    }
    return key
  }

  private func cast(_ expression: TypedExpression, from source: TypeID, to target: TypeID) -> TypedExpression? {
    guard let cast = functions.casts[FunctionCatalog.CastKey(source, target)], cast.context == "i" else { return nil }
    if cast.function == 0 { return .relabel(expression, ValueType(target), .implicitCast) }
    return .call(CallExpression(function: cast.function, [expression], ValueType(target), form: .implicitCast))
  }

  private func keyOrder(_ clause: Restriction, _ key: KeyOperands, _ join: JoinPath) -> SortOrder {
    let own = join.mergeKeys.first { merge in
      let known = merge.classIdentity.canonical
      return known === clause.leftClass?.canonical || known === clause.rightClass?.canonical
    }
    let family = own?.family ?? clause.mergeFamilies.first ?? 0
    let isDescending = own?.isDescending ?? false
    let ordering = statement.familyOperator(family, key.type, key.type, strategy: isDescending ? 5 : 1) ?? 0
    return SortOrder(
      key.type, isDescending: isDescending, isNullsFirst: own?.isNullsFirst ?? false, equality: key.operatorID,
      ordering: ordering)
  }

  // MARK: Set operations

  func createSetOperation(_ path: Path, _ wanted: [TypedExpression]) throws(SQLError) -> CreatedPlan {
    var parts: [Path] = []
    var operation = PlanOperation.append
    switch path.node {
    case .append(let inputs): parts = inputs
    case .setOperation(let left, let right, let own):
      parts = [left, right]
      operation = .setOperation(own.kind, isAll: own.isAll, own.orders)
    case .recursiveUnion(let left, let right, let index, let own):
      parts = [left, right]
      operation = .recursiveUnion(commonTable: index, isAll: own.isAll, own.orders)
    default: throw SQLError(.internalError, "an unexpected kind of set operation")
    }
    let types = query.targets.isEmpty ? [] : setTypes
    let list = setColumns(types)
    var plans: [Plan] = []
    for part in parts { plans.append(try createPart(part, count: types.count)) }
    let isWhole = wanted == Array(list.prefix(wanted.count))
    let plan = Plan(
      operation, plans, inputTypes: types, output: isWhole ? nil : try resolve(wanted, .list(list)),
      cost: cost(of: path), description: description(path))
    return CreatedPlan(plan: plan, list: isWhole ? list : wanted)
  }

  private var setTypes: [ValueType] {
    if case .operation(let operation)? = query.setOperations { return operation.types }
    return query.targets.map(\.expression.type)
  }

  /// A part of a set operation: as many columns as there are, in their order.
  private func createPart(_ path: Path, count: Int) throws(SQLError) -> Plan {
    guard case .subquery(let inner) = path.node, let relation = path.relation, let planning = relation.subquery else {
      return try create(path, setColumns(setTypes), isExact: true).plan
    }
    let (plan, list) = try planning.createTop(inner)
    guard list.count > count, let entry = relation.entry else { return plan }
    // Columns that only the part's own ORDER BY needed are left away.
    let types = plan.outputTypes
    return Plan(
      .subqueryScan(alias: query.rangeTable[entry].name), [plan], inputTypes: types,
      output: (0..<count).map { .input(InputColumn($0, types[$0])) }, cost: cost(of: path),
      description: description(path, names: query.rangeTable[entry].columns.map(\.name)))
  }
}
