import Glibc

/// Why an I/O or the engine could not do what it was asked to: one sentence that says what, where and, where that
/// helps, what to do. Raised only where the caller asks for a result.
public struct IOError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Equatable {
    /// A system call failed; `errno` says how.
    case systemCall
    /// Fewer bytes could be transferred than asked for, and no more are to be had.
    case shortTransfer
    /// The method cannot run here.
    case methodUnavailable
    /// Direct I/O is not possible on that file.
    case directIOUnavailable
    /// A value is outside its range.
    case invalidConfiguration
    /// All places for backends are taken.
    case tooManyBackends
    /// The task that waited was cancelled; the I/O itself goes on.
    case cancelled
  }

  public let code: Code
  /// The system's error number, or 0.
  public let errno: Int32
  private let message: String

  /// - Parameter message: a sentence without its end; the system's own text is added when `errno` is not 0.
  public init(_ code: Code, errno: Int32 = 0, message: String) {
    (self.code, self.errno, self.message) = (code, errno, message)
  }

  public var description: String { errno == 0 ? message : "\(message): \(Self.text(of: errno))" }

  /// The system's text of an error number.
  public static func text(of number: Int32) -> String {
    guard let text = strerror(number) else { return "error \(number)" }
    return String(cString: text)
  }
}

/// What an I/O was asked to do, kept by its issuer to say what failed; the handle is used again at once.
public struct IORequest: Sendable {
  public let operation: IOOperation
  /// Path as messages shall show it.
  public let path: String
  public let offset: Int64
  public let length: Int
  /// Block size in which messages count, and the number of the block at offset 0 of the file.
  public let blockSize: Int
  public let firstBlock: UInt64

  public init(
    _ operation: IOOperation, path: String, offset: Int64, length: Int, blockSize: Int = 8192, firstBlock: UInt64 = 0
  ) {
    (self.operation, self.path, self.offset, self.length) = (operation, path, offset, length)
    (self.blockSize, self.firstBlock) = (blockSize, firstBlock)
  }

  public init(_ operation: IOOperation, file: IOFile, offset: Int64, length: Int) {
    self.init(
      operation, path: file.path, offset: offset, length: length, blockSize: file.blockSize, firstBlock: file.firstBlock
    )
  }

  /// `blocks 3..4 in file "base/5/1259"`, PostgreSQL's `target_desc`.
  public var target: String {
    guard let (first, last) = blocks else { return "file \"\(path)\"" }
    return first == last ? "block \(first) in file \"\(path)\"" : "blocks \(first)..\(last) in file \"\(path)\""
  }

  /// The range as error messages have it, `blocks 2..2` also for a single one.
  private var range: String {
    blocks.map { "blocks \($0.first)..\($0.last) in file \"\(path)\"" } ?? "file \"\(path)\""
  }

  /// The first and last block touched; nil where the operation has no range, or one that no file can have.
  private var blocks: (first: UInt64, last: UInt64)? {
    guard length > 0, blockSize > 0, offset >= 0 else { return nil }
    let end = UInt64(offset) + UInt64(length) - 1
    return (firstBlock + UInt64(offset) / UInt64(blockSize), firstBlock + end / UInt64(blockSize))
  }

  /// The error of a system call that failed.
  public func failure(errno: Int32) -> IOError {
    IOError(.systemCall, errno: errno, message: "could not \(operation.verb) \(range)")
  }

  /// The error of a transfer that ended early.
  /// - Parameter transferred: bytes, or whole blocks in bytes where only those count.
  public func shortTransfer(transferred: Int) -> IOError {
    let verb = operation == .readv ? "read" : "wrote"
    return IOError(
      .shortTransfer,
      message: "could not \(operation.verb) \(range): \(verb) only \(transferred) of \(length) bytes")
  }

  /// Bytes transferred, or the error that an outcome in bytes stands for.
  public func bytes(_ outcome: IOOutcome) throws(IOError) -> Int {
    switch outcome.status {
    case .ok, .partial, .warning: return Int(outcome.result)
    case .failed: throw failure(errno: Int32(bitPattern: outcome.detail))
    case .unknown: invariantFailure("the result of an unfinished I/O was asked for")
    }
  }
}

/// Ends the process for a bug of this package.
func invariantFailure(_ message: StaticString, file: StaticString = #fileID, line: UInt = #line) -> Never {
  fatalError("invariant broken: \(message)", file: file, line: line)
}
