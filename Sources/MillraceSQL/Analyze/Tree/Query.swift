public import MillraceTypes

/// A statement that reads or changes rows, analysed: PostgreSQL's `Query` (nodes/parsenodes.h). What it refers to
/// exists, and is locked by the session's transaction as the statement needs it.
public struct Query: Hashable, Sendable {
  public enum Command: Hashable, Sendable { case select, insert, update, delete }

  public var command = Command.select
  public var with: [TypedCommonTable] = []
  public var isRecursive = false
  public var rangeTable: [RangeTableEntry] = []
  /// FROM; for UPDATE and DELETE the table itself is in it too.
  public var from: [JoinTree] = []
  public var condition: TypedExpression?
  /// What is shown, or the new row of INSERT and UPDATE: one for each ``assignments``.
  public var targets: [TargetEntry] = []
  public var groupBy: [SortGroupClause] = []
  /// Whether there are aggregates of this query, in its targets, HAVING or ORDER BY.
  public var hasAggregates = false
  public var having: TypedExpression?
  public var distinct = DistinctClause.no
  public var orderBy: [SortGroupClause] = []
  public var limit: TypedExpression?
  public var offset: TypedExpression?
  public var isWithTies = false
  public var rowMarks: [RowMark] = []
  /// What UNION, INTERSECT and EXCEPT combine; the targets then show its columns.
  public var setOperations: SetOperationTree?

  /// The table that is changed, as an index in ``rangeTable``.
  public var resultRelation: Int?
  /// Of INSERT and UPDATE: which column of the table each target that is shown goes to.
  public var assignments: [Int] = []
  public var onConflict: TypedOnConflict?
  public var returning: [TargetEntry] = []
  /// Whether a function that returns a set stands in the targets.
  public var hasTargetSetFunctions = false

  public init() {}
}

/// RangeTblEntry: what rows can be taken from.
public struct RangeTableEntry: Hashable, Sendable {
  public indirect enum Kind: Hashable, Sendable {
    /// A table, by OID; views are ``subquery(_:)`` by then.
    case relation(UInt32)
    case subquery(Query, isLateral: Bool)
    /// What a join makes: names only. Variables never refer to it; they go to the entries below, or, where a column of
    /// USING or of an outer join needs it, ``joinColumns`` say the expression.
    case join
    case function(CallExpression, withOrdinality: Bool)
    case values([[TypedExpression]])
    /// A query of WITH, by its name, so many queries further out.
    case commonTable(String, levelsUp: Int)
    /// The row that INSERT ... ON CONFLICT wanted to insert.
    case excluded(UInt32)
    /// No row source: one row without columns (`SELECT 1`).
    case nothing
  }

  public var kind: Kind
  /// What it is called by in the statement: its alias or its name.
  public var name: String
  public var hasAlias: Bool
  /// The columns as they are called, in order; for a table all, dropped ones with an empty name.
  public var columns: [RangeTableColumn]
  /// The view that a subquery stands for, by OID.
  public var view: UInt32?
  public var location: Location

  public init(
    _ kind: Kind, name: String, hasAlias: Bool = false, columns: [RangeTableColumn], _ location: Location = .unknown
  ) {
    (self.kind, self.name, self.hasAlias) = (kind, name, hasAlias)
    (self.columns, self.location) = (columns, location)
  }
}

public struct RangeTableColumn: Hashable, Sendable {
  public var name: String
  public var type: ValueType
  /// For a column of a join's entry: what it is.
  public var expression: TypedExpression?

  public init(_ name: String, _ type: ValueType, _ expression: TypedExpression? = nil) {
    (self.name, self.type, self.expression) = (name, type, expression)
  }
}

/// What stands in FROM.
public indirect enum JoinTree: Hashable, Sendable {
  /// An entry of the range table.
  case entry(Int)
  case join(TypedJoin)
}

public struct TypedJoin: Hashable, Sendable {
  public enum Kind: Hashable, Sendable { case inner, left, full, right }

  public var kind: Kind
  public var left: JoinTree
  public var right: JoinTree
  /// nil: every pair.
  public var condition: TypedExpression?
  /// The entry of the range table that stands for the join itself.
  public var entry: Int

  public init(_ kind: Kind, _ left: JoinTree, _ right: JoinTree, _ condition: TypedExpression?, entry: Int) {
    (self.kind, self.left, self.right) = (kind, left, right)
    (self.condition, self.entry) = (condition, entry)
  }
}

/// TargetEntry: an expression of a SELECT list or of RETURNING.
public struct TargetEntry: Hashable, Sendable {
  public var expression: TypedExpression
  public var name: String
  /// Needed for sorting or grouping only, and not shown.
  public var isHidden: Bool
  /// The table and column (pg_attribute's number) that it simply shows; what RowDescription says.
  public var originTable: UInt32 = 0
  public var originColumn: Int16 = 0

  public init(_ expression: TypedExpression, name: String, isHidden: Bool = false) {
    (self.expression, self.name, self.isHidden) = (expression, name, isHidden)
  }
}

/// SortGroupClause: a target by which is grouped, sorted or made distinct.
public struct SortGroupClause: Hashable, Sendable {
  /// An index in ``Query/targets``.
  public var target: Int
  public var order: SortOrder

  public init(target: Int, _ order: SortOrder) { (self.target, self.order) = (target, order) }
}

/// By which operators values are compared, and in which direction they are sorted.
public struct SortOrder: Hashable, Sendable {
  /// The type whose B-tree order it is.
  public var type: TypeID
  public var isDescending: Bool
  public var isNullsFirst: Bool
  /// The equality operator, and the `<` of the operator class (or `>` where descending).
  public var equality: UInt32
  public var ordering: UInt32

  public init(
    _ type: TypeID, isDescending: Bool = false, isNullsFirst: Bool = false, equality: UInt32, ordering: UInt32
  ) {
    (self.type, self.isDescending, self.isNullsFirst) = (type, isDescending, isNullsFirst)
    (self.equality, self.ordering) = (equality, ordering)
  }
}

public enum DistinctClause: Hashable, Sendable {
  case no
  case all([SortGroupClause])
  case on([SortGroupClause])
}

/// RowMarkClause: an entry whose rows FOR UPDATE locks.
public struct RowMark: Hashable, Sendable {
  public var entry: Int
  public var strength: RowLockStrength
  public var waitPolicy: RowLockWait

  public init(entry: Int, _ strength: RowLockStrength, _ waitPolicy: RowLockWait) {
    (self.entry, self.strength, self.waitPolicy) = (entry, strength, waitPolicy)
  }
}

public enum RowLockStrength: Hashable, Sendable { case keyShare, share, noKeyUpdate, update }
public enum RowLockWait: Hashable, Sendable { case block, skip, error }

public indirect enum SetOperationTree: Hashable, Sendable {
  /// An entry of the range table: a subquery.
  case entry(Int)
  case operation(TypedSetOperation)
}

public struct TypedSetOperation: Hashable, Sendable {
  public var kind: SetOperation.Operator
  public var isAll: Bool
  public var left: SetOperationTree
  public var right: SetOperationTree
  /// One for each column: its type, and how it is compared unless all rows are wanted. The entries' own queries
  /// already give values of these types.
  public var types: [ValueType]
  public var orders: [SortOrder]

  public init(
    _ kind: SetOperation.Operator, isAll: Bool, _ left: SetOperationTree, _ right: SetOperationTree,
    types: [ValueType], orders: [SortOrder]
  ) {
    (self.kind, self.isAll, self.left, self.right) = (kind, isAll, left, right)
    (self.types, self.orders) = (types, orders)
  }
}

/// A query of WITH.
public struct TypedCommonTable: Hashable, Sendable {
  public var name: String
  public var materialization: CommonTableExpression.Materialization
  public var query: Query
  public var columns: [RangeTableColumn]
  /// Whether it refers to itself.
  public var isRecursive: Bool
  /// How many places of the statement refer to it.
  public var referenceCount: Int

  public init(
    name: String, _ query: Query, columns: [RangeTableColumn],
    _ materialization: CommonTableExpression.Materialization = .unspecified
  ) {
    (self.name, self.query, self.columns, self.materialization) = (name, query, columns, materialization)
    (isRecursive, referenceCount) = (false, 0)
  }
}

/// What INSERT does where a key is there already.
public struct TypedOnConflict: Hashable, Sendable {
  /// Unique indexes by OID that a conflict is looked for in; empty: in all.
  public var arbiters: [UInt32]
  /// nil: do nothing. Else the columns and their new values, which may refer to the table's row and to the entry
  /// `excluded`.
  public var update: Update?

  public struct Update: Hashable, Sendable {
    public var columns: [Int]
    public var values: [TypedExpression]
    public var condition: TypedExpression?
    /// The entry of the range table that is the row that was to be inserted.
    public var excluded: Int

    public init(columns: [Int], values: [TypedExpression], condition: TypedExpression?, excluded: Int) {
      (self.columns, self.values) = (columns, values)
      (self.condition, self.excluded) = (condition, excluded)
    }
  }

  public init(arbiters: [UInt32], update: Update? = nil) { (self.arbiters, self.update) = (arbiters, update) }
}
