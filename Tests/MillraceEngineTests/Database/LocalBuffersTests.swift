@testable import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

/// Temporary tables, in their session's own buffers.
@Suite struct LocalBuffersTests {
  /// A temporary table `(id int4 primary key, body text)`, larger than the buffers, and what should be in it.
  private struct Table {
    let oid: UInt32
    let session: Session
    var rows: [Int32: [UInt8]] = [:]
    var places: [Int32: TupleIdentifier] = [:]

    init(_ session: Session, name: String = "t") throws {
      self.session = session
      oid = try session.transaction { session throws(EngineError) in
        var definition = CatalogRig.table(name)
        definition.namespace = try session.catalog.temporaryNamespace()
        definition.persistence = .temporary
        return try session.catalog.createTable(definition)
      }
    }

    var relation: RelationDescriptor {
      get throws {
        if session.isInTransaction { return try session.catalog.requiredRelation(oid) }
        return try session.transaction { [oid] session throws(EngineError) in
          try session.catalog.requiredRelation(oid)
        }
      }
    }

    /// Inserts, replaces and deletes rows in a transaction that is committed or rolled back.
    mutating func change(_ random: inout SeededGenerator, count: Int) throws {
      let before = (rows, places)
      let isKept = random.below(4) > 0
      try session.begin()
      let table = try relation
      let (heap, writer) = (try #require(table.heap), RowWriter(table, session))
      let tree = try #require(table.indexes.first?.tree)
      let slot = TupleSlot(count: 2)
      let arena = Arena()
      for _ in 0..<count {
        try session.advanceCommand()
        let body = random.bytes(random.below(random.below(20) == 0 ? 5000 : 200))
        slot[1] = arena.copy(body)
        let id = Int32(random.below(4000))
        if let place = places[id] {
          if random.below(2) == 0 {
            #expect(try session.delete(place, from: heap) == .done(place))
            (rows[id], places[id]) = (nil, nil)
            continue
          }
          slot[0] = Datum(id)
          guard case .done(let moved) = try session.update(place, of: heap, to: try writer.form(slot)) else {
            Issue.record("row \(id) could not be replaced")
            continue
          }
          let isHot = moved.block == place.block
          if !isHot { _ = try session.insert(slot.values, moved, into: tree) }
          (rows[id], places[id]) = (body, moved)
        } else {
          slot[0] = Datum(id)
          let place = try session.insert(try writer.form(slot), into: heap)
          _ = try session.insert(slot.values, place, into: tree)
          (rows[id], places[id]) = (body, place)
        }
      }
      withExtendedLifetime((writer, arena)) {}
      if isKept { try session.commit() } else { try session.rollback() }
      if !isKept { (rows, places) = before }
    }

    private func row(_ tuple: HeapTuple, _ table: RelationDescriptor) throws -> (Int32, [UInt8]) {
      let slot = TupleSlot(count: 2)
      _ = table.tuple.deformer.deform(tuple, slot.values, slot.nulls)
      let arena = Arena()
      let body = try session.detoasted(try #require(slot[1]), in: arena).bytes.array
      return (try #require(slot[0]).int32, body)
    }

    /// By the heap, and by the index.
    func check() throws {
      try session.begin()
      let table = try relation
      let heap = try #require(table.heap)
      var found: [Int32: [UInt8]] = [:]
      let scan = try HeapScan(heap, session)
      while let tuple = try scan.next() {
        let (id, body) = try row(tuple, table)
        #expect(found.updateValue(body, forKey: id) == nil)
      }
      #expect(found == rows)
      var ids: [Int32] = []
      let tree = try #require(table.indexes.first?.tree)
      let fetch = try IndexHeapFetch(BTreeScan(tree, session), heap, session)
      while let tuple = try fetch.next() { ids.append(try row(tuple, table).0) }
      #expect(ids == rows.keys.sorted())
      try session.commit()
    }
  }

  @Test(
    "a temporary table larger than its buffers is written and read, combined, by every method, and never logged",
    arguments: ["sync", "worker", "io_uring", "posix_aio"], [1, 2] as [UInt64])
  func largerThanBuffers(method: String, seed: UInt64) throws {
    let rig = try CatalogRig(["io_method=\(method)", "temp_buffers=100"])
    var table = try Table(rig.session)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<12 { try table.change(&random, count: 1200) }
    try table.check()
    let descriptor = try table.relation
    let heap = try #require(descriptor.heap)
    #expect(heap.pool.count == 100 && heap.pool.scope == .local && heap.pool !== rig.database.pool)
    #expect(try heap.blockCount() > 150)
    try rig.session.begin()
    let options = VacuumOptions()
    let result = try HeapVacuum(heap, indexes: descriptor.indexes.compactMap(\.tree), rig.session, options).run()
    try rig.session.commit()
    #expect(result.liveTuples == UInt64(table.rows.count))
    try table.change(&random, count: 500)
    try table.check()
    let statistics = try #require(rig.session.localBufferStatistics)
    #expect(statistics.blocksRead > 300 && statistics.reads < statistics.blocksRead)
    #expect(statistics.blocksWritten > 300 && statistics.evictions > 300)
    rig.session.close()
    #expect(heap.pool.pinCount == 0)
    try rig.database.close()
  }

  @Test("their number is the session's own, and fixed once they are used; pools are used again")
  func sizes() throws {
    let rig = try CatalogRig()
    try rig.session.setTemporaryBuffers(200)
    #expect(rig.session.localBufferStatistics == nil)
    let table = try Table(rig.session)
    let pool = try #require(try table.relation.heap?.pool)
    #expect(pool.count == 200)
    let error = #expect(throws: EngineError.self) { try rig.session.setTemporaryBuffers(300) }
    #expect(error?.message.contains("cannot be changed after any temporary tables have been accessed") == true)
    rig.session.close()
    let next = try rig.connect("next")
    try next.setTemporaryBuffers(200)
    var second = try Table(next)
    #expect(try second.relation.heap?.pool === pool)
    var random = SeededGenerator(seed: 3)
    try second.change(&random, count: 300)
    try second.check()
    next.close()
    #expect(try rig.rig.fileSystem.list("\(rig.rig.path)/base/5").allSatisfy { !$0.hasPrefix("t") })
    try rig.database.close()
  }

  @Test("sessions have temporary tables of the same name at once, and see nothing of each other's")
  func severalSessions() throws {
    let rig = try CatalogRig(["temp_buffers=100"])
    let database = rig.database
    let threads = try (0..<4).map { number in
      try TestThread("session \(number)") { () throws -> Bool in
        let session = try database.makeSession("session \(number)")
        defer { session.close() }
        try session.connect(to: "postgres")
        var table = try Table(session)
        var random = SeededGenerator(seed: UInt64(number))
        for _ in 0..<5 {
          try table.change(&random, count: 300)
          try table.check()
        }
        return true
      }
    }
    for thread in threads { #expect(try thread.join()) }
    try rig.session.begin()
    #expect(try rig.catalog.relation(named: "t") == nil)
    try rig.session.commit()
    try rig.close()
  }
}
