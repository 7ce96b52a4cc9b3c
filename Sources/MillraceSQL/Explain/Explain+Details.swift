import MillraceEngine
import MillraceTypes

/// What EXPLAIN says of each kind of node.
extension Explain {
  /// Whether columns are shown with their tables' names.
  var usesPrefix: Bool { planned.rangeTableSize > 1 || options.verbose }

  private func context(_ plan: Plan, isScan: Bool = false) -> DeparseContext {
    var isQualified = isScan ? options.verbose : usesPrefix
    if case .subqueryScan = plan.operation { isQualified = true }
    return DeparseContext(plan: plan, usesPrefix: isQualified)
  }

  // MARK: What it is about

  /// `ExplainTargetRel`, for text.
  func target(_ plan: Plan) -> String {
    let alias = Keyword.quoted(deparser.alias(of: plan))
    switch plan.operation {
    case .sequentialScan(let scan), .bitmapHeapScan(let scan, _), .tidScan(let scan, _):
      return on(tableName(scan.relation), alias, scan.relation)
    case .indexScan(let scan):
      return " using \(indexName(scan))" + on(tableName(scan.table.relation), alias, scan.table.relation)
    case .bitmapIndexScan(let scan): return " on \(indexName(scan))"
    case .functionScan(let call, _, _):
      let name = deparser.functions.functions[call.function]?.name ?? "?"
      return Self.on(Keyword.quoted(name), alias)
    case .values: return " on \(alias)"
    case .subqueryScan: return " on \(alias)"
    case .commonTableScan(let index, _), .workTableScan(let index, _):
      let name = planned.commonTables.indices.contains(index) ? planned.commonTables[index].name : "?"
      return Self.on(Keyword.quoted(name), alias)
    case .modifyTable(let modification):
      return on(tableName(modification.relation), Keyword.quoted(modification.alias), modification.relation)
    default: return ""
    }
  }

  private static func on(_ name: String, _ alias: String) -> String {
    " on \(name)" + (alias == name || alias.isEmpty ? "" : " \(alias)")
  }

  private func on(_ name: String, _ alias: String, _ oid: UInt32) -> String {
    let plain = Keyword.quoted(deparser.relation(oid)?.name ?? "?")
    return " on \(name)" + (alias == plain ? "" : " \(alias)")
  }

  private func tableName(_ oid: UInt32) -> String {
    guard let table = deparser.relation(oid) else { return "?" }
    guard options.verbose, let schema = schema(oid) else { return Keyword.quoted(table.name) }
    return Keyword.quoted(schema) + "." + Keyword.quoted(table.name)
  }

  private func schema(_ oid: UInt32) -> String? {
    guard let table = deparser.relation(oid) else { return nil }
    return (try? deparser.catalog.namespaceName(table.namespace)).flatMap(\.self)
  }

  private func indexName(_ scan: IndexScan) -> String {
    let table = deparser.relation(scan.table.relation)
    return Keyword.quoted(table?.indexes.first { $0.oid == scan.index }?.name ?? "?")
  }

  /// The properties with which a node of JSON begins.
  func showProperties(_ plan: Plan, _ label: NodeLabel, relationship: String?, name: String?) {
    output.property("Node Type", label.type)
    if let strategy = label.strategy { output.property("Strategy", strategy) }
    if label.type == "Aggregate" { output.property("Partial Mode", "Simple") }
    if let operation = label.operation { output.property("Operation", operation) }
    if let relationship { output.property("Parent Relationship", relationship) }
    if let name { output.property("Subplan Name", name) }
    output.property("Parallel Aware", false)
    output.property("Async Capable", false)
    if let joinType = label.joinType { output.property("Join Type", joinType) }
    if let command = label.command { output.property("Command", command) }
    let alias = deparser.alias(of: plan)
    switch plan.operation {
    case .indexScan(let scan):
      output.property("Scan Direction", scan.isBackward ? "Backward" : "Forward")
      output.property("Index Name", indexName(scan))
      showTable(scan.table.relation, alias)
    case .bitmapIndexScan(let scan): output.property("Index Name", indexName(scan))
    case .sequentialScan(let scan), .bitmapHeapScan(let scan, _), .tidScan(let scan, _):
      showTable(scan.relation, alias)
    case .modifyTable(let modification): showTable(modification.relation, modification.alias)
    case .functionScan(let call, _, _):
      output.property("Function Name", deparser.functions.functions[call.function]?.name ?? "?")
      output.property("Alias", alias)
    case .values, .subqueryScan: output.property("Alias", alias)
    case .commonTableScan(let index, _), .workTableScan(let index, _):
      output.property("CTE Name", planned.commonTables.indices.contains(index) ? planned.commonTables[index].name : "?")
      output.property("Alias", alias)
    default: break
    }
  }

  private func showTable(_ oid: UInt32, _ alias: String) {
    output.property("Relation Name", deparser.relation(oid)?.name ?? "?")
    if options.verbose, let schema = schema(oid) { output.property("Schema", schema) }
    output.property("Alias", alias)
  }

  // MARK: Output

  func showOutput(_ plan: Plan) {
    switch plan.operation {
    case .append, .bitmapAnd, .bitmapOr, .recursiveUnion, .bitmapIndexScan: return
    case .modifyTable where plan.output?.isEmpty ?? true: return
    default: break
    }
    let texts = outputTexts(plan)
    if !texts.isEmpty { output.list("Output", texts) }
  }

  func outputTexts(_ plan: Plan) -> [String] {
    (0..<plan.outputTypes.count).map { place in
      let context = DeparseContext(plan: plan, usesPrefix: usesPrefix)
      guard let list = plan.output else {
        let found = deparser.column(place, of: plan, context)
        return found.isColumn ? found.text : "(\(found.text))"
      }
      return deparser.expression(list[place], context)
    }
  }

  // MARK: Conditions

  func showDetails(_ plan: Plan) {
    let counted = options.analyze ? counters(plan) : nil
    switch plan.operation {
    case .indexScan(let scan):
      showConditions("Index Cond", indexConditions(scan), context(plan, isScan: true))
      if let counted, counted.removedByRecheck > 0 {
        showRemoved("Rows Removed by Index Recheck", counted.removedByRecheck, counted)
      }
      showFilter(plan, counted, isScan: true)
      if scan.isIndexOnly, let counted { output.property("Heap Fetches", Int(counted.heapFetches ?? 0)) }
      if let searches = counted?.indexSearches { output.property("Index Searches", Int(searches)) }
    case .bitmapIndexScan(let scan):
      showConditions("Index Cond", indexConditions(scan), context(plan, isScan: true))
      if let searches = counted?.indexSearches { output.property("Index Searches", Int(searches)) }
    case .bitmapHeapScan(_, let recheck):
      showConditions("Recheck Cond", recheck, context(plan, isScan: true))
      if let counted, counted.removedByRecheck > 0 {
        showRemoved("Rows Removed by Index Recheck", counted.removedByRecheck, counted)
      }
      showFilter(plan, counted, isScan: true)
      if let counted { showHeapBlocks(counted) }
    case .tidScan(_, let places): showTids(places, plan, counted)
    case .sequentialScan, .values, .functionScan, .commonTableScan, .workTableScan, .subqueryScan:
      showFilter(plan, counted, isScan: true)
      if let storage = counted?.storage { showStorage(storage) }
    case .nestedLoop(_, let condition, _):
      showJoinFilter(condition, plan, counted)
      showFilter(plan, counted)
    case .hashJoin(_, let keys, let condition):
      showKeys("Hash Cond", keys, plan)
      showJoinFilter(condition, plan, counted)
      showFilter(plan, counted)
    case .mergeJoin(_, let keys, let condition):
      showKeys("Merge Cond", keys, plan)
      showJoinFilter(condition, plan, counted)
      showFilter(plan, counted)
    default: showUpperDetails(plan, counted)
    }
  }

  private func showUpperDetails(_ plan: Plan, _ counted: NodeInstrumentation?) {
    switch plan.operation {
    case .result(let oneTimeFilter):
      if let oneTimeFilter { showConditions("One-Time Filter", [oneTimeFilter], context(plan)) }
      showFilter(plan, counted)
    case .aggregate(_, let keys, _):
      let count = plan.description?.groupKeyCount ?? keys.count
      showGroupKeys(keys.prefix(count), plan)
      showFilter(plan, counted)
      if let aggregate = counted?.aggregate { showHashAggregate(aggregate) }
    case .sort(let keys):
      showSortKeys("Sort Key", keys, plan)
      if let sort = counted?.sort { showSort(sort) }
    case .incrementalSort(let keys, let presorted):
      showSortKeys("Sort Key", keys, plan)
      showSortKeys("Presorted Key", Array(keys.prefix(presorted)), plan, withDirection: false)
      if let sort = counted?.sort { showSort(sort) }
    case .memoize(let memoization):
      let keys = memoization.keys.map { deparser.expression($0, context(plan)) }
      output.property("Cache Key", keys.joined(separator: ", "))
      output.property("Cache Mode", memoization.isBinary ? "binary" : "logical")
      if let usage = counted?.memoize, usage.misses > 0 { showMemoize(usage) }
    case .materialize, .recursiveUnion: if let storage = counted?.storage { showStorage(storage) }
    case .modifyTable(let modification): showModification(modification, plan, counted)
    default: showFilter(plan, counted)
    }
  }

  /// Conditions that one expression of the statement has become are shown once.
  private func indexConditions(_ scan: IndexScan) -> [TypedExpression] {
    var shown: [TypedExpression] = []
    for condition in scan.conditions where !shown.contains(condition.original) { shown.append(condition.original) }
    return shown
  }

  private func showConditions(_ label: String, _ conditions: [TypedExpression], _ context: DeparseContext) {
    guard !conditions.isEmpty else { return }
    output.property(label, deparser.condition(conditions, context))
  }

  private func showFilter(_ plan: Plan, _ counted: NodeInstrumentation?, isScan: Bool = false) {
    guard !plan.filter.isEmpty else { return }
    showConditions("Filter", plan.filter, context(plan, isScan: isScan))
    if let counted { showRemoved("Rows Removed by Filter", counted.removedByFilter, counted) }
  }

  private func showJoinFilter(_ condition: [TypedExpression], _ plan: Plan, _ counted: NodeInstrumentation?) {
    guard !condition.isEmpty else { return }
    showConditions("Join Filter", condition, context(plan))
    if let counted { showRemoved("Rows Removed by Join Filter", counted.removedByJoinFilter, counted) }
  }

  /// `show_instrumentation_count`: for one loop on average; nothing where text would say none.
  private func showRemoved(_ label: String, _ count: UInt64, _ counted: NodeInstrumentation) {
    guard counted.loops > 0 else { return }
    if output.isText, count == 0 { return }
    output.property(label, Double(count) / Double(counted.loops), digits: 0)
  }

  private func showKeys(_ label: String, _ keys: [JoinKey], _ plan: Plan) {
    guard !keys.isEmpty else { return }
    var (outer, inner) = (context(plan), context(plan))
    (outer.plan, outer.readsOutput) = (plan.inputs[0], true)
    (inner.plan, inner.readsOutput) = (plan.inputs[1], true)
    let parts = keys.map { key in
      let name = deparser.functions.operators[key.order.equality]?.name ?? "="
      let left = deparser.expression(key.outer, outer, showsImplicit: true)
      let right = deparser.expression(key.inner, inner, showsImplicit: true)
      return "(\(left) \(name) \(right))"
    }
    output.property(label, parts.count == 1 ? parts[0] : "(" + parts.joined(separator: " AND ") + ")")
  }

  private func showSortKeys(_ label: String, _ keys: [SortKey], _ plan: Plan, withDirection: Bool = true) {
    guard !keys.isEmpty else { return }
    var own = context(plan)
    (own.plan, own.readsOutput) = (plan.inputs[0], true)
    output.list(
      label,
      keys.map { key in
        deparser.expression(.input(key.column), own, showsImplicit: true)
          + (withDirection ? PlanDeparser.direction(key.order) : "")
      })
  }

  /// As the input computes them (`show_sort_group_keys` over the outer plan's list).
  private func showGroupKeys(_ keys: ArraySlice<SortKey>, _ plan: Plan) {
    guard !keys.isEmpty else { return }
    var own = context(plan)
    own.plan = plan.inputs[0]
    own.readsOutput = own.plan.output == nil
    let list = own.plan.output
    output.list(
      "Group Key",
      keys.map { key in
        let expression = list.flatMap { $0.indices.contains(key.column.index) ? $0[key.column.index] : nil }
        return deparser.expression(expression ?? .input(key.column), own, showsImplicit: true)
      })
  }

  private func showTids(_ places: [TypedExpression], _ plan: Plan, _ counted: NodeInstrumentation?) {
    let own = context(plan, isScan: true)
    let parts = places.map { place in
      place.type.id == .tid
        ? "(ctid = \(deparser.expression(place, own, showsImplicit: true)))"
        : "(ctid = ANY (\(deparser.expression(place, own, showsImplicit: true))))"
    }
    output.property("TID Cond", parts.count == 1 ? parts[0] : "(" + parts.joined(separator: " OR ") + ")")
    showFilter(plan, counted, isScan: true)
  }

  private func showModification(_ modification: TableModification, _ plan: Plan, _ counted: NodeInstrumentation?) {
    guard let conflict = modification.onConflict else { return }
    output.property("Conflict Resolution", conflict.isUpdate ? "UPDATE" : "NOTHING")
    let indexes = deparser.relation(modification.relation)?.indexes ?? []
    let names = conflict.arbiters.compactMap { oid in indexes.first { $0.oid == oid }?.name }
    if !names.isEmpty { output.list("Conflict Arbiter Indexes", names.map { Keyword.quoted($0) }) }
    if let condition = conflict.condition {
      var own = DeparseContext(plan: plan, usesPrefix: true)
      own.isConflict = true
      showConditions("Conflict Filter", [condition], own)
    }
    if let counted {
      output.property("Tuples Inserted", Double(counted.inserted), digits: 0)
      output.property("Conflicting Tuples", Double(counted.conflicts), digits: 0)
    }
  }
}
