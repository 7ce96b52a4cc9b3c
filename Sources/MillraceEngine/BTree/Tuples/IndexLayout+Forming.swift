import MillraceTypes
import MillraceStorage

/// From values to tuples, and from tuples to the pivots that separate them.
extension IndexLayout {
  /// Forms a tuple: `index_form_tuple` (src/backend/access/common/indextuple.c).
  /// - Parameters:
  ///   - values: one for each column.
  ///   - nulls: a bit for each column that is null.
  ///   - count: columns to take; the rest is left out.
  ///   - memory: aligned to eight bytes; a page's size is enough for what can be inserted.
  /// - Throws: ``EngineError`` where it is longer than that memory or than an index tuple can be.
  func form(
    _ values: UnsafePointer<Datum>, nulls: UInt32, count: Int, _ heapTID: HeapTID,
    in memory: UnsafeMutableRawBufferPointer
  ) throws(EngineError) -> IndexTuple {
    let hasNulls = nulls & (count == 32 ? .max : (1 << UInt32(count)) - 1) != 0
    let start = hasNulls ? IndexTuple.headerSizeWithNulls : IndexTuple.headerSize
    let length = PageLayout.aligned(formedLength(values, nulls: nulls, count: count, from: start))
    guard length <= min(memory.count, Int(IndexTuple.Info.sizeMask)), let base = memory.baseAddress else {
      throw EngineError(
        .rowTooBig, "index row requires \(length) bytes, maximum size is \(IndexTuple.Info.sizeMask)")
    }
    base.initializeMemory(as: UInt8.self, repeating: 0, count: length)
    var info = UInt16(length)
    if hasNulls { info |= IndexTuple.Info.hasNulls }
    var position = start
    for number in 0..<count {
      if nulls >> UInt32(number) & 1 == 1 { continue }
      if hasNulls {
        let place = IndexTuple.headerSize + number / 8
        base.storeBytes(
          of: base.load(fromByteOffset: place, as: UInt8.self) | 1 << UInt8(number % 8), toByteOffset: place,
          as: UInt8.self)
      }
      if columns[number].width < 0 { info |= IndexTuple.Info.hasVariableWidth }
      position = store(values[number], columns[number], to: base, at: position)
    }
    base.storeBytes(of: info, toByteOffset: 6, as: UInt16.self)
    heapTID.store(to: base)
    return IndexTuple(base, limit: length)
  }

  private func formedLength(_ values: UnsafePointer<Datum>, nulls: UInt32, count: Int, from start: Int) -> Int {
    var position = start
    for number in 0..<count where nulls >> UInt32(number) & 1 == 0 {
      let column = columns[number]
      let bytes = values[number].bytesOfReference(column.isByValue)
      switch column.width {
      case -2: position += Self.lengthBeforeZero(bytes) + 1
      case -1 where values[number].isToasted: position = aligned(position, column) + bytes.count
      case -1 where column.canBeShort && bytes.count <= 126: position += bytes.count + 1
      case -1: position = aligned(position, column) + 4 + bytes.count
      default: position = aligned(position, column) + column.width
      }
    }
    return position
  }

  @inline(__always) private func aligned(_ position: Int, _ column: Column) -> Int {
    (position + column.alignment - 1) & ~(column.alignment - 1)
  }

  private static func lengthBeforeZero(_ bytes: ByteView) -> Int { bytes.firstIndex(of: 0) ?? bytes.count }

  /// Writes a value. - Returns: where the next one may start.
  private func store(_ value: Datum, _ column: Column, to base: UnsafeMutableRawPointer, at position: Int) -> Int {
    let bytes = value.bytesOfReference(column.isByValue)
    switch column.width {
    case -2:
      let count = Self.lengthBeforeZero(bytes)
      (base + position).copyBytes(bytes, count: count)
      return position + count + 1
    case -1 where value.isToasted:
      let start = aligned(position, column)
      (base + start).copyBytes(bytes, count: bytes.count)
      return start + bytes.count
    case -1 where column.canBeShort && bytes.count <= 126:
      base.storeBytes(of: UInt8(bytes.count + 1) << 1 | 1, toByteOffset: position, as: UInt8.self)
      (base + position + 1).copyBytes(bytes, count: bytes.count)
      return position + 1 + bytes.count
    case -1:
      let start = aligned(position, column)
      base.storeBytes(of: UInt32(bytes.count + 4) << 2, toByteOffset: start, as: UInt32.self)
      (base + start + 4).copyBytes(bytes, count: bytes.count)
      return start + 4 + bytes.count
    default:
      let start = aligned(position, column)
      guard column.isByValue else {
        (base + start).copyBytes(bytes, count: min(bytes.count, column.width))
        return start + column.width
      }
      switch column.width {
      case 8: base.storeBytes(of: value.int64, toByteOffset: start, as: Int64.self)
      case 4: base.storeBytes(of: value.int32, toByteOffset: start, as: Int32.self)
      case 2: base.storeBytes(of: value.int16, toByteOffset: start, as: Int16.self)
      default: base.storeBytes(of: value.char, toByteOffset: start, as: UInt8.self)
      }
      return start + column.width
    }
  }

  /// Takes a tuple apart.
  /// - Parameter values: room for as many columns as the tuple has.
  /// - Returns: a bit for each column that is null.
  @discardableResult
  func deform(_ tuple: IndexTuple, count: Int, into values: UnsafeMutablePointer<Datum>) -> UInt32 {
    var reader = IndexTupleReader(tuple, self)
    var nulls: UInt32 = 0
    for number in 0..<count {
      if let value = reader.next() {
        (values + number).initialize(to: value)
      } else {
        (values + number).initialize(to: Datum(word: 0))
        nulls |= 1 << UInt32(number)
      }
    }
    return nulls
  }

  // MARK: Pivots

  /// Makes the pivot that separates two neighbours on a leaf: as many columns of the right one as it takes, and where
  /// all are equal the heap TID of the left one besides (`_bt_truncate`).
  /// - Parameter memory: of a page's size, aligned to eight bytes.
  func separator(
    _ lastLeft: IndexTuple, _ firstRight: IndexTuple, in memory: UnsafeMutableRawBufferPointer
  ) throws(EngineError) -> IndexTuple {
    let kept = columnsToSeparate(lastLeft, firstRight, byImage: false)
    let pivot = try truncated(firstRight, to: min(kept, keyCount), in: memory)
    if kept <= keyCount {
      pivot.setPivot(columnCount: kept)
      return pivot
    }
    let size = PageLayout.aligned(pivot.size)
    let end = size + PageLayout.aligned(HeapTID.size)
    precondition(end <= memory.count, "there is no room for a pivot")
    (pivot.base + size).initializeMemory(as: UInt8.self, repeating: 0, count: end - size)
    let extended = IndexTuple(pivot.base, limit: end)
    extended.setSize(end)
    extended.setPivot(columnCount: keyCount, hasHeapTID: true)
    lastLeft.lastHeapTID.store(to: pivot.base + end - HeapTID.size)
    return extended
  }

  /// The first columns of a tuple that is no pivot, as a tuple (`index_truncate_tuple`).
  private func truncated(
    _ tuple: IndexTuple, to count: Int, in memory: UnsafeMutableRawBufferPointer
  ) throws(EngineError) -> IndexTuple {
    if count == columnCount {
      // Of a posting list only the key.
      let size = tuple.isPosting ? tuple.postingOffset : tuple.size
      guard let base = memory.baseAddress, size <= memory.count else {
        preconditionFailure("there is no room for a pivot")
      }
      base.copyMemory(from: tuple.base, byteCount: size)
      let copy = IndexTuple(base, limit: size)
      copy.setSize(size)
      return copy
    }
    return try withUnsafeTemporaryAllocation(of: Datum.self, capacity: count) {
      values -> Result<IndexTuple, EngineError> in
      guard let values = values.baseAddress else { preconditionFailure("temporary values have no memory") }
      let nulls = deform(tuple, count: count, into: values)
      do throws(EngineError) {
        return .success(try form(values, nulls: nulls, count: count, HeapTID(UnsafeRawPointer(tuple.base)), in: memory))
      } catch {
        return .failure(error)
      }
    }.get()
  }
}

extension Datum {
  /// Its bytes where it is passed by reference; none otherwise.
  @inline(__always) fileprivate func bytesOfReference(_ isByValue: Bool) -> ByteView { isByValue ? ByteView() : bytes }
}

extension UnsafeMutableRawPointer {
  @inline(__always) fileprivate func copyBytes(_ bytes: ByteView, count: Int) {
    guard count > 0, let source = bytes.buffer.baseAddress else { return }
    copyMemory(from: source, byteCount: count)
  }
}
