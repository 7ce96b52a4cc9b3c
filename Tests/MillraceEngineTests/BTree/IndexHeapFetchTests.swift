@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

@Suite struct IndexHeapFetchTests {
  /// A table with as many rows as asked for, and an index on a column that has nothing to do with their places.
  private func table(_ session: Session, rows: Int) throws -> (SampleTable, IndexRig, [SampleTable.Row]) {
    var random = SeededGenerator(seed: 11)
    let table = SampleTable(
      try session.transaction { session throws(EngineError) in try session.createRelation(hasIndexes: true) })
    try session.begin()
    let test = IndexRig(try session.createIndexFile(IndexRig.definition(IndexColumn(.int8), IndexColumn(.int4))))
    let build = try IndexBuild(test.index, session)
    var expected: [SampleTable.Row] = []
    for id in 0..<rows {
      let row = SampleTable.Row(id: Int32(id), value: Int64(random.below(rows / 4)), body: random.bytes(100))
      let place = try table.insert(row, session)
      try test.add([.number(row.value), .number(Int64(id))], HeapTID(place), to: build)
      expected.append(row)
    }
    try build.finish()
    try session.commit()
    expected.sort { ($0.value, $0.id) < ($1.value, $1.id) }
    return (table, test, expected)
  }

  private func ids(_ fetch: IndexHeapFetch) throws -> [Int32] {
    var found: [Int32] = []
    while let tuple = try fetch.next() {
      var reader = TupleReader(tuple)
      found.append(reader.next(Int32.self) ?? -1)
    }
    return found
  }

  @Test("rows come in the order of the index, with many of their pages read ahead")
  func order() throws {
    let rig = try EngineRig(seed: 3)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let (table, test, expected) = try table(session, rows: 6000)
    try session.begin()
    try database.checkpoint()
    database.pool.invalidate(table.relation.storedFork)
    var configuration = ReadStreamConfiguration()
    configuration.ioConcurrency = 16
    let fetch = try IndexHeapFetch(
      BTreeScan(test.index, session), table.relation, session, configuration: configuration)
    #expect(try ids(fetch) == expected.map(\.id))
    let statistics = try #require(fetch.statistics)
    #expect(statistics.ioCount > 50 && statistics.distanceMax > 4, "\(statistics)")
    let backward = try IndexHeapFetch(BTreeScan(test.index, session), table.relation, session, .backward)
    #expect(try ids(backward) == expected.map(\.id).reversed())
    let range = [IndexScanKey(0, .greaterOrEqual(Datum(100 as Int64))), IndexScanKey(0, .less(Datum(200 as Int64)))]
    for expectsOne in [false, true] {
      let some = try IndexHeapFetch(
        BTreeScan(test.index, session, range), table.relation, session, expectsOne: expectsOne)
      #expect(try ids(some) == expected.filter { (100..<200).contains($0.value) }.map(\.id))
    }
    try session.commit()
    session.close()
    try database.close()
  }

  @Test("entries of rows that nobody can see are marked, and passed over from then on")
  func deadEntries() throws {
    let rig = try EngineRig(seed: 4)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let (table, test, expected) = try table(session, rows: 1000)
    try session.begin()
    var kept: [Int32] = []
    for (place, row) in try table.places(session) {
      if row.id % 3 == 0 {
        guard case .done = try session.delete(place, from: table.relation) else { continue }
      } else {
        kept.append(row.id)
      }
    }
    try session.commit()
    let order = expected.map(\.id).filter { $0 % 3 != 0 }
    for _ in 0..<2 {
      try session.begin()
      #expect(try ids(IndexHeapFetch(BTreeScan(test.index, session), table.relation, session)) == order)
      try session.commit()
    }
    #expect(try test.scan(session).count == kept.count)
    session.close()
    try database.close()
  }
}
