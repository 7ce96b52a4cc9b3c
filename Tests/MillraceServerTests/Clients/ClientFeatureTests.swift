import Foundation
import MillraceTestSupport
import Testing

/// What psql and pgbench do beyond sending statements, each of which uses another corner of the protocol.
@Suite("What clients do beyond statements", .serialized, .enabled(if: PostgresInstallation.isExpected(18)))
struct ClientFeatureTests {
  private func run(_ cluster: TestCluster, _ program: String, _ words: [String]) throws -> ChildProcess.Outcome {
    try ChildProcess.run(
      ["\(PostgresInstallation.required(18).binaries)/\(program)", "-h", "127.0.0.1", "-p", "\(cluster.server.port)"]
        + ["-U", "postgres"] + words)
  }

  @Test func `psql: variables, FETCH_COUNT, watch, pipelines, bind, gexec, gdesc`() async throws {
    try await TestCluster.with { cluster in
      try cluster.directory.write(
        #"""
        select 1 as a, 'x' as b \gset
        \echo :a :b
        \set FETCH_COUNT 7
        select n from generate_series(1, 50) n where n > 48;
        select n, 1 / (40 - n) from generate_series(1, 50) n where n > 38;
        \unset FETCH_COUNT
        select 'again' \watch c=2 i=0.01
        select $1, $2::int + 1 \bind 'p' 5 \g
        select 'select ' || n from generate_series(6, 7) n \gexec
        \startpipeline
        select 8 \bind \sendpipeline
        select 9 \bind \sendpipeline
        \endpipeline
        select 10 \; select 11;
        select 1::numeric(5,2) as n, 'x'::varchar(3) as v \gdesc
        select 1 / 0;
        \errverbose
        """#.utf8, to: "script")
      let outcome = try run(
        cluster, "psql", ["-XAtq", "-d", "postgres", "-f", cluster.directory.path + "/script"])
      let lines = outcome.output.split(separator: "\n").filter { !$0.contains("every") }
      #expect(
        lines == [
          "1 x", "49", "50", "39|1", "again", "again", "p|6", "6", "7", "8", "9", "10", "11", "n|numeric(5,2)",
          "v|character varying(3)",
        ]
          || lines == [
            "1 x", "49", "50", "again", "again", "p|6", "6", "7", "8", "9", "10", "11", "n|numeric(5,2)",
            "v|character varying(3)",
          ], "\(outcome)")
      #expect(outcome.errors.contains("ERROR:  22012: division by zero"))
    }
  }

  @Test func `pgbench: every builtin script and mode, new connections for each transaction, rows made by the server`()
    async throws
  {
    try await TestCluster.with { cluster in
      let made = try run(cluster, "pgbench", ["-i", "-I", "dtGvp", "-s", "1", "-q", "postgres"])
      #expect(made.status == 0, "\(made.errors)")
      let foreignKeys = try run(cluster, "pgbench", ["-i", "-I", "f", "postgres"])
      #expect(foreignKeys.status != 0 && foreignKeys.errors.contains("not supported"), "\(foreignKeys.errors)")
      for script in ["tpcb-like", "simple-update", "select-only"] {
        for mode in ["simple", "extended", "prepared"] {
          let outcome = try run(
            cluster, "pgbench", ["-n", "-b", script, "-M", mode, "-c", "4", "-t", "10", "postgres"])
          #expect(outcome.output.contains("processed: 40/40"), "\(outcome.errors)")
        }
      }
      let connecting = try run(cluster, "pgbench", ["-n", "-C", "-c", "3", "-t", "5", "postgres"])
      #expect(connecting.output.contains("processed: 15/15"), "\(connecting.errors)")
    }
  }

  private static let hasPsycopg = FileManager.default.fileExists(
    atPath: "/usr/lib/python3/dist-packages/psycopg/__init__.py")

  @Test(.enabled(if: hasPsycopg))
  func `psycopg, asynchronous: many at once, cancelled tasks, connections lost in the middle of COPY`() async throws {
    let script = """
      import asyncio, os, psycopg, socket, sys
      target = dict(host="127.0.0.1", port=int(sys.argv[1]), user="postgres", dbname="postgres")
      async def count(n):
          async with await psycopg.AsyncConnection.connect(**target) as c:
              return (await (await c.execute("select sum(g) from generate_series(1, %s) g", (n,))).fetchone())[0]
      async def lost(n):
          c = await psycopg.AsyncConnection.connect(**target)
          try:
              async with c.cursor().copy("copy numbers from stdin") as copy:
                  for i in range(1000): await copy.write_row((i,))
                  s = socket.socket(fileno=os.dup(c.fileno())); s.shutdown(socket.SHUT_RDWR); s.close()
          except psycopg.OperationalError: pass
          await c.close()
      async def main():
          assert await asyncio.gather(*[count(n) for n in range(1, 9)]) == [n * (n + 1) // 2 for n in range(1, 9)]
          c = await psycopg.AsyncConnection.connect(autocommit=True, **target)
          await c.execute("create table numbers (n int)")
          await asyncio.gather(*[lost(n) for n in range(4)])
          task = asyncio.create_task(c.execute("select pg_sleep(1000)"))
          await asyncio.sleep(0.1)
          task.cancel()
          try: await task
          except asyncio.CancelledError: pass
          await c.close()
          c = await psycopg.AsyncConnection.connect(autocommit=True, **target)
          assert await (await c.execute("select count(*) from numbers")).fetchone() == (0,)
          # A table that nobody holds any more can be dropped.
          await c.execute("drop table numbers")
      asyncio.run(main())
      print("done")
      """
    try await TestCluster.with { cluster in
      let outcome = try ChildProcess.run(["/usr/bin/python3", "-c", script, "\(cluster.server.port)"])
      #expect(outcome.output == "done\n", "\(outcome.errors)")
    }
  }
}
