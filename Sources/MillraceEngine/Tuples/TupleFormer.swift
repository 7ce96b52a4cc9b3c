import MillraceStorage
import MillraceTypes

/// Puts datums together into tuples: PostgreSQL's `heap_form_tuple` (src/backend/access/common/heaptuple.c). The
/// counterpart of ``TupleDeformer``, and the innermost loop of all that stores rows.
///
/// Made once for a table. Allocates nothing and counts no references.
public final class TupleFormer: @unchecked Sendable {
  // Safe because the steps are written once, before anybody else can see them.

  /// What is done for one column.
  private struct Step {
    var kind: Kind
    /// Alignment in bytes, less one.
    var alignmentMask: UInt8
    /// Bytes of a value of fixed width.
    var length: Int16
  }

  private enum Kind: UInt8 {
    case byte, int16, int32, word
    /// By reference, of fixed width.
    case fixed
    /// With a length of one byte where that is enough, or always with one of four.
    case varlena, plainVarlena
    case cString
    /// Not there any more: null, whatever the row says.
    case dropped
  }

  /// How long a tuple of certain values is.
  struct Layout {
    var dataOffset: Int
    /// The tuple's.
    var length: Int
    var hasNulls: Bool
    /// Whether some value is not there as a whole: compressed, or out of line.
    var hasToasted: Bool
  }

  private let steps: UnsafeMutablePointer<Step>
  private let count: Int
  private let bitmapOffset: Int
  private let hasDropped: Bool

  init(_ columns: [ColumnDescriptor]) {
    count = columns.count
    steps = .allocate(capacity: max(columns.count, 1))
    bitmapOffset = PageLayout.aligned(HeapTuple.headerSize + (columns.count + 7) / 8)
    hasDropped = columns.contains { $0.isDropped }
    for (index, column) in columns.enumerated() {
      (steps + index).initialize(
        to: Step(
          kind: Self.kind(of: column), alignmentMask: UInt8(column.alignment.bytes - 1),
          length: max(column.length, 0)))
    }
  }

  deinit { steps.deallocate() }

  private static func kind(of column: ColumnDescriptor) -> Kind {
    if column.isDropped { return .dropped }
    switch (column.length, column.isByValue) {
    case (1, true): return .byte
    case (2, true): return .int16
    case (4, true): return .int32
    case (8, true): return .word
    case (-1, _): return column.storage == .plain ? .plainVarlena : .varlena
    case (-2, _): return .cString
    default: return .fixed
    }
  }

  /// Where a value begins and ends that comes next.
  @inline(__always) private static func place(_ datum: Datum, _ step: Step, after offset: Int) -> (Int, Int) {
    let mask = Int(step.alignmentMask)
    let aligned = (offset + mask) & ~mask
    switch step.kind {
    case .byte, .int16, .int32, .word, .fixed: return (aligned, aligned + Int(step.length))
    case .varlena, .plainVarlena:
      if datum.isToasted {
        let start = datum.bytes[0] == 1 ? offset : aligned
        return (start, start + datum.count)
      }
      if step.kind == .varlena, datum.count <= Varlena.shortPayloadMax { return (offset, offset + datum.count + 1) }
      return (aligned, aligned + datum.count + 4)
    case .cString: return (offset, offset + datum.count + 1)
    case .dropped: return (offset, offset)
    }
  }

  /// Finds out how long a tuple gets.
  /// - Parameters:
  ///   - values: as many as there are columns.
  ///   - nulls: the same.
  func layout(_ values: UnsafePointer<Datum>, _ nulls: UnsafePointer<Bool>) -> Layout {
    var hasNulls = hasDropped
    for index in 0..<count where nulls[index] { hasNulls = true }
    let dataOffset = hasNulls ? bitmapOffset : PageLayout.aligned(HeapTuple.headerSize)
    var offset = dataOffset
    var hasToasted = false
    for index in 0..<count where !nulls[index] {
      offset = Self.place(values[index], steps[index], after: offset).1
      if values[index].isToasted, steps[index].kind == .varlena || steps[index].kind == .plainVarlena {
        hasToasted = true
      }
    }
    return Layout(dataOffset: dataOffset, length: offset, hasNulls: hasNulls, hasToasted: hasToasted)
  }

  /// Forms a tuple. Its header says nothing of transactions yet.
  /// - Parameters:
  ///   - layout: of these values.
  ///   - bytes: as many as the layout says, aligned to eight.
  func form(
    _ layout: Layout, _ values: UnsafePointer<Datum>, _ nulls: UnsafePointer<Bool>,
    into bytes: UnsafeMutableRawBufferPointer
  ) -> HeapTuple {
    precondition(bytes.count == layout.length, "a tuple's memory has another length than the tuple")
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    let tuple = HeapTuple(forming: bytes)
    var infomask: Infomask = layout.hasNulls ? .hasNull : []
    var offset = layout.dataOffset
    for index in 0..<count {
      let step = steps[index]
      if nulls[index] || step.kind == .dropped { continue }
      if layout.hasNulls { bytes[HeapTuple.headerSize + index / 8] |= 1 << UInt8(index % 8) }
      let datum = values[index]
      let (start, end) = Self.place(datum, step, after: offset)
      precondition(end <= bytes.count, "a value leads out of its tuple")
      Self.store(datum, step, tuple.base + start, end - start, &infomask)
      offset = end
    }
    tuple.infomask2 = Infomask2(rawValue: UInt16(count))
    tuple.infomask = infomask
    tuple.dataOffset = layout.dataOffset
    tuple.identifier = TupleIdentifier(.invalid, 0)
    return tuple
  }

  /// Writes a value where it goes. What is there is zero.
  @inline(__always) private static func store(
    _ datum: Datum, _ step: Step, _ place: UnsafeMutableRawPointer, _ size: Int, _ infomask: inout Infomask
  ) {
    switch step.kind {
    case .byte: place.storeBytes(of: datum.char, as: UInt8.self)
    case .int16: place.storeBytes(of: datum.int16, as: Int16.self)
    case .int32: place.storeBytes(of: datum.int32, as: Int32.self)
    case .word: place.storeBytes(of: datum.int64, as: Int64.self)
    case .fixed:
      // A name may be given without the zeros behind it.
      precondition(datum.count <= size, "a value is longer than its column")
      copy(datum.bytes, place)
    case .varlena, .plainVarlena:
      infomask.insert(.hasVariableWidth)
      if datum.isToasted {
        if Varlena.isExternal(datum) { infomask.insert(.hasExternal) }
        copy(datum.bytes, place)
      } else if size == datum.count + 1 {
        place.storeBytes(of: UInt8(size) << 1 | 1, as: UInt8.self)
        copy(datum.bytes, place + 1)
      } else {
        place.storeBytes(of: UInt32(size) << 2, as: UInt32.self)
        copy(datum.bytes, place + 4)
      }
    case .cString:
      infomask.insert(.hasVariableWidth)
      copy(datum.bytes, place)
    case .dropped: break
    }
  }

  @inline(__always) private static func copy(_ bytes: ByteView, _ place: UnsafeMutableRawPointer) {
    if let source = bytes.buffer.baseAddress { place.copyMemory(from: source, byteCount: bytes.count) }
  }
}
