import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// What an object is defined by is shown as PostgreSQL shows it.
@Suite("Definitions are PostgreSQL's")
struct DefinitionTests {
  private static let schema = [
    """
    CREATE TABLE "Odd Name" (a int PRIMARY KEY, b text NOT NULL, c varchar(10), "D" numeric(10, 2) UNIQUE,
    CONSTRAINT positive CHECK (a > 0), UNIQUE NULLS NOT DISTINCT (b, c))
    """,
    "CREATE INDEX plain ON \"Odd Name\" (b, \"D\" DESC, c NULLS FIRST, a DESC NULLS LAST)",
    "CREATE UNIQUE INDEX part ON \"Odd Name\" (a) INCLUDE (b) WHERE a > 10",
    "CREATE INDEX filled ON \"Odd Name\" (c) WITH (deduplicate_items = off, fillfactor = 70)",
    "CREATE INDEX expr ON \"Odd Name\" (lower(b), (a + 1))",
    "CREATE INDEX classes ON \"Odd Name\" (b text_pattern_ops)",
  ]
  private static let queries = [
    "SELECT * FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname",
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '\"Odd Name\"'::regclass ORDER BY 1",
    "SELECT pg_get_indexdef('plain'::regclass, 2, false), pg_get_indexdef('expr'::regclass, 1, true)",
    "SELECT tablename, hasindexes FROM pg_tables WHERE schemaname = 'public'",
    "SELECT count(*) FROM pg_indexes WHERE schemaname = 'pg_catalog' AND tablename = 'pg_class'",
    "SELECT indexdef FROM pg_indexes WHERE indexname = 'pg_class_relname_nsp_index'",
    "SELECT pg_get_indexdef(0), pg_get_constraintdef(0)",
  ]

  @Test(
    "pg_indexes and definitions of constraints",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func definitions() throws {
    let cluster = try PostgresCluster(.required(18), checksums: false, options: ["-E", "UTF8", "--locale=C"])
    let rig = try SQLRig()
    try cluster.whileRunning {
      let server = try ServerSession(directory: cluster.temporary.path)
      for sql in Self.schema {
        let (theirs, ours) = (try server.execute(sql), rig.execute(sql))
        #expect(theirs.failure == nil && ours.failure == nil, "\(sql): \(ours.failure ?? [:])")
      }
      for sql in Self.queries {
        let (theirs, ours) = (try server.execute(sql), rig.execute(sql))
        #expect(ours.failure == nil, "\(sql): \(ours.failure ?? [:])")
        #expect(ours.rows == theirs.rows, "\(sql)")
      }
    }
    try rig.close()
  }

  @Test("pg_prewarm reads a table, a part of it, and refuses what PostgreSQL refuses")
  func prewarming() throws {
    let rig = try SQLRig()
    _ = rig.execute(
      "CREATE TABLE t (a int, b text); INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 2000) i")
    let pages = rig.execute("SELECT pg_relation_size('t') / 8192").rows
    #expect(rig.execute("SELECT pg_prewarm('t')").rows == pages)
    for mode in ["read", "prefetch", "buffer"] {
      #expect(rig.execute("SELECT pg_prewarm('t', '\(mode)', 'main', 2, 11)").rows == [["10"]])
    }
    #expect(rig.execute("SELECT pg_prewarm('t', 'none')").failure?["M"] == "invalid prewarm type")
    #expect(
      rig.execute("SELECT pg_prewarm('t', 'buffer', 'main', 5000)").failure?["M"]
        == "starting block number must be between 0 and \((Int(pages.first?.first.flatMap { $0 } ?? "") ?? 0) - 1)")
    try rig.close()
  }
}
