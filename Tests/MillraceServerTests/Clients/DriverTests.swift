import Foundation
import MillraceTestSupport
import Testing

/// What drivers and PostgreSQL's own tools send that nobody types.
@Suite("Drivers and tools", .serialized)
struct DriverTests {
  private static let hasPsycopg = FileManager.default.fileExists(
    atPath: "/usr/lib/python3/dist-packages/psycopg/__init__.py")

  private func python(_ cluster: TestCluster, _ script: String) throws -> ChildProcess.Outcome {
    try ChildProcess.run(["/usr/bin/python3", "-c", script, "\(cluster.server.port)"])
  }

  private func tool(_ cluster: TestCluster, _ words: [String]) throws -> ChildProcess.Outcome {
    let binaries = try PostgresInstallation.required(18).binaries
    return try ChildProcess.run(
      ["\(binaries)/\(words[0])", "-h", "127.0.0.1", "-p", "\(cluster.server.port)", "-U", "postgres"]
        + words.dropFirst())
  }

  private func psql(_ cluster: TestCluster, _ commands: [String]) throws -> ChildProcess.Outcome {
    try tool(cluster, ["psql", "-XAtq", "-d", "postgres"] + commands.flatMap { ["-c", $0] })
  }

  @Test("DECLARE, EXPLAIN and CREATE TABLE AS take parameters", .enabled(if: hasPsycopg))
  func parametersOfUtilities() async throws {
    let script = """
      import psycopg, sys
      c = psycopg.connect(host="127.0.0.1", port=int(sys.argv[1]), user="postgres", dbname="postgres")
      cur = c.cursor("named")
      cur.itersize = 7
      cur.execute("select n, %s from generate_series(1, %s) n", ("x" * 100, 30))
      # What was bound for the declaration has ended with it.
      assert c.execute("select %s", ("y" * 100,)).fetchone() == ("y" * 100,)
      assert list(cur) == [(n, "x" * 100) for n in range(1, 31)]
      cur = c.cursor("held", withhold=True, scrollable=True)
      cur.execute("select n from generate_series(1, %s) n where n > %s", (9, 3))
      c.commit()
      cur.scroll(4)
      assert cur.fetchone() == (8,)
      assert c.execute("explain (costs off) select 1 where %s = 1", (1,)).fetchone() == ("Result",)
      assert c.execute("create table t as select %s::int a, %s::text b", (7, "z")).statusmessage == "SELECT 1"
      assert c.execute("select * from t").fetchall() == [(7, "z")]
      for query in ["declare c cursor for select $1::int", "explain select $1::int"]:
          c.rollback()
          c.execute("select 1")
          assert c.pgconn.exec_(query.encode()).error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"42P02"
      print("done")
      """
    try await TestCluster.with { cluster in
      let outcome = try python(cluster, script)
      #expect(outcome.output == "done\n", "\(outcome.errors)")
    }
  }

  @Test("what pools of connections say when they take one back", .enabled(if: hasPsycopg))
  func pools() async throws {
    let script = """
      import psycopg, sys
      target = dict(host="127.0.0.1", port=int(sys.argv[1]), user="postgres", dbname="postgres", autocommit=True)
      c, other = psycopg.connect(**target), psycopg.connect(**target)
      for reset in ["select pg_advisory_unlock_all(); close all; unlisten *; reset all", "discard all"]:
          c.execute("select pg_advisory_lock(1), pg_advisory_lock(1), pg_advisory_lock_shared(2, 3)")
          assert other.execute("select pg_try_advisory_lock(1)").fetchone() == (False,)
          c.execute("set work_mem = '1MB'")
          c.execute("declare h cursor with hold for select 1")
          c.execute(reset)
          assert c.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (0,)
          assert c.execute("select count(*) from pg_cursors").fetchone() == (0,)
          assert other.execute("select pg_try_advisory_lock(1), pg_advisory_unlock(1)").fetchone() == (True, True)
          assert c.execute("show work_mem").fetchone() != ("1MB",)
      assert c.execute("unlisten one").statusmessage == "UNLISTEN"
      try:
          c.execute("listen one")
          raise SystemExit("no error")
      except psycopg.errors.FeatureNotSupported: pass
      print("done")
      """
    try await TestCluster.with { cluster in
      let outcome = try python(cluster, script)
      #expect(outcome.output == "done\n", "\(outcome.errors)")
    }
  }

  @Test(
    "vacuumdb and reindexdb work on databases, createdb and dropdb make and force them away",
    .enabled(if: PostgresInstallation.isExpected(18)))
  func tools() async throws {
    try await TestCluster.with { cluster in
      let made = try psql(
        cluster,
        [
          "create table t (a int primary key, b text)",
          "insert into t select n, n::text from generate_series(1, 500) n", "create index tb on t (b)",
        ])
      #expect(made.status == 0, "\(made.errors)")
      let commands = [
        ["vacuumdb", "-z", "postgres"],
        ["vacuumdb", "-t", "t", "--parallel=2", "--buffer-usage-limit=256kB", "postgres"],
        ["vacuumdb", "--analyze-in-stages", "postgres"], ["reindexdb", "postgres"],
        ["reindexdb", "-t", "t", "postgres"],
        ["reindexdb", "-S", "public", "postgres"], ["createdb", "d"],
      ]
      for command in commands {
        let outcome = try tool(cluster, command)
        #expect(outcome.status == 0, "\(command): \(outcome.errors)")
      }
      let statistics = try psql(
        cluster,
        [
          "vacuum (only_database_stats)", "vacuum (only_database_stats) t", "vacuum (parallel 5000) t",
          "reindex (verbose) table t", "reindex database d", "begin; reindex database postgres",
        ])
      for words in [
        "ONLY_DATABASE_STATS cannot be specified with a list of tables",
        "parallel workers for vacuum must be between 0 and 1024", "INFO:  index \"tb\" was reindexed",
        "REINDEX DATABASE cannot run inside a transaction block", "can only reindex the currently open database",
      ] { #expect(statistics.errors.contains(words), "\(statistics.errors)") }
      // Somebody is connected, and is sent away.
      let user = try cluster.server.connect(database: "d")
      let refused = try tool(cluster, ["dropdb", "d"])
      #expect(refused.errors.contains("There is 1 other session using the database."), "\(refused.errors)")
      let dropped = try tool(cluster, ["dropdb", "--force", "d"])
      #expect(dropped.status == 0, "\(dropped.errors)")
      withExtendedLifetime(user) {}
    }
  }

  @Test(
    "privileges, arrays of names and places in the log are shown as PostgreSQL shows them",
    .enabled(if: PostgresInstallation.isExpected(18)))
  func texts() async throws {
    try await TestCluster.with { cluster in
      let shown = try psql(
        cluster,
        [
          "select datacl, array_to_string(datacl, ' ') from pg_database where datname = 'template1'",
          "select array['int4', 'text[]']::regtype[], array['pg_class'::regclass]::text",
          "copy (select 'pg_class'::regclass, datacl from pg_database where datname = 'template1') to stdout",
          "select '0/16b3748'::pg_lsn, '1/0'::pg_lsn - '0/ffffffff', '0/9'::pg_lsn < '0/10'::pg_lsn",
          "select pg_current_wal_flush_lsn() <= pg_current_wal_insert_lsn(), '18446744073709551615'::xid8",
          "select 'x/1'::pg_lsn",
        ])
      #expect(
        shown.output == """
          {=c/postgres,postgres=CTc/postgres}|=c/postgres postgres=CTc/postgres
          {integer,text[]}|{pg_class}
          pg_class\t{=c/postgres,postgres=CTc/postgres}
          0/16B3748|1|t
          t|18446744073709551615

          """, "\(shown.errors)")
      #expect(shown.errors.contains("invalid input syntax for type pg_lsn: \"x/1\""))
      let databases = try psql(cluster, ["\\l"])
      #expect(databases.output.contains("template1|postgres|UTF8|libc|C|C|||=c/postgres"), "\(databases)")
      let serializable = try psql(
        cluster,
        [
          "set session characteristics as transaction isolation level serializable",
          "begin isolation level read uncommitted; show transaction_isolation",
        ])
      #expect(serializable.output == "read uncommitted\n", "\(serializable)")
      #expect(serializable.errors.contains("isolation level SERIALIZABLE is not supported"), "\(serializable)")
    }
  }
}
