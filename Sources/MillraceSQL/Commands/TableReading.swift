import MillraceEngine
import MillraceTypes

/// Goes through all rows of a table, one by one, for commands that look at each of them. On its session's thread.
final class TableReading {
  private let session: Session
  private let deformer: TupleDeformer
  private let scan: HeapScan
  /// The columns that are wanted; others are NULL.
  let row: TupleSlot
  /// The same, as expressions see it.
  let batch: RowBatch

  /// - Parameter columns: the table's columns that are wanted, from 0; all unless given.
  init(
    _ relation: RelationDescriptor, _ session: Session, columns: [Int]? = nil
  ) throws(SQLError) {
    guard let heap = relation.heap else {
      throw SQLError(.wrongObjectType, "\"\(relation.name)\" is not a table")
    }
    self.session = session
    deformer = columns.map { relation.tuple.deformer(for: $0) } ?? relation.tuple.deformer
    // All that has been committed counts, whatever the transaction's queries see.
    scan = try SQLError.engine { () throws(EngineError) in
      try HeapScan(heap, session, snapshot: try session.latestSnapshot())
    }
    row = TupleSlot(count: relation.tuple.count)
    batch = RowBatch(of: row)
  }

  /// Takes the next row. - Returns: false at the end.
  func next() throws(SQLError) -> Bool {
    try SQLError.engine { () throws(EngineError) in
      guard let tuple = try scan.next() else { return false }
      guard deformer.deform(tuple, row.values, row.nulls) else {
        throw EngineError(.corrupted, "tuple \(scan.identifier) does not have the columns of its table")
      }
      return true
    }
  }

  /// Where the row stands.
  var identifier: TupleIdentifier { scan.identifier }

  /// Where index entries of the row lead to.
  func rootIdentifier() throws(SQLError) -> TupleIdentifier {
    try SQLError.engine { () throws(EngineError) in try scan.rootIdentifier() }
  }
}
