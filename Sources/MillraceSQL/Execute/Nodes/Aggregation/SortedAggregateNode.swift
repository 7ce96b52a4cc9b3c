import MillraceEngine
import MillraceTypes

/// Aggregates over groups of adjacent rows (src/backend/executor/nodeAgg.c).
final class SortedAggregateNode: PlanNode {
  private let input: PlanNode
  private let program: AggregateProgram
  private let keys: KeyColumns
  private let comparator: RowComparator
  private let projector: RowProjector
  private let result: RowBatch
  private let arena = Arena(chunkSize: 16 << 10)
  private let resultArena = Arena(chunkSize: 4096)
  /// The keys of the group that goes on.
  private let open: KeptKeys
  private var hasOpen = false
  /// The states of the groups of a batch, the one that goes on first, one behind the other.
  private let states: UnsafeMutableRawPointer
  private let stride: Int
  private let rowStates: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private var isAtEnd = false

  init(
    _ plan: Plan, _ keys: [SortKey], _ aggregates: [AggregateExpression], _ runtime: PlanRuntime
  ) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    program = try AggregateProgram(aggregates, runtime.compiler)
    self.keys = try KeyColumns(keys, runtime)
    comparator = try RowComparator(keys)
    open = KeptKeys(keys.map(\.column.type), runtime)
    result = RowBatch(columns: keys.count + aggregates.count)
    stride = max(program.stateSize, 8)
    states = .allocate(byteCount: stride * (RowBatch.capacityMax + 1), alignment: 16)
    rowStates = .allocate(capacity: RowBatch.capacityMax)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  deinit {
    if hasOpen { program.release(states) }
    states.deallocate()
    rowStates.deallocate()
  }

  override var inputs: [PlanNode] { [input] }

  override func produce() throws(SQLError) -> RowBatch? {
    while !isAtEnd {
      resultArena.reset()
      guard let batch = try input.next() else {
        isAtEnd = true
        guard hasOpen else { return nil }
        try finish(group: 0, row: 0, keys: open.columns, keyRow: 0)
        program.release(states)
        hasOpen = false
        result.setDense(1)
        return try projector.apply(result)
      }
      arena.reset()
      let finished = try add(batch)
      guard finished > 0 else { continue }
      result.setDense(finished)
      if let given = try projector.apply(result) { return given }
    }
    return nil
  }

  /// Adds a batch. - Returns: how many groups have ended by that, whose rows stand in ``result``.
  private func add(_ batch: RowBatch) throws(SQLError) -> Int {
    try keys.evaluate(batch, arena)
    // For each group of the batch the row that its keys are taken from; nil for the one that goes on.
    var firstRows: [Int?] = hasOpen ? [nil] : []
    var previous: Int?
    for place in 0..<batch.count {
      let row = Int(batch.selection[place])
      let isEqual: Bool
      if let previous {
        isEqual = comparator.order(keys.columns, previous, keys.columns, row) == 0
      } else {
        isEqual = hasOpen && comparator.order(open.columns, 0, keys.columns, row) == 0
      }
      if !isEqual {
        program.initialize(states + firstRows.count * stride)
        firstRows.append(row)
      }
      rowStates[row] = states + (firstRows.count - 1) * stride
      previous = row
    }
    if firstRows.count == 1 {
      try program.accumulate(batch, into: states, arena)
    } else {
      try program.accumulate(batch, states: rowStates, arena)
    }
    let finished = firstRows.count - 1
    for group in 0..<finished {
      if let row = firstRows[group] {
        try finish(group: group, row: group, keys: keys.columns, keyRow: row)
      } else {
        try finish(group: group, row: group, keys: open.columns, keyRow: 0)
      }
      program.release(states + group * stride)
    }
    if finished > 0 { states.copyMemory(from: states + finished * stride, byteCount: stride) }
    if let row = firstRows[finished] { open.keep(keys.columns, row: row) }
    hasOpen = true
    return finished
  }

  private func finish(
    group: Int, row: Int, keys: UnsafePointer<TupleColumn>, keyRow: Int
  ) throws(SQLError) {
    for index in 0..<self.keys.count {
      result.column(index)[row] = keys[index].values[keyRow]
      result.columnNulls(index)[row] = keys[index].nulls[keyRow]
    }
    try program.finish(states + group * stride, into: result, row: row, column: self.keys.count, resultArena)
  }

  override func restart() throws(SQLError) {
    if hasOpen { program.release(states) }
    (hasOpen, isAtEnd) = (false, false)
    open.forget()
    try input.rescan()
  }
}
