import MillraceEngine
import MillraceTypes

/// Views are the queries that they are defined by (fireRIRrules of src/backend/rewrite/rewriteHandler.c).
extension Analyzer {
  func expand(
    view relation: RelationDescriptor, _ variable: RangeVariable, _ scope: QueryScope
  ) throws(SQLError) -> NamespaceItem {
    guard !expandedViews.contains(relation.oid) else {
      throw SQLError(
        .invalidObjectDefinition, "infinite recursion detected in rules for relation \"\(relation.name)\"")
    }
    expandedViews.append(relation.oid)
    defer { expandedViews.removeLast() }
    var query = try definition(of: relation, scope.lock(on: variable.alias?.name ?? variable.name))
    // Names of the view's columns may differ from those of the query.
    let columns = relation.tuple.columns.filter { !$0.isDropped }
    let shown = query.targets.indices.filter { !query.targets[$0].isHidden }
    for (place, column) in zip(shown, columns) { query.targets[place].name = column.name }
    guard shown.count == columns.count else {
      throw SQLError(.internalError, "view \"\(relation.name)\" has \(columns.count) columns, its query \(shown.count)")
    }
    let name = variable.alias?.name ?? relation.name
    var item = try add(query, name: name, variable.alias, isLateral: false, scope)
    scope.query.rangeTable[item.entry].view = relation.oid
    scope.query.rangeTable[item.entry].hasAlias = variable.alias != nil
    item.relation = variable.alias == nil ? relation.oid : 0
    return item
  }

  private func definition(of view: RelationDescriptor, _ lock: LockingClause?) throws(SQLError) -> Query {
    guard let text = view.definition else {
      throw SQLError(.internalError, "view \"\(view.name)\" has no definition")
    }
    let parsed: [RawStatement]
    do { parsed = try Parser.parse(text) } catch { throw SQLError(error) }
    guard parsed.count == 1, case .select(let select) = parsed[0].statement else {
      throw SQLError(.internalError, "the definition of view \"\(view.name)\" is not a query")
    }
    let scope = QueryScope()
    scope.lockedFromOutside = lock
    let names = resolvedNames
    resolvedNames = nil
    defer { resolvedNames = names }
    do {
      return try analyze(select, scope)
    } catch {
      // Places in the view's text mean nothing in the statement.
      var failure = error
      failure.location = nil
      throw failure
    }
  }
}
