import MillraceEngine
import MillraceTypes

/// SELECT (transformSelectStmt of src/backend/parser/analyze.c).
extension Analyzer {
  func analyze(_ select: SelectStatement, _ scope: QueryScope) throws(SQLError) -> Query {
    try checkStackDepth()
    if let with = select.with { try analyze(with, scope) }
    scope.locking = select.locking
    switch select.body {
    case .select(let block): return try analyze(block, select, scope)
    case .values(let rows): return try analyze(rows, select, scope)
    case .setOperation(let operation): return try analyze(operation, select, scope)
    }
  }

  private func analyze(
    _ block: SelectBlock, _ select: SelectStatement, _ scope: QueryScope
  ) throws(SQLError) -> Query {
    if block.into != nil {
      throw SQLError(.syntaxError, "SELECT ... INTO is not allowed here")
    }
    if let window = block.windows.first { throw SQLError.unsupported("WINDOW", at: window.location) }
    var isGrouped = false
    if !block.from.isEmpty { try analyze(from: block.from, scope) }
    try analyze(targets: block.targets, scope, .selectTarget)
    if let condition = block.condition {
      scope.query.condition = try coerceToBoolean(try analyze(condition, scope, as: .condition), "WHERE")
    }
    if let having = block.having {
      scope.query.having = try coerceToBoolean(try analyze(having, scope, as: .having), "HAVING")
      // It is about groups, even where there is only one of all rows.
      isGrouped = true
    }
    try analyze(orderBy: select.orderBy, scope)
    if !block.groupBy.isEmpty { try analyze(groupBy: block.groupBy, scope) }
    switch block.distinct {
    case .no: break
    case .all: scope.query.distinct = .all(try distinctClauses(scope))
    case .on(let expressions): scope.query.distinct = .on(try distinctOn(expressions, scope))
    }
    try analyze(limit: select.limit, scope)
    if scope.resolvesUnknowns { try resolveUnknowns(&scope.query.targets) }
    try analyze(locking: select.locking, scope)
    if isGrouped || scope.query.hasAggregates || !scope.query.groupBy.isEmpty { try checkGrouping(scope) }
    if isGrouped { scope.query.hasAggregates = true }
    return scope.query
  }

  /// resolveTargetListUnknowns: literals that nothing gave a type become text.
  func resolveUnknowns(_ targets: inout [TargetEntry]) throws(SQLError) {
    for index in targets.indices where targets[index].expression.type.id == .unknown {
      targets[index].expression = try coerce(
        targets[index].expression, to: ValueType(.text), .implicit, .implicitCast)
    }
  }

  // MARK: LIMIT

  func analyze(limit: LimitClause, _ scope: QueryScope) throws(SQLError) {
    if let offset = limit.offset {
      scope.query.offset = try limitValue(offset, "OFFSET", .offset, scope)
    }
    if let count = limit.count, !(count.isNullLiteral && !limit.isWithTies) {
      if limit.isWithTies, count.isNullLiteral {
        throw SQLError(
          SQLState("2201W"), "row count cannot be null in FETCH FIRST ... WITH TIES clause")
      }
      scope.query.limit = try limitValue(count, "LIMIT", .limit, scope)
    }
    scope.query.isWithTies = limit.isWithTies
  }

  private func limitValue(
    _ raw: Expression, _ construct: String, _ kind: ExpressionKind, _ scope: QueryScope
  ) throws(SQLError) -> TypedExpression {
    let value = try coerce(try analyze(raw, scope, as: kind), toSpecific: .int8, construct)
    var found: Location?
    value.visit { part, depth in
      if case .variable(let variable) = part, variable.levelsUp == depth { found = found ?? variable.location }
    }
    if let found {
      throw SQLError(
        .invalidColumnReference, "argument of \(construct) must not contain variables", at: found)
    }
    return value
  }

  // MARK: VALUES

  /// transformValuesClause.
  private func analyze(
    _ rows: [[Expression]], _ select: SelectStatement, _ scope: QueryScope
  ) throws(SQLError) -> Query {
    var (values, types) = try valuesRows(rows, scope, .values)
    // Without a place that they go to, literals of unknown type become text.
    for column in types.indices {
      let all = values.map { $0[column] }
      let type = try commonType(all, "VALUES")
      for row in values.indices { values[row][column] = try coerce(values[row][column], toCommon: type, "VALUES") }
      types[column] = ValueType(type, commonTypmod(values.map { $0[column] }, type))
    }
    let columns = types.enumerated().map { RangeTableColumn("column\($0 + 1)", $1) }
    let entry = scope.add(RangeTableEntry(.values(values), name: "*VALUES*", columns: columns))
    let item = NamespaceItem(entry: entry, name: "*VALUES*")
    scope.namespace.append(item)
    scope.query.from = [.entry(entry)]
    for (index, column) in columns.enumerated() {
      scope.query.targets.append(
        TargetEntry(reference(to: index, of: item, 0, scope, .unknown), name: column.name))
    }
    try analyze(orderBy: select.orderBy, scope)
    try analyze(limit: select.limit, scope)
    if let locking = select.locking.first {
      throw SQLError(.featureNotSupported, "\(locking.strength.words) cannot be applied to VALUES")
    }
    return scope.query
  }

  /// The rows of VALUES, all of the same length, and room for their types.
  func valuesRows(
    _ rows: [[Expression]], _ scope: QueryScope, _ kind: ExpressionKind
  ) throws(SQLError) -> ([[TypedExpression]], [ValueType]) {
    let count = rows.first?.count ?? 0
    var values: [[TypedExpression]] = []
    values.reserveCapacity(rows.count)
    for row in rows {
      guard row.count == count else {
        throw SQLError(.syntaxError, "VALUES lists must all be the same length", at: row.first?.location)
      }
      var analyzed: [TypedExpression] = []
      analyzed.reserveCapacity(count)
      for expression in row { analyzed.append(try analyze(expression, scope, as: kind)) }
      values.append(analyzed)
    }
    return (values, Array(repeating: ValueType(.unknown), count: count))
  }
}
