public import MillraceEngine
public import MillraceTypes

/// Computes at planning what is the same for every row and every execution, and simplifies the logic around it
/// (src/backend/optimizer/util/clauses.c: eval_const_expressions).
///
/// Calls of immutable functions over constants become constants; a strict function of a NULL is NULL. Errors of what is
/// computed are thrown, as PostgreSQL does, except in branches that are never taken.
public struct ConstantFolder {
  private let context: ExecutionContext
  private let functions: FunctionCatalog
  /// The values of `$1` and so on, where they are known while the statement is planned.
  private let parameters: TupleSlot?
  private let arena = Arena()

  /// - Parameters:
  ///   - parameters: takes them for constants; nil for a plan that is used for other values too.
  public init(
    _ session: Session, _ environment: any SessionEnvironment, _ settings: TypeSettings,
    parameters: TupleSlot? = nil
  ) throws(SQLError) {
    context = ExecutionContext(
      session, environment, settings, parameters: parameters ?? TupleSlot(count: 0), executorParameterCount: 0)
    self.parameters = parameters
    do throws(EngineError) { functions = try session.catalog.functions() } catch { throw SQLError(error) }
  }

  /// An expression that gives the same values.
  /// - Throws: ``SQLError`` of what could be computed, such as 22012.
  public func fold(_ expression: TypedExpression) throws(SQLError) -> TypedExpression {
    switch expression {
    case .constant, .variable, .input, .caseOperand: return expression
    case .parameter(let parameter): return bound(parameter) ?? expression
    case .and(let operands): return try fold(operands, isAnd: true)
    case .or(let operands): return try fold(operands, isAnd: false)
    case .not(let operand): return try negate(try fold(operand))
    case .caseWhen(let value): return try fold(value)
    case .coalesce(let operands, let type): return try coalesce(operands, type)
    case .call(let call): return try fold(call)
    case .relabel(let operand, let type, let form): return relabel(try fold(operand), type, form)
    case .nullTest(let operand, let isNegated):
      let operand = try fold(operand)
      guard let value = operand.constantValue else { return .nullTest(operand, isNegated: isNegated) }
      return .boolean((value == .null) != isNegated)
    default:
      let folded = try expression.mapChildren { (child) throws(SQLError) in try fold(child) }
      return isComputable(folded) ? try compute(folded) : folded
    }
  }

  private func bound(_ parameter: TypedParameter) -> TypedExpression? {
    guard let parameters, case .external(let number) = parameter.source, number >= 1, number <= parameters.count
    else { return nil }
    guard let value = Self.constant(parameters[number - 1], parameter.type) else { return nil }
    return .constant(TypedConstant(parameter.type, value, parameter.location))
  }

  // MARK: Calls

  private func fold(_ call: CallExpression) throws(SQLError) -> TypedExpression {
    var call = call
    for index in call.arguments.indices {
      // Most arguments are columns or constants, which need not be written back.
      switch call.arguments[index] {
      case .constant, .variable, .input: continue
      default: call.arguments[index] = try fold(call.arguments[index])
      }
    }
    guard call.arguments.contains(where: { $0.constantValue != nil }) || call.arguments.isEmpty,
      let function = functions.functions[call.function], function.kind == "f", !function.returnsSet
    else { return .call(call) }
    if function.isStrict, call.arguments.contains(where: { $0.constantValue == .null }) {
      return .constant(TypedConstant(call.type, .null, call.location))
    }
    guard function.volatility == "i", FunctionLibrary.isImplemented(function),
      call.arguments.allSatisfy({ $0.constantValue != nil })
    else { return .call(call) }
    return try compute(.call(call))
  }

  private func relabel(_ operand: TypedExpression, _ type: ValueType, _ form: CoercionForm) -> TypedExpression {
    switch operand {
    case .constant(var constant):
      constant.type = type
      return .constant(constant)
    // One change of type after another is the last one.
    case .relabel(let inner, _, _): return .relabel(inner, type, form)
    default: return .relabel(operand, type, form)
    }
  }

  /// Whether an expression that is no call has nothing but constants, and functions that always give the same.
  private func isComputable(_ expression: TypedExpression) -> Bool {
    switch expression {
    case .distinct(let comparison), .nullIf(let comparison):
      guard isImmutable(comparison.function) else { return false }
    case .arrayComparison(let comparison): guard isImmutable(comparison.function) else { return false }
    case .throughText(let operand, let type, _):
      guard Self.hasFixedText(operand.type.id), Self.hasFixedText(type.id) else { return false }
    case .booleanTest, .minMax, .array, .rowComparison: break
    default: return false
    }
    var isConstant = true
    expression.forEachChild { isConstant = isConstant && $0.constantValue != nil }
    return isConstant && TypeDescriptor.builtIn[expression.type.id] != nil
  }

  private func isImmutable(_ oid: UInt32) -> Bool {
    functions.functions[oid].map { $0.volatility == "i" && FunctionLibrary.isImplemented($0) } ?? false
  }

  /// Whether a type's input and output functions are immutable: settings do not change what they do.
  private static func hasFixedText(_ type: TypeID) -> Bool {
    switch type {
    case .bool, .int2, .int4, .int8, .numeric, .text, .varchar, .bpchar, .name, .uuid, .oid, .char, .tid, .unknown,
      .cstring:
      true
    default: false
    }
  }

  private func compute(_ expression: TypedExpression) throws(SQLError) -> TypedExpression {
    let type = expression.type
    guard TypeDescriptor.builtIn[type.id] != nil else { return expression }
    defer { arena.reset() }
    let compiled = try ExpressionCompiler(context).compile(expression)
    // Its constants' bytes go with it.
    return try withExtendedLifetime(compiled) { () throws(SQLError) in
      guard let constant = Self.constant(try compiled.value(arena), type) else { return expression }
      return .constant(TypedConstant(type, constant))
    }
  }

  private static func constant(_ value: Datum?, _ type: ValueType) -> TypedConstant.Value? {
    guard let value else { return .null }
    guard let descriptor = TypeDescriptor.builtIn[type.id], !value.isToasted else { return nil }
    return descriptor.isByValue ? .word(value.word) : .bytes(value.bytes.array)
  }

  // MARK: Logic

  private func fold(_ operands: [TypedExpression], isAnd: Bool) throws(SQLError) -> TypedExpression {
    var kept: [TypedExpression] = []
    var hasNull = false
    for operand in operands {
      let folded = try fold(operand)
      switch folded.constantValue {
      case .null: hasNull = true
      case .word(let word):
        // What decides makes all others superfluous, those behind it too.
        if (word != 0) != isAnd { return .boolean(!isAnd) }
      case .bytes, nil:
        if isAnd, case .and(let inner) = folded {
          kept += inner
        } else if !isAnd, case .or(let inner) = folded {
          kept += inner
        } else {
          kept.append(folded)
        }
      }
    }
    if hasNull { kept.append(.constant(TypedConstant(ValueType(.bool), .null))) }
    if kept.isEmpty { return .boolean(isAnd) }
    return kept.count == 1 ? kept[0] : isAnd ? .and(kept) : .or(kept)
  }

  /// NOT of a folded expression, moved inwards (negate_clause, src/backend/optimizer/prep/prepqual.c).
  private func negate(_ expression: TypedExpression) throws(SQLError) -> TypedExpression {
    switch expression {
    case .constant(let constant):
      if case .word(let word) = constant.value { return .boolean(word == 0) }
      return expression
    case .not(let operand): return operand
    case .and(let operands):
      var negated: [TypedExpression] = []
      for operand in operands { negated.append(try negate(operand)) }
      return .or(negated)
    case .or(let operands):
      var negated: [TypedExpression] = []
      for operand in operands { negated.append(try negate(operand)) }
      return .and(negated)
    case .nullTest(let operand, let isNegated): return .nullTest(operand, isNegated: !isNegated)
    case .booleanTest(let operand, let value, let isNegated):
      return .booleanTest(operand, value, isNegated: !isNegated)
    case .call(var call):
      guard let negator = negator(of: call.operatorID) else { return .not(expression) }
      (call.operatorID, call.function) = (negator.oid, negator.function)
      return .call(call)
    case .arrayComparison(var comparison):
      guard let negator = negator(of: comparison.operatorID) else { return .not(expression) }
      (comparison.operatorID, comparison.function) = (negator.oid, negator.function)
      comparison.isAll = !comparison.isAll
      return .arrayComparison(comparison)
    default: return .not(expression)
    }
  }

  private func negator(of oid: UInt32) -> OperatorEntry? {
    guard oid != 0, let negator = functions.operators[oid]?.negator, negator != 0 else { return nil }
    return functions.operators[negator]
  }

  // MARK: Conditionals

  private func coalesce(_ operands: [TypedExpression], _ type: ValueType) throws(SQLError) -> TypedExpression {
    var kept: [TypedExpression] = []
    for operand in operands {
      let folded = try fold(operand)
      if folded.constantValue == .null { continue }
      kept.append(folded)
      // Those behind it are never looked at.
      if folded.constantValue != nil { break }
    }
    if kept.isEmpty { return .constant(TypedConstant(type, .null)) }
    return kept.count == 1 ? kept[0] : .coalesce(kept, type)
  }

  private func fold(_ value: TypedCase) throws(SQLError) -> TypedExpression {
    var result = value
    result.branches = []
    let operand = try value.operand.map { (operand) throws(SQLError) in try fold(operand) }
    result.operand = operand
    for branch in value.branches {
      var condition = branch.condition
      if let operand, operand.constantValue != nil { condition = Self.replaceOperand(in: condition, with: operand) }
      condition = try fold(condition)
      switch condition.constantValue {
      case nil:
        result.branches.append(TypedCase.Branch(condition, try fold(branch.result)))
        continue
      case .word(let word) where word != 0:
        let chosen = try fold(branch.result)
        if result.branches.isEmpty { return chosen }
        result.otherwise = chosen
        return .caseWhen(result)
      default: continue
      }
    }
    let otherwise = try fold(value.otherwise)
    if result.branches.isEmpty { return otherwise }
    result.otherwise = otherwise
    return .caseWhen(result)
  }

  /// The condition of a branch with the CASE's constant operand in it; not in a CASE within.
  private static func replaceOperand(
    in expression: TypedExpression, with operand: TypedExpression
  ) -> TypedExpression {
    switch expression {
    case .caseOperand: operand
    case .caseWhen: expression
    default: expression.mapChildren { replaceOperand(in: $0, with: operand) }
    }
  }
}

extension TypedExpression {
  /// The value of a constant; nil for all else.
  var constantValue: TypedConstant.Value? {
    if case .constant(let constant) = self { return constant.value }
    return nil
  }

  static func boolean(_ value: Bool) -> TypedExpression {
    .constant(TypedConstant(ValueType(.bool), .word(value ? 1 : 0)))
  }
}
