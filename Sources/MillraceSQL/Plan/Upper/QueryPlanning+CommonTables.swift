import MillraceEngine
import MillraceTypes

/// Queries of WITH (PostgreSQL's SS_process_ctes, src/backend/optimizer/plan/subselect.c).
extension QueryPlanning {
  func planCommonTables() throws(SQLError) {
    let tables = query.with
    for (place, table) in tables.enumerated() {
      let current = query.with[place]
      if current.query.command == .select, current.referenceCount == 0 { continue }
      if canInline(current) {
        query = inline(current, into: query, depth: 0)
        continue
      }
      try plan(current, name: table.name)
    }
    query.with = []
  }

  /// One that is used once, and that computes nothing that may only be computed once.
  private func canInline(_ table: TypedCommonTable) -> Bool {
    guard table.query.command == .select, !table.isRecursive, table.query.rowMarks.isEmpty else { return false }
    switch table.materialization {
    case .always: return false
    case .never: break
    case .unspecified: if table.referenceCount != 1 { return false }
    }
    return !isVolatile(table.query)
  }

  private func isVolatile(_ inner: Query) -> Bool { statement.isVolatile(inner) }

  private func inline(_ table: TypedCommonTable, into query: Query, depth: Int) -> Query {
    func inlineLinks(_ expression: TypedExpression) -> TypedExpression {
      guard case .subquery(var link) = expression else { return expression.mapChildren { inlineLinks($0) } }
      link.left = link.left.map { inlineLinks($0) }
      link.query = inline(table, into: link.query, depth: depth + 1)
      return .subquery(link)
    }
    var result = QueryVisitor.map(query) { expression in
      inlineLinks(expression)
    } nested: { nested in
      inline(table, into: nested, depth: depth + 1)
    }
    for entry in result.rangeTable.indices {
      guard case .commonTable(let name, depth) = result.rangeTable[entry].kind, name == table.name else { continue }
      result.rangeTable[entry].kind = .subquery(VariableRewriter.raise(table.query, by: depth), isLateral: false)
    }
    return result
  }

  private func plan(_ table: TypedCommonTable, name: String) throws(SQLError) {
    let index = statement.commonTables.count
    statement.commonTables.append(nil)
    scopes.append([])
    let planning = QueryPlanning(statement, table.query, parent: self)
    if table.isRecursive {
      planning.workTable = (name, CommonTableInfo(index: index, rows: 0, width: 0, planning: nil))
    }
    let path = try planning.plan(tupleFraction: 0)
    scopes.removeLast()
    commonTables[name] = CommonTableInfo(index: index, rows: path.rows, width: path.width, planning: planning)
    let (plan, _) = try planning.createTop(path)
    statement.commonTables[index] = PlannedCommonTable(name: name, plan)
    // The statement pays for it once, before its first row.
    initialCost += path.total
  }

  /// What a reference to a query of WITH stands for.
  func commonTable(_ name: String, _ levelsUp: Int) throws(SQLError) -> CommonTableInfo {
    try find(name, levelsUp).info
  }

  func commonTableIndex(_ name: String, _ levelsUp: Int) throws(SQLError) -> (index: Int, isWorkTable: Bool) {
    let found = try find(name, levelsUp)
    return (found.info.index, found.isWorkTable)
  }

  private func find(_ name: String, _ levelsUp: Int) throws(SQLError) -> (info: CommonTableInfo, isWorkTable: Bool) {
    var owner: QueryPlanning? = self
    for _ in 0..<levelsUp {
      // Inside of the query itself the name is what its last round has given.
      if let work = owner?.workTable, work.name == name { return (work.info, true) }
      owner = owner?.parent
    }
    if let info = owner?.commonTables[name] { return (info, false) }
    throw SQLError(.internalError, "no plan was made for CTE \"\(name)\"")
  }
}
