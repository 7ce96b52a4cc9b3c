public import MillraceStorage

/// Reads the fields of a C structure from a record's data, one after another: each starts at the next multiple of its
/// own size. Damaged data ends early and is never read beyond.
public struct PayloadReader {
  private let bytes: UnsafeRawBufferPointer
  public private(set) var offset = 0

  public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Bytes that have not been read.
  public var remaining: Int { bytes.count - offset }

  /// - Throws: ``RecoveryError`` `.corrupted` where the data is too short.
  public mutating func next<Field: FixedWidthInteger>(
    _ type: Field.Type = Field.self
  ) throws(RecoveryError) -> Field {
    let size = MemoryLayout<Field>.size
    let start = (offset + size - 1) / size * size
    guard start + size <= bytes.count else {
      throw RecoveryError(.corrupted, "a WAL record has \(bytes.count) bytes of data, which is too few")
    }
    offset = start + size
    return Field(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Field.self))
  }

  public mutating func nextPosition() throws(RecoveryError) -> LogSequenceNumber {
    LogSequenceNumber(try next(UInt64.self))
  }

  public mutating func nextFlag() throws(RecoveryError) -> Bool { try next(UInt8.self) != 0 }

  public mutating func nextLocator() throws(RecoveryError) -> RelationLocator {
    try RelationLocator(tablespace: next(UInt32.self), database: next(UInt32.self), relNumber: next(UInt32.self))
  }

  /// A setting of `wal_level`.
  mutating func nextWALLevel() throws(RecoveryError) -> ControlFile.WALLevel {
    let value = try next(UInt32.self)
    guard let level = ControlFile.WALLevel(rawValue: value) else {
      throw RecoveryError(.corrupted, "a WAL record has the wal_level \(value), which does not exist")
    }
    return level
  }
}
