import MillraceEngine
import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// Numbers of views are those of what has been done.
@Suite("Views tell the truth", .serialized)
struct ActivityViewTests {
  private func one(_ rig: SQLRig, _ sql: String) -> [String?] {
    let answer = rig.execute(sql)
    #expect(answer.failure == nil, "\(sql): \(answer.failure ?? [:])")
    return answer.rows.first ?? []
  }

  private func number(_ rig: SQLRig, _ sql: String) -> Int { Int(one(rig, sql).first.flatMap { $0 } ?? "") ?? -1 }

  @Test("pg_stat_io has PostgreSQL's rows, and counts reads, hits, extensions, writes and flushes")
  func inputOutput() throws {
    let rig = try SQLRig()
    _ = rig.execute(
      "CREATE TABLE t (a int, b text); INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i")
    let ofClient = "FROM pg_stat_io WHERE backend_type = 'client backend' AND object = 'relation' AND context ="
    #expect(number(rig, "SELECT sum(extends)::int \(ofClient) 'normal'") > 0)
    #expect(number(rig, "SELECT sum(hits)::int \(ofClient) 'normal'") > 100)
    #expect(one(rig, "SELECT reuses, fsyncs IS NOT NULL \(ofClient) 'normal'") == [nil, "t"])
    _ = rig.execute("CHECKPOINT")
    #expect(
      number(
        rig,
        "SELECT writes::int FROM pg_stat_io WHERE backend_type = 'checkpointer' AND context = 'normal' "
          + "AND object = 'relation'") > 0)
    #expect(
      number(rig, "SELECT sum(writes)::int FROM pg_stat_io WHERE object = 'wal' AND context = 'normal'") > 0)
    // More than a quarter of the buffers: through a ring.
    let before = number(rig, "SELECT (read_bytes / 8192)::int \(ofClient) 'bulkread'")
    _ = rig.execute("SELECT count(*) FROM t")
    let after = number(rig, "SELECT (read_bytes / 8192 + hits)::int \(ofClient) 'bulkread'")
    #expect(after - before >= 1000)
    #expect(number(rig, "SELECT count(*)::int FROM pg_stat_io WHERE object = 'temp relation'") == 3)
    try rig.close()
  }

  @Test("tables, indexes and their blocks are counted")
  func relations() throws {
    let rig = try SQLRig()
    _ = rig.execute("CREATE TABLE t (a int PRIMARY KEY, b text)")
    _ = rig.execute("INSERT INTO t SELECT i, 'x' FROM generate_series(1, 1000) i")
    _ = rig.execute("UPDATE t SET b = 'y' WHERE a = 3")
    _ = rig.execute("DELETE FROM t WHERE a = 4")
    _ = rig.execute("SELECT count(*) FROM t")
    _ = rig.execute("VACUUM t")
    #expect(
      one(
        rig,
        "SELECT n_tup_ins, n_tup_upd, n_tup_del, n_live_tup, vacuum_count, seq_scan > 0, idx_scan > 0, "
          + "last_vacuum IS NOT NULL, total_vacuum_time > 0 FROM pg_stat_user_tables WHERE relname = 't'")
        == ["1000", "1", "1", "999", "1", "t", "t", "t", "t"])
    #expect(
      one(
        rig,
        "SELECT heap_blks_hit > 0, idx_blks_hit > 0, heap_blks_read >= 0 FROM pg_statio_user_tables WHERE relname = 't'"
      )
        == ["t", "t", "t"])
    #expect(
      one(rig, "SELECT indexrelname, idx_scan > 0 FROM pg_stat_user_indexes WHERE relname = 't'") == ["t_pkey", "t"])
    try rig.close()
  }

  @Test("checkpoints, buffers, sessions")
  func server() throws {
    let rig = try SQLRig()
    _ = rig.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
    let before = number(rig, "SELECT num_requested::int FROM pg_stat_checkpointer")
    _ = rig.execute("CHECKPOINT")
    #expect(
      one(
        rig,
        "SELECT num_requested - \(before), num_done > 0, buffers_written > 0, write_time > 0, slru_written > 0 "
          + "FROM pg_stat_checkpointer") == ["1", "t", "t", "t", "t"])
    #expect(
      number(
        rig,
        "SELECT count(*)::int FROM pg_buffercache b JOIN pg_class c ON b.relfilenode = pg_relation_filenode(c.oid) "
          + "WHERE c.relname = 't' AND b.relforknumber = 0") > 0)
    #expect(number(rig, "SELECT count(*)::int FROM pg_buffercache") == 2048)
    #expect(
      one(
        rig,
        "SELECT state, wait_event, query LIKE 'SELECT state%', backend_xmin IS NOT NULL FROM pg_stat_activity "
          + "WHERE pid = pg_backend_pid()") == ["active", nil, "t", "t"])
    // Now and then it writes, and goes back to waiting.
    var waits: [String?] = []
    for _ in 0..<10_000 where waits != ["Activity", "WalWriterMain"] {
      waits = one(rig, "SELECT wait_event_type, wait_event FROM pg_stat_activity WHERE backend_type = 'walwriter'")
    }
    #expect(waits == ["Activity", "WalWriterMain"])
    try rig.close()
  }

  @Test("what a session waits for: a lock, its client, the clock")
  func waiting() throws {
    let rig = try SQLRig()
    _ = rig.execute("CREATE TABLE t (a int)")
    let session = try rig.database.makeSession("other")
    try session.connect(to: "postgres")
    let other = try SQLSession(session, rig.sql.instance, SessionIdentity(user: "postgres"))
    let pid = session.processID
    let query = "SELECT wait_event_type, wait_event FROM pg_stat_activity WHERE pid = \(pid)"
    #expect(one(rig, query) == ["Client", "ClientRead"])
    _ = rig.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    let handed = Handed(other)
    let reader = try TestThread("reader") { _ = SQLRig.execute("SELECT * FROM t", handed.value) }
    #expect(untilTrue { one(rig, query) == ["Lock", "relation"] })
    #expect(number(rig, "SELECT count(*)::int FROM pg_locks WHERE NOT granted AND pid = \(pid)") == 1)
    _ = rig.execute("COMMIT")
    try reader.join()
    let sleeper = try TestThread("sleeper") { _ = SQLRig.execute("SELECT pg_sleep_for('1000 s')", handed.value) }
    #expect(untilTrue { one(rig, query) == ["Timeout", "PgSleep"] })
    other.cancel()
    try sleeper.join()
    other.close()
    try rig.close()
  }

  /// Looks again until it is so; a test's own limit ends what never comes.
  private func untilTrue(_ condition: () -> Bool) -> Bool {
    for _ in 0..<10_000 where condition() { return true }
    return false
  }
}
