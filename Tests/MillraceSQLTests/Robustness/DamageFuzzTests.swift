import MillraceEngine
import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// Pages as a disk may give them back where nobody keeps checksums, or under a checksum that fits: statements have an
/// answer or an error, and the process goes on.
@Suite("Damaged pages are errors", .serialized) struct DamageFuzzTests {
  private static let statements = [
    "set enable_seqscan = off",
    "select count(*), sum(k), sum(length(s)) from t where id between 100 and 600",
    "select id from t where id > 300 order by id desc limit 200",
    "select count(*) from (select s from t where k >= 0 order by s, k) x",
    "select count(*) from (select s from t order by s desc, k desc) x", "set enable_indexscan = off",
    "select count(*), sum(id) from t where k < 9", "reset all", "set enable_seqscan = off",
    "set enable_bitmapscan = off", "select k, count(*) from t where k between 2 and 9 group by k order by k desc",
    "select s, k from t where s > 'k' order by s limit 90", "select max(s), min(id) from t", "reset all",
    "set statement_timeout = '20s'",
    "select count(*), sum(length(s)), sum(length(big)), sum(octet_length(substr(big, 3000, 10))) from t",
    "insert into t select n, n % 13, 'new ' || n, repeat(md5(n::text), 150) from generate_series(5000, 5060) n",
    "insert into t values (250, 1, 'x', 'y')",
    "insert into t values (251, 1, 'x', 'y') on conflict (id) do update set k = excluded.k + 1",
    "update t set k = k + 1, big = big || 'x' where id % 5 = 0", "update t set s = s || 'z' where id % 50 = 1",
    "delete from t where id % 7 = 0", "select nextval('numbers')", "vacuum t", "analyze t", "vacuum (freeze) t",
    "create index on t (k, id)", "reindex index by_s", "select count(*) from t", "truncate t",
    "insert into t values (1, 1, 'x', 'y')",
  ]

  @Test func `statements on damaged tables and indexes have an answer or an error`() throws {
    let cluster = try DamagedCluster()
    var (answers, corruptions) = (0, 0)
    try Fuzzing.run("statements on damaged pages", rounds: 15) { random in
      let (what, rig) = try cluster.damage(&random)
      for statement in Self.statements {
        guard let failure = rig.execute(statement).failure else {
          answers += 1
          continue
        }
        let state = failure["C"] ?? ""
        #expect(state.utf8.count == 5 && state != "57P02", "\(failure): \(statement), with \(what)")
        if state == "XX001" || state == "XX002" { corruptions += 1 }
      }
      _ = rig.execute("rollback")
      #expect(rig.execute("select 1").rows == [["1"]], "with \(what)")
      if random.below(5) == 0 { _ = try? ClusterChecker(rig.database).run() }
      try? rig.close()
    }
    #expect(answers > 100 && corruptions > 3)
  }

  @Test func `the error names the index and the block, and says what to do`() throws {
    let cluster = try DamagedCluster()
    let rig = try cluster.opened { bytes in
      // The line pointers of every page but the metapage lead out of it.
      for start in stride(from: 8192, to: bytes.count, by: 8192) {
        for offset in 24..<40 { bytes[start + offset] = 0xFF }
      }
    }
    _ = rig.execute("set enable_seqscan = off")
    for statement in ["select k from t where k = 3", "vacuum t", "insert into t values (9000, 3, '', '')"] {
      let failure = rig.execute(statement).failure ?? [:]
      #expect(failure["C"] == "XX002" && failure["H"] == "Please REINDEX it.", "\(statement): \(failure)")
      #expect(failure["M"]?.hasPrefix("index \"by_k\" contains corrupted page at block ") == true)
    }
    let made = rig.execute("reindex index by_k")
    #expect(made.failure == nil)
    let found = rig.execute("select count(*) > 10 from t where k = 3")
    #expect(found.rows == [["t"]])
    try rig.close()
  }
}
