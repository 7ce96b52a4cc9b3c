public import MillraceStorage

/// The 24 bytes that every record starts with: PostgreSQL's `XLogRecord` (src/include/access/xlogrecord.h).
public struct WALRecordHeader: Sendable, Hashable {
  /// Bytes of the whole record, this header included, padding behind it not.
  public var totalLength: UInt32
  /// The transaction, or 0.
  public var xid: UInt32
  /// Where the record before this one starts.
  public var previous: LogSequenceNumber
  public var info: UInt8
  public var resourceManager: ResourceManagerID
  public var crc: UInt32

  public init(
    totalLength: UInt32, xid: UInt32, previous: LogSequenceNumber, info: UInt8, resourceManager: ResourceManagerID,
    crc: UInt32
  ) {
    (self.totalLength, self.xid, self.previous) = (totalLength, xid, previous)
    (self.info, self.resourceManager, self.crc) = (info, resourceManager, crc)
  }

  /// Reads a header. Nothing is checked.
  /// - Parameter bytes: `WALLayout.recordHeaderSize` readable ones, of any alignment.
  public init(_ bytes: UnsafeRawPointer) {
    typealias Offset = WALLayout.RecordOffset
    totalLength = bytes.loadUnaligned(fromByteOffset: Offset.totalLength, as: UInt32.self)
    xid = bytes.loadUnaligned(fromByteOffset: Offset.xid, as: UInt32.self)
    previous = LogSequenceNumber(bytes.loadUnaligned(fromByteOffset: Offset.previous, as: UInt64.self))
    info = bytes.loadUnaligned(fromByteOffset: Offset.info, as: UInt8.self)
    resourceManager = ResourceManagerID(
      rawValue: bytes.loadUnaligned(fromByteOffset: Offset.resourceManager, as: UInt8.self))
    crc = bytes.loadUnaligned(fromByteOffset: Offset.crc, as: UInt32.self)
  }

  /// Writes a header, padding included.
  /// - Parameter bytes: `WALLayout.recordHeaderSize` writable ones, of any alignment.
  public func store(to bytes: UnsafeMutableRawPointer) {
    typealias Offset = WALLayout.RecordOffset
    bytes.storeBytes(of: totalLength, toByteOffset: Offset.totalLength, as: UInt32.self)
    bytes.storeBytes(of: xid, toByteOffset: Offset.xid, as: UInt32.self)
    bytes.storeBytes(of: previous.rawValue, toByteOffset: Offset.previous, as: UInt64.self)
    bytes.storeBytes(of: info, toByteOffset: Offset.info, as: UInt8.self)
    bytes.storeBytes(of: resourceManager.rawValue, toByteOffset: Offset.resourceManager, as: UInt8.self)
    bytes.storeBytes(of: 0, toByteOffset: Offset.resourceManager + 1, as: UInt16.self)
    bytes.storeBytes(of: crc, toByteOffset: Offset.crc, as: UInt32.self)
  }
}

/// What the low half of `xl_info` says to the log itself; the high half belongs to the resource manager.
public enum WALRecordInfo {
  /// The bits of the resource manager: `XLR_RMGR_INFO_MASK`.
  public static let resourceManagerMask: UInt8 = 0xF0
  /// The record changes files in ways that its block references do not show: `XLR_SPECIAL_REL_UPDATE`.
  public static let specialRelationUpdate: UInt8 = 0x01
  /// The record has an image of every block, for recovery to compare with: `XLR_CHECK_CONSISTENCY`.
  public static let checkConsistency: UInt8 = 0x02
}
