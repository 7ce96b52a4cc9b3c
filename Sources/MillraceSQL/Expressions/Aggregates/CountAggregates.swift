import MillraceTypes

/// `count(*)`.
final class CountAllAggregate: Aggregate {
  override var stateSize: Int { 8 }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    state.assumingMemoryBound(to: Int64.self).pointee += Int64(rows.count)
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates
  ) throws(SQLError) {
    for place in 0..<rows.count { states[rows[place]].assumingMemoryBound(to: Int64.self).pointee += 1 }
  }

  override func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    Datum(state.load(as: Int64.self))
  }
}

/// `count(x)`: of the rows that are not NULL.
final class CountAggregate: Aggregate {
  override var stateSize: Int { 8 }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    var count = rows.count
    if rows.containsNull(inputs[0].nulls) {
      count = 0
      for place in 0..<rows.count { count += inputs[0].nulls[rows[place]] ? 0 : 1 }
    }
    state.assumingMemoryBound(to: Int64.self).pointee += Int64(count)
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates
  ) throws(SQLError) {
    for place in 0..<rows.count {
      let row = rows[place]
      states[row].assumingMemoryBound(to: Int64.self).pointee += inputs[0].nulls[row] ? 0 : 1
    }
  }

  override func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    Datum(state.load(as: Int64.self))
  }
}
