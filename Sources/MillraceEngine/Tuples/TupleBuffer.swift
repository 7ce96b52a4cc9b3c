import MillraceStorage
public import MillraceTypes

/// Memory in which tuples are formed from datums, one after another: PostgreSQL's `heap_form_tuple`
/// (src/backend/access/common/heaptuple.c). Grows to the longest tuple and then allocates nothing. Used by one thread.
public final class TupleBuffer {
  private var memory: UnsafeMutableRawBufferPointer

  public init() { memory = .allocate(byteCount: PageLayout.blockSize, alignment: 8) }

  deinit { memory.deallocate() }

  /// Forms a tuple, however long.
  /// - Parameters:
  ///   - values: as many as there are columns.
  ///   - nulls: the same. Dropped columns are null, whatever this says.
  /// - Returns: the tuple, in this buffer: valid until the next. Its header says nothing of transactions yet.
  public func form(
    _ descriptor: TupleDescriptor, _ values: UnsafePointer<Datum>, _ nulls: UnsafePointer<Bool>
  ) -> HeapTuple {
    let columns = descriptor.columns
    precondition(!columns.isEmpty, "a tuple without columns is formed by formEmpty")
    let layout = TupleLayout(columns, values, nulls)
    reserve(layout.length)
    let bytes = UnsafeMutableRawBufferPointer(rebasing: memory[..<layout.length])
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    let tuple = HeapTuple(forming: bytes)
    var infomask: Infomask = layout.hasNulls ? .hasNull : []
    var offset = layout.dataOffset
    for index in columns.indices {
      if nulls[index] || columns[index].isDropped { continue }
      if layout.hasNulls { bytes[HeapTuple.headerSize + index / 8] |= 1 << UInt8(index % 8) }
      let column = columns[index]
      TupleLayout.place(values[index], column, at: &offset) { start in
        TupleLayout.store(values[index], column, bytes, at: start)
      }
      if column.length < 0 { infomask.insert(.hasVariableWidth) }
      if Varlena.isExternal(values[index], column) { infomask.insert(.hasExternal) }
    }
    tuple.infomask2 = Infomask2(rawValue: UInt16(columns.count))
    tuple.infomask = infomask
    tuple.dataOffset = layout.dataOffset
    tuple.identifier = TupleIdentifier(.invalid, 0)
    return tuple
  }

  /// Forms the tuple of a table without columns.
  public func formEmpty() -> HeapTuple {
    let length = PageLayout.aligned(HeapTuple.headerSize)
    let bytes = UnsafeMutableRawBufferPointer(rebasing: memory[..<length])
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    let tuple = HeapTuple(forming: bytes)
    tuple.dataOffset = length
    tuple.identifier = TupleIdentifier(.invalid, 0)
    return tuple
  }

  private func reserve(_ count: Int) {
    guard memory.count < count else { return }
    memory.deallocate()
    memory = .allocate(byteCount: max(count, memory.count * 2), alignment: 8)
  }
}

/// How long a tuple of certain values is, and where they go in it.
struct TupleLayout {
  let dataOffset: Int
  let hasNulls: Bool
  /// The tuple's.
  let length: Int

  init(_ columns: [ColumnDescriptor], _ values: UnsafePointer<Datum>, _ nulls: UnsafePointer<Bool>) {
    var hasNulls = false
    for index in columns.indices where nulls[index] || columns[index].isDropped { hasNulls = true }
    self.hasNulls = hasNulls
    dataOffset = PageLayout.aligned(HeapTuple.headerSize + (hasNulls ? (columns.count + 7) / 8 : 0))
    var offset = dataOffset
    for index in columns.indices where !nulls[index] && !columns[index].isDropped {
      Self.place(values[index], columns[index], at: &offset) { _ in }
    }
    length = offset
  }

  /// Finds out where a value goes, and moves on behind it.
  @inline(__always)
  static func place(
    _ datum: Datum, _ column: ColumnDescriptor, at offset: inout Int, _ body: (_ start: Int) -> Void
  ) {
    func align(to bytes: Int) { offset = (offset + bytes - 1) & ~(bytes - 1) }
    let size: Int
    switch column.length {
    case -1:
      if datum.isToasted {
        size = datum.count
        if datum.bytes[0] != 1 { align(to: column.alignment.bytes) }
      } else if datum.count <= Varlena.shortPayloadMax, column.storage != .plain {
        size = datum.count + 1
      } else {
        size = datum.count + 4
        align(to: column.alignment.bytes)
      }
    case -2:
      size = datum.count + 1
    default:
      size = Int(column.length)
      align(to: column.alignment.bytes)
    }
    body(offset)
    offset += size
  }

  /// Writes a value where it goes. What is there is zero.
  static func store(
    _ datum: Datum, _ column: ColumnDescriptor, _ tuple: UnsafeMutableRawBufferPointer, at start: Int
  ) {
    switch (column.length, column.isByValue) {
    case (1, true): tuple.storeBytes(of: datum.char, toByteOffset: start, as: UInt8.self)
    case (2, true): tuple.storeBytes(of: datum.int16, toByteOffset: start, as: Int16.self)
    case (4, true): tuple.storeBytes(of: datum.int32, toByteOffset: start, as: Int32.self)
    case (8, true): tuple.storeBytes(of: datum.int64, toByteOffset: start, as: Int64.self)
    case (-1, _) where !datum.isToasted:
      if datum.count <= Varlena.shortPayloadMax, column.storage != .plain {
        tuple[start] = UInt8(datum.count + 1) << 1 | 1
        copy(datum.bytes, tuple, at: start + 1)
      } else {
        tuple.storeBytes(of: UInt32(datum.count + 4) << 2, toByteOffset: start, as: UInt32.self)
        copy(datum.bytes, tuple, at: start + 4)
      }
    case (-1, _), (-2, _):
      copy(datum.bytes, tuple, at: start)
    default:
      // A name may be given without the zeros behind it.
      precondition(datum.count <= Int(column.length), "a value is longer than its column \(column.name)")
      copy(datum.bytes, tuple, at: start)
    }
  }

  private static func copy(_ bytes: ByteView, _ tuple: UnsafeMutableRawBufferPointer, at start: Int) {
    UnsafeMutableRawBufferPointer(rebasing: tuple[start..<start + bytes.count]).copyMemory(from: bytes.buffer)
  }
}

extension Varlena {
  static func isExternal(_ datum: Datum, _ column: ColumnDescriptor) -> Bool {
    column.length == -1 && isExternal(datum)
  }
}
