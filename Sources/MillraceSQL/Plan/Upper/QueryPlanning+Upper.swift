import MillraceEngine
import MillraceTypes

/// From FROM and WHERE to the result (PostgreSQL's query_planner and grouping_planner,
/// src/backend/optimizer/plan/planmain.c and planner.c).
extension QueryPlanning {
  func planUpper() throws(SQLError) -> Path {
    try setLimit()
    try completeTargets()
    try makeRelations()
    collectAggregates()
    for target in query.targets { noteFinal(target.expression) }
    for output in outputs { noteFinal(output) }
    if let having = query.having { noteFinal(having) }
    let list = deconstruct()
    reconsiderOuterClauses()
    deriveRestrictions()
    setOrders()
    reduceSemiJoins()
    let bottom = makeStep()
    if allRelations.isEmpty {
      bottom.add(Path(.result([]), nil, rows: 1, total: settings.cpuTupleCost, width: 0))
    } else {
      try setSizes()
      try setPaths()
      bottom.paths = try searchJoins(list).paths
    }
    addGates(bottom)
    addTargetCosts(bottom)
    bottom.setCheapest()
    var current = addGrouping(bottom)
    try addExtremes(current)
    // Functions that give several rows come behind the sort, unless it is by what they give.
    let (hasSets, sortsSets) = setFunctions
    if hasSets, sortsSets { current = addProjectSet(current) }
    current = addSort(addDistinct(current))
    if hasSets, !sortsSets { current = addProjectSet(current) }
    return try finish(current)
  }

  /// Collects the ways to do one step above the joins.
  func makeStep() -> RelationInfo {
    let step = statement.keep(RelationInfo(RelationSet()))
    step.considersStartup = tupleFraction > 0
    return step
  }

  /// Conditions that depend on no row are looked at once, before anything else.
  private func addGates(_ bottom: RelationInfo) {
    guard !gates.isEmpty else { return }
    let condition = cost(gates)
    if !allRelations.isEmpty, gates.contains(where: { $0.isFalseConstant || $0.isNullConstant }) {
      bottom.paths = [Path(.result([.isFalse]), nil, rows: 0, width: 0)]
      return
    }
    bottom.paths = bottom.paths.map { path in
      if case .result(let conditions) = path.node, allRelations.isEmpty {
        return Path(.result(conditions + gates), nil, rows: 1, total: path.total + condition.perTuple, width: 0)
      }
      let made = path.below(.gate(path, gates))
      made.startup += condition.startup + condition.perTuple
      made.total += condition.startup + condition.perTuple
      return made
    }
  }

  /// What is computed on top of FROM.
  private func addTargetCosts(_ bottom: RelationInfo) {
    let expressions = isGrouped ? groupKeys.map(\.expression) : outputs
    let own = expressions.filter { !statement.returnsSet($0) }
    let expense = cost(own)
    let width = isGrouped ? bottom.paths.first?.width ?? 0 : outputs.reduce(0) { $0 + self.width(of: $1) }
    for path in bottom.paths where path.rows > 0 {
      path.startup += expense.startup
      path.total += expense.startup + expense.perTuple * path.rows
      path.width = width
    }
  }

  var isGrouped: Bool { query.hasAggregates || !query.groupBy.isEmpty || query.having != nil || !aggregates.isEmpty }

  // MARK: LIMIT

  /// `preprocess_limit`: how many rows are going to be fetched.
  func setLimit() throws(SQLError) {
    guard query.limit != nil || query.offset != nil else { return }
    func estimate(_ expression: TypedExpression?) -> Double? {
      guard let expression else { return nil }
      guard let constant = expression.asConstant else { return -1 }
      guard case .word(let word) = constant.value else { return 0 }
      return max(Double(Int64(bitPattern: word)), 0)
    }
    let (count, offset) = (estimate(query.limit), estimate(query.offset))
    limitCount = count.map { $0 < 0 ? -1 : query.limit?.isNullConstant ?? false ? 0 : max($0, 1) } ?? 0
    limitOffset = offset ?? 0
    if limitCount > 0, limitOffset >= 0 { limitTuples = limitCount + limitOffset }
    if query.isWithTies { limitTuples = -1 }
    if limitCount != 0 {
      let wanted = limitCount < 0 || limitOffset < 0 ? 0.1 : limitCount + limitOffset
      if tupleFraction >= 1 {
        tupleFraction = wanted >= 1 ? min(tupleFraction, wanted) : tupleFraction
      } else if tupleFraction > 0 {
        tupleFraction = wanted >= 1 ? wanted : min(tupleFraction, wanted)
      } else {
        tupleFraction = wanted
      }
    } else if limitOffset != 0, tupleFraction > 0 {
      let skipped = limitOffset < 0 ? 0.1 : limitOffset
      if tupleFraction >= 1, skipped >= 1 { tupleFraction += skipped }
      if tupleFraction < 1, skipped < 1 {
        tupleFraction += skipped
        if tupleFraction >= 1 { tupleFraction = 0 }
      }
    }
  }

  // MARK: Order

  /// `standard_qp_callback`: which orders later steps want.
  private func setOrders() {
    setGroupKeys()
    groupOrder = pathKeys(groupKeys)
    switch query.distinct {
    case .all(let clauses), .on(let clauses): distinctOrder = pathKeys(clauses.map { sortExpression($0) })
    case .no: break
    }
    sortOrder = pathKeys(query.orderBy.map { sortExpression($0) })
    if isGrouped {
      wantedOrder = groupOrder
    } else {
      wantedOrder = distinctOrder.count > sortOrder.count ? distinctOrder : sortOrder
    }
  }

  func sortExpression(_ clause: SortGroupClause) -> SortGroupExpression {
    SortGroupExpression(expression: query.targets[clause.target].expression, order: clause.order)
  }

  /// `make_pathkeys_for_sortclauses`: without what orders nothing.
  func pathKeys(_ expressions: [SortGroupExpression]) -> [PathKey] {
    var keys: [PathKey] = []
    for (place, item) in expressions.enumerated() {
      guard let key = pathKey(item, reference: place) else { return keys }
      guard !key.classIdentity.isRedundant, !keys.contains(where: { $0.classIdentity === key.classIdentity }) else {
        continue
      }
      keys.append(key)
    }
    return keys
  }

  private func pathKey(_ item: SortGroupExpression, reference: Int) -> PathKey? {
    let families = (functions.familyOperators[item.order.equality] ?? [])
      .filter { $0.accessMethod == SystemOID.btree && $0.strategy == 3 }.map(\.family)
    guard let first = families.first else { return nil }
    let wanted = functions.familyOperators[item.order.ordering]?.first { $0.accessMethod == SystemOID.btree }
    let known = sortClass(item.expression, families: families, reference: reference)
    return PathKey(
      known, family: wanted?.family ?? first, isDescending: item.order.isDescending,
      isNullsFirst: item.order.isNullsFirst)
  }

  // MARK: Steps

  /// One of each order, and sorted what is not in the one that is wanted (`create_ordered_paths`).
  func addSort(_ input: RelationInfo) -> RelationInfo {
    guard !sortOrder.isEmpty else { return input }
    let result = makeStep()
    for path in input.paths {
      if path.ordering.fulfils(sortOrder) {
        result.add(path)
        continue
      }
      let presorted = path.ordering.commonPrefix(sortOrder)
      guard path === input.cheapestTotal || (presorted > 0 && settings.enableIncrementalSort) else { continue }
      result.add(sortPath(path, sortOrder, limit: limitTuples))
    }
    result.setCheapest()
    return result
  }

  /// `create_distinct_paths`.
  private func addDistinct(_ input: RelationInfo) -> RelationInfo {
    let clauses: [SortGroupClause]
    var isOn = false
    switch query.distinct {
    case .no: return input
    case .all(let own): clauses = own
    case .on(let own): (clauses, isOn) = (own, true)
    }
    let keys = clauses.map { sortExpression($0) }
    let result = makeStep()
    guard let cheapest = input.cheapestTotal else { return input }
    let rows = isGrouped ? cheapest.rows : groupCount(keys.map(\.expression), rows: cheapest.rows)
    // DISTINCT ON takes the first row in the order that ORDER BY says.
    let wanted = isOn && sortOrder.count > distinctOrder.count ? sortOrder : distinctOrder
    for path in input.paths {
      let presorted = path.ordering.commonPrefix(wanted)
      if path.ordering.fulfils(wanted) {
        result.add(uniquePath(path, keys, rows: rows))
      } else if path === cheapest || (presorted > 0 && settings.enableIncrementalSort) {
        result.add(uniquePath(sortPath(path, wanted), keys, rows: rows))
      }
    }
    if !isOn, keys.allSatisfy({ canHash($0.order) }) {
      let aggregate = AggregatePath(strategy: .hashed, groups: rows, keys: keys, aggregates: [], having: [])
      result.add(aggregatePath(cheapest, aggregate, width: cheapest.width, ordering: []))
    }
    result.setCheapest()
    return result
  }

  func canHash(_ order: SortOrder) -> Bool { functions.operators[order.equality]?.canHash ?? false }

  /// The last steps, and the choice.
  func finish(_ input: RelationInfo) throws(SQLError) -> Path {
    let result = makeStep()
    for path in input.paths {
      var made = path
      if !query.rowMarks.isEmpty {
        made = made.below(.lockRows(made))
        made.total += settings.cpuTupleCost * made.rows
      }
      if query.limit != nil || query.offset != nil { made = limitPath(made, count: limitCount, offset: limitOffset) }
      result.add(made)
    }
    result.setCheapest()
    guard let cheapest = result.cheapestTotal else {
      throw SQLError(.internalError, "could not devise a query plan for the given query")
    }
    var chosen = cheapest
    var fraction = tupleFraction
    if fraction >= 1, cheapest.rows > 0 { fraction /= cheapest.rows }
    if fraction > 0 {
      for path in result.paths where path !== chosen && path.required.isEmpty {
        if path.isCheaper(than: chosen, fraction: fraction) { chosen = path }
      }
    }
    guard query.command != .select else { return chosen }
    let modify = chosen.below(.modify(chosen), ordering: [])
    if query.returning.isEmpty { (modify.rows, modify.width) = (0, 0) }
    return modify
  }
}
