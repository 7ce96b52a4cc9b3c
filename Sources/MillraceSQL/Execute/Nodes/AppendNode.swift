/// The rows of one input after the other: UNION ALL.
final class AppendNode: PlanNode {
  private let nodes: [PlanNode]
  private let projector: RowProjector
  private var current = 0

  init(_ plan: Plan, _ runtime: PlanRuntime) throws(SQLError) {
    var nodes: [PlanNode] = []
    for input in plan.inputs { nodes.append(try runtime.node(input)) }
    self.nodes = nodes
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override var inputs: [PlanNode] { nodes }

  override func produce() throws(SQLError) -> RowBatch? {
    while current < nodes.count {
      while let batch = try nodes[current].next() {
        if let result = try projector.apply(batch) { return result }
      }
      current += 1
    }
    return nil
  }

  override func expect(_ rows: Int) {
    if !projector.hasFilter { for node in nodes { node.expect(rows) } }
  }

  override func restart() throws(SQLError) {
    current = 0
    for node in nodes { try node.rescan() }
  }
}
