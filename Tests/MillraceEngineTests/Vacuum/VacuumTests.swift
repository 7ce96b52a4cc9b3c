@testable import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import MillraceWAL
import Testing

/// An index in memory: the places of rows' roots by their ids.
final class ModelIndex: IndexVacuum {
  private(set) var entries: [(id: Int32, root: TupleIdentifier)] = []
  private(set) var bulkDeletions = 0
  private(set) var isTidy = false

  func add(_ id: Int32, _ root: TupleIdentifier) {
    entries.append((id, root))
    isTidy = false
  }

  func bulkDelete(_ session: Session, isDead: (TupleIdentifier) -> Bool) throws(EngineError) {
    bulkDeletions += 1
    entries.removeAll { isDead($0.root) }
  }

  func cleanUp(_ session: Session) throws(EngineError) { isTidy = true }
}

/// A table with an index, and what is in it.
struct IndexedTable {
  let table: SampleTable
  let index = ModelIndex()
  var rows: [Int32: [UInt8]] = [:]

  init(_ session: Session, fillFactor: Int = 100) throws {
    table = SampleTable(
      try session.transaction { session throws(EngineError) in
        try session.createRelation(hasIndexes: true, fillFactor: fillFactor)
      })
  }

  /// What the index finds, with the places of the rows.
  func find(_ session: Session) throws -> [Int32: (place: TupleIdentifier, body: [UInt8])] {
    let fetcher = try HeapFetcher(table.relation, session)
    var found: [Int32: (TupleIdentifier, [UInt8])] = [:]
    for (id, root) in index.entries {
      guard let tuple = try fetcher.fetch(root) else { continue }
      var reader = TupleReader(tuple)
      #expect(reader.next(Int32.self) == id)
      _ = reader.next(Int64.self)
      #expect(found[id] == nil, "row \(id) was found twice")
      found[id] = (fetcher.identifier, [UInt8](reader.nextText() ?? .init(start: nil, count: 0)))
    }
    return found
  }

  /// Some insertions, updates and deletions in a transaction that may be rolled back.
  mutating func change(_ random: inout SeededGenerator, _ session: Session, count: Int, next: inout Int32) throws {
    var after = rows
    var roots: [(Int32, TupleIdentifier)] = []
    try session.begin()
    for _ in 0..<count {
      let body = random.bytes(random.below(150))
      if random.below(3) == 0 || after.isEmpty {
        roots.append((next, try table.insert(.init(id: next, value: 0, body: body), session)))
        after[next] = body
        next += 1
      } else {
        let place = try find(session).filter { after[$0.key] != nil }.sorted { $0.key < $1.key }
        guard !place.isEmpty else { continue }
        let (id, row) = place[random.below(place.count)]
        if random.below(3) == 0 {
          #expect(try session.delete(row.place, from: table.relation) == .done(row.place))
          after[id] = nil
        } else {
          let isIndexed = random.below(4) == 0
          let tuple = try RowMemoryPool.shared.memory.row(id, 0, body)
          let result = try session.update(
            row.place, of: table.relation, to: tuple, changesIndexedColumns: isIndexed)
          guard case .done(let new) = result else { Issue.record("\(result)"); continue }
          let view = try HeapFetcher(table.relation, session)
          if try view.version(at: new)?.isHeapOnly == false { roots.append((id, new)) }
          after[id] = body
        }
      }
      for (id, root) in roots { index.add(id, root) }
      roots = []
      try session.advanceCommand()
    }
    if random.below(5) == 0 {
      try session.rollback()
    } else {
      try session.commit()
      rows = after
    }
  }
}

/// Memory for one row at a time, on one thread.
final class RowMemoryPool {
  nonisolated(unsafe) static let shared = RowMemoryPool()
  // Safe because the tests that use it are run one after another.
  let memory = RowMemory()
}

@Suite(.serialized) struct VacuumTests {
  private func options(_ change: (inout VacuumOptions) -> Void = { _ in }) -> VacuumOptions {
    var options = VacuumOptions()
    options.ringBuffers = 16
    change(&options)
    return options
  }

  @Test(
    "what is dead goes, from indexes and heap; what is there is found, before and after a crash",
    arguments: 1...6 as ClosedRange<UInt64>)
  func random(seed: UInt64) throws {
    let rig = try EngineRig(["io_method=sync"])
    var random = SeededGenerator(seed: seed)
    var table: IndexedTable
    let number: UInt32
    do {
      let database = try rig.open()
      let session = try database.makeSession("test")
      table = try IndexedTable(session)
      number = table.table.relation.locator.relNumber
      var next: Int32 = 0
      for round in 0..<12 {
        try table.change(&random, session, count: 25, next: &next)
        if random.below(3) == 0 {
          let result = try HeapVacuum(
            table.table.relation, indexes: [table.index], session,
            options { $0.freezesAll = random.below(3) == 0 }
          ).run()
          #expect(result.liveTuples == UInt64(table.rows.count) || result.scannedPages < result.pagesBefore)
          #expect(table.index.isTidy && table.index.bulkDeletions >= result.indexScans)
          try checkPages(table, session, isVacuumed: true)
        }
        try check(table, session, "seed \(seed), round \(round)")
        if random.below(4) == 0 { try database.checkpoint() }
      }
      _ = try HeapVacuum(table.table.relation, indexes: [table.index], session, options()).run()
      // Nothing but what is there is left in the index.
      #expect(Set(table.index.entries.map(\.id)) == Set(table.rows.keys), "seed \(seed)")
      try session.begin()
      _ = try table.table.insert(.init(id: 99_999, value: 0, body: []), session)
      try database.log.flush(upTo: database.log.reservedPosition, backend: session.backend)
      database.crash()
    }
    let database = try rig.open()
    #expect(database.recovery.wasNeeded)
    let session = try database.makeSession("test")
    let relation = try database.relation(number, hasIndexes: true)
    try check(table, session, "seed \(seed), recovered", in: relation)
    try checkPages(table, session, isVacuumed: false, in: relation)
    session.close()
    try database.close()
  }

  private func check(
    _ table: IndexedTable, _ session: Session, _ what: Comment, in relation: HeapRelation? = nil
  ) throws {
    try session.begin()
    let scan = try HeapScan(relation ?? table.table.relation, session)
    var found: [Int32: [UInt8]] = [:]
    while let tuple = try scan.next() {
      var reader = TupleReader(tuple)
      let id = reader.next(Int32.self) ?? -1
      _ = reader.next(Int64.self)
      #expect(found[id] == nil, what)
      found[id] = [UInt8](reader.nextText() ?? .init(start: nil, count: 0))
    }
    #expect(found == table.rows, what)
    if relation == nil { #expect(try table.find(session).mapValues(\.body) == table.rows, what) }
    try session.commit()
  }

  /// What the maps say is true of the pages.
  private func checkPages(
    _ table: IndexedTable, _ session: Session, isVacuumed: Bool, in given: HeapRelation? = nil
  ) throws {
    let relation = given ?? table.table.relation
    let map = VisibilityMap(relation, session)
    let space = session.freeSpaceMap(of: relation)
    var visible: UInt32 = 0
    for number in 0..<(try relation.blockCount()) {
      let block = BlockNumber(number)
      var page = try session.lockedPage(block, of: relation)
      let heap = HeapPage(page.mutableBytes, block: block)
      let bits = try map.bits(of: block)
      if bits.contains(.allVisible) {
        visible += 1
        #expect(heap.editor.flags.contains(.allVisible))
        for item in 1..<heap.editor.itemCount + 1 {
          #expect(heap.editor.linePointer(item).state != .dead)
          guard let tuple = heap.tuple(item) else { continue }
          #expect(tuple.infomask.contains(.xmaxInvalid) || tuple.infomask.isXmaxLockOnly)
          if bits.contains(.allFrozen) { #expect(tuple.infomask.isXminFrozen) }
        }
      }
      if isVacuumed, heap.freeSpace < HeapPage.tupleLengthMax, !heap.editor.isNew {
        let recorded = try space.recordedSpace(of: block)
        #expect(recorded <= heap.freeSpace && recorded > heap.freeSpace - 64 || recorded == 0)
      }
      page.unlock()
    }
    #expect(try map.counts().allVisible == visible)
  }

  @Test("freezing takes every old number out, after which the commit log can be cut off")
  func freezing() throws {
    let rig = try EngineRig(["io_method=sync"])
    let database = try rig.open()
    let (session, other) = (try database.makeSession("test"), try database.makeSession("other"))
    let table = try SampleTable.create(session)
    for id in 0..<50 as Range<Int32> {
      try session.begin()
      _ = try table.insert(.init(id: id, value: 0, body: []), session)
      if id % 10 == 3 { try session.rollback() } else { try session.commit() }
    }
    // Lockers of all kinds, which are gone.
    try session.begin()
    try other.begin()
    for (place, row) in try table.places(session) where row.id % 4 == 0 {
      _ = try session.lock(place, of: table.relation, .keyShare)
      _ = try other.lock(place, of: table.relation, row.id % 8 == 0 ? .keyShare : .share)
    }
    try session.commit()
    for (place, row) in try table.places(other) where row.id % 8 == 0 {
      guard case .done = try table.update(place, to: row, other) else { Issue.record("not updated"); continue }
    }
    try other.commit()
    let before = database.transactions.next.short
    let result = try HeapVacuum(table.relation, session, options { $0.freezesAll = true }).run()
    #expect(result.oldestXID == before)
    #expect(result.oldestMultiXact == database.multiXacts.position.next)
    #expect(result.frozenTuples > 0 && result.isAggressive)
    #expect(result.allFrozenPages == result.pages)
    for number in 0..<result.pages {
      var page = try session.lockedPage(BlockNumber(number), of: table.relation)
      let heap = HeapPage(page.mutableBytes, block: page.block)
      for item in 1..<heap.editor.itemCount + 1 {
        guard let tuple = heap.tuple(item) else { continue }
        #expect(tuple.infomask.isXminFrozen && tuple.infomask.contains(.xmaxInvalid) && !tuple.xmax.isValid)
      }
      page.unlock()
    }
    let oldest = try #require(result.oldestXID)
    let multi = try #require(result.oldestMultiXact)
    try database.advanceOldest(oldest, database: 5, multi: multi, multiDatabase: 5, session)
    try session.begin()
    #expect(try table.rows(session).count == 45)
    // What is frozen can be changed, and is not frozen then.
    let place = try #require(table.places(session).first?.place)
    #expect(try VisibilityMap(table.relation, session).bits(of: place.block) == .all)
    _ = try session.lock(place, of: table.relation, .update)
    #expect(try VisibilityMap(table.relation, session).bits(of: place.block) == .allVisible)
    _ = try session.delete(place, from: table.relation)
    #expect(try VisibilityMap(table.relation, session).bits(of: place.block) == [])
    try session.commit()
    session.close()
    other.close()
    try database.close()
    #expect(try rig.open().transactions.oldest.xid == oldest)
  }

  @Test("what somebody may still see stays, and numbers that stay are counted")
  func horizon() throws {
    let rig = try EngineRig(["io_method=sync"])
    let database = try rig.open()
    let (session, reader) = (try database.makeSession("test"), try database.makeSession("reader"))
    let table = try SampleTable.create(session)
    try session.begin()
    for id in 0..<20 as Range<Int32> { _ = try table.insert(.init(id: id, value: 0, body: []), session) }
    try session.commit()
    try reader.begin(.repeatableRead)
    #expect(try table.rows(reader).count == 20)
    let horizon = database.transactions.removalHorizon()
    try session.begin()
    for (place, row) in try table.places(session) where row.id < 5 {
      _ = try session.delete(place, from: table.relation)
    }
    try session.commit()
    var result = try HeapVacuum(table.relation, session, options { $0.freezesAll = true }).run()
    #expect(result.removedTuples == 0 && result.recentlyDeadTuples == 5)
    #expect(try #require(result.oldestXID) == horizon)
    #expect(try table.rows(reader).count == 20)
    try reader.commit()
    result = try HeapVacuum(table.relation, session, options()).run()
    #expect(result.removedTuples == 5 && result.recentlyDeadTuples == 0)
    session.close()
    reader.close()
    try database.close()
  }

  @Test("empty pages at the end are given back, the room in the middle is used again, and skipped pages stay unread")
  func truncation() throws {
    let rig = try EngineRig(["io_method=sync"])
    let database = try rig.open()
    let session = try database.makeSession("test")
    let table = try SampleTable.create(session)
    try session.begin()
    for id in 0..<6000 as Range<Int32> {
      _ = try table.insert(.init(id: id, value: 0, body: [UInt8](repeating: 1, count: 100)), session)
    }
    try session.commit()
    let pages = try table.relation.blockCount()
    try session.begin()
    for (place, row) in try table.places(session) where row.id >= 4000 || row.id / 1000 == 1 {
      _ = try session.delete(place, from: table.relation)
    }
    try session.commit()
    let result = try HeapVacuum(table.relation, session, options()).run()
    #expect(result.removedTuples == 3000 && result.pagesBefore == pages)
    #expect(result.pages < pages * 3 / 4 && result.pages > pages / 2, "\(result.pages) of \(pages)")
    #expect(try table.relation.blockCount() == result.pages)
    // The room of the thousand in the middle.
    try session.begin()
    for id in 10_000..<10_900 as Range<Int32> {
      _ = try table.insert(.init(id: id, value: 0, body: [UInt8](repeating: 1, count: 100)), session)
    }
    try session.commit()
    #expect(try table.relation.blockCount() <= result.pages + 1)
    #expect(try ids(table, session).count == 3900)
    _ = try HeapVacuum(table.relation, session, options { $0.freezesAll = true }).run()
    let again = try HeapVacuum(table.relation, session, options()).run()
    #expect(again.scannedPages < again.pages / 2, "\(again.scannedPages) of \(again.pages)")
    let crashed = try ids(table, session)
    let number = table.relation.locator.relNumber
    database.crash()
    let recovered = try rig.open()
    let reader = try recovered.makeSession("reader")
    let after = SampleTable(try recovered.relation(number))
    #expect(try ids(after, reader) == crashed)
    #expect(try after.relation.blockCount() >= again.pages)
    reader.close()
    try recovered.close()
  }

  private func ids(_ table: SampleTable, _ session: Session) throws -> [Int32] {
    try session.begin()
    defer { try? session.rollback() }
    return try table.rows(session).map(\.id)
  }

  @Test("short memory makes several rounds of it, and cancelling ends it")
  func rounds() throws {
    let rig = try EngineRig(["io_method=sync"])
    let database = try rig.open()
    let session = try database.makeSession("test")
    var table = try IndexedTable(session)
    try session.begin()
    for id in 0..<3000 as Range<Int32> {
      table.index.add(id, try table.table.insert(.init(id: id, value: 0, body: []), session))
    }
    try session.commit()
    try session.begin()
    for (place, row) in try table.table.places(session) where row.id % 2 == 0 {
      _ = try session.delete(place, from: table.table.relation)
    }
    try session.commit()
    session.control.cancel()
    #expect(throws: EngineError.self) {
      try HeapVacuum(table.table.relation, indexes: [table.index], session, options()).run()
    }
    session.beginStatement()
    let result = try HeapVacuum(
      table.table.relation, indexes: [table.index], session, options { $0.memory = 1000 }
    ).run()
    #expect(result.indexScans > 2 && result.indexScans == table.index.bulkDeletions)
    #expect(table.index.entries.count == 1500)
    #expect(database.vacuumProgress.isEmpty)
    table.rows = [:]
    session.close()
    try database.close()
  }

  @Test("a sample has as many rows as wanted, all of the table, and a good estimate of its size")
  func sample() throws {
    let rig = try EngineRig(["io_method=sync"])
    let database = try rig.open()
    let session = try database.makeSession("test")
    let table = try SampleTable.create(session)
    try session.begin()
    for id in 0..<5000 as Range<Int32> {
      _ = try table.insert(.init(id: id, value: Int64(id), body: [UInt8](repeating: 1, count: Int(id % 50))), session)
    }
    try session.commit()
    try session.begin()
    for (place, row) in try table.places(session) where row.id % 5 == 0 {
      _ = try session.delete(place, from: table.relation)
    }
    try session.commit()
    for wanted in [1, 30, 600, 100_000] {
      try session.begin()
      let sample = RowSample(wanted: wanted, seed: 7)
      try sample.take(table.relation, session)
      #expect(sample.rows.count <= min(wanted, 4000))
      #expect(wanted < 100_000 || sample.rows.count == 4000)
      let ids = sample.rows.compactMap { row in
        sample.tuple(row).flatMap { tuple -> Int32? in
          var reader = TupleReader(tuple)
          return reader.next(Int32.self)
        }
      }
      #expect(Set(ids).count == sample.rows.count)
      #expect(ids.allSatisfy { $0 % 5 != 0 })
      if wanted >= 600 { #expect(abs(sample.liveRows - 4000) < 400, "\(sample.liveRows)") }
      try session.commit()
    }
    session.close()
    try database.close()
  }
}

@Suite struct DeadTuplesTests {
  @Test("a place is found exactly where it was added", arguments: 1...20 as ClosedRange<UInt64>)
  func membership(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var dead = DeadTuples()
    var model: Set<TupleIdentifier> = []
    var block: UInt32 = 0
    for _ in 0..<random.below(40) {
      block += UInt32(random.below(3) + 1)
      let numbers = (1...20).filter { _ in random.below(3) == 0 }.map { UInt16($0) }
      dead.add(BlockNumber(block), numbers)
      for number in numbers { model.insert(TupleIdentifier(BlockNumber(block), Int(number))) }
    }
    for block in 0..<block + 3 {
      for number in 0..<22 {
        let place = TupleIdentifier(BlockNumber(block), number)
        #expect(dead.contains(place) == model.contains(place), "seed \(seed)")
      }
    }
    #expect(dead.count == model.count)
  }
}

@Suite struct FreeSpaceMapTests {
  @Test("a search finds a page with room exactly while there is one", arguments: 1...10 as ClosedRange<UInt64>)
  func pageSearch(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: PageLayout.blockSize, alignment: 8)
    defer { memory.deallocate() }
    PageEditor(memory).initialize()
    let map = FreeSpaceMapPage(memory)
    var model = [UInt8](repeating: 0, count: FreeSpaceMapPage.slotCount)
    for _ in 0..<2000 {
      let slot = random.below(3) == 0 ? random.below(model.count) : random.below(20)
      let value = UInt8(random.below(256))
      map.set(slot, value)
      model[slot] = value
      #expect(map.largest == model.max(), "seed \(seed)")
      let wanted = UInt8(random.below(255) + 1)
      let found = map.search(wanted, advances: random.below(2) == 0)
      if let found { #expect(model[found] >= wanted) } else { #expect(!model.contains { $0 >= wanted }) }
    }
    map.truncate(to: 5)
    #expect(map.largest == model[..<5].max())
  }

  @Test("steps of 32 bytes never promise more than there is")
  func categories() {
    for bytes in 0...PageLayout.blockSize {
      let available = FreeSpaceCategory.available(bytes)
      #expect(Int(available) * 32 <= bytes)
      for needed in [bytes, max(bytes - 31, 0)] where needed <= HeapPage.tupleLengthMax && needed > 0 {
        #expect(FreeSpaceCategory.needed(needed) == 255 || Int(FreeSpaceCategory.needed(needed)) * 32 >= needed)
      }
    }
    #expect(FreeSpaceCategory.available(HeapPage.tupleLengthMax) == 255)
    #expect(FreeSpaceCategory.needed(HeapPage.tupleLengthMax) == 255)
  }
}
