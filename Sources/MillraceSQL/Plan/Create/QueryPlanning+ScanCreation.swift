import MillraceEngine
import MillraceTypes

/// Making plans of scans.
extension QueryPlanning {
  func createTableScan(_ path: Path, _ wanted: [TypedExpression]) throws(SQLError) -> CreatedPlan {
    guard let relation = path.relation, let entry = relation.entry, let table = relation.descriptor else {
      throw SQLError(.internalError, "a scan of what is no table")
    }
    statement.use(table.oid, entry == query.resultRelation ? .write : .read)
    let count = table.tuple.count
    let map = InputMap.scan(entry, columns: count)
    let output = try resolve(wanted, map)
    let all = ordered(restrictions(relation, path.parameters))
    var operation: (TableScan) throws(SQLError) -> PlanOperation = { (scan) throws(SQLError) in .sequentialScan(scan) }
    var filtering = all
    var inputs: [Plan] = []
    var checked: [TypedExpression] = []
    switch path.node {
    case .index(let index):
      filtering = all.filter { !index.fulfils($0) }
      let made = try indexScan(index, entry, table, map)
      checked = made.conditions.map(\.original)
      operation = { (scan) throws(SQLError) in
        var made = made
        made.table = scan
        return .indexScan(made)
      }
    case .bitmapHeap(let bitmap):
      filtering = all.filter { !bitmap.fulfils($0) }
      let recheck = try resolve(recheck(bitmap), map)
      checked = recheck
      inputs = [try createBitmap(bitmap, relation, entry, table, map)]
      operation = { (scan) throws(SQLError) in .bitmapHeapScan(scan, recheck: recheck) }
    case .tid(let places, let used):
      filtering = all.filter { restriction in !used.contains { $0 === restriction } }
      let resolved = try resolve(places, .list([]))
      operation = { (scan) throws(SQLError) in .tidScan(scan, resolved) }
    default: break
    }
    let filter = try resolve(filtering.map(\.clause), map)
    let scan = tableScan(entry, table, output + filter + checked)
    let plan = Plan(
      try operation(scan), inputs, inputTypes: scanTypes(table), filter: filter, output: output,
      cost: cost(of: path), description: description(path, names: aliasNames(entry, table)))
    return CreatedPlan(plan: plan, list: wanted)
  }

  /// Cheap conditions first (`order_qual_clauses`).
  private func ordered(_ restrictions: [Restriction]) -> [Restriction] {
    guard restrictions.count > 1 else { return restrictions }
    return restrictions.enumerated().sorted { first, second in
      let (one, two) = (cost(first.element).perTuple, cost(second.element).perTuple)
      return one != two ? one < two : first.offset < second.offset
    }.map(\.element)
  }

  func scanTypes(_ table: RelationDescriptor) -> [ValueType] {
    table.tuple.columns.map { ValueType($0.typeID, $0.typmod) }
      + SystemColumn.allCases.map { ValueType($0.type) }
  }

  func tableScan(_ entry: Int, _ table: RelationDescriptor, _ expressions: [TypedExpression]) -> TableScan {
    let count = table.tuple.count
    let used = Self.inputColumns(expressions, below: count + SystemColumn.allCases.count)
    return TableScan(
      relation: table.oid, alias: query.rangeTable[entry].name, columns: used.filter { $0 < count },
      systemColumns: used.filter { $0 >= count }.map { SystemColumn.allCases[$0 - count] })
  }

  /// The columns' names, where the statement has given them others.
  private func aliasNames(_ entry: Int, _ table: RelationDescriptor) -> [String] {
    let columns = query.rangeTable[entry].columns
    let isRenamed = zip(columns, table.tuple.columns).contains { $0.name != $1.name && !$1.isDropped }
    return isRenamed ? columns.map(\.name) : []
  }

  // MARK: Indexes

  private func indexScan(
    _ path: IndexPath, _ entry: Int, _ table: RelationDescriptor, _ map: InputMap
  ) throws(SQLError) -> IndexScan {
    var conditions: [IndexCondition] = []
    for clause in path.clauses {
      for var condition in clause.conditions {
        if let value = condition.value { condition.value = try resolve(value, .list([])) }
        condition.original = try resolve(condition.original, map)
        conditions.append(condition)
      }
    }
    var scan = IndexScan(
      TableScan(relation: table.oid, alias: query.rangeTable[entry].name, columns: []),
      index: path.index.descriptor.oid, conditions, isBackward: path.isBackward)
    scan.isIndexOnly = path.isIndexOnly
    let columns = Set(conditions.filter { $0.comparison == .equal }.map(\.column))
    scan.expectsOne = path.index.isUnique && columns.count == path.index.columns.count
    return scan
  }

  private func createBitmap(
    _ bitmap: BitmapPath, _ relation: RelationInfo, _ entry: Int, _ table: RelationDescriptor, _ map: InputMap
  ) throws(SQLError) -> Plan {
    switch bitmap {
    case .index(let path, _):
      var scan = try indexScan(path, entry, table, map)
      scan.isIndexOnly = false
      let rows = clampRows(path.selectivity * relation.tuples)
      return Plan(
        .bitmapIndexScan(scan), inputTypes: scanTypes(table), output: [],
        cost: PlanCost(startup: 0, total: path.indexCost, rows: rows, width: 0))
    case .and(let parts, let selectivity, let total), .or(let parts, _, let selectivity, let total):
      var inputs: [Plan] = []
      for part in parts { inputs.append(try createBitmap(part, relation, entry, table, map)) }
      var operation = PlanOperation.bitmapAnd
      if case .or = bitmap { operation = .bitmapOr }
      return Plan(
        operation, inputs, inputTypes: [], output: [],
        cost: PlanCost(startup: total, total: total, rows: clampRows(selectivity * relation.tuples), width: 0))
    }
  }

  /// What rows of a page that the bitmap knows as a whole must fulfil.
  /// What an index finds too much of is filtered anyway.
  private func recheck(_ bitmap: BitmapPath, isInOr: Bool = false) -> [TypedExpression] {
    switch bitmap {
    case .index(let path, _):
      var found: [TypedExpression] = []
      for clause in path.clauses {
        if clause.isLossy {
          if isInOr { found.append(clause.restriction.clause) }
          continue
        }
        for condition in clause.conditions where !found.contains(condition.original) {
          found.append(condition.original)
        }
      }
      return found + path.index.predicate.filter { !found.contains($0) }
    case .and(let parts, _, _):
      return parts.flatMap { recheck($0, isInOr: isInOr) }
    case .or(let parts, _, _, _):
      return [.or(parts.map { recheck($0, isInOr: true).joinedByAnd ?? .isTrue })]
    }
  }

  // MARK: Other entries

  func createOtherScan(_ path: Path, _ wanted: [TypedExpression]) throws(SQLError) -> CreatedPlan {
    guard let relation = path.relation, let entry = relation.entry else {
      throw SQLError(.internalError, "a scan of nothing")
    }
    let known = query.rangeTable[entry]
    let list = known.columns.enumerated().map { place, column in
      TypedExpression.variable(Variable(entry, .column(place), column.type))
    }
    giveLateral(entry)
    let operation: PlanOperation
    switch (path.node, known.kind) {
    case (.values, .values(let rows)):
      var resolved: [[TypedExpression]] = []
      for row in rows { resolved.append(try resolve(row, .list([]))) }
      operation = .values(resolved)
    case (.function, .function(let call, let withOrdinality)):
      guard case .call(let resolved) = try resolve(.call(call), .list([])) else {
        throw SQLError(.internalError, "a function that is none")
      }
      operation = .functionScan(resolved, withOrdinality: withOrdinality, alias: known.name)
    case (.commonTable(let index), _): operation = .commonTableScan(index, alias: known.name)
    case (.workTable(let index), _): operation = .workTableScan(index, alias: known.name)
    default: throw SQLError(.internalError, "an unexpected kind of scan")
    }
    let map = InputMap.list(list)
    let filter = try resolve(ordered(restrictions(relation, path.parameters)).map(\.clause), map)
    let plan = Plan(
      operation, inputTypes: known.columns.map(\.type), filter: filter, output: try resolve(wanted, map),
      cost: cost(of: path), description: description(path, names: known.columns.map(\.name)))
    return CreatedPlan(plan: plan, list: wanted)
  }

  /// What an entry refers to before it is given by the nested loop above.
  private func giveLateral(_ entry: Int) {
    for argument in lateralArguments[entry] ?? []
    where !outerParameters.contains(where: { $0.parameter == argument.parameter }) {
      outerParameters.append(argument)
    }
  }

  func createSubquery(
    _ path: Path, _ inner: Path, _ wanted: [TypedExpression], isExact: Bool
  ) throws(SQLError) -> CreatedPlan {
    guard let relation = path.relation, let entry = relation.entry, let planning = relation.subquery else {
      throw SQLError(.internalError, "a subquery that was not planned")
    }
    let (plan, shown) = try planning.createTop(inner)
    giveLateral(entry)
    let columns = query.rangeTable[entry].columns
    let list = columns.enumerated().map { place, column in
      TypedExpression.variable(Variable(entry, .column(place), column.type))
    }
    let conditions = ordered(restrictions(relation, path.parameters)).map(\.clause)
    let isAll = !isExact || (wanted == list && shown.count == list.count)
    if conditions.isEmpty, isAll, wanted.allSatisfy({ list.contains($0) }) {
      return CreatedPlan(plan: plan, list: list + extra(shown.count - list.count))
    }
    let types = plan.outputTypes
    let map = InputMap.list(list)
    let made = Plan(
      .subqueryScan(alias: query.rangeTable[entry].name), [plan], inputTypes: types,
      filter: try resolve(conditions, map), output: try resolve(wanted, map), cost: cost(of: path),
      description: description(path, names: columns.map(\.name)))
    return CreatedPlan(plan: made, list: wanted)
  }

  /// Columns that only the subquery itself needed.
  private func extra(_ count: Int) -> [TypedExpression] {
    (0..<max(count, 0)).map { .caseOperand(ValueType(.none, Int32($0))) }
  }
}

extension BitmapPath {
  /// Whether all rows that come out fulfil a condition for sure, once those of whole pages are checked again.
  func fulfils(_ restriction: Restriction) -> Bool {
    switch self {
    case .index(let path, _): path.fulfils(restriction)
    case .and(let parts, _, _): parts.contains { $0.fulfils(restriction) }
    case .or(let parts, let own, _, _):
      restriction === own
        && zip(parts, own.arms ?? []).allSatisfy { part, arm in arm.allSatisfy { part.fulfils($0) } }
    }
  }
}
