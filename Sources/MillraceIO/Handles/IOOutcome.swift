/// What became of an I/O, in eight bytes that any thread can write without allocating. Whoever asks for it turns it
/// into an error where one is due; the thread that happened to reap never does (PostgreSQL's `PgAioResult`).
///
///     bits  0–31  result: a number of units in the producer's terms (bytes, then blocks)
///     bits 32–34  status
///     bits 35–39  the completion that decided (``IOCompletionID``); 0 is the engine itself
///     bits 40–63  detail, in that completion's own terms; an errno where the engine decided
public struct IOOutcome: Sendable, Equatable {
  /// How an I/O ended.
  public enum Status: UInt8, Sendable, CustomStringConvertible {
    /// Not finished. Zero, so that a fresh slot says so.
    case unknown = 0
    case ok = 1
    /// Fewer units than asked for, and no error.
    case partial = 2
    /// Done, with something that the caller must report.
    case warning = 3
    case failed = 4

    /// The text of the `result` column of `pg_aios`.
    public var description: String {
      switch self {
      case .unknown: "UNKNOWN"
      case .ok: "OK"
      case .partial: "PARTIAL"
      case .warning: "WARNING"
      case .failed: "ERROR"
      }
    }
  }

  public var rawValue: UInt64

  /// The outcome of an I/O that has not ended.
  public static let unknown = IOOutcome(rawValue: 0)

  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// - Parameter detail: at most 24 bits.
  @inlinable public init(
    _ status: Status, result: Int32, decidedBy completion: IOCompletionID = .engine, detail: UInt32 = 0
  ) {
    rawValue =
      UInt64(UInt32(bitPattern: result)) | UInt64(status.rawValue) << 32 | UInt64(completion.rawValue) << 35
      | UInt64(detail & 0xFF_FFFF) << 40
  }

  @inlinable public var result: Int32 { Int32(bitPattern: UInt32(truncatingIfNeeded: rawValue)) }

  @inlinable public var status: Status { Status(rawValue: UInt8(truncatingIfNeeded: rawValue >> 32 & 0x7)) ?? .failed }

  @inlinable public var decidedBy: IOCompletionID {
    IOCompletionID(rawValue: UInt8(truncatingIfNeeded: rawValue >> 35 & 0x1F))
  }

  @inlinable public var detail: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 40) }
}
