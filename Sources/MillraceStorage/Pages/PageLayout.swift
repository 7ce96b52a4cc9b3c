/// Where everything lies in a page: PostgreSQL's layout version 4, unchanged since release 8.3
/// (src/include/storage/bufpage.h).
///
/// ```text
/// 0        8        10     12     14     16       18            20         24
/// | pd_lsn | pd_checksum | flags | lower | upper | special | size+version | prune_xid | line pointers → ...
/// | ... free space between pd_lower and pd_upper ...   ← items | special space, from pd_special to the end |
/// ```
///
/// Numbers are in the byte order of the machine that wrote them; Millrace runs on little-endian machines only.
public enum PageLayout {
  /// The size of a page in bytes: PostgreSQL's `BLCKSZ` at its default. Other sizes are not supported.
  @inlinable public static var blockSize: Int { 8192 }

  /// PostgreSQL's `PG_PAGE_LAYOUT_VERSION`.
  @inlinable public static var version: UInt8 { 4 }

  /// Bytes before the first line pointer: PostgreSQL's `SizeOfPageHeaderData`.
  @inlinable public static var headerSize: Int { 24 }

  /// Bytes of one line pointer: `sizeof(ItemIdData)`.
  @inlinable public static var linePointerSize: Int { 4 }

  /// Items and the special space start at multiples of this: PostgreSQL's `MAXALIGN` on every 64-bit platform.
  @inlinable public static var maximumAlignment: Int { 8 }

  /// What a disk writes at once, at the least. A torn page is torn at a multiple of it.
  @inlinable public static var sectorSize: Int { 512 }

  /// Where the fields of the header start.
  public enum Offset {
    @inlinable public static var lsn: Int { 0 }
    @inlinable public static var checksum: Int { 8 }
    @inlinable public static var flags: Int { 10 }
    @inlinable public static var lower: Int { 12 }
    @inlinable public static var upper: Int { 14 }
    @inlinable public static var special: Int { 16 }
    @inlinable public static var sizeAndVersion: Int { 18 }
    @inlinable public static var pruneXID: Int { 20 }
  }

  /// Rounds up to the next multiple of `maximumAlignment`: PostgreSQL's `MAXALIGN`.
  @inlinable public static func aligned(_ size: Int) -> Int {
    (size + maximumAlignment - 1) & ~(maximumAlignment - 1)
  }
}

/// What `pd_flags` can hold. Any other bit makes a page invalid.
public struct PageFlags: OptionSet, Sendable, Hashable {
  public let rawValue: UInt16

  @inlinable public init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// There are unused line pointers before `pd_lower`. A hint: `PD_HAS_FREE_LINES`.
  @inlinable public static var hasFreeLines: PageFlags { PageFlags(rawValue: 0x0001) }
  /// An update found no room for its new tuple. A hint: `PD_PAGE_FULL`.
  @inlinable public static var pageFull: PageFlags { PageFlags(rawValue: 0x0002) }
  /// Every tuple on the page is visible to everyone: `PD_ALL_VISIBLE`.
  @inlinable public static var allVisible: PageFlags { PageFlags(rawValue: 0x0004) }

  /// All bits that have a meaning: PostgreSQL's `PD_VALID_FLAG_BITS`.
  @inlinable public static var valid: PageFlags { [.hasFreeLines, .pageFull, .allVisible] }
}
