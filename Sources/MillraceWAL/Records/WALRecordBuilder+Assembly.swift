import MillraceIO
public import MillraceStorage

/// From what was registered to the bytes of the record (PostgreSQL's XLogRecordAssemble).
extension WALRecordBuilder {
  /// Decides which blocks get a full-page image, and lays the record out. May be called again, with another position.
  ///
  /// A page needs an image if it has not been changed since the last checkpoint's redo position: then a torn write of
  /// it could not be repaired otherwise.
  ///
  /// - Parameters:
  ///   - redoPosition: where recovery would start now.
  ///   - fullPageWrites: `full_page_writes`; without, only forced images are made.
  /// - Complexity: of the data, for the CRC; no allocation once warm.
  public func assemble(redoPosition: LogSequenceNumber, fullPageWrites: Bool) {
    requireUse(stage != .idle, "a WAL record was assembled that was not begun")
    (rangeCount, imageCount, imageBytes, lowestLSNWithoutImage) = (0, 0, 0, nil)
    // Space for everything at once, so that ranges can be added without looking.
    reserveRanges(1 + pieces.pieceCount + 2 * blockEnd)
    rangeCount = 1
    var length = 0
    var end = headers + WALLayout.recordHeaderSize
    var previous: Int?
    for id in 0..<blockEnd where blocks[id].isInUse {
      let isImaged = needsImage(id, redoPosition: redoPosition, fullPageWrites: fullPageWrites)
      length += assembleBlock(id, previous: previous, isImaged: isImaged, header: &end)
      previous = id
    }
    if mainData.byteCount > 0 {
      end = storeMainDataHeader(to: end)
      addRanges(of: mainData)
      length += mainData.byteCount
    }

    let headersLength = end - headers
    rangeTable[0] = UnsafeRawBufferPointer(start: headers, count: headersLength)
    totalLength = headersLength + length
    requireUse(totalLength <= WALLayout.recordSizeMax, "oversized WAL record")
    bodyCRC = CRC32C()
    let body = headersLength - WALLayout.recordHeaderSize
    bodyCRC.update(UnsafeRawBufferPointer(start: headers + WALLayout.recordHeaderSize, count: body))
    for index in 1..<rangeCount { bodyCRC.update(rangeTable[index]) }
    WALRecordHeader(
      totalLength: UInt32(totalLength), xid: xid, previous: .invalid, info: info, resourceManager: resourceManager,
      crc: 0
    ).store(to: headers)
    setAssembled()
  }

  /// Fills in what is known only when the record has its place: the link to the record before, and with it the CRC. May
  /// be called again, with another link.
  /// - Parameter previous: where the record before this one starts.
  public func finish(previous: LogSequenceNumber) {
    requireUse(stage == .assembled, "a WAL record was finished that was not assembled")
    headers.storeBytes(of: previous.rawValue, toByteOffset: WALLayout.RecordOffset.previous, as: UInt64.self)
    var crc = bodyCRC
    crc.update(UnsafeRawBufferPointer(start: headers, count: WALLayout.RecordOffset.crc))
    headers.storeBytes(of: crc.value, toByteOffset: WALLayout.RecordOffset.crc, as: UInt32.self)
  }

  /// The bytes of the assembled record, one range after another; together ``totalLength``. The first begins with the
  /// record's header. Valid until the next ``begin(_:info:xid:)`` or ``assemble(redoPosition:fullPageWrites:)``, and as
  /// long as what was registered stays.
  public var ranges: UnsafeBufferPointer<UnsafeRawBufferPointer> {
    requireUse(stage == .assembled, "the bytes of a WAL record were asked for before it was assembled")
    return UnsafeBufferPointer(start: rangeTable, count: rangeCount)
  }

  private func needsImage(_ id: Int, redoPosition: LogSequenceNumber, fullPageWrites: Bool) -> Bool {
    let flags = blocks[id].flags
    if flags.contains(.forceImage) { return true }
    guard !flags.contains(.noImage), fullPageWrites, let page = blocks[id].page else { return false }
    let lsn = PageHeader(page).lsn
    if lsn <= redoPosition { return true }
    lowestLSNWithoutImage = lowestLSNWithoutImage.map { min($0, lsn) } ?? lsn
    return false
  }

  /// Writes a block's header, and adds its image and data.
  /// - Parameters:
  ///   - previous: the block before it in the record.
  ///   - header: where the header goes; set behind it.
  /// - Returns: bytes of image and data.
  private func assembleBlock(
    _ id: Int, previous: Int?, isImaged: Bool, header: inout UnsafeMutableRawPointer
  ) -> Int {
    let block = blocks + id
    let hasData = block.pointee.data.byteCount > 0 && (!isImaged || block.pointee.flags.contains(.keepData))
    let hasImage = isImaged || info & WALRecordInfo.checkConsistency != 0
    let isSameRelation = previous.map { blocks[$0].locator == block.pointee.locator } ?? false
    var flags: BlockHeaderFlags = []
    if block.pointee.flags.isSuperset(of: .willInitialize) { flags.insert(.willInitialize) }
    if hasImage { flags.insert(.hasImage) }
    if hasData { flags.insert(.hasData) }
    if isSameRelation { flags.insert(.sameRelation) }
    requireUse(
      !hasData || block.pointee.data.byteCount <= UInt16.max, "too much WAL data for one block of a record")

    var length = 0
    header.storeBytes(of: UInt8(id), as: UInt8.self)
    header.storeBytes(of: flags.rawValue | block.pointee.fork.rawValue, toByteOffset: 1, as: UInt8.self)
    header.storeBytes(
      of: hasData ? UInt16(block.pointee.data.byteCount) : 0, toByteOffset: 2, as: UInt16.self)
    header += WALLayout.blockHeaderSize
    if hasImage {
      length += assembleImage(block, isApplied: isImaged, header: &header)
    }
    if !isSameRelation {
      header.storeBytes(of: block.pointee.locator.tablespace, as: UInt32.self)
      header.storeBytes(of: block.pointee.locator.database, toByteOffset: 4, as: UInt32.self)
      header.storeBytes(of: block.pointee.locator.relNumber, toByteOffset: 8, as: UInt32.self)
      header += WALLayout.locatorSize
    }
    header.storeBytes(of: block.pointee.block, as: UInt32.self)
    header += WALLayout.blockNumberSize
    if hasData {
      addRanges(of: block.pointee.data)
      length += block.pointee.data.byteCount
    }
    return length
  }

  /// Writes an image's header, and adds the page without its hole. - Returns: bytes of the image.
  private func assembleImage(
    _ block: UnsafeMutablePointer<RegisteredBlock>, isApplied: Bool, header: inout UnsafeMutableRawPointer
  ) -> Int {
    guard let page = block.pointee.page else { fatalError("invariant broken: a registered block has no page") }
    var hole = 0..<0
    if block.pointee.flags.contains(.standard) {
      let found = PageHeader(page)
      let (lower, upper) = (Int(found.lower), Int(found.upper))
      if lower >= PageLayout.headerSize, upper > lower, upper <= PageLayout.blockSize { hole = lower..<upper }
    }
    let length = PageLayout.blockSize - hole.count
    var flags: BlockImageFlags = isApplied ? .apply : []
    if !hole.isEmpty { flags.insert(.hasHole) }
    header.storeBytes(of: UInt16(length), as: UInt16.self)
    header.storeBytes(of: UInt16(hole.lowerBound), toByteOffset: 2, as: UInt16.self)
    header.storeBytes(of: flags.rawValue, toByteOffset: 4, as: UInt8.self)
    header += WALLayout.imageHeaderSize

    if hole.isEmpty {
      addRange(UnsafeRawBufferPointer(start: page, count: length))
    } else {
      addRange(UnsafeRawBufferPointer(start: page, count: hole.lowerBound))
      let rest = PageLayout.blockSize - hole.upperBound
      if rest > 0 { addRange(UnsafeRawBufferPointer(start: page + hole.upperBound, count: rest)) }
    }
    imageCount += 1
    imageBytes += length
    return length
  }

  private func storeMainDataHeader(to place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    if mainData.byteCount <= UInt8.max {
      place.storeBytes(of: WALLayout.DataID.short, as: UInt8.self)
      place.storeBytes(of: UInt8(mainData.byteCount), toByteOffset: 1, as: UInt8.self)
      return place + WALLayout.shortDataHeaderSize
    }
    requireUse(mainData.byteCount <= WALLayout.recordSizeMax, "oversized WAL record")
    place.storeBytes(of: WALLayout.DataID.long, as: UInt8.self)
    place.storeBytes(of: UInt32(mainData.byteCount), toByteOffset: 1, as: UInt32.self)
    return place + WALLayout.longDataHeaderSize
  }

  private func reserveRanges(_ count: Int) {
    guard count > rangeCapacity else { return }
    rangeTable.deallocate()
    rangeCapacity = max(count, rangeCapacity * 2)
    rangeTable = .allocate(capacity: rangeCapacity)
  }

  @inline(__always) private func addRange(_ range: UnsafeRawBufferPointer) {
    (rangeTable + rangeCount).initialize(to: range)
    rangeCount += 1
  }

  private func addRanges(of chain: PieceTable.Chain) {
    pieces.forEach(chain) { addRange($0) }
  }
}
