public import MillraceStorage

/// Where a tuple stands: block, and line pointer counted from 1 (PostgreSQL's `ItemPointerData`,
/// src/include/storage/itemptr.h).
public struct TupleIdentifier: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let block: BlockNumber
  public let number: UInt16

  @inlinable public init(_ block: BlockNumber, _ number: Int) {
    (self.block, self.number) = (block, UInt16(number))
  }

  /// Bytes in a tuple or record. Aligned to two.
  @inlinable public static var size: Int { 6 }

  /// - Parameter bytes: at least `size` readable bytes.
  @inlinable public init(_ bytes: UnsafeRawPointer) {
    // The block is two halves, the high one first.
    let high = UInt32(bytes.loadUnaligned(as: UInt16.self))
    let low = UInt32(bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    block = BlockNumber(high << 16 | low)
    number = bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
  }

  /// - Parameter bytes: at least `size` writable bytes.
  @inlinable public func store(to bytes: UnsafeMutableRawPointer) {
    bytes.storeBytes(of: UInt16(truncatingIfNeeded: block.rawValue >> 16), as: UInt16.self)
    bytes.storeBytes(of: UInt16(truncatingIfNeeded: block.rawValue), toByteOffset: 2, as: UInt16.self)
    bytes.storeBytes(of: number, toByteOffset: 4, as: UInt16.self)
  }

  @inlinable public static func < (left: Self, right: Self) -> Bool {
    (left.block.rawValue, left.number) < (right.block.rawValue, right.number)
  }

  /// As PostgreSQL prints a `ctid`.
  public var description: String { "(\(block),\(number))" }
}
