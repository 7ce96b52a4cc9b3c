import MillraceTypes

/// What an expression is, and what it is made of (PostgreSQL's exprType, expression_tree_walker and
/// expression_tree_mutator, src/backend/nodes/nodeFuncs.c).
extension TypedExpression {
  /// The type of its value.
  public var type: ValueType {
    switch self {
    case .constant(let constant): constant.type
    case .variable(let variable): variable.type
    case .parameter(let parameter): parameter.type
    case .call(let call): call.type
    case .and, .or, .not, .distinct, .arrayComparison, .nullTest, .booleanTest, .rowComparison: ValueType(.bool)
    case .nullIf(let comparison): comparison.type
    case .caseWhen(let value): value.type
    case .caseOperand(let type): type
    case .coalesce(_, let type), .minMax(_, _, let type), .relabel(_, let type, _), .throughText(_, let type, _):
      type
    case .array(_, let type), .row(_, let type): type
    case .aggregate(let aggregate): aggregate.type
    case .subquery(let link): link.type
    case .input(let column): column.type
    case .subplan(let reference): reference.type
    }
  }

  /// Calls `body` for each expression that it is directly made of; of a subquery those outside of its query.
  public func forEachChild<Failure: Error>(_ body: (TypedExpression) throws(Failure) -> Void) throws(Failure) {
    switch self {
    case .constant, .variable, .parameter, .caseOperand, .input: break
    case .call(let call): for argument in call.arguments { try body(argument) }
    case .and(let arguments), .or(let arguments), .coalesce(let arguments, _), .minMax(_, let arguments, _),
      .array(let arguments, _), .row(let arguments, _):
      for argument in arguments { try body(argument) }
    case .not(let argument), .nullTest(let argument, _), .booleanTest(let argument, _, _), .relabel(let argument, _, _),
      .throughText(let argument, _, _):
      try body(argument)
    case .distinct(let comparison), .nullIf(let comparison):
      try body(comparison.left)
      try body(comparison.right)
    case .arrayComparison(let comparison):
      try body(comparison.left)
      try body(comparison.array)
    case .caseWhen(let value):
      if let operand = value.operand { try body(operand) }
      for branch in value.branches {
        try body(branch.condition)
        try body(branch.result)
      }
      try body(value.otherwise)
    case .rowComparison(let comparison):
      for argument in comparison.left { try body(argument) }
      for argument in comparison.right { try body(argument) }
    case .aggregate(let aggregate):
      for argument in aggregate.arguments { try body(argument) }
      for key in aggregate.orderBy { try body(key.expression) }
      if let filter = aggregate.filter { try body(filter) }
    case .subquery(let link): for argument in link.left { try body(argument) }
    case .subplan(let reference):
      for argument in reference.left { try body(argument) }
      for argument in reference.arguments { try body(argument.value) }
    }
  }

  /// The same expression, with each that it is directly made of replaced by what `body` makes of it.
  public func mapChildren<Failure: Error>(
    _ body: (TypedExpression) throws(Failure) -> TypedExpression
  ) throws(Failure) -> TypedExpression {
    func all(_ expressions: [TypedExpression]) throws(Failure) -> [TypedExpression] {
      var mapped: [TypedExpression] = []
      mapped.reserveCapacity(expressions.count)
      for expression in expressions { mapped.append(try body(expression)) }
      return mapped
    }
    switch self {
    case .constant, .variable, .parameter, .caseOperand, .input: return self
    case .call(var call):
      call.arguments = try all(call.arguments)
      return .call(call)
    case .and(let arguments): return .and(try all(arguments))
    case .or(let arguments): return .or(try all(arguments))
    case .not(let argument): return .not(try body(argument))
    case .distinct(var comparison):
      (comparison.left, comparison.right) = (try body(comparison.left), try body(comparison.right))
      return .distinct(comparison)
    case .nullIf(var comparison):
      (comparison.left, comparison.right) = (try body(comparison.left), try body(comparison.right))
      return .nullIf(comparison)
    case .arrayComparison(var comparison):
      (comparison.left, comparison.array) = (try body(comparison.left), try body(comparison.array))
      return .arrayComparison(comparison)
    case .nullTest(let argument, let isNegated): return .nullTest(try body(argument), isNegated: isNegated)
    case .booleanTest(let argument, let value, let isNegated):
      return .booleanTest(try body(argument), value, isNegated: isNegated)
    case .coalesce(let arguments, let type): return .coalesce(try all(arguments), type)
    case .minMax(let isGreatest, let arguments, let type):
      return .minMax(isGreatest: isGreatest, try all(arguments), type)
    case .relabel(let argument, let type, let form): return .relabel(try body(argument), type, form)
    case .throughText(let argument, let type, let form): return .throughText(try body(argument), type, form)
    case .array(let elements, let type): return .array(try all(elements), type)
    case .row(let elements, let type): return .row(try all(elements), type)
    case .rowComparison(var comparison):
      (comparison.left, comparison.right) = (try all(comparison.left), try all(comparison.right))
      return .rowComparison(comparison)
    case .subquery(var link):
      link.left = try all(link.left)
      return .subquery(link)
    case .caseWhen, .aggregate, .subplan: return try mapPartsOfSpecial(body)
    }
  }

  private func mapPartsOfSpecial<Failure: Error>(
    _ body: (TypedExpression) throws(Failure) -> TypedExpression
  ) throws(Failure) -> TypedExpression {
    switch self {
    case .caseWhen(var value):
      if let operand = value.operand { value.operand = try body(operand) }
      for index in value.branches.indices {
        value.branches[index].condition = try body(value.branches[index].condition)
        value.branches[index].result = try body(value.branches[index].result)
      }
      value.otherwise = try body(value.otherwise)
      return .caseWhen(value)
    case .aggregate(var aggregate):
      for index in aggregate.arguments.indices { aggregate.arguments[index] = try body(aggregate.arguments[index]) }
      for index in aggregate.orderBy.indices {
        aggregate.orderBy[index].expression = try body(aggregate.orderBy[index].expression)
      }
      if let filter = aggregate.filter { aggregate.filter = try body(filter) }
      return .aggregate(aggregate)
    case .subplan(var reference):
      for index in reference.left.indices { reference.left[index] = try body(reference.left[index]) }
      for index in reference.arguments.indices {
        reference.arguments[index].value = try body(reference.arguments[index].value)
      }
      return .subplan(reference)
    default: return self
    }
  }
}
