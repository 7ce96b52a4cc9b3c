import MillraceEngine
import MillraceTypes

/// Queries inside of expressions (transformSubLink of src/backend/parser/parse_expr.c).
extension Analyzer {
  @inline(never)
  func analyze(_ subquery: SubqueryExpression, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    if let place = scope.kind.subqueryRefusal {
      throw SQLError(.featureNotSupported, "cannot use subquery in \(place)", at: subquery.location)
    }
    var left: [TypedExpression] = []
    var names: [String] = []
    var kind = SubqueryLink.Kind.scalar
    switch subquery.kind {
    case .exists: kind = .exists
    case .value: kind = .scalar
    case .array: kind = .array
    case .any(let test, let name): (kind, names, left) = (.any, name ?? ["="], try operands(test, scope))
    case .all(let test, let name): (kind, names, left) = (.all, name, try operands(test, scope))
    }
    var query = try withRecursionObstacle("a subquery") { () throws(SQLError) in
      try analyze(.select(subquery.query), parent: scope)
    }
    switch kind {
    case .exists: return .subquery(SubqueryLink(.exists, query, ValueType(.bool), subquery.location))
    case .scalar, .array:
      let targets = query.visibleTargets
      guard targets.count == 1 else {
        throw SQLError(.syntaxError, "subquery must return only one column", at: subquery.location)
      }
      var type = targets[0].expression.type
      if kind == .array {
        guard let array = try arrayType(of: type.id) else {
          throw SQLError(
            .undefinedObject, "could not find array type for data type \(typeName(type.id))", at: subquery.location)
        }
        type = ValueType(array, type.typmod)
      }
      return .subquery(SubqueryLink(kind, query, type, subquery.location))
    case .any, .all: return try comparison(kind, left, names, &query, subquery.location)
    }
  }

  private func operands(_ test: Expression, _ scope: QueryScope) throws(SQLError) -> [TypedExpression] {
    if case .row(let row) = test { return try analyzeAll(row.elements, scope) }
    return [try analyze(test, scope)]
  }

  private func comparison(
    _ kind: SubqueryLink.Kind, _ left: [TypedExpression], _ name: [String], _ query: inout Query,
    _ location: Location
  ) throws(SQLError) -> TypedExpression {
    let columns = query.visibleTargets.map(\.expression.type)
    guard left.count == columns.count else {
      throw SQLError(
        .syntaxError, "subquery has too \(left.count < columns.count ? "many" : "few") columns", at: location)
    }
    if left.count > 1, name.last != "=", name.last != "<>" {
      throw SQLError.unsupported("\(name.last ?? "") between rows and a query", at: location)
    }
    var (compared, operators, types): ([TypedExpression], [UInt32], [ValueType]) = ([], [], [])
    for (operand, column) in zip(left, columns) {
      // The caller cannot see more of the query's column than its type.
      let entry = try binaryOperator(name, operand.type.id, column.id, location)
      let call = try call(entry, [operand, .caseOperand(column)], location)
      guard call.type.id == .bool else {
        throw SQLError(
          .datatypeMismatch,
          "row comparison operator must yield type boolean, not type \(typeName(call.type.id))", at: location)
      }
      compared.append(call.arguments[0])
      operators.append(entry.oid)
      let wanted = call.arguments[1].type
      types.append(wanted.id == column.id ? column : wanted)
    }
    try coerceOutput(of: &query, to: types, "ANY")
    var link = SubqueryLink(kind, query, ValueType(.bool), location)
    (link.left, link.operators) = (compared, operators)
    return .subquery(link)
  }

  /// Makes a query give values of certain types. Where what it sorts or compares by would change with them, another
  /// query is put around it.
  func coerceOutput(of query: inout Query, to types: [ValueType], _ construct: String) throws(SQLError) {
    let places = query.targets.indices.filter { !query.targets[$0].isHidden }
    guard zip(places, types).contains(where: { query.targets[$0].expression.type.id != $1.id }) else { return }
    let isPlain =
      query.setOperations == nil && query.distinct == .no && query.orderBy.isEmpty && query.groupBy.isEmpty
      && !query.hasTargetSetFunctions
    if !isPlain { query = query.wrapped(name: "*SELECT*") }
    for (place, type) in zip(isPlain ? places : Array(types.indices), types) {
      let expression = query.targets[place].expression
      guard expression.type.id != type.id else { continue }
      query.targets[place].expression = try coerce(expression, toCommon: type.id, construct)
    }
  }
}

extension Query {
  /// Targets that are shown.
  public var visibleTargets: [TargetEntry] { targets.filter { !$0.isHidden } }

  /// A query that shows all that this one does.
  func wrapped(name: String) -> Query {
    var outer = Query()
    let shown = visibleTargets
    outer.rangeTable = [
      RangeTableEntry(
        .subquery(self, isLateral: false), name: name,
        columns: shown.map { RangeTableColumn($0.name, $0.expression.type) })
    ]
    outer.from = [.entry(0)]
    for (index, target) in shown.enumerated() {
      var copy = TargetEntry(.variable(Variable(0, .column(index), target.expression.type)), name: target.name)
      (copy.originTable, copy.originColumn) = (target.originTable, target.originColumn)
      outer.targets.append(copy)
    }
    return outer.enclosingOuterReferences()
  }

  /// What refers to queries further out is one query further away now. Nothing of the outer query itself does.
  private func enclosingOuterReferences() -> Query {
    var query = self
    guard case .subquery(let inner, let isLateral) = query.rangeTable[0].kind else { return query }
    query.rangeTable[0].kind = .subquery(inner.shiftingOuterReferences(by: 1), isLateral: isLateral)
    return query
  }
}
