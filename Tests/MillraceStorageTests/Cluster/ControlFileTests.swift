import MillraceStorage
import Testing

@Suite struct ControlFileTests {
  static func parse(_ bytes: [UInt8]) -> Result<ControlFile, ControlFileError> {
    bytes.withUnsafeBytes { bytes in
      do throws(ControlFileError) {
        return .success(try ControlFile(parsing: bytes))
      } catch {
        return .failure(error)
      }
    }
  }

  static func parse(_ image: ControlFileImage) -> Result<ControlFile, ControlFileError> { parse(image.bytes) }

  @Test(arguments: 14...18)
  func `every field is read from its place`(majorVersion: Int) throws {
    let control = try Self.parse(ControlFileImage(majorVersion: majorVersion)).get()
    #expect(control.systemIdentifier == 0x0123_4567_89AB_CDEF)
    #expect(control.version == (majorVersion == 18 ? 1800 : 1300))
    #expect(control.state == .shutDown && control.state.isClean)
    #expect(control.modificationTime == 1_700_000_000)
    #expect(control.checkpointLocation == LogSequenceNumber(0x1_0000_0028))
    #expect(control.unloggedLSN == LogSequenceNumber(1000))
    #expect(control.maximumAlignment == 8 && control.blockSize == 8192 && control.segmentBlocks == 131_072)
    #expect(control.walBlockSize == 8192 && control.walSegmentSize == 16 << 20)
    #expect(control.nameLength == 64 && control.maximumIndexKeys == 32)
    #expect(control.toastChunkSize == 1996 && control.largeObjectChunkSize == 2048)
    #expect(control.float8PassedByValue && control.dataChecksumVersion == 1 && control.checksumsEnabled)
    #expect(control.charIsSigned == (majorVersion == 18 ? true : nil))
    #expect(control.authenticationNonce == Array(1...32))
  }

  @Test func `the checkpoint, recovery points and settings are read from their places`() throws {
    let control = try Self.parse(ControlFileImage()).get()
    let checkpoint = control.checkpoint
    #expect(checkpoint.redo.description == "1/10")
    #expect(checkpoint.timeline == 3 && checkpoint.previousTimeline == 2 && checkpoint.fullPageWrites)
    #expect(checkpoint.nextXID == 0x5_0000_02F0 && checkpoint.nextOID == 24_576)
    #expect(checkpoint.nextMultiXact == 5 && checkpoint.nextMultiXactOffset == 6)
    #expect(checkpoint.oldestXID == 744 && checkpoint.oldestXIDDatabase == 1)
    #expect(checkpoint.oldestMultiXact == 4 && checkpoint.oldestMultiXactDatabase == 16_384)
    #expect(checkpoint.time == 1_699_999_999 && checkpoint.oldestActiveXID == 747)
    #expect(checkpoint.oldestCommitTimestampXID == 745 && checkpoint.newestCommitTimestampXID == 746)

    #expect(control.recovery.minimumPoint.description == "2/0" && control.recovery.minimumPointTimeline == 3)
    #expect(control.recovery.backupStartPoint.description == "2/28")
    #expect(control.recovery.backupEndPoint.description == "2/50" && control.recovery.backupEndRequired)

    let settings = control.settings
    #expect(settings.walLevel == .replica && settings.walLogHints && settings.maxConnections == 101)
    #expect(settings.maxWorkerProcesses == 9 && settings.maxWALSenders == 11)
    #expect(settings.maxPreparedTransactions == 2 && settings.maxLocksPerTransaction == 65)
    #expect(settings.trackCommitTimestamp)
  }

  @Test(arguments: [15, 18])
  func `every flipped bit of the used part is found`(majorVersion: Int) {
    let bytes = ControlFileImage(majorVersion: majorVersion).bytes
    let used = majorVersion == 18 ? 296 : 292
    for bit in 0..<(used * 8) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << (bit % 8)
      guard case .failure = Self.parse(damaged) else {
        Issue.record("bit \(bit) was not missed")
        continue
      }
    }
    // What follows is not covered: PostgreSQL writes zeros there and never looks.
    var damaged = bytes
    damaged[used] ^= 1
    #expect(throws: Never.self) { try Self.parse(damaged).get() }
  }

  @Test func `a wrong CRC is an error with both values`() {
    var bytes = ControlFileImage().bytes
    let stored = UInt32(bytes[292]) | UInt32(bytes[293]) << 8 | UInt32(bytes[294]) << 16 | UInt32(bytes[295]) << 24
    bytes[0] ^= 1
    let computed = Reference.crc32c(.max, bytes[..<292]) ^ .max
    #expect(Self.parse(bytes) == .failure(.checksumMismatch(stored: stored, computed: computed)))
  }

  @Test(arguments: [0, 1, 8, 295])
  func `a short file is an error with its length`(length: Int) {
    let bytes = Array(ControlFileImage().bytes.prefix(length))
    #expect(Self.parse(bytes) == .failure(.tooShort(length: length, needed: 296)))
  }

  @Test func `the other byte order is recognized before anything else is believed`() {
    var image = ControlFileImage()
    image.version = UInt32(1800).byteSwapped
    #expect(Self.parse(image) == .failure(.wrongByteOrder(version: UInt32(1800).byteSwapped)))
  }

  @Test(arguments: [0, 1100, 1201, 1299, 1301, 1900] as [UInt32])
  func `other versions are refused by number`(version: UInt32) {
    var image = ControlFileImage()
    image.version = version
    #expect(Self.parse(image) == .failure(.unsupportedVersion(version)))
  }

  @Test func `what the cluster was built with must be what is supported`() {
    func error(_ change: (inout ControlFileImage) -> Void) -> ControlFileError? {
      var image = ControlFileImage()
      change(&image)
      guard case .failure(let error) = Self.parse(image) else { return nil }
      return error
    }
    #expect(error { $0.blockSize = 16_384 } == .unsupportedBlockSize(16_384))
    #expect(error { $0.maximumAlignment = 4 } == .unsupportedAlignment(4))
    #expect(error { $0.floatFormat = 1.5 } == .unsupportedFloatFormat(bits: (1.5).bitPattern))
    #expect(error { $0.dataChecksumVersion = 2 } == .unsupportedChecksumVersion(2))
    #expect(error { $0.dataChecksumVersion = 0 } == nil)
    #expect(error { $0.segmentBlocks = 0 } == .invalidField(name: "blocks per segment", value: 0))
    #expect(error { $0.segmentBlocks = 6 } == nil)
    for size in [0, 1 << 19, (1 << 20) + 1, 1 << 31] as [UInt32] {
      #expect(
        error { $0.walSegmentSize = size } == .invalidField(name: "bytes per WAL segment", value: UInt64(size)))
    }
    #expect(error { $0.walSegmentSize = 1 << 30 } == nil)
    #expect(error { $0.state = 7 } == .invalidField(name: "cluster state", value: 7))
    #expect(error { $0.walLevel = 3 } == .invalidField(name: "wal_level", value: 3))
  }
}
