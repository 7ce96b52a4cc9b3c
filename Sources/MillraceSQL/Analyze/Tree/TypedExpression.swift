public import MillraceTypes

/// An expression whose names are looked up, whose functions are chosen and whose types are known: PostgreSQL's
/// `Expr` nodes (nodes/primnodes.h).
///
/// Analysis makes it, planning changes it, and the executor compiles it. In an analysed query rows are referred to by
/// ``Variable``; in a plan by ``InputColumn``, which is where the value stands in what the node reads.
public indirect enum TypedExpression: Hashable, Sendable {
  case constant(TypedConstant)
  case variable(Variable)
  case parameter(TypedParameter)
  case call(CallExpression)
  case and([TypedExpression])
  case or([TypedExpression])
  case not(TypedExpression)
  case distinct(ComparisonExpression)
  case nullIf(ComparisonExpression)
  case arrayComparison(TypedArrayComparison)
  case nullTest(TypedExpression, isNegated: Bool)
  case booleanTest(TypedExpression, BooleanTest.Value, isNegated: Bool)
  case caseWhen(TypedCase)
  /// The operand of the CASE around, which is evaluated once for a row.
  case caseOperand(ValueType)
  case coalesce([TypedExpression], ValueType)
  case minMax(isGreatest: Bool, [TypedExpression], ValueType)
  /// A value taken as one of another type with the same bytes.
  case relabel(TypedExpression, ValueType, CoercionForm)
  /// A cast by the text of the value.
  case throughText(TypedExpression, ValueType, CoercionForm)
  case array([TypedExpression], ValueType)
  case row([TypedExpression], ValueType)
  /// `(a, b) < (c, d)`: compared column by column.
  case rowComparison(RowComparison)
  case aggregate(AggregateExpression)
  case subquery(SubqueryLink)
  /// In a plan: a column of what the node reads.
  case input(InputColumn)
  /// In a plan: a subquery that has been planned.
  case subplan(SubplanReference)
}

/// A type with its typmod: what every expression has.
public struct ValueType: Hashable, Sendable {
  public var id: TypeID
  public var typmod: Int32

  public init(_ id: TypeID, _ typmod: Int32 = -1) { (self.id, self.typmod) = (id, typmod) }
}

/// Const: a value that the statement says, or that analysis or planning has computed.
public struct TypedConstant: Hashable, Sendable {
  public enum Value: Hashable, Sendable {
    case null
    /// A ``Datum``'s word.
    case word(UInt64)
    /// The bytes of a value passed by reference, without a varlena header.
    case bytes([UInt8])
  }

  public var type: ValueType
  public var value: Value
  public var location: Location

  public init(_ type: ValueType, _ value: Value, _ location: Location = .unknown) {
    (self.type, self.value, self.location) = (type, value, location)
  }
}

/// Var: a column of a range table's entry.
public struct Variable: Hashable, Sendable {
  public enum Column: Hashable, Sendable {
    /// From 0; dropped columns of a table count.
    case column(Int)
    case system(SystemColumn)
    case wholeRow
  }

  /// The entry's index in ``Query/rangeTable``, from 0.
  public var entry: Int
  public var column: Column
  public var type: ValueType
  /// How many queries further out the entry stands.
  public var levelsUp: Int
  public var location: Location

  public init(
    _ entry: Int, _ column: Column, _ type: ValueType, levelsUp: Int = 0, _ location: Location = .unknown
  ) {
    (self.entry, self.column, self.type) = (entry, column, type)
    (self.levelsUp, self.location) = (levelsUp, location)
  }
}

/// What every table has besides its columns (catalog/heap.c). The raw values are their numbers in `pg_attribute`.
public enum SystemColumn: Int16, Hashable, Sendable, CaseIterable {
  case ctid = -1
  case xmin = -2
  case cmin = -3
  case xmax = -4
  case cmax = -5
  case tableoid = -6
}

/// Param.
public struct TypedParameter: Hashable, Sendable {
  public enum Source: Hashable, Sendable {
    /// `$1` is 1: given by whoever runs the statement.
    case external(Int)
    /// In a plan: set by a node further up, from 0; see ``Plan``.
    case executor(Int)
  }

  public var source: Source
  public var type: ValueType
  public var location: Location

  public init(_ source: Source, _ type: ValueType, _ location: Location = .unknown) {
    (self.source, self.type, self.location) = (source, type, location)
  }
}

/// How a cast was written, which decides how it is shown.
public enum CoercionForm: Hashable, Sendable {
  /// As a function call, or as an operator.
  case call
  case explicitCast
  case implicitCast
}

/// FuncExpr and OpExpr: a function is called, under its name or through an operator.
public struct CallExpression: Hashable, Sendable {
  /// `array_subscript_handler`, of an array and its subscripts: an element.
  static let arraySubscript: UInt32 = 6179

  /// `pg_proc.oid`.
  public var function: UInt32
  /// `pg_operator.oid`; 0 where no operator stands there.
  public var operatorID: UInt32
  public var arguments: [TypedExpression]
  public var type: ValueType
  public var form: CoercionForm
  /// Whether the last argument is an array made of a variadic function's arguments.
  public var isVariadic: Bool
  public var location: Location

  public init(
    function: UInt32, operatorID: UInt32 = 0, _ arguments: [TypedExpression], _ type: ValueType,
    form: CoercionForm = .call, isVariadic: Bool = false, _ location: Location = .unknown
  ) {
    (self.function, self.operatorID, self.arguments, self.type) = (function, operatorID, arguments, type)
    (self.form, self.isVariadic, self.location) = (form, isVariadic, location)
  }
}

/// DistinctExpr (`IS DISTINCT FROM`) and NullIfExpr: two values compared by an equality operator.
public struct ComparisonExpression: Hashable, Sendable {
  /// The equality operator, and the function behind it.
  public var operatorID: UInt32
  public var function: UInt32
  public var left: TypedExpression
  public var right: TypedExpression
  /// Of the result: bool, or the left operand's for NULLIF.
  public var type: ValueType
  public var location: Location

  public init(
    operatorID: UInt32, function: UInt32, _ left: TypedExpression, _ right: TypedExpression, _ type: ValueType,
    _ location: Location = .unknown
  ) {
    (self.operatorID, self.function, self.left, self.right) = (operatorID, function, left, right)
    (self.type, self.location) = (type, location)
  }
}

/// ScalarArrayOpExpr: `x = ANY (array)`, `x <> ALL (array)`, and `x IN (list)`, whose list is an
/// ``TypedExpression/array(_:_:)``.
public struct TypedArrayComparison: Hashable, Sendable {
  public var operatorID: UInt32
  public var function: UInt32
  public var isAll: Bool
  public var left: TypedExpression
  public var array: TypedExpression
  public var location: Location

  public init(
    operatorID: UInt32, function: UInt32, isAll: Bool, _ left: TypedExpression, _ array: TypedExpression,
    _ location: Location = .unknown
  ) {
    (self.operatorID, self.function, self.isAll) = (operatorID, function, isAll)
    (self.left, self.array, self.location) = (left, array, location)
  }
}

/// CaseExpr.
public struct TypedCase: Hashable, Sendable {
  public struct Branch: Hashable, Sendable {
    /// Of type bool; for a CASE with an operand it compares ``TypedExpression/caseOperand(_:)``.
    public var condition: TypedExpression
    public var result: TypedExpression

    public init(_ condition: TypedExpression, _ result: TypedExpression) {
      (self.condition, self.result) = (condition, result)
    }
  }

  public var operand: TypedExpression?
  public var branches: [Branch]
  /// NULL of the result's type where there is no ELSE.
  public var otherwise: TypedExpression
  public var type: ValueType
  public var location: Location

  public init(
    _ operand: TypedExpression?, _ branches: [Branch], otherwise: TypedExpression, _ type: ValueType,
    _ location: Location = .unknown
  ) {
    (self.operand, self.branches, self.otherwise) = (operand, branches, otherwise)
    (self.type, self.location) = (type, location)
  }
}

/// RowCompareExpr.
public struct RowComparison: Hashable, Sendable {
  public enum Kind: Hashable, Sendable { case less, lessOrEqual, greaterOrEqual, greater }

  public var kind: Kind
  /// One for each column: the operator of that kind.
  public var operators: [UInt32]
  public var left: [TypedExpression]
  public var right: [TypedExpression]

  public init(_ kind: Kind, operators: [UInt32], left: [TypedExpression], right: [TypedExpression]) {
    (self.kind, self.operators, self.left, self.right) = (kind, operators, left, right)
  }
}

/// Aggref.
public struct AggregateExpression: Hashable, Sendable {
  /// `pg_proc.oid` of the aggregate.
  public var function: UInt32
  public var arguments: [TypedExpression]
  /// `count(*)`.
  public var isStar: Bool
  public var isDistinct: Bool
  /// Of expressions over the same rows as the arguments.
  public var orderBy: [AggregateOrder]
  public var filter: TypedExpression?
  public var type: ValueType
  /// How many queries further out it is computed.
  public var levelsUp: Int
  public var location: Location

  public init(
    function: UInt32, _ arguments: [TypedExpression], _ type: ValueType, isStar: Bool = false,
    _ location: Location = .unknown
  ) {
    (self.function, self.arguments, self.type) = (function, arguments, type)
    (self.isStar, self.location) = (isStar, location)
    (isDistinct, orderBy, filter, levelsUp) = (false, [], nil, 0)
  }
}

/// One of the keys by which an aggregate's input is sorted.
public struct AggregateOrder: Hashable, Sendable {
  public var expression: TypedExpression
  public var order: SortOrder

  public init(_ expression: TypedExpression, _ order: SortOrder) { (self.expression, self.order) = (expression, order) }
}

/// SubLink: a query inside of an expression.
public struct SubqueryLink: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case exists
    /// `left operator ANY (query)`; IN is `= ANY`.
    case any
    case all
    /// One column of at most one row.
    case scalar
    /// `ARRAY(query)`.
    case array
  }

  public var kind: Kind
  /// For ANY and ALL: what is compared with the query's columns, by ``operators``.
  public var left: [TypedExpression]
  public var operators: [UInt32]
  public var query: Query
  public var type: ValueType
  public var location: Location

  public init(_ kind: Kind, _ query: Query, _ type: ValueType, _ location: Location = .unknown) {
    (self.kind, self.query, self.type, self.location) = (kind, query, type, location)
    (left, operators) = ([], [])
  }
}

/// A column of what a plan's node reads, from 0: of a scan, the table's; of a node with one input, that input's output;
/// of a join, the outer input's output and behind it the inner one's.
public struct InputColumn: Hashable, Sendable {
  public var index: Int
  public var type: ValueType

  public init(_ index: Int, _ type: ValueType) { (self.index, self.type) = (index, type) }
}

/// A subquery that is run from within an expression.
public struct SubplanReference: Hashable, Sendable {
  /// Its index in ``PlannedStatement/subplans``.
  public var index: Int
  public var kind: SubqueryLink.Kind
  /// For ANY and ALL: what is compared with the subplan's columns.
  public var left: [TypedExpression]
  public var operators: [UInt32]
  /// The executor parameters that are set before it runs, and from what: none where it does not depend on the row.
  public var arguments: [SubplanArgument]
  /// Whether its rows are put into a hash table once, and each row looks its values up there.
  public var isHashed: Bool
  public var type: ValueType

  public init(_ index: Int, _ kind: SubqueryLink.Kind, _ type: ValueType) {
    (self.index, self.kind, self.type) = (index, kind, type)
    (left, operators, arguments, isHashed) = ([], [], [], false)
  }
}

/// A value that a subplan gets from the row around it.
public struct SubplanArgument: Hashable, Sendable {
  /// The executor parameter's number.
  public var parameter: Int
  public var value: TypedExpression

  public init(parameter: Int, _ value: TypedExpression) { (self.parameter, self.value) = (parameter, value) }
}
