/// Reads the fields of a log record, one after another, without alignment, as they were written.
struct RecordFields {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - position }

  mutating func next<Field: FixedWidthInteger & BitwiseCopyable>(
    _ type: Field.Type
  ) throws(EngineError) -> Field {
    let size = MemoryLayout<Field>.size
    guard remaining >= size else { throw Self.tooShort }
    defer { position += size }
    return bytes.loadUnaligned(fromByteOffset: position, as: type)
  }

  mutating func next(count: Int) throws(EngineError) -> UnsafeRawBufferPointer {
    guard count >= 0, remaining >= count else { throw Self.tooShort }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  /// Skips to the next multiple of a power of two, counted from the start.
  mutating func align(to size: Int) { position = min((position + size - 1) & ~(size - 1), bytes.count) }

  /// What has not been read.
  mutating func rest() -> UnsafeRawBufferPointer {
    defer { position = bytes.count }
    return UnsafeRawBufferPointer(rebasing: bytes[position...])
  }

  private static let tooShort = EngineError(.corrupted, "a WAL record is too short for what it says")
}
