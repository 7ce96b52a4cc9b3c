import MillraceEngine
import MillraceTypes

/// Making a plan of the path that was chosen (PostgreSQL's src/backend/optimizer/plan/createplan.c and setrefs.c).
extension QueryPlanning {
  /// The plan of the whole query, with the subplans that run before it.
  func createTop(_ path: Path) throws(SQLError) -> (Plan, [TypedExpression]) {
    var created: CreatedPlan
    if case .modify(let input) = path.node {
      created = try createModification(path, input)
    } else {
      created = try create(path, outputs, isExact: true)
    }
    let tables = commonTables.values.map(\.index).sorted()
    if !initialSubplans.isEmpty || !tables.isEmpty { created.plan = created.plan.with(initialSubplans, tables) }
    return (created.plan, created.list)
  }

  /// - Parameters:
  ///   - wanted: expressions that the plan is to give out. More may come behind them.
  ///   - isExact: whether they have to be the first columns; else they may be anywhere.
  func create(_ path: Path, _ wanted: [TypedExpression], isExact: Bool = false) throws(SQLError) -> CreatedPlan {
    switch path.node {
    case .result(let conditions): return try createResult(path, conditions, wanted)
    case .sequential, .index, .bitmapHeap, .tid: return try createTableScan(path, wanted)
    case .values, .function, .commonTable, .workTable: return try createOtherScan(path, wanted)
    case .subquery(let inner): return try createSubquery(path, inner, wanted, isExact: isExact)
    case .join(let join): return try createJoin(path, join, wanted)
    case .materialize(let input):
      return try createAbove(path, .materialize, try create(input, wanted, isExact: isExact))
    case .memoize(let input, let memoize):
      let created = try create(input, wanted, isExact: isExact)
      let keys = try resolve(memoize.keys, .list([]))
      let memoization = Memoization(keys: keys, isBinary: memoize.isBinary, isSingleRow: memoize.isSingleRow)
      return try createAbove(path, .memoize(memoization), created)
    case .sort(let input): return try createSort(path, input, path.ordering, wanted, isExact: isExact)
    case .incrementalSort(let input, let presorted):
      return try createSort(path, input, path.ordering, wanted, presorted: presorted, isExact: isExact)
    case .uniqueRows(let input, let special, let isHashed):
      return try createUniqueRows(path, input, special, isHashed: isHashed)
    case .project(let input, _): return try create(input, wanted, isExact: isExact)
    case .projectSet(let input, _): return try createProjectSet(path, input, wanted)
    case .gate(let input, let conditions):
      let created = try create(input, wanted, isExact: isExact)
      let filter = try resolve(conditions, .list([])).joinedByAnd
      return try createAbove(path, .result(oneTimeFilter: filter), created)
    case .aggregate(let input, let aggregate): return try createAggregate(path, input, aggregate, wanted)
    case .unique(let input, let keys):
      let created = try create(input, wanted, isExact: isExact)
      return try createAbove(path, .unique(try sortKeys(keys, created.list)), created)
    case .lockRows(let input):
      let created = try create(input, wanted, isExact: isExact)
      return try createAbove(path, .lockRows(try rowMarks(created.list)), created)
    case .limit(let input): return try createLimit(path, input, wanted, isExact: isExact)
    case .append, .setOperation, .recursiveUnion: return try createSetOperation(path, wanted)
    case .modify: throw SQLError(.internalError, "a change of rows below another node")
    case .extremes(let parts): return try createExtremes(path, parts, wanted)
    }
  }

  /// A node that passes on the rows of its input.
  func createAbove(_ path: Path, _ operation: PlanOperation, _ input: CreatedPlan) throws(SQLError) -> CreatedPlan {
    let plan = Plan(
      operation, [input.plan], inputTypes: input.plan.outputTypes, cost: cost(of: path), description: description(path))
    return CreatedPlan(plan: plan, list: input.list)
  }

  private func createResult(
    _ path: Path, _ conditions: [TypedExpression], _ wanted: [TypedExpression]
  ) throws(SQLError) -> CreatedPlan {
    let isNever = conditions.contains { $0.isFalseConstant || $0.isNullConstant }
    var output: [TypedExpression] = []
    for expression in wanted {
      // What nobody computes needs no value either.
      let isComputable = !isNever || (relations(of: expression).isEmpty && !expression.containsAggregate)
      output.append(
        isComputable
          ? try resolve(expression, .list([])) : .constant(TypedConstant(expression.type, .null)))
    }
    let filter = isNever ? TypedExpression.isFalse : try resolve(conditions, .list([])).joinedByAnd
    let plan = Plan(
      .result(oneTimeFilter: filter), inputTypes: [], output: output, cost: cost(of: path),
      description: description(path))
    return CreatedPlan(plan: plan, list: wanted)
  }

  private func createLimit(
    _ path: Path, _ input: Path, _ wanted: [TypedExpression], isExact: Bool
  ) throws(SQLError) -> CreatedPlan {
    let created = try create(input, wanted, isExact: isExact)
    var ties: [SortKey] = []
    if query.isWithTies { ties = try sortKeys(query.orderBy.map { sortExpression($0) }, created.list) }
    let (count, offset) = (query.limit, query.offset)
    return try createAbove(path, .limit(count: count, offset: offset, tieKeys: ties), created)
  }

  private func rowMarks(_ list: [TypedExpression]) throws(SQLError) -> [PlanRowMark] {
    var marks: [PlanRowMark] = []
    for mark in query.rowMarks {
      guard case .relation(let oid) = query.rangeTable[mark.entry].kind,
        let column = list.firstIndex(of: ctid(of: mark.entry))
      else { continue }
      statement.use(oid, .lockRows)
      marks.append(PlanRowMark(relation: oid, ctid: column, mark.strength, mark.waitPolicy))
    }
    return marks
  }

  // MARK: Sorting

  func createSort(
    _ path: Path, _ input: Path, _ order: [PathKey], _ wanted: [TypedExpression], presorted: Int = 0,
    isExact: Bool = false
  ) throws(SQLError) -> CreatedPlan {
    var all = wanted
    var expressions: [TypedExpression] = []
    for key in order {
      let expression = try expression(for: key, input, all)
      if !all.contains(expression) { all.append(expression) }
      expressions.append(expression)
    }
    let created = try create(input, all, isExact: isExact)
    var keys: [SortKey] = []
    for (key, expression) in zip(order, expressions) {
      guard let column = created.list.firstIndex(of: expression) else {
        throw SQLError(.internalError, "could not find pathkey item to sort")
      }
      keys.append(SortKey(InputColumn(column, expression.type), sortOrder(key, expression.type.id)))
    }
    return try createAbove(
      path, presorted > 0 ? .incrementalSort(keys, presorted: presorted) : .sort(keys), created)
  }

  /// Which member of a class is sorted by: one that is there anyway, else one that can be computed.
  private func expression(
    for key: PathKey, _ input: Path, _ wanted: [TypedExpression]
  ) throws(SQLError) -> TypedExpression {
    let members = key.classIdentity.canonical.members
    if let known = members.first(where: { wanted.contains($0.expression) }) { return known.expression }
    for member in members {
      if let same = wanted.first(where: { Self.classForm($0) == member.expression }) { return same }
    }
    let available = input.relation?.members
    let computable = members.first { member in
      !member.isConstant && (available.map { member.relations.isSubset(of: $0) } ?? true)
    }
    guard let computable else { throw SQLError(.internalError, "could not find pathkey item to sort") }
    return computable.expression
  }

  /// A path's order, for values of a type.
  func sortOrder(_ key: PathKey, _ type: TypeID) -> SortOrder {
    let own = Self.orderType(type)
    let equality = statement.familyOperator(key.family, own, own, strategy: 3)
    let ordering = statement.familyOperator(key.family, own, own, strategy: key.isDescending ? 5 : 1)
    return SortOrder(
      own, isDescending: key.isDescending, isNullsFirst: key.isNullsFirst, equality: equality ?? 0,
      ordering: ordering ?? 0)
  }

  func sortKeys(_ keys: [SortGroupExpression], _ list: [TypedExpression]) throws(SQLError) -> [SortKey] {
    var result: [SortKey] = []
    for key in keys {
      guard let column = list.firstIndex(of: key.expression) else {
        throw SQLError(.internalError, "could not find a column to compare by")
      }
      result.append(SortKey(InputColumn(column, key.expression.type), key.order))
    }
    return result
  }

  // MARK: Aggregates

  private func createAggregate(
    _ path: Path, _ input: Path, _ aggregate: AggregatePath, _ wanted: [TypedExpression]
  ) throws(SQLError) -> CreatedPlan {
    let isDistinct = aggregate.aggregates.isEmpty && !isGroupingStep(aggregate)
    let keys = isDistinct ? aggregate.keys : aggregate.keys + extraGroupKeys
    var below = keys.map(\.expression)
    var variables: [Variable] = []
    for own in aggregate.aggregates { TypedExpression.aggregate(own).collectVariables(into: &variables) }
    for variable in variables where !below.contains(.variable(variable)) { below.append(.variable(variable)) }
    if isDistinct { below += wanted.filter { !below.contains($0) } }
    let created = try create(input, below)
    let map = InputMap.list(created.list)
    var resolved: [AggregateExpression] = []
    for own in aggregate.aggregates {
      let mapped = try TypedExpression.aggregate(own).mapChildren { (child) throws(SQLError) in
        try resolve(child, map)
      }
      if case .aggregate(let found) = mapped { resolved.append(found) }
    }
    let list = keys.map(\.expression) + aggregate.aggregates.map { .aggregate($0) }
    let own = InputMap.list(list)
    let plan = Plan(
      .aggregate(aggregate.strategy, keys: try sortKeys(keys, created.list), resolved), [created.plan],
      inputTypes: list.map(\.type), filter: try resolve(aggregate.having, own), output: try resolve(wanted, own),
      cost: cost(of: path), description: description(path, keyCount: aggregate.keys.count))
    return CreatedPlan(plan: plan, list: wanted)
  }

  /// Whether an aggregation is that of GROUP BY, and not one that makes rows distinct.
  private func isGroupingStep(_ aggregate: AggregatePath) -> Bool {
    isGrouped && aggregate.keys == groupKeys && aggregate.aggregates == aggregates
  }

  private func createUniqueRows(
    _ path: Path, _ input: Path, _ special: SpecialJoin, isHashed: Bool
  ) throws(SQLError) -> CreatedPlan {
    let expressions = special.semiExpressions
    let created = try create(input, expressions)
    var keys: [SortKey] = []
    for (place, expression) in expressions.enumerated() {
      guard let column = created.list.firstIndex(of: expression) else {
        throw SQLError(.internalError, "could not find a column to make distinct")
      }
      let family = equality(special.semiOperators[place])?.families.first ?? 0
      let known = sortClass(expression, families: [family])
      let key = PathKey(known, family: family, isDescending: false, isNullsFirst: false)
      var order = sortOrder(key, expression.type.id)
      if order.equality == 0 { order.equality = special.semiOperators[place] }
      keys.append(SortKey(InputColumn(column, expression.type), order))
    }
    if isHashed {
      let columns = keys.enumerated().map { TypedExpression.input(InputColumn($0.offset, $0.element.column.type)) }
      let plan = Plan(
        .aggregate(.hashed, keys: keys, []), [created.plan], inputTypes: expressions.map(\.type), output: columns,
        cost: cost(of: path), description: description(path, keyCount: keys.count))
      return CreatedPlan(plan: plan, list: expressions)
    }
    let sorted = try createAbove(sortPath(input, []), .sort(keys), created)
    return try createAbove(path, .unique(keys), sorted)
  }

  private func createProjectSet(
    _ path: Path, _ input: Path, _ wanted: [TypedExpression]
  ) throws(SQLError) -> CreatedPlan {
    // Calls inside of other expressions get a step of their own.
    let nested = wanted.flatMap { innerSets($0, isTop: true) }
    if !nested.isEmpty {
      var below: [TypedExpression] = nested.filter { statement.returnsSet($0) }
      var others: [TypedExpression] = []
      for expression in wanted { collectPlain(expression, &others) }
      below += others.filter { !below.contains($0) }
      let created = try createProjectSet(path, input, below)
      let map = InputMap.list(created.list)
      let plan = Plan(
        wanted.contains { statement.returnsSet($0) && !below.contains($0) && isSetCall($0) }
          ? .projectSet
          : .result(oneTimeFilter: nil),
        [created.plan], inputTypes: created.plan.outputTypes, output: try resolve(wanted, map), cost: cost(of: path))
      return CreatedPlan(plan: plan, list: wanted)
    }
    var below: [TypedExpression] = []
    for expression in wanted { collectPlain(expression, &below) }
    let created = try create(input, below)
    let plan = Plan(
      .projectSet, [created.plan], inputTypes: created.plan.outputTypes,
      output: try resolve(wanted, .list(created.list)), cost: cost(of: path))
    return CreatedPlan(plan: plan, list: wanted)
  }

  private func isSetCall(_ expression: TypedExpression) -> Bool {
    guard case .call(let call) = expression else { return false }
    return functions.functions[call.function]?.returnsSet ?? false
  }

  /// Calls that give several rows and do not stand at the top of an expression.
  private func innerSets(_ expression: TypedExpression, isTop: Bool) -> [TypedExpression] {
    if isSetCall(expression), !isTop { return [expression] }
    var found: [TypedExpression] = []
    expression.forEachChild { child in found += innerSets(child, isTop: false) }
    return found
  }

  /// Columns, aggregates and whatever else comes from below.
  private func collectPlain(_ expression: TypedExpression, _ found: inout [TypedExpression]) {
    switch expression {
    case .variable, .aggregate: if !found.contains(expression) { found.append(expression) }
    default:
      if !statement.returnsSet(expression), isGrouped, groupKeys.contains(where: { $0.expression == expression }) {
        if !found.contains(expression) { found.append(expression) }
      } else {
        expression.forEachChild { child in collectPlain(child, &found) }
      }
    }
  }
}

extension Plan {
  /// The same node as the topmost one of a query with these subplans.
  func with(_ initialSubplans: [InitialSubplan], _ commonTables: [Int]) -> Plan {
    let known = description
    let changed = PlanDescription(
      columnNames: known?.columnNames ?? [], disabledNodes: known?.disabledNodes ?? 0,
      groupKeyCount: known?.groupKeyCount, commonTables: (known?.commonTables ?? []) + commonTables,
      isInnerUnique: known?.isInnerUnique ?? false)
    return Plan(
      operation, inputs, inputTypes: inputTypes, filter: filter, output: output, cost: cost,
      initialSubplans: self.initialSubplans + initialSubplans, description: changed)
  }
}
