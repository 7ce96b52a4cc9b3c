import MillraceTestSupport
import MillraceTypes
import Testing

@testable import MillraceSQL

/// The views that PostgreSQL has, too, have its columns, of its types, in its order; what this engine adds is behind.
@Suite("System views are PostgreSQL's")
struct ViewColumnTests {
  /// Columns that this engine adds.
  private static let additions: [String: [String]] = [
    "pg_aios": ["age", "query"],
    "pg_stat_wal": ["wal_fpi_bytes", "wal_write", "wal_sync", "wal_partial_pad", "wal_partial_pad_bytes"],
  ]
  /// Views that PostgreSQL does not have, or only in an extension.
  private static let own: Set<String> = [
    "pg_stat_aios", "pg_stat_aio_backends", "pg_stat_io_workers", "pg_stat_io_classes", "pg_stat_aio_latency",
    "pg_buffercache",
  ]

  @Test(
    "names and types of columns are those of PostgreSQL 18",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func columns() throws {
    let cluster = try PostgresCluster(.required(18), checksums: false, options: ["-E", "UTF8", "--locale=C"])
    let rig = try SQLRig()
    try cluster.whileRunning {
      let server = try ServerSession(directory: cluster.temporary.path)
      for view in SystemViews.definitions.keys.sorted() where !Self.own.contains(view) {
        guard case .statement(_, let described) = try server.describe("SELECT * FROM pg_catalog.\(view)") else {
          Issue.record("PostgreSQL has no view \(view)")
          continue
        }
        let expected = (described ?? []).map { "\($0.name) \($0.type)" }
        let columns = ColumnCollector.columns(of: "SELECT * FROM pg_catalog.\(view) LIMIT 0", rig.sql)
        #expect(Array(columns.prefix(expected.count)) == expected, "\(view)")
        let added = columns.dropFirst(expected.count).map { String($0.prefix { $0 != " " }) }
        #expect(added == Self.additions[view] ?? [], "\(view)")
      }
    }
    try rig.close()
  }

  @Test("every view can be read")
  func readable() throws {
    let rig = try SQLRig()
    _ = rig.execute(
      "CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 100) i")
    for view in SystemViews.definitions.keys.sorted() {
      let answer = rig.execute("SELECT * FROM \(view)")
      #expect(answer.failure == nil, "\(view): \(answer.failure ?? [:])")
    }
    try rig.close()
  }
}

/// The columns of what a statement gives.
private final class ColumnCollector: SQLClient {
  private var columns: [String] = []

  static func columns(of text: String, _ sql: SQLSession) -> [String] {
    let client = ColumnCollector()
    do throws(SQLError) {
      try sql.run(text, client)
    } catch {
      sql.abort()
      return ["\(text): \(error)"]
    }
    return client.columns
  }

  func beginRows(_ columns: [ResultColumn]) throws(SQLError) {
    self.columns = columns.map { "\($0.name) \($0.type.id.rawValue)" }
  }

  func rows(_: RowBatch, _: Range<Int>) throws(SQLError) {}
  func complete(_: String) throws(SQLError) {}
  func completeEmpty() throws(SQLError) {}
  func notice(_: NoticeSeverity, _: SQLError) {}
  func settingHasChanged(_: String, _: String) {}
  func beginCopyOut(isBinary _: Bool, columns _: Int) throws(SQLError) {}
  func copyData(_: UnsafeRawBufferPointer) throws(SQLError) {}
  func endCopyOut() throws(SQLError) {}
  func beginCopyIn(isBinary _: Bool, columns _: Int) throws(SQLError) {}
  func nextCopyData() throws(SQLError) -> ByteView? { nil }
}
