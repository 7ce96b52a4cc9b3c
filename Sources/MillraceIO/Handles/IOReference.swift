/// Names one I/O for as long as anyone cares: a handle's index and the generation of its use. A plain value: any thread
/// may keep it, copy it, ask and wait with it, any number of times, also long after the handle has been used again.
///
/// PostgreSQL's `PgAioWaitRef`, in one word so that a buffer header holds it atomically: 20 bits of index, 44 of
/// generation. A generation comes round after 2⁴⁴ uses of one handle, half a year at a million I/Os a second on that
/// handle alone.
public struct IOReference: Hashable, Sendable {
  public let rawValue: UInt64

  static let indexBits: UInt64 = 20
  static let handlesMax = 1 << Int(indexBits)
  private static let generationMask: UInt64 = (1 << 44) - 1

  /// Names no I/O. Zero, so that zeroed memory names nothing.
  public static let none = IOReference(rawValue: 0)

  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  @inline(__always) init(index: UInt32, generation: UInt64) {
    rawValue = (generation & Self.generationMask) << Self.indexBits | UInt64(index)
  }

  @inlinable public var isNone: Bool { rawValue == 0 }

  /// The number of the handle: `io_id` in `pg_aios`.
  @inline(__always) var index: UInt32 { UInt32(truncatingIfNeeded: rawValue & ((1 << Self.indexBits) - 1)) }

  /// Whether `word` still belongs to the I/O that this names.
  @inline(__always) func matches(_ word: HandleWord) -> Bool {
    word.generation & Self.generationMask == rawValue >> Self.indexBits
  }
}
