import Glibc
@testable import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

/// A table `(id int4 primary key, body text)` with rows, by SQL's means below SQL.
struct CountedTable {
  let oid: UInt32
  let session: Session

  init(_ rig: CatalogRig, _ session: Session? = nil, name: String = "t") throws {
    oid = try rig.transaction { catalog throws(EngineError) in try catalog.createTable(CatalogRig.table(name)) }
    self.session = session ?? rig.session
  }

  init(_ oid: UInt32, _ session: Session) { (self.oid, self.session) = (oid, session) }

  /// In the session's transaction.
  func insert(_ ids: Range<Int32>, body: String = "x") throws(EngineError) {
    let table = try session.catalog.requiredRelation(oid)
    guard let heap = table.heap, let tree = table.indexes.first?.tree else { return }
    let (slot, arena, writer) = (TupleSlot(count: 2), Arena(), RowWriter(table, session))
    slot[1] = arena.copy(body)
    for id in ids {
      slot[0] = Datum(id)
      let place = try session.insert(try writer.form(slot), into: heap)
      _ = try session.insert(slot.values, place, into: tree)
    }
    withExtendedLifetime((arena, writer)) {}
  }

  /// Rows by a sequential scan.
  func places(_ isWanted: (Int32) -> Bool = { _ in true }) throws(EngineError) -> [(Int32, TupleIdentifier)] {
    let table = try session.catalog.requiredRelation(oid)
    guard let heap = table.heap else { return [] }
    let slot = TupleSlot(count: 2)
    let scan = try HeapScan(heap, session)
    var found: [(Int32, TupleIdentifier)] = []
    while let tuple = try scan.next() {
      _ = table.tuple.deformer.deform(tuple, slot.values, slot.nulls)
      if let id = slot[0]?.int32, isWanted(id) { found.append((id, scan.identifier)) }
    }
    return found
  }

  func delete(_ isWanted: (Int32) -> Bool) throws(EngineError) {
    guard let heap = try session.catalog.requiredRelation(oid).heap else { return }
    for (_, place) in try places(isWanted) { _ = try session.delete(place, from: heap) }
  }

  func update(_ isWanted: (Int32) -> Bool) throws(EngineError) {
    let table = try session.catalog.requiredRelation(oid)
    guard let heap = table.heap, let tree = table.indexes.first?.tree else { return }
    let (slot, writer) = (TupleSlot(count: 2), RowWriter(table, session))
    for (id, place) in try places(isWanted) {
      slot[0] = Datum(id)
      let result = try session.update(place, of: heap, to: try writer.form(slot))
      // On another page it is not found through the old one's entry.
      if case .done(let moved) = result, moved.block != place.block {
        _ = try session.insert(slot.values, moved, into: tree)
      }
    }
    withExtendedLifetime(writer) {}
  }

  func transaction(_ body: () throws(EngineError) -> Void) throws {
    try session.transaction { _ throws(EngineError) in try body() }
  }

  var statistics: RelationStatistics { session.statistics(of: oid) ?? RelationStatistics() }
}

@Suite struct RelationStatisticsTests {
  @Test("what a transaction does counts when it ends, what is rolled back leaves dead rows")
  func transactions() throws {
    let rig = try CatalogRig()
    let table = try CountedTable(rig)
    try table.transaction { () throws(EngineError) in
      try table.insert(0..<10)
      #expect(table.statistics == RelationStatistics())
    }
    #expect(table.statistics.inserted == 10 && table.statistics.liveTuples == 10)
    #expect(table.statistics.changesSinceAnalyze == 10 && table.statistics.insertsSinceVacuum == 10)
    try table.transaction { () throws(EngineError) in
      try table.update { $0 < 3 }
      try table.delete { $0 == 9 }
    }
    var found = table.statistics
    #expect(found.updated == 3 && found.hotUpdated == 3 && found.deleted == 1)
    #expect(found.liveTuples == 9 && found.deadTuples == 4 && found.changesSinceAnalyze == 14)
    #expect(found.scans == 2 && found.tuplesReturned == 20 && found.lastScan != nil)
    try table.session.begin()
    try table.insert(20..<25)
    try table.delete { $0 < 2 }
    try table.session.rollback()
    found = table.statistics
    #expect(found.inserted == 15 && found.deleted == 3)
    #expect(found.liveTuples == 9 && found.deadTuples == 9 && found.changesSinceAnalyze == 14)
    try rig.close()
  }

  @Test("savepoints: what one takes back counts as rolled back, what one keeps as its transaction")
  func savepoints() throws {
    let rig = try CatalogRig()
    let table = try CountedTable(rig)
    try table.transaction { () throws(EngineError) in
      try table.insert(0..<2)
      try table.session.beginNested()
      try table.insert(2..<5)
      try table.session.beginNested()
      try table.insert(5..<9)
      try table.session.commitNested()
      try table.session.beginNested()
      try table.insert(9..<14)
      try table.session.rollbackNested()
      try table.session.commitNested()
      try table.session.beginNested()
      try table.session.beginNested()
      try table.insert(20..<26)
      try table.session.commitNested()
      try table.session.rollbackNested()
      try table.insert(40..<41)
    }
    let found = table.statistics
    #expect(found.inserted == 2 + 3 + 4 + 5 + 6 + 1)
    #expect(found.liveTuples == 2 + 3 + 4 + 1 && found.deadTuples == 5 + 6)
    #expect(found.changesSinceAnalyze == 10)
    try rig.close()
  }

  @Test("TRUNCATE, DROP, VACUUM, ANALYZE and index scans are noticed")
  func others() throws {
    let rig = try CatalogRig()
    let table = try CountedTable(rig)
    try table.transaction { () throws(EngineError) in try table.insert(0..<500) }
    try table.transaction { () throws(EngineError) in try table.delete { $0 % 2 == 0 } }
    let result = try #require(try table.session.vacuum(table.oid))
    #expect(result.deadItems == 250 && result.liveTuples == 250)
    #expect(table.statistics.deadTuples == 0 && table.statistics.liveTuples == 250)
    #expect(table.statistics.vacuums.count == 1 && table.statistics.autovacuums.count == 0)
    #expect(table.statistics.vacuums.last != nil && table.statistics.insertsSinceVacuum == 0)
    let index = try rig.transaction { catalog throws(EngineError) -> UInt32 in
      let relation = try catalog.requiredRelation(table.oid)
      #expect(relation.statistics.tuples == 250 && relation.statistics.allVisiblePages > 0)
      guard let index = relation.indexes.first, let tree = index.tree, let heap = relation.heap else { return 0 }
      let scan = BTreeScan(tree, rig.session, [IndexScanKey(0, .less(Datum(100 as Int32)))])
      let fetch = try IndexHeapFetch(scan, heap, rig.session)
      var count = 0
      while try fetch.next() != nil { count += 1 }
      #expect(count == 50)
      return index.oid
    }
    let entries = try #require(rig.session.statistics(of: index))
    #expect(entries.scans == 1 && entries.tuplesReturned == 50 && entries.tuplesFetched == 50)
    try rig.session.transaction { session throws(EngineError) in _ = try session.analyze(table.oid) }
    #expect(table.statistics.analyzes.count == 1 && table.statistics.changesSinceAnalyze == 0)
    try table.transaction { () throws(EngineError) in
      try table.insert(1000..<1010)
      try rig.catalog.truncate(table.oid)
      try table.session.advanceCommand()
      try table.insert(2000..<2003)
    }
    #expect(table.statistics.liveTuples == 3 && table.statistics.deadTuples == 0)
    rig.database.resetStatistics(of: table.oid, in: rig.catalog.catalog.databaseID)
    #expect(table.statistics == RelationStatistics())
    try table.transaction { () throws(EngineError) in try rig.catalog.drop([.relation(table.oid)], .restrict) }
    #expect(rig.session.statistics(of: table.oid) == nil && rig.session.statistics(of: index) == nil)
    try rig.close()
  }

  @Test("VACUUM is refused in a transaction, and waits for nobody where it is told not to")
  func refusals() throws {
    let rig = try CatalogRig()
    let table = try CountedTable(rig)
    let other = try rig.connect()
    try other.begin()
    _ = try expectError("25001", "VACUUM cannot run inside a transaction block") { try other.vacuum(table.oid) }
    try other.catalog.lock(table.oid, .shareUpdateExclusive)
    #expect(try rig.session.vacuum(table.oid, VacuumOptions(), .noWait) == nil)
    try other.rollback()
    #expect(try rig.session.vacuum(table.oid, VacuumOptions(), .noWait) != nil)
    #expect(try rig.session.vacuum(999_999) == nil)
    other.close()
    try rig.close()
  }
}

@Suite struct AutovacuumTests {
  @Test("a table is vacuumed and analyzed when its own or the general threshold is passed, or it gets too old")
  func decisions() throws {
    let settings = Settings()
    var table = AutovacuumDecision.Table()
    func decide() -> [Bool] {
      let decision = AutovacuumDecision(table, settings)
      return [decision.vacuums, decision.analyzes, decision.preventsWraparound]
    }
    #expect(decide() == [false, false, false])
    var statistics = RelationStatistics()
    table.rows = 1000
    statistics.deadTuples = 250
    table.statistics = statistics
    #expect(decide() == [false, false, false])
    statistics.deadTuples = 251
    statistics.changesSinceAnalyze = 151
    table.statistics = statistics
    #expect(decide() == [true, true, false])
    table.isAnalyzed = false
    #expect(decide() == [true, false, false])
    table.options = ["autovacuum_vacuum_threshold": "400"]
    #expect(decide() == [false, false, false])
    table.options = ["autovacuum_enabled": "false"]
    #expect(decide() == [false, false, false])
    table.age = 200_000_001
    #expect(decide() == [true, false, true])
    (table.age, table.options) = (0, [:])
    statistics.deadTuples = 0
    (statistics.insertsSinceVacuum, table.unfrozenPart) = (1101, 0.5)
    table.statistics = statistics
    #expect(decide() == [true, false, false])
    table.unfrozenPart = 1
    #expect(decide() == [false, false, false])
    table.options = ["autovacuum_freeze_max_age": "100000"]
    table.age = 100_001
    #expect(decide() == [true, false, true])
  }

  @Test("a worker does what is needed, and then nothing is")
  func worker() throws {
    let rig = try CatalogRig(["autovacuum=on", "autovacuum_naptime=2147483"])
    let table = try CountedTable(rig)
    try table.transaction { () throws(EngineError) in try table.insert(0..<2000) }
    try table.transaction { () throws(EngineError) in try table.delete { $0 % 3 == 0 } }
    let first = try rig.database.runAutovacuum(SystemOID.postgres)
    #expect(first.vacuumed >= 1 && first.analyzed >= 1)
    let found = table.statistics
    #expect(found.autovacuums.count == 1 && found.autoanalyzes.count == 1 && found.deadTuples == 0)
    #expect(try rig.database.runAutovacuum(SystemOID.postgres).vacuumed == 0)
    try rig.transaction { catalog throws(EngineError) in
      #expect(try catalog.columnStatistics(of: table.oid).count == 2)
      #expect(try catalog.requiredRelation(table.oid).statistics.tuples == 1333)
    }
    // Who wants the table for himself is not kept waiting by a worker for long, nor is who drops the database.
    #expect(rig.database.openSessions == 1)
    try rig.close()
  }

  @Test("the launcher starts workers by itself, and ends with the database")
  func launcher() throws {
    let rig = try CatalogRig(["autovacuum=on", "autovacuum_naptime=1"])
    let table = try CountedTable(rig)
    try table.transaction { () throws(EngineError) in try table.insert(0..<3000) }
    try table.transaction { () throws(EngineError) in try table.delete { $0 % 2 == 0 } }
    while table.statistics.autovacuums.count == 0 || table.statistics.autoanalyzes.count == 0 {
      try Task.checkCancellation()
      sched_yield()
    }
    #expect(table.statistics.deadTuples == 0)
    try rig.close()
  }

  @Test("a worker makes way for who has waited for its table, and for who drops its database")
  func makesWay() throws {
    let rig = try CatalogRig()
    let table = try CountedTable(rig)
    let database = rig.database
    let worker = try database.makeSession("autovacuum worker", isBackground: true)
    try worker.connect(toDatabase: SystemOID.postgres)
    try worker.begin()
    try worker.catalog.lock(table.oid, .shareUpdateExclusive)
    let waiting = Moved(rig.session)
    let oid = table.oid
    let thread = try LockThread { () throws(EngineError) in
      waiting.value.waitLimits.deadlockTimeout = 1
      try waiting.value.begin()
      try waiting.value.catalog.lock(oid, .accessExclusive)
      try waiting.value.rollback()
      return true
    }
    while worker.locker.interrupts.isEmpty { sched_yield() }
    #expect(throws: EngineError.self) { try worker.checkInterrupts() }
    try worker.rollback()
    #expect(try thread.join()?.get() == true)
    worker.close()
    try rig.close()
  }
}
