import MillraceIO
public import MillraceStorage

/// A record that was read: PostgreSQL's `DecodedXLogRecord`.
///
/// Its bytes are in memory that the reader uses again: it is valid until the reader is asked for the next one.
public final class WALRecord {
  /// Where its header starts.
  public internal(set) var start = LogSequenceNumber.invalid
  /// Where the next record can start: the LSN that redo gives to the pages it changes. Behind a record SWITCH that is
  /// the next segment.
  public internal(set) var end = LogSequenceNumber.invalid
  public internal(set) var header = WALRecordHeader(
    totalLength: 0, xid: 0, previous: .invalid, info: 0, resourceManager: .xlog, crc: 0)
  /// Where the change came from, where the log says so: replication.
  public internal(set) var origin: UInt16?
  /// The top-level transaction of the one in the header, where the log says so: logical decoding.
  public internal(set) var topLevelXID: UInt32?
  /// Where a record starts that was given up and that this one follows: it must be an OVERWRITE_CONTRECORD that says
  /// the same.
  public internal(set) var overwritten: LogSequenceNumber?
  /// What was registered for no block.
  public internal(set) var mainData = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Bytes of all full-page images.
  public internal(set) var imageBytes = 0

  /// The whole record; valid up to `byteCount`.
  private(set) var bytes = UnsafeMutableRawPointer.allocate(byteCount: initialCapacity, alignment: 8)
  private(set) var byteCount = 0
  private var capacity = initialCapacity
  private var blockTable: UnsafeMutablePointer<WALBlockReference>
  private var blockCapacity = 4
  private var blockCount = 0

  private static let initialCapacity = 256
  /// Memory that a record keeps for the next one at most.
  private static let keptCapacityMax = 64 << 10

  init() { blockTable = .allocate(capacity: blockCapacity) }

  deinit {
    bytes.deallocate()
    blockTable.deallocate()
  }

  public var xid: UInt32 { header.xid }
  public var resourceManager: ResourceManagerID { header.resourceManager }
  /// The resource manager's bits of `xl_info`.
  public var info: UInt8 { header.info & WALRecordInfo.resourceManagerMask }
  public var totalLength: Int { Int(header.totalLength) }

  /// The blocks, by rising numbers.
  public var blocks: UnsafeBufferPointer<WALBlockReference> {
    UnsafeBufferPointer(start: blockTable, count: blockCount)
  }

  /// The block with that number; nil where the record has none.
  /// - Complexity: O(number of blocks), which are few.
  public func block(_ id: Int) -> WALBlockReference? { blocks.first { $0.id == id } }

  // MARK: For the reader

  func reset() {
    if capacity > Self.keptCapacityMax {
      bytes.deallocate()
      capacity = Self.initialCapacity
      bytes = .allocate(byteCount: capacity, alignment: 8)
    }
    (byteCount, blockCount, imageBytes) = (0, 0, 0)
    (origin, topLevelXID) = (nil, nil)
    mainData = UnsafeRawBufferPointer(start: nil, count: 0)
  }

  /// Adds bytes of the record. Memory grows with what is there and not with what a length promises, which may be
  /// garbage.
  func append(_ source: UnsafeRawPointer, byteCount count: Int) {
    if byteCount + count > capacity {
      let grown = max(capacity * 2, byteCount + count)
      let memory = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 8)
      memory.copyMemory(from: bytes, byteCount: byteCount)
      bytes.deallocate()
      (bytes, capacity) = (memory, grown)
    }
    (bytes + byteCount).copyMemory(from: source, byteCount: count)
    byteCount += count
  }

  func add(_ block: WALBlockReference) {
    if blockCount == blockCapacity {
      let grown = UnsafeMutablePointer<WALBlockReference>.allocate(capacity: blockCapacity * 2)
      grown.moveInitialize(from: blockTable, count: blockCount)
      blockTable.deallocate()
      (blockTable, blockCapacity) = (grown, blockCapacity * 2)
    }
    (blockTable + blockCount).initialize(to: block)
    blockCount += 1
  }

  /// Calls `body` with each block, to be changed.
  func updateBlocks(_ body: (inout WALBlockReference) -> Void) {
    for index in 0..<blockCount { body(&blockTable[index]) }
  }
}
