import Foundation
import MillraceServer
import MillraceTestSupport
import Testing

@Suite("Real clients run SQL", .serialized)
struct SQLClientTests {
  /// Runs psql with commands; each is a message of its own.
  private func psql(_ cluster: TestCluster, _ commands: [String], _ options: [String] = ["-XAtq"]) throws
    -> ChildProcess.Outcome
  {
    let psql = try PostgresInstallation.required(18).binaries + "/psql"
    return try ChildProcess.run(
      [psql] + options + ["-h", "127.0.0.1", "-p", "\(cluster.server.port)", "-U", "postgres", "-d", "postgres"]
        + commands.flatMap { ["-c", $0] })
  }

  @Test("psql makes tables, changes rows and reads them", .enabled(if: PostgresInstallation.isExpected(18)))
  func tables() async throws {
    try await TestCluster.with { cluster in
      let outcome = try psql(
        cluster,
        [
          "create table t (a int primary key, b text default 'x', c numeric(6,2) check (c > 0))",
          "insert into t values (1, 'one', 1.5), (2, 'two', 2.25), (3, default, null)",
          "update t set b = b || '!' where a < 3 returning a, b",
          "delete from t where a = 2",
          "select * from t order by a desc", "insert into t values (1, 'again', 1)",
          "insert into t values (4, 'bad', -1)",
          "create index on t (b)", "alter table t add column d int not null default 7",
          "select a, d from t order by a", "drop table t", "select * from t",
        ])
      #expect(outcome.output == "1|one!\n2|two!\n3|x|\n1|one!|1.50\n1|7\n3|7\n")
      #expect(outcome.errors.contains("duplicate key value violates unique constraint \"t_pkey\""))
      #expect(outcome.errors.contains("Key (a)=(1) already exists."))
      #expect(outcome.errors.contains("violates check constraint \"t_c_check\""))
      #expect(outcome.errors.contains("relation \"t\" does not exist"))
    }
  }

  @Test("transaction blocks, savepoints, and what fails in them", .enabled(if: PostgresInstallation.isExpected(18)))
  func transactions() async throws {
    try await TestCluster.with { cluster in
      let outcome = try psql(
        cluster,
        [
          "create table t (a int)", "begin; insert into t values (1); rollback", "select count(*) from t",
          "insert into t values (3); insert into t values (1/0)", "select count(*) from t", "vacuum t; vacuum t",
          "set local work_mem = '1MB'", "commit",
        ])
      #expect(outcome.output == "0\n0\n")
      #expect(outcome.errors.contains("division by zero"))
      #expect(outcome.errors.contains("VACUUM cannot run inside a transaction block"))
      #expect(outcome.errors.contains("SET LOCAL can only be used in transaction blocks"))
      #expect(outcome.errors.contains("there is no transaction in progress"))
      try cluster.directory.write(
        """
        begin;
        insert into t values (1);
        savepoint s;
        insert into t values (1/0);
        select 1;
        rollback to s;
        insert into t values (2);
        commit;
        select a from t order by a;
        """.utf8, to: "script")
      let script = try psql(cluster, [], ["-XAtq", "-f", cluster.directory.path + "/script"])
      #expect(script.output == "1\n2\n")
      #expect(script.errors.contains("current transaction is aborted"))
    }
  }

  @Test(
    "settings are set, shown, reset, and undone with their transaction",
    .enabled(if: PostgresInstallation.isExpected(18)))
  func settings() async throws {
    try await TestCluster.with { cluster in
      try cluster.directory.write(
        """
        set work_mem = '1MB';
        show work_mem;
        begin;
        set work_mem = '2MB';
        set local maintenance_work_mem = '3MB';
        savepoint s;
        set work_mem = '5MB';
        rollback to s;
        show work_mem;
        commit;
        show work_mem;
        show maintenance_work_mem;
        begin;
        set work_mem = '8MB';
        rollback;
        show work_mem;
        reset work_mem;
        show work_mem;
        set my.own = 'x';
        show my.own;
        set timezone = 'Europe/Berlin';
        show timezone;
        set nothing = 1;
        set work_mem = 'x';
        set shared_buffers = '1GB';
        select name, setting, unit, context from pg_settings where name = 'work_mem';
        """.utf8, to: "script")
      let outcome = try psql(cluster, [], ["-XAtq", "-f", cluster.directory.path + "/script"])
      #expect(
        outcome.output
          == "1MB\n2MB\n2MB\n64MB\n2MB\n4MB\nx\nEurope/Berlin\nwork_mem|4096|kB|user\n", "\(outcome.errors)")
      #expect(outcome.errors.contains("unrecognized configuration parameter \"nothing\""))
      #expect(outcome.errors.contains("invalid value for parameter \"work_mem\": \"x\""))
      #expect(outcome.errors.contains("parameter \"shared_buffers\" cannot be changed without restarting the server"))
    }
  }

  @Test("COPY in text, csv and binary, both ways", .enabled(if: PostgresInstallation.isExpected(18)))
  func copy() async throws {
    try await TestCluster.with { cluster in
      let path = cluster.directory.path
      try cluster.directory.write(
        "1\tone\n2\ta\\tb\\\\c\\nd\n3\t\\N\n\\.\n".utf8, to: "text")
      let outcome = try psql(
        cluster,
        [
          "create table t (a int primary key, b text)", "\\copy t from '\(path)/text'",
          "copy t to '\(path)/csv' (format csv, header)", "copy t to '\(path)/binary' (format binary)",
          "truncate t", "copy t from '\(path)/csv' (format csv, header match)", "select count(*), count(b) from t",
          "truncate t", "copy t from '\(path)/binary' (format binary)", "select a, b from t where a = 2",
          "copy (select a from t order by a desc) to stdout",
          "\\copy t from '\(path)/text'",
        ])
      #expect(outcome.output == "3|2\n2|a\tb\\c\nd\n3\n2\n1\n", "\(outcome.errors)")
      #expect(outcome.errors.contains("CONTEXT:  COPY t, line 1"))
      #expect(
        try String(contentsOfFile: path + "/csv", encoding: .utf8) == "a,b\n1,one\n2,\"a\tb\\c\nd\"\n3,\n")
    }
  }

  @Test("cursors go forward and back, and outlive their transaction", .enabled(if: PostgresInstallation.isExpected(18)))
  func cursors() async throws {
    try await TestCluster.with { cluster in
      try cluster.directory.write(
        """
        create table t (a int);
        insert into t select * from generate_series(1, 10);
        begin;
        declare c scroll cursor for select a from t order by a;
        fetch 3 from c;
        fetch backward 2 from c;
        move forward 4 in c;
        fetch next from c;
        fetch absolute -1 from c;
        fetch first from c;
        declare h cursor with hold for select a from t where a > 8 order by a;
        declare n no scroll cursor for select a from t;
        fetch backward from n;
        rollback;
        begin;
        declare h cursor with hold for select a from t where a > 8 order by a;
        fetch 1 from h;
        commit;
        fetch all from h;
        close h;
        fetch 1 from h;
        """.utf8, to: "script")
      let outcome = try psql(cluster, [], ["-XAtq", "-f", cluster.directory.path + "/script"])
      #expect(outcome.output == "1\n2\n3\n2\n1\n6\n10\n1\n9\n10\n", "\(outcome.errors)")
      #expect(outcome.errors.contains("cursor can only scan forward"))
      #expect(outcome.errors.contains("cursor \"h\" does not exist"))
    }
  }

  @Test(
    "pgbench initializes, and runs TPC-B in each of its protocol modes",
    .enabled(if: PostgresInstallation.isExpected(18)))
  func pgbench() async throws {
    let pgbench = try PostgresInstallation.required(18).binaries + "/pgbench"
    try await TestCluster.with { cluster in
      let target = ["-h", "127.0.0.1", "-p", "\(cluster.server.port)", "-U", "postgres"]
      let made = try ChildProcess.run([pgbench] + target + ["-i", "-s", "1", "-q", "postgres"])
      #expect(made.status == 0, "\(made.errors)")
      for mode in ["simple", "extended", "prepared"] {
        let outcome = try ChildProcess.run(
          [pgbench] + target + ["-n", "-M", mode, "-c", "4", "-j", "2", "-t", "50", "postgres"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("number of transactions actually processed: 200/200"))
      }
      let sums = try psql(
        cluster,
        [
          "select (select sum(abalance) from pgbench_accounts) = (select sum(bbalance) from pgbench_branches), "
            + "(select sum(tbalance) from pgbench_tellers) = (select sum(delta) from pgbench_history), "
            + "(select count(*) from pgbench_history)"
        ])
      #expect(sums.output == "t|t|600\n", "\(sums.errors)")
    }
  }

  private static let hasPsycopg = FileManager.default.fileExists(
    atPath: "/usr/lib/python3/dist-packages/psycopg/__init__.py")

  @Test("psycopg: parameters, binary results, pipelines, COPY, transactions, cancelling", .enabled(if: hasPsycopg))
  func psycopg() async throws {
    let script = """
      import psycopg, sys, threading
      c = psycopg.connect(host="127.0.0.1", port=int(sys.argv[1]), user="postgres", dbname="postgres")
      c.execute("create table numbers (n int primary key, t text)")
      c.commit()
      for i in range(10):
          assert c.execute("select %s::int4, %s::int8, %s", (i, 2 ** 40, "x")).fetchone() == (i, 2 ** 40, "x")
      assert c.cursor(binary=True).execute("select %s::int4, 'a'::text, true", (7,)).fetchone() == (7, "a", True)
      with c.pipeline():
          curs = [c.execute("insert into numbers values (%s, %s) returning n", (i, str(i))) for i in range(20)]
      assert [x.fetchone()[0] for x in curs] == list(range(20))
      c.commit()
      try:
          with c.transaction():
              c.execute("insert into numbers values (100, 'z')")
              c.execute("insert into numbers values (1, 'again')")
          raise SystemExit("no error")
      except psycopg.errors.UniqueViolation as e:
          assert e.diag.constraint_name == "numbers_pkey", e.diag.constraint_name
      assert c.execute("select count(*) from numbers").fetchone() == (20,)
      c.commit()
      with c.cursor().copy("copy numbers from stdin") as copy:
          for i in range(1000, 2000):
              copy.write_row((i, None))
      c.commit()
      with c.cursor().copy("copy numbers to stdout") as copy:
          assert sum(1 for _ in copy) == 1020
      cur = c.cursor("named")
      cur.itersize = 100
      assert len(cur.execute("select n from numbers").fetchall()) == 1020
      c.rollback()
      timer = threading.Timer(0.2, c.cancel)
      timer.start()
      try:
          c.execute("select pg_sleep(1000)")
          raise SystemExit("not cancelled")
      except psycopg.errors.QueryCanceled:
          pass
      c.rollback()
      print("done")
      """
    try await TestCluster.with { cluster in
      let outcome = try ChildProcess.run(["/usr/bin/python3", "-c", script, "\(cluster.server.port)"])
      #expect(outcome.output == "done\n", "\(outcome.errors)")
    }
  }
}
