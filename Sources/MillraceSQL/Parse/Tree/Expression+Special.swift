// Expressions that have a syntax of their own.

/// FuncCall: functions, aggregates and window functions.
public struct FunctionCall: Equatable, Sendable {
  public var name: [String]
  public var arguments: [Expression]
  /// `ORDER BY` inside the parentheses, or behind WITHIN GROUP.
  public var orderBy: [SortBy]
  public var filter: Expression?
  public var over: WindowDefinition?
  public var isWithinGroup: Bool
  /// `count(*)`.
  public var isStar: Bool
  public var isDistinct: Bool
  /// `VARIADIC` stands before the last argument.
  public var isVariadic: Bool
  /// Whether it was written with a syntax of its own, such as `EXTRACT(year FROM x)` or `x AT TIME ZONE y`.
  public var isSQLSyntax: Bool
  public var location: Location
}

/// NamedArgExpr: `name => value`.
public struct NamedArgument: Equatable, Sendable {
  public var name: String
  public var value: Expression
  public var location: Location
}

/// SubLink: a query inside an expression.
public struct SubqueryExpression: Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    case exists
    /// `test operator ANY (query)`; the operator is `nil` for IN.
    case any(Expression, operator: [String]?)
    case all(Expression, operator: [String])
    /// One value, or one row.
    case value
    /// `ARRAY(query)`.
    case array
  }

  public var kind: Kind
  public var query: SelectStatement
  public var location: Location
}

/// CaseExpr.
public struct CaseExpression: Equatable, Sendable {
  public struct When: Equatable, Sendable {
    public var condition: Expression
    public var result: Expression
    public var location: Location
  }

  public var argument: Expression?
  public var whens: [When]
  public var otherwise: Expression?
  public var location: Location
}

/// CoalesceExpr.
public struct CoalesceExpression: Equatable, Sendable {
  public var arguments: [Expression]
  public var location: Location
}

/// MinMaxExpr: GREATEST and LEAST.
public struct MinMaxExpression: Equatable, Sendable {
  public var isGreatest: Bool
  public var arguments: [Expression]
  public var location: Location
}

/// SQLValueFunction: what SQL writes without parentheses.
public struct ValueFunction: Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    case currentDate, currentTime, currentTimestamp, localTime, localTimestamp
    case currentRole, currentUser, user, sessionUser, currentCatalog, currentSchema
  }

  public var kind: Kind
  /// Digits of the seconds, where they were written.
  public var precision: Int32?
  public var location: Location
}

public struct NullTest: Equatable, Sendable {
  /// `IS NOT NULL`.
  public var isNegated: Bool
  public var argument: Expression
  public var location: Location
}

/// `IS [NOT] TRUE`, `FALSE`, `UNKNOWN`.
public struct BooleanTest: Equatable, Sendable {
  public enum Value: Equatable, Sendable { case isTrue, isFalse, isUnknown }

  public var value: Value
  public var isNegated: Bool
  public var argument: Expression
  public var location: Location
}

/// GroupingFunc: `GROUPING(a, b)`.
public struct GroupingFunction: Equatable, Sendable {
  public var arguments: [Expression]
  public var location: Location
}

/// CurrentOfExpr.
public struct CurrentOf: Equatable, Sendable {
  public var cursor: String
}

/// The type of a cast, a column, a parameter. What the grammar has words for (`integer`, `character varying`) is a
/// name in `pg_catalog` already.
public struct TypeName: Equatable, Sendable {
  public var names: [String]
  public var isSetOf: Bool
  /// What stands in the parentheses: `numeric(10, 2)`. For `interval` the mask of fields comes first.
  public var modifiers: [Expression]
  /// One element for each `[]`: the size that was written, or -1.
  public var arrayBounds: [Int32]
  public var location: Location
}

public struct SortBy: Equatable, Sendable {
  public enum Direction: Equatable, Sendable {
    case unspecified, ascending, descending
    /// `USING operator`.
    case using([String])
  }

  public enum Nulls: Equatable, Sendable { case unspecified, first, last }

  public var expression: Expression
  public var direction: Direction
  public var nulls: Nulls
  public var location: Location
}

/// WindowDef: `OVER (...)`, `OVER name`, or an entry of WINDOW.
public struct WindowDefinition: Equatable, Sendable {
  /// The name that WINDOW gives it, or that OVER names without parentheses.
  public var name: String?
  /// The window whose definition this one begins with.
  public var reference: String?
  public var partitionBy: [Expression]
  public var orderBy: [SortBy]
  public var frame: WindowFrame
  public var location: Location
}

public struct WindowFrame: Equatable, Sendable {
  public enum Unit: Equatable, Sendable { case range, rows, groups }

  public enum Bound: Equatable, Sendable {
    case unboundedPreceding
    case preceding(Expression)
    case currentRow
    case following(Expression)
    case unboundedFollowing
  }

  public enum Exclusion: Equatable, Sendable { case none, currentRow, group, ties }

  /// False for the frame of a window that says none.
  public var isSpecified: Bool
  public var unit: Unit
  /// Whether both bounds were written. Else the frame ends with the current row.
  public var isBetween: Bool
  public var start: Bound
  public var end: Bound
  public var exclusion: Exclusion
}
