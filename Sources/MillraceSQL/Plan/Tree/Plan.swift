/// What the planner expects of a node (PostgreSQL's `Plan`: startup_cost, total_cost, plan_rows, plan_width).
public struct PlanCost: Hashable, Sendable {
  public var startup: Double
  public var total: Double
  public var rows: Double
  /// Bytes of an average row.
  public var width: Int

  public init(startup: Double = 0, total: Double = 0, rows: Double = 1, width: Int = 0) {
    (self.startup, self.total, self.rows, self.width) = (startup, total, rows, width)
  }
}

/// A node of a plan. Immutable: prepared statements share it.
///
/// ``operation`` takes rows from ``inputs`` or from a table, or makes them. Of these *input rows*, whose columns
/// ``InputColumn`` counts, those that fulfil ``filter`` are kept, and ``output`` is computed of each.
public final class Plan: Sendable {
  public let operation: PlanOperation
  /// None, one, or two: the outer one first. More for Append, BitmapAnd and BitmapOr.
  public let inputs: [Plan]
  /// The types of the input rows' columns.
  public let inputTypes: [ValueType]
  /// What all have to be true, cheap ones first.
  public let filter: [TypedExpression]
  /// nil: the input rows' columns as they are, in order.
  public let output: [TypedExpression]?
  public let cost: PlanCost
  /// Subplans that run once, before the first row, and set executor parameters: indexes in
  /// ``PlannedStatement/subplans`` (PostgreSQL's InitPlans).
  public let initialSubplans: [InitialSubplan]
  /// What EXPLAIN says besides; the executor need not look.
  public let description: PlanDescription?

  public init(
    _ operation: PlanOperation, _ inputs: [Plan] = [], inputTypes: [ValueType], filter: [TypedExpression] = [],
    output: [TypedExpression]? = nil, cost: PlanCost, initialSubplans: [InitialSubplan] = [],
    description: PlanDescription? = nil
  ) {
    (self.operation, self.inputs, self.inputTypes) = (operation, inputs, inputTypes)
    (self.filter, self.output, self.cost) = (filter, output, cost)
    (self.initialSubplans, self.description) = (initialSubplans, description)
  }
}

public struct InitialSubplan: Hashable, Sendable {
  public var subplan: Int
  public var kind: SubqueryLink.Kind
  /// The executor parameter that its value goes to.
  public var parameter: Int

  public init(subplan: Int, _ kind: SubqueryLink.Kind, parameter: Int) {
    (self.subplan, self.kind, self.parameter) = (subplan, kind, parameter)
  }
}

/// What a node does.
public enum PlanOperation: Sendable {
  /// One row without columns, or, with an input, its rows; nothing at all where a condition that does not depend on the
  /// row is not fulfilled.
  case result(oneTimeFilter: TypedExpression?)
  case values([[TypedExpression]])
  case sequentialScan(TableScan)
  case indexScan(IndexScan)
  /// Over the bitmap of its one input; rows are checked again by `recheck` where the bitmap knows pages only.
  case bitmapHeapScan(TableScan, recheck: [TypedExpression])
  case bitmapIndexScan(IndexScan)
  case bitmapAnd
  case bitmapOr
  /// By the places of rows: expressions of type tid or tid[].
  case tidScan(TableScan, [TypedExpression])
  case functionScan(CallExpression, withOrdinality: Bool, alias: String)
  /// Passes on the rows of a subquery, under an alias.
  case subqueryScan(alias: String)
  /// A query of WITH that is computed once: its index in ``PlannedStatement/commonTables``.
  case commonTableScan(Int, alias: String)
  /// What the last round of the recursion of that common table has given.
  case workTableScan(Int, alias: String)
  case recursiveUnion(commonTable: Int, isAll: Bool, [SortOrder])
  case nestedLoop(JoinKind, condition: [TypedExpression], parameters: [SubplanArgument])
  case hashJoin(JoinKind, keys: [JoinKey], condition: [TypedExpression])
  case mergeJoin(JoinKind, keys: [JoinKey], condition: [TypedExpression])
  case materialize
  /// Remembers the rows that its input gives for the values of some parameters.
  case memoize(Memoization)
  case sort([SortKey])
  /// Sorted by its first keys already.
  case incrementalSort([SortKey], presorted: Int)
  /// Adjacent rows that are equal in these columns are one.
  case unique([SortKey])
  /// Filter and output are over the keys' values and, behind them, the aggregates' results; the aggregates' own
  /// expressions are over the input's output.
  case aggregate(AggregateStrategy, keys: [SortKey], [AggregateExpression])
  /// Entries of the output that are calls of set-returning functions give a row each time until all are exhausted, the
  /// shorter ones NULL; the others are repeated. Such calls stand nowhere else.
  case projectSet
  case limit(count: TypedExpression?, offset: TypedExpression?, tieKeys: [SortKey])
  /// UNION ALL.
  case append
  /// INTERSECT and EXCEPT, by hashing; two inputs.
  case setOperation(SetOperation.Operator, isAll: Bool, [SortOrder])
  case lockRows([PlanRowMark])
  case modifyTable(TableModification)
}

/// The table of a scan. The input columns are all of the table's (dropped ones too), and behind them the
/// ``SystemColumn``s in the order of ``SystemColumn/allCases``.
public struct TableScan: Hashable, Sendable {
  public var relation: UInt32
  public var alias: String
  /// The table's columns that filter and output need, from 0, ascending.
  public var columns: [Int]
  public var systemColumns: [SystemColumn]

  public init(relation: UInt32, alias: String, columns: [Int], systemColumns: [SystemColumn] = []) {
    (self.relation, self.alias, self.columns, self.systemColumns) = (relation, alias, columns, systemColumns)
  }
}

public struct IndexScan: Hashable, Sendable {
  public var table: TableScan
  public var index: UInt32
  public var conditions: [IndexCondition]
  /// For scans in the order of the index.
  public var isBackward: Bool
  /// Whether one row at most is expected: unique, and all columns have an equality.
  public var expectsOne: Bool
  /// Whether the index has all columns that are wanted, so that the table is only looked at for whether rows are seen.
  public var isIndexOnly = false

  public init(_ table: TableScan, index: UInt32, _ conditions: [IndexCondition], isBackward: Bool = false) {
    (self.table, self.index, self.conditions, self.isBackward) = (table, index, conditions, isBackward)
    expectsOne = false
  }
}

/// `column operator value`, where the value does not depend on the row.
public struct IndexCondition: Hashable, Sendable {
  public enum Comparison: Hashable, Sendable {
    case less, lessOrEqual, equal, greaterOrEqual, greater
    /// `= ANY (array)`
    case anyOf
    case isNull, isNotNull
  }

  /// Of the index, from 0.
  public var column: Int
  public var comparison: Comparison
  /// Of the column's type, or of another one of its operator family; nil for the null tests.
  public var value: TypedExpression?
  /// The condition as it was written, over the input columns: for EXPLAIN, and to check rows again.
  public var original: TypedExpression

  public init(column: Int, _ comparison: Comparison, _ value: TypedExpression?, original: TypedExpression) {
    (self.column, self.comparison, self.value, self.original) = (column, comparison, value, original)
  }
}

public enum JoinKind: Hashable, Sendable {
  case inner, left, right, full
  /// Outer rows that have a partner, once; and those that have none.
  case semi, anti
}

/// By what a Memoize node remembers rows.
public struct Memoization: Hashable, Sendable {
  /// Of executor parameters, which a nested loop above sets.
  public var keys: [TypedExpression]
  /// Whether keys that are equal but not the same are told apart by their bytes: `Cache Mode: binary`.
  public var isBinary: Bool
  /// Whether there is one row at most for a key.
  public var isSingleRow: Bool

  public init(keys: [TypedExpression], isBinary: Bool, isSingleRow: Bool) {
    (self.keys, self.isBinary, self.isSingleRow) = (keys, isBinary, isSingleRow)
  }
}

/// An equality between an outer and an inner expression, each over that input's output.
public struct JoinKey: Hashable, Sendable {
  public var outer: TypedExpression
  public var inner: TypedExpression
  public var order: SortOrder

  public init(outer: TypedExpression, inner: TypedExpression, _ order: SortOrder) {
    (self.outer, self.inner, self.order) = (outer, inner, order)
  }
}

/// An input column and how it is compared.
public struct SortKey: Hashable, Sendable {
  public var column: InputColumn
  public var order: SortOrder

  public init(_ column: InputColumn, _ order: SortOrder) { (self.column, self.order) = (column, order) }
}

public enum AggregateStrategy: Hashable, Sendable {
  /// One row for all.
  case plain
  /// The input is sorted by the keys.
  case sorted
  case hashed
}

/// A table whose rows are locked; the input column that holds their ctid, and the one with its tableoid is not needed.
public struct PlanRowMark: Hashable, Sendable {
  public var relation: UInt32
  public var ctid: Int
  public var strength: RowLockStrength
  public var waitPolicy: RowLockWait
  /// The alias of the ``TableScan`` that the rows come from, which a recheck gives the new version.
  public var alias = ""

  public init(relation: UInt32, ctid: Int, _ strength: RowLockStrength, _ waitPolicy: RowLockWait) {
    (self.relation, self.ctid) = (relation, ctid)
    (self.strength, self.waitPolicy) = (strength, waitPolicy)
  }
}

/// What INSERT, UPDATE and DELETE do with the rows of their one input.
///
/// INSERT: the input's columns are all columns of the new row, in the table's order (dropped ones null).
/// UPDATE: those, and behind them ctid. DELETE: ctid only. Then come the columns that RETURNING needs of other tables.
/// ``Plan/output`` is RETURNING's list, over *input rows* of this form: the table's columns as stored (of DELETE: as
/// they were), its system columns as in ``TableScan``, and behind them the input's columns.
public struct TableModification: Hashable, Sendable {
  public enum Kind: Hashable, Sendable { case insert, update, delete }

  public var kind: Kind
  public var relation: UInt32
  public var alias: String
  /// Which columns UPDATE sets: whether indexes must be looked at depends on it.
  public var updatedColumns: [Int]
  /// The table's CHECK constraints by name, over the new row's columns.
  public var checks: [NamedCheck]
  public var onConflict: PlannedOnConflict?
  /// For UPDATE and DELETE that met a row which another transaction has changed (PostgreSQL's EvalPlanQual): this
  /// plan's input, with the scan of the table (the ``TableScan`` of this alias) giving the new version only, says
  /// whether the row still qualifies.
  public var recheckAlias: String

  public init(_ kind: Kind, relation: UInt32, alias: String) {
    (self.kind, self.relation, self.alias, recheckAlias) = (kind, relation, alias, alias)
    (updatedColumns, checks, onConflict) = ([], [], nil)
  }
}

public struct NamedCheck: Hashable, Sendable {
  public var name: String
  public var condition: TypedExpression

  public init(_ name: String, _ condition: TypedExpression) { (self.name, self.condition) = (name, condition) }
}

/// What is done with a row whose key is there. Expressions are over the columns of the row that is there, its system
/// columns, and behind them the columns of the row that was to be inserted.
public struct PlannedOnConflict: Hashable, Sendable {
  public var arbiters: [UInt32]
  public var isUpdate: Bool
  public var columns: [Int]
  public var values: [TypedExpression]
  public var condition: TypedExpression?

  public init(arbiters: [UInt32]) {
    (self.arbiters, isUpdate, columns, values, condition) = (arbiters, false, [], [], nil)
  }
}

/// A statement that is ready to be executed: PostgreSQL's `PlannedStmt`. Immutable, and shared by executions.
public final class PlannedStatement: Sendable {
  public let command: Query.Command
  public let plan: Plan
  public let subplans: [Plan]
  /// Queries of WITH that are computed once, by their names.
  public let commonTables: [PlannedCommonTable]
  /// What the result shows of the plan's output: its first columns, as many as there are here.
  public let columns: [TargetEntry]
  /// Whether rows are returned: SELECT, and all with RETURNING.
  public let returnsRows: Bool
  public let executorParameterCount: Int
  /// Relations that it reads or changes, and the strength of lock each needs before it runs.
  public let relations: [PlannedRelation]
  /// Whether it changes nothing: then it may run in a transaction that only reads.
  public let isReadOnly: Bool
  /// How many entries all range tables have together: with more than one EXPLAIN says where columns come from.
  public let rangeTableSize: Int
  /// With which number EXPLAIN shows each subplan, and each of ``commonTables`` the others count, too.
  public let subplanNumbers: [Int]
  /// Whether it looks one row up by a unique key and was planned the short way: with other values it is the same.
  let isLookup: Bool

  public init(
    command: Query.Command, _ plan: Plan, subplans: [Plan], commonTables: [PlannedCommonTable],
    columns: [TargetEntry], returnsRows: Bool, executorParameterCount: Int, relations: [PlannedRelation],
    isReadOnly: Bool, rangeTableSize: Int = 1, subplanNumbers: [Int] = [], isLookup: Bool = false
  ) {
    (self.command, self.plan, self.subplans, self.commonTables) = (command, plan, subplans, commonTables)
    (self.columns, self.returnsRows) = (columns, returnsRows)
    self.executorParameterCount = executorParameterCount
    (self.relations, self.isReadOnly, self.rangeTableSize) = (relations, isReadOnly, rangeTableSize)
    (self.subplanNumbers, self.isLookup) = (subplanNumbers, isLookup)
  }
}

public struct PlannedCommonTable: Sendable {
  public var name: String
  public var plan: Plan

  public init(name: String, _ plan: Plan) { (self.name, self.plan) = (name, plan) }
}

public struct PlannedRelation: Hashable, Sendable {
  public enum Access: Hashable, Sendable { case read, lockRows, write }

  public var relation: UInt32
  public var access: Access

  public init(_ relation: UInt32, _ access: Access) { (self.relation, self.access) = (relation, access) }
}
