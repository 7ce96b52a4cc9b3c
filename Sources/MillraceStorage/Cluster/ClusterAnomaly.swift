/// Something about a cluster's files that cannot be right, found without reading a page.
///
/// On a running server a file may be seen in the middle of being extended, truncated or removed.
public enum ClusterAnomaly: Sendable, Hashable {
  /// A file does not end at the end of a page. `block` is the page that is cut off, `presentBytes` what is left of it.
  case partialPage(path: String, block: BlockNumber, presentBytes: Int)
  /// A segment is not full, and yet a later one holds data: PostgreSQL does not see what comes after it.
  case segmentEndsEarly(path: String, blockCount: UInt32, segmentBlocks: UInt32, followedBy: UInt32)
  /// One segment or several in a row are not there, and yet the next one, or a later one, holds data. `path` is that of
  /// the first that is missing.
  case segmentsMissing(path: String, count: UInt32, followedBy: UInt32)
  /// A segment is longer than segments are.
  case segmentTooLong(path: String, length: UInt64, segmentBlocks: UInt32)
  /// A tablespace's directory for this version of PostgreSQL is not there.
  case tablespaceMissing(tablespace: OID, path: String)

  /// The file that it is about, relative to the data directory.
  public var path: String {
    switch self {
    case .partialPage(let path, _, _), .segmentEndsEarly(let path, _, _, _), .segmentsMissing(let path, _, _),
      .segmentTooLong(let path, _, _), .tablespaceMissing(_, let path):
      path
    }
  }
}

extension ClusterAnomaly: CustomStringConvertible {
  public var description: String {
    switch self {
    case .partialPage(_, let block, let presentBytes):
      "partial page: the file ends \(presentBytes) bytes into block \(block)"
    case .segmentEndsEarly(_, let blockCount, let segmentBlocks, let later):
      "segment ends early: it has \(blockCount) of \(segmentBlocks) blocks, but segment \(later) holds data"
    case .segmentsMissing(_, 1, let later):
      "segment is missing, but segment \(later) holds data"
    case .segmentsMissing(_, let count, let later):
      "this and the next \(count - 1) segments are missing, but segment \(later) holds data"
    case .segmentTooLong(_, let length, let segmentBlocks):
      "segment is too long: it has \(length) bytes, which is more than \(segmentBlocks) blocks"
    case .tablespaceMissing(let tablespace, _):
      "the directory of tablespace \(tablespace) is missing"
    }
  }
}
