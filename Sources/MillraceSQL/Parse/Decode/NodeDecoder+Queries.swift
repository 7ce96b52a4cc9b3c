import CPostgresParser

extension NodeDecoder {
  /// SELECT in any of its forms, where nothing else may be.
  func selectStatement() throws(SyntaxError) -> SelectStatement {
    try expect(.selectStmt)
    return try nested { () throws(SyntaxError) in try selectFields() }
  }

  /// The fields of a SelectStmt, of whose three forms each uses its own.
  @inline(never)
  func selectFields() throws(SyntaxError) -> SelectStatement {
    let block = try selectBlock()
    let rows = try list { () throws(SyntaxError) in try list(expression) }
    let orderBy = try list(sortBy)
    let limit = try limitClause()
    let locking = try list(lockingClause)
    let with = try optional(withClause)
    let kind = int32()
    let isAll = bool()
    let left = try optional(selectStatement)
    let right = try optional(selectStatement)
    let body: SelectBody
    switch (kind, left, right) {
    case (0, nil, nil): body = rows.isEmpty ? .select(block) : .values(rows)
    case (1, let left?, let right?):
      body = .setOperation(SetOperation(operator: .union, isAll: isAll, left: left, right: right))
    case (2, let left?, let right?):
      body = .setOperation(SetOperation(operator: .intersect, isAll: isAll, left: left, right: right))
    case (3, let left?, let right?):
      body = .setOperation(SetOperation(operator: .except, isAll: isAll, left: left, right: right))
    default: throw unsupported("this set operation")
    }
    return SelectStatement(with: with, body: body, orderBy: orderBy, limit: limit, locking: locking)
  }

  @inline(never)
  private func selectBlock() throws(SyntaxError) -> SelectBlock {
    SelectBlock(
      distinct: try distinctClause(), into: try optional(intoClause), targets: try list(resultTarget),
      from: try list(fromItem), condition: try optionalExpression(), groupBy: try list(groupingElement),
      isGroupDistinct: bool(), having: try optionalExpression(), windows: try list(windowDefinition))
  }

  /// No list is no DISTINCT; a list of nothing is DISTINCT without ON.
  @inline(never)
  private func distinctClause() throws(SyntaxError) -> SelectBlock.Distinct {
    if reader.readIfNull() { return .no }
    let expressions = try list(optionalExpression).compactMap { $0 }
    return expressions.isEmpty ? .all : .on(expressions)
  }

  @inline(never)
  private func limitClause() throws(SyntaxError) -> LimitClause {
    let offset = try optionalExpression()
    let count = try optionalExpression()
    // libpg_query has put LIMIT_OPTION_DEFAULT, for no LIMIT at all, before PostgreSQL's own two.
    return LimitClause(count: count, offset: offset, isWithTies: int32() == 2)
  }

  func resultTarget() throws(SyntaxError) -> ResultTarget {
    try expect(.resTarget)
    let name = optionalString()
    try refuse("a field of a target")
    return ResultTarget(expression: try expression(), name: name, location: location())
  }

  private func groupingElement() throws(SyntaxError) -> GroupingElement {
    let node = reader.node()
    guard node == .groupingSet else {
      return .expression(try nested { () throws(SyntaxError) in try expression(after: node) })
    }
    return try nested { () throws(SyntaxError) in
      let kinds: [GroupingSet.Kind?] = [.empty, nil, .rollup, .cube, .sets]
      guard let kind = enumerator(kinds) else { throw unsupported("this grouping set") }
      return .set(GroupingSet(kind: kind, content: try list(groupingElement), location: location()))
    }
  }

  private func lockingClause() throws(SyntaxError) -> LockingClause {
    try expect(.lockingClause)
    let relations = try list(rangeVariable)
    let strength = enumerator([LockingClause.Strength?.none, .keyShare, .share, .noKeyUpdate, .update])
    let waitPolicy = enumerator([LockingClause.WaitPolicy.block, .skip, .error])
    guard let strength else { throw unsupported("this row lock") }
    return LockingClause(relations: relations, strength: strength, waitPolicy: waitPolicy)
  }

  @inline(never)
  func withClause() throws(SyntaxError) -> WithClause {
    try expect(.withClause)
    return WithClause(expressions: try list(commonTableExpression), isRecursive: bool(), location: location())
  }

  @inline(never)
  private func commonTableExpression() throws(SyntaxError) -> CommonTableExpression {
    try expect(.commonTableExpr)
    let name = string()
    let columnNames = try names()
    let materialization = enumerator([CommonTableExpression.Materialization.unspecified, .always, .never])
    let query = try statement()
    try refuse("SEARCH")
    try refuse("CYCLE")
    let at = location()
    // Whether it is recursive, how often it is referred to, and its columns are found later.
    try resolvedLater(2)
    for _ in 0..<4 { try refuse("this construct") }
    return CommonTableExpression(
      name: name, columnNames: columnNames, materialization: materialization, query: query, location: at)
  }

  // MARK: - FROM

  func fromItem() throws(SyntaxError) -> FromItem {
    let node = reader.node()
    return try nested { () throws(SyntaxError) in
      switch node {
      case .rangeVar: .relation(try rangeVariableFields())
      case .rangeSubselect:
        .subquery(
          RangeSubselect(isLateral: bool(), query: try selectStatement(), alias: try optional(alias)))
      case .rangeFunction: .function(try rangeFunction())
      case .joinExpr: .join(try join())
      case .rangeTableSample: .sample(try tableSample())
      default: throw unexpected(node)
      }
    }
  }

  func rangeVariable() throws(SyntaxError) -> RangeVariable {
    try expect(.rangeVar)
    return try rangeVariableFields()
  }

  @inline(never)
  private func rangeVariableFields() throws(SyntaxError) -> RangeVariable {
    let catalog = optionalString()
    let schema = optionalString()
    let name = string()
    let includesChildren = bool()
    let persistence: RangeVariable.Persistence
    switch character() {
    case "u": persistence = .unlogged
    case "t": persistence = .temporary
    default: persistence = .permanent
    }
    return RangeVariable(
      catalog: catalog, schema: schema, name: name, includesChildren: includesChildren, persistence: persistence,
      alias: try optional(alias), location: location())
  }

  func alias() throws(SyntaxError) -> Alias {
    try expect(.alias)
    return Alias(name: string(), columnNames: try names())
  }

  @inline(never)
  private func rangeFunction() throws(SyntaxError) -> RangeFunction {
    let isLateral = bool()
    let withOrdinality = bool()
    let isRowsFrom = bool()
    let items = try list { () throws(SyntaxError) -> RangeFunction.Item in
      // A list of two: the function, and the list of columns that belongs to it.
      try expect(.list)
      try refuse("this function in FROM", if: reader.word() != 2)
      return RangeFunction.Item(function: try expression(), columns: try list(columnDefinition))
    }
    return RangeFunction(
      isLateral: isLateral, withOrdinality: withOrdinality, isRowsFrom: isRowsFrom, items: items,
      alias: try optional(alias), columns: try list(columnDefinition))
  }

  @inline(never)
  private func join() throws(SyntaxError) -> JoinExpression {
    let kinds: [JoinExpression.Kind] = [.inner, .left, .full, .right]
    let kind = enumerator(kinds)
    let isNatural = bool()
    let left = try fromItem()
    let right = try fromItem()
    let using = try names()
    let usingAlias = try optional(alias)
    let condition = try optionalExpression()
    let joinAlias = try optional(alias)
    try resolvedLater()
    let decoded: JoinExpression.Condition
    if isNatural {
      decoded = .natural
    } else if let condition {
      decoded = .on(condition)
    } else if !using.isEmpty {
      decoded = .using(using, alias: usingAlias?.name)
    } else {
      decoded = .none
    }
    return JoinExpression(kind: kind, condition: decoded, left: left, right: right, alias: joinAlias)
  }

  @inline(never)
  private func tableSample() throws(SyntaxError) -> RangeTableSample {
    RangeTableSample(
      relation: try rangeVariable(), method: try names(), arguments: try expressions(),
      repeatable: try optionalExpression(), location: location())
  }
}
