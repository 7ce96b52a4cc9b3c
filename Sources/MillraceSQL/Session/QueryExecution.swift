import MillraceEngine
import MillraceTypes

/// The execution of a planned statement, from its first row to its last; it can be left and gone on with.
final class QueryExecution {
  let planned: PlannedStatement
  let context: ExecutionContext
  let executor: Executor
  private let session: Session
  /// Keeps what it reads while other statements run.
  private var registration: SnapshotRegistration?
  private let needsWholeValues: Bool
  private var wholeBatch: RowBatch?
  private let wholeArena = Arena()
  private var batch: RowBatch?
  private var position = 0
  private(set) var isAtEnd = false
  /// How often it may run again; 0 where it cannot.
  var runsLeft = 0
  private let catalogGeneration: UInt64
  private let settingsVersion: UInt64

  /// Not for ever, so that what functions take of the statement's memory is given back now and then.
  static let runsMax = 500

  init(
    _ planned: PlannedStatement, _ sql: SQLSession, parameters: TupleSlot,
    instrumentation: InstrumentationOptions = []
  ) throws(SQLError) {
    (self.planned, session) = (planned, sql.session)
    (catalogGeneration, settingsVersion) = (sql.catalog.generation, sql.settingsVersion)
    if !planned.isReadOnly { try Self.requireWritable(planned, sql) }
    context = ExecutionContext(
      sql.session, sql, sql.typeSettings, parameters: parameters,
      executorParameterCount: planned.executorParameterCount)
    context.snapshot = try SQLError.engine { () throws(EngineError) in try sql.session.snapshot() }
    executor = try Executor(planned, context, instrumentation: instrumentation)
    needsWholeValues = planned.columns.contains {
      guard let type = TypeDescriptor.builtIn[$0.expression.type.id] else { return true }
      return type.isVariableLength
    }
  }

  // MARK: Running again

  /// Whether what it was made of is still so; invalidations have been accepted.
  func isCurrent(_ sql: SQLSession) -> Bool {
    catalogGeneration == sql.catalog.generation && settingsVersion == sql.settingsVersion
  }

  /// Begins once more, after ``park()``.
  func runAgain(_ sql: SQLSession, _ parameters: TupleSlot) throws(SQLError) {
    if !planned.isReadOnly { try Self.requireWritable(planned, sql) }
    context.beginAgain(sql.typeSettings, parameters)
    context.snapshot = try SQLError.engine { () throws(EngineError) in try session.snapshot() }
    executor.beginAgain()
    (position, isAtEnd, runsLeft) = (0, false, runsLeft - 1)
  }

  /// Lets go of all that belongs to this run.
  /// - Returns: whether it can run again; else it is closed.
  func park() -> Bool {
    guard runsLeft > 0, registration == nil, isAtEnd else {
      close()
      return false
    }
    executor.park()
    batch = nil
    context.snapshot = nil
    return true
  }

  private static func requireWritable(_ planned: PlannedStatement, _ sql: SQLSession) throws(SQLError) {
    guard sql.session.isReadOnly else { return }
    // Temporary tables may be changed in any transaction.
    for relation in planned.relations where relation.access == .write {
      let isTemporary = try SQLError.engine { () throws(EngineError) in
        try sql.catalog.relation(relation.relation)?.persistence == .temporary
      }
      if isTemporary { continue }
      let words =
        switch planned.command {
        case .insert: "INSERT"
        case .update: "UPDATE"
        case .delete: "DELETE"
        case .select: "SELECT"
        }
      try SQLError.engine { () throws(EngineError) in try sql.session.requireWritable(words) }
    }
  }

  /// What command tags count: rows that were changed, or that were given out.
  var processed: UInt64 { executor.processed }

  /// The next rows.
  /// - Parameter limit: how many at most.
  /// - Returns: a batch and which of its selected rows; nil at the end. Values are whole, valid until the next call.
  func next(limit: Int = .max) throws(SQLError) -> (batch: RowBatch, range: Range<Int>)? {
    while !isAtEnd {
      if let batch, position < batch.count {
        let count = min(limit, batch.count - position)
        defer { position += count }
        return (batch, position..<position + count)
      }
      (batch, position) = (try executor.next(), 0)
      guard let fresh = batch else {
        isAtEnd = true
        break
      }
      if needsWholeValues { batch = try whole(fresh) }
    }
    return nil
  }

  /// Runs a statement that returns no rows to its end.
  func run() throws(SQLError) {
    while try executor.next() != nil {}
    isAtEnd = true
  }

  /// Other statements will run before it goes on.
  func suspend() {
    guard registration == nil, !isAtEnd, let snapshot = context.snapshot else { return }
    registration = session.register(snapshot)
  }

  func close() {
    executor.close()
    if let registration { session.unregister(registration) }
    (registration, batch, isAtEnd) = (nil, nil, true)
  }

  /// A batch whose values are all there: what a table holds compressed or out of line is read.
  private func whole(_ batch: RowBatch) throws(SQLError) -> RowBatch {
    var isToasted = false
    for (index, column) in planned.columns.enumerated() {
      guard TypeDescriptor.builtIn[column.expression.type.id]?.isVariableLength ?? true else { continue }
      let (values, nulls) = (batch.column(index), batch.columnNulls(index))
      for place in 0..<batch.count {
        let row = Int(batch.selection[place])
        if !nulls[row], values[row].isToasted {
          isToasted = true
          break
        }
      }
    }
    return isToasted ? try copyWhole(batch) : batch
  }

  private func copyWhole(_ batch: RowBatch) throws(SQLError) -> RowBatch {
    let copy: RowBatch
    if let wholeBatch, wholeBatch.capacity >= batch.count {
      copy = wholeBatch
    } else {
      copy = RowBatch(columns: planned.columns.count, capacity: batch.capacity)
      wholeBatch = copy
    }
    wholeArena.reset()
    for index in planned.columns.indices {
      let (values, nulls) = (batch.column(index), batch.columnNulls(index))
      let (newValues, newNulls) = (copy.column(index), copy.columnNulls(index))
      let isVariable = TypeDescriptor.builtIn[planned.columns[index].expression.type.id]?.isVariableLength ?? true
      for place in 0..<batch.count {
        let row = Int(batch.selection[place])
        newNulls[place] = nulls[row]
        let value = values[row]
        newValues[place] =
          isVariable && !nulls[row] && value.isToasted
          ? try SQLError.engine { () throws(EngineError) in try session.detoasted(value, in: wholeArena) } : value
      }
    }
    copy.setDense(batch.count)
    return copy
  }
}
