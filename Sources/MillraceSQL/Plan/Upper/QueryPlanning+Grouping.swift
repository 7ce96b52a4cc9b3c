import MillraceEngine
import MillraceTypes

/// GROUP BY and aggregates (PostgreSQL's create_grouping_paths, src/backend/optimizer/plan/planner.c).
extension QueryPlanning {
  func collectAggregates() {
    for target in query.targets { target.expression.collectAggregates(into: &aggregates) }
    query.having?.collectAggregates(into: &aggregates)
  }

  /// What is grouped by: in ORDER BY's order where that helps, without columns that depend on others; those come behind
  /// (`preprocess_groupclause` and `remove_useless_groupby_columns`).
  func setGroupKeys() {
    guard isGrouped else { return }
    var clauses = query.groupBy
    var ordered: [SortGroupClause] = []
    for sort in query.orderBy {
      guard
        let place = clauses.firstIndex(where: { $0.target == sort.target && $0.order.equality == sort.order.equality })
      else { break }
      ordered.append(sort)
      clauses.remove(at: place)
    }
    var keys: [SortGroupExpression] = []
    for item in (ordered + clauses).map({ sortExpression($0) })
    where !keys.contains(where: { $0.expression == item.expression }) {
      keys.append(item)
    }
    let useless = dependentKeys(keys.map(\.expression))
    groupKeys = keys.filter { !useless.contains($0.expression) }
    extraGroupKeys = keys.filter { useless.contains($0.expression) }
    addDependentColumns(keys.map(\.expression))
  }

  /// Columns of GROUP BY that follow from a unique key of their table which is there too.
  private func dependentKeys(_ keys: [TypedExpression]) -> Set<TypedExpression> {
    guard keys.count > 1 else { return [] }
    var useless: Set<TypedExpression> = []
    for case let relation? in relations where relation.descriptor != nil {
      let own = keys.filter { key in
        if case .variable(let variable) = key { variable.entry == relation.entry } else { false }
      }
      guard own.count > 1 else { continue }
      var best: [TypedExpression]?
      for index in relation.indexes where index.isUnique && index.predicate.isEmpty {
        let columns = index.columns.compactMap { column in
          own.first { key in
            guard case .variable(let variable) = key, let number = column.column else { return false }
            return variable.column == .column(number)
              && (relation.descriptor?.tuple.columns[number].isNotNull ?? false)
          }
        }
        guard columns.count == index.columns.count, columns.count < own.count else { continue }
        if best.map({ columns.count < $0.count }) ?? true { best = columns }
      }
      guard let best else { continue }
      useless.formUnion(own.filter { !best.contains($0) })
    }
    return useless
  }

  /// Columns that are shown and not in GROUP BY depend on a primary key that is: they are the same in all of a group.
  private func addDependentColumns(_ keys: [TypedExpression]) {
    var found: [TypedExpression] = []
    func visit(_ expression: TypedExpression) {
      if keys.contains(expression) || found.contains(expression) { return }
      switch expression {
      case .variable(let variable): if variable.levelsUp == 0 { found.append(expression) }
      case .aggregate: break
      default: expression.forEachChild { child in visit(child) }
      }
    }
    for target in query.targets { visit(target.expression) }
    if let having = query.having { visit(having) }
    for expression in found {
      extraGroupKeys.append(SortGroupExpression(expression: expression, order: defaultOrder(expression.type.id)))
    }
  }

  /// The order of a type's default operator class; without operators where there is none.
  func defaultOrder(_ type: TypeID, isDescending: Bool = false) -> SortOrder {
    let own = Self.orderType(type)
    guard let known = functions.defaultOperatorClass(of: own) else { return SortOrder(own, equality: 0, ordering: 0) }
    let equality = statement.familyOperator(known.family, known.inputType, known.inputType, strategy: 3) ?? 0
    let ordering =
      statement.familyOperator(known.family, known.inputType, known.inputType, strategy: isDescending ? 5 : 1) ?? 0
    return SortOrder(own, isDescending: isDescending, equality: equality, ordering: ordering)
  }

  func addGrouping(_ input: RelationInfo) -> RelationInfo {
    guard isGrouped, let cheapest = input.cheapestTotal else { return input }
    let result = makeStep()
    let having = query.having.map { Self.conjuncts($0) } ?? []
    let width = outputs.reduce(0) { $0 + self.width(of: $1) }
    func add(_ path: Path, _ strategy: AggregateStrategy, _ groups: Double) {
      let aggregate = AggregatePath(
        strategy: strategy, groups: groups, keys: groupKeys, aggregates: aggregates, having: having)
      let made = aggregatePath(
        path, aggregate, width: width, ordering: strategy == .sorted ? path.ordering : [])
      let target = cost(outputs)
      made.startup += target.startup
      made.total += target.startup + target.perTuple * made.rows
      result.add(made)
    }
    guard !query.groupBy.isEmpty else {
      for path in input.paths where path === cheapest { add(path, .plain, 1) }
      result.setCheapest()
      return result
    }
    let groups = groupCount(groupKeys.map(\.expression), rows: cheapest.rows)
    for path in input.paths {
      let presorted = path.ordering.commonPrefix(groupOrder)
      if path.ordering.fulfils(groupOrder) {
        add(path, .sorted, groups)
      } else if path === cheapest || (presorted > 0 && settings.enableIncrementalSort) {
        add(sortPath(path, groupOrder), .sorted, groups)
      }
    }
    let isHashable =
      !groupKeys.isEmpty && groupKeys.allSatisfy { canHash($0.order) }
      && !aggregates.contains { $0.isDistinct || !$0.orderBy.isEmpty }
    if isHashable { add(cheapest, .hashed, groups) }
    result.setCheapest()
    return result
  }

  // MARK: Functions that give several rows

  /// Whether there are any in the result, and whether it is sorted, grouped or made distinct by them.
  var setFunctions: (any: Bool, areSorted: Bool) {
    guard query.targets.contains(where: { statement.returnsSet($0.expression) }) else { return (false, false) }
    var sorted = query.orderBy.map(\.target)
    switch query.distinct {
    case .no: break
    case .all(let clauses), .on(let clauses): sorted += clauses.map(\.target)
    }
    return (true, sorted.isEmpty || sorted.contains { statement.returnsSet(query.targets[$0].expression) })
  }

  func addProjectSet(_ input: RelationInfo) -> RelationInfo {
    let result = makeStep()
    var factor = 1.0
    for output in outputs {
      guard case .call(let call) = output else { continue }
      factor = max(factor, functionRows(call))
    }
    let perRow = cost(outputs).perTuple
    for path in input.paths {
      let made = path.below(.projectSet(path, outputs))
      made.rows = path.rows * factor
      made.total += (settings.cpuTupleCost + perRow) * path.rows + (made.rows - path.rows) * settings.cpuTupleCost / 2
      result.add(made)
    }
    result.setCheapest()
    return result
  }
}
