import MillraceEngine
import MillraceTypes

/// Rows in the order of an index, which has all that is wanted of them (src/backend/executor/nodeIndexonlyscan.c).
final class IndexOnlyScanNode: PlanNode {
  private let heap: HeapRelation
  private let tree: BTreeIndex
  /// The table's columns, of which those are filled in that are wanted.
  private let batch: RowBatch
  private let wanted: [IndexOnlyFetch.Column]
  private let projector: RowProjector
  private let keys: IndexKeys
  /// For keys by which the index finds too much.
  private let recheck: CompiledFilter?
  private let isBackward: Bool
  private var rows: IndexOnlyFetch?
  private var isAtEnd = false
  private var expected = Int.max

  init(_ plan: Plan, _ scan: IndexScan, _ runtime: PlanRuntime) throws(SQLError) {
    let relation = try runtime.relation(scan.table.relation)
    guard let heap = relation.heap, let index = relation.indexes.first(where: { $0.oid == scan.index }),
      let tree = index.tree
    else {
      throw SQLError(.internalError, "index \(scan.index) of relation \"\(relation.name)\" cannot be read")
    }
    (self.heap, self.tree) = (heap, tree)
    var wanted: [IndexOnlyFetch.Column] = []
    for column in scan.table.columns {
      guard let number = index.columns.firstIndex(where: { $0.column == column }) else {
        throw SQLError(.internalError, "index \"\(index.name)\" has no column \(column + 1) of its table")
      }
      wanted.append(IndexOnlyFetch.Column(number, target: column))
    }
    self.wanted = wanted
    batch = RowBatch(
      columns: relation.tuple.count + SystemColumn.allCases.count,
      capacity: PlanRuntime.capacity(expecting: plan.cost.rows))
    keys = try IndexKeys(scan.conditions, tree, runtime)
    recheck = try keys.recheck(scan.conditions, runtime)
    isBackward = scan.isBackward
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override func produce() throws(SQLError) -> RowBatch? {
    while !isAtEnd {
      guard let rows = try opened() else { return nil }
      let limit = projector.hasFilter || keys.needsRecheck ? batch.capacity : min(batch.capacity, expected)
      let columns = batch.columns
      let count = try engine { () throws(EngineError) in try rows.next(into: columns, limit: limit) }
      guard count > 0 else {
        isAtEnd = true
        return nil
      }
      batch.setDense(count)
      if let recheck, keys.needsRecheck { try look(again: recheck) }
      if let result = try projector.apply(batch) { return result }
    }
    return nil
  }

  private func look(again recheck: CompiledFilter) throws(SQLError) {
    let before = batch.count
    try recheck.apply(batch, projector.arena)
    if let instrumentation { instrumentation.removedByRecheck += UInt64(before - batch.count) }
  }

  private func opened() throws(SQLError) -> IndexOnlyFetch? {
    if let rows { return rows }
    guard let found = try keys.find() else {
      isAtEnd = true
      return nil
    }
    let snapshot = try runtime.snapshot()
    let (session, tree, heap, wanted, isBackward) = (session, tree, heap, wanted, isBackward)
    let made = try engine { () throws(EngineError) in
      try IndexOnlyFetch(
        BTreeScan(tree, session, found, wantsTuples: true), heap, session, wanted, isBackward ? .backward : .forward,
        snapshot: snapshot)
    }
    rows = made
    countSearch()
    return made
  }

  private func countSearch() {
    if let instrumentation { instrumentation.indexSearches = (instrumentation.indexSearches ?? 0) + 1 }
  }

  override func expect(_ rows: Int) { expected = min(expected, max(rows, 1)) }

  override func restart() throws(SQLError) {
    isAtEnd = false
    guard let rows else { return }
    guard let found = try keys.find() else {
      isAtEnd = true
      return
    }
    rows.rescan(found)
    countSearch()
  }

  override func reset() { (isAtEnd, expected) = (false, .max) }

  private func addStatistics() {
    guard let instrumentation, let rows else { return }
    instrumentation.heapFetches = (instrumentation.heapFetches ?? 0) + rows.heapFetches
    guard let statistics = rows.statistics else { return }
    var usage = instrumentation.io ?? IOUsage()
    usage.add(statistics)
    instrumentation.io = usage
  }

  override func close() {
    addStatistics()
    rows = nil
  }
}
