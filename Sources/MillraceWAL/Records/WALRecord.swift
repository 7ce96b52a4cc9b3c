import MillraceIO
public import MillraceStorage

/// A record that was read: PostgreSQL's `DecodedXLogRecord`.
///
/// Its bytes are in memory that the reader uses again: it is valid until the reader is asked for the next one.
public final class WALRecord {
  /// In memory of its own, so that no access to it is checked at run time: there are a dozen for each record.
  let own: UnsafeMutablePointer<State>

  struct State {
    var start = LogSequenceNumber.invalid
    var end = LogSequenceNumber.invalid
    var header = WALRecordHeader(
      totalLength: 0, xid: 0, previous: .invalid, info: 0, resourceManager: .xlog, crc: 0)
    var origin: UInt16?
    var topLevelXID: UInt32?
    var overwritten: LogSequenceNumber?
    var mainData = UnsafeRawBufferPointer(start: nil, count: 0)
    var imageBytes = 0
    /// The whole record; valid up to `byteCount`.
    var bytes = UnsafeMutableRawPointer.allocate(byteCount: initialCapacity, alignment: 8)
    var byteCount = 0
    var capacity = initialCapacity
    /// Whether the bytes are the record's own, and not somebody's that it shows.
    var ownsBytes = true
    var blocks = UnsafeMutablePointer<WALBlockReference>.allocate(capacity: 4)
    var blockCapacity = 4
    var blockCount = 0
  }

  private static let initialCapacity = 256
  /// Memory that a record keeps for the next one at most.
  private static let keptCapacityMax = 64 << 10

  init() {
    own = .allocate(capacity: 1)
    own.initialize(to: State())
  }

  deinit {
    if own.pointee.ownsBytes { own.pointee.bytes.deallocate() }
    own.pointee.blocks.deallocate()
    own.deallocate()
  }

  /// Where its header starts.
  public var start: LogSequenceNumber { own.pointee.start }
  /// Where the next record can start: the LSN that redo gives to the pages it changes. Behind a record SWITCH that is
  /// the next segment.
  public var end: LogSequenceNumber { own.pointee.end }
  public var header: WALRecordHeader { own.pointee.header }
  public var xid: UInt32 { own.pointee.header.xid }
  public var resourceManager: ResourceManagerID { own.pointee.header.resourceManager }
  /// The resource manager's bits of `xl_info`.
  public var info: UInt8 { own.pointee.header.info & WALRecordInfo.resourceManagerMask }
  public var totalLength: Int { Int(own.pointee.header.totalLength) }

  /// Where the change came from, where the log says so: replication.
  public var origin: UInt16? { own.pointee.origin }
  /// The top-level transaction of the one in the header, where the log says so: logical decoding.
  public var topLevelXID: UInt32? { own.pointee.topLevelXID }
  /// Where a record starts that was given up and that this one follows: it must be an OVERWRITE_CONTRECORD that says
  /// the same.
  public var overwritten: LogSequenceNumber? { own.pointee.overwritten }
  /// What was registered for no block.
  public var mainData: UnsafeRawBufferPointer { own.pointee.mainData }
  /// Bytes of all full-page images.
  public var imageBytes: Int { own.pointee.imageBytes }

  /// The blocks, by rising numbers.
  public var blocks: UnsafeBufferPointer<WALBlockReference> {
    UnsafeBufferPointer(start: own.pointee.blocks, count: own.pointee.blockCount)
  }

  /// The block with that number; nil where the record has none.
  /// - Complexity: O(number of blocks), which are few.
  public func block(_ id: Int) -> WALBlockReference? {
    for index in 0..<own.pointee.blockCount where own.pointee.blocks[index].id == id {
      return own.pointee.blocks[index]
    }
    return nil
  }

  /// The whole record.
  var bytes: UnsafeRawPointer { UnsafeRawPointer(own.pointee.bytes) }

  // MARK: For the reader

  /// Empties it for a record that starts there.
  @inline(__always) func begin(at start: LogSequenceNumber) {
    if own.pointee.capacity > Self.keptCapacityMax { reserve(Self.initialCapacity) }
    own.pointee.start = start
    (own.pointee.byteCount, own.pointee.blockCount, own.pointee.imageBytes) = (0, 0, 0)
    (own.pointee.origin, own.pointee.topLevelXID) = (nil, nil)
  }

  /// Adds bytes of the record. Memory grows with what is there and not with what a length promises, which may be
  /// garbage.
  @inline(__always) func append(_ source: UnsafeRawPointer, byteCount count: Int) {
    let filled = own.pointee.byteCount
    if filled + count > own.pointee.capacity { reserve(max(own.pointee.capacity * 2, filled + count)) }
    (own.pointee.bytes + filled).copyMemory(from: source, byteCount: count)
    own.pointee.byteCount = filled + count
  }

  /// Becomes a record that was read before and kept, as long as these bytes stay where they are; from now on it has no
  /// memory of its own.
  /// - Parameter bytes: of a record that was valid.
  func show(
    _ bytes: UnsafeMutableRawBufferPointer, from start: LogSequenceNumber, to end: LogSequenceNumber
  ) throws(WALProblem) {
    guard let base = bytes.baseAddress, bytes.count >= WALLayout.recordHeaderSize else {
      preconditionFailure("a record was to be shown that has no header")
    }
    if own.pointee.ownsBytes { own.pointee.bytes.deallocate() }
    (own.pointee.ownsBytes, own.pointee.capacity) = (false, 0)
    begin(at: start)
    (own.pointee.bytes, own.pointee.byteCount, own.pointee.end) = (base, bytes.count, end)
    own.pointee.header = WALRecordHeader(base)
    try decode()
  }

  /// Moves what is there to memory of another size.
  @inline(never) private func reserve(_ capacity: Int) {
    precondition(own.pointee.ownsBytes, "a record that shows another's bytes was to be read into")
    let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
    memory.copyMemory(from: own.pointee.bytes, byteCount: min(own.pointee.byteCount, capacity))
    own.pointee.bytes.deallocate()
    (own.pointee.bytes, own.pointee.capacity) = (memory, capacity)
  }

  /// Adds a block. - Returns: where it is, to be initialized.
  @inline(__always) func addBlock() -> UnsafeMutablePointer<WALBlockReference> {
    if own.pointee.blockCount == own.pointee.blockCapacity { growBlocks() }
    own.pointee.blockCount += 1
    return own.pointee.blocks + own.pointee.blockCount - 1
  }

  @inline(never) private func growBlocks() {
    let count = own.pointee.blockCount
    let grown = UnsafeMutablePointer<WALBlockReference>.allocate(capacity: count * 2)
    grown.moveInitialize(from: own.pointee.blocks, count: count)
    own.pointee.blocks.deallocate()
    (own.pointee.blocks, own.pointee.blockCapacity) = (grown, count * 2)
  }
}
