// INSERT, UPDATE, DELETE.

public struct InsertStatement: Equatable, Sendable {
  public enum Overriding: Equatable, Sendable { case unspecified, userValue, systemValue }

  public var with: WithClause?
  public var relation: RangeVariable
  /// Empty: all columns, or as many as there are values.
  public var columns: [InsertColumn]
  public var overriding: Overriding
  /// `nil` for DEFAULT VALUES.
  public var source: SelectStatement?
  public var onConflict: OnConflictClause?
  public var returning: [ResultTarget]
}

/// A column that INSERT names, or an element or field of one.
public struct InsertColumn: Equatable, Sendable {
  public var name: String
  public var indirection: [IndirectionElement]
  public var location: Location
}

public struct OnConflictClause: Equatable, Sendable {
  public enum Action: Equatable, Sendable {
    case nothing
    case update([SetClause], condition: Expression?)
  }

  public var target: ConflictTarget?
  public var action: Action
  public var location: Location
}

/// InferClause: which unique index is meant.
public enum ConflictTarget: Equatable, Sendable {
  case constraint(String, Location)
  case columns([IndexElement], condition: Expression?, Location)
}

/// One assignment of SET.
public enum SetClause: Equatable, Sendable {
  case single(SetTarget, Expression)
  /// `(a, b) = source`: a row or a query.
  case multiple([SetTarget], Expression)
}

public struct SetTarget: Equatable, Sendable {
  public var name: String
  public var indirection: [IndirectionElement]
  public var location: Location
}

public struct UpdateStatement: Equatable, Sendable {
  public var with: WithClause?
  public var relation: RangeVariable
  public var assignments: [SetClause]
  public var from: [FromItem]
  public var condition: Expression?
  public var returning: [ResultTarget]
}

public struct DeleteStatement: Equatable, Sendable {
  public var with: WithClause?
  public var relation: RangeVariable
  public var using: [FromItem]
  public var condition: Expression?
  public var returning: [ResultTarget]
}
