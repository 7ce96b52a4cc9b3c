import MillraceEngine
import MillraceTypes

/// INSERT, UPDATE and DELETE (src/backend/executor/nodeModifyTable.c).
final class ModifyTableNode: PlanNode {
  private let modification: TableModification
  private let input: PlanNode
  private let inserter: TableInserter
  private let updater: TableUpdater?
  private let conflicts: ConflictHandler?
  private let returning: ReturningRows?
  private let projector: RowProjector?
  private var recheck: RowRecheck?
  /// Of an INSERT of many rows that nobody wants to see.
  private var loader: TableLoader?
  private let columnCount: Int
  private var isDone = false
  /// How many rows have been changed.
  private(set) var processed: UInt64 = 0

  init(_ plan: Plan, _ modification: TableModification, _ runtime: PlanRuntime) throws(SQLError) {
    self.modification = modification
    input = try runtime.node(plan.inputs[0])
    let relation = try runtime.relation(modification.relation)
    columnCount = relation.tuple.count
    inserter = try TableInserter(relation, modification.checks, runtime.compiler, runtime.context)
    updater =
      modification.kind == .insert && modification.onConflict?.isUpdate != true
      ? nil
      : try TableUpdater(inserter, updatedColumns: modification.onConflict?.columns ?? modification.updatedColumns)
    conflicts = try modification.onConflict.map { (conflict) throws(SQLError) in
      try ConflictHandler(conflict, runtime)
    }
    let counters = runtime.instrument(plan)
    let hasReturning = !(plan.output ?? []).isEmpty
    projector = hasReturning ? try RowProjector(plan, runtime, counters) : nil
    returning =
      hasReturning ? ReturningRows(relation, inputTypes: plan.inputs[0].outputTypes, runtime) : nil
    super.init(plan, runtime, counters)
    conflicts?.begin(inserter, updater)
  }

  override var inputs: [PlanNode] { [input] }

  override func produce() throws(SQLError) -> RowBatch? {
    while !isDone {
      guard let batch = try input.next() else {
        isDone = true
        try loader?.finish()
        break
      }
      if loadsRows, loader != nil || batch.count >= Self.manyRows {
        try load(batch)
        continue
      }
      returning?.begin()
      for place in 0..<batch.count {
        let row = Int(batch.selection[place])
        switch modification.kind {
        case .insert: try insert(batch, row)
        case .update: try update(batch, row)
        case .delete: try delete(batch, row)
        }
      }
      if let returning, let projector, returning.count > 0, let result = try projector.apply(returning.finish()) {
        return result
      }
    }
    return nil
  }

  // MARK: Insert

  /// From how many rows on they are inserted together.
  private static let manyRows = 8

  private var loadsRows: Bool { modification.kind == .insert && conflicts == nil && returning == nil }

  /// Inserts the rows of a batch together; they are all there before more are computed.
  private func load(_ batch: RowBatch) throws(SQLError) {
    let loader = loader ?? TableLoader(inserter)
    self.loader = loader
    for place in 0..<batch.count {
      inserter.load(batch, Int(batch.selection[place]))
      try loader.insert()
      processed += 1
    }
    try loader.flush()
  }

  private func insert(_ batch: RowBatch, _ row: Int) throws(SQLError) {
    inserter.load(batch, row)
    guard let conflicts else {
      let place = try inserter.insertRow()
      return try noteDone(place, batch, row)
    }
    switch try conflicts.insert() {
    case .inserted(let place):
      instrumentation?.inserted += 1
      try noteDone(place, batch, row)
    case .updated(let place):
      instrumentation?.conflicts += 1
      try noteDone(place, batch, row)
    case .nothing: instrumentation?.conflicts += 1
    }
  }

  private func noteDone(_ place: TupleIdentifier, _ batch: RowBatch, _ row: Int) throws(SQLError) {
    processed += 1
    try returning?.add(inserter.row, at: place, batch, row)
  }

  // MARK: Update

  private func update(_ batch: RowBatch, _ row: Int) throws(SQLError) {
    guard let updater, let target = batch.value(columnCount, row: row) else { return }
    var place = TupleIdentifier(target)
    inserter.load(batch, row)
    try inserter.testRow()
    var (batch, row) = (batch, row)
    while true {
      switch try updater.update(place) {
      case .done(let new): return try noteDone(new, batch, row)
      case .updated(let next, let by):
        guard let again = try newest(next, by, .noKeyUpdate) else { return }
        place = again.place
        (batch, row) = (again.batch, again.row)
        inserter.load(batch, row)
        try inserter.testRow()
      case .deleted, .changedBySelf, .wouldBlock: return
      case .invisible: throw SQLError(.internalError, "attempted to update invisible tuple")
      }
    }
  }

  /// The newest version of a row that another transaction has changed, and what the statement makes of it.
  private func newest(
    _ next: TupleIdentifier, _ updater: TransactionID, _ mode: TupleLockMode
  ) throws(SQLError) -> (place: TupleIdentifier, batch: RowBatch, row: Int)? {
    let recheck = try rechecking()
    guard let place = try recheck.lockNewest(next, updater, mode).place,
      let batch = try recheck.row(at: place), batch.count > 0
    else { return nil }
    return (place, batch, Int(batch.selection[0]))
  }

  private func rechecking() throws(SQLError) -> RowRecheck {
    if let recheck { return recheck }
    let made = try RowRecheck(
      plan.inputs[0], relation: modification.relation, alias: modification.recheckAlias, inserter.heap, runtime)
    recheck = made
    return made
  }

  // MARK: Delete

  private func delete(_ batch: RowBatch, _ row: Int) throws(SQLError) {
    guard let updater, let target = batch.value(0, row: row) else { return }
    var place = TupleIdentifier(target)
    var (batch, row) = (batch, row)
    while true {
      switch try updater.delete(place) {
      case .done:
        processed += 1
        guard let returning, let tuple = try updater.version(at: place) else { return }
        try updater.deform(tuple, into: inserter.row)
        return try returning.add(inserter.row, at: place, batch, row)
      case .updated(let next, let by):
        guard let again = try newest(next, by, .update) else { return }
        (place, batch, row) = again
      case .deleted, .changedBySelf, .wouldBlock: return
      case .invisible: throw SQLError(.internalError, "attempted to delete invisible tuple")
      }
    }
  }

  override func restart() throws(SQLError) {
    preconditionFailure("a statement that changes rows was started over")
  }

  override func reset() { (isDone, processed) = (false, 0) }

  override func close() {
    // The next execution writes pages of its own.
    loader = nil
    recheck?.close()
    updater?.close()
  }
}
