#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
import MillraceEngine
import MillraceIO
import MillraceSQL
import MillraceSettings

/// A PostgreSQL-compatible database inside of this process.
///
/// ```swift
/// let database = try await Database.open(at: "data")
/// try await database.execute("create table if not exists person (id int primary key, name text)")
/// try await database.execute("insert into person values ($1, $2)", 1, "Ada")
/// for try await row in try await database.query("select name from person where id = $1", 1) {
///   print(try row["name", as: String.self])
/// }
/// try await database.close()
/// ```
///
/// What a statement does is done on threads of the database's own, one for each connection, so no task of the program
/// is held up by a page that is read or a lock that is waited for. Every statement outside of ``transaction(_:_:)`` is
/// a transaction of its own, durable when the call returns. The directory is a cluster in PostgreSQL's formats, which
/// one process at a time may have open.
public final class Database: Sendable {
  /// The directory of the cluster.
  public let path: String
  private let engine: MillraceEngine.Database
  private let instance: SQLInstance
  private let pool: ConnectionPool
  /// Where a temporary database is.
  private let directory: OwnedDirectory?

  private init(
    _ engine: MillraceEngine.Database, _ path: String, _ options: DatabaseOptions, _ directory: OwnedDirectory?
  ) {
    (self.engine, self.path, self.directory) = (engine, path, directory)
    instance = SQLInstance(engine)
    pool = ConnectionPool(instance, options)
  }

  // MARK: Opening and closing

  /// Opens a cluster, and recovers it where it was not closed in order.
  /// - Parameter path: its directory.
  /// - Throws: ``DatabaseError``: the directory is no cluster, is in use, or a setting makes no sense.
  public static func open(
    at path: String, _ options: DatabaseOptions = DatabaseOptions()
  ) async throws -> Database {
    try await withOpener { opener in try await opener.open(path, options) }
  }

  /// A new database in a directory of its own, which is removed when it is closed: for tests. What a process that was
  /// killed has left of one, the next call in any process removes.
  public static func temporary(_ options: DatabaseOptions = DatabaseOptions()) async throws -> Database {
    try await withOpener { opener in try await opener.openTemporary(options) }
  }

  private static func withOpener(_ body: (Opener) async throws -> Database) async throws -> Database {
    let thread: DatabaseThread
    do { thread = try DatabaseThread.start("opening") } catch { throw DatabaseError(error) }
    defer { thread.end() }
    return try await body(Opener(thread))
  }

  /// Opening reads and writes files: not on one of Swift's threads.
  private actor Opener {
    private nonisolated let thread: DatabaseThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ thread: DatabaseThread) { self.thread = thread }

    func openTemporary(_ options: DatabaseOptions) throws -> Database {
      var parent = FileManager.default.temporaryDirectory.path
      if parent.count > 1, parent.hasSuffix("/") { parent.removeLast() }
      let directory: OwnedDirectory
      do throws(IOError) {
        directory = try OwnedDirectory(in: parent, name: "millrace-\(UUID().uuidString)")
      } catch {
        throw DatabaseError(error)
      }
      do { return try open(directory.path, options, in: directory) } catch {
        directory.remove()
        throw error
      }
    }

    func open(_ path: String, _ options: DatabaseOptions, in directory: OwnedDirectory? = nil) throws -> Database {
      do throws(EngineError) {
        if options.createsIfMissing && Self.isMissing(path) { try Self.initialise(path) }
        var configuration = DatabaseConfiguration(path: path)
        configuration.assignments = options.settings.sorted { $0.key < $1.key }.map {
          SettingAssignment(name: $0.key, value: $0.value)
        }
        configuration.sessionsMax = options.connectionsMax + 1
        configuration.onNotice = options.onNotice
        return Database(try MillraceEngine.Database.open(configuration), path, options, directory)
      } catch {
        throw DatabaseError(SQLError(error))
      }
    }

    func close(_ engine: MillraceEngine.Database, _ directory: OwnedDirectory?) throws {
      do { try engine.close() } catch { throw DatabaseError(SQLError(error)) }
      directory?.remove()
    }

    /// Whether there is nothing there that could be a cluster.
    private static func isMissing(_ path: String) -> Bool {
      guard FileManager.default.fileExists(atPath: path) else { return true }
      return (try? FileManager.default.contentsOfDirectory(atPath: path).isEmpty) ?? false
    }

    private static func initialise(_ path: String) throws(EngineError) {
      let options = ClusterInitializer.Options(
        microseconds: DatabaseConfiguration.systemMicroseconds(), processID: getpid())
      try ClusterInitializer(LocalFileSystem(), path: path, options).run()
    }
  }

  /// Ends all connections, writes a checkpoint, and closes the cluster; opening it again then needs no recovery. A
  /// temporary database's directory is removed.
  public func close() async throws {
    await pool.close()
    let thread: DatabaseThread
    do { thread = try DatabaseThread.start("closing") } catch { throw DatabaseError(error) }
    defer { thread.end() }
    try await Opener(thread).close(engine, directory)
  }

  // MARK: Statements

  /// Runs a query; its rows come as they are read.
  /// - Parameter arguments: the values of `$1`, `$2`, …
  /// - Throws: ``DatabaseError``; reading the rows may throw too.
  public func query(_ sql: String, _ arguments: (any SQLEncodable)?...) async throws -> Rows {
    let connection = try await pool.take()
    return try await Self.query(sql, arguments.map { $0?.sqlArgument ?? .null }, connection, pool)
  }

  /// Runs a statement, or, without arguments, several that are separated by semicolons, which then are one transaction.
  /// - Returns: how many rows the last one has changed or given.
  @discardableResult
  public func execute(_ sql: String, _ arguments: (any SQLEncodable)?...) async throws -> Int {
    let values = arguments.map { $0?.sqlArgument ?? .null }
    return try await withConnection { connection in try await Self.execute(sql, values, connection) }
  }

  /// Calls `body` within a transaction: committed when it returns, rolled back when it throws.
  ///
  /// ```swift
  /// try await database.transaction { transaction in
  ///   try await transaction.execute("update account set balance = balance - $1 where id = $2", 100, 1)
  ///   try await transaction.execute("update account set balance = balance + $1 where id = $2", 100, 2)
  /// }
  /// ```
  /// - Throws: what `body` throws, or ``DatabaseError``. Whether to try again, ``DatabaseError/isRetryable`` says.
  public func transaction<Result: Sendable>(
    _ isolation: Transaction.Isolation = .readCommitted,
    _ body: @Sendable (Transaction) async throws -> Result
  ) async throws -> Result {
    try await withConnection { connection in
      _ = try await connection.run("begin isolation level \(isolation.rawValue)")
      do {
        let result = try await body(Transaction(connection))
        _ = try await connection.run("commit")
        return result
      } catch {
        _ = try? await connection.run("rollback")
        throw error
      }
    }
  }

  /// Makes all that is committed independent of the log: writes what is dirty.
  public func checkpoint() async throws { try await execute("checkpoint") }

  private func withConnection<Result: Sendable>(
    _ body: (Connection) async throws -> Result
  ) async throws -> Result {
    let connection = try await pool.take()
    do {
      let result = try await body(connection)
      await pool.give(connection)
      return result
    } catch {
      await pool.give(connection)
      throw error
    }
  }

  static func execute(_ sql: String, _ arguments: [SQLArgument], _ connection: Connection) async throws -> Int {
    try await withTaskCancellationHandler {
      try await connection.execute(sql, arguments)
    } onCancel: {
      connection.cancel()
    }
  }

  static func query(
    _ sql: String, _ arguments: [SQLArgument], _ connection: Connection, _ pool: ConnectionPool?
  ) async throws -> Rows {
    do {
      let (number, columns) = try await connection.beginQuery(sql, arguments)
      return Rows(cursor: Cursor(connection, pool, number: number, columns: columns))
    } catch {
      await pool?.give(connection)
      throw error
    }
  }
}
