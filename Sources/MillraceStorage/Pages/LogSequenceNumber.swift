/// A byte position in the write-ahead log: PostgreSQL's `XLogRecPtr`.
public struct LogSequenceNumber: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let rawValue: UInt64

  @inlinable public init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// No position: PostgreSQL's `InvalidXLogRecPtr`. Nothing is ever logged there.
  @inlinable public static var invalid: LogSequenceNumber { LogSequenceNumber(0) }

  @inlinable public static func < (left: LogSequenceNumber, right: LogSequenceNumber) -> Bool {
    left.rawValue < right.rawValue
  }

  /// The high and the low half in hexadecimal, as PostgreSQL prints it: `0/16ED420`.
  public var description: String {
    let high = String(rawValue >> 32, radix: 16, uppercase: true)
    let low = String(rawValue & 0xFFFF_FFFF, radix: 16, uppercase: true)
    return "\(high)/\(low)"
  }
}
