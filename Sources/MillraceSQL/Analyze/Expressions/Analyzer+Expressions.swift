import MillraceEngine
import MillraceTypes

/// Expressions (transformExprRecurse of src/backend/parser/parse_expr.c).
extension Analyzer {
  func analyze(
    _ expression: Expression, _ scope: QueryScope, as kind: ExpressionKind
  ) throws(SQLError) -> TypedExpression {
    let before = scope.kind
    scope.kind = kind
    defer { scope.kind = before }
    return try analyze(expression, scope)
  }

  func analyze(_ expression: Expression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    try checkStackDepth()
    switch expression {
    case .constant(let constant): return try analyze(constant)
    case .column(let reference): return try analyze(reference, scope)
    case .parameter(let reference): return try parameters.expression(reference)
    case .operation(let operation): return try analyze(operation, scope)
    case .boolean(let boolean): return try analyze(boolean, scope)
    case .function(let call): return try analyze(call, scope)
    case .cast(let cast): return try analyze(cast, scope)
    default: return try analyzeSpecial(expression, scope)
    }
  }

  /// The rarer ones, apart so that the common ones need little of the stack.
  @inline(never)
  private func analyzeSpecial(_ expression: Expression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    switch expression {
    case .arrayComparison(let comparison): return try analyze(comparison, scope)
    case .distinct(let distinct): return try analyze(distinct, scope)
    case .nullIf(let nullIf): return try analyze(nullIf, scope)
    case .inList(let list): return try analyze(list, scope)
    case .between(let between): return try analyze(between, scope)
    case .like(let like): return try analyze(like, scope)
    case .subquery(let subquery): return try analyze(subquery, scope)
    case .caseWhen(let expression): return try analyze(expression, scope)
    case .coalesce(let expression): return try analyze(expression, scope)
    case .minMax(let expression): return try analyze(expression, scope)
    case .valueFunction(let function): return try analyze(function, scope)
    case .nullTest(let test): return try analyze(test, scope)
    case .booleanTest(let test): return try analyze(test, scope)
    case .array(let array): return try analyze(array, scope, nil)
    case .row(let row): return try analyze(row, scope)
    case .indirection(let indirection): return try analyze(indirection, scope)
    case .collate(let clause): return try analyze(clause, scope)
    case .namedArgument(let argument): return try analyze(argument.value, scope)
    case .grouping(let grouping): throw SQLError.unsupported("GROUPING", at: grouping.location)
    case .setToDefault(let location):
      throw SQLError(.syntaxError, "DEFAULT is not allowed in this context", at: location)
    case .currentOf: throw SQLError.unsupported("WHERE CURRENT OF")
    default: preconditionFailure("every expression is analysed somewhere")
    }
  }

  // MARK: Operators

  @inline(never)
  private func analyze(_ operation: OperatorExpression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    guard let left = operation.left else {
      return try self.operation(operation.name, try analyze(operation.right, scope), operation.location)
    }
    if case .row(let leftRow) = left {
      if case .row(let rightRow) = operation.right {
        return try rowOperation(
          operation.name, try analyzeAll(leftRow.elements, scope), try analyzeAll(rightRow.elements, scope),
          operation.location)
      }
      if case .subquery(let query) = operation.right, query.kind == .value {
        throw SQLError.unsupported("comparing a row with a query", at: operation.location)
      }
    }
    let first = try analyze(left, scope)
    let second = try analyze(operation.right, scope)
    return try self.operation(operation.name, first, second, operation.location)
  }

  func analyzeAll(_ expressions: [Expression], _ scope: QueryScope) throws(SQLError) -> [TypedExpression] {
    var all: [TypedExpression] = []
    all.reserveCapacity(expressions.count)
    for expression in expressions { all.append(try analyze(expression, scope)) }
    return all
  }

  @inline(never)
  private func analyze(_ boolean: BooleanExpression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let name =
      switch boolean.operator {
      case .and: "AND"
      case .or: "OR"
      case .not: "NOT"
      }
    var operands: [TypedExpression] = []
    operands.reserveCapacity(boolean.arguments.count)
    for argument in boolean.arguments {
      operands.append(try coerceToBoolean(try analyze(argument, scope), name))
    }
    switch boolean.operator {
    case .and: return .and(operands)
    case .or: return .or(operands)
    case .not: return .not(operands[0])
    }
  }

  private func analyze(_ comparison: ArrayComparison, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let left = try analyze(comparison.left, scope)
    let array = try analyze(comparison.array, scope)
    return try arrayComparison(comparison.name, isAll: comparison.isAll, left, array, comparison.location)
  }

  private func analyze(_ distinct: DistinctExpression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    // With a NULL literal it is a null test.
    func test(_ operand: Expression) throws(SQLError) -> TypedExpression {
      .nullTest(try analyze(operand, scope), isNegated: !distinct.isNegated)
    }
    if distinct.right.isNullLiteral { return try test(distinct.left) }
    if distinct.left.isNullLiteral { return try test(distinct.right) }
    if case .row(let left) = distinct.left, case .row(let right) = distinct.right {
      let rows = (try analyzeAll(left.elements, scope), try analyzeAll(right.elements, scope))
      return try rowDistinct(rows.0, rows.1, isNegated: distinct.isNegated, distinct.location)
    }
    let left = try analyze(distinct.left, scope)
    let result = TypedExpression.distinct(
      try comparison(left, try analyze(distinct.right, scope), "IS DISTINCT FROM", distinct.location))
    return distinct.isNegated ? .not(result) : result
  }

  private func analyze(_ nullIf: NullIfExpression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let left = try analyze(nullIf.left, scope)
    var result = try comparison(left, try analyze(nullIf.right, scope), "NULLIF", nullIf.location)
    result.type = result.left.type
    return .nullIf(result)
  }

  private func analyze(_ between: BetweenExpression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let operand = try analyze(between.operand, scope)
    let (lower, upper) = (try analyze(between.lower, scope), try analyze(between.upper, scope))
    func within(_ low: TypedExpression, _ high: TypedExpression) throws(SQLError) -> TypedExpression {
      .and([
        try operation([">="], operand, low, between.location), try operation(["<="], operand, high, between.location),
      ])
    }
    func outside(_ low: TypedExpression, _ high: TypedExpression) throws(SQLError) -> TypedExpression {
      .or([
        try operation(["<"], operand, low, between.location), try operation([">"], operand, high, between.location),
      ])
    }
    switch (between.isNegated, between.isSymmetric) {
    case (false, false): return try within(lower, upper)
    case (true, false): return try outside(lower, upper)
    case (false, true): return .or([try within(lower, upper), try within(upper, lower)])
    case (true, true): return .and([try outside(lower, upper), try outside(upper, lower)])
    }
  }

  private func analyze(_ like: LikeExpression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let left = try analyze(like.left, scope)
    var pattern = try analyze(like.pattern, scope)
    if like.kind == .similar || like.escape != nil {
      var arguments = [pattern]
      if let escape = like.escape { arguments.append(try analyze(escape, scope)) }
      let name = ["pg_catalog", like.kind == .similar ? "similar_to_escape" : "like_escape"]
      pattern = try call(name, arguments, like.location)
    }
    return try operation([like.operatorName], left, pattern, like.location)
  }

  /// A function by its name, as the grammar calls it.
  func call(
    _ name: [String], _ arguments: [TypedExpression], _ location: Location
  ) throws(SQLError) -> TypedExpression {
    let types = arguments.map(\.type.id)
    guard
      case .function(let entry, let candidate) = try function(
        name, types, names: [], isVariadic: false, location: location)
    else {
      throw SQLError(
        .undefinedFunction, "function \(functionSignature(name, types, names: [])) does not exist",
        hint: "No function matches the given name and argument types. You might need to add explicit type casts.",
        at: location)
    }
    var coerced = arguments
    for index in coerced.indices {
      coerced[index] = try coerce(
        coerced[index], to: ValueType(candidate.arguments[index]), .implicit, .implicitCast)
    }
    return .call(CallExpression(function: entry.oid, coerced, ValueType(entry.result), location))
  }

  // MARK: Tests

  private func analyze(_ test: NullTest, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    .nullTest(try analyze(test.argument, scope), isNegated: test.isNegated)
  }

  private func analyze(_ test: BooleanTest, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let value =
      switch test.value {
      case .isTrue: "TRUE"
      case .isFalse: "FALSE"
      case .isUnknown: "UNKNOWN"
      }
    let operand = try coerceToBoolean(
      try analyze(test.argument, scope), "IS \(test.isNegated ? "NOT " : "")\(value)")
    return .booleanTest(operand, test.value, isNegated: test.isNegated)
  }

  // MARK: Casts

  @inline(never)
  private func analyze(_ cast: TypeCast, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let target = try TypeNameResolver(catalog).resolve(cast.type)
    let argument: TypedExpression
    if case .array(let array) = cast.argument, try elementType(of: target.id) != nil {
      argument = try analyze(array, scope, target)
    } else {
      argument = try analyze(cast.argument, scope)
    }
    let location = cast.location.isKnown ? cast.location : cast.type.location
    guard let result = try coerced(argument, to: target, .explicit, .explicitCast, at: location) else {
      throw SQLError(
        .cannotCoerce, "cannot cast type \(typeName(argument.type.id)) to \(typeName(target.id))", at: location)
    }
    return result
  }

  private func analyze(_ clause: CollateClause, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let argument = try analyze(clause.argument, scope)
    guard ["C", "POSIX", "default", "ucs_basic"].contains(clause.collation.last ?? "") else {
      throw SQLError(
        .undefinedObject,
        "collation \"\(clause.collation.joined(separator: "."))\" for encoding \"UTF8\" does not exist",
        at: clause.location)
    }
    // All texts are ordered by their bytes anyway.
    if argument.type.id == .unknown { return argument }
    switch argument.type.id {
    case .text, .varchar, .bpchar, .name: return argument
    default:
      throw SQLError(
        .datatypeMismatch, "collations are not supported by type \(typeName(argument.type.id))", at: clause.location)
    }
  }
}

extension Expression {
  var isNullLiteral: Bool {
    if case .constant(let constant) = self, constant.value == .null { return true }
    return false
  }
}
