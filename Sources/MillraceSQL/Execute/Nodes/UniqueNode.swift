import MillraceTypes

/// Of adjacent rows that are equal in some columns the first one.
final class UniqueNode: PlanNode {
  private let input: PlanNode
  private let comparator: RowComparator
  private let keys: KeyColumns
  /// The keys of the last row that was given out.
  private let last: KeptKeys
  private let projector: RowProjector
  private let arena = Arena(chunkSize: 4096)

  init(_ plan: Plan, _ keys: [SortKey], _ runtime: PlanRuntime) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    comparator = try RowComparator(keys)
    self.keys = try KeyColumns(keys, runtime)
    last = KeptKeys(keys.map(\.column.type), runtime)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override var inputs: [PlanNode] { [input] }

  override func produce() throws(SQLError) -> RowBatch? {
    while let batch = try input.next() {
      arena.reset()
      try keys.evaluate(batch, arena)
      var kept = 0
      var previous: Int?
      for place in 0..<batch.count {
        let row = Int(batch.selection[place])
        let isEqual: Bool
        if let previous {
          isEqual = comparator.order(keys.columns, previous, keys.columns, row) == 0
        } else {
          isEqual = !last.isEmpty && comparator.order(last.columns, 0, keys.columns, row) == 0
        }
        if isEqual { continue }
        previous = row
        batch.selection[kept] = UInt16(row)
        kept += 1
      }
      batch.isDense = batch.isDense && kept == batch.count
      batch.count = kept
      if let previous { last.keep(keys.columns, row: previous) }
      if kept > 0, let result = try projector.apply(batch) { return result }
    }
    return nil
  }

  override func restart() throws(SQLError) {
    last.forget()
    try input.rescan()
  }
}
