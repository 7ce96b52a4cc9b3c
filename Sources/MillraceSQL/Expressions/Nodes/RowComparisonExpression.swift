import MillraceTypes

/// `(a, b) < (c, d)`: decided by the first column in which the two differ. NULL where that is not known.
final class CompiledRowComparison: ComputingExpression {
  private let kind: RowComparison.Kind
  private let left: [CompiledExpression]
  private let right: [CompiledExpression]
  private let comparisons: [TypeDescriptor.Comparison]
  private let undecided = SelectionStorage()

  /// - Parameter comparisons: the orders of the columns.
  init(
    _ kind: RowComparison.Kind, _ left: [CompiledExpression], _ right: [CompiledExpression],
    _ comparisons: [TypeDescriptor.Comparison]
  ) {
    (self.kind, self.left, self.right, self.comparisons) = (kind, left, right, comparisons)
    super.init(ValueType(.bool))
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let result = self.result(for: batch)
    let undecided = undecided.reserve(batch.capacity)
    var current = rows
    for column in left.indices where current.count > 0 {
      let first = try left[column].evaluate(batch, current, arena)
      let second = try right[column].evaluate(batch, current, arena)
      var count = 0
      for place in 0..<current.count {
        let row = current[place]
        if first.nulls[row] || second.nulls[row] {
          result.nulls[row] = true
          continue
        }
        let order = comparisons[column](first.values[row], second.values[row])
        if order != 0 {
          result.values[row] = Datum(holds(order))
          result.nulls[row] = false
          continue
        }
        undecided[count] = UInt16(truncatingIfNeeded: row)
        count += 1
      }
      current = RowSelection(
        UnsafePointer(undecided), count: count, isDense: current.isDense && count == current.count)
    }
    for place in 0..<current.count {
      result.values[current[place]] = Datum(holds(0))
      result.nulls[current[place]] = false
    }
    return result
  }

  private func holds(_ order: Int) -> Bool {
    switch kind {
    case .less: order < 0
    case .lessOrEqual: order <= 0
    case .greaterOrEqual: order >= 0
    case .greater: order > 0
    }
  }
}
