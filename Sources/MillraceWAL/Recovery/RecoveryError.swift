public import MillraceIO
public import MillraceStorage

/// Why recovery cannot go on: one sentence, in PostgreSQL's words where it has them. What was recovered until then
/// stays in the pool, and recovery can be begun anew.
public struct RecoveryError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: Sendable, Equatable {
    /// A file could not be read or written, or a page of it could not.
    case io
    /// The record of the checkpoint, or of its redo position, is not there.
    case checkpointMissing
    /// A record does not say what it must, or does not fit the page that it changes.
    case corrupted
    /// A record is of a resource manager or a kind that this engine does not know.
    case unsupported
    /// Records refer to pages that are not there, and no later record removes them.
    case invalidPages
  }

  public let code: Code
  public let message: String
  public let hint: String?

  public init(_ code: Code, _ message: String, hint: String? = nil) {
    (self.code, self.message, self.hint) = (code, message, hint)
  }

  public init(_ error: IOError) { self.init(.io, error.description) }

  public init(_ error: StorageError) { self.init(.io, error.description) }

  init(_ problem: WALProblem) { self.init(.corrupted, problem.description) }

  public var description: String { hint.map { "\(message); HINT: \($0)" } ?? message }

  /// The same error, with what was being done.
  func during(_ context: String) -> RecoveryError {
    RecoveryError(code, "\(message); CONTEXT: \(context)", hint: hint)
  }
}
