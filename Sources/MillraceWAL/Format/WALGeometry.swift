public import MillraceStorage

/// Where bytes of records are in the log, which has a header on every page.
///
/// *Usable bytes* are counted without headers. Space for a record is reserved in them, by one addition, and turned into
/// positions afterwards (PostgreSQL's `XLogBytePosToRecPtr` and its fellows, src/backend/access/transam/xlog.c).
public struct WALGeometry: Sendable, Hashable {
  /// Bytes of a segment.
  public let segmentSize: UInt64
  /// Bytes of a segment that are not header.
  public let usableBytesInSegment: UInt64

  @inlinable static var pageSize: UInt64 { UInt64(WALLayout.pageSize) }
  /// Bytes of a page, other than a segment's first, that are not header.
  @inlinable public static var usableBytesInPage: UInt64 { UInt64(WALLayout.pageSize - WALLayout.shortPageHeaderSize) }
  /// Bytes of a segment's first page that are not header.
  @inlinable static var usableBytesInFirstPage: UInt64 { UInt64(WALLayout.pageSize - WALLayout.longPageHeaderSize) }

  /// - Precondition: `segmentSize` is a power of two from 1 MiB to 1 GiB.
  public init(segmentSize: UInt64) {
    precondition(Self.isValid(segmentSize: segmentSize), "a WAL segment has a power of two from 1 MiB to 1 GiB")
    self.segmentSize = segmentSize
    usableBytesInSegment =
      Self.usableBytesInFirstPage + (segmentSize / Self.pageSize - 1) * Self.usableBytesInPage
  }

  /// Whether segments can have that size (PostgreSQL's `IsValidWalSegSize`).
  public static func isValid(segmentSize: UInt64) -> Bool {
    segmentSize.nonzeroBitCount == 1 && WALLayout.segmentSizes.contains(segmentSize)
  }

  /// The number of the segment that a position lies in.
  @inlinable public func segment(of position: LogSequenceNumber) -> UInt64 { position.rawValue / segmentSize }

  /// How far into its segment a position lies.
  @inlinable public func offsetInSegment(_ position: LogSequenceNumber) -> UInt64 {
    position.rawValue & (segmentSize - 1)
  }

  /// Bytes of the header of the page that a position lies on.
  @inlinable public func pageHeaderSize(at position: LogSequenceNumber) -> Int {
    offsetInSegment(position) < Self.pageSize ? WALLayout.longPageHeaderSize : WALLayout.shortPageHeaderSize
  }

  /// Where the usable byte with that number is: PostgreSQL's `XLogBytePosToRecPtr`.
  @inlinable public func position(ofUsableByte byte: UInt64) -> LogSequenceNumber {
    let (segment, left) = byte.quotientAndRemainder(dividingBy: usableBytesInSegment)
    return LogSequenceNumber(segment * segmentSize + Self.offset(left, isEnd: false))
  }

  /// Where a record ends whose last usable byte is the one before that number: PostgreSQL's `XLogBytePosToEndRecPtr`.
  /// At a page's end that is the start of the next page, not the place behind its header.
  @inlinable public func endPosition(ofUsableByte byte: UInt64) -> LogSequenceNumber {
    let (segment, left) = byte.quotientAndRemainder(dividingBy: usableBytesInSegment)
    return LogSequenceNumber(segment * segmentSize + Self.offset(left, isEnd: true))
  }

  /// How many usable bytes lie before a position: PostgreSQL's `XLogRecPtrToBytePos`. The inverse of both functions
  /// above.
  /// - Precondition: The position is not inside a page's header; at its start it may be.
  @inlinable public func usableByte(at position: LogSequenceNumber) -> UInt64 {
    let (page, offset) = offsetInSegment(position).quotientAndRemainder(dividingBy: Self.pageSize)
    let before = segment(of: position) * usableBytesInSegment
    let header = UInt64(pageHeaderSize(at: position))
    precondition(offset == 0 || offset >= header, "a WAL position lies inside a page's header")
    let onPage = offset == 0 ? 0 : offset - header
    if page == 0 { return before + onPage }
    return before + Self.usableBytesInFirstPage + (page - 1) * Self.usableBytesInPage + onPage
  }

  /// The first place at or behind a position where a record can start.
  @inlinable public func recordStart(atOrAfter position: LogSequenceNumber) -> LogSequenceNumber {
    self.position(ofUsableByte: usableByte(at: position))
  }

  @usableFromInline static func offset(_ left: UInt64, isEnd: Bool) -> UInt64 {
    guard left >= usableBytesInFirstPage else {
      return isEnd && left == 0 ? 0 : left + UInt64(WALLayout.longPageHeaderSize)
    }
    let (page, onPage) = (left - usableBytesInFirstPage).quotientAndRemainder(dividingBy: usableBytesInPage)
    let pageStart = (page + 1) * pageSize
    return isEnd && onPage == 0 ? pageStart : pageStart + UInt64(WALLayout.shortPageHeaderSize) + onPage
  }
}
