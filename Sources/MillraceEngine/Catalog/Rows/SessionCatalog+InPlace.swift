import MillraceStorage
import MillraceTypes
import MillraceWAL

/// Changing rows of system tables where they stand (PostgreSQL's systable_inplace_update_begin,
/// src/backend/access/index/genam.c).
extension SessionCatalog {
  /// Overwrites columns of fixed width of one row, for everybody at once, and for good: also where the transaction is
  /// rolled back. For what only counts: numbers of pages and rows, and oldest transactions.
  /// - Parameters:
  ///   - keys: what the row has; there must be one such row at most.
  ///   - change: changes it.
  /// - Returns: false where there is no such row.
  @discardableResult
  func overwrite<Column: CatalogColumn>(
    _ columns: Column.Type, _ keys: [Column: CatalogValue], _ change: (inout CatalogRow<Column>) -> Void
  ) throws(EngineError) -> Bool {
    let table = SystemCatalog.of(Column.self)
    while var row = try first(columns, keys) {
      guard let place = row.identifier else { return false }
      let before = row
      change(&row)
      if row == before { return true }
      let (tuple, _) = try form(row, table)
      switch try session.overwrite(place, of: catalog.table(Column.catalog), with: tuple) {
      case .done: return true
      case .updated, .deleted: continue
      case .changedBySelf, .invisible, .wouldBlock:
        throw EngineError(.internalError, "a row of \(table.name) could not be changed in place")
      }
    }
    return false
  }
}

extension Session {
  /// Overwrites a row's columns (heap_inplace_update, src/backend/access/heap/heapam.c).
  /// - Parameter row: as long as the one that is there.
  func overwrite(
    _ identifier: TupleIdentifier, of relation: HeapRelation, with row: HeapTuple
  ) throws(EngineError) -> ChangeResult {
    try untilObtained(identifier, relation, .noKeyUpdate, .wait) { () throws(EngineError) in
      var page = try lockedPage(identifier.block, of: relation)
      let heap = HeapPage(page.mutableBytes, block: identifier.block)
      guard let tuple = heap.tuple(Int(identifier.number)) else { return .result(.deleted) }
      if let obstacle = try obstacle(to: tuple, at: identifier, on: heap, .noKeyUpdate) { return obstacle }
      guard tuple.bytes.count == row.bytes.count, tuple.dataOffset == row.dataOffset else {
        throw EngineError(.corrupted, "tuple \(identifier) of relation \(relation.locator) cannot be changed in place")
      }
      page.markDirty()
      change(of: relation, by: transaction.innermost).overwrite(
        Int(identifier.number), on: heap, tuple, with: row.data)
      try log(&page, of: relation)
      return .result(.done(identifier))
    }
  }
}
