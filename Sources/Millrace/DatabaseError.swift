import MillraceIO
import MillraceSQL

/// Why a statement, or the database, did not do what it was asked to: PostgreSQL's words and code for it.
public struct DatabaseError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Five characters (PostgreSQL's errcodes.txt): `23505` for a key that is there already, `40001` for a transaction
  /// that may succeed if it is tried again.
  public let sqlState: String
  public let message: String
  public var detail: String?
  public var hint: String?
  /// Where in the statement, in characters, from 1.
  public var position: Int?
  public var constraint: String?

  init(sqlState: String, _ message: String) { (self.sqlState, self.message) = (sqlState, message) }

  /// - Parameter sql: the statement, where the error may say a place in it.
  init(_ error: SQLError, _ sql: String? = nil) {
    (sqlState, message, detail, hint) = (error.sqlState, error.message, error.detail, error.hint)
    position = sql.flatMap { error.position(in: $0) } ?? error.position
    constraint = error.constraint
  }

  init(_ error: IOError) { self.init(sqlState: "58030", error.description) }

  /// Whether the same transaction may succeed if it is tried again: a serialization failure or a deadlock.
  public var isRetryable: Bool { sqlState == "40001" || sqlState == "40P01" }

  public var description: String {
    [message, detail.map { "DETAIL:  \($0)" }, hint.map { "HINT:  \($0)" }].compactMap { $0 }.joined(separator: "\n")
  }
}
