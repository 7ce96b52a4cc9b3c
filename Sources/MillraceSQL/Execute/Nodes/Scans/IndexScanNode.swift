import MillraceEngine
import MillraceTypes

/// Rows of a table in the order of an index (src/backend/executor/nodeIndexscan.c).
final class IndexScanNode: PlanNode {
  private let table: TableRows
  private let projector: RowProjector
  private let tree: BTreeIndex
  private let keys: IndexKeys
  /// For keys by which the index finds too much.
  private let recheck: CompiledFilter?
  private let isBackward: Bool
  private let expectsOne: Bool
  private var rows: IndexHeapFetch?
  /// What the last execution has used.
  private var kept: IndexHeapFetch?
  private var isAtEnd = false
  private var expected = Int.max
  private var limit = 1

  init(_ plan: Plan, _ scan: IndexScan, _ runtime: PlanRuntime) throws(SQLError) {
    table = try TableRows(scan.table, runtime, capacity: PlanRuntime.capacity(expecting: plan.cost.rows))
    guard let index = table.relation.indexes.first(where: { $0.oid == scan.index }), let tree = index.tree else {
      throw SQLError(.internalError, "index \(scan.index) of relation \"\(table.relation.name)\" cannot be read")
    }
    self.tree = tree
    keys = try IndexKeys(scan.conditions, tree, runtime)
    recheck = try keys.recheck(scan.conditions, runtime)
    (isBackward, expectsOne) = (scan.isBackward, scan.expectsOne && keys.findsOne)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
    limit = expectsOne ? 1 : 8
  }

  override func produce() throws(SQLError) -> RowBatch? {
    while !isAtEnd {
      guard let rows = try opened() else { return nil }
      let wanted = projector.hasFilter || keys.needsRecheck ? limit : min(limit, expected)
      let table = table
      let count = try engine { () throws(EngineError) in
        try rows.next(table.rows, limit: min(wanted, table.batch.capacity))
      }
      guard count > 0 else {
        isAtEnd = true
        return nil
      }
      table.batch.setDense(count)
      if let recheck, keys.needsRecheck { try look(again: table.batch, recheck) }
      let result = try projector.apply(table.batch)
      // More rows than were expected: larger batches, from the next on.
      if expectsOne || (count < wanted && count < table.batch.capacity) { isAtEnd = true }
      limit = min(limit * 4, RowBatch.capacityMax)
      if let result { return result }
      if limit > table.batch.capacity { table.grow() }
    }
    return nil
  }

  private func look(again batch: RowBatch, _ recheck: CompiledFilter) throws(SQLError) {
    let before = batch.count
    try recheck.apply(batch, projector.arena)
    if let instrumentation { instrumentation.removedByRecheck += UInt64(before - batch.count) }
  }

  private func opened() throws(SQLError) -> IndexHeapFetch? {
    if let rows { return rows }
    guard let found = try keys.find() else {
      isAtEnd = true
      return nil
    }
    if limit > table.batch.capacity { table.grow() }
    let snapshot = try runtime.snapshot()
    if let kept {
      kept.begin(found, snapshot: snapshot)
      (rows, self.kept) = (kept, nil)
      return kept
    }
    let (session, tree, heap) = (session, tree, table.heap)
    let (isBackward, expectsOne) = (isBackward, expectsOne)
    let made = try engine { () throws(EngineError) in
      try IndexHeapFetch(
        BTreeScan(tree, session, found), heap, session, isBackward ? .backward : .forward,
        expectsOne: expectsOne, snapshot: snapshot)
    }
    rows = made
    if let instrumentation { instrumentation.indexSearches = (instrumentation.indexSearches ?? 0) + 1 }
    return made
  }

  override func expect(_ rows: Int) { expected = min(expected, max(rows, 1)) }

  override func restart() throws(SQLError) {
    isAtEnd = false
    table.rows.clear()
    limit = expectsOne ? 1 : 8
    guard let rows else { return }
    guard let found = try keys.find() else {
      isAtEnd = true
      return
    }
    rows.rescan(found)
    if let instrumentation { instrumentation.indexSearches = (instrumentation.indexSearches ?? 0) + 1 }
  }

  override func reset() {
    (isAtEnd, expected) = (false, .max)
    limit = expectsOne ? 1 : 8
  }

  private func addStatistics() {
    guard let instrumentation, let statistics = rows?.statistics else { return }
    var usage = instrumentation.io ?? IOUsage()
    usage.add(statistics)
    instrumentation.io = usage
  }

  override func close() {
    addStatistics()
    table.rows.clear()
    if let rows, rows.canBeKept {
      rows.release()
      kept = rows
    }
    rows = nil
  }
}
