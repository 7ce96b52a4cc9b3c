extension ControlFile {
  /// Bytes of the file. PostgreSQL keeps it that long in every version, and uses only the start of it.
  public static let fileSize = 8192

  /// How many bytes a supported version uses at the most.
  private static let usedSize = 296

  /// Reads the contents of a control file and checks that Millrace can work with what it describes.
  ///
  /// The layout is that of the C structure on a 64-bit little-endian machine. The versions differ in one field.
  public init(parsing bytes: UnsafeRawBufferPointer) throws(ControlFileError) {
    guard bytes.count >= Self.usedSize else {
      throw .tooShort(length: bytes.count, needed: Self.usedSize)
    }
    var fields = FieldReader(bytes)

    systemIdentifier = fields.next()
    version = fields.next()
    catalogVersion = fields.next()
    // A version is a small number. In the other byte order it is a multiple of 65536.
    guard version == 0 || version % 65536 != 0 else { throw .wrongByteOrder(version: version) }
    guard version == 1300 || version == 1800 else { throw .unsupportedVersion(version) }

    let stateNumber: UInt32 = fields.next()
    modificationTime = fields.next()
    checkpointLocation = fields.next()
    checkpoint = Checkpoint(&fields)
    unloggedLSN = fields.next()
    recovery = Recovery(&fields)
    let walLevelNumber: UInt32 = fields.next()
    let settings = RawSettings(&fields)

    maximumAlignment = fields.next()
    let floatBits: UInt64 = fields.next()
    blockSize = fields.next()
    segmentBlocks = fields.next()
    walBlockSize = fields.next()
    walSegmentSize = fields.next()
    nameLength = fields.next()
    maximumIndexKeys = fields.next()
    toastChunkSize = fields.next()
    largeObjectChunkSize = fields.next()
    float8PassedByValue = fields.next()
    dataChecksumVersion = fields.next()
    charIsSigned = version >= 1800 ? fields.next() : nil
    authenticationNonce = fields.bytes(32)

    let used = fields.offset(ofNext: UInt32.self)
    let storedCRC: UInt32 = fields.next()
    let computedCRC = CRC32C.compute(UnsafeRawBufferPointer(rebasing: bytes[..<used]))
    guard storedCRC == computedCRC else { throw .checksumMismatch(stored: storedCRC, computed: computedCRC) }

    guard let state = State(rawValue: stateNumber) else {
      throw .invalidField(name: "cluster state", value: UInt64(stateNumber))
    }
    guard let walLevel = WALLevel(rawValue: walLevelNumber) else {
      throw .invalidField(name: "wal_level", value: UInt64(walLevelNumber))
    }
    self.state = state
    self.settings = settings.with(walLevel)
    try checkCompatibility(floatBits: floatBits)
  }

  private func checkCompatibility(floatBits: UInt64) throws(ControlFileError) {
    guard maximumAlignment == PageLayout.maximumAlignment else { throw .unsupportedAlignment(maximumAlignment) }
    guard floatBits == (1234567.0).bitPattern else { throw .unsupportedFloatFormat(bits: floatBits) }
    guard blockSize == PageLayout.blockSize else { throw .unsupportedBlockSize(blockSize) }
    guard dataChecksumVersion <= 1 else { throw .unsupportedChecksumVersion(dataChecksumVersion) }
    guard segmentBlocks > 0, segmentBlocks <= BlockNumber.max.rawValue else {
      throw .invalidField(name: "blocks per segment", value: UInt64(segmentBlocks))
    }
    // Between 1 MiB and 1 GiB, a power of two: PostgreSQL's IsValidWalSegSize.
    guard (1 << 20...1 << 30).contains(walSegmentSize), walSegmentSize.nonzeroBitCount == 1 else {
      throw .invalidField(name: "bytes per WAL segment", value: UInt64(walSegmentSize))
    }
  }
}

extension ControlFile.Checkpoint {
  fileprivate init(_ fields: inout FieldReader) {
    fields.align(to: 8)
    redo = fields.next()
    timeline = fields.next()
    previousTimeline = fields.next()
    fullPageWrites = fields.next()
    // PostgreSQL 17 put wal_level into what was padding before; the cluster's own setting stands further down.
    _ = fields.next() as UInt32
    nextXID = fields.next()
    nextOID = fields.next()
    nextMultiXact = fields.next()
    nextMultiXactOffset = fields.next()
    oldestXID = fields.next()
    oldestXIDDatabase = fields.next()
    oldestMultiXact = fields.next()
    oldestMultiXactDatabase = fields.next()
    time = fields.next()
    oldestCommitTimestampXID = fields.next()
    newestCommitTimestampXID = fields.next()
    oldestActiveXID = fields.next()
    fields.align(to: 8)
  }
}

extension ControlFile.Recovery {
  fileprivate init(_ fields: inout FieldReader) {
    minimumPoint = fields.next()
    minimumPointTimeline = fields.next()
    backupStartPoint = fields.next()
    backupEndPoint = fields.next()
    backupEndRequired = fields.next()
  }
}

/// The settings behind `wal_level`, which is checked only after the CRC was.
private struct RawSettings {
  let walLogHints: Bool
  let maxConnections: Int32
  let maxWorkerProcesses: Int32
  let maxWALSenders: Int32
  let maxPreparedTransactions: Int32
  let maxLocksPerTransaction: Int32
  let trackCommitTimestamp: Bool

  init(_ fields: inout FieldReader) {
    walLogHints = fields.next()
    maxConnections = fields.next()
    maxWorkerProcesses = fields.next()
    maxWALSenders = fields.next()
    maxPreparedTransactions = fields.next()
    maxLocksPerTransaction = fields.next()
    trackCommitTimestamp = fields.next()
  }

  func with(_ walLevel: ControlFile.WALLevel) -> ControlFile.Settings {
    ControlFile.Settings(
      walLevel: walLevel, walLogHints: walLogHints, maxConnections: maxConnections,
      maxWorkerProcesses: maxWorkerProcesses, maxWALSenders: maxWALSenders,
      maxPreparedTransactions: maxPreparedTransactions, maxLocksPerTransaction: maxLocksPerTransaction,
      trackCommitTimestamp: trackCommitTimestamp)
  }
}

/// Reads the fields of a C structure one after another: each starts at the next multiple of its own size.
private struct FieldReader {
  private let base: UnsafeRawBufferPointer
  private var offset = 0

  init(_ base: UnsafeRawBufferPointer) {
    self.base = base
  }

  func offset<Field>(ofNext type: Field.Type) -> Int {
    let size = MemoryLayout<Field>.size
    return (offset + size - 1) / size * size
  }

  mutating func align(to size: Int) {
    offset = (offset + size - 1) / size * size
  }

  mutating func next<Field: FixedWidthInteger>() -> Field {
    offset = offset(ofNext: Field.self)
    defer { offset += MemoryLayout<Field>.size }
    return Field(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Field.self))
  }

  mutating func next() -> Bool {
    let byte: UInt8 = next()
    return byte != 0
  }

  mutating func next() -> LogSequenceNumber {
    LogSequenceNumber(next() as UInt64)
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    defer { offset += count }
    return Array(base[offset..<(offset + count)])
  }
}
