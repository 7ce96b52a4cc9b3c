import MillraceEngine
import MillraceTypes

/// Values that go to columns (transformAssignedExpr of src/backend/parser/parse_target.c, rewriteTargetListIU of
/// src/backend/rewrite/rewriteHandler.c).
extension Analyzer {
  /// The relation that a statement changes, locked.
  func openTarget(_ variable: RangeVariable) throws(SQLError) -> RelationDescriptor {
    let relation = try open(variable, .rowExclusive)
    switch relation.kind {
    case .table: break
    case .view: throw SQLError.unsupported("changing the rows of a view", at: variable.location)
    case .index, .partitionedIndex, .compositeType:
      throw SQLError(
        .wrongObjectType, "cannot open relation \"\(relation.name)\"",
        detail: "This operation is not supported for \(relation.kind.plural).", at: variable.location)
    case .sequence: throw SQLError(.wrongObjectType, "cannot change sequence \"\(relation.name)\"")
    case .toast: throw SQLError(.wrongObjectType, "cannot change TOAST relation \"\(relation.name)\"")
    case .materializedView: throw SQLError(.wrongObjectType, "cannot change materialized view \"\(relation.name)\"")
    case .foreignTable, .partitionedTable:
      throw SQLError.unsupported("a \(relation.kind.noun) like \"\(relation.name)\"", at: variable.location)
    }
    return relation
  }

  /// setTargetTable.
  func addTarget(
    _ relation: RelationDescriptor, _ variable: RangeVariable, _ scope: QueryScope
  ) throws(SQLError) -> NamespaceItem {
    let item = try add(relation, variable.alias, scope, variable.location)
    scope.query.resultRelation = item.entry
    return item
  }

  /// transformAssignedExpr: the value as one of the column's type.
  func assign(
    _ value: TypedExpression, to column: Int, of relation: RelationDescriptor, _ kind: ExpressionKind,
    _ location: Location
  ) throws(SQLError) -> TypedExpression {
    let descriptor = relation.tuple.columns[column]
    let target = ValueType(descriptor.typeID, descriptor.typmod)
    if value.type == target { return value }
    if let result = try coerced(value, to: target, .assignment, .implicitCast) { return result }
    throw SQLError(
      .datatypeMismatch,
      "column \"\(descriptor.name)\" is of type \(typeName(target.id)) but expression is of type "
        + typeName(value.type.id),
      hint: "You will need to rewrite or cast the expression.", at: value.location)
  }

  /// Refuses values for columns that get theirs by themselves.
  func requireAssignable(
    _ column: Int, _ relation: RelationDescriptor, _ overriding: InsertStatement.Overriding
  ) throws(SQLError) {
    let descriptor = relation.tuple.columns[column]
    if descriptor.identity == .always, overriding == .unspecified {
      throw SQLError(
        .generatedAlways, "cannot insert a non-DEFAULT value into column \"\(descriptor.name)\"",
        detail: "Column \"\(descriptor.name)\" is an identity column defined as GENERATED ALWAYS.",
        hint: "Use OVERRIDING SYSTEM VALUE to override.")
    }
    if descriptor.generated != .none {
      throw SQLError(
        .generatedAlways, "cannot insert a non-DEFAULT value into column \"\(descriptor.name)\"",
        detail: "Column \"\(descriptor.name)\" is a generated column.")
    }
  }

  // MARK: Defaults

  /// Gives each column without a value its default, and computes generated ones.
  func complete(_ row: inout NewRow, _ scope: QueryScope) throws(SQLError) {
    var generated: [Int] = []
    for (column, descriptor) in row.relation.tuple.columns.enumerated() where !descriptor.isDropped {
      if descriptor.generated == .stored {
        generated.append(column)
      } else if row[column] == nil {
        row[column] = try defaultValue(of: column, row.relation)
      }
    }
    guard !generated.isEmpty else { return }
    try separateVolatile(&row, scope)
    let known = row
    for column in generated {
      row[column] = try generatedValue(of: column, row.relation) { known[$0] }
    }
  }

  /// build_column_default; nil where it is NULL.
  func defaultValue(of column: Int, _ relation: RelationDescriptor) throws(SQLError) -> TypedExpression? {
    let descriptor = relation.tuple.columns[column]
    let type = ValueType(descriptor.typeID, descriptor.typmod)
    if descriptor.identity != .none {
      let sequence = try SQLError.wrapping { () throws(EngineError) in
        try catalog.ownedSequence(column: column, of: relation.oid)
      }
      guard let sequence else {
        throw SQLError(.internalError, "no owned sequence found for column \"\(descriptor.name)\"")
      }
      // nextval(regclass).
      let name = TypedExpression.constant(TypedConstant(ValueType(.regClass), .word(UInt64(sequence))))
      let next = TypedExpression.call(CallExpression(function: 1574, [name], ValueType(.int8)))
      return try coerced(next, to: type, .assignment, .implicitCast)
    }
    guard let text = descriptor.defaultExpression, descriptor.generated == .none else { return nil }
    let raw: Expression
    do { raw = try Parser.parseExpression(text) } catch { throw SQLError(error) }
    let scope = QueryScope()
    let value = try withoutLocations { () throws(SQLError) in try analyze(raw, scope, as: .columnDefault) }
    guard let result = try coerced(value, to: type, .assignment, .implicitCast) else {
      throw SQLError(
        .datatypeMismatch,
        "column \"\(descriptor.name)\" is of type \(typeName(type.id)) but default expression is of type "
          + typeName(value.type.id),
        hint: "You will need to rewrite or cast the expression.")
    }
    return result
  }

  func defaultOrNull(
    of column: Int, _ relation: RelationDescriptor, _ scope: QueryScope
  ) throws(SQLError) -> TypedExpression {
    let descriptor = relation.tuple.columns[column]
    return try defaultValue(of: column, relation)
      ?? .constant(TypedConstant(ValueType(descriptor.typeID, descriptor.typmod), .null))
  }

  // MARK: Generated columns

  /// What a generated column is, of the new row's other columns.
  func generatedValue(
    of column: Int, _ relation: RelationDescriptor, _ value: (Int) -> TypedExpression?
  ) throws(SQLError) -> TypedExpression {
    let expression = try generationExpression(of: column, relation)
    func replaced(_ expression: TypedExpression) -> TypedExpression {
      guard case .variable(let variable) = expression, case .column(let number) = variable.column else {
        return expression.mapChildren(replaced)
      }
      return value(number) ?? .constant(TypedConstant(variable.type, .null))
    }
    return replaced(expression)
  }

  func generationExpression(
    of column: Int, _ relation: RelationDescriptor
  ) throws(SQLError) -> TypedExpression {
    let descriptor = relation.tuple.columns[column]
    return try analyzeExpression(
      descriptor.defaultExpression ?? "NULL", over: relation,
      expecting: ValueType(descriptor.typeID, descriptor.typmod), kind: .generatedColumn)
  }

  /// Values that are not the same each time they are computed are computed once, in a subquery, where generated columns
  /// use them as well.
  private func separateVolatile(_ row: inout NewRow, _ scope: QueryScope) throws(SQLError) {
    let (targets, columns) = row.targets
    let functions = try functions()
    let isVolatile = targets.contains { target in
      target.expression.contains { part in
        if case .call(let call) = part { return functions.functions[call.function]?.volatility == "v" }
        if case .subquery = part { return true }
        return false
      }
    }
    guard isVolatile, let target = scope.query.resultRelation else { return }
    var inner = Query()
    (inner.with, inner.isRecursive) = (scope.query.with, scope.query.isRecursive)
    (inner.rangeTable, inner.from, inner.targets) = (scope.query.rangeTable, scope.query.from, targets)
    inner.rangeTable[target].kind = .nothing
    let source = RangeTableEntry(
      .subquery(inner.shifted(by: 1, beyond: 1), isLateral: false), name: "*SELECT*",
      columns: targets.map { RangeTableColumn($0.name, $0.expression.type) })
    scope.query.rangeTable = [scope.query.rangeTable[target], source]
    scope.query.resultRelation = 0
    scope.query.from = [.entry(1)]
    for (index, column) in columns.enumerated() {
      row[column] = .variable(Variable(1, .column(index), targets[index].expression.type))
    }
  }

  func withoutLocations<Result>(_ body: () throws(SQLError) -> Result) throws(SQLError) -> Result {
    do {
      return try body()
    } catch {
      var failure = error
      failure.location = nil
      throw failure
    }
  }
}
