import MillraceEngine
import MillraceStorage
import MillraceTypes

/// The new version of a row, which stands in its table's place while it is found out whether it still qualifies.
final class ReplacedRow {
  let relation: UInt32
  /// Of the scan that it replaces; empty for any of the relation.
  let alias: String
  fileprivate(set) var tuple: HeapTuple?
  fileprivate(set) var place = TupleIdentifier(.invalid, 0)

  init(relation: UInt32, alias: String) { (self.relation, self.alias) = (relation, alias) }
}

/// A scan of a table that is replaced by one row: that row, if it fulfils what the scan looks for.
final class ReplacedRowNode: PlanNode {
  private let table: TableRows
  private let replacement: ReplacedRow
  private let conditions: CompiledFilter
  private let projector: RowProjector
  private var isDone = false

  init(
    _ plan: Plan, _ scan: TableScan, _ replacement: ReplacedRow, _ runtime: PlanRuntime
  ) throws(SQLError) {
    self.replacement = replacement
    table = try TableRows(scan, runtime, capacity: 1)
    switch plan.operation {
    case .indexScan(let scan): conditions = try runtime.compiler.filter(scan.conditions.map(\.original))
    case .bitmapHeapScan(_, let recheck): conditions = try runtime.compiler.filter(recheck)
    default: conditions = try runtime.compiler.filter([])
    }
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override func produce() throws(SQLError) -> RowBatch? {
    guard !isDone, let tuple = replacement.tuple else { return nil }
    isDone = true
    let (table, place) = (table, replacement.place)
    try engine { () throws(EngineError) in try table.rows.fill(tuple, at: place) }
    table.batch.setDense(1)
    try conditions.apply(table.batch, projector.arena)
    guard table.batch.count > 0 else { return nil }
    return try projector.apply(table.batch)
  }

  override func restart() throws(SQLError) { isDone = false }
  override func reset() { isDone = false }
  override func close() { table.rows.clear() }
}

/// Looks at rows again that another transaction has changed meanwhile: PostgreSQL's EvalPlanQual
/// (src/backend/executor/execMain.c). At READ COMMITTED whoever wants to change or lock such a row waits for the other
/// one to end, and goes on with the row's newest version if the statement's conditions are true of that.
///
/// One for a statement, made with the first such row, and kept with what else of a plan is kept for later executions.
final class RowRecheck {
  private let runtime: PlanRuntime
  private let plan: Plan
  private let replacement: ReplacedRow
  private let heap: HeapRelation
  private var node: PlanNode?
  /// What its nodes share.
  private var nodes: PlanRuntime?
  private var isOpen = true
  private let fetcher: HeapFetcher
  private let saved: TupleSlot

  /// - Parameter plan: what gives the rows that are changed or locked.
  init(
    _ plan: Plan, relation: UInt32, alias: String, _ heap: HeapRelation, _ runtime: PlanRuntime
  ) throws(SQLError) {
    (self.plan, self.runtime, self.heap) = (plan, runtime, heap)
    replacement = ReplacedRow(relation: relation, alias: alias)
    let session = runtime.session
    fetcher = try engine { () throws(EngineError) in try HeapFetcher(heap, session) }
    saved = TupleSlot(count: runtime.context.executorParameters.count)
  }

  deinit { nodes?.takeApart() }

  /// Gets hold of a row's newest version.
  /// - Parameters:
  ///   - place: where the version stands that replaced the one that was wanted.
  ///   - updater: who replaced it.
  /// - Returns: where it is; nil where the row is gone, or where it is held and the policy is not to wait.
  func lockNewest(
    _ place: TupleIdentifier, _ updater: TransactionID, _ mode: TupleLockMode, _ policy: LockWaitPolicy = .wait
  ) throws(SQLError) -> (place: TupleIdentifier?, isHeld: Bool) {
    var (place, updater) = (place, updater)
    let (session, heap) = (runtime.session, heap)
    while true {
      let wanted = place
      let by = updater
      let result = try engine { () throws(EngineError) in
        try session.lock(wanted, of: heap, mode, policy, replacing: by)
      }
      switch result {
      case .done(let found): return (found, false)
      case .updated(let next, let by): (place, updater) = (next, by)
      case .wouldBlock: return (nil, true)
      case .deleted, .changedBySelf, .invisible: return (nil, false)
      }
    }
  }

  /// The statement's row for the version of a row at a place; nil where it does not qualify. Valid until the next call.
  func row(at place: TupleIdentifier) throws(SQLError) -> RowBatch? {
    let fetcher = fetcher
    guard let tuple = try engine({ () throws(EngineError) in try fetcher.version(at: place) }) else { return nil }
    (replacement.tuple, replacement.place) = (tuple, place)
    // The nodes that run meanwhile have set parameters, and so will these.
    let context = runtime.context
    saved.copy(context.executorParameters)
    defer {
      for number in 0..<saved.count { context.setParameter(number, saved[number]) }
    }
    if let node {
      if isOpen { try node.rescan() } else { node.beginAgain() }
      isOpen = true
      return try node.next()
    }
    let other = PlanRuntime(runtime.planned, context, [], replacement: replacement)
    nodes = other
    let made = try other.node(plan)
    (node, isOpen) = (made, true)
    return try made.next()
  }

  /// Lets go of pages and snapshot, until it is asked for a row again: by another execution.
  func close() {
    if isOpen { node?.closeAll() }
    isOpen = false
    fetcher.release()
  }
}
