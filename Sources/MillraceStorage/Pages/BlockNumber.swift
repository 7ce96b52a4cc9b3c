/// The number of a page within one fork of a relation, counted from zero across its segments.
///
/// PostgreSQL's `BlockNumber` (src/include/storage/block.h): 32 bits, of which the last value means "none".
public struct BlockNumber: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let rawValue: UInt32

  @inlinable public init(_ rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// No block: PostgreSQL's `InvalidBlockNumber`.
  @inlinable public static var invalid: BlockNumber { BlockNumber(UInt32.max) }

  /// The last number that a block can have: PostgreSQL's `MaxBlockNumber`.
  @inlinable public static var max: BlockNumber { BlockNumber(UInt32.max - 1) }

  @inlinable public var isValid: Bool { self != .invalid }

  /// The block that many blocks further on.
  ///
  /// - Precondition: The result is a valid block number.
  @inlinable public func advanced(by count: UInt32) -> BlockNumber {
    let (sum, overflow) = rawValue.addingReportingOverflow(count)
    precondition(!overflow && sum != UInt32.max, "block number out of range")
    return BlockNumber(sum)
  }

  @inlinable public static func < (left: BlockNumber, right: BlockNumber) -> Bool {
    left.rawValue < right.rawValue
  }

  public var description: String { isValid ? String(rawValue) : "invalid" }
}
