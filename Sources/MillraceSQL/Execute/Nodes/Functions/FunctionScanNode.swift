import MillraceEngine
import MillraceTypes

/// The rows of a function in FROM (src/backend/executor/nodeFunctionscan.c).
final class FunctionScanNode: PlanNode {
  private let function: CompiledSetFunction
  private let projector: RowProjector
  private let batch: RowBatch
  private let nothing = RowBatch(columns: 0, capacity: 1)
  private let arguments = Arena(chunkSize: 1024)
  private let arena = Arena(chunkSize: 16 << 10)
  private let withOrdinality: Bool
  private var number: Int64 = 0
  private var isStarted = false
  private var expected = Int.max

  init(_ plan: Plan, _ call: CallExpression, withOrdinality: Bool, _ runtime: PlanRuntime) throws(SQLError) {
    self.withOrdinality = withOrdinality
    function = try FunctionScanNode.compile(call, runtime)
    batch = RowBatch(
      columns: plan.inputTypes.count, capacity: PlanRuntime.capacity(expecting: plan.cost.rows))
    nothing.setDense(1)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  private static func compile(_ call: CallExpression, _ runtime: PlanRuntime) throws(SQLError) -> CompiledSetFunction {
    let catalog = runtime.context.catalog
    let functions = try engine { () throws(EngineError) in try catalog.functions() }
    if functions.functions[call.function]?.returnsSet == true { return try runtime.compiler.setFunction(call) }
    return SingleRowFunction(try runtime.compiler.compile(.call(call)))
  }

  override func produce() throws(SQLError) -> RowBatch? {
    if !isStarted {
      isStarted = true
      number = 0
      arguments.reset()
      try function.start(nothing, row: 0, arguments)
    }
    while true {
      arena.reset()
      let limit = projector.hasFilter ? batch.capacity : min(batch.capacity, expected)
      let count = try function.next(into: batch.columns, from: 0, limit: limit, arena)
      guard count > 0 else { return nil }
      if withOrdinality {
        for row in 0..<count {
          number += 1
          batch.set(batch.columnCount - 1, row: row, Datum(number))
        }
      }
      batch.setDense(count)
      if let result = try projector.apply(batch) { return result }
    }
  }

  override func expect(_ rows: Int) { expected = max(rows, 1) }

  override func restart() throws(SQLError) { isStarted = false }
}

/// A function in FROM that returns one value: one row.
private final class SingleRowFunction: CompiledSetFunction {
  private let expression: CompiledExpression
  private var isDone = false

  init(_ expression: CompiledExpression) { self.expression = expression }

  override func start(_ batch: RowBatch, row: Int, _ arena: Arena) throws(SQLError) { isDone = false }

  override func next(
    into columns: UnsafePointer<TupleColumn>, from row: Int, limit: Int, _ arena: Arena
  ) throws(SQLError) -> Int {
    if isDone { return 0 }
    isDone = true
    let value = try expression.value(arena)
    columns[0].values[row] = value ?? Datum(word: 0)
    columns[0].nulls[row] = value == nil
    return 1
  }
}
