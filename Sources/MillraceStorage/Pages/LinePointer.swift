/// An entry of a page's line pointer array: PostgreSQL's `ItemIdData` (src/include/storage/itemid.h).
///
/// Thirty-two bits: 15 for the item's offset, 2 for the state, 15 for the item's length.
public struct LinePointer: Sendable, Hashable {
  public enum State: UInt8, Sendable {
    /// Free to be used: `LP_UNUSED`.
    case unused = 0
    /// Points to an item on this page: `LP_NORMAL`.
    case normal = 1
    /// Points to another line pointer of this page, whose number stands in place of the offset: `LP_REDIRECT`.
    case redirect = 2
    /// The item is gone, or, in an index, known to be dead: `LP_DEAD`.
    case dead = 3
  }

  public let rawValue: UInt32

  @inlinable public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// - Precondition: `offset` and `length` fit into 15 bits each.
  @inlinable public init(offset: Int, state: State, length: Int) {
    precondition((0...0x7FFF).contains(offset) && (0...0x7FFF).contains(length), "line pointer out of range")
    rawValue = UInt32(offset) | UInt32(state.rawValue) << 15 | UInt32(length) << 17
  }

  /// The item's byte offset from the start of the page; for a redirect, the number of a line pointer.
  @inlinable public var offset: Int { Int(rawValue & 0x7FFF) }

  @inlinable public var state: State {
    switch rawValue >> 15 & 3 {
    case 0: .unused
    case 1: .normal
    case 2: .redirect
    default: .dead
    }
  }

  /// The item's length in bytes. Zero if there is no item.
  @inlinable public var length: Int { Int(rawValue >> 17) }
}
