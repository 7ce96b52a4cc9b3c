import MillraceTypes

extension ColumnVector {
  /// Takes over some rows' values.
  @inline(__always) func copy(_ other: ColumnVector, _ rows: RowSelection) {
    for place in 0..<rows.count {
      let row = rows[place]
      values[row] = other.values[row]
      nulls[row] = other.nulls[row]
    }
  }
}

/// The value that the operand of a CASE has, for its branches.
final class CompiledCaseOperand: CompiledExpression {
  var vector: ColumnVector?
  var operandMayBeToasted = false

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    guard let vector else { preconditionFailure("the operand of a CASE is used outside of it") }
    return vector
  }

  override var mayBeToasted: Bool { operandMayBeToasted }
}

/// CASE. A branch is evaluated only for the rows that get there.
final class CompiledCase: ComputingExpression {
  struct Branch {
    let condition: CompiledExpression
    let result: CompiledExpression
  }

  private let operand: CompiledExpression?
  private let place: CompiledCaseOperand
  private let branches: [Branch]
  private let otherwise: CompiledExpression
  private let taken = SelectionStorage()
  private let left = SelectionStorage()
  private let operandStorage = VectorStorage()

  init(
    _ operand: CompiledExpression?, _ place: CompiledCaseOperand, _ branches: [Branch],
    otherwise: CompiledExpression, _ type: ValueType
  ) {
    (self.operand, self.place, self.branches, self.otherwise) = (operand, place, branches, otherwise)
    super.init(type)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let result = self.result(for: batch)
    if let operand { place.vector = try operand.evaluate(batch, rows, arena) }
    let taken = taken.reserve(batch.capacity)
    let left = left.reserve(batch.capacity)
    var current = rows
    for branch in branches {
      if current.count == 0 { break }
      let condition = try branch.condition.evaluate(batch, current, arena)
      var (takenCount, leftCount) = (0, 0)
      for place in 0..<current.count {
        let row = current[place]
        let number = UInt16(truncatingIfNeeded: row)
        if !condition.nulls[row], condition.values[row].bool {
          taken[takenCount] = number
          takenCount += 1
        } else {
          left[leftCount] = number
          leftCount += 1
        }
      }
      if takenCount > 0 {
        let isAll = takenCount == current.count
        let chosen = RowSelection(UnsafePointer(taken), count: takenCount, isDense: isAll && current.isDense)
        result.copy(try branch.result.evaluate(batch, chosen, arena), chosen)
      }
      current = RowSelection(
        UnsafePointer(left), count: leftCount, isDense: leftCount == current.count && current.isDense)
    }
    if current.count > 0 { result.copy(try otherwise.evaluate(batch, current, arena), current) }
    return result
  }

  override var mayBeToasted: Bool { branches.contains { $0.result.mayBeToasted } || otherwise.mayBeToasted }
}

/// COALESCE. An operand is evaluated only for the rows for which all before it are NULL.
final class CompiledCoalesce: ComputingExpression {
  private let operands: [CompiledExpression]
  private let left = SelectionStorage()

  init(_ operands: [CompiledExpression], _ type: ValueType) {
    self.operands = operands
    super.init(type)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let result = self.result(for: batch)
    let left = left.reserve(batch.capacity)
    var current = rows
    for operand in operands {
      if current.count == 0 { break }
      let input = try operand.evaluate(batch, current, arena)
      result.copy(input, current)
      var count = 0
      for place in 0..<current.count {
        let row = current[place]
        left[count] = UInt16(truncatingIfNeeded: row)
        count += input.nulls[row] ? 1 : 0
      }
      current = RowSelection(UnsafePointer(left), count: count, isDense: count == current.count && current.isDense)
    }
    return result
  }

  override var mayBeToasted: Bool { operands.contains { $0.mayBeToasted } }
}

/// GREATEST and LEAST: of the operands that are not NULL.
final class CompiledMinMax: ComputingExpression {
  private let operands: [CompiledExpression]
  private let compare: TypeDescriptor.Comparison
  private let isGreatest: Bool

  init(
    _ operands: [CompiledExpression], _ compare: @escaping TypeDescriptor.Comparison, isGreatest: Bool,
    _ type: ValueType
  ) {
    (self.operands, self.compare, self.isGreatest) = (operands, compare, isGreatest)
    super.init(type)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let result = self.result(for: batch)
    for (number, operand) in operands.enumerated() {
      let input = try operand.evaluate(batch, rows, arena)
      if number == 0 {
        result.copy(input, rows)
        continue
      }
      for place in 0..<rows.count {
        let row = rows[place]
        if input.nulls[row] { continue }
        if !result.nulls[row] {
          let order = compare(input.values[row], result.values[row])
          if isGreatest ? order <= 0 : order >= 0 { continue }
        }
        result.values[row] = input.values[row]
        result.nulls[row] = false
      }
    }
    return result
  }
}

/// IS DISTINCT FROM: an equality that takes NULL for a value.
final class CompiledDistinct: ComputingExpression {
  private let equality: EqualityTest

  init(_ equality: EqualityTest) {
    self.equality = equality
    super.init(ValueType(.bool))
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let (left, right) = try equality.operands(batch, rows, arena)
    let result = self.result(for: batch)
    let equal = try equality.evaluate(batch, left, right, rows, arena)
    for place in 0..<rows.count {
      let row = rows[place]
      let isDistinct =
        left.nulls[row] || right.nulls[row] ? left.nulls[row] != right.nulls[row] : !equal.values[row].bool
      result.values[row] = Datum(isDistinct)
      result.nulls[row] = false
    }
    return result
  }
}

/// NULLIF: the left operand, unless it is equal to the right one.
final class CompiledNullIf: ComputingExpression {
  private let equality: EqualityTest

  init(_ equality: EqualityTest, _ type: ValueType) {
    self.equality = equality
    super.init(type)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let (left, right) = try equality.operands(batch, rows, arena)
    let result = self.result(for: batch)
    let equal = try equality.evaluate(batch, left, right, rows, arena)
    for place in 0..<rows.count {
      let row = rows[place]
      result.values[row] = left.values[row]
      result.nulls[row] =
        left.nulls[row] || (!right.nulls[row] && !equal.nulls[row] && equal.values[row].bool)
    }
    return result
  }
}

/// Two operands that are compared by a function, which is called where neither is NULL.
final class EqualityTest {
  private let left: CompiledExpression
  private let right: CompiledExpression
  private let leftPlace: CompiledCaseOperand
  private let rightPlace: CompiledCaseOperand
  private let call: CompiledExpression

  /// - Parameter compile: the call of the function with two expressions as its arguments.
  init(
    _ left: CompiledExpression, _ right: CompiledExpression,
    compile: (CompiledExpression, CompiledExpression) throws(SQLError) -> CompiledExpression
  ) throws(SQLError) {
    (self.left, self.right) = (left, right)
    leftPlace = CompiledCaseOperand(left.type)
    rightPlace = CompiledCaseOperand(right.type)
    leftPlace.operandMayBeToasted = left.mayBeToasted
    rightPlace.operandMayBeToasted = right.mayBeToasted
    call = try compile(leftPlace, rightPlace)
  }

  func operands(
    _ batch: RowBatch, _ rows: RowSelection, _ arena: Arena
  ) throws(SQLError) -> (left: ColumnVector, right: ColumnVector) {
    (try left.evaluate(batch, rows, arena), try right.evaluate(batch, rows, arena))
  }

  func evaluate(
    _ batch: RowBatch, _ left: ColumnVector, _ right: ColumnVector, _ rows: RowSelection, _ arena: Arena
  ) throws(SQLError) -> ColumnVector {
    (leftPlace.vector, rightPlace.vector) = (left, right)
    return try call.evaluate(batch, rows, arena)
  }
}
