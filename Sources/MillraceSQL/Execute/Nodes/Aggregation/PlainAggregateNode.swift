import MillraceTypes

/// Aggregates over all rows: one row, whatever comes (src/backend/executor/nodeAgg.c).
final class PlainAggregateNode: PlanNode {
  private let input: PlanNode
  private let program: AggregateProgram
  private let state: UnsafeMutableRawPointer
  private let projector: RowProjector
  private let row: RowBatch
  private let arena = Arena(chunkSize: 16 << 10)
  private var hasState = false
  private var isDone = false

  init(_ plan: Plan, _ aggregates: [AggregateExpression], _ runtime: PlanRuntime) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    program = try AggregateProgram(aggregates, runtime.compiler)
    state = .allocate(byteCount: max(program.stateSize, 8), alignment: 16)
    row = RowBatch(columns: aggregates.count, capacity: 1)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  deinit {
    if hasState { program.release(state) }
    state.deallocate()
  }

  override var inputs: [PlanNode] { [input] }

  override func produce() throws(SQLError) -> RowBatch? {
    guard !isDone else { return nil }
    isDone = true
    if hasState { program.release(state) }
    program.initialize(state)
    hasState = true
    while let batch = try input.next() {
      arena.reset()
      try program.accumulate(batch, into: state, arena)
    }
    arena.reset()
    try program.finish(state, into: row, row: 0, column: 0, arena)
    row.setDense(1)
    return try projector.apply(row)
  }

  override func restart() throws(SQLError) {
    isDone = false
    try input.rescan()
  }
}
