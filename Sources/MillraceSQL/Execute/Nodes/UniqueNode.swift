import MillraceTypes

/// Of adjacent rows that are equal in some columns the first one.
final class UniqueNode: PlanNode {
  private let input: PlanNode
  private let comparator: RowComparator
  private let projector: RowProjector
  /// The keys of the last row that was given out.
  private let last: RowBatch
  private var hasLast = false
  private var arenas = (Arena(chunkSize: 1024), Arena(chunkSize: 1024))

  init(_ plan: Plan, _ keys: [SortKey], _ runtime: PlanRuntime) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    comparator = try RowComparator(keys)
    last = RowBatch(columns: plan.inputs[0].outputTypes.count, capacity: 1)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    try super.init(plan, runtime, counters)
  }

  override var inputs: [PlanNode] { [input] }

  override func produce() throws(SQLError) -> RowBatch? {
    while let batch = try input.next() {
      try detoastKeys(of: batch)
      var kept = 0
      var previous: Int?
      for place in 0..<batch.count {
        let row = Int(batch.selection[place])
        let isEqual: Bool
        if let previous {
          isEqual = comparator.order(batch, previous, batch, row) == 0
        } else {
          isEqual = hasLast && comparator.order(last, 0, batch, row) == 0
        }
        if isEqual { continue }
        previous = row
        batch.selection[kept] = UInt16(row)
        kept += 1
      }
      batch.isDense = batch.isDense && kept == batch.count
      batch.count = kept
      if let previous { remember(batch, previous) }
      if kept > 0, let result = try projector.apply(batch) { return result }
    }
    return nil
  }

  private func detoastKeys(of batch: RowBatch) throws(SQLError) {
    for key in comparator.keys { try batch.detoast(key.column, session, projector.arena) }
  }

  private func remember(_ batch: RowBatch, _ row: Int) {
    swap(&arenas.0, &arenas.1)
    arenas.0.reset()
    for key in comparator.keys {
      let isByValue = runtime.isByValue(plan.inputs[0].outputTypes[key.column])
      last.set(
        key.column, row: 0, batch.value(key.column, row: row).map { arenas.0.copy($0, isByValue: isByValue) })
    }
    hasLast = true
  }

  override func restart() throws(SQLError) {
    hasLast = false
    try input.rescan()
  }
}
