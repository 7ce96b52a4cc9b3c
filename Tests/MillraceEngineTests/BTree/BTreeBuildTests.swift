@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

@Suite struct BTreeBuildTests {
  @Test("a built index has all entries in order, and goes on as any other", arguments: [0, 1, 2, 300, 5000, 30_000])
  func build(count: Int) throws {
    let rig = try EngineRig(seed: UInt64(count) + 1)
    let database = try rig.open()
    let session = try database.makeSession("test")
    var random = SeededGenerator(seed: UInt64(count) + 7)
    for definition in [
      IndexRig.definition(IndexColumn(.int4)), IndexRig.definition(IndexColumn(.int8, isDescending: true)),
      IndexRig.definition(IndexColumn(.text), IndexColumn(.int4)),
    ] {
      try session.begin()
      let test = IndexRig(try session.createIndexFile(definition))
      // So little memory that runs go to files.
      let build = try IndexBuild(test.index, session, memoryLimit: 64 << 10)
      for number in 0..<count {
        func value(_ column: IndexColumn) -> IndexValue {
          if random.below(15) == 0 { return .null }
          return column.type.id == .text ? .text(random.bytes(random.below(40))) : .number(Int64(random.below(count)))
        }
        try test.add(test.columns.map(value), HeapTID(number), to: build)
      }
      try build.finish()
      try session.commit()
      if count == 30_000 { #expect(build.runCount > 10) }
      try test.check(session, "\(count) entries")
      #expect(try test.scan(session) == test.sorted.map(\.heapTID))
      try session.begin()
      for number in 0..<200 {
        let key = test.columns.map { column -> IndexValue in
          column.type.id == .text ? .text(random.bytes(random.below(40))) : .number(Int64(random.below(count + 1)))
        }
        try test.insert(key, HeapTID(1_000_000 + number), session)
      }
      try session.commit()
      try test.check(session, "\(count) entries and more")
    }
    session.close()
    try database.close()
  }

  @Test("a key that comes twice ends the building of a unique index; nulls do not")
  func unique() throws {
    let rig = try EngineRig(seed: 5)
    let database = try rig.open()
    let session = try database.makeSession("test")
    try session.begin()
    let test = IndexRig(try session.createIndexFile(IndexRig.definition(IndexColumn(.int4), isUnique: true)))
    let build = try IndexBuild(test.index, session)
    for number in 0..<100 {
      try test.add([number % 10 == 0 ? .null : .number(Int64(number))], HeapTID(number), to: build)
    }
    try build.finish()
    try test.check(session)
    let other = IndexRig(try session.createIndexFile(IndexRig.definition(IndexColumn(.int4), isUnique: true)))
    let failing = try IndexBuild(other.index, session)
    for number in 0..<100 { try other.add([.number(Int64(number % 99))], HeapTID(number), to: failing) }
    #expect { try failing.finish() } throws: { ($0 as? EngineError)?.code == .duplicateKey }
    try session.rollback()
    session.close()
    try database.close()
  }

  @Test("records come out in order, equal ones as they went in, in memory and through files", arguments: [1, 20, 3000])
  func sort(kilobytes: Int) throws {
    let rig = try EngineRig(seed: 9)
    let database = try rig.open()
    let session = try database.makeSession("test")
    var random = SeededGenerator(for: "sort")
    let sort = ExternalSort(
      fileSystem: rig.fileSystem, directory: rig.path + "/base/pgsql_tmp", session.backend,
      memoryLimit: kilobytes << 10
    ) { left, right in Int(left[0]) - Int(right[0]) }
    var expected: [(key: Int, number: Int, bytes: [UInt8])] = []
    for number in 0..<12_000 {
      let bytes = [UInt8(random.below(5))] + random.bytes(random.below(random.below(100) == 0 ? 20_000 : 40))
      let prefix = UInt64(random.below(9))
      try bytes.withBytes { bytes throws(EngineError) in try sort.append(bytes, prefix: prefix) }
      expected.append((Int(prefix) * 10 + Int(bytes[0]), number, bytes))
    }
    try sort.finish()
    expected.sort { ($0.key, $0.number) < ($1.key, $1.number) }
    for (_, number, bytes) in expected {
      let record = try #require(try sort.next())
      #expect([UInt8](record) == bytes, "record \(number)")
    }
    #expect(try sort.next() == nil)
    #expect(try sort.next() == nil)
    #expect(kilobytes == 3000 || sort.runCount > 3)
    session.close()
    try database.close()
  }
}
