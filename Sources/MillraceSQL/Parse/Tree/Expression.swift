/// An expression, as the grammar makes it: nothing is looked up yet.
///
/// The names are those of PostgreSQL's raw parse trees (nodes/parsenodes.h); the kinds of `A_Expr` and of `SubLink` are
/// cases of their own. One word; the node itself is allocated. Neither the depth of an expression nor that of what
/// is in it exceeds ``Parser/nestingMax``.
public indirect enum Expression: Equatable, Sendable {
  case constant(Constant)
  case column(ColumnReference)
  case parameter(ParameterReference)
  case operation(OperatorExpression)
  case arrayComparison(ArrayComparison)
  case distinct(DistinctExpression)
  case nullIf(NullIfExpression)
  case inList(InExpression)
  case between(BetweenExpression)
  case like(LikeExpression)
  case boolean(BooleanExpression)
  case cast(TypeCast)
  case collate(CollateClause)
  case function(FunctionCall)
  case namedArgument(NamedArgument)
  case indirection(Indirection)
  case array(ArrayExpression)
  case row(RowExpression)
  case subquery(SubqueryExpression)
  case caseWhen(CaseExpression)
  case coalesce(CoalesceExpression)
  case minMax(MinMaxExpression)
  case valueFunction(ValueFunction)
  case nullTest(NullTest)
  case booleanTest(BooleanTest)
  case grouping(GroupingFunction)
  /// `DEFAULT` in INSERT and UPDATE.
  case setToDefault(Location)
  /// `WHERE CURRENT OF cursor`.
  case currentOf(CurrentOf)
}

/// A_Const: a literal.
public struct Constant: Equatable, Sendable {
  public enum Value: Equatable, Sendable {
    case null
    case integer(Int32)
    /// A number that is no Int32, as it was written: `1.5`, `2147483648`, `1e10`.
    case float(String)
    case boolean(Bool)
    case string(String)
    /// `b` or `x`, then the digits.
    case bitString(String)
  }

  public var value: Value
  public var location: Location
}

/// ColumnRef: `a`, `t.a`, `s.t.a`, `t.*`, `*`.
public struct ColumnReference: Equatable, Sendable {
  public var names: [String]
  /// Whether `*` ends it.
  public var isStar: Bool
  public var location: Location
}

/// ParamRef: `$1`.
public struct ParameterReference: Equatable, Sendable {
  /// From 1.
  public var number: Int32
  public var location: Location
}

/// A_Expr of kind AEXPR_OP: an operator before its operand, or between two.
public struct OperatorExpression: Equatable, Sendable {
  /// With the schema, where `OPERATOR(schema.name)` says one.
  public var name: [String]
  /// `nil` for an operator before its operand.
  public var left: Expression?
  public var right: Expression
  public var location: Location
}

/// A_Expr of kinds AEXPR_OP_ANY and AEXPR_OP_ALL: `left operator ANY (array)`.
public struct ArrayComparison: Equatable, Sendable {
  public var name: [String]
  public var isAll: Bool
  public var left: Expression
  public var array: Expression
  public var location: Location
}

/// A_Expr of kinds AEXPR_DISTINCT and AEXPR_NOT_DISTINCT: `IS [NOT] DISTINCT FROM`.
public struct DistinctExpression: Equatable, Sendable {
  /// `IS NOT DISTINCT FROM`.
  public var isNegated: Bool
  public var left: Expression
  public var right: Expression
  public var location: Location
}

/// A_Expr of kind AEXPR_NULLIF.
public struct NullIfExpression: Equatable, Sendable {
  public var left: Expression
  public var right: Expression
  public var location: Location
}

/// A_Expr of kind AEXPR_IN: `[NOT] IN (list)`. With a query it is a ``SubqueryExpression``.
public struct InExpression: Equatable, Sendable {
  public var isNegated: Bool
  public var left: Expression
  public var list: [Expression]
  public var location: Location
}

/// A_Expr of the four BETWEEN kinds.
public struct BetweenExpression: Equatable, Sendable {
  public var isNegated: Bool
  /// `BETWEEN SYMMETRIC`: the bounds may come in either order.
  public var isSymmetric: Bool
  public var operand: Expression
  public var lower: Expression
  public var upper: Expression
  public var location: Location
}

/// A_Expr of kinds AEXPR_LIKE, AEXPR_ILIKE and AEXPR_SIMILAR.
public struct LikeExpression: Equatable, Sendable {
  public enum Kind: Equatable, Sendable { case like, ilike, similar }

  public var kind: Kind
  public var isNegated: Bool
  public var left: Expression
  public var pattern: Expression
  /// What stands behind ESCAPE.
  public var escape: Expression?
  public var location: Location

  /// The operator that PostgreSQL evaluates it with: `~~`, `~~*`, or `~` for SIMILAR TO, with `!` before it if negated.
  public var operatorName: String {
    let name =
      switch kind {
      case .like: "~~"
      case .ilike: "~~*"
      case .similar: "~"
      }
    return isNegated ? "!" + name : name
  }
}

/// BoolExpr. `AND` and `OR` have two operands or more: the grammar has flattened chains of them.
public struct BooleanExpression: Equatable, Sendable {
  public enum Operator: Equatable, Sendable { case and, or, not }

  public var `operator`: Operator
  public var arguments: [Expression]
  public var location: Location
}

public struct TypeCast: Equatable, Sendable {
  public var argument: Expression
  public var type: TypeName
  public var location: Location
}

public struct CollateClause: Equatable, Sendable {
  public var argument: Expression
  public var collation: [String]
  public var location: Location
}

/// A_Indirection: `(expression).field`, `(expression)[1:2]`, `(expression).*`. Of a plain column, names belong to the
/// ``ColumnReference``.
public struct Indirection: Equatable, Sendable {
  public var argument: Expression
  public var elements: [IndirectionElement]
}

public enum IndirectionElement: Equatable, Sendable {
  case field(String)
  case star
  case index(Expression)
  case slice(lower: Expression?, upper: Expression?)
}

/// A_ArrayExpr: `ARRAY[...]`.
public struct ArrayExpression: Equatable, Sendable {
  public var elements: [Expression]
  public var location: Location
}

/// RowExpr: `ROW(...)`, or `(a, b)`.
public struct RowExpression: Equatable, Sendable {
  public var elements: [Expression]
  /// Whether `ROW` was written.
  public var isExplicit: Bool
  public var location: Location
}
