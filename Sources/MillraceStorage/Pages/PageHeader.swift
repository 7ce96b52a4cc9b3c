/// The 24 bytes at the start of a page: PostgreSQL's `PageHeaderData` (src/include/storage/bufpage.h), as a value.
public struct PageHeader: Sendable, Hashable {
  /// Just after the log record of the page's last change.
  public var lsn: LogSequenceNumber
  /// The page's checksum, if the cluster keeps them.
  public var checksum: UInt16
  public var flags: PageFlags
  /// Byte offset at which the line pointers end and the free space starts.
  public var lower: UInt16
  /// Byte offset at which the free space ends and the items start. Zero on a page that was never initialized.
  public var upper: UInt16
  /// Byte offset of the access method's own area at the end of the page.
  public var special: UInt16
  /// The size of the page in bytes, a multiple of 256, plus the layout version.
  public var sizeAndVersion: UInt16
  /// The oldest transaction that may have left something to prune, or zero. A hint.
  public var pruneXID: UInt32

  /// The header of an empty page with a special space of that many bytes, as PostgreSQL's `PageInit` makes it.
  ///
  /// - Precondition: The special space, rounded up to `PageLayout.maximumAlignment`, leaves room for the header.
  public init(specialSize: Int = 0) {
    let special = PageLayout.blockSize - PageLayout.aligned(specialSize)
    precondition(specialSize >= 0 && special > PageLayout.headerSize, "special space does not fit into a page")
    lsn = .invalid
    checksum = 0
    flags = []
    lower = UInt16(PageLayout.headerSize)
    upper = UInt16(special)
    self.special = UInt16(special)
    sizeAndVersion = UInt16(PageLayout.blockSize) | UInt16(PageLayout.version)
    pruneXID = 0
  }

  /// Reads the header of a page. Nothing is checked: a damaged page has a header, too.
  ///
  /// - Parameter page: At least `PageLayout.headerSize` readable bytes, of any alignment.
  @inlinable public init(_ page: UnsafeRawPointer) {
    // The two halves of the LSN are stored high half first, each in the machine's byte order.
    let high = page.loadUnaligned(fromByteOffset: PageLayout.Offset.lsn, as: UInt32.self)
    let low = page.loadUnaligned(fromByteOffset: PageLayout.Offset.lsn + 4, as: UInt32.self)
    lsn = LogSequenceNumber(UInt64(high) << 32 | UInt64(low))
    checksum = page.loadUnaligned(fromByteOffset: PageLayout.Offset.checksum, as: UInt16.self)
    flags = PageFlags(rawValue: page.loadUnaligned(fromByteOffset: PageLayout.Offset.flags, as: UInt16.self))
    lower = page.loadUnaligned(fromByteOffset: PageLayout.Offset.lower, as: UInt16.self)
    upper = page.loadUnaligned(fromByteOffset: PageLayout.Offset.upper, as: UInt16.self)
    special = page.loadUnaligned(fromByteOffset: PageLayout.Offset.special, as: UInt16.self)
    sizeAndVersion = page.loadUnaligned(fromByteOffset: PageLayout.Offset.sizeAndVersion, as: UInt16.self)
    pruneXID = page.loadUnaligned(fromByteOffset: PageLayout.Offset.pruneXID, as: UInt32.self)
  }

  /// The LSN of a page alone.
  ///
  /// - Parameter page: At least eight readable bytes, of any alignment.
  @inlinable public static func lsn(of page: UnsafeRawPointer) -> LogSequenceNumber {
    let high = page.loadUnaligned(fromByteOffset: PageLayout.Offset.lsn, as: UInt32.self)
    let low = page.loadUnaligned(fromByteOffset: PageLayout.Offset.lsn + 4, as: UInt32.self)
    return LogSequenceNumber(UInt64(high) << 32 | UInt64(low))
  }

  /// Changes the LSN of a page alone.
  ///
  /// - Parameter page: At least eight writable bytes, of any alignment, that nobody else uses.
  @inlinable public static func setLSN(_ lsn: LogSequenceNumber, of page: UnsafeMutableRawPointer) {
    page.storeBytes(of: UInt32(lsn.rawValue >> 32), toByteOffset: PageLayout.Offset.lsn, as: UInt32.self)
    page.storeBytes(
      of: UInt32(truncatingIfNeeded: lsn.rawValue), toByteOffset: PageLayout.Offset.lsn + 4, as: UInt32.self)
  }

  /// Writes the header to the start of a page.
  ///
  /// - Parameter page: At least `PageLayout.headerSize` writable bytes, of any alignment, that nobody else uses.
  public func store(to page: UnsafeMutableRawPointer) {
    typealias Offset = PageLayout.Offset
    page.storeBytes(of: UInt32(lsn.rawValue >> 32), toByteOffset: Offset.lsn, as: UInt32.self)
    page.storeBytes(of: UInt32(truncatingIfNeeded: lsn.rawValue), toByteOffset: Offset.lsn + 4, as: UInt32.self)
    page.storeBytes(of: checksum, toByteOffset: Offset.checksum, as: UInt16.self)
    page.storeBytes(of: flags.rawValue, toByteOffset: Offset.flags, as: UInt16.self)
    page.storeBytes(of: lower, toByteOffset: Offset.lower, as: UInt16.self)
    page.storeBytes(of: upper, toByteOffset: Offset.upper, as: UInt16.self)
    page.storeBytes(of: special, toByteOffset: Offset.special, as: UInt16.self)
    page.storeBytes(of: sizeAndVersion, toByteOffset: Offset.sizeAndVersion, as: UInt16.self)
    page.storeBytes(of: pruneXID, toByteOffset: Offset.pruneXID, as: UInt32.self)
  }

  /// The size of the page in bytes, as the page has it.
  @inlinable public var pageSize: Int { Int(sizeAndVersion & 0xFF00) }

  /// The version of the page's layout, as the page has it.
  @inlinable public var layoutVersion: UInt8 { UInt8(sizeAndVersion & 0x00FF) }

  /// Whether the page was never initialized: PostgreSQL's `PageIsNew`. Such a page is sound only if it is all zero.
  @inlinable public var isNew: Bool { upper == 0 }

  /// Whether PostgreSQL would let a page with this header into its buffers: the header part of `PageIsVerified`.
  ///
  /// Size and version are not part of it: see `hasExpectedLayout`.
  @inlinable public var isSane: Bool {
    flags.isSubset(of: .valid)
      && lower <= upper
      && upper <= special
      && Int(special) <= PageLayout.blockSize
      && Int(special) % PageLayout.maximumAlignment == 0
  }

  /// Whether the page is of the one size and layout version that Millrace reads, and its line pointers start behind the
  /// header.
  ///
  /// True of every page that PostgreSQL 8.3 or later initialized. PostgreSQL does not look at this when it reads a
  /// page.
  @inlinable public var hasExpectedLayout: Bool {
    pageSize == PageLayout.blockSize
      && layoutVersion == PageLayout.version
      && Int(lower) >= PageLayout.headerSize
  }
}
