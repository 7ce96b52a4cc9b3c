import MillraceStorage
import MillraceTypes

/// Many tuples of a page at once, each column into memory of its own: what a query that goes through a table wants.
extension TupleDeformer {
  /// Takes tuples apart.
  /// - Parameters:
  ///   - tuples: stay where they are as long as datums by reference are used.
  ///   - scratch: room for as many addresses as there are tuples.
  ///   - columns: one for each column of the row. Those that are not wanted are left as they are.
  ///   - row: the number of the first tuple's row; the others follow it.
  /// - Returns: false where a tuple's lengths lead out of it: it is damaged.
  /// - Complexity: where places are fixed and nothing is null, one loop for each wanted column, without a branch.
  func deform(
    _ tuples: UnsafePointer<HeapTuple>, count: Int, _ scratch: UnsafeMutablePointer<UnsafeRawPointer>,
    into columns: UnsafeMutablePointer<TupleColumn>, at row: Int
  ) -> Bool {
    guard stepCount > 0 else { return true }
    guard prefixCount > 0, findData(tuples, count, scratch) else {
      return walkAll(tuples, count: count, from: 0, at: 0, into: columns, at: row)
    }
    for index in 0..<prefixCount {
      let step = prefix[index]
      load(step, scratch, count, columns[Int(step.target)], at: row)
    }
    return stepCount == prefixColumns
      || walkAll(tuples, count: count, from: prefixColumns, at: prefixEnd, into: columns, at: row)
  }

  /// Where the tuples' columns begin, if in all of them the fixed places are true.
  private func findData(
    _ tuples: UnsafePointer<HeapTuple>, _ count: Int, _ data: UnsafeMutablePointer<UnsafeRawPointer>
  ) -> Bool {
    var areFixed = true
    for index in 0..<count {
      let tuple = tuples[index]
      let dataOffset = tuple.dataOffset
      data[index] = UnsafeRawPointer(tuple.base + dataOffset)
      let hasNulls = tuple.infomask.contains(.hasNull)
      areFixed =
        areFixed && (!hasNulls || isPrefixNeverNull) && tuple.infomask2.attributeCount >= prefixColumns
        && tuple.bytes.count - dataOffset >= prefixEnd
    }
    return areFixed
  }

  private func load(
    _ step: Step, _ data: UnsafePointer<UnsafeRawPointer>, _ count: Int, _ column: TupleColumn, at row: Int
  ) {
    let offset = Int(step.offset)
    let values = column.values + row
    switch step.kind {
    case .int32:
      for index in 0..<count { values[index] = Datum((data[index] + offset).loadUnaligned(as: Int32.self)) }
    case .word:
      for index in 0..<count { values[index] = Datum((data[index] + offset).loadUnaligned(as: Int64.self)) }
    case .uint32:
      for index in 0..<count { values[index] = Datum(oid: (data[index] + offset).loadUnaligned(as: UInt32.self)) }
    default:
      for index in 0..<count { values[index] = Self.load(step, data[index] + offset) }
    }
    (column.nulls + row).update(repeating: false, count: count)
  }

  private func walkAll(
    _ tuples: UnsafePointer<HeapTuple>, count: Int, from first: Int, at start: Int,
    into columns: UnsafeMutablePointer<TupleColumn>, at row: Int
  ) -> Bool {
    for index in 0..<count {
      guard walk(tuples[index], from: first, at: start, into: ColumnsTarget(columns: columns, row: row + index)) else {
        return false
      }
    }
    return true
  }
}

/// One row of many columns that are apart.
private struct ColumnsTarget: DeformTarget {
  let columns: UnsafeMutablePointer<TupleColumn>
  let row: Int

  @inline(__always) func store(_ column: Int, _ value: Datum) {
    columns[column].values[row] = value
    columns[column].nulls[row] = false
  }

  @inline(__always) func storeNull(_ column: Int) {
    columns[column].values[row] = Datum(word: 0)
    columns[column].nulls[row] = true
  }
}
