/// Where a handle stands between two uses. States only advance, then fall back to idle; names and order are
/// PostgreSQL's (src/include/storage/aio_internal.h).
///
///     IDLE → HANDED_OUT → DEFINED → STAGED → SUBMITTED → COMPLETED_IO → COMPLETED_SHARED → COMPLETED_LOCAL → IDLE
public enum IOHandleState: UInt8, Sendable, CaseIterable, CustomStringConvertible {
  /// Free, on its owner's idle list.
  case idle = 0
  /// Acquired; its owner is describing what shall be done.
  case handedOut = 1
  /// The operation is known; stage callbacks run.
  case defined = 2
  /// Ready to execute, waiting for its batch to be submitted.
  case staged = 3
  /// Given to the method, or being executed in place.
  case submitted = 4
  /// The raw result is stored; completion callbacks run.
  case completedIO = 5
  /// The result is visible to everybody. Waiters wait for this.
  case completedShared = 6
  /// The owner's own callbacks have run; about to be idle.
  case completedLocal = 7

  /// The text of the `state` column of `pg_aios`.
  public var description: String {
    switch self {
    case .idle: "IDLE"
    case .handedOut: "HANDED_OUT"
    case .defined: "DEFINED"
    case .staged: "STAGED"
    case .submitted: "SUBMITTED"
    case .completedIO: "COMPLETED_IO"
    case .completedShared: "COMPLETED_SHARED"
    case .completedLocal: "COMPLETED_LOCAL"
    }
  }
}

/// A handle's one atomic word: generation and state in one, so that nobody can see one without the other.
///
///     bits 0–2  state
///     bit  3    bound: the owner's thread alone submits and reaps it (an exclusive backend)
///     bit  4    somebody sleeps on the word
///     bit  5    tasks await the I/O
///     bit  6    the sleeper shall look again: it may have to reap (``MethodUring``)
///     bit  7    executed in place by its issuer: the method does not know it and must not be asked
///     bits 8–63 generation, never 0
///
/// Sleepers use its low half as a futex.
struct HandleWord: Equatable {
  var rawValue: UInt64

  static let bound: UInt64 = 1 << 3
  static let sleepers: UInt64 = 1 << 4
  static let awaiters: UInt64 = 1 << 5
  static let lookAgain: UInt64 = 1 << 6
  static let inPlace: UInt64 = 1 << 7
  private static let generationShift: UInt64 = 8

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }

  @inline(__always) init(generation: UInt64, state: IOHandleState, flags: UInt64 = 0) {
    rawValue = generation << Self.generationShift | flags | UInt64(state.rawValue)
  }

  @inline(__always) var state: IOHandleState {
    // All eight values of three bits are states.
    IOHandleState(rawValue: UInt8(truncatingIfNeeded: rawValue & 0x7)).unsafelyUnwrapped
  }

  @inline(__always) var generation: UInt64 { rawValue >> Self.generationShift }

  @inline(__always) func has(_ flag: UInt64) -> Bool { rawValue & flag != 0 }

  /// The same word one or more states later, flags kept.
  @inline(__always) func advanced(to state: IOHandleState) -> HandleWord {
    HandleWord(rawValue: rawValue & ~0x7 | UInt64(state.rawValue))
  }
}
