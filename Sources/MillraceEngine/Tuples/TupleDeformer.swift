public import MillraceStorage
public import MillraceTypes

/// Takes tuples apart into datums: PostgreSQL's `slot_deform_heap_tuple` (src/backend/executor/execTuples.c). The
/// innermost loop of every scan.
///
/// Made once for a query, from the columns that it wants. Columns in front whose place is the same in every tuple
/// without nulls, because all before them have a fixed width, are loaded from there; those that nobody wants cost
/// nothing. Behind them the tuple is walked through, column by column, to the last one that is wanted.
///
/// Allocates nothing, and reads nothing outside of the tuple, whatever that says of its own lengths.
public final class TupleDeformer: @unchecked Sendable {
  // Safe because the steps are written once, before anybody else can see them.

  /// What is done for one column.
  @usableFromInline struct Step {
    @usableFromInline var kind: Kind
    /// Alignment in bytes, less one.
    @usableFromInline var alignmentMask: UInt8
    /// Bytes of a value of fixed width.
    @usableFromInline var length: Int16
    /// Where the value stands, for those whose place is fixed.
    @usableFromInline var offset: Int32
    /// Where the datum goes; -1 for nowhere.
    @usableFromInline var target: Int32
  }

  @usableFromInline enum Kind: UInt8 {
    case byte, int16, int32, uint32, word
    /// By reference, of fixed width.
    case fixed
    case varlena, cString
  }

  /// All columns up to the last that is wanted.
  @usableFromInline let steps: UnsafeMutablePointer<Step>
  @usableFromInline let stepCount: Int
  /// Those wanted columns whose place is fixed.
  @usableFromInline let prefix: UnsafeMutablePointer<Step>
  @usableFromInline let prefixCount: Int
  /// How many columns in front have fixed places, and where they end.
  @usableFromInline let prefixColumns: Int
  @usableFromInline let prefixEnd: Int
  /// Whether none of these can be null.
  @usableFromInline let isPrefixNeverNull: Bool
  private let missing: [MissingValue?]
  private let columnCount: Int

  /// - Parameter wanted: indices from 0, in any order.
  init(_ columns: [ColumnDescriptor], wanted: [Int]) {
    let count = (wanted.max() ?? -1) + 1
    precondition(count <= columns.count, "column \(count) of a row of \(columns.count)")
    var isWanted = [Bool](repeating: false, count: count)
    for column in wanted { isWanted[column] = true }
    (stepCount, columnCount) = (count, columns.count)
    steps = .allocate(capacity: max(count, 1))
    prefix = .allocate(capacity: max(count, 1))
    var (offset, fixedColumns, fixedEnd, fixedWanted) = (0, 0, 0, 0)
    var (isFixed, isNeverNull) = (true, true)
    for index in 0..<count {
      let column = columns[index]
      var step = Self.step(for: column, target: isWanted[index] ? index : -1)
      if isFixed, step.kind != .varlena, step.kind != .cString {
        let mask = Int(step.alignmentMask)
        offset = (offset + mask) & ~mask
        step.offset = Int32(offset)
        offset += Int(step.length)
        isNeverNull = isNeverNull && column.isNotNull && !column.isDropped
        (fixedColumns, fixedEnd) = (index + 1, offset)
        if isWanted[index] {
          (prefix + fixedWanted).initialize(to: step)
          fixedWanted += 1
        }
      } else {
        isFixed = false
      }
      (steps + index).initialize(to: step)
    }
    (prefixColumns, prefixEnd, prefixCount) = (fixedColumns, fixedEnd, fixedWanted)
    isPrefixNeverNull = isNeverNull
    missing = columns.prefix(count).map(\.missing)
  }

  deinit {
    steps.deallocate()
    prefix.deallocate()
  }

  private static func step(for column: ColumnDescriptor, target: Int) -> Step {
    let kind: Kind =
      switch (column.length, column.isByValue) {
      case (-1, _): .varlena
      case (-2, _): .cString
      case (1, true): .byte
      case (2, true): .int16
      case (4, true): column.isUnsigned ? .uint32 : .int32
      case (8, true): .word
      default: .fixed
      }
    return Step(
      kind: kind, alignmentMask: UInt8(column.alignment.bytes - 1), length: max(column.length, 0), offset: -1,
      target: Int32(target))
  }

  /// Takes a tuple apart.
  /// - Parameters:
  ///   - tuple: stays where it is as long as datums by reference are used.
  ///   - values: as many as the row has columns. Those that are not wanted are left as they are.
  ///   - nulls: the same.
  /// - Returns: false where the tuple's lengths lead out of it: it is damaged.
  @inlinable
  public func deform(
    _ tuple: HeapTuple, _ values: UnsafeMutablePointer<Datum>, _ nulls: UnsafeMutablePointer<Bool>
  ) -> Bool {
    let dataOffset = tuple.dataOffset
    let data = UnsafeRawPointer(tuple.base + dataOffset)
    let end = tuple.bytes.count - dataOffset
    let hasNulls = tuple.infomask.contains(.hasNull)
    guard !hasNulls || isPrefixNeverNull, tuple.infomask2.attributeCount >= prefixColumns, end >= prefixEnd else {
      return walk(tuple, from: 0, at: 0, values, nulls)
    }
    for index in 0..<prefixCount {
      let step = prefix[index]
      let target = Int(step.target)
      nulls[target] = false
      values[target] = Self.load(step, data + Int(step.offset))
    }
    return stepCount == prefixColumns || walk(tuple, from: prefixColumns, at: prefixEnd, values, nulls)
  }

  /// A value of fixed width.
  @inlinable @inline(__always) static func load(_ step: Step, _ place: UnsafeRawPointer) -> Datum {
    switch step.kind {
    case .int32: Datum(place.loadUnaligned(as: Int32.self))
    case .word: Datum(place.loadUnaligned(as: Int64.self))
    case .uint32: Datum(oid: place.loadUnaligned(as: UInt32.self))
    case .int16: Datum(place.loadUnaligned(as: Int16.self))
    case .byte: Datum(char: place.load(as: UInt8.self))
    default: Datum(ByteView(start: place, count: Int(step.length)))
    }
  }

  /// Goes through the columns one after another.
  @usableFromInline
  func walk(
    _ tuple: HeapTuple, from first: Int, at start: Int, _ values: UnsafeMutablePointer<Datum>,
    _ nulls: UnsafeMutablePointer<Bool>
  ) -> Bool {
    walk(tuple, from: first, at: start, into: RowTarget(values: values, nulls: nulls))
  }

  /// The same, wherever the values go.
  @inline(__always) func walk(_ tuple: HeapTuple, from first: Int, at start: Int, into row: some DeformTarget) -> Bool {
    let dataOffset = tuple.dataOffset
    let data = UnsafeRawPointer(tuple.base + dataOffset)
    let end = tuple.bytes.count - dataOffset
    let present = tuple.infomask2.attributeCount
    let bitmap = tuple.infomask.contains(.hasNull) ? UnsafeRawPointer(tuple.base + HeapTuple.headerSize) : nil
    if bitmap != nil, HeapTuple.headerSize + (present + 7) / 8 > dataOffset { return false }
    let last = min(stepCount, present)
    var offset = start
    var index = first
    while index < last {
      let step = steps[index]
      let target = Int(step.target)
      if let bitmap, bitmap.load(fromByteOffset: index >> 3, as: UInt8.self) >> UInt8(index & 7) & 1 == 0 {
        if target >= 0 { row.storeNull(target) }
        index += 1
        continue
      }
      let datum: Datum
      if step.kind == .varlena {
        // A zero can only be padding before a length of four bytes: no value has a first byte of zero.
        if offset < end, data.load(fromByteOffset: offset, as: UInt8.self) == 0 {
          offset = (offset + Int(step.alignmentMask)) & ~Int(step.alignmentMask)
        }
        guard let read = Varlena.read(data + offset, limit: end - offset) else { return false }
        datum = read.datum
        offset += read.length
      } else if step.kind == .cString {
        var length = 0
        while offset + length < end, data.load(fromByteOffset: offset + length, as: UInt8.self) != 0 { length += 1 }
        guard offset + length < end else { return false }
        datum = Datum(ByteView(start: data + offset, count: length))
        offset += length + 1
      } else {
        offset = (offset + Int(step.alignmentMask)) & ~Int(step.alignmentMask)
        guard offset + Int(step.length) <= end else { return false }
        datum = Self.load(step, data + offset)
        offset += Int(step.length)
      }
      if target >= 0 { row.store(target, datum) }
      index += 1
    }
    if last < stepCount { fillMissing(from: max(first, last), row) }
    return true
  }

  /// Columns that were added after the tuple was stored.
  @inline(never) private func fillMissing(from first: Int, _ row: some DeformTarget) {
    for index in first..<stepCount where steps[index].target >= 0 {
      if let value = missing[index]?.datum { row.store(index, value) } else { row.storeNull(index) }
    }
  }
}

/// Where the values of one tuple go. Always specialised.
protocol DeformTarget {
  func store(_ column: Int, _ value: Datum)
  func storeNull(_ column: Int)
}

/// The values of one row, beside each other.
private struct RowTarget: DeformTarget {
  let values: UnsafeMutablePointer<Datum>
  let nulls: UnsafeMutablePointer<Bool>

  @inline(__always) func store(_ column: Int, _ value: Datum) { (nulls[column], values[column]) = (false, value) }
  @inline(__always) func storeNull(_ column: Int) { (nulls[column], values[column]) = (true, Datum(word: 0)) }
}
