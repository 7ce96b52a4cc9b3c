/// Runs a planned statement: PostgreSQL's execMain.c. Used by the session's thread, within a transaction.
///
/// ```swift
/// let executor = try Executor(planned, context)
/// defer { executor.close() }
/// while let batch = try executor.next() { … }
/// ```
public final class Executor {
  public let planned: PlannedStatement
  public let context: ExecutionContext
  private let runtime: PlanRuntime
  private let root: PlanNode
  private var given: UInt64 = 0
  private var hasEnded = false
  private var isClosed = false

  /// - Parameters:
  ///   - context: of this execution alone. Relations have been locked as ``PlannedStatement/relations`` says.
  ///   - instrumentation: which counters to keep.
  /// - Throws: ``SQLError``: 0A000 for what is not there.
  /// - Complexity: a few allocations for each node; nothing is read yet.
  public init(
    _ planned: PlannedStatement, _ context: ExecutionContext, instrumentation: InstrumentationOptions = []
  ) throws(SQLError) {
    (self.planned, self.context) = (planned, context)
    let runtime = PlanRuntime(planned, context, instrumentation)
    context.subplans = planned.subplans.indices.map { SubplanHandle(runtime, $0) }
    self.runtime = runtime
    do throws(SQLError) {
      root = try runtime.node(planned.plan)
    } catch {
      runtime.close()
      throw error
    }
  }

  deinit { close() }

  /// The next rows of the plan's output; nil at the end. Valid until the next call.
  /// - Throws: ``SQLError``. The execution is over then.
  public func next() throws(SQLError) -> RowBatch? {
    guard !hasEnded else { return nil }
    do throws(SQLError) {
      if let batch = try root.next() {
        given += UInt64(batch.count)
        return batch
      }
      hasEnded = true
      try runtime.finishModifications()
      return nil
    } catch {
      hasEnded = true
      throw error
    }
  }

  /// Runs to the end and gives out nothing.
  public func run() throws(SQLError) { while try next() != nil {} }

  /// Starts over from the first row.
  public func rescan() throws(SQLError) {
    (given, hasEnded) = (0, false)
    try root.rescan()
  }

  /// How many rows were given out, or, of a statement that changes some, changed: what command tags say.
  public var processed: UInt64 { (root as? ModifyTableNode)?.processed ?? given }

  /// What a node has counted; nil where nothing is, or it was never made.
  public func instrumentation(of plan: Plan) -> NodeInstrumentation? { runtime.instrumentation(of: plan) }

  /// How many rows will be asked for at most; a hint, for cursors and portals.
  public func expect(_ rows: Int) { root.expect(rows) }

  /// Lets go of what a run to its end has held, and keeps the nodes for another.
  func park() { root.closeAll() }

  /// Begins another run.
  func beginAgain() {
    (given, hasEnded) = (0, false)
    root.beginAgain()
  }

  /// Lets go of all that the execution holds. Idempotent; also done when it is released.
  public func close() {
    guard !isClosed else { return }
    (isClosed, hasEnded) = (true, true)
    root.closeAll()
    runtime.close()
  }
}
