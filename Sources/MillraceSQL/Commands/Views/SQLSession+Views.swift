import MillraceEngine
import MillraceTypes

/// CREATE VIEW (PostgreSQL's commands/view.c).
extension SQLSession {
  func createView(_ statement: CreateViewStatement) throws(SQLError) {
    if statement.checkOption != .none { throw .unsupported("WITH CHECK OPTION") }
    if let option = statement.options.first {
      throw .unsupported("view option \"\(option.name)\"", at: option.location)
    }
    if statement.query.into != nil {
      throw SQLError(.featureNotSupported, "views must not contain SELECT INTO")
    }
    let query = try analyze(.select(statement.query), ParameterTypes([], isVariable: false))
    var relation = statement.view
    let references = ViewReferences(query, catalog)
    if relation.persistence == .permanent, references.usesTemporaryTables {
      relation.persistence = .temporary
      if relation.schema == nil { notice("view \"\(relation.name)\" will be a temporary view") }
    }
    if relation.persistence == .unlogged {
      throw SQLError(.syntaxError, "views cannot be unlogged because they do not have storage")
    }
    let (namespace, persistence) = try creationPlace(relation)
    let columns = try viewColumns(query, names: statement.columnNames)
    if statement.orReplace {
      let known = try find(relation)
      if let known, known.namespace == namespace {
        guard known.kind == .view else { throw SQLError(.wrongObjectType, "\"\(known.name)\" is not a view") }
        try requireOwnership(of: known)
      }
    }
    let definition = try makeAnalyzer().definition(of: statement.query)
    let (name, isReplacing) = (relation.name, statement.orReplace)
    try SQLError.engine { () throws(EngineError) in
      _ = try catalog.createView(
        name, namespace: namespace, columns: columns, definition: definition, references: references.objects,
        persistence: persistence, replacing: isReplacing)
    }
  }

  private func viewColumns(
    _ query: Query, names: [String]
  ) throws(SQLError) -> [MillraceEngine.ColumnDefinition] {
    let targets = query.targets.filter { !$0.isHidden }
    guard names.count <= targets.count else {
      throw SQLError(.syntaxError, "CREATE VIEW specifies more column names than columns")
    }
    var columns: [MillraceEngine.ColumnDefinition] = []
    for (place, target) in targets.enumerated() {
      let name = place < names.count ? names[place] : target.name
      let type = target.expression.type
      columns.append(MillraceEngine.ColumnDefinition(name, type.id == .unknown ? .text : type.id, typmod: type.typmod))
      if columns.dropLast().contains(where: { $0.name == name }) {
        throw SQLError(.duplicateColumn, "column \"\(name)\" specified more than once")
      }
    }
    return columns
  }
}

/// What a view depends on (recordDependencyOnExpr, catalog/dependency.c).
private struct ViewReferences {
  private(set) var objects: [ObjectAddress] = []
  private(set) var usesTemporaryTables = false
  private let catalog: SessionCatalog

  init(_ query: Query, _ catalog: SessionCatalog) {
    self.catalog = catalog
    collect(query)
    objects = Array(Set(objects))
  }

  private mutating func collect(_ query: Query) {
    for entry in query.rangeTable {
      switch entry.kind {
      case .relation(let oid): collect(relation: oid, entry)
      case .subquery(let subquery, _):
        if let view = entry.view {
          objects.append(.relation(view))
        } else {
          collect(subquery)
        }
      default: break
      }
    }
    for table in query.with { collect(table.query) }
    var subqueries: [Query] = []
    query.visitExpressions { expression, _ in
      if case .subquery(let link) = expression { subqueries.append(link.query) }
    }
    for subquery in subqueries { collect(subquery) }
  }

  private mutating func collect(relation oid: UInt32, _ entry: RangeTableEntry) {
    objects.append(.relation(oid))
    guard let relation = try? catalog.relation(oid) else { return }
    if relation.persistence == .temporary { usesTemporaryTables = true }
    // Which columns it uses is not told apart: all of them stay.
    for (index, column) in relation.tuple.columns.enumerated() where !column.isDropped {
      objects.append(.column(index + 1, of: oid))
    }
  }
}
