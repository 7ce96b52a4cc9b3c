import MillraceTypes

/// AND and OR. An operand is evaluated only for rows that those before it have not decided.
final class CompiledConnective: ComputingExpression {
  private let operands: [CompiledExpression]
  /// The value that decides: false for AND, true for OR.
  private let decisive: Bool
  private let undecided = SelectionStorage()

  init(_ operands: [CompiledExpression], isAnd: Bool) {
    precondition(!operands.isEmpty, "a connective without operands")
    (self.operands, decisive) = (operands, !isAnd)
    super.init(ValueType(.bool))
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let result = self.result(for: batch)
    for place in 0..<rows.count {
      let row = rows[place]
      result.values[row] = Datum(!decisive)
      result.nulls[row] = false
    }
    let left = undecided.reserve(batch.capacity)
    var current = rows
    for operand in operands {
      if current.count == 0 { break }
      let input = try operand.evaluate(batch, current, arena)
      var count = 0
      for place in 0..<current.count {
        let row = current[place]
        if input.nulls[row] {
          result.nulls[row] = true
        } else if input.values[row].bool == decisive {
          result.values[row] = Datum(decisive)
          result.nulls[row] = false
          continue
        }
        // Never behind where it is read from.
        left[count] = UInt16(truncatingIfNeeded: row)
        count += 1
      }
      current = RowSelection(UnsafePointer(left), count: count, isDense: current.isDense && count == current.count)
    }
    return result
  }
}

final class CompiledNot: ComputingExpression {
  private let operand: CompiledExpression

  init(_ operand: CompiledExpression) {
    self.operand = operand
    super.init(ValueType(.bool))
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let input = try operand.evaluate(batch, rows, arena)
    let result = self.result(for: batch)
    for place in 0..<rows.count {
      let row = rows[place]
      result.values[row] = Datum(!input.values[row].bool)
    }
    return ColumnVector(result.values, input.nulls)
  }
}

/// IS NULL and IS NOT NULL.
final class CompiledNullTest: ComputingExpression {
  private let operand: CompiledExpression
  private let isNegated: Bool

  init(_ operand: CompiledExpression, isNegated: Bool) {
    (self.operand, self.isNegated) = (operand, isNegated)
    super.init(ValueType(.bool))
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let input = try operand.evaluate(batch, rows, arena)
    let result = self.result(for: batch)
    for place in 0..<rows.count {
      let row = rows[place]
      result.values[row] = Datum(input.nulls[row] != isNegated)
      result.nulls[row] = false
    }
    return result
  }
}

/// IS TRUE, IS FALSE, IS UNKNOWN and their negations.
final class CompiledBooleanTest: ComputingExpression {
  private let operand: CompiledExpression
  private let value: BooleanTest.Value
  private let isNegated: Bool

  init(_ operand: CompiledExpression, _ value: BooleanTest.Value, isNegated: Bool) {
    (self.operand, self.value, self.isNegated) = (operand, value, isNegated)
    super.init(ValueType(.bool))
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let input = try operand.evaluate(batch, rows, arena)
    let result = self.result(for: batch)
    for place in 0..<rows.count {
      let row = rows[place]
      let isSo =
        switch value {
        case .isTrue: !input.nulls[row] && input.values[row].bool
        case .isFalse: !input.nulls[row] && !input.values[row].bool
        case .isUnknown: input.nulls[row]
        }
      result.values[row] = Datum(isSo != isNegated)
      result.nulls[row] = false
    }
    return result
  }
}
