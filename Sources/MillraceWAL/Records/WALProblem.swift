import MillraceStorage

/// What is wrong with bytes that should be a WAL record or page, in the words of PostgreSQL's xlogreader.c. At the end
/// of the log that is the rule and no error: something has to be wrong with what follows the last record.
public struct WALProblem: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Kind: Sendable, Hashable, CaseIterable {
    /// There is no such segment.
    case segmentMissing
    /// The segment's file is too short.
    case segmentShort
    /// A page's header does not make sense, or is that of another place: recycled segments hold old pages.
    case pageHeader
    /// The log is another cluster's.
    case otherSystem
    /// A position at which no record can start.
    case position
    case recordLength
    case resourceManager
    /// The record does not follow the one before it.
    case previousLink
    /// A record's rest is not where it should be.
    case continuation
    case checksum
    /// The headers of a record's blocks and data do not add up.
    case blockHeaders
    /// An image cannot be turned into a page.
    case image
  }

  public let kind: Kind
  public let description: String

  init(_ kind: Kind, _ description: String) { (self.kind, self.description) = (kind, description) }

  static func length(_ length: UInt32, at position: LogSequenceNumber) -> WALProblem {
    WALProblem(
      .recordLength,
      length < UInt32(WALLayout.recordHeaderSize)
        ? "invalid record length at \(position): expected at least \(WALLayout.recordHeaderSize), got \(length)"
        : "invalid record length at \(position): expected at most \(WALLayout.recordSizeMax), got \(length)")
  }

  static func invalidLength(at position: LogSequenceNumber) -> WALProblem {
    WALProblem(.blockHeaders, "record with invalid length at \(position)")
  }
}
