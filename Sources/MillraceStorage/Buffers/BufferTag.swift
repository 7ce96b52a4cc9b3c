/// Which page a buffer holds: a fork's identity and a block, in one word, so that it is read and compared at once.
struct BufferTag: Hashable {
  let rawValue: UInt64

  /// No page. Fork identities start at 1.
  static let none = BufferTag(rawValue: 0)

  @inline(__always) init(rawValue: UInt64) { self.rawValue = rawValue }

  @inline(__always) init(_ fork: ForkID, _ block: UInt32) {
    rawValue = UInt64(fork.rawValue) << 32 | UInt64(block)
  }

  @inline(__always) var block: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
  @inline(__always) var fork: ForkID { ForkID(rawValue: UInt32(truncatingIfNeeded: rawValue >> 32)) }

  /// Spreads neighbours over the table (the finalizer of MurmurHash3, Appleby 2011).
  @inline(__always) var hash: UInt64 {
    var hash = rawValue
    hash ^= hash >> 33
    hash &*= 0xFF51_AFD7_ED55_8CCD
    hash ^= hash >> 33
    hash &*= 0xC4CE_B9FE_1A85_EC53
    hash ^= hash >> 33
    return hash
  }
}

/// The number of a buffer in its pool.
public typealias BufferID = UInt32

extension BufferID {
  /// No buffer.
  static var noBuffer: BufferID { .max }
}
