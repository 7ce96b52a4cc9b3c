extension ControlFile.Checkpoint {
  /// Reads the data of a checkpoint's record in the log, as PostgreSQL 18 has it: `CheckPoint`
  /// (src/include/catalog/pg_control.h), 88 bytes.
  /// - Returns: nil where there are not so many.
  public init?(recordData bytes: UnsafeRawBufferPointer) {
    guard bytes.count == 88 else { return nil }
    func word(_ offset: Int) -> UInt32 { bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    func long(_ offset: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
    self.init(
      redo: LogSequenceNumber(long(0)), timeline: word(8), previousTimeline: word(12), fullPageWrites: bytes[16] != 0,
      nextXID: long(24), nextOID: word(32), nextMultiXact: word(36), nextMultiXactOffset: word(40),
      oldestXID: word(44), oldestXIDDatabase: word(48), oldestMultiXact: word(52), oldestMultiXactDatabase: word(56),
      time: Int64(bitPattern: long(64)), oldestCommitTimestampXID: word(72), newestCommitTimestampXID: word(76),
      oldestActiveXID: word(80))
  }
}

extension ControlFile.Settings {
  /// Reads the data of a record that says which settings hold from now on: `xl_parameter_change`
  /// (src/include/access/xlog_internal.h), 28 bytes with its padding.
  /// - Returns: nil where there are fewer, or where `wal_level` is one that does not exist.
  public init?(recordData bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 26 else { return nil }
    func number(_ offset: Int) -> Int32 { bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self) }
    guard let level = ControlFile.WALLevel(rawValue: UInt32(bitPattern: number(20))) else { return nil }
    self.init(
      walLevel: level, walLogHints: bytes[24] != 0, maxConnections: number(0), maxWorkerProcesses: number(4),
      maxWALSenders: number(8), maxPreparedTransactions: number(12), maxLocksPerTransaction: number(16),
      trackCommitTimestamp: bytes[25] != 0)
  }
}
