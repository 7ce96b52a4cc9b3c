/// SelectStmt: SELECT, VALUES, TABLE, and what UNION, INTERSECT and EXCEPT make of them.
public struct SelectStatement: Equatable, Sendable {
  public var with: WithClause?
  public var body: SelectBody
  public var orderBy: [SortBy]
  public var limit: LimitClause
  public var locking: [LockingClause]
}

public indirect enum SelectBody: Equatable, Sendable {
  case select(SelectBlock)
  /// Each row has at least one expression; whether all have as many is not looked at yet.
  case values([[Expression]])
  case setOperation(SetOperation)
}

/// One SELECT between its keywords.
public struct SelectBlock: Equatable, Sendable {
  public enum Distinct: Equatable, Sendable {
    /// Duplicates stay.
    case no
    case all
    case on([Expression])
  }

  public var distinct: Distinct
  /// SELECT INTO, which is CREATE TABLE AS.
  public var into: IntoClause?
  public var targets: [ResultTarget]
  public var from: [FromItem]
  public var condition: Expression?
  public var groupBy: [GroupingElement]
  /// `GROUP BY DISTINCT`.
  public var isGroupDistinct: Bool
  public var having: Expression?
  public var windows: [WindowDefinition]
}

public struct SetOperation: Equatable, Sendable {
  public enum Operator: Equatable, Sendable { case union, intersect, except }

  public var `operator`: Operator
  public var isAll: Bool
  public var left: SelectStatement
  public var right: SelectStatement
}

public struct LimitClause: Equatable, Sendable {
  public var count: Expression?
  public var offset: Expression?
  /// `FETCH FIRST n ROWS WITH TIES`.
  public var isWithTies: Bool
}

/// ResTarget of SELECT and RETURNING: an expression and the name after AS.
public struct ResultTarget: Equatable, Sendable {
  public var expression: Expression
  public var name: String?
  public var location: Location
}

public indirect enum GroupingElement: Equatable, Sendable {
  case expression(Expression)
  case set(GroupingSet)
}

public struct GroupingSet: Equatable, Sendable {
  public enum Kind: Equatable, Sendable { case empty, rollup, cube, sets }

  public var kind: Kind
  public var content: [GroupingElement]
  public var location: Location
}

/// `FOR UPDATE OF ... NOWAIT`.
public struct LockingClause: Equatable, Sendable {
  public enum Strength: Equatable, Sendable { case keyShare, share, noKeyUpdate, update }
  public enum WaitPolicy: Equatable, Sendable { case block, skip, error }

  /// Empty: all of FROM.
  public var relations: [RangeVariable]
  public var strength: Strength
  public var waitPolicy: WaitPolicy
}

public struct WithClause: Equatable, Sendable {
  public var expressions: [CommonTableExpression]
  public var isRecursive: Bool
  public var location: Location
}

/// CommonTableExpr.
public struct CommonTableExpression: Equatable, Sendable {
  public enum Materialization: Equatable, Sendable { case unspecified, always, never }

  public var name: String
  public var columnNames: [String]
  public var materialization: Materialization
  /// SELECT, INSERT, UPDATE or DELETE.
  public var query: Statement
  public var location: Location
}

/// What stands in FROM.
public indirect enum FromItem: Equatable, Sendable {
  case relation(RangeVariable)
  case subquery(RangeSubselect)
  case function(RangeFunction)
  case join(JoinExpression)
  case sample(RangeTableSample)
}

/// RangeVar: a relation by its name.
public struct RangeVariable: Equatable, Sendable {
  public enum Persistence: Equatable, Sendable { case permanent, unlogged, temporary }

  public var catalog: String?
  public var schema: String?
  public var name: String
  /// False for `ONLY name`.
  public var includesChildren: Bool
  /// Of the relation that CREATE makes; else permanent.
  public var persistence: Persistence
  public var alias: Alias?
  public var location: Location
}

public struct Alias: Equatable, Sendable {
  public var name: String
  public var columnNames: [String]
}

public struct RangeSubselect: Equatable, Sendable {
  public var isLateral: Bool
  public var query: SelectStatement
  /// PostgreSQL 15's grammar refuses one without.
  public var alias: Alias?
}

/// A function in FROM, or several with ROWS FROM.
public struct RangeFunction: Equatable, Sendable {
  public struct Item: Equatable, Sendable {
    /// A function call, or something that is written like one.
    public var function: Expression
    /// `AS (name type, ...)` inside ROWS FROM.
    public var columns: [ColumnDefinition]
  }

  public var isLateral: Bool
  public var withOrdinality: Bool
  public var isRowsFrom: Bool
  public var items: [Item]
  public var alias: Alias?
  /// `AS (name type, ...)`.
  public var columns: [ColumnDefinition]
}

public struct JoinExpression: Equatable, Sendable {
  /// A cross join is an inner one without condition.
  public enum Kind: Equatable, Sendable { case inner, left, full, right }

  public enum Condition: Equatable, Sendable {
    case none
    case natural
    case on(Expression)
    case using([String], alias: String?)
  }

  public var kind: Kind
  public var condition: Condition
  public var left: FromItem
  public var right: FromItem
  public var alias: Alias?
}

/// `TABLESAMPLE method (arguments) REPEATABLE (seed)`.
public struct RangeTableSample: Equatable, Sendable {
  public var relation: RangeVariable
  public var method: [String]
  public var arguments: [Expression]
  public var repeatable: Expression?
  public var location: Location
}
