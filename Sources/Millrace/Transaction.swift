/// The transaction that a closure runs in: see ``Database/transaction(_:_:)``. To be used by one task at a time, and
/// not beyond the closure.
public struct Transaction: Sendable {
  public enum Isolation: String, Sendable {
    case readCommitted = "read committed"
    case repeatableRead = "repeatable read"
  }

  private let connection: Connection

  init(_ connection: Connection) { self.connection = connection }

  /// Runs a query. Its rows are to be read to their end before the next statement of the transaction.
  public func query(_ sql: String, _ arguments: (any SQLEncodable)?...) async throws -> Rows {
    try await Database.query(sql, arguments.map { $0?.sqlArgument ?? .null }, connection, nil)
  }

  /// Runs a statement.
  /// - Returns: how many rows it has changed or given.
  @discardableResult
  public func execute(_ sql: String, _ arguments: (any SQLEncodable)?...) async throws -> Int {
    try await Database.execute(sql, arguments.map { $0?.sqlArgument ?? .null }, connection)
  }

  /// Calls `body` within a savepoint: what it has done is undone when it throws, and the transaction goes on.
  public func savepoint<Result: Sendable>(
    _ body: @Sendable (Transaction) async throws -> Result
  ) async throws -> Result {
    _ = try await connection.run("savepoint millrace_savepoint")
    do {
      let result = try await body(self)
      _ = try await connection.run("release savepoint millrace_savepoint")
      return result
    } catch {
      _ = try await connection.run("rollback to savepoint millrace_savepoint; release savepoint millrace_savepoint")
      throw error
    }
  }
}
