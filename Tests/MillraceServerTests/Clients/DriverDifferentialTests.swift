import Foundation
import MillraceTestSupport
import Testing

/// What a driver is told, by PostgreSQL 18 and by this server: scripts print it, and the prints are compared.
@Suite("Drivers see no difference", .serialized)
struct DriverDifferentialTests {
  private static let canRun =
    PostgresInstallation.isExpected(18)
    && FileManager.default.fileExists(atPath: "/usr/lib/python3/dist-packages/psycopg/__init__.py")

  /// Runs a script with each server, and expects it to print the same.
  private func compare(_ script: String, lines: Int) async throws {
    let prologue = """
      import psycopg, sys
      from psycopg import pq
      target = dict(host=sys.argv[1], port=int(sys.argv[2]), user="postgres", dbname="postgres", autocommit=True)
      c = psycopg.connect(**target)
      def shown(r):
          field = r.error_field
          if r.status != pq.ExecStatus.FATAL_ERROR: return [r.get_value(n, 0) for n in range(r.ntuples)]
          names = ["SQLSTATE", "MESSAGE_PRIMARY", "CONTEXT"]
          return [(field(pq.DiagnosticField[name]) or b"").decode() for name in names]
      def attempt(f):
          try: return f()
          except psycopg.Error as e: return e.sqlstate, e.diag.message_primary

      """
    let reference = try PostgresCluster(.required(18), checksums: false, options: ["-E", "UTF8", "--locale=C"])
    let expected = try reference.whileRunning {
      try ChildProcess.run(["/usr/bin/python3", "-c", prologue + script, reference.temporary.path, "5432"])
    }
    #expect(expected.status == 0 && expected.output.split(separator: "\n").count == lines, "\(expected)")
    try await TestCluster.with { cluster in
      let outcome = try ChildProcess.run(
        ["/usr/bin/python3", "-c", prologue + script, "127.0.0.1", "\(cluster.server.port)"])
      #expect(outcome.output == expected.output, "\(outcome.errors)")
    }
  }

  @Test("a COPY that was given up and a late cancel leave no trace", .enabled(if: canRun))
  func leftovers() async throws {
    try await compare(
      """
      c.execute("create table t (a int)")
      for _ in range(3):
          try:
              with c.cursor().copy("copy t from stdin") as copy:
                  copy.write_row((1,))
                  raise ValueError("given up")
          except psycopg.Error as e: print(e.sqlstate, e.diag.message_primary, e.diag.context)
          print(attempt(lambda: c.execute("select count(*) from t where %s", (True,)).fetchone()))
          c.cancel()
          print(attempt(lambda: c.execute("select nope from t where %s", (True,)).fetchone()))
          print(attempt(lambda: c.execute("select %s::int", (7,)).fetchone()))
      """, lines: 12)
  }

  @Test("the messages of a binary COPY have rows, and the first and the last more", .enabled(if: canRun))
  func binaryCopy() async throws {
    try await compare(
      """
      for query in ["select n, 'x' from generate_series(1, 3) n", "select 1 where false"]:
          with c.cursor().copy(f"copy ({query}) to stdout (format binary)") as copy:
              print([bytes(piece) for piece in copy])
      with c.cursor().copy("copy (select 5::int8, null::text) to stdout (format binary)") as copy:
          copy.set_types(["int8", "text"])
          print(list(copy.rows()))
      """, lines: 3)
  }

  @Test("parameters that are no values of their types", .enabled(if: canRun))
  func parameters() async throws {
    try await compare(
      """
      for value in [b"\\xff", b"a\\xc3", b"\\xed\\xa0\\x80", b"\\xc3\\xa4"]:
          for type in ["text", "varchar(3)", "name", "bpchar", "unknown", "text[]"]:
              for format in [0, 1] if type != "text[]" else [0]:
                  r = c.pgconn.exec_params(f"select $1::{type}".encode(), [value], None, [format])
                  print(type, format, shown(r))
      for type, value, format in [("int4", b"x", 0), ("int4", b"xx", 1), ("date", b"2024-02-30", 0), ("bool", b"", 1)]:
          print(shown(c.pgconn.exec_params(f"select 1, $2, $1::{type}".encode(), [value, b"y"], None, [format, 0])))
      # The way in which the JDBC driver calls a function.
      print(shown(c.pgconn.exec_params(b"select * from upper($1, $2) as result", [None, b"abc"], [2278, 0])))
      print(shown(c.pgconn.exec_params(b"select upper($1)", [None], [2278])))
      """, lines: 50)
  }

  @Test("a statement whose result has changed is known by the routine that refuses it", .enabled(if: canRun))
  func changedResult() async throws {
    try await compare(
      """
      c.execute("create table t (a int)")
      c.execute("select * from t", prepare=True)
      c.execute("alter table t add b text")
      try: c.execute("select * from t", prepare=True)
      except psycopg.Error as e: print(e.sqlstate, e.diag.message_primary, e.diag.source_function)
      print(c.execute("select * from t", prepare=False).fetchall())
      """, lines: 2)
  }
}
