import MillraceSimulation
import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// Scans that an index answers alone, as far as the visibility map lets them.
@Suite struct IndexOnlyScanTests {
  private func explain(_ sql: String, _ rig: SQLRig) -> [String] {
    rig.execute("explain (analyze, costs off, timing off, summary off, buffers off) \(sql)").rows.map { $0[0] ?? "" }
  }

  private func fetches(_ sql: String, _ rig: SQLRig) -> Int? {
    let lines = explain(sql, rig)
    guard lines.contains(where: { $0.contains("Index Only Scan") }),
      let line = lines.first(where: { $0.contains("Heap Fetches: ") })
    else { return nil }
    return line.split(separator: " ").last.flatMap { Int($0) }
  }

  private func prepare(_ rig: SQLRig, rows: Int) {
    for sql in [
      "create table t (id int primary key, v int, n name, s text, o oid, f float4, b bool)",
      """
      insert into t select g, g % 97, 'name' || g, repeat('x', g % 50), 4294967295 - g, g / 2, g % 2 = 0
      from generate_series(1, \(rows)) g
      """,
      "create index t_v on t (v desc, id)", "create index t_n on t (n, s, o, f, b)", "vacuum analyze t",
      "set enable_seqscan = off", "set enable_bitmapscan = off",
    ] {
      let failure = rig.execute(sql).failure
      #expect(failure == nil, "\(sql)")
    }
  }

  @Test("after VACUUM no row is looked at in the table; after changes only those of the changed pages")
  func fetchesFollowTheMap() throws {
    let rig = try SQLRig()
    prepare(rig, rows: 3000)
    let pages = try #require(rig.execute("select relpages from pg_class where relname = 't'").rows.first?[0])
    #expect(try #require(Int(pages)) > 10)
    #expect(fetches("select id from t where id between 100 and 2900", rig) == 0)
    #expect(rig.execute("update t set s = s || '!' where id = 1500").failure == nil)
    let some = try #require(fetches("select id from t where id between 100 and 2900", rig))
    #expect(some > 0 && some < 400)
    #expect(rig.execute("select count(*) from t where id between 100 and 2900").rows == [["2801"]])
    #expect(rig.execute("delete from t where id = 200").failure == nil)
    #expect(rig.execute("select count(*) from t where id between 100 and 2900").rows == [["2800"]])
    #expect(rig.execute("vacuum t").failure == nil)
    #expect(fetches("select id from t where id between 100 and 2900", rig) == 0)
    #expect(rig.execute("select count(*) from t where id between 100 and 2900").rows == [["2800"]])
    try rig.close()
  }

  @Test("EXPLAIN ANALYZE says so as PostgreSQL does")
  func explained() throws {
    let rig = try SQLRig()
    prepare(rig, rows: 500)
    #expect(
      explain("select id from t where id < 10 and id <> 3 order by id desc", rig) == [
        "Index Only Scan Backward using t_pkey on t (actual rows=8.00 loops=1)", "  Index Cond: (id < 10)",
        "  Filter: (id <> 3)", "  Rows Removed by Filter: 1", "  Heap Fetches: 0", "  Index Searches: 1",
      ])
    #expect(rig.execute("set enable_indexonlyscan = off").failure == nil)
    #expect(explain("select id from t where id < 10", rig)[0].hasPrefix("Index Scan using t_pkey on t"))
    try rig.close()
  }

  @Test("values of every kind come out of the index as they are in the table, in both directions")
  func values() throws {
    let rig = try SQLRig()
    prepare(rig, rows: 700)
    #expect(rig.execute("insert into t (id) values (1000), (1001)").failure == nil)
    for order in ["n, s, o, f, b", "n desc, s desc, o desc, f desc, b desc"] {
      let sql = "select n, s, o, f, b from t order by \(order)"
      #expect(explain(sql, rig)[0].hasPrefix("Index Only Scan"))
      let alone = rig.execute(sql).rows
      #expect(rig.execute("set enable_indexonlyscan = off").failure == nil)
      #expect(alone == rig.execute(sql).rows)
      #expect(rig.execute("set enable_indexonlyscan = on").failure == nil)
      #expect(alone.count == 702)
    }
    // An OID above 2^31 must be the same number wherever it comes from.
    #expect(
      rig.execute("select count(*) from t a join t b on a.o = b.o where a.n >= '' and b.s >= ''").rows == [["700"]])
    try rig.close()
  }

  @Test("rows that a snapshot does not see are left out, whoever changed them, while a cursor reads")
  func cursors() throws {
    let rig = try SQLRig()
    prepare(rig, rows: 2000)
    #expect(rig.execute("begin isolation level repeatable read").failure == nil)
    #expect(rig.execute("declare c cursor for select id from t where id > 0 order by id").failure == nil)
    #expect(rig.execute("fetch 10 from c").rows.count == 10)
    let other = try SQLRig.Other(rig, "writer")
    #expect(other.execute("delete from t where id % 2 = 0").failure == nil)
    #expect(other.execute("insert into t select g from generate_series(5001, 5100) g").failure == nil)
    #expect(rig.execute("delete from t where id % 3 = 1 and id % 2 = 1").failure == nil)
    #expect(rig.execute("fetch all from c").rows.count == 1990)
    #expect(rig.execute("select count(*) from t where id > 0").rows == [["1666"]])
    #expect(rig.execute("commit").failure == nil)
    #expect(other.execute("select count(*) from t where id > 0").rows == [["766"]])
    other.close()
    try rig.close()
  }

  @Test("random changes, vacuums and rollbacks: the index alone gives what the table gives", arguments: [1, 2, 3])
  func random(seed: UInt64) throws {
    let rig = try SQLRig()
    prepare(rig, rows: 400)
    var numbers = SimulationRandom(seed: seed)
    for _ in 0..<20 {
      let (a, b) = (numbers.below(600), numbers.below(600))
      let statements = [
        "insert into t (id, v) select \(a) + 1000 * g, g from generate_series(1, \(b % 40)) g on conflict do nothing",
        "delete from t where id % 61 = \(a % 61)", "update t set v = v + 1 where id % 53 = \(b % 53)",
        "update t set id = id + 100000 where id = \(a)", "vacuum t", "update t set s = 'hot' where id % 17 = \(a % 17)",
      ]
      let sql = statements[numbers.below(statements.count)]
      let isUndone = sql != "vacuum t" && a % 4 == 0
      if isUndone { #expect(rig.execute("begin").failure == nil) }
      let failure = rig.execute(sql).failure
      #expect(failure == nil, "seed \(seed): \(sql)")
      if isUndone { #expect(rig.execute("rollback").failure == nil) }
      var answers: [[[String?]]] = []
      for setting in ["on", "off"] {
        #expect(rig.execute("set enable_indexonlyscan = \(setting)").failure == nil)
        answers.append(rig.execute("select id from t order by id").rows)
        answers.append(rig.execute("select v, id from t where v < 50 order by v desc, id").rows)
      }
      #expect(answers[0] == answers[2] && answers[1] == answers[3], "seed \(seed) after \(sql)")
    }
    try rig.close()
  }
}
