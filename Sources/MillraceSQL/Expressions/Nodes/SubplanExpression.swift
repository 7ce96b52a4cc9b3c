import MillraceEngine
import MillraceTypes

/// A subquery that is run for each row, with what it needs of the row set as executor parameters before.
final class CompiledSubplan: ComputingExpression {
  private let reference: SubplanReference
  private unowned let context: ExecutionContext
  private let arguments: [CompiledExpression]
  private let left: [CompiledExpression]
  private let comparison: SubplanComparison?
  private var table: SubplanTable?
  private var inputs: [ColumnVector] = []
  private var leftInputs: [ColumnVector] = []
  private let isByValue: Bool

  init(_ reference: SubplanReference, _ compiler: ExpressionCompiler) throws(SQLError) {
    (self.reference, context) = (reference, compiler.context)
    arguments = try compiler.compile(reference.arguments.map(\.value))
    left = try compiler.compile(reference.left).map { compiler.wholeValues($0) }
    let comparesRows = reference.kind == .any || reference.kind == .all
    comparison =
      comparesRows
      ? try SubplanComparison(reference.operators, left, isAll: reference.kind == .all, compiler) : nil
    isByValue = TypeDescriptor.builtIn[reference.type.id]?.isByValue ?? false
    super.init(reference.type)
  }

  private var evaluator: any SubplanEvaluator {
    precondition(reference.index < context.subplans.count, "an expression refers to a subplan that is not there")
    return context.subplans[reference.index]
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let evaluator = evaluator
    inputs.removeAll(keepingCapacity: true)
    leftInputs.removeAll(keepingCapacity: true)
    for argument in arguments { inputs.append(try argument.evaluate(batch, rows, arena)) }
    for expression in left { leftInputs.append(try expression.evaluate(batch, rows, arena)) }
    let result = self.result(for: batch)
    for place in 0..<rows.count {
      let row = rows[place]
      for (number, argument) in reference.arguments.enumerated() {
        context.setParameter(argument.parameter, inputs[number][row])
      }
      let value = try value(of: row, evaluator, arena)
      result.nulls[row] = value == nil
      result.values[row] = value ?? Datum(word: 0)
    }
    return result
  }

  private func value(
    of row: Int, _ evaluator: any SubplanEvaluator, _ arena: Arena
  ) throws(SQLError) -> Datum? {
    switch reference.kind {
    case .exists: return Datum(try evaluator.exists())
    case .scalar: return try evaluator.scalar().map { arena.copy($0, isByValue: isByValue) }
    case .array: return arena.copy(try evaluator.array(), isByValue: false)
    case .any, .all:
      guard let comparison else { preconditionFailure("a subplan that compares nothing") }
      if reference.isHashed, let hashings = comparison.hashings {
        if table == nil { table = try SubplanTable(evaluator, comparison, hashings) }
        return try table?.find(leftInputs, row, arena).map { Datum($0) }
      }
      let values = leftInputs.map { $0[row] }
      try evaluator.restart()
      return try comparison.decide(values, arena) { () throws(SQLError) in try evaluator.next() }.map { Datum($0) }
    }
  }
}

/// How a row is compared with the rows of a subplan: by one operator for each column.
final class SubplanComparison {
  private let leftPlaces: [CompiledCaseOperand]
  private let rightPlaces: [CompiledCaseOperand]
  private let calls: [CompiledExpression]
  /// How each column is looked up; nil where the rows have to be compared one by one.
  let hashings: [ValueHashing]?
  let rightTypes: [TypeDescriptor?]
  private let isAll: Bool
  /// `<>` differs where one column does; all others hold where all columns do.
  private let isAnyColumn: Bool
  private let leftStorage = VectorStorage()
  private let rightStorage = VectorStorage()
  private let batch = RowBatch(columns: 0, capacity: 1)

  init(
    _ operators: [UInt32], _ left: [CompiledExpression], isAll: Bool, _ compiler: ExpressionCompiler
  ) throws(SQLError) {
    self.isAll = isAll
    batch.setDense(1)
    var (leftPlaces, rightPlaces): ([CompiledCaseOperand], [CompiledCaseOperand]) = ([], [])
    var (calls, hashes): ([CompiledExpression], [ValueHashing?]) = ([], [])
    var rightTypes: [TypeDescriptor?] = []
    var isAnyColumn = false
    for (number, oid) in operators.enumerated() {
      let entry = try compiler.operatorEntry(oid)
      let (first, second) = (CompiledCaseOperand(left[number].type), CompiledCaseOperand(ValueType(entry.right)))
      second.operandMayBeToasted = true
      calls.append(try compiler.compileCall(entry.function, [first, second], ValueType(.bool)))
      hashes.append(entry.canHash ? ValueHashing(entry.left, entry.right) : nil)
      rightTypes.append(TypeDescriptor.builtIn[entry.right])
      isAnyColumn = isAnyColumn || entry.name == "<>"
      leftPlaces.append(first)
      rightPlaces.append(second)
    }
    (self.leftPlaces, self.rightPlaces, self.calls) = (leftPlaces, rightPlaces, calls)
    let known = hashes.compactMap { $0 }
    hashings = isAll || known.count < hashes.count ? nil : known
    (self.rightTypes, self.isAnyColumn) = (rightTypes, isAnyColumn)
    leftStorage.reserve(1)
    rightStorage.reserve(1)
  }

  /// Compares one row with another; nil is unknown.
  func compare(_ left: (Int) -> Datum?, _ right: (Int) -> Datum?, _ arena: Arena) throws(SQLError) -> Bool? {
    var result: Bool? = !isAnyColumn
    for column in calls.indices {
      let (first, second) = (leftStorage.vector, rightStorage.vector)
      let operand = left(column)
      (first.values[0], first.nulls[0]) = (operand ?? Datum(word: 0), operand == nil)
      let value = right(column)
      (second.values[0], second.nulls[0]) = (value ?? Datum(word: 0), value == nil)
      (leftPlaces[column].vector, rightPlaces[column].vector) = (first, second)
      let compared = try calls[column].evaluate(batch, RowSelection(batch), arena)[0]?.bool
      guard let compared else {
        result = nil
        continue
      }
      if compared == isAnyColumn { return isAnyColumn }
    }
    return result
  }

  /// ANY or ALL over rows.
  func decide(
    _ left: [Datum?], _ arena: Arena, next: () throws(SQLError) -> TupleSlot?
  ) throws(SQLError) -> Bool? {
    var result: Bool? = isAll
    while let row = try next() {
      guard let compared = try compare({ left[$0] }, { row[$0] }, arena) else {
        result = nil
        continue
      }
      if compared != isAll { return !isAll }
    }
    return result
  }
}
