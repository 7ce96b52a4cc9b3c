import MillraceTypes

/// LIMIT, OFFSET, FETCH FIRST … WITH TIES: some of the rows (src/backend/executor/nodeLimit.c).
final class LimitNode: PlanNode {
  private let input: PlanNode
  private let count: CompiledExpression?
  private let offset: CompiledExpression?
  private let ties: RowComparator?
  private let tieKeys: KeyColumns?
  /// The keys of the last row within the limit, for those that are equal to it.
  private let last: KeptKeys?
  private let projector: RowProjector
  private let arena = Arena(chunkSize: 256)
  private var hasBounds = false
  /// Rows still to be passed over, and still to be given out; nil without a limit.
  private var toSkip: Int64 = 0
  private var left: Int64?
  private var isInTies = false

  init(
    _ plan: Plan, _ count: TypedExpression?, _ offset: TypedExpression?, _ tieKeys: [SortKey], _ runtime: PlanRuntime
  ) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    self.count = try count.map { (count) throws(SQLError) in try runtime.compiler.compile(count) }
    self.offset = try offset.map { (offset) throws(SQLError) in try runtime.compiler.compile(offset) }
    ties = tieKeys.isEmpty ? nil : try RowComparator(tieKeys)
    self.tieKeys = tieKeys.isEmpty ? nil : try KeyColumns(tieKeys, runtime)
    last = tieKeys.isEmpty ? nil : KeptKeys(tieKeys.map(\.column.type), runtime)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
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
          let kept = try keepTies(batch, Int(left))
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
  private func keepTies(_ batch: RowBatch, _ count: Int) throws(SQLError) -> RowBatch {
    if let tieKeys, let last {
      try tieKeys.evaluate(batch, arena)
      last.keep(tieKeys.columns, row: Int(batch.selection[count - 1]))
    }
    let end = endOfTies(batch, from: count)
    isInTies = end == batch.count
    batch.truncate(end)
    return batch
  }

  private func nextTies() throws(SQLError) -> RowBatch? {
    guard let batch = try input.next() else { return nil }
    arena.reset()
    try tieKeys?.evaluate(batch, arena)
    let end = endOfTies(batch, from: 0)
    if end < batch.count { isInTies = false }
    guard end > 0 else { return nil }
    batch.truncate(end)
    return try projector.apply(batch)
  }

  private func endOfTies(_ batch: RowBatch, from start: Int) -> Int {
    guard let last, let ties, let tieKeys else { return start }
    var end = start
    while end < batch.count, ties.order(last.columns, 0, tieKeys.columns, Int(batch.selection[end])) == 0 { end += 1 }
    return end
  }

  override func restart() throws(SQLError) {
    (hasBounds, isInTies) = (false, false)
    last?.forget()
    try input.rescan()
  }
}
