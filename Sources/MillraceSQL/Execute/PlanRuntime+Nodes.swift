extension PlanRuntime {
  /// Makes the node of a plan, and those below.
  func node(_ plan: Plan) throws(SQLError) -> PlanNode {
    if let replaced = try replacedScan(plan) { return replaced }
    return try ordinaryNode(plan)
  }

  private func ordinaryNode(_ plan: Plan) throws(SQLError) -> PlanNode {
    switch plan.operation {
    case .result(let condition): try ResultNode(plan, condition, self)
    case .values(let rows): try ValuesNode(plan, rows, self)
    case .sequentialScan(let scan): try SequentialScanNode(plan, scan, self)
    case .indexScan(let scan):
      scan.isIndexOnly ? try IndexOnlyScanNode(plan, scan, self) : try IndexScanNode(plan, scan, self)
    case .bitmapHeapScan(let scan, let recheck): try BitmapHeapScanNode(plan, scan, recheck, self)
    case .tidScan(let scan, let places): try TIDScanNode(plan, scan, places, self)
    case .bitmapIndexScan, .bitmapAnd, .bitmapOr:
      preconditionFailure("a bitmap is made outside of a bitmap heap scan")
    case .functionScan(let call, let withOrdinality, _):
      try FunctionScanNode(plan, call, withOrdinality: withOrdinality, self)
    case .projectSet: try ProjectSetNode(plan, self)
    case .subqueryScan: try ResultNode(plan, nil, self)
    case .commonTableScan(let index, _): try CommonTableScanNode(plan, index, self)
    case .workTableScan(let index, _): try WorkTableScanNode(plan, index, self)
    case .recursiveUnion(let index, let isAll, _): try RecursiveUnionNode(plan, index, isAll: isAll, self)
    case .nestedLoop(let kind, let condition, let parameters):
      try NestedLoopNode(plan, kind, condition, parameters, self)
    case .hashJoin(let kind, let keys, let condition): try HashJoinNode(plan, kind, keys, condition, self)
    case .mergeJoin(let kind, let keys, let condition): try MergeJoinNode(plan, kind, keys, condition, self)
    case .materialize: try MaterializeNode(plan, self)
    case .memoize(let memoization): try MemoizeNode(plan, memoization, self)
    case .sort(let keys): try SortNode(plan, keys, self)
    case .incrementalSort(let keys, let presorted): try IncrementalSortNode(plan, keys, presorted, self)
    case .unique(let keys): try UniqueNode(plan, keys, self)
    case .aggregate(let strategy, let keys, let aggregates): try aggregate(plan, strategy, keys, aggregates)
    case .limit(let count, let offset, let tieKeys): try LimitNode(plan, count, offset, tieKeys, self)
    case .append: try AppendNode(plan, self)
    case .setOperation(let kind, let isAll, _): try SetOperationNode(plan, kind, isAll: isAll, self)
    case .lockRows(let marks): try LockRowsNode(plan, marks, self)
    case .modifyTable(let modification): try ModifyTableNode(plan, modification, self)
    }
  }

  private func aggregate(
    _ plan: Plan, _ strategy: AggregateStrategy, _ keys: [SortKey], _ aggregates: [AggregateExpression]
  ) throws(SQLError) -> PlanNode {
    switch strategy {
    case .plain: try PlainAggregateNode(plan, aggregates, self)
    case .sorted: try SortedAggregateNode(plan, keys, aggregates, self)
    case .hashed: try HashedAggregateNode(plan, keys, aggregates, self)
    }
  }

  /// The scan of a table, where one row stands in the table's place.
  private func replacedScan(_ plan: Plan) throws(SQLError) -> PlanNode? {
    guard let replacement else { return nil }
    let scan: TableScan
    switch plan.operation {
    case .sequentialScan(let table), .bitmapHeapScan(let table, _), .tidScan(let table, _): scan = table
    case .indexScan(let index): scan = index.table
    default: return nil
    }
    guard replacement.relation == scan.relation, replacement.alias.isEmpty || replacement.alias == scan.alias else {
      return nil
    }
    return try ReplacedRowNode(plan, scan, replacement, self)
  }
}
