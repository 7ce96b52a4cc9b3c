/// Where an expression stands, which decides what it may contain and how errors call the place (ParseExprKind of
/// parser/parse_node.h).
enum ExpressionKind {
  case other
  case joinOn, joinUsing
  case fromSubquery, fromFunction
  case condition, having, filter
  case selectTarget, insertTarget, updateSource, updateTarget
  case groupBy, orderBy, distinctOn
  case limit, offset
  case returning
  case values, valuesSingle
  case checkConstraint, columnDefault, generatedColumn
  case indexExpression, indexPredicate
  case alterColumnTransform, executeParameter, copyWhere

  /// ParseExprKindName.
  var name: String {
    switch self {
    case .other: "invalid expression context"
    case .joinOn: "JOIN/ON"
    case .joinUsing: "JOIN/USING"
    case .fromSubquery: "sub-SELECT in FROM"
    case .fromFunction: "function in FROM"
    case .condition, .copyWhere: "WHERE"
    case .having: "HAVING"
    case .filter: "FILTER"
    case .selectTarget: "SELECT"
    case .insertTarget: "INSERT"
    case .updateSource, .updateTarget: "UPDATE"
    case .groupBy: "GROUP BY"
    case .orderBy: "ORDER BY"
    case .distinctOn: "DISTINCT ON"
    case .limit: "LIMIT"
    case .offset: "OFFSET"
    case .returning: "RETURNING"
    case .values, .valuesSingle: "VALUES"
    case .checkConstraint: "CHECK"
    case .columnDefault: "DEFAULT"
    case .generatedColumn: "GENERATED AS"
    case .indexExpression: "index expression"
    case .indexPredicate: "index predicate"
    case .alterColumnTransform: "USING"
    case .executeParameter: "EXECUTE"
    }
  }

  /// How the messages go on that say what is not allowed there; nil where it is (check_agglevels_and_constraints,
  /// check_srf_call_placement).
  var refusal: String? {
    switch self {
    case .other, .having, .selectTarget, .orderBy, .distinctOn: nil
    case .joinOn, .joinUsing: "JOIN conditions"
    case .fromSubquery: "FROM clause of their own query level"
    case .fromFunction: "functions in FROM"
    case .copyWhere: "COPY FROM WHERE conditions"
    case .checkConstraint: "check constraints"
    case .columnDefault: "DEFAULT expressions"
    case .generatedColumn: "column generation expressions"
    case .indexExpression: "index expressions"
    case .indexPredicate: "index predicates"
    case .alterColumnTransform: "transform expressions"
    case .executeParameter: "EXECUTE parameters"
    default: name
    }
  }

  /// Why there can be no query there; nil where there can (transformSubLink).
  var subqueryRefusal: String? {
    switch self {
    case .checkConstraint: "check constraint"
    case .columnDefault: "DEFAULT expression"
    case .generatedColumn: "column generation expression"
    case .indexExpression: "index expression"
    case .indexPredicate: "index predicate"
    case .alterColumnTransform: "transform expression"
    case .executeParameter: "EXECUTE parameter"
    case .copyWhere: "COPY FROM WHERE condition"
    default: nil
    }
  }
}
