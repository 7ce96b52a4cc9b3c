import MillraceEngine
import MillraceTypes

/// FOR UPDATE and its fellows: gives its input's rows out once they are locked (src/backend/executor/nodeLockRows.c).
final class LockRowsNode: PlanNode {
  private struct Mark {
    let mark: PlanRowMark
    let heap: HeapRelation
    let name: String
    var recheck: RowRecheck?
  }

  private let input: PlanNode
  private var marks: [Mark] = []
  private let projector: RowProjector
  private let batch: RowBatch
  private let isByValue: [Bool]
  private let arena = Arena(chunkSize: 4096)

  init(_ plan: Plan, _ marks: [PlanRowMark], _ runtime: PlanRuntime) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    for mark in marks {
      let relation = try runtime.relation(mark.relation)
      guard let heap = relation.heap else {
        throw SQLError(.wrongObjectType, "cannot lock rows in relation \"\(relation.name)\"")
      }
      self.marks.append(Mark(mark: mark, heap: heap, name: relation.name, recheck: nil))
    }
    let types = plan.inputs[0].outputTypes
    batch = RowBatch(columns: types.count)
    isByValue = types.map { runtime.isByValue($0) }
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override var inputs: [PlanNode] { [input] }

  override func produce() throws(SQLError) -> RowBatch? {
    while let source = try input.next() {
      arena.reset()
      var count = 0
      for place in 0..<source.count {
        let row = Int(source.selection[place])
        if let (found, number) = try lock(source, row) {
          copy(found, number, to: count, isOwn: found === source)
          count += 1
        }
      }
      guard count > 0 else { continue }
      batch.setDense(count)
      if let result = try projector.apply(batch) { return result }
    }
    return nil
  }

  private func copy(_ source: RowBatch, _ row: Int, to target: Int, isOwn: Bool) {
    for column in 0..<batch.columnCount {
      let value = source.value(column, row: row)
      // A row that was looked at again is there only until the next one.
      batch.set(column, row: target, isOwn ? value : value.map { arena.copy($0, isByValue: isByValue[column]) })
    }
  }

  /// Locks all that a row comes from.
  /// - Returns: the row, perhaps as it is by now; nil where it is gone or passed over.
  private func lock(_ source: RowBatch, _ row: Int) throws(SQLError) -> (RowBatch, Int)? {
    var (batch, number) = (source, row)
    for index in marks.indices {
      let mark = marks[index].mark
      // The row of an outer join that has no partner.
      guard let value = batch.value(mark.ctid, row: number) else { continue }
      let policy: LockWaitPolicy = mark.waitPolicy == .block ? .wait : .noWait
      let (session, heap, place) = (session, marks[index].heap, TupleIdentifier(value))
      let mode = mark.strength.mode
      let result = try engine { () throws(EngineError) in try session.lock(place, of: heap, mode, policy) }
      switch result {
      case .done: continue
      case .wouldBlock:
        if mark.waitPolicy == .skip { return nil }
        throw notAvailable(index)
      case .deleted, .changedBySelf: return nil
      case .invisible: throw SQLError(.internalError, "attempted to lock invisible tuple")
      case .updated(let next, let by):
        let recheck = try rechecking(index)
        let (newest, isHeld) = try recheck.lockNewest(next, by, mode, policy)
        if isHeld, mark.waitPolicy == .error { throw notAvailable(index) }
        guard let newest, let again = try recheck.row(at: newest), again.count > 0 else { return nil }
        (batch, number) = (again, Int(again.selection[0]))
      }
    }
    return (batch, number)
  }

  private func notAvailable(_ index: Int) -> SQLError {
    SQLError(
      EngineError(.lockNotAvailable, "could not obtain lock on row in relation \"\(marks[index].name)\""))
  }

  private func rechecking(_ index: Int) throws(SQLError) -> RowRecheck {
    if let known = marks[index].recheck { return known }
    let mark = marks[index].mark
    let made = try RowRecheck(
      plan.inputs[0], relation: mark.relation, alias: mark.alias, marks[index].heap, runtime)
    marks[index].recheck = made
    return made
  }

  override func restart() throws(SQLError) { try input.rescan() }

  override func close() { for mark in marks { mark.recheck?.close() } }
}

extension RowLockStrength {
  fileprivate var mode: TupleLockMode {
    switch self {
    case .keyShare: .keyShare
    case .share: .share
    case .noKeyUpdate: .noKeyUpdate
    case .update: .update
    }
  }
}
