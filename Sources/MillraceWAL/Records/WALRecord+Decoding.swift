public import MillraceStorage

/// From a record's bytes to its parts (PostgreSQL's DecodeXLogRecord).
extension WALRecord {
  /// Decodes the bytes of a whole record.
  /// - Throws: ``WALProblem`` where they are no record. Whatever the bytes are, nothing outside of them is touched.
  public convenience init(decoding bytes: UnsafeRawBufferPointer, at start: LogSequenceNumber) throws(WALProblem) {
    self.init()
    begin(at: start)
    guard let base = bytes.baseAddress, bytes.count >= WALLayout.recordHeaderSize else {
      throw .length(UInt32(bytes.count), at: start)
    }
    append(base, byteCount: bytes.count)
    own.pointee.header = WALRecordHeader(base)
    guard Int(header.totalLength) == bytes.count else { throw .invalidLength(at: start) }
    try checkChecksum()
    try decode()
  }

  /// Verifies the CRC of a complete record (ValidXLogRecord).
  func checkChecksum() throws(WALProblem) {
    let bytes = own.pointee.bytes
    var crc = CRC32C()
    crc.update(
      UnsafeRawBufferPointer(
        start: bytes + WALLayout.recordHeaderSize, count: own.pointee.byteCount - WALLayout.recordHeaderSize))
    crc.update(UnsafeRawBufferPointer(start: bytes, count: WALLayout.RecordOffset.crc))
    guard crc.value == own.pointee.header.crc else {
      throw WALProblem(.checksum, "incorrect resource manager data checksum in record at \(start)")
    }
  }

  /// Finds the parts of a complete record whose header has been read.
  func decode() throws(WALProblem) {
    var fields = FieldReader(
      UnsafeRawBufferPointer(start: own.pointee.bytes, count: own.pointee.byteCount),
      from: WALLayout.recordHeaderSize, record: start)
    var dataLength = 0
    var mainDataLength = 0
    var lastID = -1
    var lastLocator: RelationLocator?
    // The headers end where what they announce fills the rest of the record.
    headers: while fields.remaining > dataLength {
      let id = try fields.read(UInt8.self)
      switch id {
      case WALLayout.DataID.short, WALLayout.DataID.long:
        mainDataLength =
          try id == WALLayout.DataID.short ? Int(fields.read(UInt8.self)) : Int(fields.read(UInt32.self))
        dataLength += mainDataLength
        // The main data is always last.
        break headers
      case WALLayout.DataID.origin:
        own.pointee.origin = try fields.read(UInt16.self)
      case WALLayout.DataID.topLevelXID:
        own.pointee.topLevelXID = try fields.read(UInt32.self)
      case 0...UInt8(WALLayout.blockIDMax):
        guard Int(id) > lastID else {
          throw WALProblem(.blockHeaders, "out-of-order block_id \(id) at \(start)")
        }
        lastID = Int(id)
        dataLength += try decodeBlock(Int(id), &fields, &lastLocator)
      default:
        throw WALProblem(.blockHeaders, "invalid block_id \(id) at \(start)")
      }
    }
    guard fields.remaining == dataLength else { throw .invalidLength(at: start) }

    // Lengths are checked; now the data has its places, images and data of each block first.
    var place = UnsafeRawPointer(own.pointee.bytes) + own.pointee.byteCount - dataLength
    for index in 0..<own.pointee.blockCount {
      let block = own.pointee.blocks + index
      if let length = block.pointee.image?.bytes.count {
        block.pointee.image?.bytes = UnsafeRawBufferPointer(start: place, count: length)
        place += length
        own.pointee.imageBytes += length
      }
      block.pointee.data = UnsafeRawBufferPointer(start: place, count: block.pointee.data.count)
      place += block.pointee.data.count
    }
    own.pointee.mainData = UnsafeRawBufferPointer(start: place, count: mainDataLength)
  }

  /// Reads the header of one block. - Returns: how many bytes of image and data it announces.
  @inline(__always) private func decodeBlock(
    _ id: Int, _ fields: inout FieldReader, _ lastLocator: inout RelationLocator?
  ) throws(WALProblem) -> Int {
    let byte = try fields.read(UInt8.self)
    let flags = BlockHeaderFlags(rawValue: byte & ~BlockHeaderFlags.forkMask)
    guard let fork = ForkNumber(rawValue: byte & BlockHeaderFlags.forkMask) else {
      throw WALProblem(.blockHeaders, "invalid fork number \(byte & BlockHeaderFlags.forkMask) at \(start)")
    }
    let dataLength = Int(try fields.read(UInt16.self))
    if flags.contains(.hasData), dataLength == 0 {
      throw WALProblem(.blockHeaders, "BKPBLOCK_HAS_DATA set, but no data included at \(start)")
    }
    if !flags.contains(.hasData), dataLength != 0 {
      throw WALProblem(.blockHeaders, "BKPBLOCK_HAS_DATA not set, but data length is \(dataLength) at \(start)")
    }
    let image = try flags.contains(.hasImage) ? decodeImage(&fields) : nil
    let locator: RelationLocator
    if !flags.contains(.sameRelation) {
      locator = try RelationLocator(
        tablespace: fields.read(UInt32.self), database: fields.read(UInt32.self), relNumber: fields.read(UInt32.self))
      lastLocator = locator
    } else if let lastLocator {
      locator = lastLocator
    } else {
      throw WALProblem(.blockHeaders, "BKPBLOCK_SAME_REL set but no previous rel at \(start)")
    }
    let block = BlockNumber(try fields.read(UInt32.self))
    // Only the length is known of the data; its place follows.
    addBlock().initialize(
      to: WALBlockReference(
        id: id, locator: locator, fork: fork, block: block, flags: flags, image: image,
        data: UnsafeRawBufferPointer(start: own.pointee.bytes, count: dataLength)))
    return dataLength + (image?.bytes.count ?? 0)
  }

  private func decodeImage(_ fields: inout FieldReader) throws(WALProblem) -> WALBlockImage {
    let length = Int(try fields.read(UInt16.self))
    let holeOffset = Int(try fields.read(UInt16.self))
    let flags = BlockImageFlags(rawValue: try fields.read(UInt8.self))
    let isCompressed = !flags.isDisjoint(with: .compressed)
    var holeLength = PageLayout.blockSize - length
    if isCompressed { holeLength = try flags.contains(.hasHole) ? Int(fields.read(UInt16.self)) : 0 }
    if flags.contains(.hasHole) {
      if holeOffset == 0 || holeLength <= 0 || holeOffset + holeLength > PageLayout.blockSize {
        throw WALProblem(
          .blockHeaders,
          "BKPIMAGE_HAS_HOLE set, but hole offset \(holeOffset) length \(holeLength) "
            + "block image length \(length) at \(start)")
      }
    } else if isCompressed {
      if holeOffset != 0 {
        throw WALProblem(
          .blockHeaders, "BKPIMAGE_HAS_HOLE not set, but hole offset \(holeOffset) length \(holeLength) at \(start)")
      }
    } else if holeOffset != 0 || holeLength != 0 {
      throw WALProblem(
        .blockHeaders,
        "neither BKPIMAGE_HAS_HOLE nor BKPIMAGE_COMPRESSED set, but block image length is \(length) at \(start)")
    }
    if isCompressed, length >= PageLayout.blockSize {
      throw WALProblem(.blockHeaders, "BKPIMAGE_COMPRESSED set, but block image length \(length) at \(start)")
    }
    return WALBlockImage(
      flags: flags, hole: holeOffset..<holeOffset + holeLength,
      bytes: UnsafeRawBufferPointer(start: own.pointee.bytes, count: length))
  }
}

/// Reads numbers one after another, and nothing beyond the record's end.
private struct FieldReader {
  private let bytes: UnsafeRawBufferPointer
  private var offset: Int
  private let record: LogSequenceNumber

  init(_ bytes: UnsafeRawBufferPointer, from offset: Int, record: LogSequenceNumber) {
    (self.bytes, self.offset, self.record) = (bytes, offset, record)
  }

  var remaining: Int { bytes.count - offset }

  @inline(__always) mutating func read<Value: FixedWidthInteger>(_ type: Value.Type) throws(WALProblem) -> Value {
    let size = MemoryLayout<Value>.size
    guard remaining >= size else { throw .invalidLength(at: record) }
    defer { offset += size }
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }
}
