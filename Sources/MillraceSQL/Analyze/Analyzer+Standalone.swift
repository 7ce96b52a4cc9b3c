public import MillraceEngine
import MillraceTypes

/// Expressions that belong to a table or to a statement without rows: defaults, checks, keys of indexes, EXECUTE's
/// arguments.
extension Analyzer {
  /// What an expression is for, which decides what it may contain and the words of errors.
  public enum Purpose: Sendable {
    case other, check, columnDefault, generatedColumn, indexExpression, indexPredicate, alterColumnType
    case executeParameter, copyWhere

    var kind: ExpressionKind {
      switch self {
      case .other: .other
      case .check: .checkConstraint
      case .columnDefault: .columnDefault
      case .generatedColumn: .generatedColumn
      case .indexExpression: .indexExpression
      case .indexPredicate: .indexPredicate
      case .alterColumnType: .alterColumnTransform
      case .executeParameter: .executeParameter
      case .copyWhere: .copyWhere
      }
    }
  }

  /// Analyses the text of an expression over a table's row, as the catalog holds it. The table's columns are variables
  /// of entry 0.
  /// - Parameter type: what it is to be, by an assignment cast; nil for any.
  /// - Throws: ``SQLError`` without a location.
  public func analyzeExpression(
    _ sql: String, over relation: RelationDescriptor?, expecting type: ValueType?, for purpose: Purpose = .other
  ) throws(SQLError) -> TypedExpression {
    try analyzeExpression(sql, over: relation, expecting: type, kind: purpose.kind)
  }

  /// The same of an expression that a statement holds.
  public func analyzeExpression(
    _ raw: Expression, over relation: RelationDescriptor?, expecting type: ValueType?, for purpose: Purpose = .other
  ) throws(SQLError) -> TypedExpression {
    try analyzeExpression(raw, over: relation, expecting: type, kind: purpose.kind)
  }

  func analyzeExpression(
    _ sql: String, over relation: RelationDescriptor?, expecting type: ValueType?, kind: ExpressionKind
  ) throws(SQLError) -> TypedExpression {
    let raw: Expression
    do { raw = try Parser.parseExpression(sql) } catch { throw SQLError(error) }
    return try withoutLocations { () throws(SQLError) in
      try analyzeExpression(raw, over: relation, expecting: type, kind: kind)
    }
  }

  func analyzeExpression(
    _ raw: Expression, over relation: RelationDescriptor?, expecting type: ValueType?, kind: ExpressionKind
  ) throws(SQLError) -> TypedExpression {
    let scope = QueryScope()
    if let relation { scope.namespace = [try add(relation, nil, scope, .unknown)] }
    let value = try analyze(raw, scope, as: kind)
    guard let type else {
      return value.type.id == .unknown ? try coerce(value, to: ValueType(.text), .implicit, .implicitCast) : value
    }
    if type.id == .bool {
      let place: String =
        switch kind {
        case .checkConstraint: "CHECK"
        case .indexPredicate, .copyWhere: "WHERE"
        default: kind.name
        }
      return try coerceToBoolean(value, place)
    }
    guard let result = try coerced(value, to: type, .assignment, .implicitCast) else {
      throw SQLError(
        .datatypeMismatch,
        "expression is of type \(typeName(value.type.id)) instead of \(typeName(type.id))",
        hint: "You will need to rewrite or cast the expression.", at: value.location)
    }
    return result
  }
}
