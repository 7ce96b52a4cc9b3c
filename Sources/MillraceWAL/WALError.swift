import MillraceIO

/// Why the log could not do what it was asked to: one sentence, in PostgreSQL's words where it has them.
public struct WALError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Equatable {
    /// WAL could not be written or made durable. The log has stopped: nothing is acknowledged any more, and the engine
    /// must end and recover (PostgreSQL's PANIC).
    case stopped
    /// A segment or a file beside them could not be made, opened, renamed or removed.
    case segment
    /// A value is outside its range, or does not go with another.
    case invalidConfiguration
    /// A position beyond the end of the log was waited for.
    case positionBeyondEnd
    /// The task that waited was cancelled; the log goes on.
    case cancelled
  }

  public let code: Code
  public let message: String

  public var description: String { message }

  init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

  /// A file operation that failed.
  init(_ error: IOError) { self.init(.segment, error.description) }
}

/// Why the log has stopped, in one word that a completion can store: which operation on which segment, and the errno.
struct WALFailure: Equatable {
  enum Operation: UInt64 {
    case write = 0
    case flush = 1
    case segment = 2
  }

  /// Bit 63: there is one; bits 61–62: the operation; bits 45–60: errno; the rest: the segment's number.
  let rawValue: UInt64

  static let none = WALFailure(rawValue: 0)
  private static let segmentBits: UInt64 = 45

  init(rawValue: UInt64) { self.rawValue = rawValue }

  init(_ operation: Operation, errno: Int32, segment: UInt64) {
    rawValue =
      1 << 63 | operation.rawValue << 61 | UInt64(UInt16(truncatingIfNeeded: errno)) << Self.segmentBits
      | segment & (1 << Self.segmentBits - 1)
  }

  var isNone: Bool { rawValue == 0 }
  var operation: Operation { Operation(rawValue: rawValue >> 61 & 3) ?? .write }
  var errno: Int32 { Int32(rawValue >> Self.segmentBits & 0xFFFF) }
  var segment: UInt64 { rawValue & (1 << Self.segmentBits - 1) }

  /// The error for whoever asks.
  func error(timeline: UInt32, segmentSize: UInt64) -> WALError {
    let name = WALSegmentName(timeline: timeline, number: segment, segmentSize: segmentSize).description
    let verb =
      switch operation {
      case .write: "write to"
      case .flush: "fsync"
      case .segment: "make or open"
      }
    return WALError(
      .stopped,
      "could not \(verb) log file \"\(name)\": \(IOError.text(of: errno)); the log has stopped, and the engine must be "
        + "started again to recover")
  }
}
