import MillraceEngine
import MillraceTypes

/// A node of a plan in execution: PostgreSQL's `PlanState`. Gives out batches of rows as long as it is asked; used by
/// the session's thread.
class PlanNode {
  final let plan: Plan
  final let runtime: PlanRuntime
  final let instrumentation: NodeInstrumentation?
  /// What has to be done before the first row of a loop.
  private final var isStarted = false
  private final var isPlain = false
  private final var isLooping = false
  private final let initialSubplans: InitialSubplans?

  /// - Parameter instrumentation: made by ``PlanRuntime/instrument(_:)``.
  init(_ plan: Plan, _ runtime: PlanRuntime, _ instrumentation: NodeInstrumentation?) {
    (self.plan, self.runtime, self.instrumentation) = (plan, runtime, instrumentation)
    initialSubplans = plan.initialSubplans.isEmpty ? nil : InitialSubplans(plan, runtime)
  }

  final var context: ExecutionContext { runtime.context }
  final var session: Session { runtime.context.session }

  // MARK: Rows

  /// The next rows; nil at the end. Never a batch without rows.
  /// - Throws: ``SQLError``.
  final func next() throws(SQLError) -> RowBatch? {
    // Once for a batch, so that nothing goes on for long after it was cancelled.
    do throws(EngineError) { try runtime.session.checkInterrupts() } catch { throw SQLError(error) }
    if isPlain { return try produce() }
    return try nextCounted()
  }

  @inline(never) private final func nextCounted() throws(SQLError) -> RowBatch? {
    if !isStarted {
      isStarted = true
      if let initialSubplans { try initialSubplans.run() }
      guard instrumentation != nil else {
        isPlain = true
        return try produce()
      }
    }
    guard let instrumentation else { return try produce() }
    let measurement = runtime.startMeasuring()
    let batch = try produce()
    if !isLooping {
      isLooping = true
      instrumentation.loops += 1
      runtime.noteStartup(measurement, in: instrumentation)
    }
    runtime.note(measurement, in: instrumentation)
    if let batch { instrumentation.rows += UInt64(batch.count) }
    return batch
  }

  /// Starts over: with other parameters perhaps.
  final func rescan() throws(SQLError) {
    (isStarted, isPlain, isLooping) = (false, false, false)
    try restart()
  }

  /// The next rows, found or computed.
  func produce() throws(SQLError) -> RowBatch? {
    preconditionFailure("\(type(of: self)) gives out no rows")
  }

  func restart() throws(SQLError) {
    preconditionFailure("\(type(of: self)) cannot start over")
  }

  /// How many rows will be asked for at most; a hint, given before the first.
  func expect(_ rows: Int) {}

  /// Lets go of what outlives a statement otherwise, and adds up counters. Called once.
  func close() {}

  /// Those it takes rows from.
  var inputs: [PlanNode] { [] }

  /// Begins another execution, after ``close()``.
  final func beginAgain() {
    (isStarted, isPlain, isLooping) = (false, false, false)
    for input in inputs { input.beginAgain() }
    reset()
  }

  /// Forgets what the last execution was about. Of those nodes that ``ParkedExecutions`` may keep.
  func reset() { preconditionFailure("\(type(of: self)) cannot run again") }

  final func closeAll() {
    for input in inputs { input.closeAll() }
    close()
  }
}

/// The subplans that a node's initial parameters come from.
final class InitialSubplans {
  private let plan: Plan
  private unowned let runtime: PlanRuntime
  private var versions: [UInt64?]

  init(_ plan: Plan, _ runtime: PlanRuntime) {
    (self.plan, self.runtime) = (plan, runtime)
    versions = Array(repeating: nil, count: plan.initialSubplans.count)
  }

  /// Sets the parameters, unless what they depend on has not changed.
  func run() throws(SQLError) {
    for (place, initial) in plan.initialSubplans.enumerated() {
      let subplan = runtime.subplan(initial.subplan)
      let version = subplan.version
      if versions[place] == version { continue }
      versions[place] = version
      let value: Datum? =
        switch initial.kind {
        case .exists: Datum(try subplan.exists())
        case .array: try subplan.array()
        case .scalar, .any, .all: try subplan.scalar()
        }
      let isByValue = runtime.isByValue(initial.kind == .exists ? ValueType(.bool) : subplan.resultType(initial.kind))
      let kept = value.map { runtime.context.arena.copy($0, isByValue: isByValue) }
      runtime.context.setParameter(initial.parameter, kept)
    }
  }
}

/// Calls the engine, whose errors become those of statements.
@inline(__always)
func engine<Result>(_ body: () throws(EngineError) -> Result) throws(SQLError) -> Result {
  do throws(EngineError) { return try body() } catch { throw SQLError(error) }
}
