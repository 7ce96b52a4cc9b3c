public import MillraceStorage

/// The name of a WAL segment's file: timeline, and the segment's number in two parts, each eight hexadecimal digits
/// (PostgreSQL's `XLogFileName`, src/include/access/xlog_internal.h).
public struct WALSegmentName: Sendable, Hashable, CustomStringConvertible {
  public let timeline: UInt32
  /// Counted from the start of the log; the first that holds a record is 1.
  public let number: UInt64
  /// Bytes of a segment: a power of two from 1 MiB to 1 GiB.
  public let segmentSize: UInt64

  public init(timeline: UInt32, number: UInt64, segmentSize: UInt64) {
    (self.timeline, self.number, self.segmentSize) = (timeline, number, segmentSize)
  }

  /// The segment that holds the byte at a position.
  public init(timeline: UInt32, holding position: LogSequenceNumber, segmentSize: UInt64) {
    self.init(timeline: timeline, number: position.rawValue / segmentSize, segmentSize: segmentSize)
  }

  /// Reads a file's name. - Returns: nil where it is not that of a segment.
  public init?(_ name: String, segmentSize: UInt64) {
    let digits = Array(name.utf8)
    guard digits.count == 24, digits.allSatisfy({ (48...57).contains($0) || (65...70).contains($0) }) else {
      return nil
    }
    func part(_ index: Int) -> UInt64 {
      digits[index * 8..<index * 8 + 8].reduce(0) { $0 << 4 | UInt64($1 < 58 ? $1 - 48 : $1 - 55) }
    }
    guard part(2) < Self.segmentsPerID(segmentSize) else { return nil }
    self.init(
      timeline: UInt32(part(0)), number: part(1) * Self.segmentsPerID(segmentSize) + part(2), segmentSize: segmentSize)
  }

  public var description: String {
    let perID = Self.segmentsPerID(segmentSize)
    return Self.hexadecimal(UInt64(timeline)) + Self.hexadecimal(number / perID) + Self.hexadecimal(number % perID)
  }

  /// The position of the segment's first byte.
  public var start: LogSequenceNumber { LogSequenceNumber(number * segmentSize) }

  private static func segmentsPerID(_ segmentSize: UInt64) -> UInt64 { (1 << 32) / segmentSize }

  private static func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(8 - digits.count, 0)) + digits
  }
}
