import MillraceEngine
import MillraceTypes

/// UPDATE and DELETE (transformUpdateStmt and transformDeleteStmt of src/backend/parser/analyze.c).
extension Analyzer {
  func analyze(_ update: UpdateStatement, _ scope: QueryScope) throws(SQLError) -> Query {
    scope.query.command = .update
    if let with = update.with { try analyze(with, scope) }
    let relation = try openTarget(update.relation)
    let item = try addTarget(relation, update.relation, scope)
    try analyzeSource(item, update.from, scope)
    if let condition = update.condition {
      scope.query.condition = try coerceToBoolean(try analyze(condition, scope, as: .condition), "WHERE")
    }
    let assigned = try assignments(update.assignments, relation, scope)
    try analyze(returning: update.returning, scope)
    for (column, value) in assigned {
      scope.query.targets.append(TargetEntry(value, name: relation.tuple.columns[column].name))
      scope.query.assignments.append(column)
    }
    return scope.query
  }

  func analyze(_ delete: DeleteStatement, _ scope: QueryScope) throws(SQLError) -> Query {
    scope.query.command = .delete
    if let with = delete.with { try analyze(with, scope) }
    let relation = try openTarget(delete.relation)
    let item = try addTarget(relation, delete.relation, scope)
    try analyzeSource(item, delete.using, scope)
    if let condition = delete.condition {
      scope.query.condition = try coerceToBoolean(try analyze(condition, scope, as: .condition), "WHERE")
    }
    try analyze(returning: delete.returning, scope)
    return scope.query
  }

  /// The table itself, and what FROM or USING adds.
  private func analyzeSource(_ item: NamespaceItem, _ from: [FromItem], _ scope: QueryScope) throws(SQLError) {
    scope.query.from = [.entry(item.entry)]
    // In FROM the table's columns cannot be used, not even by LATERAL.
    scope.namespace = [item.lateral(only: true, allowed: false)]
    try analyze(from: from, scope)
    scope.namespace[0] = item
  }

  // MARK: SET

  /// transformUpdateTargetList: the new values, in the order of the columns; generated columns that depend on them
  /// included.
  func assignments(
    _ clauses: [SetClause], _ relation: RelationDescriptor, _ scope: QueryScope
  ) throws(SQLError) -> [(Int, TypedExpression)] {
    var values: [Int: TypedExpression] = [:]
    let alias = scope.query.resultRelation.map { scope.query.rangeTable[$0].name }
    func set(_ target: SetTarget, _ value: TypedExpression?) throws(SQLError) {
      let column = try self.column(of: target, relation, alias: alias)
      guard values[column] == nil else {
        throw SQLError(
          .syntaxError, "multiple assignments to same column \"\(target.name)\"", at: nil)
      }
      values[column] = try assigned(value, column, relation, target.location, scope)
    }
    for clause in clauses {
      switch clause {
      case .single(let target, .setToDefault): try set(target, nil)
      case .single(let target, let raw): try set(target, try analyze(raw, scope, as: .updateSource))
      case .multiple(let targets, let source):
        let parts = try self.parts(source, targets.count, scope)
        for (target, part) in zip(targets, parts) { try set(target, part) }
      }
    }
    try addGenerated(&values, relation, scope)
    return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private func column(
    of target: SetTarget, _ relation: RelationDescriptor, alias: String?
  ) throws(SQLError) -> Int {
    if let column = relation.column(named: target.name) {
      if !target.indirection.isEmpty { throw SQLError.unsupported("a part of a column", at: target.location) }
      return column
    }
    if SystemColumn(named: target.name) != nil {
      throw SQLError(
        .featureNotSupported, "cannot assign to system column \"\(target.name)\"", at: target.location)
    }
    var error = SQLError(
      .undefinedColumn, "column \"\(target.name)\" of relation \"\(relation.name)\" does not exist",
      at: target.location)
    if case .field? = target.indirection.first, target.name == alias {
      error.hint = "SET target columns cannot be qualified with the relation name."
    }
    throw error
  }

  private func assigned(
    _ value: TypedExpression?, _ column: Int, _ relation: RelationDescriptor, _ location: Location,
    _ scope: QueryScope
  ) throws(SQLError) -> TypedExpression {
    let descriptor = relation.tuple.columns[column]
    guard let value else {
      if descriptor.generated != .none { return .constant(TypedConstant(ValueType(descriptor.typeID), .null)) }
      return try defaultOrNull(of: column, relation, scope)
    }
    if descriptor.identity == .always {
      throw SQLError(
        .generatedAlways, "column \"\(descriptor.name)\" can only be updated to DEFAULT",
        detail: "Column \"\(descriptor.name)\" is an identity column defined as GENERATED ALWAYS.")
    }
    if descriptor.generated != .none {
      throw SQLError(
        .generatedAlways, "column \"\(descriptor.name)\" can only be updated to DEFAULT",
        detail: "Column \"\(descriptor.name)\" is a generated column.")
    }
    return try assign(value, to: column, of: relation, .updateTarget, location)
  }

  /// `(a, b) = source`: the source's parts; nil for DEFAULT (transformMultiAssignRef).
  private func parts(
    _ source: Expression, _ count: Int, _ scope: QueryScope
  ) throws(SQLError) -> [TypedExpression?] {
    switch source {
    case .row(let row):
      guard row.elements.count == count else {
        throw SQLError(
          .syntaxError, "number of columns does not match number of values", at: row.location)
      }
      var parts: [TypedExpression?] = []
      for element in row.elements {
        if case .setToDefault = element {
          parts.append(nil)
        } else {
          parts.append(try analyze(element, scope, as: .updateSource))
        }
      }
      return parts
    case .subquery(let subquery) where subquery.kind == .value:
      return try parts(of: subquery, count, scope)
    default:
      throw SQLError(
        .featureNotSupported,
        "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
        at: try analyze(source, scope, as: .updateSource).location)
    }
  }

  /// One query for several columns: each takes its column of the same query.
  private func parts(
    of subquery: SubqueryExpression, _ count: Int, _ scope: QueryScope
  ) throws(SQLError) -> [TypedExpression?] {
    let query = try scope.with(.updateSource) { () throws(SQLError) in
      try analyze(.select(subquery.query), parent: scope)
    }
    let shown = query.visibleTargets
    guard shown.count == count else {
      throw SQLError(
        .syntaxError, "number of columns does not match number of values", at: subquery.location)
    }
    return shown.indices.map { index in
      var single = query.setOperations == nil && query.distinct == .no ? query : query.wrapped(name: "*SELECT*")
      var place = -1
      for target in single.targets.indices where !single.targets[target].isHidden {
        place += 1
        if place != index { single.targets[target].isHidden = true }
      }
      return .subquery(SubqueryLink(.scalar, single, shown[index].expression.type, subquery.location))
    }
  }

  /// Generated columns change with those that they depend on.
  private func addGenerated(
    _ values: inout [Int: TypedExpression], _ relation: RelationDescriptor, _ scope: QueryScope
  ) throws(SQLError) {
    guard relation.tuple.columns.contains(where: { $0.generated == .stored && !$0.isDropped }),
      let entry = scope.query.resultRelation
    else { return }
    let given = values
    for (column, descriptor) in relation.tuple.columns.enumerated()
    where descriptor.generated == .stored && !descriptor.isDropped {
      values[column] = try generatedValue(of: column, relation) { number in
        let other = relation.tuple.columns[number]
        return given[number]
          ?? .variable(Variable(entry, .column(number), ValueType(other.typeID, other.typmod)))
      }
    }
  }

  // MARK: RETURNING

  func analyze(returning targets: [ResultTarget], _ scope: QueryScope) throws(SQLError) {
    guard !targets.isEmpty else { return }
    let before = scope.kind
    scope.kind = .returning
    defer { scope.kind = before }
    for target in targets { scope.query.returning += try entries(of: target, scope) }
    try resolveUnknowns(&scope.query.returning)
  }
}
