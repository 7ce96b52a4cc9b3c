import MillraceTypes

/// The rows of VALUES.
final class ValuesNode: PlanNode {
  private let rows: [[TypedExpression]]
  private let projector: RowProjector
  private let batch: RowBatch
  private let arena = Arena(chunkSize: 4096)
  private var position = 0

  init(_ plan: Plan, _ rows: [[TypedExpression]], _ runtime: PlanRuntime) throws(SQLError) {
    self.rows = rows
    batch = RowBatch(
      columns: plan.inputTypes.count, capacity: PlanRuntime.capacity(expecting: Double(rows.count)))
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override func produce() throws(SQLError) -> RowBatch? {
    while position < rows.count {
      arena.reset()
      let count = min(rows.count - position, batch.capacity)
      for row in 0..<count {
        // Each is evaluated once: it is compiled where it is needed, and forgotten.
        for (column, expression) in rows[position + row].enumerated() {
          let compiled = try runtime.compiler.compile(expression)
          let isByValue = runtime.isByValue(expression.type)
          // What a constant owns goes with it.
          let value = try withExtendedLifetime(compiled) { () throws(SQLError) in
            try compiled.value(arena).map { arena.copy($0, isByValue: isByValue) }
          }
          batch.set(column, row: row, value)
        }
      }
      position += count
      batch.setDense(count)
      if let result = try projector.apply(batch) { return result }
    }
    return nil
  }

  override func restart() throws(SQLError) { position = 0 }
}
