/// Makes the bytes of a control file, with every field at the offset that it has in PostgreSQL's C structure on x86-64.
///
/// The offsets are written out, not derived, so that they check the parser, which derives them.
struct ControlFileImage {
  var version: UInt32 = 1800
  var catalogVersion: UInt32 = 202_506_291
  var state: UInt32 = 1
  var walLevel: UInt32 = 1
  var maximumAlignment: UInt32 = 8
  var floatFormat = 1_234_567.0
  var blockSize: UInt32 = 8192
  var segmentBlocks: UInt32 = 131_072
  var walSegmentSize: UInt32 = 16 << 20
  var dataChecksumVersion: UInt32 = 1

  /// The control file of an otherwise ordinary cluster of that major version.
  init(majorVersion: Int = 18, segmentBlocks: UInt32 = 131_072) {
    let catalogVersions: [Int: UInt32] = [
      14: 202_107_181, 15: 202_209_061, 16: 202_307_071, 17: 202_406_281, 18: 202_506_291,
    ]
    version = majorVersion >= 18 ? 1800 : 1300
    catalogVersion = catalogVersions[majorVersion] ?? 0
    self.segmentBlocks = segmentBlocks
  }

  var bytes: [UInt8] {
    var image = Image()
    image.put(0x0123_4567_89AB_CDEF as UInt64, at: 0)  // system_identifier
    image.put(version, at: 8)
    image.put(catalogVersion, at: 12)
    image.put(state, at: 16)
    image.put(1_700_000_000 as Int64, at: 24)  // time
    image.put(0x1_0000_0028 as UInt64, at: 32)  // checkPoint
    putCheckpoint(&image)
    image.put(1000 as UInt64, at: 128)  // unloggedLSN
    image.put(0x2_0000_0000 as UInt64, at: 136)  // minRecoveryPoint
    image.put(3 as UInt32, at: 144)  // minRecoveryPointTLI
    image.put(0x2_0000_0028 as UInt64, at: 152)  // backupStartPoint
    image.put(0x2_0000_0050 as UInt64, at: 160)  // backupEndPoint
    image.put(1 as UInt8, at: 168)  // backupEndRequired
    putSettings(&image)
    image.put(maximumAlignment, at: 204)
    image.put(floatFormat.bitPattern, at: 208)
    image.put(blockSize, at: 216)
    image.put(segmentBlocks, at: 220)
    image.put(8192 as UInt32, at: 224)  // xlog_blcksz
    image.put(walSegmentSize, at: 228)
    image.put(64 as UInt32, at: 232)  // nameDataLen
    image.put(32 as UInt32, at: 236)  // indexMaxKeys
    image.put(1996 as UInt32, at: 240)  // toast_max_chunk_size
    image.put(2048 as UInt32, at: 244)  // loblksize
    image.put(1 as UInt8, at: 248)  // float8ByVal
    image.put(dataChecksumVersion, at: 252)
    if version >= 1800 {
      image.put(1 as UInt8, at: 256)  // default_char_signedness
    }
    for index in 0..<32 {
      image.put(UInt8(index + 1), at: (version >= 1800 ? 257 : 256) + index)  // mock_authentication_nonce
    }
    let crc = version >= 1800 ? 292 : 288
    image.put(Reference.crc32c(.max, image.bytes[..<crc]) ^ .max, at: crc)
    return image.bytes
  }

  private func putCheckpoint(_ image: inout Image) {
    image.put(0x1_0000_0010 as UInt64, at: 40)  // redo
    image.put(3 as UInt32, at: 48)  // ThisTimeLineID
    image.put(2 as UInt32, at: 52)  // PrevTimeLineID
    image.put(1 as UInt8, at: 56)  // fullPageWrites
    image.put(2 as UInt32, at: 60)  // wal_level since 17, padding before
    image.put(0x5_0000_02F0 as UInt64, at: 64)  // nextXid
    image.put(24_576 as UInt32, at: 72)  // nextOid
    image.put(5 as UInt32, at: 76)  // nextMulti
    image.put(6 as UInt32, at: 80)  // nextMultiOffset
    image.put(744 as UInt32, at: 84)  // oldestXid
    image.put(1 as UInt32, at: 88)  // oldestXidDB
    image.put(4 as UInt32, at: 92)  // oldestMulti
    image.put(16_384 as UInt32, at: 96)  // oldestMultiDB
    image.put(1_699_999_999 as Int64, at: 104)  // time
    image.put(745 as UInt32, at: 112)  // oldestCommitTsXid
    image.put(746 as UInt32, at: 116)  // newestCommitTsXid
    image.put(747 as UInt32, at: 120)  // oldestActiveXid
  }

  private func putSettings(_ image: inout Image) {
    image.put(walLevel, at: 172)
    image.put(1 as UInt8, at: 176)  // wal_log_hints
    image.put(101 as Int32, at: 180)  // MaxConnections
    image.put(9 as Int32, at: 184)  // max_worker_processes
    image.put(11 as Int32, at: 188)  // max_wal_senders
    image.put(2 as Int32, at: 192)  // max_prepared_xacts
    image.put(65 as Int32, at: 196)  // max_locks_per_xact
    image.put(1 as UInt8, at: 200)  // track_commit_timestamp
  }

  private struct Image {
    var bytes = [UInt8](repeating: 0, count: 8192)

    mutating func put(_ value: some FixedWidthInteger, at offset: Int) {
      withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(offset..<(offset + $0.count), with: $0) }
    }
  }
}
