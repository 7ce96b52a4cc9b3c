import MillraceEngine
import MillraceTypes

/// min and max from the ends of indexes (PostgreSQL's src/backend/optimizer/plan/planagg.c).
extension QueryPlanning {
  /// The query before anything was done to it, if it could be answered like that.
  func keepForExtremes() {
    guard query.command == .select, query.hasAggregates, query.groupBy.isEmpty, query.with.isEmpty,
      query.from.count == 1, case .entry(let entry) = query.from[0], query.rowMarks.isEmpty, query.setOperations == nil,
      case .relation = query.rangeTable[entry].kind
    else { return }
    original = query
  }

  /// Adds the way by indexes to those that aggregate all rows.
  func addExtremes(_ grouped: RelationInfo) throws(SQLError) {
    guard let original, !aggregates.isEmpty, let cheapest = grouped.cheapestTotal else { return }
    var parts: [ExtremePath] = []
    for aggregate in aggregates {
      guard let part = try extreme(aggregate, original) else { return }
      parts.append(part)
    }
    let total = parts.reduce(0) { $0 + $1.path.total }
    let target = cost(outputs)
    let startup = total + target.startup
    let path = Path(
      .extremes(parts), nil, rows: 1, startup: startup, total: startup + settings.cpuTupleCost + target.perTuple,
      width: cheapest.width, disabled: parts.reduce(0) { $0 + $1.path.disabled })
    if let having = query.having, !Self.conjuncts(having).isEmpty { return }
    grouped.add(path)
    grouped.setCheapest()
  }

  private func extreme(_ aggregate: AggregateExpression, _ original: Query) throws(SQLError) -> ExtremePath? {
    guard aggregate.arguments.count == 1, !aggregate.isDistinct, aggregate.orderBy.isEmpty, aggregate.filter == nil,
      let sort = functions.aggregates[aggregate.function]?.sortOperator, sort != 0,
      let member = functions.familyOperators[sort]?.first(where: { $0.accessMethod == SystemOID.btree }),
      member.strategy == 1 || member.strategy == 5, !isVolatile(aggregate.arguments[0]),
      let argument = argument(of: aggregate, original)
    else { return nil }
    let equality = statement.familyOperator(member.family, member.left, member.right, strategy: 3) ?? 0
    let order = SortOrder(
      member.left, isDescending: member.strategy == 5, isNullsFirst: member.strategy == 5, equality: equality,
      ordering: sort)
    var inner = original
    inner.targets = [TargetEntry(argument, name: "minmax")]
    inner.condition = [original.condition, .nullTest(argument, isNegated: true)].compactMap(\.self).joinedByAnd
    (inner.hasAggregates, inner.having, inner.distinct) = (false, nil, .no)
    inner.orderBy = [SortGroupClause(target: 0, order)]
    (inner.limit, inner.offset) = (.constant(TypedConstant(ValueType(.int8), .word(1))), nil)
    scopes.append([])
    defer { scopes.removeLast() }
    let planning = QueryPlanning(statement, VariableRewriter.raise(inner, by: 1), parent: self)
    let path = try planning.plan(tupleFraction: 1)
    // Rows that are sorted first are better aggregated.
    guard scopes.last?.isEmpty ?? true, path.node.isPresorted else { return nil }
    return ExtremePath(aggregate: aggregate, planning: planning, path: path)
  }

  /// The aggregate's argument as it was before the query was simplified.
  private func argument(of aggregate: AggregateExpression, _ original: Query) -> TypedExpression? {
    var found: [AggregateExpression] = []
    for target in original.targets { target.expression.collectAggregates(into: &found) }
    original.having?.collectAggregates(into: &found)
    let same = found.first { known in
      guard known.function == aggregate.function, known.arguments.count == 1 else { return false }
      return (try? prepare(known.arguments[0])) == aggregate.arguments[0]
    }
    guard let argument = same?.arguments[0], !argument.containsSubquery else { return nil }
    return argument
  }

  func createExtremes(
    _ path: Path, _ parts: [ExtremePath], _ wanted: [TypedExpression]
  ) throws(SQLError) -> CreatedPlan {
    var values: [AggregateExpression: TypedExpression] = [:]
    for part in parts {
      let (plan, _) = try part.planning.createTop(part.path)
      let index = statement.add(subplan: plan, SubplanCost(startup: part.path.total, perCall: 0))
      let parameter = statement.newParameter()
      initialSubplans.append(InitialSubplan(subplan: index, .scalar, parameter: parameter))
      values[part.aggregate] = .parameter(TypedParameter(.executor(parameter), part.aggregate.type))
    }
    func replaced(_ expression: TypedExpression) -> TypedExpression {
      if case .aggregate(let aggregate) = expression, let value = values[aggregate] { return value }
      return expression.mapChildren { replaced($0) }
    }
    let plan = Plan(
      .result(oneTimeFilter: nil), inputTypes: [], output: wanted.map { replaced($0) }, cost: cost(of: path),
      description: description(path))
    return CreatedPlan(plan: plan, list: wanted)
  }
}

extension PathNode {
  /// Whether the first rows come out without all of them being sorted.
  var isPresorted: Bool {
    switch self {
    case .limit(let input), .gate(let input, _): input.node.isPresorted
    case .index: true
    default: false
    }
  }
}
