import MillraceEngine
import MillraceTypes

/// For each row of the outer input all rows of the inner one (src/backend/executor/nodeNestloop.c). What the inner one
/// needs of the outer row it gets by parameters.
///
/// Pairs are collected until a batch is full, over many outer rows, and only then tested. The order is that of the
/// outer input.
final class NestedLoopNode: PlanNode {
  private let kind: JoinKind
  private let outer: PlanNode
  private let inner: PlanNode
  /// What the inner side gets: the numbers of the parameters, and their values.
  private let parameterNumbers: [Int]
  private let parameterExpressions: [CompiledExpression]
  private let condition: CompiledFilter
  private let projector: RowProjector
  private let pairs: PairBatch
  private let arena = Arena(chunkSize: 4096)
  /// The outer batch, the place of its present row, and its values of the parameters.
  private var outerBatch: RowBatch?
  private var place = 0
  private var parameterValues: [ColumnVector] = []
  private let parameterArena = Arena(chunkSize: 4096)
  /// Whether the inner input is in the midst of the present outer row.
  private var isInside = false
  /// The inner batch and how many of its rows have been paired.
  private var innerBatch: RowBatch?
  private var innerPlace = 0
  /// Whether the present outer row has had a true pair in an earlier batch.
  private var hasMatched = false

  init(
    _ plan: Plan, _ kind: JoinKind, _ condition: [TypedExpression], _ parameters: [SubplanArgument],
    _ runtime: PlanRuntime
  ) throws(SQLError) {
    precondition(kind != .right && kind != .full, "a nested loop cannot know which inner rows have no partner")
    self.kind = kind
    outer = try runtime.node(plan.inputs[0])
    inner = try runtime.node(plan.inputs[1])
    parameterNumbers = parameters.map(\.parameter)
    parameterExpressions = try runtime.compiler.compile(parameters.map(\.value))
    self.condition = try runtime.compiler.filter(condition)
    pairs = PairBatch(
      plan, condition, outerCount: plan.inputs[0].outputTypes.count, runtime,
      capacity: max(plan.cost.rows, plan.inputs[0].cost.rows) <= 8 ? 64 : RowBatch.capacityMax)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
    if kind == .semi || kind == .anti, condition.isEmpty { inner.expect(1) }
  }

  override var inputs: [PlanNode] { [outer, inner] }

  override func produce() throws(SQLError) -> RowBatch? {
    while true {
      guard let outerBatch = try currentOuter() else { return nil }
      let result: RowBatch?
      switch kind {
      case .semi, .anti: result = try filterOuter(outerBatch)
      default: result = try pair(outerBatch)
      }
      if let result, let given = try projector.apply(result) { return given }
    }
  }

  /// The outer batch with rows left; nil at the end.
  private func currentOuter() throws(SQLError) -> RowBatch? {
    if let outerBatch, place < outerBatch.count { return outerBatch }
    guard let batch = try outer.next() else {
      outerBatch = nil
      return nil
    }
    (outerBatch, place) = (batch, 0)
    parameterArena.reset()
    parameterValues.removeAll(keepingCapacity: true)
    for expression in parameterExpressions { parameterValues.append(try expression.evaluate(batch, parameterArena)) }
    return batch
  }

  /// Turns the inner input to an outer row.
  private func start(_ row: Int) throws(SQLError) {
    let context = context
    for index in parameterNumbers.indices {
      context.setParameter(parameterNumbers[index], parameterValues[index][row])
    }
    try inner.rescan()
    (isInside, innerBatch) = (true, nil)
  }

  // MARK: Pairs

  /// Pairs outer rows until the batch of pairs is full, or the outer batch is through.
  private func pair(_ batch: RowBatch) throws(SQLError) -> RowBatch? {
    pairs.begin(batch)
    while place < batch.count, pairs.hasRoom {
      let row = Int(batch.selection[place])
      if !isInside { try start(row) }
      if let innerBatch, innerPlace < innerBatch.count {
        innerPlace += pairs.add(row, innerBatch, from: innerPlace)
        continue
      }
      if let next = try inner.next() {
        (innerBatch, innerPlace) = (next, 0)
        continue
      }
      // Behind its last pair, an outer row gets one with NULLs, in case that none of them is true.
      if kind == .left { pairs.addLonely(row) }
      (isInside, innerBatch) = (false, nil)
      place += 1
    }
    return try finishPairs()
  }

  private func finishPairs() throws(SQLError) -> RowBatch? {
    let made = pairs.finish()
    guard kind == .left else {
      try test(made)
      return made.count > 0 ? made : nil
    }
    let count = made.count
    pairs.selectPairs()
    try test(made)
    pairs.addUnmatched(of: count, &hasMatched, isOpen: isInside)
    return made.count > 0 ? made : nil
  }

  private func test(_ batch: RowBatch) throws(SQLError) {
    guard !condition.isEmpty, batch.count > 0 else { return }
    arena.reset()
    let before = batch.count
    try condition.apply(batch, arena)
    if let instrumentation { instrumentation.removedByJoinFilter += UInt64(before - batch.count) }
  }

  // MARK: Semi and anti joins

  /// Keeps the outer rows that have a partner, or those that have none.
  private func filterOuter(_ batch: RowBatch) throws(SQLError) -> RowBatch? {
    var kept = 0
    for index in 0..<batch.count {
      let row = Int(batch.selection[index])
      try start(row)
      let isMatched = try hasPartner(batch, row)
      batch.selection[kept] = UInt16(row)
      if isMatched == (kind == .semi) { kept += 1 }
    }
    place = batch.count
    isInside = false
    guard kept > 0 else { return nil }
    return pairs.alone(batch, kept: kept)
  }

  private func hasPartner(_ batch: RowBatch, _ row: Int) throws(SQLError) -> Bool {
    while let next = try inner.next() {
      if condition.isEmpty { return true }
      var start = 0
      while start < next.count {
        pairs.begin(batch)
        start += pairs.add(row, next, from: start)
        let made = pairs.finish()
        try test(made)
        if made.count > 0 { return true }
      }
    }
    return false
  }

  override func restart() throws(SQLError) {
    (outerBatch, place, innerBatch, isInside, hasMatched) = (nil, 0, nil, false, false)
    pairs.forget()
    try outer.rescan()
  }
}
