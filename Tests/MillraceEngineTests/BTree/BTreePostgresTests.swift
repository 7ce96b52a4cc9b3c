import Foundation
@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

/// PostgreSQL as the judge of formats: we read its indexes, and it reads ours.
@Suite struct BTreePostgresTests {
  static let columns = "a int4, b text collate \"C\", c int8, n name"

  struct Index {
    let name, columns, order: String
    let definition: BTreeIndex.Definition
    let types: [TypeDescriptor]
  }

  static let indexes = [
    Index(
      name: "i1", columns: "(a)", order: "a", definition: IndexRig.definition(IndexColumn(.int4)), types: [.int4]),
    Index(
      name: "i2", columns: "(b)", order: "b", definition: IndexRig.definition(IndexColumn(.text)), types: [.text]),
    Index(
      name: "i3", columns: "(a desc nulls last, b)", order: "a desc nulls last, b",
      definition: IndexRig.definition(IndexColumn(.int4, isDescending: true, nullsFirst: false), IndexColumn(.text)),
      types: [.int4, .text]),
    Index(
      name: "i4", columns: "(n, c desc)", order: "n, c desc",
      definition: IndexRig.definition(IndexColumn(.name), IndexColumn(.int8, isDescending: true)),
      types: [.name, .int8]),
    Index(
      name: "i5", columns: "(c nulls first) include (b)", order: "c nulls first",
      definition: BTreeIndex.Definition(
        IndexLayout(keys: [IndexColumn(.int8, nullsFirst: true)], included: [.text])), types: [.int8, .text]),
  ]

  private static let fill = """
    insert into t select nullif((random() * 500)::int4, 7), nullif(repeat(chr(65 + (random() * 50)::int), \
    (random() * 60)::int), ''), nullif((random() * 100000)::int8 - 50000, 3), 'n' || (random() * 300)::int \
    from generate_series(1, 15000)
    """

  private static func heapTID(_ text: Substring) -> HeapTID {
    let parts = text.dropFirst().dropLast().split(separator: ",")
    return HeapTID(TupleIdentifier(BlockNumber(UInt32(parts[0]) ?? 0), Int(parts[1]) ?? 0))
  }

  @Test(
    "PostgreSQL's indexes are sound to us, and have the order that it says, before and after we add to them",
    arguments: PostgresInstallation.expectedVersions)
  func reading(version: Int) throws {
    let cluster = try PostgresCluster(PostgresInstallation.required(version))
    var orders: [[HeapTID]] = []
    var paths: [String] = []
    try cluster.whileRunning {
      try cluster.query("create table t (\(Self.columns))")
      for index in Self.indexes { try cluster.query("create index \(index.name) on t \(index.columns)") }
      try cluster.query("select setseed(0.5)", Self.fill, "delete from t where a between 100 and 350", "vacuum t")
      try cluster.query("select setseed(0.7)", Self.fill, "delete from t where c > 40000", "vacuum t", "checkpoint")
      for index in Self.indexes {
        orders.append(
          try cluster.query("select ctid from t order by \(index.order), ctid").map { Self.heapTID($0[...]) })
        paths.append(try cluster.query("select pg_relation_filepath('\(index.name)')")[0])
      }
    }
    let rig = try EngineRig(["shared_buffers=8MB"], segmentBlocks: 131_072)
    for (number, path) in paths.enumerated() {
      try Data(cluster.read(path)).write(to: URL(fileURLWithPath: "\(rig.path)/base/5/\(50_000 + number)"))
    }
    let database = try rig.open()
    let session = try database.makeSession("test")
    for (number, index) in Self.indexes.enumerated() {
      let test = IndexRig(try database.index(UInt32(50_000 + number), index.definition))
      var checker = BTreeChecker(test.index, session)
      #expect(try checker.run(), "\(index.name): \(checker.problems.prefix(5))")
      #expect(try test.scan(session) == orders[number], "\(index.name)")
      #expect(try test.scan(session, [], .backward) == orders[number].reversed(), "\(index.name)")
      try session.begin()
      for row in 0..<3000 {
        let key = index.types.map { type -> IndexValue in
          switch type.id {
          case .text: .text([UInt8](repeating: UInt8(65 + row % 50), count: row % 40))
          case .name: .text([UInt8]("n\(row % 300)".utf8))
          default: .number(Int64(row % 500))
          }
        }
        try test.insert(key, HeapTID(1_000_000 + row), session)
      }
      try session.commit()
      var again = BTreeChecker(test.index, session)
      #expect(try again.run(), "\(index.name): \(again.problems.prefix(5))")
      #expect(again.entryCount == UInt64(orders[number].count + 3000))
    }
    session.close()
    try database.close()
  }

  @Test(
    "PostgreSQL finds our indexes sound, reads them in order, and works on with them",
    arguments: PostgresInstallation.expectedVersions, [true, false])
  func writing(version: Int, isBuilt: Bool) throws {
    let cluster = try PostgresCluster(PostgresInstallation.required(version))
    var rows: [[String]] = []
    var paths: [String] = []
    try cluster.whileRunning {
      try cluster.query("create table t (\(Self.columns))")
      for index in Self.indexes { try cluster.query("create index \(index.name) on t \(index.columns)") }
      try cluster.query("select setseed(0.5)", Self.fill, "checkpoint")
      rows = try cluster.query("select ctid, a, b, c, n from t").map {
        $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      }
      for index in Self.indexes {
        paths.append(try cluster.query("select pg_relation_filepath('\(index.name)')")[0])
      }
    }
    let ours = try make(rows, isBuilt: isBuilt)
    for (path, bytes) in zip(paths, ours) { try cluster.write(bytes, to: path) }
    try cluster.whileRunning {
      if version == 15 { try cluster.query("create extension amcheck") }
      for round in 0..<2 {
        for index in Self.indexes {
          if version == 15 { try cluster.query("select bt_index_parent_check('\(index.name)', true, true)") }
          let plan = try cluster.query(
            "set enable_sort = off", "set enable_bitmapscan = off", "set enable_indexonlyscan = off",
            "explain select ctid from t order by \(index.order)")
          #expect(plan.contains { $0.contains("Index Scan using") }, "\(plan)")
          let byIndex = try cluster.query(
            "set enable_sort = off", "set enable_bitmapscan = off", "set enable_indexonlyscan = off",
            "select ctid from t order by \(index.order)")
          let bySort = try cluster.query(
            "set enable_indexscan = off", "set enable_indexonlyscan = off", "set enable_bitmapscan = off",
            "select ctid from t order by \(index.order), ctid")
          #expect(byIndex.sorted() == bySort.sorted(), "\(index.name), round \(round)")
          if round == 0 { #expect(byIndex == bySort, "\(index.name)") }
        }
        try cluster.query(
          "select setseed(0.\(round + 1))", Self.fill, "delete from t where a % 3 = 0 or a between 40 and 300",
          "vacuum t", Self.fill)
      }
    }
  }

  /// The files of our indexes on rows of PostgreSQL's. Not logged, since its log has not come as far as ours.
  private func make(_ rows: [[String]], isBuilt: Bool) throws -> [[UInt8]] {
    let rig = try EngineRig(["shared_buffers=8MB"], segmentBlocks: 131_072)
    let database = try rig.open()
    let session = try database.makeSession("test")
    var numbers: [UInt32] = []
    for index in Self.indexes {
      try session.begin()
      let (locator, fork) = try session.createStorage()
      let test = IndexRig(
        BTreeIndex(index.definition, fork: fork, pool: database.pool, isLogged: false))
      numbers.append(locator.relNumber)
      let build = isBuilt ? try IndexBuild(test.index, session, memoryLimit: 256 << 10) : nil
      if !isBuilt { try session.initialize(test.index) }
      for row in rows {
        func value(_ name: Int) -> IndexValue {
          if row[name].isEmpty { return .null }
          return name == 1 || name == 3 ? .number(Int64(row[name]) ?? 0) : .text([UInt8](row[name].utf8))
        }
        let key: [IndexValue] =
          switch index.name {
          case "i1": [value(1)]
          case "i2": [value(2)]
          case "i3": [value(1), value(2)]
          case "i4": [value(4), value(3)]
          default: [value(3), value(2)]
          }
        let place = Self.heapTID(row[0][...])
        if let build { try test.add(key, place, to: build) } else { try test.insert(key, place, session) }
      }
      try build?.finish()
      try session.commit()
      var checker = BTreeChecker(test.index, session)
      #expect(try checker.run(), "\(index.name): \(checker.problems.prefix(5))")
    }
    session.close()
    try database.close()
    return try numbers.map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(rig.path)/base/5/\($0)"))) }
  }
}
