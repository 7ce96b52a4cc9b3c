import Foundation
import MillraceTestSupport
import Testing

/// Servers that are killed in the midst of a statement that changes a whole table or its files. What it had not
/// committed is gone after recovery, the table and its indexes agree, and of files no more are left than PostgreSQL
/// leaves: those that the statement had made.
@Suite(
  "a server that is killed in the midst of a statement", .serialized,
  .enabled(if: PostgresInstallation.isExpected(18)))
struct StatementKillTests {
  enum Kind: String, CaseIterable, Sendable {
    case copy, createIndex, vacuum, rewrite, truncate, reindex

    var statement: String {
      switch self {
      case .copy: "copy big from program_file"
      case .createIndex: "create index extra on big (k, t)"
      case .vacuum: "vacuum (freeze) big"
      case .rewrite: "alter table big alter column t type varchar(200) using t || 'x'"
      case .truncate:
        "begin; truncate big; insert into big select n, n, 'again ' || n from generate_series(1, 30000) n; commit"
      case .reindex: "reindex table big"
      }
    }

    /// How many files it makes: what a killed one leaves, as in PostgreSQL, until somebody removes it by hand.
    var filesMade: Int {
      switch self {
      case .copy, .vacuum: 0
      // An empty one at first, then the one that it builds.
      case .createIndex: 2
      // A table or its new files, with their maps: of the table, its TOAST table, and the indexes of both.
      case .reindex: 2
      case .rewrite, .truncate: 10
      }
    }
  }

  static let rounds = 2

  @Test(arguments: Kind.allCases) func `nothing of it stays but files that nobody knows`(kind: Kind) throws {
    var random = SeededGenerator(for: "kill -9 during \(kind.rawValue)")
    let rig = try StatementKillRig()
    for round in 0..<Self.rounds {
      // One of them is killed at once, the others some time later.
      try rig.kill(during: kind.statement, after: round == 0 ? 0 : 1 + random.below(12))
    }
    try rig.finish(filesMade: kind.filesMade * Self.rounds)
  }
}

/// A cluster with one large table, whose servers are killed.
private final class StatementKillRig {
  private let place: TemporaryDirectory
  private let programs: String
  private static let rows = 20_000
  /// Rows that may be there: the statement has been executed as a whole, or not at all.
  private var counts: Set<Int> = [rows]

  init() throws {
    place = try TemporaryDirectory()
    programs = try PostgresInstallation.required(18).binaries
    let made = try Millrace.run(["init", "-D", place.path + "/data", "--wal-segsize", "1MB"])
    try #require(made.status == 0, "\(made.errors)")
    try place.write(Self.data(from: Self.rows + 1, count: 30_000).utf8, to: "more")
    let server = try started()
    try place.write(Self.data(from: 1, count: Self.rows).utf8, to: "rows")
    _ = try psql("create table big (id int primary key, k int, t text)")
    _ = try psql("copy big from '\(place.path)/rows'")
    _ = try psql(
      "delete from big where id % 10 = 3",
      "insert into big select n, n, 'x' from generate_series(3, \(Self.rows), 10) n")
    try #require(try server.end(SIGINT) == 0)
  }

  private static func data(from first: Int, count: Int) -> String {
    (first..<first + count).map { "\($0)\t\($0 % 1000)\trow number \($0) of the table\n" }.joined()
  }

  private func started() throws -> RunningServer {
    let settings = ["shared_buffers=2MB", "max_wal_size=4MB", "huge_pages=off"]
    let server = try RunningServer(place, settings.flatMap { ["-c", $0] })
    server.read(until: RunningServer.ready)
    try #require(server.log.hasSuffix(RunningServer.ready), "\(server.log)")
    return server
  }

  private var target: [String] { ["-h", place.path, "-U", "postgres"] }

  private func psql(_ sql: String...) throws -> [[String]] {
    let outcome = try ChildProcess.run(
      ["\(programs)/psql", "-XAtq", "-v", "ON_ERROR_STOP=1"] + target + sql.flatMap { ["-c", $0] })
    try #require(outcome.status == 0, "\(outcome.errors)")
    return outcome.output.split(separator: "\n").map { $0.split(separator: "|").map(String.init) }
  }

  /// Starts a server and a statement on it, and kills the server.
  /// - Parameter looks: how often somebody looks at what goes on before that.
  func kill(during statement: String, after looks: Int) throws {
    let server = try started()
    try check()
    let sql = statement.replacingOccurrences(of: "program_file", with: "'\(place.path)/more'")
    let client = try ChildProcess(["\(programs)/psql", "-XAtq"] + target + ["-c", sql])
    let active = "select count(*) from pg_stat_activity where state = 'active' and query not like '%pg_stat_activity%'"
    // Until it has begun, or is over; then as often as was said.
    var begun = 0
    for _ in 0..<20 where begun == 0 { begun = Int(try psql(active)[0][0]) ?? 0 }
    for _ in 0..<looks { _ = try psql(active) }
    let status = try server.end(SIGKILL)
    #expect(status == 128 + SIGKILL, "it ended by itself: \(server.log)")
    _ = try client.wait()
    counts.formUnion(sql.hasPrefix("copy") ? counts.map { $0 + 30_000 } : sql.hasPrefix("begin") ? [30_000] : [])
  }

  /// The table has as many rows as it may have, whichever way one counts them.
  private func check() throws {
    let byTable = try psql("set enable_indexscan = off; set enable_bitmapscan = off", "select count(*) from big")
    let byIndex = try psql("set enable_seqscan = off", "select count(*), count(distinct id) from big where id > 0")
    let count = try #require(Int(byTable[0][0]))
    #expect(counts.contains(count) && byIndex == [["\(count)", "\(count)"]], "\(byTable) \(byIndex) \(counts)")
    counts = [count]
  }

  /// Files of the database that no relation has.
  private func orphans() throws -> [String] {
    let known = Set(
      try psql("select pg_relation_filenode(oid) from pg_class where relkind in ('r', 'i', 't', 'S')")
        .map { $0.first ?? "" })
    let base = try psql("select oid from pg_database where datname = 'postgres'")[0][0]
    return try FileManager.default.contentsOfDirectory(atPath: "\(place.path)/data/base/\(base)").filter { name in
      let number = name.prefix { $0.isNumber }
      return !number.isEmpty && !known.contains(String(number))
    }
  }

  /// What the last server has left is recovered and checked.
  /// - Parameter filesMade: how many files of the killed statements may be left.
  func finish(filesMade: Int) throws {
    let server = try started()
    try check()
    let left = try orphans()
    #expect(left.count <= filesMade, "\(left)")
    // They are in nobody's way.
    _ = try psql(
      "insert into big select n, n, 'last' from generate_series(1000001, 1000100) n", "vacuum big", "checkpoint")
    #expect(try server.end(SIGTERM) == 0)
    let checked = try Millrace.run(["check", "-D", place.path + "/data"])
    #expect(checked.status == 0 && checked.output.hasSuffix(": all agrees\n"), "\(checked)")
    #expect(try PostgresVerdict(place.path + "/data").objections.isEmpty)
  }
}
