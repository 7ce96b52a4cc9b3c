/// A transaction's number with the count of wrap-arounds before it: 64 bits that only grow (PostgreSQL's
/// `FullTransactionId`, src/include/access/transam.h).
public struct FullTransactionID: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let rawValue: UInt64

  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// What tuples carry of it.
  @inlinable public var short: TransactionID { TransactionID(UInt32(truncatingIfNeeded: rawValue)) }

  /// The next one, leaving out those with a meaning of their own.
  @inlinable public var next: FullTransactionID {
    let next = FullTransactionID(rawValue &+ 1)
    return next.short.isNormal ? next : FullTransactionID((next.rawValue | 3))
  }

  /// The full number of one that is at most half the circle away from this one.
  @inlinable public func nearest(_ xid: TransactionID) -> FullTransactionID {
    guard xid.isNormal else { return FullTransactionID(UInt64(xid.rawValue)) }
    let distance = Int64(Int32(bitPattern: xid.rawValue &- short.rawValue))
    return FullTransactionID(UInt64(bitPattern: Int64(bitPattern: rawValue) + distance))
  }

  @inlinable public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  public var description: String { String(rawValue) }
}
