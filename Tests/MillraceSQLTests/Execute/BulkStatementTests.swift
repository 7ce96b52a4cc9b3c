import MillraceEngine
import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// Statements that put many rows into a table, or all rows of a table into an index.
@Suite(.serialized) struct BulkStatementTests {
  private func run(_ rig: SQLRig, _ statements: String...) {
    for statement in statements { #expect(rig.execute(statement).failure == nil, "\(statement)") }
  }

  /// By the table alone, and by an index alone.
  private func compare(_ rig: SQLRig, _ sql: String) {
    run(rig, "set enable_indexscan = off", "set enable_bitmapscan = off", "set enable_seqscan = on")
    let byTable = rig.execute(sql)
    run(rig, "set enable_indexscan = on", "set enable_bitmapscan = on", "set enable_seqscan = off")
    let byIndex = rig.execute(sql)
    run(rig, "set enable_seqscan = on")
    #expect(byTable.failure == nil && byTable.rows == byIndex.rows, "\(sql)")
  }

  @Test("many rows go onto pages that have room, and into all indexes")
  func inserted() throws {
    let rig = try SQLRig()
    run(
      rig, "create table s (id int, v text)", "create table t (id int primary key, v text) with (fillfactor = 60)",
      "create index on t (v desc)", "create index on t ((id % 10)) where id > 100",
      "insert into s select i, case when i % 5 = 0 then null when i = 777 then repeat('long', 300) "
        + "else 'v' || i % 300 end from generate_series(1, 3000) i",
      "insert into t values (-1, 'first')", "insert into t select * from s where id <= 1700",
      "insert into t select * from s where id > 1700")
    compare(rig, "select count(*), sum(id) from t where id > 0")
    compare(rig, "select id from t where v = 'v17' order by id")
    compare(rig, "select count(*), sum(id) from t where id % 10 = 3 and id > 100")
    #expect(rig.execute("select length(v) from t where id = 777").rows == [["1200"]])
    let failed = rig.execute("insert into t select i, 'x' from generate_series(4000, 2990, -1) i")
    #expect(failed.failure?["C"] == "23505" && failed.failure?["D"] == "Key (id)=(3000) already exists.")
    #expect(rig.execute("select count(*), max(id) from t").rows == [["3001", "3000"]])
    run(rig, "create table made as select * from t", "alter table made add column w int default length(random()::text)")
    #expect(rig.execute("select count(*), count(w), sum(id) from made").rows == [["3001", "3001", "4501499"]])
    try rig.close()
  }

  @Test("an index finds what a snapshot sees that is older than it")
  func older() throws {
    let rig = try SQLRig()
    run(
      rig, "create table t (id int, k int)", "insert into t select i, i % 100 from generate_series(1, 2000) i",
      "vacuum analyze t")
    let reader = try SQLRig.Other(rig, "reader")
    #expect(reader.execute("begin isolation level repeatable read").failure == nil)
    #expect(reader.execute("select count(*) from t where k = 7").rows == [["20"]])
    // Deleted rows are in the index; of those that were updated on their page the older versions are not.
    run(rig, "delete from t where k = 7", "create index by_id on t (id)", "create index by_k on t (k)")
    #expect(reader.execute("set enable_seqscan = off").failure == nil)
    #expect(reader.execute("select count(*) from t where k = 7").rows == [["20"]])
    // Who reads the table keeps others from dropping its indexes.
    #expect(reader.execute("commit").failure == nil)
    run(rig, "drop index by_id", "drop index by_k")
    #expect(reader.execute("begin isolation level repeatable read").failure == nil)
    #expect(reader.execute("select count(*) from t where k = 8").rows == [["20"]])
    run(rig, "update t set k = 500 where k = 8")
    run(rig, "create index by_k on t (k)")
    #expect(rig.execute("select indcheckxmin from pg_index where indexrelid = 'by_k'::regclass").rows == [["t"]])
    #expect(reader.execute("select count(*) from t where k = 8").rows == [["20"]])
    #expect(reader.execute("select count(*) from t where k = 500").rows == [["0"]])
    #expect(reader.execute("commit").failure == nil)
    reader.close()
    compare(rig, "select count(*) from t where k = 500")
    compare(rig, "select count(*) from t where k = 8")
    run(rig, "set enable_seqscan = off")
    let plan = rig.execute("explain (costs off) select * from t where k = 9").rows.map { $0[0] ?? "" }
    #expect(plan.contains { $0.contains("by_k") }, "\(plan)")
    try rig.close()
  }

  @Test("a unique index minds only rows that are there")
  func unique() throws {
    let rig = try SQLRig()
    run(
      rig, "create table t (id int, v text)", "insert into t select i, 'a' from generate_series(1, 500) i",
      "begin", "delete from t where id = 5", "insert into t values (5, 'b')", "update t set v = 'c' where id = 6",
      "create unique index on t (id)", "commit")
    compare(rig, "select v from t where id between 5 and 6 order by id")
    run(rig, "drop index t_id_idx", "insert into t values (5, 'again')")
    let failed = rig.execute("create unique index on t (id)")
    #expect(failed.failure?["C"] == "23505" && failed.failure?["D"] == "Key (id)=(5) is duplicated.")
    try rig.close()
  }

  @Test("a vacuum of a table with dead rows all over leaves what is seen, and nothing else")
  func vacuumed() throws {
    let rig = try SQLRig()
    run(
      rig, "create table t (id int primary key, k int, v text)", "create index on t (k)",
      "insert into t select i, i % 37, repeat('x', i % 90) from generate_series(1, 4000) i",
      "update t set v = v || 'y' where id % 11 = 0", "delete from t where id % 3 = 0", "vacuum t")
    compare(rig, "select count(*), sum(id), sum(length(v)) from t where id > 0")
    compare(rig, "select count(*), sum(id) from t where k = 5")
    run(rig, "insert into t select i, i, 'new' from generate_series(10000, 11000) i", "vacuum t")
    compare(rig, "select count(*), sum(id), sum(length(v)) from t where id > 0")
    try rig.close()
  }
}
