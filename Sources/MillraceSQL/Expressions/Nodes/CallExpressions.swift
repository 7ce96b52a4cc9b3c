import MillraceEngine
import MillraceTypes

/// A strict function of one argument that has a kernel.
final class CompiledUnaryCall: ComputingExpression {
  private let kernel: UnaryKernel
  private let operand: CompiledExpression

  init(_ kernel: @escaping UnaryKernel, _ operand: CompiledExpression, _ type: ValueType) {
    (self.kernel, self.operand) = (kernel, operand)
    super.init(type)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let input = try operand.evaluate(batch, rows, arena)
    let result = self.result(for: batch)
    let operands = UnaryOperands(
      operand: input.values, result: result.values, nulls: input.nulls, rows: rows,
      hasNulls: rows.containsNull(input.nulls), arena: arena)
    do throws(TypeError) { try kernel(operands) } catch { throw SQLError(error) }
    return ColumnVector(result.values, input.nulls)
  }
}

/// A strict function of two arguments that has a kernel.
final class CompiledBinaryCall: ComputingExpression {
  private let function: BuiltInFunction
  private let kernel: BinaryKernel
  private let left: CompiledExpression
  private let right: CompiledExpression

  init(
    _ function: BuiltInFunction, _ kernel: @escaping BinaryKernel, _ left: CompiledExpression,
    _ right: CompiledExpression, _ type: ValueType
  ) {
    (self.function, self.kernel, self.left, self.right) = (function, kernel, left, right)
    super.init(type)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    let first = try left.evaluate(batch, rows, arena)
    let second = try right.evaluate(batch, rows, arena)
    let result = self.result(for: batch)
    let hasNulls = rows.merge(first.nulls, second.nulls, into: result.nulls)
    let operands = BinaryOperands(
      left: first.values, right: second.values, result: result.values, nulls: result.nulls, rows: rows,
      hasNulls: hasNulls, arena: arena)
    do throws(TypeError) { try kernel(operands) } catch { throw SQLError(error) }
    return result
  }

  /// Whether ``filter(_:_:_:_:)`` can be used.
  var hasFilter: Bool { function.filter != nil }

  /// Which rows it is true for.
  /// - Parameter target: gets their numbers; may be where those of `rows` lie.
  /// - Returns: how many there are.
  func filter(
    _ batch: RowBatch, _ rows: RowSelection, _ target: UnsafeMutablePointer<UInt16>, _ arena: Arena
  ) throws(SQLError) -> Int {
    guard let filter = function.filter else { preconditionFailure("a function that is no comparison filters") }
    let first = try left.evaluate(batch, rows, arena)
    let second = try right.evaluate(batch, rows, arena)
    let hasNulls = rows.containsNull(first.nulls) || rows.containsNull(second.nulls)
    return filter(
      FilterOperands(
        left: first, right: second, rows: rows, hasNulls: hasNulls,
        isRightConstant: right.isSingleValue, target: target))
  }
}

/// A function that is called for one row at a time.
final class CompiledRowCall: ComputingExpression {
  private let scalar: ScalarFunction?
  private let session: SessionFunction?
  private let isStrict: Bool
  private let arguments: [CompiledExpression]
  private let call: CallFrame
  private var inputs: [ColumnVector] = []

  init(
    _ function: BuiltInFunction, isStrict: Bool, isVariadic: Bool, _ arguments: [CompiledExpression],
    _ type: ValueType, _ context: ExecutionContext
  ) {
    (scalar, session, self.isStrict) = (function.scalar, function.session, isStrict)
    self.arguments = arguments
    call = CallFrame(arguments.map(\.type), type, isVariadic: isVariadic, context)
    super.init(type)
    inputs.reserveCapacity(arguments.count)
  }

  override func evaluate(_ batch: RowBatch, _ rows: RowSelection, _ arena: Arena) throws(SQLError) -> ColumnVector {
    inputs.removeAll(keepingCapacity: true)
    for argument in arguments { inputs.append(try argument.evaluate(batch, rows, arena)) }
    let result = self.result(for: batch)
    call.arena = arena
    for place in 0..<rows.count {
      let row = rows[place]
      var hasNull = false
      for index in 0..<inputs.count {
        call.arguments[index] = inputs[index].values[row]
        let isNull = inputs[index].nulls[row]
        call.nulls[index] = isNull
        hasNull = hasNull || isNull
      }
      if hasNull, isStrict {
        result.nulls[row] = true
        continue
      }
      let value = try compute()
      result.nulls[row] = value == nil
      guard let value else { continue }
      result.values[row] = value
      if value.count >= Self.longValue || place & 63 == 63 { try check(value) }
    }
    return result
  }

  /// A batch of values so long may take long.
  private static let longValue = 4096

  /// No value is longer than a header can say; and who makes long ones can be cancelled between them.
  @inline(never) private func check(_ value: Datum) throws(SQLError) {
    if !value.isToasted, value.count > TextFunctions.lengthMax {
      throw SQLError(.programLimitExceeded, "invalid memory alloc request size \(value.count)")
    }
    do throws(EngineError) { try call.context.session.checkInterrupts() } catch { throw SQLError(error) }
  }

  @inline(__always) private func compute() throws(SQLError) -> Datum? {
    if let scalar {
      do throws(TypeError) { return try scalar(call) } catch { throw SQLError(error) }
    }
    guard let session else { preconditionFailure("a function without an implementation was compiled") }
    return try session(call)
  }
}
