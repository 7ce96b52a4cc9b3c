import MillraceIO
public import MillraceStorage

/// Puts a WAL record together, as PostgreSQL's xloginsert.c does: ``begin(_:info:xid:)``, register pages and data,
/// ``assemble(redoPosition:fullPageWrites:)``, ``finish(previous:)``.
///
/// ```swift
/// builder.begin(.heap, info: 0x00, xid: xid)
/// builder.registerBlock(0, locator, .main, block, page: buffer.bytes, flags: .standard)
/// builder.registerBlockData(0, tuple)
/// builder.appendData(offsetNumber)
/// ```
///
/// One thread uses it at a time, for one record after another: each backend has its own. Its memory grows to what the
/// largest record needed; from then on no call allocates.
///
/// What is *registered* stays the caller's and must neither move nor change until the record is in the log: pages are
/// locked exclusively for that long. What is *appended* is copied at once.
public final class WALRecordBuilder {
  struct RegisteredBlock {
    var isInUse = false
    var flags: RegisteredBufferFlags = []
    var fork = ForkNumber.main
    var locator = RelationLocator(tablespace: 0, database: 0, relNumber: 0)
    var block: UInt32 = 0
    var page: UnsafeRawPointer?
    var data = PieceTable.Chain()
  }

  enum Stage { case idle, registering, assembled }

  private(set) var stage = Stage.idle
  private(set) var resourceManager = ResourceManagerID.xlog
  private(set) var info: UInt8 = 0
  private(set) var xid: UInt32 = 0
  /// By number; those from `blockEnd` on are not in use.
  let blocks: UnsafeMutablePointer<RegisteredBlock>
  private(set) var blockEnd = 0
  var pieces = PieceTable()
  var mainData = PieceTable.Chain()

  /// The record's own headers, which are its first range.
  let headers: UnsafeMutableRawPointer
  var rangeTable: UnsafeMutablePointer<UnsafeRawBufferPointer>
  var rangeCapacity = 128
  var rangeCount = 0
  /// Of everything but the record's header.
  var bodyCRC = CRC32C()

  /// Bytes of the assembled record. It takes ``WALLayout/aligned(_:)-(Int)`` of this in the log.
  public internal(set) var totalLength = 0
  /// Full-page images in the assembled record, and their bytes.
  public internal(set) var imageCount = 0
  public internal(set) var imageBytes = 0
  /// The lowest LSN of a registered page that could have needed an image and got none; nil where there is none.
  ///
  /// Where the redo position has meanwhile moved to it or behind it, that page needs an image after all, and the record
  /// must be assembled again before it is inserted (PostgreSQL's `fpw_lsn`).
  public internal(set) var lowestLSNWithoutImage: LogSequenceNumber?

  public init() {
    blocks = .allocate(capacity: WALLayout.blockIDMax + 1)
    blocks.initialize(repeating: RegisteredBlock(), count: WALLayout.blockIDMax + 1)
    headers = .allocate(byteCount: WALLayout.recordHeadersSizeMax, alignment: 8)
    rangeTable = .allocate(capacity: rangeCapacity)
  }

  deinit {
    blocks.deallocate()
    headers.deallocate()
    rangeTable.deallocate()
  }

  // MARK: Registering

  /// Starts a record; what was registered before is forgotten (XLogBeginInsert).
  /// - Parameters:
  ///   - info: the resource manager's bits, and of the log's own those of ``WALRecordInfo``.
  ///   - xid: the transaction that the record belongs to, or 0.
  public func begin(_ resourceManager: ResourceManagerID, info: UInt8, xid: UInt32 = 0) {
    let logBits = WALRecordInfo.specialRelationUpdate | WALRecordInfo.checkConsistency
    requireUse(info & ~(WALRecordInfo.resourceManagerMask | logBits) == 0, "invalid xlog info mask")
    requireUse(resourceManager.isValid, "a WAL record of no resource manager")
    for id in 0..<blockEnd { blocks[id].isInUse = false }
    blockEnd = 0
    pieces.removeAll()
    mainData = PieceTable.Chain()
    (self.resourceManager, self.info, self.xid) = (resourceManager, info, xid)
    stage = .registering
  }

  /// Adds a page that the record changes (XLogRegisterBuffer).
  /// - Parameters:
  ///   - id: the number by which redo finds it: 0...32, each once.
  ///   - page: the 8192 bytes as they are after the change, with the LSN from before it.
  public func registerBlock(
    _ id: Int, _ locator: RelationLocator, _ fork: ForkNumber, _ block: BlockNumber, page: UnsafeRawPointer,
    flags: RegisteredBufferFlags = []
  ) {
    requireUse(stage == .registering, "a block was registered outside of a WAL record")
    requireUse((0...WALLayout.blockIDMax).contains(id), "too many registered buffers")
    requireUse(id >= blockEnd || !blocks[id].isInUse, "a block number was used twice in a WAL record")
    // NO_IMAGE is part of WILL_INIT.
    requireUse(
      !flags.contains(.forceImage) || flags.isDisjoint(with: .noImage),
      "a block of a WAL record was to have an image and to have none")
    while blockEnd <= id {
      blocks[blockEnd].isInUse = false
      blockEnd += 1
    }
    blocks[id] = RegisteredBlock(
      isInUse: true, flags: flags, fork: fork, locator: locator, block: block.rawValue, page: page)
  }

  /// Adds data that redo needs for a block, left out where the record has the block's image (XLogRegisterBufData).
  /// - Parameter bytes: stay as they are until the record is in the log. At most 65,535 for one block.
  public func registerBlockData(_ id: Int, _ bytes: UnsafeRawBufferPointer) {
    checkBlock(id)
    pieces.append(bytes, to: &blocks[id].data)
  }

  /// Adds a copy of some bytes to the data of a block.
  public func appendBlockData(_ id: Int, copying bytes: UnsafeRawBufferPointer) {
    checkBlock(id)
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    pieces.appendScratch(byteCount: bytes.count, to: &blocks[id].data).copyMemory(from: base, byteCount: bytes.count)
  }

  /// Adds room to the data of a block. - Returns: the room, to be filled before anything else is added.
  public func appendBlockData(_ id: Int, byteCount: Int) -> UnsafeMutableRawPointer {
    checkBlock(id)
    return pieces.appendScratch(byteCount: byteCount, to: &blocks[id].data)
  }

  /// Adds a number to the data of a block.
  @inlinable public func appendBlockData(_ id: Int, _ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { appendBlockData(id, copying: $0) }
  }

  /// Adds data that redo needs whatever becomes of the blocks (XLogRegisterData).
  /// - Parameter bytes: stay as they are until the record is in the log.
  public func registerData(_ bytes: UnsafeRawBufferPointer) {
    requireUse(stage == .registering, "data was registered outside of a WAL record")
    pieces.append(bytes, to: &mainData)
  }

  /// Adds a copy of some bytes to the main data.
  public func appendData(copying bytes: UnsafeRawBufferPointer) {
    requireUse(stage == .registering, "data was registered outside of a WAL record")
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    pieces.appendScratch(byteCount: bytes.count, to: &mainData).copyMemory(from: base, byteCount: bytes.count)
  }

  /// Adds a number to the main data.
  @inlinable public func appendData(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { appendData(copying: $0) }
  }

  private func checkBlock(_ id: Int) {
    requireUse(
      stage == .registering && (0..<blockEnd).contains(id) && blocks[id].isInUse,
      "data was registered for a block that is not")
  }

  func setAssembled() { stage = .assembled }
}
