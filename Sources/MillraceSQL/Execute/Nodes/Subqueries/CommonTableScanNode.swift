/// Reads a query of WITH that is computed once (src/backend/executor/nodeCtescan.c).
final class CommonTableScanNode: PlanNode {
  private let table: CommonTableStorage
  private let reader: RowStorageReader
  private let projector: RowProjector
  private var versions: ParameterVersions

  init(_ plan: Plan, _ index: Int, _ runtime: PlanRuntime) throws(SQLError) {
    table = try runtime.commonTable(index)
    reader = table.storage.makeReader()
    versions = ParameterVersions(runtime.planned.commonTables[index].plan, runtime)
    _ = versions.areUnchanged(runtime.context)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override func produce() throws(SQLError) -> RowBatch? {
    while true {
      if let batch = try reader.next() {
        if let result = try projector.apply(batch) { return result }
      } else if try !table.advance() {
        return nil
      }
    }
  }

  override func restart() throws(SQLError) {
    reader.rewind()
    if !versions.areUnchanged(context) { try table.restart() }
  }

  override func close() { instrumentation?.storage = table.storage.usage }
}

/// Reads what the last round of a recursion has found (src/backend/executor/nodeWorktablescan.c).
final class WorkTableScanNode: PlanNode {
  private let table: WorkTable
  private var reader: RowStorageReader?
  private let projector: RowProjector

  init(_ plan: Plan, _ index: Int, _ runtime: PlanRuntime) throws(SQLError) {
    table = runtime.workTable(index)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override func produce() throws(SQLError) -> RowBatch? {
    let reader = reader ?? table.storage?.makeReader()
    self.reader = reader
    while let batch = try reader?.next() {
      if let result = try projector.apply(batch) { return result }
    }
    return nil
  }

  override func restart() throws(SQLError) { reader = nil }
}
