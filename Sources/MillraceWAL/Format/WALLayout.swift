/// Sizes that every part of the WAL's format is made of: PostgreSQL 18's (src/include/access/xlog_internal.h,
/// xlogrecord.h).
///
/// ```text
/// segment:  | long header | ... | short header | ... | short header | ...          one header a page of 8 KiB
/// record:   | header | block headers … | main data header | image, data of each block … | main data |  padding to 8
/// ```
///
/// A record that does not fit into what is left of a page goes on behind the next page's header, which says how much of
/// it is still to come. Numbers are little-endian, and unaligned within a record.
public enum WALLayout {
  /// Bytes of a WAL page: PostgreSQL's `XLOG_BLCKSZ` at its default.
  @inlinable public static var pageSize: Int { 8192 }
  /// Bytes before the first byte of a record on a page: `SizeOfXLogShortPHD`.
  @inlinable public static var shortPageHeaderSize: Int { 24 }
  /// The same on the first page of a segment: `SizeOfXLogLongPHD`.
  @inlinable public static var longPageHeaderSize: Int { 40 }
  /// The sizes that a segment can have: powers of two in this range.
  @inlinable public static var segmentSizes: ClosedRange<UInt64> { 1 << 20...1 << 30 }

  /// Bytes of a record's header: `SizeOfXLogRecord`.
  @inlinable public static var recordHeaderSize: Int { 24 }
  /// Records start at multiples of this: `MAXALIGN`.
  @inlinable public static var recordAlignment: Int { 8 }
  /// Bytes of a record at most: `XLogRecordMaxSize`.
  @inlinable public static var recordSizeMax: Int { 1020 << 20 }
  /// The highest number that a record can give to a block: `XLR_MAX_BLOCK_ID`.
  @inlinable public static var blockIDMax: Int { 32 }

  /// Bytes of `XLogRecordBlockHeader`, `XLogRecordBlockImageHeader`, `XLogRecordBlockCompressHeader` and of a
  /// relation's locator.
  static let blockHeaderSize = 4
  static let imageHeaderSize = 5
  static let compressionHeaderSize = 2
  static let locatorSize = 12
  static let blockNumberSize = 4
  /// Bytes of `XLogRecordDataHeaderShort` and `XLogRecordDataHeaderLong`.
  static let shortDataHeaderSize = 2
  static let longDataHeaderSize = 5
  /// All headers of a record with all blocks at most, each with an image.
  static let recordHeadersSizeMax =
    recordHeaderSize + longDataHeaderSize + (blockIDMax + 1)
    * (blockHeaderSize + imageHeaderSize + compressionHeaderSize + locatorSize + blockNumberSize)

  /// Where the fields of a record's header start: `XLogRecord`.
  enum RecordOffset {
    static let totalLength = 0
    static let xid = 4
    static let previous = 8
    static let info = 16
    static let resourceManager = 17
    /// Two bytes of padding lie before it. The CRC covers all before it, but last.
    static let crc = 20
  }

  /// What stands where the number of a block could: `XLR_BLOCK_ID_DATA_SHORT` and its fellows.
  enum DataID {
    static let short: UInt8 = 255
    static let long: UInt8 = 254
    static let origin: UInt8 = 253
    static let topLevelXID: UInt8 = 252
  }

  /// Rounds up to where the next record starts.
  @inlinable public static func aligned(_ size: Int) -> Int {
    (size + recordAlignment - 1) & ~(recordAlignment - 1)
  }

  @inlinable public static func aligned(_ position: UInt64) -> UInt64 {
    (position + UInt64(recordAlignment) - 1) & ~(UInt64(recordAlignment) - 1)
  }
}
