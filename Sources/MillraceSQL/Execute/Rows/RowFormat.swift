import MillraceEngine
import MillraceTypes

/// Rows as bytes, for what keeps many of them: hash tables, sorts, materialised results. A row can be moved, also to a
/// file, since it has no addresses in it.
///
/// A bit for each column that is NULL, in words of 64; a word for each column; then the bytes of those by reference,
/// whose word is their offset in the low half and their length, with a bit for what is toasted, in the high one.
final class RowFormat {
  let count: Int
  /// Bytes of a row without values by reference.
  let fixedSize: Int
  private let nullWords: Int
  /// The columns by reference.
  private let references: UnsafeMutablePointer<Int32>
  private let referenceCount: Int
  private let isReference: UnsafeMutablePointer<Bool>

  private static let toastedFlag: UInt32 = 1 << 31

  /// - Parameter isByValue: for each column whether its datums are the values themselves.
  init(isByValue: [Bool]) {
    count = isByValue.count
    nullWords = (count + 63) / 64
    fixedSize = nullWords * 8 + count * 8
    let found = isByValue.indices.filter { !isByValue[$0] }
    referenceCount = found.count
    references = .allocate(capacity: max(found.count, 1))
    isReference = .allocate(capacity: max(count, 1))
    for (place, column) in found.enumerated() { (references + place).initialize(to: Int32(column)) }
    for column in 0..<count { (isReference + column).initialize(to: !isByValue[column]) }
  }

  convenience init(_ types: [ValueType], _ runtime: PlanRuntime) {
    self.init(isByValue: types.map { runtime.isByValue($0) })
  }

  deinit {
    references.deallocate()
    isReference.deallocate()
  }

  // MARK: Writing

  /// Bytes that a row takes, a multiple of eight.
  @inline(__always) func size(_ columns: UnsafePointer<TupleColumn>, row: Int) -> Int {
    guard referenceCount > 0 else { return fixedSize }
    var size = fixedSize
    for place in 0..<referenceCount {
      let column = columns[Int(references[place])]
      if !column.nulls[row] { size += column.values[row].count }
    }
    return (size + 7) & ~7
  }

  /// Writes a row.
  /// - Parameter target: room for ``size(_:row:)`` bytes, aligned to eight.
  @inline(__always) func write(_ columns: UnsafePointer<TupleColumn>, row: Int, to target: UnsafeMutableRawPointer) {
    let words = (target + nullWords * 8).assumingMemoryBound(to: UInt64.self)
    for word in 0..<nullWords { target.storeBytes(of: 0 as UInt64, toByteOffset: word * 8, as: UInt64.self) }
    for index in 0..<count {
      words[index] = columns[index].values[row].word
      if columns[index].nulls[row] { setNull(target, index) }
    }
    guard referenceCount > 0 else { return }
    writeReferences(columns, row: row, to: target)
  }

  private func setNull(_ target: UnsafeMutableRawPointer, _ index: Int) {
    let known = target.load(fromByteOffset: (index >> 6) * 8, as: UInt64.self)
    target.storeBytes(of: known | 1 << UInt64(index & 63), toByteOffset: (index >> 6) * 8, as: UInt64.self)
    target.storeBytes(of: 0 as UInt64, toByteOffset: nullWords * 8 + index * 8, as: UInt64.self)
  }

  private func writeReferences(
    _ columns: UnsafePointer<TupleColumn>, row: Int, to target: UnsafeMutableRawPointer
  ) {
    var end = fixedSize
    for place in 0..<referenceCount {
      let index = Int(references[place])
      let column = columns[index]
      if column.nulls[row] { continue }
      let value = column.values[row]
      let length = UInt32(truncatingIfNeeded: value.count) | (value.isToasted ? Self.toastedFlag : 0)
      target.storeBytes(
        of: UInt64(length) << 32 | UInt64(UInt32(truncatingIfNeeded: end)),
        toByteOffset: nullWords * 8 + index * 8, as: UInt64.self)
      if let source = value.bytes.buffer.baseAddress {
        (target + end).copyMemory(from: source, byteCount: value.count)
      }
      end += value.count
    }
  }

  // MARK: Reading

  @inline(__always) func isNull(_ record: UnsafeRawPointer, _ column: Int) -> Bool {
    record.load(fromByteOffset: (column >> 6) * 8, as: UInt64.self) >> UInt64(column & 63) & 1 != 0
  }

  /// A value, which is not NULL; one by reference lies in the row.
  @inline(__always) func datum(_ record: UnsafeRawPointer, _ column: Int) -> Datum {
    let word = record.load(fromByteOffset: nullWords * 8 + column * 8, as: UInt64.self)
    return isReference[column] ? Self.reference(record, word) : Datum(word: word)
  }

  @inline(__always) private static func reference(_ record: UnsafeRawPointer, _ word: UInt64) -> Datum {
    let length = UInt32(truncatingIfNeeded: word >> 32)
    return Datum(
      ByteView(
        start: record + Int(UInt32(truncatingIfNeeded: word)), count: Int(length & ~toastedFlag)),
      isToasted: length & toastedFlag != 0)
  }

  /// A value; nil where it is NULL.
  @inline(__always) func value(_ record: UnsafeRawPointer, _ column: Int) -> Datum? {
    isNull(record, column) ? nil : datum(record, column)
  }

  /// Puts a row's column into a column of a batch.
  @inline(__always) func read(_ record: UnsafeRawPointer, _ column: Int, into target: TupleColumn, row: Int) {
    target.values[row] = datum(record, column)
    target.nulls[row] = isNull(record, column)
  }

  /// Puts a whole row into the first columns of a batch.
  @inline(__always) func read(_ record: UnsafeRawPointer, into columns: UnsafePointer<TupleColumn>, row: Int) {
    for index in 0..<count { read(record, index, into: columns[index], row: row) }
  }
}
