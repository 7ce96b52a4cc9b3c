import MillraceEngine
import MillraceTypes

/// Computing what does not depend on rows (PostgreSQL's eval_const_expressions and canonicalize_qual,
/// src/backend/optimizer/util/clauses.c and prep/prepqual.c).
extension StatementPlanning {
  func fold(_ expression: TypedExpression) throws(SQLError) -> TypedExpression {
    switch expression {
    case .constant, .variable, .caseOperand, .input: return expression
    case .parameter: if bound == nil { return expression }
    default: break
    }
    guard needsFolding(expression) else { return expression }
    return simplify(try folder().fold(expression))
  }

  /// Most expressions are columns compared with constants and parameters, where nothing can be computed.
  private func needsFolding(_ expression: TypedExpression) -> Bool {
    switch expression {
    case .variable, .constant, .input, .caseOperand: return false
    case .parameter: return bound != nil
    case .call(let call):
      guard call.operatorID != Self.booleanEqual, call.operatorID != Self.booleanNotEqual else { return true }
      var hasRow = false
      for argument in call.arguments {
        if needsFolding(argument) || argument.isNullConstant { return true }
        if argument.asConstant == nil { hasRow = true }
      }
      return !hasRow
    case .relabel(let inner, _, _):
      if case .variable = inner { return false }
      return true
    default: return true
    }
  }

  /// A condition of WHERE, ON or HAVING: there NULL is as good as false.
  func foldCondition(_ expression: TypedExpression) throws(SQLError) -> TypedExpression {
    factored(try fold(expression))
  }

  // MARK: AND, OR, NOT

  /// What the folder of constants leaves.
  private func simplify(_ expression: TypedExpression) -> TypedExpression {
    switch expression {
    case .constant, .variable, .parameter, .caseOperand, .input: return expression
    default: break
    }
    let mapped = expression.mapChildren { child in simplify(child) }
    switch mapped {
    case .and(let arguments): return simplifyChain(arguments, isAnd: true)
    case .or(let arguments): return simplifyChain(arguments, isAnd: false)
    case .not(let argument): return negate(argument)
    case .booleanTest(let argument, let value, let isNegated):
      return argument.asConstant.map { Self.test($0, value, isNegated) } ?? mapped
    case .call(let call): return simplifyComparison(call) ?? mapped
    default: return mapped
    }
  }

  private static func test(_ constant: TypedConstant, _ value: BooleanTest.Value, _ isNegated: Bool) -> TypedExpression
  {
    let holds =
      switch value {
      case .isTrue: constant.value == .word(1)
      case .isFalse: constant.value == .word(0)
      case .isUnknown: constant.value == .null
      }
    return holds != isNegated ? .isTrue : .isFalse
  }

  private func simplifyChain(_ arguments: [TypedExpression], isAnd: Bool) -> TypedExpression {
    var kept: [TypedExpression] = []
    var hasNull = false
    for argument in arguments {
      let parts: [TypedExpression] =
        switch (argument, isAnd) {
        case (.and(let parts), true), (.or(let parts), false): parts
        default: [argument]
        }
      for part in parts {
        if isAnd ? part.isFalseConstant : part.isTrueConstant { return part }
        if isAnd ? part.isTrueConstant : part.isFalseConstant { continue }
        if part.isNullConstant { hasNull = true } else { kept.append(part) }
      }
    }
    if hasNull { kept.append(.constant(TypedConstant(ValueType(.bool), .null))) }
    if kept.isEmpty { return isAnd ? .isTrue : .isFalse }
    if kept.count == 1 { return kept[0] }
    return isAnd ? .and(kept) : .or(kept)
  }

  /// `negate_clause`: NOT is pushed down as far as it goes.
  private func negate(_ argument: TypedExpression) -> TypedExpression {
    switch argument {
    case .constant(var constant):
      if case .word(let word) = constant.value { constant.value = .word(word == 0 ? 1 : 0) }
      return .constant(constant)
    case .not(let inner): return inner
    case .and(let arguments): return simplifyChain(arguments.map { negate($0) }, isAnd: false)
    case .or(let arguments): return simplifyChain(arguments.map { negate($0) }, isAnd: true)
    case .nullTest(let inner, let isNegated): return .nullTest(inner, isNegated: !isNegated)
    case .booleanTest(let inner, let value, let isNegated):
      return .booleanTest(inner, value, isNegated: !isNegated)
    case .call(var call):
      guard let found = functions.operators[call.operatorID], let negator = functions.operators[found.negator] else {
        return .not(argument)
      }
      (call.operatorID, call.function) = (negator.oid, negator.function)
      return .call(call)
    case .arrayComparison(var comparison):
      guard let found = functions.operators[comparison.operatorID],
        let negator = functions.operators[found.negator]
      else { return .not(argument) }
      (comparison.operatorID, comparison.function) = (negator.oid, negator.function)
      comparison.isAll.toggle()
      return .arrayComparison(comparison)
    default: return .not(argument)
    }
  }

  /// `x = true` is x, and so on (`simplify_boolean_equality`).
  private func simplifyComparison(_ call: CallExpression) -> TypedExpression? {
    guard call.operatorID == Self.booleanEqual || call.operatorID == Self.booleanNotEqual, call.arguments.count == 2
    else { return nil }
    let isEqual = call.operatorID == Self.booleanEqual
    for (constant, other) in [(0, 1), (1, 0)] {
      guard let value = call.arguments[constant].asConstant, case .word(let word) = value.value else { continue }
      return (word != 0) == isEqual ? call.arguments[other] : negate(call.arguments[other])
    }
    return nil
  }

  private static let booleanEqual: UInt32 = 91
  private static let booleanNotEqual: UInt32 = 85

  /// `(a AND b) OR (a AND c)` is `a AND (b OR c)` (`find_duplicate_ors`).
  private func factored(_ expression: TypedExpression) -> TypedExpression {
    switch expression {
    case .and(let arguments): return simplifyChain(arguments.map { factored($0) }, isAnd: true)
    case .or(let arguments):
      let arms = arguments.map { QueryPlanning.conjuncts(factored($0)) }
      guard let shortest = arms.min(by: { $0.count < $1.count }) else { return expression }
      let common = shortest.filter { part in arms.allSatisfy { $0.contains(part) } }
      if common.isEmpty { return .or(arms.compactMap(\.joinedByAnd)) }
      let rest = arms.map { arm in arm.filter { !common.contains($0) } }
      // An arm that has nothing else makes the others superfluous.
      if rest.contains(where: \.isEmpty) { return common.joinedByAnd ?? expression }
      return simplifyChain(common + [.or(rest.compactMap(\.joinedByAnd))], isAnd: true)
    default: return expression
    }
  }
}
