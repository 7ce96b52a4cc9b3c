import Glibc
@testable import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import MillraceWAL
import Testing

/// Temporary and unlogged tables, and what sessions see of each other's changes.
@Suite struct PersistenceTests {
  private func insert(_ id: Int32, into table: RelationDescriptor, _ session: Session) throws(EngineError) {
    guard let heap = table.heap else { return }
    let slot = TupleSlot(count: table.tuple.count)
    slot[0] = Datum(id)
    let writer = RowWriter(table, session)
    defer { withExtendedLifetime(writer) {} }
    let place = try session.insert(try writer.form(slot), into: heap)
    for index in table.indexes {
      guard let tree = index.tree else { continue }
      _ = try session.insert(slot.values, place, into: tree)
    }
  }

  private func count(_ table: RelationDescriptor, _ session: Session) throws(EngineError) -> Int {
    guard let heap = table.heap else { return -1 }
    let scan = try HeapScan(heap, session)
    var count = 0
    while try scan.next() != nil { count += 1 }
    return count
  }

  @Test("a temporary table is found before others, by its session alone, and goes with it")
  func temporary() throws {
    let rig = try CatalogRig()
    let other = try rig.connect()
    let own = try rig.transaction { catalog throws(EngineError) in
      try catalog.createTable(CatalogRig.table())
      var definition = CatalogRig.table()
      definition.namespace = try catalog.temporaryNamespace()
      definition.persistence = .temporary
      let oid = try catalog.createTable(definition)
      #expect(try catalog.requiredRelation(named: "t").oid == oid)
      return oid
    }
    let before = rig.database.log.reservedPosition
    let table = try rig.transaction { catalog throws(EngineError) in try catalog.requiredRelation(own) }
    #expect(table.temporaryBackend != nil && table.heap?.isLogged == false)
    try rig.session.transaction { session throws(EngineError) in
      for id in 0..<500 { try insert(Int32(id), into: table, session) }
    }
    // Nothing but the end of the transaction is logged.
    #expect(rig.database.log.reservedPosition.rawValue - before.rawValue < 1000)
    #expect(try rig.session.transaction { session throws(EngineError) in try count(table, session) } == 500)
    let theirs = try other.transaction { session throws(EngineError) in
      try session.catalog.requiredRelation(named: "t").oid
    }
    #expect(theirs != own)
    rig.session.close()
    let left = try other.transaction { session throws(EngineError) in
      try session.catalog.relation(own) == nil
    }
    #expect(left)
    let files = try rig.rig.fileSystem.list("\(rig.rig.path)/base/5")
    #expect(files.allSatisfy { !$0.hasPrefix("t") })
    other.close()
    try rig.database.close()
  }

  @Test("ON COMMIT empties or drops a temporary table")
  func onCommit() throws {
    let rig = try CatalogRig()
    func make(_ name: String, _ action: TemporaryRelations.CommitAction) throws -> RelationDescriptor {
      try rig.session.transaction { session throws(EngineError) in
        var definition = CatalogRig.table(name)
        definition.namespace = try session.catalog.temporaryNamespace()
        (definition.persistence, definition.onCommit) = (.temporary, action)
        let table = try session.catalog.requiredRelation(try session.catalog.createTable(definition))
        try insert(1, into: table, session)
        return table
      }
    }
    let (emptied, dropped, kept) = (try make("e", .deleteRows), try make("d", .drop), try make("k", .preserveRows))
    try rig.session.transaction { session throws(EngineError) in
      let now = try session.catalog.requiredRelation(emptied.oid)
      #expect(now.locator != emptied.locator)
      #expect(try count(now, session) == 0)
      #expect(try count(kept, session) == 1)
      #expect(try session.catalog.relation(dropped.oid) == nil)
    }
    try rig.close()
  }

  @Test("an unlogged table survives a shutdown, and is empty after a crash")
  func unlogged() throws {
    let rig = try CatalogRig()
    let oid = try rig.transaction { catalog throws(EngineError) in
      var definition = CatalogRig.table()
      definition.persistence = .unlogged
      return try catalog.createTable(definition)
    }
    try rig.session.transaction { session throws(EngineError) in
      let table = try session.catalog.requiredRelation(oid)
      for id in 0..<100 { try insert(Int32(id), into: table, session) }
    }
    try rig.close()
    func look(_ body: (Session, RelationDescriptor) throws(EngineError) -> Int) throws -> (Int, Database, Session) {
      let database = try rig.rig.open()
      let session = try database.makeSession("again")
      try session.connect(to: "postgres")
      let found = try session.transaction { session throws(EngineError) in
        try body(session, try session.catalog.requiredRelation(oid))
      }
      return (found, database, session)
    }
    let (kept, first, session) = try look { session, table throws(EngineError) in try count(table, session) }
    #expect(kept == 100)
    session.close()
    first.crash()
    let (left, second, last) = try look { session, table throws(EngineError) in
      let before = try count(table, session)
      // The index is an empty one, too.
      try insert(5, into: table, session)
      return before
    }
    #expect(left == 0)
    last.close()
    try second.close()
  }

  @Test("two sessions that make a table of the same name: one waits, and finds the name taken")
  func sameName() throws {
    let rig = try CatalogRig()
    try rig.session.begin()
    try rig.catalog.createTable(CatalogRig.table())
    let database = rig.database
    let waiter = try TestThread("waiter") { () throws -> String in
      let session = try database.makeSession("waiter")
      defer { session.close() }
      try session.connect(to: "postgres")
      do throws(EngineError) {
        try session.transaction { session throws(EngineError) in
          _ = try session.catalog.createTable(CatalogRig.table())
        }
        return "made"
      } catch {
        return "\(error.sqlState) \(error.message)"
      }
    }
    while !database.lockStatus().contains(where: { !$0.isGranted }) { sched_yield() }
    try rig.session.commit()
    let result = try waiter.join()
    #expect(result == "23505 duplicate key value violates unique constraint \"pg_type_typname_nsp_index\"")
    try rig.close()
  }

  @Test("a lock on a relation is waited for, and then the relation is as it is now")
  func locks() throws {
    let rig = try CatalogRig()
    let other = try rig.connect()
    let oid = try rig.transaction { catalog throws(EngineError) in try catalog.createTable(CatalogRig.table()) }
    try rig.session.begin()
    try rig.catalog.renameColumn("body", of: oid, to: "text")
    try other.begin()
    try expectError("55P03", "could not obtain lock on relation \"t\"") {
      try other.catalog.requiredOpen(named: "t", .accessShare, .noWait)
    }
    try rig.session.commit()
    let table = try other.catalog.requiredOpen(named: "t", .accessShare, .noWait)
    #expect(table.tuple.columns.map(\.name) == ["id", "text"])
    try other.commit()
    other.close()
    try rig.close()
  }

  @Test("a savepoint that is rolled back takes its definitions along")
  func savepoint() throws {
    let rig = try CatalogRig()
    try rig.session.begin()
    let first = try rig.catalog.createTable(CatalogRig.table("a"))
    try rig.session.savepoint("s")
    try rig.catalog.createTable(CatalogRig.table("b"))
    try rig.catalog.renameColumn("body", of: first, to: "text")
    try rig.session.rollback(toSavepoint: "s")
    #expect(try rig.catalog.relation(named: "b") == nil)
    #expect(try rig.catalog.requiredRelation(first).tuple.columns.map(\.name) == ["id", "body"])
    try rig.session.commit()
    try rig.transaction { catalog throws(EngineError) in
      #expect(try catalog.relation(named: "a")?.oid == first)
      #expect(try catalog.relation(named: "b") == nil)
    }
    try rig.close()
  }
}
