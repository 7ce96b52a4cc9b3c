import MillraceTypes

/// One row without columns; or with an input, its rows, unless a condition that does not depend on them is not
/// fulfilled. Also what a subquery in FROM is: its rows, filtered and projected.
final class ResultNode: PlanNode {
  private let input: PlanNode?
  private let condition: CompiledExpression?
  private let projector: RowProjector
  private let row = RowBatch(columns: 0, capacity: 1)
  private var isFirst = true
  private var isFulfilled = true

  init(_ plan: Plan, _ condition: TypedExpression?, _ runtime: PlanRuntime) throws(SQLError) {
    input = try plan.inputs.first.map { (input) throws(SQLError) in try runtime.node(input) }
    self.condition = try condition.map { (condition) throws(SQLError) in try runtime.compiler.compile(condition) }
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override var inputs: [PlanNode] { input.map { [$0] } ?? [] }

  override func produce() throws(SQLError) -> RowBatch? {
    if isFirst {
      if let condition { isFulfilled = try condition.value(projector.arena)?.bool ?? false }
    } else if input == nil {
      return nil
    }
    guard isFulfilled else { return nil }
    isFirst = false
    guard let input else {
      row.setDense(1)
      return try projector.apply(row)
    }
    while let batch = try input.next() {
      if let result = try projector.apply(batch) { return result }
    }
    return nil
  }

  override func reset() { (isFirst, isFulfilled) = (true, true) }

  override func expect(_ rows: Int) { if !projector.hasFilter { input?.expect(rows) } }

  override func restart() throws(SQLError) {
    (isFirst, isFulfilled) = (true, true)
    try input?.rescan()
  }
}
