/// WITH RECURSIVE: the rows of the first input, then those of the second, which reads the rows of the round before,
/// until there are none (src/backend/executor/nodeRecursiveunion.c).
final class RecursiveUnionNode: PlanNode {
  private let first: PlanNode
  private let recursive: PlanNode
  private let table: WorkTable
  private let projector: RowProjector
  /// Rows that were found already, where each counts once.
  private let known: RowSet?
  private var next: RowStorage
  private var isRecursing = false

  init(_ plan: Plan, _ index: Int, isAll: Bool, _ runtime: PlanRuntime) throws(SQLError) {
    table = runtime.workTable(index)
    first = try runtime.node(plan.inputs[0])
    recursive = try runtime.node(plan.inputs[1])
    let types = plan.inputs[0].outputTypes
    known = isAll ? nil : try RowSet(types, runtime)
    next = RowStorage(types, runtime, canSpill: false)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override var inputs: [PlanNode] { [first, recursive] }

  override func produce() throws(SQLError) -> RowBatch? {
    while true {
      if let batch = try isRecursing ? recursive.next() : first.next() {
        if let known { try known.keepNew(batch) }
        guard batch.count > 0 else { continue }
        try next.append(batch)
        if let result = try projector.apply(batch) { return result }
        continue
      }
      guard next.count > 0 else { return nil }
      table.storage = next
      next = RowStorage(plan.inputs[0].outputTypes, runtime, canSpill: false)
      if !isRecursing { isRecursing = true }
      try recursive.rescan()
    }
  }

  override func restart() throws(SQLError) {
    isRecursing = false
    known?.removeAll()
    next.removeAll()
    table.storage = nil
    try first.rescan()
  }

  override func close() {
    known?.removeAll()
    table.storage = nil
  }
}
