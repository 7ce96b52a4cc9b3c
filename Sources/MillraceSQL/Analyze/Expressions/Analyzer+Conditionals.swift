import MillraceEngine
import MillraceTypes

/// CASE, COALESCE, GREATEST, IN, ARRAY, ROW: expressions whose parts need a common type.
extension Analyzer {
  func analyze(_ expression: CaseExpression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    var operand: TypedExpression?
    if let raw = expression.argument {
      let analyzed = try analyze(raw, scope)
      // What is compared must have a type before the values are known.
      operand =
        analyzed.type.id == .unknown
        ? try coerce(analyzed, to: ValueType(.text), .implicit, .implicitCast) : analyzed
    }
    var conditions: [TypedExpression] = []
    var results: [TypedExpression] = []
    for when in expression.whens {
      let condition = try analyze(when.condition, scope)
      if let operand {
        let comparison = try operation(["="], .caseOperand(operand.type), condition, when.location)
        conditions.append(try coerceToBoolean(comparison, "CASE/WHEN"))
      } else {
        conditions.append(try coerceToBoolean(condition, "CASE/WHEN"))
      }
      results.append(try analyze(when.result, scope))
    }
    var otherwise: TypedExpression
    if let raw = expression.otherwise {
      otherwise = try analyze(raw, scope)
    } else {
      otherwise = .constant(TypedConstant(ValueType(.unknown), .null))
    }
    // ELSE comes first when the type is chosen.
    let type = try commonType([otherwise] + results, "CASE")
    otherwise = try coerce(otherwise, toCommon: type, "CASE/ELSE")
    var branches: [TypedCase.Branch] = []
    for (condition, result) in zip(conditions, results) {
      branches.append(TypedCase.Branch(condition, try coerce(result, toCommon: type, "CASE/WHEN")))
    }
    let typmod = commonTypmod([otherwise] + branches.map(\.result), type)
    return .caseWhen(
      TypedCase(operand, branches, otherwise: otherwise, ValueType(type, typmod), expression.location))
  }

  func analyze(_ expression: CoalesceExpression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let (arguments, type) = try common(expression.arguments, "COALESCE", scope)
    return .coalesce(arguments, type)
  }

  func analyze(_ expression: MinMaxExpression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let name = expression.isGreatest ? "GREATEST" : "LEAST"
    let (arguments, type) = try common(expression.arguments, name, scope)
    guard try sortOperators(of: type.id) != nil else {
      throw SQLError(
        .undefinedFunction, "could not identify a comparison function for type \(typeName(type.id))")
    }
    return .minMax(isGreatest: expression.isGreatest, arguments, type)
  }

  private func common(
    _ raw: [Expression], _ construct: String, _ scope: QueryScope
  ) throws(SQLError) -> ([TypedExpression], ValueType) {
    var arguments = try analyzeAll(raw, scope)
    let type = try commonType(arguments, construct)
    for index in arguments.indices { arguments[index] = try coerce(arguments[index], toCommon: type, construct) }
    return (arguments, ValueType(type, commonTypmod(arguments, type)))
  }

  // MARK: IN

  /// transformAExprIn: an array of the values where they have a common type and do not depend on the row, equalities
  /// else.
  func analyze(_ list: InExpression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let name = [list.isNegated ? "<>" : "="]
    if case .row(let row) = list.left { return try analyzeRows(list, row, name, scope) }
    let left = try analyze(list.left, scope)
    let all = try analyzeAll(list.list, scope)
    var values = all.filter { !$0.contains(\.isVariable) }
    var others = all
    var tests: [TypedExpression] = []
    if values.count > 1, let type = try commonTypeIfAny([left.type.id] + values.map(\.type.id)),
      try canCoerceAll([left] + values, to: type), type != .record, let array = try arrayType(of: type)
    {
      for index in values.indices { values[index] = try coerce(values[index], toCommon: type, "IN") }
      tests.append(
        try arrayComparison(
          name, isAll: list.isNegated, left, .array(values, ValueType(array)), list.location))
      others = all.filter { $0.contains(\.isVariable) }
    }
    for value in others {
      tests.append(
        try coerceToBoolean(try operation(name, left, value, list.location), list.isNegated ? "NOT IN" : "IN"))
    }
    if tests.count == 1 { return tests[0] }
    return list.isNegated ? .and(tests) : .or(tests)
  }

  private func canCoerceAll(_ expressions: [TypedExpression], to type: TypeID) throws(SQLError) -> Bool {
    for expression in expressions where try !canCoerce(expression.type.id, to: type, .implicit) { return false }
    return true
  }

  private func analyzeRows(
    _ list: InExpression, _ row: RowExpression, _ name: [String], _ scope: QueryScope
  ) throws(SQLError) -> TypedExpression {
    let left = try analyzeAll(row.elements, scope)
    var tests: [TypedExpression] = []
    for raw in list.list {
      guard case .row(let other) = raw else {
        throw SQLError.unsupported("comparing a row with a value", at: list.location)
      }
      tests.append(try rowOperation(name, left, try analyzeAll(other.elements, scope), list.location))
    }
    if tests.count == 1 { return tests[0] }
    return list.isNegated ? .and(tests) : .or(tests)
  }

  // MARK: Arrays

  /// transformArrayExpr.
  /// - Parameter target: the array's type that a cast around it says.
  func analyze(
    _ array: ArrayExpression, _ scope: QueryScope, _ target: ValueType?
  ) throws(SQLError) -> TypedExpression {
    guard !array.elements.isEmpty || target != nil else {
      throw SQLError(
        .indeterminateDatatype, "cannot determine type of empty array",
        hint: "Explicitly cast to the desired type, for example ARRAY[]::integer[].", at: array.location)
    }
    var elements: [TypedExpression] = []
    var isNested = false
    for raw in array.elements {
      if case .array(let inner) = raw {
        elements.append(try analyze(inner, scope, target))
        isNested = true
      } else {
        elements.append(try analyze(raw, scope))
        if !isNested, try isArray(elements[elements.count - 1].type.id) { isNested = true }
      }
    }
    guard let target else { return try arrayOfCommonType(elements, isNested: isNested, at: array.location) }
    guard let element = isNested ? target.id : try elementType(of: target.id) else {
      throw noElementType(target.id, array.location)
    }
    for index in elements.indices {
      let type = ValueType(element, target.typmod)
      guard let result = try coerced(elements[index], to: type, .explicit, .explicitCast) else {
        throw SQLError(
          .cannotCoerce, "cannot cast type \(typeName(elements[index].type.id)) to \(typeName(element))",
          at: elements[index].location)
      }
      elements[index] = result
    }
    return .array(elements, target)
  }

  private func arrayOfCommonType(
    _ elements: [TypedExpression], isNested: Bool, at location: Location
  ) throws(SQLError) -> TypedExpression {
    let type = try commonType(elements, "ARRAY")
    var coerced = elements
    for index in elements.indices { coerced[index] = try coerce(elements[index], toCommon: type, "ARRAY") }
    if isNested {
      guard try elementType(of: type) != nil else { throw noElementType(type, location) }
      return .array(coerced, ValueType(type))
    }
    guard let result = try arrayType(of: type) else {
      throw SQLError(.undefinedObject, "could not find array type for data type \(typeName(type))", at: location)
    }
    return .array(coerced, ValueType(result))
  }

  /// Whether values of a type nest in an array rather than being its elements.
  private func isArray(_ type: TypeID) throws(SQLError) -> Bool {
    if type == .int2Vector || type == .oidVector { return false }
    return try elementType(of: type) != nil
  }

  private func noElementType(_ type: TypeID, _ location: Location) -> SQLError {
    SQLError(.undefinedObject, "could not find element type for data type \(typeName(type))", at: location)
  }

  // MARK: Rows

  func analyze(_ row: RowExpression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    var elements = try analyzeAll(row.elements, scope)
    for index in elements.indices where elements[index].type.id == .unknown {
      elements[index] = try coerce(elements[index], to: ValueType(.text), .implicit, .implicitCast)
    }
    return .row(elements, ValueType(.record))
  }

  /// make_row_comparison_op.
  func rowOperation(
    _ name: [String], _ left: [TypedExpression], _ right: [TypedExpression], _ location: Location
  ) throws(SQLError) -> TypedExpression {
    guard left.count == right.count else {
      throw SQLError(.syntaxError, "unequal number of entries in row expressions", at: location)
    }
    guard !left.isEmpty else {
      throw SQLError(.featureNotSupported, "cannot compare rows of zero length", at: location)
    }
    var calls: [CallExpression] = []
    for (a, b) in zip(left, right) {
      let entry = try binaryOperator(name, a.type.id, b.type.id, location)
      let call = try call(entry, [a, b], location)
      guard call.type.id == .bool else {
        throw SQLError(
          .datatypeMismatch,
          "row comparison operator must yield type boolean, not type \(typeName(call.type.id))", at: location)
      }
      calls.append(call)
    }
    if calls.count == 1 { return .call(calls[0]) }
    let kinds: [String: RowComparison.Kind] = [
      "<": .less, "<=": .lessOrEqual, ">=": .greaterOrEqual, ">": .greater,
    ]
    switch name.last {
    case "=": return .and(calls.map { .call($0) })
    case "<>": return .or(calls.map { .call($0) })
    default: break
    }
    guard let kind = name.last.flatMap({ kinds[$0] }) else {
      throw SQLError(
        .featureNotSupported, "could not determine interpretation of row comparison operator \(name.last ?? "")",
        hint: "Row comparison operators must be associated with btree operator families.", at: location)
    }
    return .rowComparison(
      RowComparison(
        kind, operators: calls.map(\.operatorID), left: calls.map { $0.arguments[0] },
        right: calls.map { $0.arguments[1] }))
  }

  /// make_row_distinct_op.
  func rowDistinct(
    _ left: [TypedExpression], _ right: [TypedExpression], isNegated: Bool, _ location: Location
  ) throws(SQLError) -> TypedExpression {
    guard left.count == right.count else {
      throw SQLError(.syntaxError, "unequal number of entries in row expressions", at: location)
    }
    var tests: [TypedExpression] = []
    for (a, b) in zip(left, right) { tests.append(.distinct(try comparison(a, b, "IS DISTINCT FROM", location))) }
    let result: TypedExpression = tests.count == 1 ? tests[0] : .or(tests)
    return isNegated ? .not(result) : result
  }

  // MARK: Indirection

  /// `(expression).field`, of a table's row, and `array[1]`; slices and fields of other rows are not supported.
  func analyze(_ indirection: Indirection, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let argument = try analyze(indirection.argument, scope)
    var result = argument
    var elements = indirection.elements[...]
    while let element = elements.popFirst() {
      switch element {
      case .field(let name):
        guard case .variable(let variable) = result, variable.column == .wholeRow,
          let home = scope.ancestor(variable.levelsUp),
          let item = home.namespace.first(where: { $0.entry == variable.entry })
        else {
          if result.type.id == .record { throw SQLError.unsupported("a field of a row", at: argument.location) }
          throw SQLError(
            .wrongObjectType,
            "column notation .\(name) applied to type \(typeName(result.type.id)), which is not a composite type",
            at: argument.location)
        }
        guard let column = try column(name, of: item, variable.levelsUp, scope, argument.location) else {
          throw SQLError(
            .undefinedColumn, "column \(item.name ?? "record").\(name) does not exist", at: argument.location)
        }
        result = column
      case .star: throw rowExpansion(argument.location)
      case .slice: throw SQLError.unsupported("a part of an array", at: argument.location)
      case .index(let first):
        var subscripts = [first]
        while case .index(let next)? = elements.first {
          subscripts.append(next)
          elements.removeFirst()
        }
        if case .slice? = elements.first { throw SQLError.unsupported("a part of an array", at: argument.location) }
        result = try subscripted(result, by: subscripts, scope)
      }
    }
    return result
  }

  /// transformContainerSubscripts: a call of the function that `pg_type.typsubscript` names for arrays.
  private func subscripted(
    _ array: TypedExpression, by subscripts: [Expression], _ scope: QueryScope
  ) throws(SQLError) -> TypedExpression {
    guard let type = try elementType(of: array.type.id) else {
      throw SQLError(
        .datatypeMismatch,
        "cannot subscript type \(typeName(array.type.id)) because it does not support subscripting",
        at: array.location)
    }
    var arguments = [array]
    for written in subscripts {
      let number = try analyze(written, scope)
      guard let converted = try coerced(number, to: ValueType(.int4), .assignment, .implicitCast) else {
        throw SQLError(.datatypeMismatch, "array subscript must have type integer", at: number.location)
      }
      arguments.append(converted)
    }
    return .call(
      CallExpression(
        function: CallExpression.arraySubscript, arguments, ValueType(type, array.type.typmod), array.location))
  }
}

extension TypedExpression {
  var isVariable: Bool {
    if case .variable = self { return true }
    return false
  }
}
