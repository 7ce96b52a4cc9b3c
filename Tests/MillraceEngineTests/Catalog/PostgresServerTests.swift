import Foundation
@testable import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import MillraceWAL
import Testing

/// PostgreSQL 18's own server, on clusters that we have made: the referee for everything in the system tables.
@Suite(.enabled(if: PostgresInstallation.isExpected(18)))
struct PostgresServerTests {
  /// The rows of a system table that a cluster begins with, for two clusters to have the same.
  private static let comparisons: [String] = [
    "pg_am", "pg_amop", "pg_amproc", "pg_cast", "pg_collation", "pg_conversion", "pg_language", "pg_namespace",
    "pg_opclass", "pg_operator", "pg_opfamily", "pg_tablespace", "pg_ts_config", "pg_ts_dict", "pg_ts_parser",
    "pg_ts_template", "pg_type",
  ]

  @Test("its server starts on a new cluster, finds in it what initdb makes, and works with it")
  func newCluster() throws {
    let temporary = try TemporaryDirectory()
    let path = temporary.path + "/data"
    let options = ClusterInitializer.Options(microseconds: 1_790_000_000_123_456, processID: 4711)
    try ClusterInitializer(LocalFileSystem(), path: path, options).run()
    let server = try DirectoryServer(path, owner: temporary.path)
    let reference = try PostgresCluster(
      try PostgresInstallation.required(18), options: ["--no-locale", "-E", "UTF8"])
    var expected: [String: [String]] = [:]
    func ask(_ query: (String) throws -> [String]) throws -> [String: [String]] {
      var answers: [String: [String]] = [:]
      for table in Self.comparisons {
        answers[table] = try query("SELECT * FROM \(table) WHERE oid < 12000 ORDER BY oid")
      }
      answers["pg_attribute"] = try query(
        "SELECT * FROM pg_attribute WHERE attrelid < 12000 ORDER BY attrelid, attnum")
      answers["pg_index"] = try query("SELECT * FROM pg_index WHERE indexrelid < 12000 ORDER BY 1")
      answers["pg_aggregate"] = try query("SELECT * FROM pg_aggregate WHERE aggfnoid::oid < 12000 ORDER BY 1")
      answers["pg_class"] = try query(
        "SELECT oid, relname, relnamespace, reltype, relowner, relam, relfilenode, reltablespace, reltoastrelid,"
          + " relhasindex, relisshared, relkind, relnatts, relacl FROM pg_class WHERE oid < 12000 ORDER BY oid")
      answers["pg_proc"] = try query(
        "SELECT oid, proname, pronamespace, prolang, prokind, provolatile, prorettype, proargtypes, proallargtypes,"
          + " proargmodes, proargnames, pronargdefaults, prosrc FROM pg_proc WHERE oid < 12000 ORDER BY oid")
      return answers
    }
    try reference.whileRunning { expected = try ask { try reference.query($0) } }
    try server.whileRunning {
      let found = try ask { try server.query($0) }
      for (table, rows) in expected { #expect(found[table] == rows, "\(table)") }
      try server.expect(["1"], "REINDEX SYSTEM postgres", "SELECT 1")
      try server.expect(
        ["10|50000|10"], "CREATE TABLE t (id serial PRIMARY KEY, body text)",
        "INSERT INTO t (body) SELECT repeat('x', 5000) FROM generate_series(1, 10)",
        "SELECT count(*), sum(length(body)), max(id) FROM t")
    }
  }

  @Test("it reads what DDL and rows of ours are, and goes on with them")
  func definitions() throws {
    let rig = try CatalogRig()
    try fill(rig)
    try rig.close()
    let server = try DirectoryServer(
      rig.rig.path, owner: URL(fileURLWithPath: rig.rig.path).deletingLastPathComponent().path)
    try server.whileRunning {
      try server.expect(
        ["1|10|7", "2|5000|7", "3|20000|7"], "SELECT id, length(body), n FROM t ORDER BY id")
      try server.expect(["20000"], "SET enable_seqscan = off", "SELECT length(body) FROM t WHERE id = 3")
      try server.expect(
        ["t"], "SELECT md5(body) = md5(repeat('abc', 1666) || 'ab') FROM t WHERE id = 2")
      try server.expect(
        ["id|integer|t", "body|text|f", "n|bigint|f"],
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
          + " WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum")
      try server.expect(
        ["t_id_not_null|n", "t_pkey|p"],
        "SELECT conname, contype FROM pg_constraint WHERE conrelid = 't'::regclass ORDER BY 1")
      try server.expect(
        ["t", "what it is"], "SELECT nextval('s') BETWEEN 4 AND 36", "SELECT description FROM pg_description")
      try server.expect(["1"], "INSERT INTO t (id, body) VALUES (4, 'new')", "REINDEX TABLE t", "SELECT 1")
      try server.expect(["1"], "REINDEX SYSTEM postgres", "VACUUM", "SELECT 1")
      #expect(throws: (any Error).self) { try server.query("INSERT INTO t (id) VALUES (4)") }
      try server.expect(["1"], "DROP TABLE t", "DROP SEQUENCE s", "DROP SCHEMA a", "SELECT 1")
    }
  }

  @Test("it recovers a log in which databases are made, renamed and dropped, and works in what is left")
  func databases() throws {
    let rig = try CatalogRig()
    for name in ["d", "e"] {
      try rig.transaction { catalog throws(EngineError) in try catalog.createDatabase(name) }
    }
    let inside = try rig.connect("inside", to: "d")
    try inside.transaction { session throws(EngineError) in _ = try session.catalog.createTable(CatalogRig.table()) }
    inside.close()
    try rig.transaction { catalog throws(EngineError) in try catalog.renameDatabase("d", to: "renamed") }
    try rig.transaction { catalog throws(EngineError) in try catalog.createDatabase("copy", template: "renamed") }
    try rig.transaction { catalog throws(EngineError) in try catalog.dropDatabase("e") }
    // Rows of system tables that are changed in place, column statistics, and a table that is cut off.
    let table = try CountedTable(rig, name: "counted")
    try table.transaction { () throws(EngineError) in
      try table.insert(0..<3000, body: String(repeating: "a", count: 100))
    }
    try table.transaction { () throws(EngineError) in try table.delete { $0 >= 700 } }
    #expect(try rig.session.vacuum(table.oid)?.wasTruncated == true)
    try rig.session.transaction { session throws(EngineError) in _ = try session.analyze(table.oid) }
    try rig.session.advanceOldestTransaction()
    try rig.database.log.flush(upTo: rig.database.log.reservedPosition, backend: rig.session.backend)
    rig.session.close()
    rig.database.crash()
    try? FileManager.default.removeItem(atPath: rig.rig.path + "/postmaster.pid")
    let server = try DirectoryServer(rig)
    try server.whileRunning {
      let sizes = "relpages = pg_relation_size(oid, 'main') / 8192, reltuples, relallvisible = relpages"
      try server.expect(
        ["t|700|t", "700|-1|{0,6"],
        "SELECT \(sizes) FROM pg_class WHERE relname = 'counted'",
        "SELECT count(c.*), max(stadistinct), max(left(stavalues1::text, 4)) FROM counted c, pg_statistic"
          + " WHERE starelid = 'counted'::regclass AND staattnum = 1")
      try server.expect(
        ["copy", "postgres", "renamed", "template0", "template1"], "SELECT datname FROM pg_database ORDER BY 1")
      for name in ["renamed", "copy"] {
        #expect(try server.query("INSERT INTO t VALUES (1, 'a') RETURNING id", in: name) == ["1"])
        #expect(try server.query("SELECT count(*) FROM pg_class WHERE relname = 't_pkey'", in: name) == ["1"])
      }
    }
  }

  private func fill(_ rig: CatalogRig) throws {
    let (table, sequence) = try rig.transaction { catalog throws(EngineError) in
      let table = try catalog.createTable(CatalogRig.table())
      try catalog.createSchema("a")
      try catalog.setComment("what it is", on: .relation(table))
      let sequence = try catalog.createSequence(
        "s", namespace: SystemOID.publicNamespace, try SequenceDefinition())
      return (table, sequence)
    }
    let bodies = ["0123456789", String(repeating: "abc", count: 1666) + "ab"]
    for (index, body) in bodies.enumerated() { try insert(Int32(index + 1), Array(body.utf8), table, rig) }
    var random = SeededGenerator(seed: 1)
    try insert(3, (0..<20_000).map { _ in UInt8(97 + random.next() % 26) }, table, rig)
    try rig.transaction { catalog throws(EngineError) in
      for _ in 0..<3 { _ = try catalog.nextValue(of: sequence) }
      var column = ColumnDefinition("n", .int8)
      column.missing = MissingValue(copying: Datum(7 as Int64), isByValue: true)
      try catalog.addColumn(column, to: table)
    }
  }

  private func insert(_ id: Int32, _ body: [UInt8], _ table: UInt32, _ rig: CatalogRig) throws {
    try rig.session.transaction { session throws(EngineError) in
      let relation = try session.catalog.requiredRelation(table)
      guard let heap = relation.heap else { return }
      let slot = TupleSlot(count: 2)
      let arena = Arena()
      slot[0] = Datum(id)
      slot[1] = arena.copy(body)
      let writer = RowWriter(relation, session)
      defer { withExtendedLifetime((writer, arena)) {} }
      let place = try session.insert(try writer.form(slot), into: heap)
      for index in relation.indexes {
        guard let tree = index.tree else { continue }
        _ = try session.insert(slot.values, place, into: tree)
      }
    }
  }
}
