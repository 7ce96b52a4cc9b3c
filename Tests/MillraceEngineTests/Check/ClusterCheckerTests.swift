@testable import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import MillraceWAL
import Testing

@Suite struct ClusterCheckerTests {
  /// A table with an index of two columns besides its key, changed at random.
  private func fill(_ rig: CatalogRig, seed: UInt64) throws -> CountedTable {
    let table = try CountedTable(rig)
    var random = SeededGenerator(seed: seed)
    for round in 0..<6 as Range<Int32> {
      let body = String(repeating: "b\(round)", count: random.below(round == 3 ? 800 : 40))
      try table.transaction { () throws(EngineError) in
        try table.insert(round * 200..<round * 200 + 150, body: body)
      }
      let kept = Int32(random.below(7) + 2)
      try table.transaction { () throws(EngineError) in try table.delete { $0 % kept == 0 } }
      try table.session.begin()
      try table.update { $0 % 11 == 1 }
      if random.below(2) == 0 { try table.session.rollback() } else { try table.session.commit() }
      if random.below(2) == 0 { try rig.session.vacuum(table.oid) }
    }
    return table
  }

  private func messages(_ database: Database) throws -> [String] {
    try ClusterChecker(database).run().problems.map { "\($0.relation): \($0.message)" }
  }

  @Test("a new cluster, and one that was worked with, have nothing wrong", arguments: 1...3 as ClosedRange<UInt64>)
  func clean(seed: UInt64) throws {
    let rig = try CatalogRig()
    _ = try fill(rig, seed: seed)
    let report = try ClusterChecker(rig.database).run()
    #expect(report.problems == [])
    #expect(report.databases == 3 && report.tables > 150 && report.indexes > 300 && report.rows > 20_000)
    #expect(report.entries > report.rows)
    try rig.close()
  }

  @Test("after a crash everything agrees, whatever was under way", arguments: 1...4 as ClosedRange<UInt64>)
  func crashes(seed: UInt64) throws {
    let rig = try CatalogRig(["checkpoint_timeout=30"])
    let table = try fill(rig, seed: seed)
    let other = try rig.connect()
    var random = SeededGenerator(seed: seed)
    // Some of what the first has committed is not durable, and the second has not ended.
    rig.session.synchronousCommit = .off
    try other.begin()
    let made = try other.catalog.createTable(CatalogRig.table("u"))
    let unfinished = CountedTable(made, other)
    try unfinished.insert(0..<300)
    for round in 0..<4 as Range<Int32> {
      try table.transaction { () throws(EngineError) in
        try table.insert(10_000 + round * 100..<10_000 + round * 100 + Int32(random.below(100)))
        try table.update { $0 % 13 == 5 }
      }
      try table.transaction { () throws(EngineError) in try table.delete { $0 % 17 == round } }
      if random.below(2) == 0 { try rig.session.vacuum(table.oid) }
      if random.below(3) == 0 { try rig.database.checkpoint() }
      if random.below(2) == 0 {
        try rig.session.transaction { session throws(EngineError) in _ = try session.analyze(table.oid) }
      }
    }
    if random.below(2) == 0 {
      try rig.database.log.flush(upTo: rig.database.log.reservedPosition, backend: rig.session.backend)
    }
    rig.database.crash()
    let database = try rig.rig.open()
    #expect(database.recovery.wasNeeded)
    let report = try ClusterChecker(database).run()
    #expect(report.problems == [])
    #expect(report.rows > 20_000)
    try database.close()
    withExtendedLifetime((rig, other)) {}
  }

  @Test("a row without an entry, an entry without a row, and a key that is there twice are found")
  func disagreements() throws {
    let rig = try CatalogRig()
    let table = try fill(rig, seed: 4)
    let relation = try rig.transaction { catalog throws(EngineError) in try catalog.requiredRelation(table.oid) }
    let (heap, tree) = (try #require(relation.heap), try #require(relation.indexes.first?.tree))
    let slot = TupleSlot(count: 2)
    // A row that the index does not know.
    try table.transaction { () throws(EngineError) in
      slot[0] = Datum(9001 as Int32)
      let writer = RowWriter(relation, table.session)
      _ = try table.session.insert(try writer.form(slot), into: heap)
      withExtendedLifetime(writer) {}
    }
    var found = try messages(rig.database)
    #expect(found.count == 1 && found[0].hasPrefix("public.t_pkey: has no entry for the row "))
    // An entry that leads nowhere, and one behind the end.
    try table.transaction { () throws(EngineError) in
      slot[0] = Datum(9002 as Int32)
      let count = try heap.blockCount()
      _ = try table.session.insert(slot.values, TupleIdentifier(BlockNumber(0), 250), into: tree)
      _ = try table.session.insert(slot.values, TupleIdentifier(BlockNumber(count + 5), 1), into: tree)
    }
    found = try messages(rig.database)
    #expect(found.count == 3)
    #expect(found.contains { $0.contains("behind the end of its table") })
    #expect(found.contains { $0.contains("where there is no line pointer") })
    // The same key twice.
    try table.transaction { () throws(EngineError) in
      try table.insert(9100..<9101)
      try table.insert(9100..<9101)
    }
    found = try messages(rig.database)
    #expect(found.contains { $0.contains("is unique, and rows") })
    try rig.close()
  }

  @Test("an index whose page has its items out of order is found")
  func structure() throws {
    let rig = try CatalogRig()
    let table = try fill(rig, seed: 5)
    let relation = try rig.transaction { catalog throws(EngineError) in try catalog.requiredRelation(table.oid) }
    let tree = try #require(relation.indexes.first?.tree)
    do {
      var page = try tree.read(BlockNumber(1), rig.session.backend)
      page.lock(.exclusive, backend: rig.session.backend)
      let editor = PageEditor(page.mutableBytes)
      let (first, second) = (editor.linePointer(2), editor.linePointer(3))
      page.markDirty()
      editor.setLinePointer(2, second)
      editor.setLinePointer(3, first)
    }
    let found = try messages(rig.database)
    #expect(found.contains { $0.hasPrefix("public.t_pkey: has items") && $0.hasSuffix("out of order") })
    try rig.close()
  }
}
