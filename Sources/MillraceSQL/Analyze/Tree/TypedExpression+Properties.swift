import MillraceTypes

/// What every typed expression has.
extension TypedExpression {
  /// The type of its value: `exprType()` and `exprTypmod()` of nodes/nodeFuncs.c.
  public var type: ValueType {
    switch self {
    case .constant(let constant): constant.type
    case .variable(let variable): variable.type
    case .parameter(let parameter): parameter.type
    case .call(let call): call.type
    case .and, .or, .not, .distinct, .arrayComparison, .nullTest, .booleanTest, .rowComparison: ValueType(.bool)
    case .nullIf(let comparison): comparison.type
    case .caseWhen(let expression): expression.type
    case .caseOperand(let type): type
    case .coalesce(_, let type), .minMax(_, _, let type), .array(_, let type), .row(_, let type): type
    case .relabel(_, let type, _), .throughText(_, let type, _): type
    case .aggregate(let aggregate): aggregate.type
    case .subquery(let link): link.type
    case .input(let input): input.type
    case .subplan(let subplan): subplan.type
    }
  }

  /// Where it begins in the statement's text: `exprLocation()`. Of an operator that is where its left operand does.
  public var location: Location {
    switch self {
    case .constant(let constant): constant.location
    case .variable(let variable): variable.location
    case .parameter(let parameter): parameter.location
    case .call(let call): leftmost(call.location)
    case .distinct(let comparison), .nullIf(let comparison): leftmost(comparison.location)
    case .arrayComparison(let comparison): leftmost(comparison.location)
    case .caseWhen(let expression): expression.location
    case .aggregate(let aggregate): aggregate.location
    case .subquery(let link): leftmost(link.location)
    case .relabel(let argument, _, _), .throughText(let argument, _, _): argument.location
    default: leftmost(.unknown)
    }
  }

  private func leftmost(_ own: Location) -> Location {
    var first = own
    forEachChild { child in
      let location = child.location
      if location.isKnown, !first.isKnown || location.offset < first.offset { first = location }
    }
    return first
  }

  /// Calls `body` with each expression that this one is directly made of. Of a subquery that is what its rows are
  /// compared with, not what is in it.
  public func forEachChild<Failure: Error>(_ body: (TypedExpression) throws(Failure) -> Void) throws(Failure) {
    switch self {
    case .constant, .variable, .parameter, .caseOperand, .input: break
    case .call(let call): for child in call.arguments { try body(child) }
    case .and(let children), .or(let children), .coalesce(let children, _), .minMax(_, let children, _),
      .array(let children, _), .row(let children, _):
      for child in children { try body(child) }
    case .not(let child), .nullTest(let child, _), .booleanTest(let child, _, _), .relabel(let child, _, _),
      .throughText(let child, _, _):
      try body(child)
    case .distinct(let comparison), .nullIf(let comparison):
      try body(comparison.left)
      try body(comparison.right)
    case .arrayComparison(let comparison):
      try body(comparison.left)
      try body(comparison.array)
    case .caseWhen(let expression):
      if let operand = expression.operand { try body(operand) }
      for branch in expression.branches {
        try body(branch.condition)
        try body(branch.result)
      }
      try body(expression.otherwise)
    case .rowComparison(let comparison):
      for child in comparison.left { try body(child) }
      for child in comparison.right { try body(child) }
    case .aggregate(let aggregate):
      for child in aggregate.arguments { try body(child) }
      for order in aggregate.orderBy { try body(order.expression) }
      if let filter = aggregate.filter { try body(filter) }
    case .subquery(let link): for child in link.left { try body(child) }
    case .subplan(let subplan):
      for child in subplan.left { try body(child) }
      for argument in subplan.arguments { try body(argument.value) }
    }
  }

  /// Whether this expression or one that it is made of fulfils a condition; subqueries are not looked into.
  public func contains(_ condition: (TypedExpression) -> Bool) -> Bool {
    if condition(self) { return true }
    var isFound = false
    forEachChild { if !isFound, $0.contains(condition) { isFound = true } }
    return isFound
  }

  /// The same expression, made of what `transform` makes of each one that it is directly made of: PostgreSQL's
  /// expression_tree_mutator. Subqueries are not looked into.
  public func mapChildren<Failure: Error>(
    _ transform: (TypedExpression) throws(Failure) -> TypedExpression
  ) throws(Failure) -> TypedExpression {
    switch self {
    case .constant, .variable, .parameter, .caseOperand, .input: return self
    case .call(var call):
      call.arguments = try call.arguments.map(transform)
      return .call(call)
    case .and(let children): return .and(try children.map(transform))
    case .or(let children): return .or(try children.map(transform))
    case .coalesce(let children, let type): return .coalesce(try children.map(transform), type)
    case .minMax(let isGreatest, let children, let type):
      return .minMax(isGreatest: isGreatest, try children.map(transform), type)
    case .array(let children, let type): return .array(try children.map(transform), type)
    case .row(let children, let type): return .row(try children.map(transform), type)
    case .not(let child): return .not(try transform(child))
    case .nullTest(let child, let isNegated): return .nullTest(try transform(child), isNegated: isNegated)
    case .booleanTest(let child, let value, let isNegated):
      return .booleanTest(try transform(child), value, isNegated: isNegated)
    case .relabel(let child, let type, let form): return .relabel(try transform(child), type, form)
    case .throughText(let child, let type, let form): return .throughText(try transform(child), type, form)
    case .distinct(let comparison): return .distinct(try Self.map(comparison, transform))
    case .nullIf(let comparison): return .nullIf(try Self.map(comparison, transform))
    case .arrayComparison(var comparison):
      (comparison.left, comparison.array) = (try transform(comparison.left), try transform(comparison.array))
      return .arrayComparison(comparison)
    case .caseWhen(let expression): return .caseWhen(try Self.map(expression, transform))
    case .rowComparison(var comparison):
      (comparison.left, comparison.right) = (try comparison.left.map(transform), try comparison.right.map(transform))
      return .rowComparison(comparison)
    case .aggregate(let aggregate): return .aggregate(try Self.map(aggregate, transform))
    case .subquery(var link):
      link.left = try link.left.map(transform)
      return .subquery(link)
    case .subplan(var subplan):
      subplan.left = try subplan.left.map(transform)
      for index in subplan.arguments.indices {
        subplan.arguments[index].value = try transform(subplan.arguments[index].value)
      }
      return .subplan(subplan)
    }
  }

  private static func map<Failure: Error>(
    _ comparison: ComparisonExpression, _ transform: (TypedExpression) throws(Failure) -> TypedExpression
  ) throws(Failure) -> ComparisonExpression {
    var comparison = comparison
    (comparison.left, comparison.right) = (try transform(comparison.left), try transform(comparison.right))
    return comparison
  }

  private static func map<Failure: Error>(
    _ expression: TypedCase, _ transform: (TypedExpression) throws(Failure) -> TypedExpression
  ) throws(Failure) -> TypedCase {
    var expression = expression
    if let operand = expression.operand { expression.operand = try transform(operand) }
    for index in expression.branches.indices {
      expression.branches[index].condition = try transform(expression.branches[index].condition)
      expression.branches[index].result = try transform(expression.branches[index].result)
    }
    expression.otherwise = try transform(expression.otherwise)
    return expression
  }

  private static func map<Failure: Error>(
    _ aggregate: AggregateExpression, _ transform: (TypedExpression) throws(Failure) -> TypedExpression
  ) throws(Failure) -> AggregateExpression {
    var aggregate = aggregate
    aggregate.arguments = try aggregate.arguments.map(transform)
    for index in aggregate.orderBy.indices {
      aggregate.orderBy[index].expression = try transform(aggregate.orderBy[index].expression)
    }
    if let filter = aggregate.filter { aggregate.filter = try transform(filter) }
    return aggregate
  }
}
