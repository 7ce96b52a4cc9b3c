public import MillraceStorage

/// What the flags of a page's header say: `xlp_info`. Any other bit makes a page invalid.
public struct WALPageFlags: OptionSet, Sendable, Hashable {
  public let rawValue: UInt16
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The page begins with the rest of a record: `XLP_FIRST_IS_CONTRECORD`.
  public static let firstIsContinuation = WALPageFlags(rawValue: 0x0001)
  /// The header is the long one, of a segment's first page: `XLP_LONG_HEADER`.
  public static let longHeader = WALPageFlags(rawValue: 0x0002)
  /// No backup was running, so that a copy of the log may leave full-page images out: `XLP_BKP_REMOVABLE`.
  public static let imagesRemovable = WALPageFlags(rawValue: 0x0004)
  /// Instead of the rest of a record that was never finished the page begins with a new one:
  /// `XLP_FIRST_IS_OVERWRITE_CONTRECORD`.
  public static let overwritesContinuation = WALPageFlags(rawValue: 0x0008)

  /// `XLP_ALL_FLAGS`.
  static let all = WALPageFlags(rawValue: 0x000F)
}

/// The header of a WAL page, 24 bytes, or 40 on the first page of a segment: PostgreSQL's `XLogPageHeaderData` and
/// `XLogLongPageHeaderData`.
public struct WALPageHeader: Sendable, Hashable {
  /// What only the first page of a segment says.
  public struct Segment: Sendable, Hashable {
    public var systemIdentifier: UInt64
    public var segmentSize: UInt32
    public var pageSize: UInt32

    public init(systemIdentifier: UInt64, segmentSize: UInt32, pageSize: UInt32 = UInt32(WALLayout.pageSize)) {
      (self.systemIdentifier, self.segmentSize, self.pageSize) = (systemIdentifier, segmentSize, pageSize)
    }
  }

  /// `XLOG_PAGE_MAGIC` of PostgreSQL 18: says which version's format the log has.
  public static let magic: UInt16 = 0xD118

  public var magic: UInt16
  public var flags: WALPageFlags
  public var timeline: UInt32
  /// Where the page stands in the log.
  public var address: LogSequenceNumber
  /// How many bytes of the record that began before are still to come, those of later pages included.
  public var remainingLength: UInt32
  /// On the first page of a segment; goes with the flag `longHeader`.
  public var segment: Segment?

  public init(
    timeline: UInt32, address: LogSequenceNumber, flags: WALPageFlags = [], remainingLength: UInt32 = 0,
    segment: Segment? = nil
  ) {
    magic = Self.magic
    self.flags = segment == nil ? flags : flags.union(.longHeader)
    (self.timeline, self.address) = (timeline, address)
    (self.remainingLength, self.segment) = (remainingLength, segment)
  }

  /// Bytes that the header takes.
  @inlinable public var size: Int {
    flags.contains(.longHeader) ? WALLayout.longPageHeaderSize : WALLayout.shortPageHeaderSize
  }

  /// Reads a header. Nothing is checked: bytes that are no WAL have one, too.
  /// - Parameter page: at least `WALLayout.longPageHeaderSize` readable bytes, of any alignment.
  public init(_ page: UnsafeRawPointer) {
    magic = page.loadUnaligned(as: UInt16.self)
    flags = WALPageFlags(rawValue: page.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    timeline = page.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    address = LogSequenceNumber(page.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    remainingLength = page.loadUnaligned(fromByteOffset: 16, as: UInt32.self)
    guard flags.contains(.longHeader) else { return }
    segment = Segment(
      systemIdentifier: page.loadUnaligned(fromByteOffset: 24, as: UInt64.self),
      segmentSize: page.loadUnaligned(fromByteOffset: 32, as: UInt32.self),
      pageSize: page.loadUnaligned(fromByteOffset: 36, as: UInt32.self))
  }

  /// Writes the header to the start of a page.
  /// - Parameter page: at least ``size`` writable bytes, of any alignment, that nobody else uses.
  /// - Complexity: O(1), no allocation.
  public func store(to page: UnsafeMutableRawPointer) {
    page.storeBytes(of: magic, as: UInt16.self)
    page.storeBytes(of: flags.rawValue, toByteOffset: 2, as: UInt16.self)
    page.storeBytes(of: timeline, toByteOffset: 4, as: UInt32.self)
    page.storeBytes(of: address.rawValue, toByteOffset: 8, as: UInt64.self)
    page.storeBytes(of: remainingLength, toByteOffset: 16, as: UInt32.self)
    // Padding of the C structure.
    page.storeBytes(of: 0, toByteOffset: 20, as: UInt32.self)
    guard let segment else { return }
    page.storeBytes(of: segment.systemIdentifier, toByteOffset: 24, as: UInt64.self)
    page.storeBytes(of: segment.segmentSize, toByteOffset: 32, as: UInt32.self)
    page.storeBytes(of: segment.pageSize, toByteOffset: 36, as: UInt32.self)
  }

  /// Adds flags and a remaining length to a header that stands on its page already, as an inserter does whose record
  /// goes on there.
  /// - Parameter page: a page's first bytes.
  public static func markContinuation(_ page: UnsafeMutableRawPointer, remainingLength: UInt32) {
    let flags = page.loadUnaligned(fromByteOffset: 2, as: UInt16.self) | WALPageFlags.firstIsContinuation.rawValue
    page.storeBytes(of: flags, toByteOffset: 2, as: UInt16.self)
    page.storeBytes(of: remainingLength, toByteOffset: 16, as: UInt32.self)
  }
}
