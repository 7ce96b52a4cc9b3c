import MillraceTypes

/// The input of an aggregate with DISTINCT or ORDER BY: it is kept until the group is complete, then sorted and given
/// to the aggregate. It stays in memory.
final class SortedInput {
  /// How one of the kept values is ordered.
  struct Key {
    let column: Int
    let compare: TypeDescriptor.Comparison
    let isDescending: Bool
    let isNullsFirst: Bool
  }

  let aggregate: Aggregate
  let argumentCount: Int
  /// Of arguments and sort keys behind them: whether they are passed by value.
  let isByValue: [Bool]
  let keys: [Key]
  /// The orders of the arguments, where equal rows count once.
  let distinct: [TypeDescriptor.Comparison]?

  init(
    _ aggregate: Aggregate, argumentCount: Int, isByValue: [Bool], keys: [Key],
    distinct: [TypeDescriptor.Comparison]?
  ) {
    (self.aggregate, self.argumentCount, self.isByValue) = (aggregate, argumentCount, isByValue)
    (self.keys, self.distinct) = (keys, distinct)
  }
}

/// The rows of a group that wait to be sorted.
final class SortedInputAccumulator: Accumulator {
  private let input: SortedInput
  private let arena = Arena(chunkSize: 4096)
  private var values: [Datum] = []
  private var nulls: [Bool] = []
  private let width: Int

  init(_ input: SortedInput) {
    self.input = input
    width = input.isByValue.count
  }

  override func add(_ inputs: [ColumnVector], _ row: Int) throws(SQLError) {
    for (column, vector) in inputs.enumerated() {
      let isNull = vector.nulls[row]
      nulls.append(isNull)
      values.append(
        isNull ? Datum(word: 0) : arena.copy(vector.values[row], isByValue: input.isByValue[column]))
    }
  }

  /// Puts the rows' numbers in order. Equal rows stay in the order in which they came.
  private func sort(_ rows: inout [Int]) {
    let (keys, width) = (input.keys, width)
    values.withUnsafeBufferPointer { values in
      nulls.withUnsafeBufferPointer { nulls in
        rows.sort { a, b in
          for key in keys {
            let (left, right) = (a * width + key.column, b * width + key.column)
            if nulls[left] || nulls[right] {
              if nulls[left] == nulls[right] { continue }
              return nulls[left] == key.isNullsFirst
            }
            let order = key.compare(values[left], values[right])
            if order != 0 { return (order < 0) != key.isDescending }
          }
          return a < b
        }
      }
    }
  }

  private func isEqual(_ a: Int, _ b: Int, _ comparisons: [TypeDescriptor.Comparison]) -> Bool {
    for (column, compare) in comparisons.enumerated() {
      let (left, right) = (a * width + column, b * width + column)
      if nulls[left] != nulls[right] { return false }
      if !nulls[left], compare(values[left], values[right]) != 0 { return false }
    }
    return true
  }

  override func finish(_ arena: Arena) throws(SQLError) -> Datum? {
    let count = width == 0 ? 0 : values.count / width
    var rows = Array(0..<count)
    sort(&rows)
    if let comparisons = input.distinct {
      var kept: [Int] = []
      for row in rows where kept.last.map({ !isEqual($0, row, comparisons) }) ?? true { kept.append(row) }
      rows = kept
    }
    return try aggregate(rows, arena)
  }

  /// Gives the rows to the aggregate, a batch at a time.
  private func aggregate(_ rows: [Int], _ arena: Arena) throws(SQLError) -> Datum? {
    let aggregate = input.aggregate
    let state = UnsafeMutableRawPointer.allocate(byteCount: max(aggregate.stateSize, 8), alignment: 8)
    defer { state.deallocate() }
    aggregate.initialize(state)
    defer { aggregate.release(state) }
    let batch = RowBatch(columns: max(input.argumentCount, 1), capacity: RowBatch.capacityMax)
    let inputs = (0..<input.argumentCount).map { ColumnVector(batch.column($0), batch.columnNulls($0)) }
    var start = 0
    while start < rows.count {
      let count = min(rows.count - start, batch.capacity)
      for place in 0..<count {
        for column in 0..<input.argumentCount {
          inputs[column].values[place] = values[rows[start + place] * width + column]
          inputs[column].nulls[place] = nulls[rows[start + place] * width + column]
        }
      }
      batch.setDense(count)
      try aggregate.accumulate(inputs, RowSelection(batch), into: state)
      start += count
    }
    return try aggregate.finish(state, arena)
  }
}
