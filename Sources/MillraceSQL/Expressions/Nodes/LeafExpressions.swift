import MillraceEngine
import MillraceTypes

/// A column of the batch, without a copy.
final class CompiledInput: CompiledExpression {
  private let index: Int

  init(_ index: Int, _ type: ValueType) {
    self.index = index
    super.init(type)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    ColumnVector(batch.column(index), batch.columnNulls(index))
  }

  override var inputColumn: Int? { index }
  override var mayBeToasted: Bool { true }
}

/// A value that is the same for all rows: a vector full of it, which is filled once.
class CompiledSingleValue: ComputingExpression {
  private var filled = 0

  /// The value.
  func current() throws(SQLError) -> Datum? { preconditionFailure("a single value that does not say what it is") }

  /// To be called when the value has changed.
  final func forget() { filled = 0 }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    if filled < batch.capacity {
      storage.reserve(batch.capacity)
      let value = try current()
      storage.vector.values.initialize(repeating: value ?? Datum(word: 0), count: batch.capacity)
      storage.vector.nulls.initialize(repeating: value == nil, count: batch.capacity)
      filled = batch.capacity
    }
    return storage.vector
  }

  override func value(_ arena: Arena) throws(SQLError) -> Datum? { try current() }
  override var isSingleValue: Bool { true }
}

/// A constant. Its bytes live until the statement's end, for its value may outlive it in rows.
final class CompiledConstant: CompiledSingleValue {
  let constant: Datum?

  init(_ value: TypedConstant.Value, _ type: ValueType, _ arena: Arena) {
    constant =
      switch value {
      case .null: nil
      case .word(let word): Datum(word: word)
      case .bytes(let content): arena.copy(content)
      }
    super.init(type)
  }

  override func current() throws(SQLError) -> Datum? { constant }
  override var isConstant: Bool { true }
}

/// `$1`: the same throughout an execution.
final class CompiledExternalParameter: CompiledSingleValue {
  private unowned let context: ExecutionContext
  private let index: Int
  private var version: UInt64

  init(_ number: Int, _ type: ValueType, _ context: ExecutionContext) throws(SQLError) {
    guard number >= 1, number <= context.parameters.count else {
      throw SQLError(.undefinedParameter, "there is no parameter $\(number)")
    }
    (self.context, index, version) = (context, number - 1, context.parametersVersion)
    super.init(type)
  }

  override func current() throws(SQLError) -> Datum? { context.parameters[index] }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let current = context.parametersVersion
    if current != version {
      version = current
      forget()
    }
    return try super.evaluate(batch, rows, arena)
  }

  override var isConstant: Bool { true }
  override var mayBeToasted: Bool { true }
}

/// A parameter that a node further up sets now and then: perhaps for each row of its own. So only as much of the vector
/// is filled as is asked for.
final class CompiledExecutorParameter: ComputingExpression {
  private unowned let context: ExecutionContext
  private let number: Int
  private var generation: UInt64 = 0
  private var filled = 0

  init(_ number: Int, _ type: ValueType, _ context: ExecutionContext) {
    precondition(number < context.executorParameters.count, "a plan refers to a parameter that it does not have")
    (self.context, self.number) = (context, number)
    super.init(type)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let current = context.parameterGenerations[number]
    if current != generation {
      generation = current
      filled = 0
    }
    let wanted = rows.count == 0 ? 0 : rows[rows.count - 1] + 1
    guard filled < wanted else { return storage.vector }
    if storage.reserve(batch.capacity) { filled = 0 }
    let value = context.executorParameters[number]
    (storage.vector.values + filled).initialize(repeating: value ?? Datum(word: 0), count: wanted - filled)
    (storage.vector.nulls + filled).initialize(repeating: value == nil, count: wanted - filled)
    filled = wanted
    return storage.vector
  }

  override func value(_ arena: Arena) throws(SQLError) -> Datum? { context.executorParameters[number] }
  override var isSingleValue: Bool { true }
  override var mayBeToasted: Bool { true }
}

/// Makes whole values of toasted ones, for functions that look at bytes.
final class CompiledDetoasting: ComputingExpression {
  private let operand: CompiledExpression
  private unowned let session: Session

  init(_ operand: CompiledExpression, _ session: Session) {
    (self.operand, self.session) = (operand, session)
    super.init(operand.type)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let input = try operand.evaluate(batch, rows, arena)
    var first = 0
    while first < rows.count {
      let row = rows[first]
      if !input.nulls[row], input.values[row].isToasted { break }
      first += 1
    }
    if first == rows.count { return input }
    let result = self.result(for: batch)
    for place in 0..<rows.count {
      let row = rows[place]
      let value = input.values[row]
      if place >= first, !input.nulls[row], value.isToasted {
        do throws(EngineError) {
          result.values[row] = try session.detoasted(value, in: arena)
        } catch { throw SQLError(error) }
      } else {
        result.values[row] = value
      }
    }
    return ColumnVector(result.values, input.nulls)
  }

  override func value(_ arena: Arena) throws(SQLError) -> Datum? {
    let value = try operand.value(arena)
    guard let value, value.isToasted else { return value }
    do throws(EngineError) { return try session.detoasted(value, in: arena) } catch { throw SQLError(error) }
  }

  override var isConstant: Bool { operand.isConstant }
}

/// The values of another expression, taken as ones of a type with the same bytes.
final class CompiledRelabeled: CompiledExpression {
  private let operand: CompiledExpression

  init(_ operand: CompiledExpression, _ type: ValueType) {
    self.operand = operand
    super.init(type)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    try operand.evaluate(batch, rows, arena)
  }

  override func value(_ arena: Arena) throws(SQLError) -> Datum? { try operand.value(arena) }
  override var inputColumn: Int? { operand.inputColumn }
  override var isConstant: Bool { operand.isConstant }
  override var mayBeToasted: Bool { operand.mayBeToasted }
}
