import MillraceEngine
import MillraceSettings
import MillraceTypes

/// What the nodes of one execution share.
final class PlanRuntime {
  let planned: PlannedStatement
  let context: ExecutionContext
  let options: InstrumentationOptions
  let compiler: ExpressionCompiler
  /// What stands in a table's place while a row's new version is looked at; see ``RowRecheck``.
  let replacement: ReplacedRow?
  private var instrumentations: [ObjectIdentifier: NodeInstrumentation] = [:]
  private var subplans: [Subplan?]
  private var commonTables: [CommonTableStorage?]
  private var workTables: [Int: WorkTable] = [:]
  private var clock = MonotonicClock()
  private var types: TypeCatalog?

  init(
    _ planned: PlannedStatement, _ context: ExecutionContext, _ options: InstrumentationOptions,
    replacement: ReplacedRow? = nil
  ) {
    (self.planned, self.context, self.options, self.replacement) = (planned, context, options, replacement)
    compiler = ExpressionCompiler(context)
    subplans = Array(repeating: nil, count: planned.subplans.count)
    commonTables = Array(repeating: nil, count: planned.commonTables.count)
  }

  var session: Session { context.session }

  /// What is read by.
  func snapshot() throws(SQLError) -> Snapshot {
    if let snapshot = context.snapshot { return snapshot }
    return try engine { () throws(EngineError) in try session.snapshot() }
  }

  /// A relation that the plan refers to: it is locked, so it is there.
  func relation(_ oid: UInt32) throws(SQLError) -> RelationDescriptor {
    try engine { () throws(EngineError) in try context.catalog.requiredRelation(oid) }
  }

  /// Whether a type's datums are the values themselves.
  func isByValue(_ type: ValueType) -> Bool {
    if let known = TypeDescriptor.builtIn[type.id] { return known.isByValue }
    if types == nil { types = try? context.catalog.types() }
    return types?.byID[type.id]?.isByValue ?? false
  }

  /// Bytes that one operation may use before it goes to files: `work_mem`.
  private(set) lazy var workMemory = context.environment.settings[.workMem] << 10
  /// The same for what hashes: `work_mem` times `hash_mem_multiplier`.
  private(set) lazy var hashMemory = Int(
    Double(workMemory) * context.environment.settings[.hashMemMultiplier])

  /// How large the batches of a node are to be that expects so many rows: of a few, little memory is touched.
  static func capacity(expecting rows: Double) -> Int {
    rows <= 8 ? 16 : rows <= 128 ? 256 : RowBatch.capacityMax
  }

  // MARK: Parts of the plan

  /// A subplan, by its index. Made when it is first asked for.
  func subplan(_ index: Int) -> Subplan {
    if let known = subplans[index] { return known }
    let made = Subplan(planned.subplans[index], self)
    subplans[index] = made
    return made
  }

  /// The rows of a query of WITH.
  func commonTable(_ index: Int) throws(SQLError) -> CommonTableStorage {
    if let known = commonTables[index] { return known }
    let made = try CommonTableStorage(planned.commonTables[index].plan, self)
    commonTables[index] = made
    return made
  }

  /// What the recursion of a common table has found in its last round.
  func workTable(_ index: Int) -> WorkTable {
    if let known = workTables[index] { return known }
    let made = WorkTable()
    workTables[index] = made
    return made
  }

  /// Runs the queries of WITH that change something to their end, whether or not anybody has asked for their rows
  /// (`ExecPostprocessPlan`).
  func finishModifications() throws(SQLError) {
    for index in planned.commonTables.indices {
      guard case .modifyTable = planned.commonTables[index].plan.operation else { continue }
      try commonTable(index).fill()
    }
  }

  /// Ends the execution.
  func close() {
    takeApart()
    context.subplans = []
  }

  /// Lets go of the nodes of subplans and common tables, which know this object: nobody would ever give it back.
  func takeApart() {
    for subplan in subplans { subplan?.close() }
    for table in commonTables { table?.close() }
    for index in subplans.indices { subplans[index] = nil }
    for index in commonTables.indices { commonTables[index] = nil }
    workTables = [:]
  }

  // MARK: Counters

  func instrument(_ plan: Plan) -> NodeInstrumentation? {
    guard !options.isEmpty else { return nil }
    let made = NodeInstrumentation()
    instrumentations[ObjectIdentifier(plan)] = made
    return made
  }

  func instrumentation(of plan: Plan) -> NodeInstrumentation? { instrumentations[ObjectIdentifier(plan)] }

  /// Where the counters stood when a node was asked for rows.
  struct Measurement {
    var nanoseconds: UInt64 = 0
    var buffers = BufferUsage()
    var wal = LogUsage()
  }

  func startMeasuring() -> Measurement {
    var start = Measurement()
    if options.contains(.buffers) { start.buffers = BufferUsage(session) }
    if options.contains(.wal) { start.wal = LogUsage(session) }
    if options.contains(.timing) { start.nanoseconds = clock.now }
    return start
  }

  func note(_ start: Measurement, in counters: NodeInstrumentation) {
    if options.contains(.timing) { counters.totalNanoseconds += clock.now - start.nanoseconds }
    if options.contains(.buffers) { counters.buffers = counters.buffers + (BufferUsage(session) - start.buffers) }
    if options.contains(.wal) { counters.wal = counters.wal + (LogUsage(session) - start.wal) }
  }

  func noteStartup(_ start: Measurement, in counters: NodeInstrumentation) {
    if options.contains(.timing) { counters.startupNanoseconds += clock.now - start.nanoseconds }
  }
}

/// A clock that does not go backwards.
struct MonotonicClock {
  private let clock = ContinuousClock()
  private let start = ContinuousClock().now

  /// Nanoseconds since it was made.
  var now: UInt64 {
    let (seconds, attoseconds) = (clock.now - start).components
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }
}
