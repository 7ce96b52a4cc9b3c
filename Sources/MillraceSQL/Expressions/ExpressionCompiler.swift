import MillraceEngine
import MillraceTypes

/// Makes expressions of a plan ready to be evaluated. Costs a few allocations for a node.
public struct ExpressionCompiler {
  let context: ExecutionContext
  /// The operand of the CASE around, within its branches.
  private var caseOperand: CompiledCaseOperand?

  /// - Parameter context: must live as long as what is compiled is used.
  public init(_ context: ExecutionContext) { self.context = context }

  /// - Throws: ``SQLError``: 0A000 for a function that this server does not have.
  public func compile(_ expression: TypedExpression) throws(SQLError) -> CompiledExpression {
    switch expression {
    case .constant(let constant): return CompiledConstant(constant.value, constant.type, context.arena)
    case .input(let column): return CompiledInput(column.index, column.type)
    case .parameter(let parameter):
      switch parameter.source {
      case .external(let number): return try CompiledExternalParameter(number, parameter.type, context)
      case .executor(let number): return CompiledExecutorParameter(number, parameter.type, context)
      }
    case .call(let call):
      return try compileCall(
        call.function, try compile(call.arguments), call.type, isVariadic: call.isVariadic, at: call.location)
    case .and(let operands): return CompiledConnective(try compile(operands), isAnd: true)
    case .or(let operands): return CompiledConnective(try compile(operands), isAnd: false)
    case .not(let operand): return CompiledNot(try compile(operand))
    case .nullTest(.row(let fields, _), let isNegated):
      // A row is NULL where all of its fields are, and is not where none is.
      if fields.isEmpty { return try compile(.boolean(true)) }
      return CompiledConnective(
        try compile(fields).map { CompiledNullTest($0, isNegated: isNegated) }, isAnd: true)
    case .nullTest(let operand, let isNegated): return CompiledNullTest(try compile(operand), isNegated: isNegated)
    case .booleanTest(let operand, let value, let isNegated):
      return CompiledBooleanTest(try compile(operand), value, isNegated: isNegated)
    case .distinct(let comparison): return CompiledDistinct(try equality(comparison))
    case .nullIf(let comparison): return CompiledNullIf(try equality(comparison), comparison.type)
    case .caseWhen(let value): return try compileCase(value)
    case .caseOperand:
      guard let caseOperand else { preconditionFailure("the operand of a CASE is used outside of it") }
      return caseOperand
    case .coalesce(let operands, let type): return CompiledCoalesce(try compile(operands), type)
    case .minMax(let isGreatest, let operands, let type):
      return try compileMinMax(operands, isGreatest: isGreatest, type)
    case .relabel(let operand, let type, _): return CompiledRelabeled(try compile(operand), type)
    case .throughText(let operand, let type, _):
      return try CompiledTextConversion(wholeValues(try compile(operand)), type, context)
    case .array(let elements, let type): return try compileArray(elements, type)
    case .arrayComparison(let comparison): return try compileArrayComparison(comparison)
    case .rowComparison(let comparison): return try compileRowComparison(comparison)
    case .subplan(let reference): return try CompiledSubplan(reference, self)
    case .row: throw .unsupported("a row as a value")
    case .variable, .aggregate, .subquery: preconditionFailure("an expression that has not been planned is compiled")
    }
  }

  public func compile(_ expressions: [TypedExpression]) throws(SQLError) -> [CompiledExpression] {
    var compiled: [CompiledExpression] = []
    compiled.reserveCapacity(expressions.count)
    for expression in expressions { compiled.append(try compile(expression)) }
    return compiled
  }

  /// - Parameter conditions: what all have to be true, in the order in which they are tried.
  public func filter(_ conditions: [TypedExpression]) throws(SQLError) -> CompiledFilter {
    CompiledFilter(try compile(conditions))
  }

  // MARK: Calls

  /// A call of a function whose arguments have been compiled.
  func compileCall(
    _ oid: UInt32, _ arguments: [CompiledExpression], _ type: ValueType, isVariadic: Bool = false,
    at location: Location = .unknown
  ) throws(SQLError) -> CompiledExpression {
    let function = try FunctionLibrary.function(oid, context.catalog, at: location)
    let implementation = function.implementation
    let arguments = implementation.takesToasted ? arguments : arguments.map { wholeValues($0) }
    if let kernel = implementation.unary, arguments.count == 1 {
      return CompiledUnaryCall(kernel, arguments[0], type)
    }
    if let kernel = implementation.binary, arguments.count == 2 {
      return CompiledBinaryCall(implementation, kernel, arguments[0], arguments[1], type)
    }
    return CompiledRowCall(
      implementation, isStrict: function.isStrict, isVariadic: isVariadic, arguments, type, context)
  }

  /// An expression whose values are never toasted.
  func wholeValues(_ expression: CompiledExpression) -> CompiledExpression {
    guard expression.mayBeToasted, let type = TypeDescriptor.builtIn[expression.type.id], type.isVariableLength else {
      return expression
    }
    return CompiledDetoasting(expression, context.session)
  }

  // MARK: Conditionals

  private func equality(_ comparison: ComparisonExpression) throws(SQLError) -> EqualityTest {
    try EqualityTest(
      try compile(comparison.left), try compile(comparison.right),
      compile: { (left, right) throws(SQLError) in
        try compileCall(comparison.function, [left, right], ValueType(.bool), at: comparison.location)
      })
  }

  private func compileCase(_ value: TypedCase) throws(SQLError) -> CompiledExpression {
    let operand = try value.operand.map { (operand) throws(SQLError) in try compile(operand) }
    let place = CompiledCaseOperand(operand?.type ?? ValueType(.bool))
    place.operandMayBeToasted = operand?.mayBeToasted ?? false
    var inner = self
    if operand != nil { inner.caseOperand = place }
    var branches: [CompiledCase.Branch] = []
    for branch in value.branches {
      branches.append(
        CompiledCase.Branch(
          condition: try inner.compile(branch.condition), result: try compile(branch.result)))
    }
    return CompiledCase(operand, place, branches, otherwise: try compile(value.otherwise), value.type)
  }

  private func compileMinMax(
    _ operands: [TypedExpression], isGreatest: Bool, _ type: ValueType
  ) throws(SQLError) -> CompiledExpression {
    guard let compare = TypeDescriptor.builtIn[type.id]?.compare else {
      throw SQLError(.undefinedFunction, "could not identify a comparison function for type \(type.id.rawValue)")
    }
    return CompiledMinMax(
      try compile(operands).map { wholeValues($0) }, compare, isGreatest: isGreatest, type)
  }

  // MARK: Arrays and rows

  func operatorEntry(_ oid: UInt32) throws(SQLError) -> OperatorEntry {
    let entry: OperatorEntry?
    do throws(EngineError) { entry = try context.catalog.functions().operators[oid] } catch { throw SQLError(error) }
    guard let entry else { throw SQLError(.internalError, "cache lookup failed for operator \(oid)") }
    return entry
  }

  /// The type of an array's elements.
  static func elementType(of array: TypeID) throws(SQLError) -> TypeDescriptor {
    guard let type = TypeDescriptor.builtIn[array], let element = TypeDescriptor.builtIn[type.elementID] else {
      throw .unsupported("an array of type with OID \(array.rawValue)")
    }
    return element
  }

  private func compileArray(_ elements: [TypedExpression], _ type: ValueType) throws(SQLError) -> CompiledExpression {
    let element = try Self.elementType(of: type.id)
    let compiled = try compile(elements).map { wholeValues($0) }
    return CompiledArray(compiled, element, isNested: elements.contains { $0.type.id == type.id }, type)
  }

  private func compileArrayComparison(_ comparison: TypedArrayComparison) throws(SQLError) -> CompiledExpression {
    let left = wholeValues(try compile(comparison.left))
    let array = wholeValues(try compile(comparison.array))
    let element = try Self.elementType(of: array.type.id)
    var hashes: ValueHashing?
    if !comparison.isAll, comparison.operatorID != 0 {
      let entry = try operatorEntry(comparison.operatorID)
      if entry.canHash, entry.name == "=" { hashes = ValueHashing(left.type.id, element.id) }
    }
    return try CompiledArrayComparison(
      left, array, element, isAll: comparison.isAll, hashes: hashes,
      compile: { (left, right) throws(SQLError) in
        try compileCall(comparison.function, [left, right], ValueType(.bool), at: comparison.location)
      })
  }

  private func compileRowComparison(_ comparison: RowComparison) throws(SQLError) -> CompiledExpression {
    var orders: [TypeDescriptor.Comparison] = []
    for (left, right) in zip(comparison.left, comparison.right) {
      guard let order = Self.order(left.type.id, right.type.id) else {
        throw .unsupported("a comparison of rows with these types")
      }
      orders.append(order)
    }
    return CompiledRowComparison(
      comparison.kind, try compile(comparison.left).map { wholeValues($0) },
      try compile(comparison.right).map { wholeValues($0) }, orders)
  }

  /// How values of two types are ordered; nil where they are not the same and not both integers.
  static func order(_ left: TypeID, _ right: TypeID) -> TypeDescriptor.Comparison? {
    let integers: Set<TypeID> = [.int2, .int4, .int8]
    let texts: Set<TypeID> = [.text, .varchar]
    if integers.isSuperset(of: [left, right]) { return TypeDescriptor.int8.compare }
    if texts.isSuperset(of: [left, right]) || left == right { return TypeDescriptor.builtIn[left]?.compare }
    return nil
  }
}
