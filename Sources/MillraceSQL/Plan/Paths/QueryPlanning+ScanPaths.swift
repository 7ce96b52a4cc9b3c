import MillraceEngine
import MillraceTypes

/// Ways to read single relations (PostgreSQL's src/backend/optimizer/path/allpaths.c).
extension QueryPlanning {
  /// How many rows each relation gives.
  func setSizes() throws(SQLError) {
    for case let relation? in relations {
      guard let entry = relation.entry else { continue }
      try setTuples(relation, query.rangeTable[entry])
      noteLateral(entry)
    }
    for case let relation? in relations where relation.entry != nil {
      if relation.restrictions.contains(where: { $0.clause.isFalseConstant || $0.clause.isNullConstant }) {
        relation.isEmpty = true
      }
      // Partial indexes are of use where the conditions say what their predicates do.
      for index in relation.indexes where !index.predicate.isEmpty {
        index.isPredicateImplied = implies(relation.restrictions.map(\.clause), index.predicate)
      }
      orderRestrictions(relation)
      relation.restrictionCost = cost(relation.restrictions)
      setNeeds(relation)
      relation.rows =
        relation.isEmpty
        ? 0 : clampRows(relation.tuples * selectivity(relation.restrictions, nil, .inner, nil))
    }
  }

  /// Notes what an entry refers to of those before it (`extract_lateral_references`).
  private func noteLateral(_ entry: Int) {
    for argument in lateralArguments[entry] ?? [] {
      for variable in argument.value.variables { note(variable, for: RelationSet(entry)) }
    }
  }

  /// Cheap conditions first; else as they were written (`order_qual_clauses` does so for plans).
  private func orderRestrictions(_ relation: RelationInfo) {
    guard relation.restrictions.count > 1 else { return }
    relation.restrictions = relation.restrictions.enumerated()
      .sorted { first, second in
        let (one, two) = (cost(first.element).perTuple, cost(second.element).perTuple)
        return one != two && (one > 10 * settings.cpuOperatorCost || two > 10 * settings.cpuOperatorCost)
          ? one < two : first.offset < second.offset
      }.map(\.element)
  }

  private func setTuples(_ relation: RelationInfo, _ entry: RangeTableEntry) throws(SQLError) {
    switch entry.kind {
    case .relation, .excluded, .join: break
    case .nothing: relation.tuples = 1
    case .values(let rows): relation.tuples = Double(rows.count)
    case .function(let call, _): relation.tuples = functionRows(call)
    case .commonTable(let name, let levelsUp):
      relation.tuples = try commonTable(name, levelsUp).rows
    case .subquery(let inner, _): try planSubquery(relation, inner)
    }
  }

  /// How many rows a function gives (`expression_returns_set_rows`).
  func functionRows(_ call: CallExpression) -> Double {
    guard let function = functions.functions[call.function], function.returnsSet else { return 1 }
    if function.name == "generate_series", let rows = seriesRows(call) { return clampRows(rows) }
    if function.name == "unnest", let array = call.arguments.first { return clampRows(arrayLength(array)) }
    return 1000
  }

  private func seriesRows(_ call: CallExpression) -> Double? {
    guard call.arguments.count >= 2, Self.isInteger(call.arguments[0].type.id) else { return nil }
    var values: [Double] = []
    for argument in call.arguments {
      guard let constant = argument.asConstant else { return nil }
      guard case .word(let word) = constant.value else { return 0 }
      values.append(Double(Int64(bitPattern: word)))
    }
    let step = values.count > 2 ? values[2] : 1
    guard step != 0 else { return nil }
    return ((values[1] - values[0] + step) / step).rounded(.down)
  }

  private func planSubquery(_ relation: RelationInfo, _ inner: Query) throws(SQLError) {
    guard let entry = relation.entry else { return }
    let pushed = pushDown(relation, inner)
    scopes.append(lateralArguments[entry] ?? [])
    let planning = QueryPlanning(statement, pushed, parent: self)
    let path = try planning.plan(tupleFraction: subqueryFraction)
    lateralArguments[entry] = scopes.removeLast()
    for argument in lateralArguments[entry] ?? [] { relation.lateral.formUnion(relations(of: argument.value)) }
    (relation.subquery, relation.subqueryPath) = (planning, path)
    relation.tuples = path.rows
  }

  /// A subquery that is all there is gives as many rows as this query needs.
  private var subqueryFraction: Double {
    let isAlone =
      allRelations.count == 1 && !query.hasAggregates && query.groupBy.isEmpty && query.having == nil
      && query.distinct == .no && query.orderBy.isEmpty
    return isAlone ? tupleFraction : 0
  }

  // MARK: Paths

  func setPaths() throws(SQLError) {
    for case let relation? in relations {
      guard let entry = relation.entry else { continue }
      if relation.isEmpty {
        relation.add(Path(.result([.isFalse]), relation, rows: 0, width: relation.width))
        relation.setCheapest()
        continue
      }
      let parameters = relation.lateral.isEmpty ? nil : parameterInfo(relation, relation.lateral)
      switch query.rangeTable[entry].kind {
      case .relation: addTablePaths(relation)
      case .nothing, .join, .excluded:
        relation.add(Path(.result(relation.restrictions.map(\.clause)), relation, rows: 1, total: 0.01, width: 0))
      case .values:
        relation.add(simplePath(.values, relation, perTuple: settings.cpuOperatorCost, parameters))
      case .function(let call, _):
        let own = cost(.call(call))
        relation.add(
          simplePath(.function, relation, startup: own.startup + own.perTuple, parameters))
      case .commonTable(let name, let levelsUp):
        let (index, isWorkTable) = try commonTableIndex(name, levelsUp)
        relation.add(
          simplePath(
            isWorkTable ? .workTable(index) : .commonTable(index), relation, perTuple: settings.cpuTupleCost))
      case .subquery: addSubqueryPath(relation, parameters)
      }
      relation.setCheapest()
    }
  }

  private func addSubqueryPath(_ relation: RelationInfo, _ parameters: ParameterInfo?) {
    guard let inner = relation.subqueryPath else { return }
    let (rows, condition) =
      parameters.map { ($0.rows, relation.restrictionCost + cost($0.clauses)) }
      ?? (relation.rows, relation.restrictionCost)
    let perTuple = settings.cpuTupleCost + condition.perTuple
    let isTrivial = relation.restrictions.isEmpty && (parameters?.clauses.isEmpty ?? true)
    // One that only passes its rows on is left out of the plan, and costs nothing.
    let run = isTrivial ? 0 : perTuple * relation.tuples
    relation.add(
      Path(
        .subquery(inner), relation, rows: rows, startup: inner.startup + condition.startup,
        total: inner.total + condition.startup + run, width: relation.width,
        ordering: subqueryOrdering(relation, inner), parameters: parameters, disabled: inner.disabled))
  }

  /// The order of a subquery's rows, in this query's terms (`convert_subquery_pathkeys`).
  private func subqueryOrdering(_ relation: RelationInfo, _ inner: Path) -> [PathKey] {
    guard let planning = relation.subquery, let entry = relation.entry else { return [] }
    let shown = planning.query.targets.filter { !$0.isHidden }
    var result: [PathKey] = []
    for key in inner.ordering {
      let members = key.classIdentity.canonical.members
      let column = shown.firstIndex { target in
        members.contains { $0.expression == Self.classForm(target.expression) }
      }
      guard let column else { break }
      let variable = TypedExpression.variable(Variable(entry, .column(column), shown[column].expression.type))
      let known = sortClass(variable, families: key.classIdentity.families)
      result.append(
        PathKey(known, family: key.family, isDescending: key.isDescending, isNullsFirst: key.isNullsFirst))
    }
    return result
  }

  private func addTablePaths(_ relation: RelationInfo) {
    let lateral = relation.lateral.isEmpty ? nil : parameterInfo(relation, relation.lateral)
    relation.add(sequentialPath(relation, lateral))
    addIndexPaths(relation)
    addTidPaths(relation)
  }

  // MARK: tid

  /// `ctid = value`, `ctid = ANY (array)`, and those joined by OR (src/backend/optimizer/path/tidpath.c).
  private func addTidPaths(_ relation: RelationInfo) {
    for restriction in relation.restrictions {
      guard let (places, count) = tidPlaces(restriction.clause, relation) else { continue }
      relation.add(tidPath(relation, places, [restriction], count: count))
      return
    }
  }

  private func tidPlaces(_ clause: TypedExpression, _ relation: RelationInfo) -> ([TypedExpression], Double)? {
    func isTid(_ expression: TypedExpression) -> Bool {
      guard case .variable(let variable) = expression else { return false }
      return variable.entry == relation.entry && variable.column == .system(.ctid)
    }
    switch clause {
    case .call(let call) where functions.operators[call.operatorID]?.name == "=" && call.arguments.count == 2:
      let (left, right) = (call.arguments[0], call.arguments[1])
      if isTid(left), isLookupValue(right, for: relation.members) { return ([right], 1) }
      if isTid(right), isLookupValue(left, for: relation.members) { return ([left], 1) }
      return nil
    case .arrayComparison(let comparison) where !comparison.isAll && isTid(comparison.left):
      guard functions.operators[comparison.operatorID]?.name == "=",
        isLookupValue(comparison.array, for: relation.members)
      else { return nil }
      return ([comparison.array], arrayLength(comparison.array))
    case .or(let arms):
      var (places, count): ([TypedExpression], Double) = ([], 0)
      for arm in arms {
        guard let (own, number) = tidPlaces(arm, relation) else { return nil }
        places += own
        count += number
      }
      return (places, count)
    default: return nil
    }
  }

  // MARK: Parameters

  /// What comes out of a relation when columns of others are given (`get_baserel_parampathinfo`).
  func parameterInfo(_ relation: RelationInfo, _ required: RelationSet) -> ParameterInfo? {
    guard !required.isEmpty else { return nil }
    if let known = relation.parameterInfos[required] { return known }
    let given = required | relation.members
    var clauses = relation.joinClauses.filter { isMovable($0, into: relation.members, given) }
    clauses += impliedEqualities(given, outer: required, inner: relation.members)
      .filter { isMovable($0, into: relation.members, given) }
    let all = clauses + relation.restrictions
    let rows = min(
      clampRows(relation.tuples * selectivity(all, relation.entry, .inner, nil)), relation.rows)
    let made = ParameterInfo(required, rows: rows, clauses)
    relation.parameterInfos[required] = made
    return made
  }

  /// Whether a join's condition can be looked at in a scan that gets the other side as parameters
  /// (`join_clause_is_movable_into`).
  func isMovable(_ restriction: Restriction, into members: RelationSet, _ given: RelationSet) -> Bool {
    guard restriction.clauseRelations.isSubset(of: given), restriction.clauseRelations.overlaps(members) else {
      return false
    }
    // Not into the side of an outer join that is kept.
    if restriction.outerRelations.overlaps(members) { return false }
    return !isBelowNullable(restriction, members)
  }

  /// Whether the condition has to wait for an outer join whose nullable side the relation is on.
  private func isBelowNullable(_ restriction: Restriction, _ members: RelationSet) -> Bool {
    guard restriction.isPushedDown else { return false }
    return specialJoins.contains { special in
      special.kind == .left && special.right.overlaps(members) && !restriction.required.isSubset(of: special.right)
        || special.kind == .full && (special.left | special.right).overlaps(members)
          && !(restriction.required.isSubset(of: special.left) || restriction.required.isSubset(of: special.right))
    }
  }
}
