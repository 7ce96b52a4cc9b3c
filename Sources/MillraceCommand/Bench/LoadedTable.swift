import MillraceEngine
import MillraceStorage

/// A table of rows `(id int8, payload text)`, numbered from 0, that was loaded in bulk in one transaction.
struct LoadedTable {
  let relation: HeapRelation
  /// Bytes of a row.
  let rowBytes: Int
  private(set) var rowCount = 0
  private(set) var pageCount = 0

  /// Makes it.
  /// - Parameters:
  ///   - payload: bytes of each row's text.
  ///   - more: how many rows to load next, after so many rows and pages; 0 ends it.
  init(
    _ session: Session, fillFactor: Int = 100, payload: Int, more: (_ rows: Int, _ pages: Int) throws -> Int
  ) throws {
    let text = [UInt8](repeating: UInt8(ascii: "x"), count: payload)
    rowBytes = 8 + payload
    try session.begin()
    relation = try session.createRelation(fillFactor: fillFactor)
    let loader = BulkLoader(relation, session)
    while true {
      try Interruption.check()
      let count = try more(rowCount, Int(loader.pageCount))
      if count <= 0 { break }
      for id in rowCount..<rowCount + count {
        try loader.append(attributeCount: 2) { row in
          row.append(Int64(id))
          row.append(text: text)
        }
      }
      rowCount += count
    }
    try loader.finish()
    pageCount = Int(loader.pageCount)
    try session.commit()
  }
}
