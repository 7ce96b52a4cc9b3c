import MillraceEngine
import MillraceIO
import MillraceStorage

/// A table with one row on each page and room there for the row's next version, so that one update makes a page dirty.
struct DirtyTable {
  private let database: Database
  private let table: HeapRelation
  private let session: Session
  private let pages: Int

  /// Of a row's text: two rows are a page.
  private static let payload = 3900

  /// Makes the table. Its pages are on disk, and in memory no page is dirty.
  /// - Parameter byteCount: of its pages.
  init(_ database: Database, byteCount: Int) throws {
    self.database = database
    session = try database.makeSession("dirty table")
    pages = byteCount / PageLayout.blockSize
    let wanted = pages
    table = try LoadedTable(session, fillFactor: 50, payload: Self.payload) { rows, _ in min(wanted - rows, 1024) }
      .relation
    try database.checkpoint()
  }

  func close() { session.close() }

  /// Updates the row on each page. Once.
  func makeDirty() throws {
    let rows = SampleRows(payload: Self.payload)
    for first in stride(from: 0, to: pages, by: 1024) {
      try Interruption.check()
      try session.transaction { session throws(EngineError) in
        for block in first..<min(first + 1024, pages) {
          let place = TupleIdentifier(BlockNumber(UInt32(block)), 1)
          let row = try rows.row(Int64(block), isUpdated: true)
          guard case .done = try session.update(place, of: table, to: row) else {
            throw EngineError(.undefined, "the row at \(place) of the table made for this is not there")
          }
        }
      }
    }
  }
}
