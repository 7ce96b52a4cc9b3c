/// The rows of a query of WITH, which is run as far as somebody wants its rows: what all scans of it share.
final class CommonTableStorage {
  let node: PlanNode
  let storage: RowStorage
  private var isComplete = false

  init(_ plan: Plan, _ runtime: PlanRuntime) throws(SQLError) {
    node = try runtime.node(plan)
    storage = RowStorage(plan.outputTypes, runtime, canSpill: false)
  }

  /// Computes some more rows. - Returns: whether there are any.
  func advance() throws(SQLError) -> Bool {
    guard !isComplete else { return false }
    guard let batch = try node.next() else {
      isComplete = true
      return false
    }
    try storage.append(batch)
    return true
  }

  /// Computes all rows.
  func fill() throws(SQLError) { while try advance() {} }

  /// Forgets all rows: what they depend on has changed.
  func restart() throws(SQLError) {
    storage.removeAll()
    isComplete = false
    try node.rescan()
  }

  func close() { node.closeAll() }
}

/// What a recursion has found in its last round.
final class WorkTable {
  var storage: RowStorage?
}
