import MillraceStorage
import Testing

@testable import MillraceEngine
@testable import MillraceStorage

/// Pages that were made ahead for whoever comes next, and that somebody has come to first.
@Suite struct ExtensionReserveTests {
  /// A table with rows on its only page that was in the reserve, which still has it.
  private func prepare() throws -> (rig: EngineRig, database: Database, table: SampleTable, writer: Session) {
    let rig = try EngineRig(seed: 1)
    let database = try rig.open()
    let writer = try database.makeSession("writer")
    let table = try SampleTable.create(writer)
    let fork = table.relation.fork
    // As where two threads extend it at the same time: four blocks are made, of which one is taken.
    for _ in 0..<3 { _ = fork.extensionReserve.enter() }
    _ = try database.pool.extend(fork, by: 1, writer.backend)
    for _ in 0..<3 { fork.extensionReserve.leave() }
    try #require(fork.extensionReserve.count == 3)
    try writer.begin()
    for id in 0..<5 as Range<Int32> {
      let place = try table.insert(SampleTable.Row(id: id, value: 1, body: [1, 2, 3]), writer)
      try #require(place.block.rawValue == 3, "the last block is tried first")
    }
    try writer.commit()
    return (rig, database, table, writer)
  }

  @Test func `a session that extends the table does not make such a page anew`() throws {
    let (_, database, table, writer) = try prepare()
    let other = try database.makeSession("other")
    try other.begin()
    // Too large for what is left on any page, so that it takes a new one each time.
    for id in 10..<16 as Range<Int32> {
      _ = try table.insert(SampleTable.Row(id: id, value: 2, body: [UInt8](repeating: 7, count: 8000)), other)
    }
    try other.commit()
    try other.begin()
    #expect(try table.rows(other).map(\.id) == Array(0..<5) + Array(10..<16))
    try other.rollback()
    other.close()
    writer.close()
    try database.close()
  }

  @Test func `a bulk load does not make such a page anew`() throws {
    let (_, database, table, writer) = try prepare()
    try writer.begin()
    let loader = BulkLoader(table.relation, writer)
    for id in 10..<30 as Range<Int32> {
      try loader.append(attributeCount: 3) { row in
        row.append(id)
        row.append(2 as Int64)
        row.append(text: [UInt8](repeating: 7, count: 5000))
      }
    }
    try loader.finish()
    try writer.commit()
    try writer.begin()
    #expect(try table.rows(writer).map(\.id).sorted() == Array(0..<5) + Array(10..<30))
    try writer.rollback()
    writer.close()
    try database.close()
  }
}
