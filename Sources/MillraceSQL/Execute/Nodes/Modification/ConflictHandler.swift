import MillraceEngine
import MillraceStorage
import MillraceTypes

/// INSERT ... ON CONFLICT (src/backend/executor/nodeModifyTable.c, ExecOnConflictUpdate; execIndexing.c).
///
/// A row is inserted only when no arbiter has its key; should somebody be faster between the look and the insertion,
/// the row is taken back (nobody has seen it), and all begins again.
final class ConflictHandler {
  private let conflict: PlannedOnConflict
  private let runtime: PlanRuntime
  private let condition: CompiledExpression?
  private let values: [CompiledExpression]
  private let arena = Arena(chunkSize: 4096)
  private var inserter: TableInserter?
  private var updater: TableUpdater?
  private var arbiters: [IndexEntries] = []
  /// The row that is there, its system columns, and the row that was to be inserted.
  private var batch: RowBatch?
  private var existing: TupleSlot?
  private var excluded: TupleSlot?

  enum Outcome {
    case inserted(TupleIdentifier)
    case updated(TupleIdentifier)
    case nothing
  }

  init(_ conflict: PlannedOnConflict, _ runtime: PlanRuntime) throws(SQLError) {
    (self.conflict, self.runtime) = (conflict, runtime)
    condition = try conflict.condition.map { (condition) throws(SQLError) in try runtime.compiler.compile(condition) }
    values = try runtime.compiler.compile(conflict.values)
  }

  /// - Parameter updater: where rows that are there are changed.
  func begin(_ inserter: TableInserter, _ updater: TableUpdater?) {
    (self.inserter, self.updater) = (inserter, updater)
    arbiters = inserter.indexes.filter {
      $0.index.isUnique && (conflict.arbiters.isEmpty || conflict.arbiters.contains($0.index.oid))
    }
    let count = inserter.row.count
    let (existing, excluded) = (TupleSlot(count: count), TupleSlot(count: count))
    let batch = RowBatch(columns: 2 * count + SystemColumn.allCases.count, capacity: 1)
    for column in 0..<count {
      batch.share(column, TupleColumn(values: existing.values + column, nulls: existing.nulls + column))
      batch.share(
        count + SystemColumn.allCases.count + column,
        TupleColumn(values: excluded.values + column, nulls: excluded.nulls + column))
    }
    batch.setDense(1)
    (self.existing, self.excluded, self.batch) = (existing, excluded, batch)
  }

  private func parts() -> (TableInserter, TupleSlot) {
    guard let inserter, let excluded else { preconditionFailure("ON CONFLICT without a table") }
    return (inserter, excluded)
  }

  /// Inserts the inserter's row, unless a row with its key is there.
  func insert() throws(SQLError) -> Outcome {
    let (inserter, excluded) = parts()
    excluded.copy(inserter.row)
    while true {
      try inserter.testRow()
      if let outcome = try look(inserter) {
        guard let outcome else { continue }
        return outcome
      }
      if let place = try tryInsert(inserter) { return .inserted(place) }
      inserter.row.copy(excluded)
    }
  }

  /// Looks for rows with the key. - Returns: nil where there is none; a nil within where it is to be looked again.
  private func look(_ inserter: TableInserter) throws(SQLError) -> Outcome?? {
    let session = runtime.session
    for arbiter in arbiters {
      switch try arbiter.holder(inserter.row, inserter.batch) {
      case .none: continue
      case .pending(let xid):
        _ = try engine { () throws(EngineError) in try session.waitForEnd(of: xid) }
        return .some(nil)
      case .row(let place):
        if !conflict.isUpdate {
          try requireVisible(place, inserter)
          return .some(.some(.nothing))
        }
        return .some(try update(place, inserter))
      }
    }
    return nil
  }

  /// - Returns: nil where somebody was faster.
  private func tryInsert(_ inserter: TableInserter) throws(SQLError) -> TupleIdentifier? {
    let place = try inserter.store()
    let (session, heap) = (runtime.session, inserter.heap)
    for index in inserter.indexes {
      guard arbiters.contains(where: { $0 === index }) else {
        try index.require(inserter.row, inserter.batch, at: place)
        continue
      }
      let result = try index.insert(inserter.row, inserter.batch, at: place)
      if case .inserted = result { continue }
      try engine { () throws(EngineError) in try session.retract(place, from: heap) }
      if case .pending(let xid) = result {
        _ = try engine { () throws(EngineError) in try session.waitForEnd(of: xid) }
      }
      return nil
    }
    inserter.noteInserted()
    return place
  }

  // MARK: DO UPDATE

  /// Changes the row that is there. - Returns: nil where it has gone meanwhile.
  private func update(_ place: TupleIdentifier, _ inserter: TableInserter) throws(SQLError) -> Outcome? {
    guard let updater, let batch, let existing, let excluded else {
      preconditionFailure("ON CONFLICT DO UPDATE without a table")
    }
    let (session, heap) = (runtime.session, inserter.heap)
    let mode: TupleLockMode = changesKey(inserter) ? .update : .noKeyUpdate
    let locked = try engine { () throws(EngineError) in try session.lock(place, of: heap, mode) }
    switch locked {
    case .done: break
    case .updated, .deleted, .wouldBlock: return nil
    case .changedBySelf, .invisible:
      throw SQLError(
        SQLState("21000"), "ON CONFLICT DO UPDATE command cannot affect row a second time",
        hint: "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")
    }
    try requireVisible(place, inserter)
    guard let tuple = try updater.version(at: place) else { return nil }
    try updater.deform(tuple, into: existing)
    arena.reset()
    fillSystemColumns(batch, existing.count, tuple, place, inserter.relation)
    if let condition, try condition.evaluate(batch, arena)[0]?.bool != true { return .nothing }
    inserter.row.copy(existing)
    for (index, column) in conflict.columns.enumerated() {
      inserter.row[column] = try values[index].evaluate(batch, arena)[0]
    }
    try inserter.testRow()
    guard case .done(let new) = try updater.update(place) else {
      inserter.row.copy(excluded)
      return nil
    }
    return .updated(new)
  }

  private func changesKey(_ inserter: TableInserter) -> Bool {
    let columns = Set(conflict.columns)
    return inserter.indexes.contains { $0.index.isUnique && !$0.referencedColumns.isDisjoint(with: columns) }
  }

  private func fillSystemColumns(
    _ batch: RowBatch, _ base: Int, _ tuple: HeapTuple, _ place: TupleIdentifier, _ relation: RelationDescriptor
  ) {
    for column in SystemColumn.allCases {
      let value: Datum =
        switch column {
        case .ctid: TIDType.make(block: place.block.rawValue, offset: place.number, in: arena)
        case .xmin: Datum(oid: tuple.xmin.rawValue)
        case .xmax: Datum(oid: tuple.xmax.rawValue)
        case .cmin, .cmax: Datum(oid: tuple.command)
        case .tableoid: Datum(oid: relation.oid)
        }
      batch.set(base + column.place, row: 0, value)
    }
  }

  /// At higher levels of isolation, a row that the snapshot does not see must not decide anything.
  private func requireVisible(_ place: TupleIdentifier, _ inserter: TableInserter) throws(SQLError) {
    let session = runtime.session
    guard session.isolation != .readCommitted else { return }
    let snapshot = try runtime.snapshot()
    let heap = inserter.heap
    let isVisible = try engine { () throws(EngineError) in
      try HeapFetcher(heap, session, snapshot: snapshot).fetchExact(place) != nil
    }
    if !isVisible {
      throw SQLError(EngineError(.serializationFailure, "could not serialize access due to concurrent update"))
    }
  }
}
