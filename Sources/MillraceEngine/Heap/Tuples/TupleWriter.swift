import MillraceStorage

/// Forms a tuple, column by column, in memory that the caller gives: PostgreSQL's `heap_form_tuple`
/// (src/backend/access/common/heaptuple.c).
///
/// ```swift
/// var writer = TupleWriter(memory, attributeCount: 2)
/// writer.append(42 as Int32)
/// writer.append(text: name.utf8)
/// let tuple = try writer.finish()
/// ```
///
/// What does not fit is counted and not written, so that ``finish()`` can say how long the row would have been. Nothing
/// allocates.
public struct TupleWriter {
  private let memory: UnsafeMutableRawBufferPointer
  private let attributeCount: Int
  private let dataOffset: Int
  private var position: Int
  private var column = 0
  private var infomask: Infomask = []

  /// - Parameters:
  ///   - memory: aligned to eight bytes; ``HeapPage/tupleLengthMax`` of them are enough for every row that fits a page.
  ///   - attributeCount: columns, all of which are then appended. At most 1600.
  ///   - hasNulls: whether some of them will be null.
  public init(_ memory: UnsafeMutableRawBufferPointer, attributeCount: Int, hasNulls: Bool = false) {
    precondition((1...1600).contains(attributeCount), "a row has 1 to 1600 columns")
    let bitmap = hasNulls ? (attributeCount + 7) / 8 : 0
    dataOffset = PageLayout.aligned(HeapTuple.headerSize + bitmap)
    precondition(memory.count >= dataOffset, "there is no room for a tuple's header")
    (self.memory, self.attributeCount, position) = (memory, attributeCount, dataOffset)
    UnsafeMutableRawBufferPointer(rebasing: memory[..<dataOffset]).initializeMemory(as: UInt8.self, repeating: 0)
    if hasNulls { infomask = .hasNull }
  }

  /// Appends a value of fixed width, aligned to its own size: int2, int4, int8, float4, float8, bool, oid.
  public mutating func append(_ value: some FixedWidthInteger & BitwiseCopyable) {
    let size = MemoryLayout.size(ofValue: value)
    align(to: size)
    if fits(size) { memory.storeBytes(of: value, toByteOffset: position, as: type(of: value)) }
    position += size
    noteValue()
  }

  /// Appends a value of variable width: text, bytea, numeric. Short ones have one byte of length and no alignment, as
  /// PostgreSQL stores them.
  public mutating func append(text bytes: some Collection<UInt8>) {
    let count = bytes.count
    if count <= 126 {
      if fits(1) { memory[position] = UInt8(count + 1) << 1 | 1 }
      position += 1
    } else {
      align(to: 4)
      if fits(4) { memory.storeBytes(of: UInt32(count + 4) << 2, toByteOffset: position, as: UInt32.self) }
      position += 4
    }
    if fits(count) {
      UnsafeMutableRawBufferPointer(rebasing: memory[position..<position + count]).copyBytes(from: bytes)
    }
    position += count
    infomask.insert(.hasVariableWidth)
    noteValue()
  }

  /// Appends a null.
  /// - Precondition: the writer was made for a row with nulls.
  public mutating func appendNull() {
    precondition(infomask.contains(.hasNull), "a null in a row that was to have none")
    column += 1
  }

  /// Ends the tuple: its header says nothing of transactions yet.
  /// - Throws: ``EngineError`` where it is longer than a page can hold.
  /// - Precondition: as many columns were appended as the row has.
  public func finish() throws(EngineError) -> HeapTuple {
    precondition(column == attributeCount, "a row has another number of columns")
    guard position <= min(memory.count, HeapPage.tupleLengthMax) else {
      throw .rowTooBig(position)
    }
    let tuple = HeapTuple(forming: UnsafeMutableRawBufferPointer(rebasing: memory[..<position]))
    tuple.infomask2 = Infomask2(rawValue: UInt16(attributeCount))
    tuple.infomask = infomask
    tuple.dataOffset = dataOffset
    tuple.identifier = TupleIdentifier(.invalid, 0)
    return tuple
  }

  private mutating func noteValue() {
    precondition(column < attributeCount, "a row has more columns than it was to have")
    if infomask.contains(.hasNull) { memory[HeapTuple.headerSize + column / 8] |= 1 << UInt8(column % 8) }
    column += 1
  }

  private func fits(_ count: Int) -> Bool { position + count <= memory.count }

  /// Padding is zero: two rows of the same values have the same bytes.
  private mutating func align(to size: Int) {
    while position & (size - 1) != 0 {
      if fits(1) { memory[position] = 0 }
      position += 1
    }
  }
}
