import Foundation
import MillraceServer
import MillraceTestSupport
import Synchronization
import Testing

@Suite("Real clients")
struct RealClientTests {
  @Test("psql of 15 and 18, over TCP and the Unix socket", arguments: PostgresInstallation.expectedVersions)
  func psql(version: Int) async throws {
    let psql = try PostgresInstallation.required(version).binaries + "/psql"
    try await TestServer.with { server in
      for host in ["127.0.0.1", server.directory.path] {
        let outcome = try ChildProcess.run([
          psql, "-XAt", "-h", host, "-p", "\(server.port)", "-U", "postgres", "-d", "postgres",
          "-c", "select 1, 'a'", "-c", "notice hello", "-c", "select nothing", "-c", "begin; select 2; commit",
          "-c", "select generate_series(1, 3)",
        ])
        #expect(outcome.output == "1|a\nNOTICE\nBEGIN\n2\nCOMMIT\n1\n2\n3\n", "\(outcome.errors)")
        #expect(outcome.errors.contains("NOTICE:  hello\n"))
        #expect(outcome.errors.contains("ERROR:  column \"nothing\" does not exist\nLINE 1: select nothing\n"))
        #expect(outcome.errors.contains("               ^"))
      }
    }
  }

  @Test("psql copies in and out", .enabled(if: PostgresInstallation.isExpected(18)))
  func copy() async throws {
    let psql = try PostgresInstallation.required(18).binaries + "/psql"
    try await TestServer.with { server in
      let numbers = (1...50_000).map { "\($0)\n" }.joined()
      try server.directory.write(numbers.utf8, to: "in")
      let target = ["-XAtq", "-h", "127.0.0.1", "-p", "\(server.port)", "-U", "postgres"]
      let outcome = try ChildProcess.run(
        [psql] + target + [
          "-c", "\\copy numbers from '\(server.directory.path)/in'", "-c",
          "\\copy numbers to '\(server.directory.path)/out'",
        ])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try String(contentsOfFile: server.directory.path + "/out", encoding: .utf8) == numbers)
    }
  }

  private static let hasPsycopg = FileManager.default.fileExists(
    atPath: "/usr/lib/python3/dist-packages/psycopg/__init__.py")

  @Test("psycopg: parameters, prepared statements, pipelines, COPY, transactions, cancelling", .enabled(if: hasPsycopg))
  func psycopg() async throws {
    let script = """
      import psycopg, sys, threading
      c = psycopg.connect(host="127.0.0.1", port=int(sys.argv[1]), user="postgres", dbname="postgres")
      assert c.info.server_version == 180000, c.info.server_version
      for i in range(10):
          assert c.execute("select %s::int4, %s::int8", (i, 2 ** 40)).fetchone() == (i, 2 ** 40)
      cur = c.cursor(binary=True)
      assert cur.execute("select %s::int4", (7,)).fetchone() == (7,)
      c.commit()
      with c.pipeline():
          curs = [c.execute("select %s::int4", (i,)) for i in range(20)]
      assert [x.fetchone()[0] for x in curs] == list(range(20))
      c.commit()
      try:
          with c.transaction():
              c.execute("insert into numbers values (1)")
              c.execute("select 1/0")
          raise SystemExit("no error")
      except psycopg.errors.DivisionByZero as e:
          assert e.diag.sqlstate == "22012" and e.diag.severity == "ERROR"
      assert c.execute("select count(*) from numbers").fetchone() == (0,)
      c.commit()
      with c.cursor().copy("copy numbers from stdin") as copy:
          for i in range(1000):
              copy.write_row((i,))
      c.commit()
      with c.cursor().copy("copy numbers to stdout") as copy:
          assert sum(1 for _ in copy) == 1000
      assert len(c.execute("select generate_series(1, 5000)").fetchall()) == 5000
      timer = threading.Timer(0.2, c.cancel)
      timer.start()
      try:
          c.execute("select pg_sleep(1000)")
          raise SystemExit("not cancelled")
      except psycopg.errors.QueryCanceled:
          pass
      print("done")
      """
    try await TestServer.with { server in
      let outcome = try ChildProcess.run(["/usr/bin/python3", "-c", script, "\(server.port)"])
      #expect(outcome.output == "done\n", "\(outcome.errors)")
    }
  }

  @Test(
    "pgbench in each of its protocol modes, eight clients on two threads",
    .enabled(if: PostgresInstallation.isExpected(18)), arguments: ["simple", "extended", "prepared"])
  func pgbench(mode: String) async throws {
    let pgbench = try PostgresInstallation.required(18).binaries + "/pgbench"
    try await TestServer.with { server in
      try server.directory.write(
        "\\set n random(1, 100)\nselect :n;\nbegin;\ninsert into numbers values (1);\ncommit;\n".utf8, to: "script")
      let outcome = try ChildProcess.run([
        pgbench, "-n", "-h", "127.0.0.1", "-p", "\(server.port)", "-U", "postgres", "-M", mode, "-c", "8", "-j", "2",
        "-t", "100", "-f", server.directory.path + "/script", "postgres",
      ])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("number of transactions actually processed: 800/800"))
      #expect(outcome.output.contains("number of failed transactions: 0 "))
      #expect(server.database.state.withLock { $0.rows.count } == 800)
    }
  }
}
