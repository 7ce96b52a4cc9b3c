@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

/// Scans that start over with other keys, as the inner side of a nested loop does.
@Suite struct IndexRescanTests {
  private func keys(_ low: Int64, _ high: Int64, _ random: inout SeededGenerator) -> [IndexScanKey] {
    switch random.below(6) {
    case 0: [IndexScanKey(0, .greaterOrEqual(Datum(low))), IndexScanKey(0, .less(Datum(high)))]
    case 1: [IndexScanKey(0, .greater(Datum(low))), IndexScanKey(0, .lessOrEqual(Datum(high)))]
    case 2: [IndexScanKey(0, .anyOf([Datum(high), Datum(low), Datum(low + 1)]))]
    case 3: [IndexScanKey(0, .equal(Datum(low))), IndexScanKey(1, .greater(Datum(Int32(random.below(500)))))]
    case 4 where random.below(20) == 0: [IndexScanKey(0, .isNull)]
    default: [IndexScanKey(0, .equal(Datum(low)))]
    }
  }

  @Test(
    "what a scan finds is what a new one finds, wherever the page has gone that it read last", arguments: [false, true])
  func sameAsNew(isDescending: Bool) throws {
    let rig = try EngineRig(seed: 31)
    let database = try rig.open()
    let session = try database.makeSession("test")
    var random = SeededGenerator(for: "scans that start over, descending: \(isDescending)")
    let test = try IndexRig.create(
      session, IndexRig.definition(IndexColumn(.int8, isDescending: isDescending), IndexColumn(.int4)))
    var number = 0
    func insert(_ count: Int, near place: Int64?) throws {
      try session.begin()
      for _ in 0..<count {
        number += 1
        let key = place.map { $0 + Int64(random.below(40)) } ?? Int64(random.below(4000))
        let value: IndexValue = random.below(50) == 0 ? .null : .number(key)
        try test.insert([value, .number(Int64(random.below(1000)))], HeapTID(number), session)
      }
      try session.commit()
    }
    try insert(3000, near: nil)
    let scans = [BTreeScan(test.index, session), BTreeScan(test.index, session)]
    var place = Int64(0)
    for round in 0..<1500 {
      place = random.below(10) == 0 ? Int64(random.below(4000)) : (place + Int64(random.below(9))) % 4000
      // Splits of the page that was read last, and deletions of it.
      if round % 25 == 0 { try insert(60, near: place) }
      if round % 300 == 299 {
        let gone = Set(
          test.entries.filter { if case .number(let key) = $0.key[0] { abs(key - place) < 900 } else { false } }
            .map(\.heapTID))
        _ = try session.vacuum(test.index) { gone.contains(HeapTID($0)) }
        test.entries.removeAll { gone.contains($0.heapTID) }
      }
      let wanted = keys(place, place + Int64(random.below(60)), &random)
      for (scan, direction) in zip(scans, [ScanDirection.forward, .backward]) {
        scan.rescan(wanted)
        var found: [HeapTID] = []
        while let next = try scan.next(direction) { found.append(HeapTID(next)) }
        let expected = try test.scan(session, wanted, direction)
        #expect(found == expected, "round \(round): \(wanted)")
      }
    }
    try test.check(session)
    session.close()
    try database.close()
  }

  @Test("a scan begins on a page that VACUUM has emptied, in either direction")
  func emptyPage() throws {
    let rig = try EngineRig(seed: 34)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let test = try IndexRig.create(session, IndexRig.definition(IndexColumn(.int8)))
    try session.begin()
    for number in 1...2000 { try test.insert([.number(Int64(number))], HeapTID(number), session) }
    try session.commit()
    // The last page of a level is never deleted.
    let gone = Set((701...2000).map { HeapTID($0) })
    _ = try session.vacuum(test.index) { gone.contains(HeapTID($0)) }
    let wanted = [
      (IndexScanKey(0, .less(Datum(Int64(1990)))), 1...700), (IndexScanKey(0, .greater(Datum(Int64(690)))), 691...700),
    ]
    try session.begin()
    for (key, numbers) in wanted {
      let scan = BTreeScan(test.index, session)
      for direction in [ScanDirection.forward, .backward] {
        scan.rescan([key])
        var found: [HeapTID] = []
        while let next = try scan.next(direction) { found.append(HeapTID(next)) }
        let expected = numbers.map { HeapTID($0) }
        #expect(found == (direction == .forward ? expected : expected.reversed()))
      }
    }
    try session.commit()
    session.close()
    try database.close()
  }

  @Test("rows are fetched with and without a stream, whichever pages are cached")
  func fetches() throws {
    let rig = try EngineRig(seed: 32)
    let database = try rig.open()
    let session = try database.makeSession("test")
    var random = SeededGenerator(for: "index look-ups of cached pages and others")
    let table = SampleTable(
      try session.transaction { session throws(EngineError) in try session.createRelation(hasIndexes: true) })
    let test = try IndexRig.create(session, IndexRig.definition(IndexColumn(.int8)))
    try session.begin()
    var expected: [Int64: [Int32]] = [:]
    for id in 0..<3000 {
      let value = Int64(random.below(150))
      let place = try table.insert(SampleTable.Row(id: Int32(id), value: value, body: random.bytes(60)), session)
      try test.insert([.number(value)], HeapTID(place), session)
      expected[value, default: []].append(Int32(id))
    }
    try session.commit()
    try database.checkpoint()
    try session.begin()
    let fetch = try IndexHeapFetch(BTreeScan(test.index, session), table.relation, session)
    var streams = 0
    for round in 0..<120 {
      if round % 3 == 0 { database.pool.invalidate(table.relation.storedFork) }
      let value = Int64(random.below(160))
      fetch.rescan([IndexScanKey(0, .equal(Datum(value)))])
      var found: [Int32] = []
      // Now and then not all of them are wanted.
      let limit = round % 7 == 0 ? random.below(20) : Int.max
      while found.count < limit, let tuple = try fetch.next() {
        var reader = TupleReader(tuple)
        found.append(reader.next(Int32.self) ?? -1)
      }
      let all = expected[value] ?? []
      #expect(found == Array(all.prefix(limit)), "round \(round): \(value)")
      if fetch.statistics != nil { streams += 1 }
    }
    #expect(streams > 0)
    try session.commit()
    session.close()
    try database.close()
  }

  @Test("a few rows whose pages are cached are found without a stream")
  func noStream() throws {
    let rig = try EngineRig(seed: 33)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let table = SampleTable(
      try session.transaction { session throws(EngineError) in try session.createRelation(hasIndexes: true) })
    let test = try IndexRig.create(session, IndexRig.definition(IndexColumn(.int8)))
    try session.begin()
    for id in 0..<2000 {
      let place = try table.insert(SampleTable.Row(id: Int32(id), value: Int64(id / 4), body: []), session)
      try test.insert([.number(Int64(id / 4))], HeapTID(place), session)
    }
    try session.commit()
    try session.begin()
    let fetch = try IndexHeapFetch(BTreeScan(test.index, session), table.relation, session)
    for value in 0..<500 {
      fetch.rescan([IndexScanKey(0, .equal(Datum(Int64(value))))])
      var count = 0
      while try fetch.next() != nil { count += 1 }
      #expect(count == 4)
    }
    #expect(fetch.statistics == nil && fetch.canBeKept)
    try session.commit()
    session.close()
    try database.close()
  }
}
