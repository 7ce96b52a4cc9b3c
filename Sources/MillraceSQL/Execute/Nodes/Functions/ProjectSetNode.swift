import MillraceEngine
import MillraceTypes

/// Set-returning functions in a SELECT list: each row of the input gives as many rows as the longest of them has
/// (src/backend/executor/nodeProjectSet.c).
final class ProjectSetNode: PlanNode {
  private enum Column {
    case value(CompiledExpression)
    case set(CompiledSetFunction)
  }

  private let input: PlanNode
  private var columns: [Column] = []
  private let batch: RowBatch
  private let filter: CompiledFilter
  private let arena = Arena(chunkSize: 4096)
  private let resultArena = Arena(chunkSize: 16 << 10)
  private var source: RowBatch?
  private var place = 0
  private var values: [ColumnVector?] = []
  /// Whether the functions are in the midst of the present row, and which of them have ended.
  private var isInside = false
  private var hasEnded: [Bool] = []

  init(_ plan: Plan, _ runtime: PlanRuntime) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    let catalog = runtime.context.catalog
    let functions = try engine { () throws(EngineError) in try catalog.functions() }
    for expression in plan.output ?? [] {
      if case .call(let call) = expression, functions.functions[call.function]?.returnsSet == true {
        columns.append(.set(try runtime.compiler.setFunction(call)))
      } else {
        columns.append(.value(try runtime.compiler.compile(expression)))
      }
    }
    batch = RowBatch(columns: columns.count)
    filter = try runtime.compiler.filter(plan.filter)
    let counters = runtime.instrument(plan)
    super.init(plan, runtime, counters)
  }

  override var inputs: [PlanNode] { [input] }

  override func produce() throws(SQLError) -> RowBatch? {
    resultArena.reset()
    var count = 0
    while count < batch.capacity {
      if source == nil || place == source?.count {
        // What has been put together refers to the source's values.
        if count > 0 { break }
        guard try advance() else { return nil }
        continue
      }
      guard let source else { return nil }
      let row = Int(source.selection[place])
      if !isInside { try start(source, row) }
      let added = try fill(from: count, row)
      count += added
      if added == 0 {
        isInside = false
        place += 1
      }
    }
    batch.setDense(count)
    return batch
  }

  private func advance() throws(SQLError) -> Bool {
    source = try input.next()
    place = 0
    guard let source else { return false }
    arena.reset()
    try filter.apply(source, arena)
    values.removeAll(keepingCapacity: true)
    for column in columns {
      if case .value(let expression) = column, source.count > 0 {
        values.append(try expression.evaluate(source, arena))
      } else {
        values.append(nil)
      }
    }
    return true
  }

  private func start(_ source: RowBatch, _ row: Int) throws(SQLError) {
    isInside = true
    hasEnded = columns.map { column in if case .set = column { false } else { true } }
    for column in columns {
      if case .set(let function) = column { try function.start(source, row: row, arena) }
    }
  }

  /// Adds the next rows of the present row. - Returns: how many; 0 at their end.
  private func fill(from start: Int, _ row: Int) throws(SQLError) -> Int {
    let limit = batch.capacity - start
    var counts = Array(repeating: 0, count: columns.count)
    for (index, column) in columns.enumerated() where !hasEnded[index] {
      guard case .set(let function) = column else { continue }
      // All together: what one has more than another would have to be kept.
      var added = 0
      while added < limit {
        let more = try function.next(
          into: batch.columns + index, from: start + added, limit: limit - added, resultArena)
        if more == 0 {
          hasEnded[index] = true
          break
        }
        added += more
      }
      counts[index] = added
    }
    let count = counts.max() ?? 0
    for (index, column) in columns.enumerated() {
      let (target, nulls) = (batch.column(index), batch.columnNulls(index))
      if case .value = column, let vector = values[index] {
        for place in start..<start + count { (target[place], nulls[place]) = (vector.values[row], vector.nulls[row]) }
      } else {
        for place in start + counts[index]..<start + count { (target[place], nulls[place]) = (Datum(word: 0), true) }
      }
    }
    return count
  }

  override func restart() throws(SQLError) {
    (source, place, isInside) = (nil, 0, false)
    try input.rescan()
  }
}
