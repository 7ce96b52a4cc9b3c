import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceTestSupport
import MillraceTypes
import Testing

@testable import MillraceSQL

/// A new cluster and a session that runs SQL in it, whose answers have the form of a server's.
final class SQLRig {
  let temporary: TemporaryDirectory
  let database: Database
  let sql: SQLSession

  /// Seconds that a session waits for a lock, unless its test says something else: no test needs that long, and one
  /// that locks itself out would wait for ever.
  private static let lockTimeout = 30

  convenience init() throws {
    let temporary = try TemporaryDirectory()
    try Self.initialize(temporary.path + "/data")
    try self.init(opening: temporary.path + "/data", temporary)
  }

  /// Makes a cluster.
  static func initialize(_ path: String, checksums: Bool = true) throws {
    var options = ClusterInitializer.Options(microseconds: 1_790_000_000_000_000, processID: 1)
    options.walSegmentSize = 1 << 20
    options.checksums = checksums
    try ClusterInitializer(LocalFileSystem(), path: path, options).run()
  }

  /// Opens a cluster that is there.
  /// - Parameters:
  ///   - temporary: kept as long as the rig.
  ///   - settings: besides, as `name=value`.
  init(opening path: String, _ temporary: TemporaryDirectory, _ settings: [String] = []) throws {
    self.temporary = temporary
    var configuration = DatabaseConfiguration(path: path)
    configuration.assignments = try
      ([
        "shared_buffers=16MB", "max_wal_size=64MB", "min_wal_size=2MB", "huge_pages=off", "io_method=sync",
        "lock_timeout=\(Self.lockTimeout)s",
      ] + settings).map { try SettingAssignment($0) }
    database = try Database.open(configuration)
    let session = try database.makeSession("test")
    try session.connect(to: "postgres")
    sql = try SQLSession(session, SQLInstance(database), SessionIdentity(user: "postgres"))
  }

  func close() throws {
    sql.close()
    try database.close()
  }

  func execute(_ text: String) -> ServerSession.Answer { Self.execute(text, sql) }

  /// Runs a statement in any session.
  static func execute(_ text: String, _ sql: SQLSession) -> ServerSession.Answer {
    let client = Collector(sql.typeSettings)
    let start = ContinuousClock.now
    do throws(SQLError) {
      try sql.run(text, client)
      return client.answer
    } catch {
      sql.abort()
      if error.sqlState == "55P03", ContinuousClock.now - start >= .seconds(lockTimeout) {
        Issue.record("waited \(lockTimeout) s for a lock that nobody gave back: \(text)")
      }
      var fields: [Character: String] = ["C": error.sqlState, "M": error.message]
      fields["D"] = error.detail
      fields["H"] = error.hint
      fields["W"] = error.context
      fields["P"] = error.position(in: text).map(String.init)
      var answer = client.answer
      answer.failure = fields
      return answer
    }
  }

  /// Makes texts of all that comes.
  private final class Collector: SQLClient {
    var answer = ServerSession.Answer()
    private var types: [TypeDescriptor?] = []
    private let settings: TypeSettings

    init(_ settings: TypeSettings) { self.settings = settings }

    func beginRows(_ columns: [ResultColumn]) throws(SQLError) {
      (answer.columns, answer.rows) = (columns.map(\.name), [])
      types = columns.map { TypeDescriptor.builtIn[$0.type.id] }
    }

    func rows(_ batch: RowBatch, _ range: Range<Int>) throws(SQLError) {
      for index in range {
        let row = Int(batch.selection[index])
        answer.rows.append(
          types.enumerated().map { column, type in
            batch.columnNulls(column)[row]
              ? nil
              : type?.text(of: batch.column(column)[row], settings)
                ?? batch.column(column)[row].bytes.string
          })
      }
    }

    func complete(_ tag: String) throws(SQLError) { answer.tag = tag }
    func completeEmpty() throws(SQLError) {}
    func notice(_: NoticeSeverity, _: SQLError) {}
    func settingHasChanged(_: String, _: String) {}
    func beginCopyOut(isBinary _: Bool, columns _: Int) throws(SQLError) {}
    func copyData(_: UnsafeRawBufferPointer) throws(SQLError) {}
    func endCopyOut() throws(SQLError) {}
    func beginCopyIn(isBinary _: Bool, columns _: Int) throws(SQLError) {}
    func nextCopyData() throws(SQLError) -> ByteView? { nil }
  }
}
