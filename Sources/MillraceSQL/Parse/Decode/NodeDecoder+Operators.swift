import CPostgresParser

/// PostgreSQL's A_Expr_Kind.
private enum OperatorKind: Int32 {
  case plain, any, all, distinct, notDistinct, nullIf, inList, like, ilike, similar
  case between, notBetween, betweenSymmetric, notBetweenSymmetric
}

extension NodeDecoder {
  /// A_Expr.
  @inline(never)
  func operatorExpression() throws(SyntaxError) -> Expression {
    guard let kind = OperatorKind(rawValue: int32()) else { preconditionFailure("the grammar has no such operator") }
    // Of all expressions this is what gets deep, so it has a small frame of its own.
    return kind == .plain ? try plainOperator() : try specialOperator(kind)
  }

  @inline(never)
  private func plainOperator() throws(SyntaxError) -> Expression {
    .operation(
      OperatorExpression(
        name: try names(), left: try optionalExpression(), right: try expression(), location: location()))
  }

  @inline(never)
  private func specialOperator(_ kind: OperatorKind) throws(SyntaxError) -> Expression {
    let name = try names()
    let left = try optionalExpression()
    switch kind {
    case .plain: return try plainOperator()
    case .inList:
      let list = try expressions()
      return .inList(
        InExpression(isNegated: name == ["<>"], left: try present(left), list: list, location: location()))
    case .between, .notBetween, .betweenSymmetric, .notBetweenSymmetric:
      return try between(kind, present(left))
    case .like, .ilike, .similar:
      return try like(kind, name, present(left))
    case .any, .all:
      return .arrayComparison(
        ArrayComparison(
          name: name, isAll: kind == .all, left: try present(left), array: try expression(), location: location()))
    case .distinct, .notDistinct:
      return .distinct(
        DistinctExpression(
          isNegated: kind == .notDistinct, left: try present(left), right: try expression(), location: location()))
    case .nullIf:
      return .nullIf(NullIfExpression(left: try present(left), right: try expression(), location: location()))
    }
  }

  private func present(_ operand: Expression?) throws(SyntaxError) -> Expression {
    guard let operand else { throw unsupported("this operator without an operand") }
    return operand
  }

  @inline(never)
  private func between(_ kind: OperatorKind, _ operand: Expression) throws(SyntaxError) -> Expression {
    let bounds = try expressions()
    guard bounds.count == 2 else { throw unsupported("BETWEEN without two bounds") }
    return .between(
      BetweenExpression(
        isNegated: kind == .notBetween || kind == .notBetweenSymmetric,
        isSymmetric: kind == .betweenSymmetric || kind == .notBetweenSymmetric,
        operand: operand, lower: bounds[0], upper: bounds[1], location: location()))
  }

  @inline(never)
  private func like(_ kind: OperatorKind, _ name: [String], _ left: Expression) throws(SyntaxError) -> Expression {
    var pattern = try expression()
    var escape: Expression?
    // The grammar has made a function call of ESCAPE, and of every pattern of SIMILAR TO.
    let function = kind == .similar ? "similar_to_escape" : "like_escape"
    if case .function(let call) = pattern, call.name == ["pg_catalog", function], call.arguments.count <= 2,
      call.hasOnlyArguments, call.arguments.count == 2 || kind == .similar
    {
      pattern = call.arguments[0]
      escape = call.arguments.count == 2 ? call.arguments[1] : nil
    } else if kind == .similar {
      throw unsupported("this SIMILAR TO")
    }
    let kinds: [OperatorKind: LikeExpression.Kind] = [.like: .like, .ilike: .ilike, .similar: .similar]
    guard let decoded = kinds[kind] else { preconditionFailure("not a kind of LIKE") }
    return .like(
      LikeExpression(
        kind: decoded, isNegated: name.last?.hasPrefix("!") ?? false, left: left, pattern: pattern, escape: escape,
        location: location()))
  }

  // MARK: - Functions

  @inline(never)
  func functionCall() throws(SyntaxError) -> FunctionCall {
    let name = try names()
    let arguments = try expressions()
    let orderBy = try list(sortBy)
    let filter = try optionalExpression()
    let over = try optional(windowDefinition)
    let isWithinGroup = bool()
    let isStar = bool()
    let isDistinct = bool()
    let isVariadic = bool()
    // COERCE_SQL_SYNTAX.
    let isSQLSyntax = int32() == 3
    return FunctionCall(
      name: name, arguments: arguments, orderBy: orderBy, filter: filter, over: over, isWithinGroup: isWithinGroup,
      isStar: isStar, isDistinct: isDistinct, isVariadic: isVariadic, isSQLSyntax: isSQLSyntax, location: location())
  }

  @inline(never)
  func sortBy() throws(SyntaxError) -> SortBy {
    try expect(.sortBy)
    let expression = try expression()
    let direction = int32()
    let nulls = enumerator([SortBy.Nulls.unspecified, .first, .last])
    let name = try names()
    let directions: [SortBy.Direction] = [.unspecified, .ascending, .descending, .using(name)]
    return SortBy(expression: expression, direction: directions[Int(direction)], nulls: nulls, location: location())
  }

  @inline(never)
  func windowDefinition() throws(SyntaxError) -> WindowDefinition {
    try expect(.windowDef)
    let name = optionalString()
    let reference = optionalString()
    let partitionBy = try expressions()
    let orderBy = try list(sortBy)
    let options = reader.word()
    let start = try optionalExpression()
    let end = try optionalExpression()
    let frame = try WindowFrame(options: options, start: start, end: end, decoder: self)
    return WindowDefinition(
      name: name, reference: reference, partitionBy: partitionBy, orderBy: orderBy, frame: frame,
      location: location())
  }

  func typeName() throws(SyntaxError) -> TypeName {
    try expect(.typeName)
    return try typeNameFields()
  }

  /// The same, after its begin was read.
  @inline(never)
  func typeNameFields() throws(SyntaxError) -> TypeName {
    try refuse("%TYPE", if: bool())
    let names = try names()
    try resolvedLater()
    let isSetOf = bool()
    let modifiers = try expressions()
    try refuse("this type modifier", if: int32() != -1)
    let bounds = try list { () throws(SyntaxError) -> Int32 in
      try expect(.integer)
      return int32()
    }
    return TypeName(
      names: names, isSetOf: isSetOf, modifiers: modifiers, arrayBounds: bounds, location: location())
  }
}

extension FunctionCall {
  /// Whether it is a name and arguments, and nothing else.
  fileprivate var hasOnlyArguments: Bool {
    orderBy.isEmpty && filter == nil && over == nil && !isWithinGroup && !isStar && !isDistinct && !isVariadic
      && !isSQLSyntax
  }
}

extension WindowFrame {
  /// PostgreSQL's FRAMEOPTION bits.
  fileprivate init(
    options: UInt32, start: Expression?, end: Expression?, decoder: NodeDecoder
  ) throws(SyntaxError) {
    isSpecified = options & 0x1 != 0
    unit = options & 0x4 != 0 ? .rows : options & 0x8 != 0 ? .groups : .range
    isBetween = options & 0x10 != 0
    switch (options & 0x2AA0, start) {
    case (0x20, nil): self.start = .unboundedPreceding
    case (0x80, nil): self.start = .unboundedFollowing
    case (0x200, nil): self.start = .currentRow
    case (0x800, let start?): self.start = .preceding(start)
    case (0x2000, let start?): self.start = .following(start)
    default: throw decoder.unsupported("this window frame")
    }
    switch (options & 0x5540, end) {
    case (0x40, nil): self.end = .unboundedPreceding
    case (0x100, nil): self.end = .unboundedFollowing
    case (0x400, nil): self.end = .currentRow
    case (0x1000, let end?): self.end = .preceding(end)
    case (0x4000, let end?): self.end = .following(end)
    default: throw decoder.unsupported("this window frame")
    }
    switch options & 0x38000 {
    case 0: exclusion = .none
    case 0x8000: exclusion = .currentRow
    case 0x10000: exclusion = .group
    case 0x20000: exclusion = .ties
    default: throw decoder.unsupported("this window frame")
    }
  }
}
