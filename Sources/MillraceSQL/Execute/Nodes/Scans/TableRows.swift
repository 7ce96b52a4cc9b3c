import MillraceEngine
import MillraceTypes

/// The batches that a scan of a table fills: the table's columns, and behind them the system columns.
final class TableRows {
  let relation: RelationDescriptor
  let heap: HeapRelation
  private(set) var batch: RowBatch
  private(set) var rows: HeapRows
  private let scan: TableScan

  init(_ scan: TableScan, _ runtime: PlanRuntime, capacity: Int) throws(SQLError) {
    self.scan = scan
    relation = try runtime.relation(scan.relation)
    guard let heap = relation.heap else {
      throw SQLError(.wrongObjectType, "cannot open relation \"\(relation.name)\"")
    }
    self.heap = heap
    (batch, rows) = Self.make(scan, relation, capacity: capacity)
  }

  private static func make(
    _ scan: TableScan, _ relation: RelationDescriptor, capacity: Int
  ) -> (RowBatch, HeapRows) {
    let columnCount = relation.tuple.count
    let batch = RowBatch(columns: columnCount + SystemColumn.allCases.count, capacity: capacity)
    var system: [HeapSystemColumn] = []
    for column in scan.systemColumns {
      system.append(
        HeapSystemColumn(
          number: column.rawValue, target: columnCount + column.place, table: relation.oid))
    }
    let rows = HeapRows(
      relation.tuple, wanted: scan.columns, systemColumns: system, into: batch.columns, capacity: capacity)
    return (batch, rows)
  }

  /// Takes larger batches, where more rows come than were expected. What was filled in is lost.
  func grow() {
    guard batch.capacity < RowBatch.capacityMax else { return }
    (batch, rows) = Self.make(
      scan, relation, capacity: min(max(batch.capacity * 8, HeapPage.itemCountMax), RowBatch.capacityMax))
  }
}

extension SystemColumn {
  /// Its place behind the table's columns.
  var place: Int { Int(-1 - rawValue) }
}
