import MillraceEngine
import MillraceTypes

/// A subquery that is run from within an expression (src/backend/executor/nodeSubplan.c). Its node is made when it is
/// first needed.
final class Subplan {
  private let plan: Plan
  private unowned let runtime: PlanRuntime
  private var node: PlanNode?
  private var dependencies: ParameterVersions
  private var slot: TupleSlot?
  private var batch: RowBatch?
  private var place = 0
  private let arena = Arena(chunkSize: 256)
  private let isByValue: [Bool]
  /// Counts how often what it depends on has changed.
  private var changes: UInt64 = 0

  init(_ plan: Plan, _ runtime: PlanRuntime) {
    (self.plan, self.runtime) = (plan, runtime)
    dependencies = ParameterVersions(plan, runtime)
    isByValue = plan.outputTypes.map { runtime.isByValue($0) }
  }

  /// Changes whenever the rows may be others.
  var version: UInt64 {
    if !dependencies.areUnchanged(runtime.context) { changes += 1 }
    return changes
  }

  /// The type of its value.
  func resultType(_ kind: SubqueryLink.Kind) -> ValueType {
    let first = plan.outputTypes.first ?? ValueType(.none)
    guard kind == .array else { return kind == .exists ? ValueType(.bool) : first }
    return ValueType(TypeDescriptor.builtIn[first.id]?.arrayID ?? .none)
  }

  /// Starts over.
  func restart() throws(SQLError) {
    (batch, place) = (nil, 0)
    if let node {
      try node.rescan()
    } else {
      node = try runtime.node(plan)
    }
  }

  private func advance() throws(SQLError) -> Bool {
    if let batch, place + 1 < batch.count {
      place += 1
      return true
    }
    if node == nil { try restart() }
    batch = try node?.next()
    place = 0
    return batch != nil
  }

  func exists() throws(SQLError) -> Bool {
    try restart()
    node?.expect(1)
    return try advance()
  }

  func scalar() throws(SQLError) -> Datum? {
    try restart()
    node?.expect(2)
    guard try advance(), let batch else { return nil }
    let value = batch.value(0, row: Int(batch.selection[place]))
    arena.reset()
    let kept = value.map { arena.copy($0, isByValue: isByValue[0]) }
    if try advance() {
      throw SQLError(SQLState("21000"), "more than one row returned by a subquery used as an expression")
    }
    return kept
  }

  func array() throws(SQLError) -> Datum {
    try restart()
    arena.reset()
    var values: [Datum?] = []
    let session = runtime.session
    while try advance(), let batch {
      let value = batch.value(0, row: Int(batch.selection[place]))
      let whole = try value.map { (value) throws(SQLError) in
        try engine { () throws(EngineError) in try session.detoasted(value, in: arena) }
      }
      values.append(whole.map { arena.copy($0, isByValue: isByValue[0]) })
    }
    guard let type = plan.outputTypes.first, let element = TypeDescriptor.builtIn[type.id] else {
      throw .unsupported("an array of values of this type")
    }
    return ArrayType.make(values, of: element, in: arena)
  }

  func next() throws(SQLError) -> TupleSlot? {
    guard try advance(), let batch else { return nil }
    let slot = slot ?? TupleSlot(count: batch.columnCount)
    self.slot = slot
    let row = Int(batch.selection[place])
    for column in 0..<batch.columnCount { slot[column] = batch.value(column, row: row) }
    return slot
  }

  func close() { node?.closeAll() }
}

/// A subplan as expressions see it.
final class SubplanHandle: SubplanEvaluator {
  private let runtime: PlanRuntime
  private let index: Int

  init(_ runtime: PlanRuntime, _ index: Int) { (self.runtime, self.index) = (runtime, index) }

  func exists() throws(SQLError) -> Bool { try runtime.subplan(index).exists() }
  func scalar() throws(SQLError) -> Datum? { try runtime.subplan(index).scalar() }
  func array() throws(SQLError) -> Datum { try runtime.subplan(index).array() }
  func restart() throws(SQLError) { try runtime.subplan(index).restart() }
  func next() throws(SQLError) -> TupleSlot? { try runtime.subplan(index).next() }
}
