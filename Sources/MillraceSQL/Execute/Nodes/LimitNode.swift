import MillraceTypes

/// LIMIT, OFFSET, FETCH FIRST … WITH TIES: some of the rows (src/backend/executor/nodeLimit.c).
final class LimitNode: PlanNode {
  private let input: PlanNode
  private let count: CompiledExpression?
  private let offset: CompiledExpression?
  private let ties: RowComparator?
  private let projector: RowProjector
  private let arena = Arena(chunkSize: 256)
  private var hasBounds = false
  /// Rows still to be passed over, and still to be given out; nil without a limit.
  private var toSkip: Int64 = 0
  private var left: Int64?
  /// The last row within the limit, for those that are equal to it.
  private var last: RowBatch?
  private var isInTies = false

  init(
    _ plan: Plan, _ count: TypedExpression?, _ offset: TypedExpression?, _ tieKeys: [SortKey], _ runtime: PlanRuntime
  ) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    self.count = try count.map { (count) throws(SQLError) in try runtime.compiler.compile(count) }
    self.offset = try offset.map { (offset) throws(SQLError) in try runtime.compiler.compile(offset) }
    ties = tieKeys.isEmpty ? nil : try RowComparator(tieKeys)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    try super.init(plan, runtime, counters)
  }

  override var inputs: [PlanNode] { [input] }

  /// Finds out what the limits are, which can be parameters.
  private func findBounds() throws(SQLError) {
    hasBounds = true
    arena.reset()
    toSkip = try offset?.value(arena)?.int64 ?? 0
    if toSkip < 0 { throw SQLError(SQLState("2201X"), "OFFSET must not be negative") }
    left = try count?.value(arena)?.int64
    if let left {
      if left < 0 { throw SQLError(SQLState("2201W"), "LIMIT must not be negative") }
      if ties == nil {
        let (sum, hasOverflown) = left.addingReportingOverflow(toSkip)
        if !hasOverflown { input.expect(Int(sum)) }
      }
    }
  }

  override func produce() throws(SQLError) -> RowBatch? {
    if !hasBounds { try findBounds() }
    if isInTies { return try nextTies() }
    if let left, left == 0 { return nil }
    while let batch = try input.next() {
      if toSkip > 0 {
        let skipped = Int(min(toSkip, Int64(batch.count)))
        batch.dropFirst(skipped)
        toSkip -= Int64(skipped)
        if batch.count == 0 { continue }
      }
      if let left {
        if Int64(batch.count) >= left, ties != nil {
          let kept = keepTies(batch, Int(left))
          self.left = 0
          return try projector.apply(kept)
        }
        batch.truncate(Int(min(left, Int64(batch.count))))
        self.left = left - Int64(batch.count)
      }
      return try projector.apply(batch)
    }
    return nil
  }

  /// Cuts a batch off behind the rows that are equal to the last one within the limit.
  private func keepTies(_ batch: RowBatch, _ count: Int) -> RowBatch {
    let row = Int(batch.selection[count - 1])
    remember(batch, row)
    var end = count
    while end < batch.count, isTie(batch, Int(batch.selection[end])) { end += 1 }
    isInTies = end == batch.count
    batch.truncate(end)
    return batch
  }

  private func nextTies() throws(SQLError) -> RowBatch? {
    guard let batch = try input.next() else { return nil }
    var end = 0
    while end < batch.count, isTie(batch, Int(batch.selection[end])) { end += 1 }
    if end < batch.count { isInTies = false }
    guard end > 0 else { return nil }
    batch.truncate(end)
    return try projector.apply(batch)
  }

  private func remember(_ batch: RowBatch, _ row: Int) {
    let kept = RowBatch(columns: batch.columnCount, capacity: 1)
    for column in 0..<batch.columnCount {
      let isByValue = runtime.isByValue(plan.inputs[0].outputTypes[column])
      kept.set(
        column, row: 0, batch.value(column, row: row).map { context.arena.copy($0, isByValue: isByValue) })
    }
    kept.setDense(1)
    last = kept
  }

  private func isTie(_ batch: RowBatch, _ row: Int) -> Bool {
    guard let last, let ties else { return false }
    return ties.order(last, 0, batch, row) == 0
  }

  override func restart() throws(SQLError) {
    (hasBounds, isInTies, last) = (false, false, nil)
    try input.rescan()
  }
}
