#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
public import MillraceIO
public import MillraceStorage
public import MillraceTypes

/// Why the engine could not do what it was asked to: one sentence, and what a program can decide by.
public struct EngineError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Hashable {
    /// A row does not fit into a page.
    case rowTooBig
    /// The relation, or the tuple, is not there (any more).
    case undefined
    /// Another transaction changed the row first, or holds it.
    case conflict
    /// A key of a unique index is there already.
    case duplicateKey
    /// The session's transaction is in a state in which that cannot be done.
    case invalidTransactionState
    /// No transaction ids are left.
    case exhausted
    /// The directory is not one of a cluster, in use, or not to be used by this version.
    case cluster
    /// A log record or a page does not say what it must.
    case corrupted
    /// The same of an index, which can be made anew.
    case indexCorrupted
    /// Reading or writing failed; the database goes on.
    case io
    /// The database has stopped, because it could not make something durable. Open it again to recover.
    case stopped
    /// A setting makes no sense.
    case invalidSetting
    /// Somebody asked for the work to end, or its time ran out.
    case cancelled
    /// A statement asks for what cannot be: ``EngineError/sqlState`` says what.
    case statement
    /// The session was told to end.
    case adminShutdown
    /// Sessions wait for each other.
    case deadlock
    /// Another transaction has the lock, and waiting was not wanted or took too long.
    case lockNotAvailable
    /// What a transaction has seen does not allow what it wants to do now.
    case serializationFailure
    /// The transaction only reads.
    case readOnlyTransaction
    /// There is no savepoint of that name.
    case invalidSavepoint
  }

  public let code: Code
  /// Whether something on disk is not what it must be.
  public var isCorruption: Bool { code == .corrupted || code == .indexCorrupted }
  public let message: String
  /// By which a client knows what kind of error it is.
  public var sqlState: String { statementState?.description ?? code.sqlState }
  /// What a statement asked for says more exactly than the code does.
  private var statementState: SQLState?
  /// More than the message says, and what could be done: sentences, as PostgreSQL has them.
  public var detail: String?
  public var hint: String?
  /// Whether it is about a page whose relation is still to be named.
  var lacksRelation = false

  public init(_ code: Code, _ message: String, detail: String? = nil, hint: String? = nil) {
    (self.code, self.message) = (code, message)
    (self.detail, self.hint) = (detail, hint)
  }

  /// What a statement cannot have, in PostgreSQL's words.
  public init(_ sqlState: SQLState, _ message: String, detail: String? = nil, hint: String? = nil) {
    (code, self.message) = (.statement, message)
    (statementState, self.detail, self.hint) = (sqlState, detail, hint)
  }

  /// A value that a type refuses.
  public init(_ error: TypeError) {
    self.init(error.sqlState, error.message, detail: error.detail, hint: error.hint)
  }

  public init(_ error: IOError) {
    switch error.code {
    case .cancelled: self.init(.cancelled, error.description)
    case .invalidConfiguration: self.init(.invalidSetting, error.description)
    default:
      self.init(.io, error.description)
      noteCause(error)
    }
  }

  /// Says more exactly what a failed call of the system means for the statement (`errcode_for_file_access`).
  private mutating func noteCause(_ error: IOError) {
    if error.errno == ENOSPC || error.errno == EDQUOT { statementState = SQLState("53100") }
  }

  public init(_ error: StorageError) {
    switch error.code {
    case .invalidPage: self.init(.corrupted, error.message, detail: error.detail, hint: error.hint)
    case .noUnpinnedBuffers: self.init(.exhausted, error.message, detail: error.detail, hint: error.hint)
    case .io(let cause):
      self.init(.io, error.message, detail: error.detail, hint: error.hint)
      noteCause(cause)
    case .syncFailed, .writeAheadLog: self.init(.io, error.description)
    }
  }

  public var description: String { message }
}
