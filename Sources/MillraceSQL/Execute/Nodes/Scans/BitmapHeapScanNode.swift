import MillraceEngine

/// Rows of a table whose places indexes have found, in the order of their places
/// (src/backend/executor/nodeBitmapHeapscan.c).
final class BitmapHeapScanNode: PlanNode {
  private let table: TableRows
  private let projector: RowProjector
  private let bitmap: BitmapSource
  private let recheck: CompiledFilter
  private var scan: HeapBitmapScan?
  /// Pages that the next batch may take: few at first, since often few rows are wanted.
  private var pageLimit = 1

  init(
    _ plan: Plan, _ scan: TableScan, _ recheck: [TypedExpression], _ runtime: PlanRuntime
  ) throws(SQLError) {
    table = try TableRows(scan, runtime, capacity: RowBatch.capacityMax)
    bitmap = try BitmapSource.make(plan.inputs[0], table.relation, runtime)
    self.recheck = try runtime.compiler.filter(recheck)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override func produce() throws(SQLError) -> RowBatch? {
    let scan = try opened()
    let (table, batch) = (table, table.batch)
    while true {
      let pages = pageLimit
      let count = try engine { () throws(EngineError) in try scan.next(table.rows, pageLimit: pages) }
      if count == 0 { return nil }
      if pageLimit < 256 { pageLimit *= 2 }
      batch.setDense(table.rows.count)
      if scan.needsRecheck, !recheck.isEmpty {
        let before = batch.count
        try recheck.apply(batch, projector.arena)
        if let instrumentation { instrumentation.removedByRecheck += UInt64(before - batch.count) }
        if batch.count == 0 { continue }
      }
      if let result = try projector.apply(batch) { return result }
    }
  }

  private func opened() throws(SQLError) -> HeapBitmapScan {
    if let scan { return scan }
    var places = TupleBitmap(memoryLimit: runtime.workMemory)
    try bitmap.fill(&places)
    let snapshot = try runtime.snapshot()
    let (heap, session) = (table.heap, session)
    let made = try engine { () throws(EngineError) in
      try HeapBitmapScan(places, heap, session, snapshot: snapshot)
    }
    scan = made
    return made
  }

  override func restart() throws(SQLError) {
    addStatistics()
    table.rows.clear()
    (scan, pageLimit) = (nil, 1)
  }

  private func addStatistics() {
    guard let instrumentation, let scan else { return }
    var usage = instrumentation.io ?? IOUsage()
    usage.add(scan.statistics)
    instrumentation.io = usage
    instrumentation.exactBlocks += scan.exactCount
    instrumentation.lossyBlocks += scan.lossyCount
  }

  override func close() {
    addStatistics()
    table.rows.clear()
    scan = nil
  }
}
