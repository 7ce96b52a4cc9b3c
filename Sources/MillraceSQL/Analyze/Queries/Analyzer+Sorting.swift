import MillraceEngine
import MillraceTypes

/// ORDER BY, GROUP BY and DISTINCT: by which targets (src/backend/parser/parse_clause.c).
extension Analyzer {
  func analyze(orderBy keys: [SortBy], _ scope: QueryScope) throws(SQLError) {
    for key in keys {
      let target = try target(of: key.expression, scope, .orderBy)
      if scope.query.targets[target].expression.type.id == .unknown {
        scope.query.targets[target].expression = try coerce(
          scope.query.targets[target].expression, to: ValueType(.text), .implicit, .implicitCast)
      }
      let order = try sortOrder(key, scope.query.targets[target].expression, key.expression)
      if !scope.query.orderBy.contains(where: { $0.target == target }) {
        scope.query.orderBy.append(SortGroupClause(target: target, order))
      }
    }
  }

  /// By which operator, and in which direction (addTargetToSortList).
  func sortOrder(
    _ key: SortBy, _ expression: TypedExpression, _ raw: Expression
  ) throws(SQLError) -> SortOrder {
    let type = expression.type.id
    let isNullsFirst: Bool? =
      switch key.nulls {
      case .unspecified: nil
      case .first: true
      case .last: false
      }
    var isDescending = key.direction == .descending
    if case .using(let name) = key.direction {
      guard let operators = try sortOperators(of: type) else {
        return try sortOrder(of: type, key.location)
      }
      let entry = try binaryOperator(name, type, type, key.location)
      guard entry.oid == operators.less || entry.oid == operators.greater else {
        throw SQLError(
          .wrongObjectType, "operator \(name.joined(separator: ".")) is not a valid ordering operator",
          hint: "Ordering operators must be \"<\" or \">\" members of btree operator families.", at: key.location)
      }
      isDescending = entry.oid == operators.greater
    }
    return try sortOrder(
      of: type, isDescending: isDescending, isNullsFirst: isNullsFirst, expression.location)
  }

  // MARK: Finding targets

  /// findTargetlistEntrySQL92: a target by its name, by its number, or by what it is; a hidden one where there is none.
  func target(
    of raw: Expression, _ scope: QueryScope, _ kind: ExpressionKind
  ) throws(SQLError) -> Int {
    switch raw {
    case .column(let reference) where reference.names.count == 1 && !reference.isStar:
      let name = reference.names[0]
      // A column of FROM goes before a target's name where it is grouped.
      let isColumn =
        kind == .groupBy ? try column(name, scope, reference.location, localOnly: true) != nil : false
      if !isColumn, let found = try named(name, scope, kind, reference.location) { return found }
    case .constant(let constant):
      switch constant.value {
      case .integer(let number):
        let visible = scope.query.targets.indices.filter { !scope.query.targets[$0].isHidden }
        guard number >= 1, Int(number) <= visible.count else {
          throw SQLError(
            .invalidColumnReference, "\(kind.name) position \(number) is not in select list", at: constant.location)
        }
        return visible[Int(number) - 1]
      default:
        throw SQLError(.syntaxError, "non-integer constant in \(kind.name)", at: constant.location)
      }
    default: break
    }
    return try target(equalTo: try analyze(raw, scope, as: kind), scope)
  }

  private func named(
    _ name: String, _ scope: QueryScope, _ kind: ExpressionKind, _ location: Location
  ) throws(SQLError) -> Int? {
    var found: Int?
    for (index, target) in scope.query.targets.enumerated() where !target.isHidden && target.name == name {
      if let found, scope.query.targets[found].expression != target.expression {
        throw SQLError(.ambiguousColumn, "\(kind.name) \"\(name)\" is ambiguous", at: location)
      }
      found = found ?? index
    }
    return found
  }

  /// findTargetlistEntrySQL99.
  func target(equalTo expression: TypedExpression, _ scope: QueryScope) throws(SQLError) -> Int {
    let wanted = expression.strippingImplicitCasts
    if let found = scope.query.targets.firstIndex(where: { $0.expression.strippingImplicitCasts == wanted }) {
      return found
    }
    scope.query.targets.append(TargetEntry(expression, name: "", isHidden: true))
    return scope.query.targets.count - 1
  }

  // MARK: GROUP BY

  func analyze(groupBy elements: [GroupingElement], _ scope: QueryScope) throws(SQLError) {
    for element in elements {
      switch element {
      // Without keys there is one group, as there is for aggregates alone.
      case .set(let set) where set.kind == .empty && elements.count == 1: scope.query.hasAggregates = true
      case .set(let set): throw SQLError.unsupported("GROUPING SETS", at: set.location)
      case .expression(.row(let row)) where !row.isExplicit:
        for part in row.elements { try group(by: part, scope) }
      case .expression(let expression): try group(by: expression, scope)
      }
    }
  }

  private func group(by raw: Expression, _ scope: QueryScope) throws(SQLError) {
    let target = try target(of: raw, scope, .groupBy)
    guard !scope.query.groupBy.contains(where: { $0.target == target }) else { return }
    // Groups come in the order in which rows are sorted later, if they are.
    if let sorted = scope.query.orderBy.first(where: { $0.target == target }) {
      scope.query.groupBy.append(sorted)
    } else {
      scope.query.groupBy.append(SortGroupClause(target: target, try groupOrder(target, scope)))
    }
  }

  /// addTargetToGroupList: values must be comparable.
  private func groupOrder(_ target: Int, _ scope: QueryScope) throws(SQLError) -> SortOrder {
    if scope.query.targets[target].expression.type.id == .unknown {
      scope.query.targets[target].expression = try coerce(
        scope.query.targets[target].expression, to: ValueType(.text), .implicit, .implicitCast)
    }
    let expression = scope.query.targets[target].expression
    guard try sortOperators(of: expression.type.id) != nil else {
      throw SQLError(
        .undefinedFunction, "could not identify an equality operator for type \(typeName(expression.type.id))",
        at: expression.location)
    }
    return try sortOrder(of: expression.type.id, expression.location)
  }

  // MARK: DISTINCT

  /// transformDistinctClause: what is sorted by first, then the rest.
  func distinctClauses(_ scope: QueryScope) throws(SQLError) -> [SortGroupClause] {
    var clauses: [SortGroupClause] = []
    for key in scope.query.orderBy {
      guard !scope.query.targets[key.target].isHidden else {
        throw SQLError(
          .invalidColumnReference, "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
          at: scope.query.targets[key.target].expression.location)
      }
      clauses.append(key)
    }
    for (index, target) in scope.query.targets.enumerated()
    where !target.isHidden && !clauses.contains(where: { $0.target == index }) {
      clauses.append(SortGroupClause(target: index, try groupOrder(index, scope)))
    }
    return clauses
  }

  /// transformDistinctOnClause.
  func distinctOn(_ expressions: [Expression], _ scope: QueryScope) throws(SQLError) -> [SortGroupClause] {
    var targets: [Int] = []
    for expression in expressions { targets.append(try target(of: expression, scope, .distinctOn)) }
    var clauses: [SortGroupClause] = []
    var skipped = false
    for key in scope.query.orderBy {
      if targets.contains(key.target) {
        if skipped {
          let place = targets.firstIndex(of: key.target) ?? 0
          throw distinctOnMismatch(expressions[place].location)
        }
        clauses.append(key)
      } else {
        skipped = true
      }
    }
    for (place, target) in targets.enumerated() where !clauses.contains(where: { $0.target == target }) {
      if skipped { throw distinctOnMismatch(expressions[place].location) }
      clauses.append(SortGroupClause(target: target, try groupOrder(target, scope)))
    }
    return clauses
  }

  private func distinctOnMismatch(_ location: Location) -> SQLError {
    SQLError(
      .invalidColumnReference, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions", at: location)
  }
}

extension TypedExpression {
  /// strip_implicit_coercions.
  var strippingImplicitCasts: TypedExpression {
    switch self {
    case .relabel(let argument, _, .implicitCast), .throughText(let argument, _, .implicitCast):
      argument.strippingImplicitCasts
    case .call(let call) where call.form == .implicitCast && !call.arguments.isEmpty:
      call.arguments[0].strippingImplicitCasts
    default: self
    }
  }
}
