public import MillraceEngine
import MillraceTypes

/// Puts rows into a table, with all that belongs to it: NOT NULL and CHECK, long values out of line, the heap, every
/// index, unique keys. What INSERT does with each row, also for COPY and others that have rows. On its session's
/// thread.
public final class TableInserter {
  public let relation: RelationDescriptor
  let heap: HeapRelation
  let context: ExecutionContext
  let indexes: [IndexEntries]
  let writer: RowWriter
  /// Room for one row, which checks and indexes see as a batch.
  let row: TupleSlot
  let batch: RowBatch
  private let check: RowCheck
  private let isTested: Bool
  /// How many rows have been inserted.
  public private(set) var count: UInt64 = 0

  /// - Parameters:
  ///   - relation: a table, locked for changing (RowExclusive).
  ///   - checks: its CHECK constraints; conditions are over its columns.
  public convenience init(
    _ relation: RelationDescriptor, checks: [NamedCheck], _ context: ExecutionContext
  ) throws(SQLError) {
    try self.init(relation, checks, ExpressionCompiler(context), context)
  }

  init(
    _ relation: RelationDescriptor, _ checks: [NamedCheck], _ compiler: ExpressionCompiler,
    _ context: ExecutionContext
  ) throws(SQLError) {
    guard let heap = relation.heap else {
      throw SQLError(.wrongObjectType, "cannot change relation \"\(relation.name)\"")
    }
    (self.relation, self.heap, self.context) = (relation, heap, context)
    var indexes: [IndexEntries] = []
    for index in relation.indexes where index.isReady {
      indexes.append(try IndexEntries(index, of: relation, heap, compiler, context))
    }
    self.indexes = indexes
    writer = RowWriter(relation, context.session)
    row = TupleSlot(count: relation.tuple.count)
    batch = RowBatch(of: row)
    check = try RowCheck(relation, checks, compiler, context)
    isTested = check.isNeeded
  }

  /// Inserts a row.
  /// - Parameter values: one for each column of the table, dropped ones NULL.
  /// - Returns: where it is.
  /// - Throws: ``SQLError``: 23502, 23514, 23505, and what storing it throws.
  @discardableResult
  public func insert(_ values: TupleSlot) throws(SQLError) -> TupleIdentifier {
    row.copy(values)
    return try insertRow()
  }

  // MARK: Parts

  /// Takes over a row of a batch.
  @inline(__always) func load(_ source: RowBatch, _ number: Int) {
    for column in 0..<row.count {
      row.values[column] = source.columns[column].values[number]
      row.nulls[column] = source.columns[column].nulls[number]
    }
  }

  /// Tests the row.
  @inline(__always) func testRow() throws(SQLError) {
    if isTested { try check.test(row, batch) }
  }

  @discardableResult
  func insertRow() throws(SQLError) -> TupleIdentifier {
    try testRow()
    let place = try store()
    for index in indexes { try index.require(row, batch, at: place) }
    count += 1
    return place
  }

  /// Puts the row into the heap.
  func store() throws(SQLError) -> TupleIdentifier {
    do throws(EngineError) {
      return try context.session.insert(try writer.form(row), into: heap)
    } catch {
      throw SQLError(error)
    }
  }

  func noteInserted() { count += 1 }
}
