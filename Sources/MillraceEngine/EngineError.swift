public import MillraceIO
public import MillraceStorage

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
    /// Reading or writing failed; the database goes on.
    case io
    /// The database has stopped, because it could not make something durable. Open it again to recover.
    case stopped
    /// A setting makes no sense.
    case invalidSetting
    /// Somebody asked for the work to end.
    case cancelled
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

  public init(_ error: IOError) {
    switch error.code {
    case .cancelled: self.init(.cancelled, error.description)
    case .invalidConfiguration: self.init(.invalidSetting, error.description)
    default: self.init(.io, error.description)
    }
  }

  public init(_ error: StorageError) { self.init(.io, error.description) }

  public var description: String { message }
}
