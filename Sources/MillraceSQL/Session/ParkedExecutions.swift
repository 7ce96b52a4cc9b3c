import MillraceEngine
import MillraceTypes

/// Executions of kept plans that have run to their end and are ready to run again: what a short statement costs is
/// mostly that nodes are made and expressions compiled.
struct ParkedExecutions {
  /// As many are kept: each has some batches of rows.
  private static let countMax = 8

  private var executions: [QueryExecution] = []

  /// One for a plan; it is the caller's now.
  mutating func take(_ planned: PlannedStatement) -> QueryExecution? {
    for index in executions.indices where executions[index].planned === planned {
      return executions.remove(at: index)
    }
    return nil
  }

  mutating func park(_ execution: QueryExecution) {
    if executions.count >= Self.countMax { executions.removeFirst() }
    executions.append(execution)
  }

  mutating func removeAll() {
    if !executions.isEmpty { executions.removeAll() }
  }
}

extension SQLSession {
  /// An execution of a plan, about to begin.
  /// - Parameter isKept: whether the plan will be executed again.
  func begin(_ planned: PlannedStatement, _ parameters: TupleSlot, isKept: Bool) throws(SQLError) -> QueryExecution {
    guard isKept else { return try QueryExecution(planned, self, parameters: parameters) }
    if let parked = parkedExecutions.take(planned), parked.isCurrent(self) {
      try parked.runAgain(self, parameters)
      return parked
    }
    guard planned.canRunAgain else { return try QueryExecution(planned, self, parameters: parameters) }
    let own = TupleSlot(count: parameters.count)
    own.copy(parameters)
    let made = try QueryExecution(planned, self, parameters: own)
    made.runsLeft = QueryExecution.runsMax
    return made
  }

  /// An execution has run to its end.
  func end(_ execution: QueryExecution) {
    if execution.park() { parkedExecutions.park(execution) }
  }
}

extension PlannedStatement {
  /// Whether nothing of its execution knows what an earlier run was about.
  var canRunAgain: Bool {
    subplans.isEmpty && commonTables.isEmpty && executorParameterCount == 0 && plan.canRunAgain
  }
}

extension Plan {
  fileprivate var canRunAgain: Bool {
    guard initialSubplans.isEmpty, filter.allSatisfy(\.canRunAgain), (output ?? []).allSatisfy(\.canRunAgain) else {
      return false
    }
    switch operation {
    case .result(let condition):
      guard condition == nil else { return false }
    case .sequentialScan: break
    case .indexScan(let scan):
      guard scan.conditions.allSatisfy({ $0.value?.canRunAgain ?? true }) else { return false }
    case .modifyTable(let modification):
      guard modification.onConflict == nil, (output ?? []).isEmpty,
        modification.checks.allSatisfy(\.condition.canRunAgain)
      else { return false }
    default: return false
    }
    return inputs.allSatisfy(\.canRunAgain)
  }
}

extension TypedExpression {
  /// Whether what it is compiled to keeps nothing but constants and the parameters' values.
  fileprivate var canRunAgain: Bool {
    switch self {
    case .constant, .input: return true
    case .parameter(let parameter):
      if case .external = parameter.source { return true }
      return false
    case .call, .and, .or, .not, .nullTest, .relabel:
      var isSo = true
      forEachChild { child in isSo = isSo && child.canRunAgain }
      return isSo
    default: return false
    }
  }
}
