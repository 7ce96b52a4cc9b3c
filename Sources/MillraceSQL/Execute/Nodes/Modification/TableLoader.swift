import MillraceEngine
import MillraceTypes

/// Puts many rows into a table, a page at a time (CopyMultiInsertBuffer of PostgreSQL's commands/copyfrom.c). On its
/// session's thread.
///
/// Rows are tested one by one. Where the table has indexes they are kept until there are enough of them, go onto pages
/// together, and then into the indexes; so that a key which is there already is found later than what is wrong with a
/// few of the rows behind it.
final class TableLoader {
  let inserter: TableInserter
  private let loader: BulkLoader
  private let writer: RowWriter
  private let row: TupleSlot
  private let hasIndexes: Bool
  /// How many rows have been inserted.
  private(set) var count: UInt64 = 0
  /// Takes what indexes need out of rows that were kept; nil where there are none.
  private let deformer: TupleDeformer?
  private var keptRows = 0
  private var keptBytes = 0
  /// Of the row that some index did not take: what it was inserted with.
  private(set) var refused: UInt64?

  /// `MAX_BUFFERED_TUPLES`, `MAX_BUFFERED_BYTES`.
  private static let keptRowsMax = 1000
  private static let keptBytesMax = 65535

  init(_ inserter: TableInserter) {
    self.inserter = inserter
    (writer, row, hasIndexes) = (inserter.writer, inserter.row, !inserter.indexes.isEmpty)
    loader = BulkLoader(inserter.heap, inserter.context.session, keepsRows: !inserter.indexes.isEmpty)
    var columns: Set<Int> = []
    for index in inserter.indexes { columns.formUnion(index.referencedColumns) }
    deformer = inserter.indexes.isEmpty ? nil : inserter.relation.tuple.deformer(for: columns.sorted())
  }

  /// Inserts the row that the inserter holds.
  /// - Parameters:
  ///   - size: how long it was, where that is known.
  ///   - tag: by which ``refused`` names it.
  func insert(size: Int = 0, tag: UInt64 = 0) throws(SQLError) {
    try inserter.testRow()
    do throws(EngineError) {
      try loader.append(row, by: writer, tag: tag)
    } catch {
      throw SQLError(error)
    }
    count += 1
    guard hasIndexes else { return }
    keptRows += 1
    keptBytes += size
    if keptRows >= Self.keptRowsMax || keptBytes >= Self.keptBytesMax { try flush() }
  }

  /// Puts rows that are kept where they belong.
  func flush() throws(SQLError) {
    guard let deformer else { return }
    (keptRows, keptBytes) = (0, 0)
    do throws(EngineError) { try loader.flush() } catch { throw SQLError(error) }
    let batch = inserter.batch
    while let placed = loader.nextPlaced() {
      guard deformer.deform(placed.tuple, row.values, row.nulls) else {
        throw SQLError(.internalError, "a row that was formed does not have the columns of its table")
      }
      let place = placed.tuple.identifier
      do throws(SQLError) {
        for index in inserter.indexes { try index.require(row, batch, at: place) }
      } catch {
        refused = placed.tag
        throw error
      }
    }
  }

  /// Ends: all rows are where they belong, and their pages are on the way to the disk.
  func finish() throws(SQLError) {
    try flush()
    do throws(EngineError) { try loader.finish() } catch { throw SQLError(error) }
  }
}
