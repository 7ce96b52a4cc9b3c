import MillraceEngine
import MillraceTypes

/// What a node does to its input rows before it gives them out: throws out those that do not fulfil its filter, and
/// computes its output. Columns that are only passed on are not copied.
final class RowProjector {
  private let filter: CompiledFilter?
  private let outputs: [CompiledExpression]?
  /// Whether nothing is computed: each output is a column of the input.
  private let isChoice: Bool
  private var output: RowBatch?
  /// The batch whose columns `output` has, where they do not move.
  private var source: RowBatch?
  private let instrumentation: NodeInstrumentation?
  let arena = Arena(chunkSize: 16 << 10)

  init(
    filter: [TypedExpression], output: [TypedExpression]?, _ runtime: PlanRuntime,
    _ instrumentation: NodeInstrumentation?
  ) throws(SQLError) {
    self.filter = filter.isEmpty ? nil : try runtime.compiler.filter(filter)
    let outputs = try output.map { (expressions) throws(SQLError) in try runtime.compiler.compile(expressions) }
    isChoice = outputs?.allSatisfy { $0.inputColumn != nil } ?? false
    self.outputs = outputs
    self.instrumentation = instrumentation
  }

  convenience init(_ plan: Plan, _ runtime: PlanRuntime, _ instrumentation: NodeInstrumentation?) throws(SQLError) {
    try self.init(filter: plan.filter, output: plan.output, runtime, instrumentation)
  }

  /// Whether every row passes.
  var hasFilter: Bool { filter != nil }

  /// What is given out for a batch of input rows; nil where none is left.
  /// - Returns: the batch itself where there is no output list, else one that shares its columns: valid until the next
  ///   call.
  func apply(_ input: RowBatch) throws(SQLError) -> RowBatch? {
    arena.reset()
    if let filter {
      let before = input.count
      try filter.apply(input, arena)
      if let instrumentation { instrumentation.removedByFilter += UInt64(before - input.count) }
    }
    guard input.count > 0 else { return nil }
    guard let outputs else { return input }
    if let known = self.output, source === input, input.hasOwnColumns {
      known.select(as: input)
      return known
    }
    let target = batch(outputs.count, capacity: input.capacity)
    source = isChoice && input.hasOwnColumns ? input : nil
    for index in outputs.indices {
      let vector = try outputs[index].evaluate(input, arena)
      target.share(index, TupleColumn(values: vector.values, nulls: vector.nulls))
    }
    target.select(as: input)
    return target
  }

  private func batch(_ columns: Int, capacity: Int) -> RowBatch {
    if let output, output.capacity >= capacity { return output }
    let made = RowBatch(sharing: columns, capacity: capacity)
    output = made
    return made
  }
}
