import MillraceEngine
import MillraceTypes

/// ON CONFLICT (transformOnConflictClause of src/backend/parser/analyze.c, infer_arbiter_indexes of
/// src/backend/optimizer/util/plancat.c).
extension Analyzer {
  func analyze(
    _ clause: OnConflictClause, _ relation: RelationDescriptor, _ item: NamespaceItem, updates: Bool,
    _ scope: QueryScope
  ) throws(SQLError) -> TypedOnConflict {
    var conflict = TypedOnConflict(arbiters: [])
    if let target = clause.target {
      conflict.arbiters = try arbiters(target, relation, item, scope)
    } else if updates {
      throw SQLError(
        .syntaxError, "ON CONFLICT DO UPDATE requires inference specification or constraint name",
        hint: "For example, ON CONFLICT (column_name).", at: clause.location)
    }
    guard case .update(let clauses, let condition) = clause.action else { return conflict }
    let columns = scope.query.rangeTable[item.entry].columns
    var plain = columns
    for (index, column) in relation.tuple.columns.enumerated() where !column.isDropped {
      plain[index].name = column.name
    }
    let excluded = scope.add(
      RangeTableEntry(.excluded(relation.oid), name: "excluded", columns: plain))
    scope.namespace = [item, NamespaceItem(entry: excluded, name: "excluded")]
    let assigned = try assignments(clauses, relation, scope)
    var typed: TypedExpression?
    if let condition {
      typed = try coerceToBoolean(try analyze(condition, scope, as: .condition), "WHERE")
    }
    conflict.update = TypedOnConflict.Update(
      columns: assigned.map(\.0), values: assigned.map(\.1), condition: typed, excluded: excluded)
    return conflict
  }

  // MARK: Which unique index

  private func arbiters(
    _ target: ConflictTarget, _ relation: RelationDescriptor, _ item: NamespaceItem, _ scope: QueryScope
  ) throws(SQLError) -> [UInt32] {
    switch target {
    case .constraint(let name, _):
      guard let constraint = relation.constraints.first(where: { $0.name == name }) else {
        throw SQLError(
          .undefinedObject, "constraint \"\(name)\" for table \"\(relation.name)\" does not exist")
      }
      guard constraint.index != 0 else {
        throw SQLError(.wrongObjectType, "constraint in ON CONFLICT clause has no associated index")
      }
      if constraint.isDeferrable {
        throw SQLError(
          .objectNotInPrerequisiteState,
          "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters")
      }
      return [constraint.index]
    case .columns(let elements, let condition, let location):
      return try inferred(elements, condition, relation, item, scope, location)
    }
  }

  private func inferred(
    _ elements: [IndexElement], _ condition: Expression?, _ relation: RelationDescriptor, _ item: NamespaceItem,
    _ scope: QueryScope, _ location: Location
  ) throws(SQLError) -> [UInt32] {
    scope.namespace = [item]
    var columns: Set<Int> = []
    var expressions: [TypedExpression] = []
    for element in elements {
      try refuseOrder(element, location)
      switch element.key {
      case .column(let name):
        guard let column = relation.column(named: name) else {
          throw SQLError(.undefinedColumn, "column \"\(name)\" does not exist", at: location)
        }
        columns.insert(column)
      case .expression(let raw):
        expressions.append(try analyze(raw, scope, as: .indexExpression))
      }
    }
    var predicate: TypedExpression?
    if let condition {
      predicate = try coerceToBoolean(try analyze(condition, scope, as: .indexPredicate), "WHERE")
    }
    var found: [UInt32] = []
    for index in relation.indexes where index.isUnique && index.isValid && index.isImmediate {
      if try fits(index, columns, expressions, predicate, relation, item) { found.append(index.oid) }
    }
    guard !found.isEmpty else {
      throw SQLError(
        .invalidColumnReference,
        "there is no unique or exclusion constraint matching the ON CONFLICT specification")
    }
    return found
  }

  private func refuseOrder(_ element: IndexElement, _ location: Location) throws(SQLError) {
    if element.ordering != .unspecified {
      throw SQLError(.invalidColumnReference, "ASC/DESC is not allowed in ON CONFLICT clause", at: location)
    }
    if element.nulls != .unspecified {
      throw SQLError(.invalidColumnReference, "NULLS FIRST/LAST is not allowed in ON CONFLICT clause", at: location)
    }
  }

  /// Whether an index is over just these columns and expressions, and over all rows that the condition is true of.
  private func fits(
    _ index: IndexDescriptor, _ columns: Set<Int>, _ expressions: [TypedExpression], _ predicate: TypedExpression?,
    _ relation: RelationDescriptor, _ item: NamespaceItem
  ) throws(SQLError) -> Bool {
    let keys = index.columns.prefix(index.keyCount)
    guard Set(keys.compactMap(\.column)) == columns else { return false }
    func ofTable(_ text: String, _ kind: ExpressionKind) throws(SQLError) -> TypedExpression {
      let analyzed = try analyzeExpression(text, over: relation, expecting: nil, kind: kind)
      return analyzed.replacingEntry(0, by: item.entry)
    }
    var own: [TypedExpression] = []
    for key in keys {
      if let text = key.expression { own.append(try ofTable(text, .indexExpression)) }
    }
    guard own.count == expressions.count, own.allSatisfy(expressions.contains) else { return false }
    guard let text = index.predicate else { return true }
    // The condition must imply the index's: equal parts are enough here.
    guard let predicate else { return false }
    let given = predicate.conjuncts
    return try ofTable(text, .indexPredicate).conjuncts.allSatisfy(given.contains)
  }
}

extension TypedExpression {
  /// What has to be true together.
  var conjuncts: [TypedExpression] {
    if case .and(let parts) = self { return parts.flatMap(\.conjuncts) }
    return [self]
  }

  /// The same over another entry of the range table.
  func replacingEntry(_ old: Int, by new: Int) -> TypedExpression {
    guard old != new else { return self }
    if case .variable(var variable) = self, variable.entry == old, variable.levelsUp == 0 {
      variable.entry = new
      return .variable(variable)
    }
    return mapChildren { $0.replacingEntry(old, by: new) }
  }
}
