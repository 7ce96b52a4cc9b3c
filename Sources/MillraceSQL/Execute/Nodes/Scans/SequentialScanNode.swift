import MillraceEngine
import MillraceSettings

/// All rows of a table (src/backend/executor/nodeSeqscan.c).
final class SequentialScanNode: PlanNode {
  private let table: TableRows
  private let projector: RowProjector
  private let isSynchronized: Bool
  private var scan: HeapBatchScan?
  private var isAtEnd = false
  private var expected = Int.max
  /// Pages that the next batch may take: few at first, since often few rows are wanted.
  private var pageLimit = 1

  init(_ plan: Plan, _ scan: TableScan, _ runtime: PlanRuntime) throws(SQLError) {
    table = try TableRows(scan, runtime, capacity: RowBatch.capacityMax)
    isSynchronized = runtime.context.environment.settings[.synchronizeSeqscans]
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override func produce() throws(SQLError) -> RowBatch? {
    if isAtEnd { return nil }
    let scan = try opened()
    let limit = projector.hasFilter ? .max : expected
    while true {
      let (table, pages) = (table, pageLimit)
      let count = try engine { () throws(EngineError) in
        try scan.next(table.rows, limit: min(limit, table.batch.capacity), pageLimit: pages)
      }
      guard count > 0 else {
        addStatistics()
        isAtEnd = true
        return nil
      }
      if pageLimit < 64 { pageLimit *= 2 }
      table.batch.setDense(count)
      if let result = try projector.apply(table.batch) { return result }
    }
  }

  private func opened() throws(SQLError) -> HeapBatchScan {
    if let scan { return scan }
    let snapshot = try runtime.snapshot()
    let (heap, session, isSynchronized) = (table.heap, session, isSynchronized)
    let made = try engine { () throws(EngineError) in
      try HeapBatchScan(heap, session, snapshot: snapshot, isSynchronized: isSynchronized)
    }
    scan = made
    return made
  }

  /// Hands the stream's counters over, once for a scan.
  private func addStatistics() {
    guard let instrumentation, let scan else { return }
    var usage = instrumentation.io ?? IOUsage()
    usage.add(scan.statistics)
    instrumentation.io = usage
    self.scan = nil
  }

  override func expect(_ rows: Int) { expected = min(expected, max(rows, 1)) }

  override func restart() throws(SQLError) {
    addStatistics()
    table.rows.clear()
    (scan, pageLimit, isAtEnd) = (nil, 1, false)
  }

  override func reset() { (pageLimit, isAtEnd, expected) = (1, false, .max) }

  override func close() {
    addStatistics()
    table.rows.clear()
    scan = nil
  }
}
