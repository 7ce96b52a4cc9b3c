import CPostgresParser

extension NodeDecoder {
  func optionalExpression() throws(SyntaxError) -> Expression? { try optional(expression) }

  func expressions() throws(SyntaxError) -> [Expression] { try list(expression) }

  func expression() throws(SyntaxError) -> Expression {
    let node = reader.node()
    return try nested { () throws(SyntaxError) in try expression(after: node) }
  }

  /// The same, after the begin of the node was read.
  func expression(after node: MillraceNode) throws(SyntaxError) -> Expression {
    switch node {
    case .a_Const: try constant()
    case .columnRef: try columnReference()
    case .a_Expr: try operatorExpression()
    case .boolExpr: try booleanExpression()
    case .funcCall: .function(try checkedFunctionCall())
    case .typeCast: try typeCastOrBoolean()
    case .paramRef: .parameter(try parameterReference())
    case .subLink: try subquery()
    case .caseExpr: try caseExpression()
    case .nullTest: try nullTest()
    case .booleanTest: try booleanTest()
    case .coalesceExpr: try coalesce()
    case .minMaxExpr: try minMax()
    case .sqlValueFunction: try valueFunction()
    case .collateClause: .collate(try collateClause())
    case .a_ArrayExpr: .array(ArrayExpression(elements: try expressions(), location: location()))
    case .rowExpr: try row()
    case .a_Indirection: .indirection(Indirection(argument: try expression(), elements: try list(indirectionElement)))
    case .groupingFunc: try grouping()
    case .setToDefault: try setToDefault()
    case .namedArgExpr: try namedArgument()
    case .currentOfExpr: try currentOf()
    case .string:
      // COLLATION FOR and a few other functions of the grammar have bare strings for arguments.
      .constant(Constant(value: .string(string()), location: .unknown))
    default: throw unexpected(node)
    }
  }

  @inline(never)
  private func constant() throws(SyntaxError) -> Expression {
    let isNull = bool()
    let value: Constant.Value = isNull ? .null : try constantValue()
    if isNull { _ = reader.readIfNull() }
    return .constant(Constant(value: value, location: location()))
  }

  /// One of the nodes that hold a value.
  func constantValue() throws(SyntaxError) -> Constant.Value {
    let node = reader.node()
    switch node {
    case .integer: return .integer(int32())
    case .float: return .float(string())
    case .boolean: return .boolean(bool())
    case .string: return .string(string())
    case .bitString: return .bitString(string())
    default: throw unexpected(node)
    }
  }

  @inline(never)
  private func parameterReference() throws(SyntaxError) -> ParameterReference {
    let parameter = ParameterReference(number: int32(), location: location())
    // PostgreSQL 15 takes the lower bits of a number that is too large; 18 refuses it.
    let digits = digits(behind: parameter.location)
    guard Int32(digits) == parameter.number else {
      throw SyntaxError(
        sqlState: "42601", message: "parameter number too large at or near \"$\(digits)\"",
        position: position(of: parameter.location))
    }
    return parameter
  }

  @inline(never)
  private func columnReference() throws(SyntaxError) -> Expression {
    let (names, isStar) = try columnNames()
    return .column(ColumnReference(names: names, isStar: isStar, location: location()))
  }

  private func columnNames() throws(SyntaxError) -> ([String], isStar: Bool) {
    try expect(.list)
    let count = Int(reader.word())
    var names: [String] = []
    names.reserveCapacity(count)
    for index in 0..<count {
      let node = reader.node()
      switch node {
      case .string: names.append(string())
      // The grammar has checked that nothing follows.
      case .a_Star where index == count - 1: return (names, true)
      default: throw unexpected(node)
      }
    }
    return (names, false)
  }

  /// The grammar makes a cast of TRUE and FALSE.
  @inline(never)
  private func typeCastOrBoolean() throws(SyntaxError) -> Expression {
    let cast = try typeCast()
    if case .constant(let constant) = cast.argument, case .boolean = constant.value,
      cast.type.names == ["pg_catalog", "bool"], !cast.type.location.isKnown
    {
      return .constant(Constant(value: constant.value, location: constant.location))
    }
    // `integer $1` in the way of `integer '1'`.
    if case .parameter(let parameter) = cast.argument, cast.type.location.isKnown,
      cast.type.location.offset < parameter.location.offset
    {
      throw misplaced(parameter)
    }
    return .cast(cast)
  }

  @inline(never)
  func typeCast() throws(SyntaxError) -> TypeCast {
    TypeCast(argument: try expression(), type: try typeName(), location: location())
  }

  @inline(never)
  private func checkedFunctionCall() throws(SyntaxError) -> FunctionCall {
    let call = try functionCall()
    // `EXTRACT($1 FROM x)`.
    if call.isSQLSyntax, call.name.last == "extract", case .parameter(let parameter)? = call.arguments.first {
      throw misplaced(parameter)
    }
    return call
  }

  @inline(never)
  private func collateClause() throws(SyntaxError) -> CollateClause {
    CollateClause(argument: try expression(), collation: try names(), location: location())
  }

  /// A COLLATE that belongs to a column, not to an expression: `nil` is none.
  func columnCollation() throws(SyntaxError) -> [String] {
    if reader.readIfNull() { return [] }
    try expect(.collateClause)
    try refuse("COLLATE of an expression")
    let names = try names()
    _ = location()
    return names
  }

  @inline(never)
  private func booleanExpression() throws(SyntaxError) -> Expression {
    let kind = enumerator([BooleanExpression.Operator.and, .or, .not])
    return .boolean(BooleanExpression(operator: kind, arguments: try expressions(), location: location()))
  }

  @inline(never)
  private func nullTest() throws(SyntaxError) -> Expression {
    let argument = try expression()
    let isNegated = int32() == 1
    try refuse("IS NULL of a row type", if: bool())
    return .nullTest(NullTest(isNegated: isNegated, argument: argument, location: location()))
  }

  @inline(never)
  private func booleanTest() throws(SyntaxError) -> Expression {
    let argument = try expression()
    let kind = int32()
    let value: BooleanTest.Value = [.isTrue, .isFalse, .isUnknown][Int(kind / 2)]
    return .booleanTest(
      BooleanTest(value: value, isNegated: kind % 2 == 1, argument: argument, location: location()))
  }

  @inline(never)
  private func row() throws(SyntaxError) -> Expression {
    let elements = try expressions()
    try resolvedLater()
    // COERCE_IMPLICIT_CAST says that ROW was not written.
    let isExplicit = int32() != 2
    try refuse("a row with names")
    return .row(RowExpression(elements: elements, isExplicit: isExplicit, location: location()))
  }

  /// A type or another OID that the grammar never sets.
  func resolvedLater(_ fields: Int = 1) throws(SyntaxError) {
    for _ in 0..<fields { try refuse("this construct", if: reader.word() != 0) }
  }

  @inline(never)
  func indirectionElement() throws(SyntaxError) -> IndirectionElement {
    let node = reader.node()
    switch node {
    case .string: return .field(string())
    case .a_Star: return .star
    case .a_Indices:
      let isSlice = bool()
      let lower = try optionalExpression()
      let upper = try optionalExpression()
      if isSlice { return .slice(lower: lower, upper: upper) }
      guard let upper else { throw unsupported("this subscript") }
      return .index(upper)
    default: throw unexpected(node)
    }
  }

  @inline(never)
  private func subquery() throws(SyntaxError) -> Expression {
    let kind = int32()
    try resolvedLater()
    let test = try optionalExpression()
    let name = try names()
    let query = try selectStatement()
    let at = location()
    let decoded: SubqueryExpression.Kind
    switch (kind, test) {
    case (0, nil): decoded = .exists
    case (1, let test?): decoded = .all(test, operator: name)
    case (2, let test?): decoded = .any(test, operator: name.isEmpty ? nil : name)
    case (4, nil): decoded = .value
    case (6, nil): decoded = .array
    default: throw unsupported("this kind of subquery", at: at)
    }
    return .subquery(SubqueryExpression(kind: decoded, query: query, location: at))
  }

  @inline(never)
  private func caseExpression() throws(SyntaxError) -> Expression {
    try resolvedLater(2)
    let argument = try optionalExpression()
    let whens = try list { () throws(SyntaxError) -> CaseExpression.When in
      try expect(.caseWhen)
      return CaseExpression.When(condition: try expression(), result: try expression(), location: location())
    }
    let otherwise = try optionalExpression()
    return .caseWhen(
      CaseExpression(argument: argument, whens: whens, otherwise: otherwise, location: location()))
  }

  @inline(never)
  private func coalesce() throws(SyntaxError) -> Expression {
    try resolvedLater(2)
    return .coalesce(CoalesceExpression(arguments: try expressions(), location: location()))
  }

  @inline(never)
  private func minMax() throws(SyntaxError) -> Expression {
    try resolvedLater(3)
    let isGreatest = int32() == 0
    return .minMax(MinMaxExpression(isGreatest: isGreatest, arguments: try expressions(), location: location()))
  }

  @inline(never)
  private func valueFunction() throws(SyntaxError) -> Expression {
    let kinds: [ValueFunction.Kind] = [
      .currentDate, .currentTime, .currentTime, .currentTimestamp, .currentTimestamp, .localTime, .localTime,
      .localTimestamp, .localTimestamp, .currentRole, .currentUser, .user, .sessionUser, .currentCatalog,
      .currentSchema,
    ]
    let kind = enumerator(kinds)
    try resolvedLater()
    let precision = int32()
    return .valueFunction(
      ValueFunction(kind: kind, precision: precision < 0 ? nil : precision, location: location()))
  }

  @inline(never)
  private func grouping() throws(SyntaxError) -> Expression {
    let arguments = try expressions()
    try refuse("this GROUPING")
    try refuse("this GROUPING")
    try resolvedLater()
    return .grouping(GroupingFunction(arguments: arguments, location: location()))
  }

  @inline(never)
  private func setToDefault() throws(SyntaxError) -> Expression {
    try resolvedLater(3)
    return .setToDefault(location())
  }

  @inline(never)
  private func namedArgument() throws(SyntaxError) -> Expression {
    let value = try expression()
    let name = string()
    // The number of an argument is found later, and is -1 here.
    _ = int32()
    return .namedArgument(NamedArgument(name: name, value: value, location: location()))
  }

  @inline(never)
  private func currentOf() throws(SyntaxError) -> Expression {
    try resolvedLater()
    guard let cursor = optionalString() else { throw unsupported("WHERE CURRENT OF a parameter") }
    try refuse("WHERE CURRENT OF a parameter", if: int32() != 0)
    return .currentOf(CurrentOf(cursor: cursor))
  }
}
