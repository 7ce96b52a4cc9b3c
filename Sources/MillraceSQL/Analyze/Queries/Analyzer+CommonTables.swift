import MillraceEngine
import MillraceTypes

/// WITH (src/backend/parser/parse_cte.c).
extension Analyzer {
  func analyze(_ with: WithClause, _ scope: QueryScope) throws(SQLError) {
    for (index, table) in with.expressions.enumerated() {
      if with.expressions[..<index].contains(where: { $0.name == table.name }) {
        throw SQLError(
          .duplicateAlias, "WITH query name \"\(table.name)\" specified more than once", at: table.location)
      }
    }
    scope.query.isRecursive = with.isRecursive
    scope.laterCommonTables = Set(with.expressions.map(\.name))
    for table in with.expressions {
      try analyze(table, isRecursive: with.isRecursive, scope)
      scope.laterCommonTables.remove(table.name)
    }
  }

  private func analyze(
    _ table: CommonTableExpression, isRecursive: Bool, _ scope: QueryScope
  ) throws(SQLError) {
    guard case .select(let select) = table.query else { return try analyzeModification(table, scope) }
    let inner = QueryScope(scope)
    let place = scope.query.with.count
    var recursion: QueryScope.Recursion?
    if isRecursive {
      var isUnion = false
      if case .setOperation(let operation) = select.body, operation.operator == .union { isUnion = true }
      let made = QueryScope.Recursion(table, isUnion: isUnion)
      (recursion, inner.ownRecursion) = (made, made)
      scope.recursions[table.name] = made
    }
    let obstacle = recursionObstacle
    recursionObstacle = nil
    let query = try analyze(select, inner)
    recursionObstacle = obstacle
    scope.recursions[table.name] = nil
    var columns = query.visibleTargets.map { RangeTableColumn($0.name, $0.expression.type) }
    try name(&columns, table)
    var typed = TypedCommonTable(name: table.name, query, columns: columns, table.materialization)
    if let recursion, recursion.referenceCount > 0 {
      try checkRecursive(query, recursion, select)
      typed.isRecursive = true
      typed.referenceCount = 0
    }
    scope.query.with.append(typed)
    scope.commonTables[table.name] = place
  }

  /// A query of WITH that changes rows: it gives what RETURNING says.
  private func analyzeModification(_ table: CommonTableExpression, _ scope: QueryScope) throws(SQLError) {
    if scope.parent != nil {
      throw SQLError(
        .featureNotSupported, "WITH clause containing a data-modifying statement must be at the top level",
        at: table.location)
    }
    let query = try analyze(table.query, parent: scope)
    var columns = query.returning.map { RangeTableColumn($0.name, $0.expression.type) }
    try name(&columns, table)
    scope.query.with.append(TypedCommonTable(name: table.name, query, columns: columns, table.materialization))
    scope.commonTables[table.name] = scope.query.with.count - 1
  }

  private func name(_ columns: inout [RangeTableColumn], _ table: CommonTableExpression) throws(SQLError) {
    guard table.columnNames.count <= columns.count else {
      throw SQLError(
        .invalidColumnReference,
        "WITH query \"\(table.name)\" has \(columns.count) columns available but \(table.columnNames.count) columns "
          + "specified", at: table.location)
    }
    for (index, name) in table.columnNames.enumerated() { columns[index].name = name }
  }

  /// What the recursion gives must be of the types that its first part says.
  private func checkRecursive(
    _ query: Query, _ recursion: QueryScope.Recursion, _ select: SelectStatement
  ) throws(SQLError) {
    for (index, pair) in zip(recursion.columns ?? [], query.visibleTargets).enumerated() {
      let (first, overall) = (pair.0.type, pair.1.expression.type)
      guard first.id != overall.id else { continue }
      throw SQLError(
        .datatypeMismatch,
        "recursive query \"\(recursion.name)\" column \(index + 1) has type \(TypeNames.format(first)) in "
          + "non-recursive term but type \(TypeNames.format(overall)) overall",
        hint: "Cast the output of the non-recursive term to the correct type.",
        at: pair.1.expression.location)
    }
    func refuse(_ clause: String, at location: Location) -> SQLError {
      SQLError(.featureNotSupported, "\(clause) in a recursive query is not implemented", at: location)
    }
    if let key = select.orderBy.first { throw refuse("ORDER BY", at: key.expression.location) }
    if let offset = select.limit.offset { throw refuse("OFFSET", at: offset.location) }
    if let count = select.limit.count { throw refuse("LIMIT", at: count.location) }
    if !query.rowMarks.isEmpty {
      throw SQLError(.featureNotSupported, "FOR UPDATE/SHARE in a recursive query is not implemented")
    }
  }

  // MARK: References

  /// A query of WITH that a name in FROM stands for; nil where there is none.
  func commonTable(_ variable: RangeVariable, _ scope: QueryScope) throws(SQLError) -> NamespaceItem? {
    var level = 0
    var current: QueryScope? = scope
    while let here = current {
      if let recursion = here.recursions[variable.name] {
        let columns = try recursiveColumns(recursion, variable.location)
        return try add(columns, variable, level, scope)
      }
      if let place = here.commonTables[variable.name] {
        let query = here.query.with[place].query
        if query.command != .select, query.returning.isEmpty {
          throw SQLError(
            .featureNotSupported, "WITH query \"\(variable.name)\" does not have a RETURNING clause",
            at: variable.location)
        }
        here.query.with[place].referenceCount += 1
        return try add(here.query.with[place].columns, variable, level, scope)
      }
      current = here.parent
      level += 1
    }
    return nil
  }

  private func recursiveColumns(
    _ recursion: QueryScope.Recursion, _ location: Location
  ) throws(SQLError) -> [RangeTableColumn] {
    guard recursion.isUnion else {
      throw SQLError(
        .invalidRecursion,
        "recursive query \"\(recursion.name)\" does not have the form non-recursive-term UNION [ALL] recursive-term",
        at: recursion.location)
    }
    guard let columns = recursion.columns else {
      throw misplaced(recursion, "its non-recursive term", location)
    }
    if let recursionObstacle { throw misplaced(recursion, recursionObstacle, location) }
    recursion.referenceCount += 1
    if recursion.referenceCount > 1 {
      throw SQLError(
        .invalidRecursion,
        "recursive reference to query \"\(recursion.name)\" must not appear more than once", at: location)
    }
    return columns
  }

  private func misplaced(_ recursion: QueryScope.Recursion, _ place: String, _ location: Location) -> SQLError {
    SQLError(
      .invalidRecursion, "recursive reference to query \"\(recursion.name)\" must not appear within \(place)",
      at: location)
  }

  /// While something is analysed in which a recursive query may not refer to itself.
  func withRecursionObstacle<Result>(
    _ place: String?, _ body: () throws(SQLError) -> Result
  ) throws(SQLError) -> Result {
    guard let place else { return try body() }
    let before = recursionObstacle
    recursionObstacle = place
    defer { recursionObstacle = before }
    return try body()
  }

  /// What is said of a table that is not there, but would be if WITH were in another order.
  func isLaterCommonTable(_ name: String, _ scope: QueryScope) -> Bool {
    var current: QueryScope? = scope
    while let here = current {
      if here.laterCommonTables.contains(name) { return true }
      current = here.parent
    }
    return false
  }

  private func add(
    _ columns: [RangeTableColumn], _ variable: RangeVariable, _ level: Int, _ scope: QueryScope
  ) throws(SQLError) -> NamespaceItem {
    var columns = columns
    let name = variable.alias?.name ?? variable.name
    try rename(&columns, variable.alias, table: name)
    let entry = scope.add(
      RangeTableEntry(
        .commonTable(variable.name, levelsUp: level), name: name, hasAlias: variable.alias != nil, columns: columns,
        variable.location))
    return NamespaceItem(entry: entry, name: name)
  }

  /// Notes what the first part of a recursive UNION gives (determineRecursiveColTypes).
  func determineColumns(_ recursion: QueryScope.Recursion, _ first: Query) {
    var columns = first.visibleTargets.map { RangeTableColumn($0.name, $0.expression.type) }
    for (index, name) in recursion.columnNames.enumerated() where index < columns.count { columns[index].name = name }
    recursion.columns = columns
  }
}
