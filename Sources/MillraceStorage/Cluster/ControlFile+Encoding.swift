extension ControlFile {
  /// PostgreSQL 18's CATALOG_VERSION_NO (src/include/catalog/catversion.h).
  public static let catalogVersionOf18: UInt32 = 202_506_291
  /// The directory of PostgreSQL 18's relations inside each tablespace.
  public static let versionDirectoryOf18 = "PG_18_\(catalogVersionOf18)"

  /// The control file of a cluster as PostgreSQL 18's `initdb` leaves it: made, shut down, nothing in it yet.
  ///
  /// - Parameters:
  ///   - systemIdentifier: What no other cluster has.
  ///   - time: When it is made, in seconds since 1970.
  ///   - checksums: Whether pages carry checksums.
  ///   - segmentBlocks: Blocks of a full segment.
  public init(newCluster systemIdentifier: UInt64, time: Int64, checksums: Bool = true, segmentBlocks: UInt32 = 131_072)
  {
    self.systemIdentifier = systemIdentifier
    version = 1800
    catalogVersion = Self.catalogVersionOf18
    state = .shutDown
    modificationTime = time
    // The first record behind the long header of the first WAL segment that a cluster uses.
    checkpointLocation = LogSequenceNumber(0x100_0028)
    checkpoint = Checkpoint(newClusterAt: time, location: LogSequenceNumber(0x100_0028))
    // PostgreSQL's FirstNormalUnloggedLSN.
    unloggedLSN = LogSequenceNumber(1000)
    recovery = Recovery(
      minimumPoint: .invalid, minimumPointTimeline: 0, backupStartPoint: .invalid, backupEndPoint: .invalid,
      backupEndRequired: false)
    settings = Settings(
      walLevel: .replica, walLogHints: false, maxConnections: 100, maxWorkerProcesses: 8, maxWALSenders: 10,
      maxPreparedTransactions: 0, maxLocksPerTransaction: 64, trackCommitTimestamp: false)
    maximumAlignment = UInt32(PageLayout.maximumAlignment)
    blockSize = UInt32(PageLayout.blockSize)
    self.segmentBlocks = segmentBlocks
    walBlockSize = 8192
    walSegmentSize = 16 << 20
    nameLength = 64
    maximumIndexKeys = 32
    toastChunkSize = 1996
    largeObjectChunkSize = 2048
    float8PassedByValue = true
    dataChecksumVersion = checksums ? 1 : 0
    charIsSigned = true
    // Nobody logs in to a cluster that has no catalogs.
    authenticationNonce = [UInt8](repeating: 0, count: 32)
  }

  /// The bytes of the file, ``fileSize`` of them, with their CRC: the inverse of ``init(parsing:)``.
  ///
  /// A file that was read from disk and is encoded again is the same to every reader; only padding, and before
  /// PostgreSQL 17 nothing else, may differ.
  public func encoded() -> [UInt8] {
    var fields = FieldWriter(size: Self.fileSize)
    fields.append(systemIdentifier)
    fields.append(version)
    fields.append(catalogVersion)
    fields.append(state.rawValue)
    fields.append(modificationTime)
    fields.append(checkpointLocation)
    // Since PostgreSQL 17 the record says which wal_level it was written under.
    checkpoint.append(to: &fields, walLevel: catalogVersion >= 202_406_281 ? settings.walLevel.rawValue : 0)
    fields.append(unloggedLSN)
    recovery.append(to: &fields)
    settings.append(to: &fields)
    fields.append(maximumAlignment)
    // By which a reader sees that the machine's floating-point numbers are those of the writer.
    fields.append((1234567.0).bitPattern)
    fields.append(blockSize)
    fields.append(segmentBlocks)
    fields.append(walBlockSize)
    fields.append(walSegmentSize)
    fields.append(nameLength)
    fields.append(maximumIndexKeys)
    fields.append(toastChunkSize)
    fields.append(largeObjectChunkSize)
    fields.append(float8PassedByValue)
    fields.append(dataChecksumVersion)
    if version >= 1800 { fields.append(charIsSigned ?? true) }
    fields.append(authenticationNonce)
    return fields.finish()
  }
}

extension ControlFile {
  /// Puts the one checkpoint of a new cluster elsewhere: behind the header of its first WAL segment, whatever the size
  /// of that.
  public mutating func setFirstPosition(_ position: LogSequenceNumber) {
    checkpointLocation = position
    checkpoint.redo = position
  }
}

extension ControlFile.Checkpoint {
  /// Bytes of a checkpoint's record: `sizeof(CheckPoint)`.
  public static let recordSize = 88

  /// What a checkpoint's record in the log holds.
  public func recordData(walLevel: ControlFile.WALLevel) -> [UInt8] {
    var fields = FieldWriter(size: Self.recordSize)
    append(to: &fields, walLevel: walLevel.rawValue)
    return fields.bytes
  }

  fileprivate init(newClusterAt time: Int64, location: LogSequenceNumber) {
    redo = location
    timeline = 1
    previousTimeline = 1
    fullPageWrites = true
    // FirstNormalTransactionId, FirstGenbkiObjectId, FirstMultiXactId; the oldest database is template1.
    nextXID = 3
    nextOID = 10_000
    nextMultiXact = 1
    nextMultiXactOffset = 0
    oldestXID = 3
    oldestXIDDatabase = 1
    oldestMultiXact = 1
    oldestMultiXactDatabase = 1
    self.time = time
    oldestCommitTimestampXID = 0
    newestCommitTimestampXID = 0
    oldestActiveXID = 0
  }

  fileprivate func append(to fields: inout FieldWriter, walLevel: UInt32) {
    fields.align(to: 8)
    fields.append(redo)
    fields.append(timeline)
    fields.append(previousTimeline)
    fields.append(fullPageWrites)
    fields.append(walLevel)
    fields.append(nextXID)
    fields.append(nextOID)
    fields.append(nextMultiXact)
    fields.append(nextMultiXactOffset)
    fields.append(oldestXID)
    fields.append(oldestXIDDatabase)
    fields.append(oldestMultiXact)
    fields.append(oldestMultiXactDatabase)
    fields.append(time)
    fields.append(oldestCommitTimestampXID)
    fields.append(newestCommitTimestampXID)
    fields.append(oldestActiveXID)
    fields.align(to: 8)
  }
}

extension ControlFile.Recovery {
  fileprivate func append(to fields: inout FieldWriter) {
    fields.append(minimumPoint)
    fields.append(minimumPointTimeline)
    fields.append(backupStartPoint)
    fields.append(backupEndPoint)
    fields.append(backupEndRequired)
  }
}

extension ControlFile.Settings {
  fileprivate func append(to fields: inout FieldWriter) {
    fields.append(walLevel.rawValue)
    fields.append(walLogHints)
    fields.append(maxConnections)
    fields.append(maxWorkerProcesses)
    fields.append(maxWALSenders)
    fields.append(maxPreparedTransactions)
    fields.append(maxLocksPerTransaction)
    fields.append(trackCommitTimestamp)
  }
}

/// Writes the fields of a C structure one after another: each starts at the next multiple of its own size.
private struct FieldWriter {
  private(set) var bytes: [UInt8] = []
  private let size: Int

  init(size: Int) {
    self.size = size
    bytes.reserveCapacity(size)
  }

  mutating func align(to size: Int) {
    while bytes.count % size != 0 { bytes.append(0) }
  }

  mutating func append<Field: FixedWidthInteger>(_ value: Field) {
    align(to: MemoryLayout<Field>.size)
    for shift in stride(from: 0, to: Field.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> Field(shift)))
    }
  }

  mutating func append(_ value: Bool) { bytes.append(value ? 1 : 0) }

  mutating func append(_ value: LogSequenceNumber) { append(value.rawValue) }

  mutating func append(_ value: [UInt8]) { bytes += value }

  /// Puts the CRC of all fields behind them, and zeros behind that.
  consuming func finish() -> [UInt8] {
    align(to: 4)
    append(bytes.withUnsafeBytes { CRC32C.compute($0) })
    return bytes + [UInt8](repeating: 0, count: size - bytes.count)
  }
}
