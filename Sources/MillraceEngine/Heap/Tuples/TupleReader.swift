import MillraceStorage

/// Takes a tuple apart, column by column: PostgreSQL's `heap_deform_tuple`. The reader of what ``TupleWriter`` writes,
/// and of PostgreSQL's own tuples of these types.
///
/// Reads in place, allocates nothing, and never outside the tuple: where a tuple ends early, its columns are null, as
/// those are that were added to a table later.
public struct TupleReader {
  private let tuple: HeapTuple
  private var position: Int
  private var column = 0

  public init(_ tuple: HeapTuple) {
    self.tuple = tuple
    position = tuple.dataOffset
  }

  /// The next column, of fixed width; nil where it is null.
  public mutating func next<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) -> Value? {
    guard !takeNull() else { return nil }
    let size = MemoryLayout<Value>.size
    position = (position + size - 1) & ~(size - 1)
    guard position + size <= tuple.bytes.count else { return nil }
    defer { position += size }
    return tuple.bytes.loadUnaligned(fromByteOffset: position, as: type)
  }

  /// The bytes of the next column, of variable width, in the tuple; nil where it is null, compressed or out of line.
  public mutating func nextText() -> UnsafeRawBufferPointer? {
    guard !takeNull(), position < tuple.bytes.count else { return nil }
    // A zero can only be padding before a length of four bytes: no value has a first byte of zero.
    if tuple.bytes[position] == 0 { position = (position + 3) & ~3 }
    guard position < tuple.bytes.count else { return nil }
    let first = tuple.bytes[position]
    if first & 1 == 1 {
      guard first != 1 else { return nil }
      return take(from: position + 1, count: Int(first >> 1) - 1)
    }
    guard position + 4 <= tuple.bytes.count else { return nil }
    let word = tuple.bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)
    guard word & 3 == 0 else { return nil }
    return take(from: position + 4, count: Int(word >> 2) - 4)
  }

  private mutating func take(from start: Int, count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, start + count <= tuple.bytes.count else { return nil }
    position = start + count
    return UnsafeRawBufferPointer(rebasing: tuple.bytes[start..<start + count])
  }

  /// Whether the next column is null; then it is passed.
  private mutating func takeNull() -> Bool {
    defer { column += 1 }
    if column >= tuple.infomask2.attributeCount { return true }
    guard tuple.infomask.contains(.hasNull) else { return false }
    let place = HeapTuple.headerSize + column / 8
    return place >= tuple.dataOffset || tuple.bytes[place] >> UInt8(column % 8) & 1 == 0
  }
}

@available(*, unavailable, message: "a tuple reader borrows memory that only its user keeps alive")
extension TupleReader: Sendable {}
