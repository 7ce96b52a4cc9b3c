/// A transaction's number as tuples carry it: 32 bits that wrap around (PostgreSQL's `TransactionId`,
/// src/include/access/transam.h).
public struct TransactionID: Sendable, Hashable, CustomStringConvertible {
  public let rawValue: UInt32

  @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// No transaction.
  @inlinable public static var invalid: TransactionID { TransactionID(0) }
  /// Of what exists since the cluster was made: always committed, older than all others.
  @inlinable public static var bootstrap: TransactionID { TransactionID(1) }
  /// Of what is so old that everybody sees it.
  @inlinable public static var frozen: TransactionID { TransactionID(2) }
  /// The first that a transaction can get, also after each wrap-around.
  @inlinable public static var firstNormal: TransactionID { TransactionID(3) }

  @inlinable public var isValid: Bool { self != .invalid }
  @inlinable public var isNormal: Bool { rawValue >= Self.firstNormal.rawValue }

  /// Whether it comes before another: between normal ones by the shorter way around the circle, while special ones come
  /// before all normal ones (`TransactionIdPrecedes`).
  @inlinable public func precedes(_ other: TransactionID) -> Bool {
    guard isNormal, other.isNormal else { return rawValue < other.rawValue }
    return Int32(bitPattern: rawValue &- other.rawValue) < 0
  }

  /// The next one, leaving out those with a meaning of their own.
  @inlinable public var next: TransactionID {
    let next = TransactionID(rawValue &+ 1)
    return next.isNormal ? next : .firstNormal
  }

  /// The one before, leaving out the same (`TransactionIdRetreat`).
  @inlinable public var previous: TransactionID {
    let previous = TransactionID(rawValue &- 1)
    return previous.isNormal ? previous : TransactionID(.max)
  }

  public var description: String { String(rawValue) }
}
