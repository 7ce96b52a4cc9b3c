// What several statements that define something are made of.

/// DefElem: an option by its name, as `fillfactor = 70` in WITH, `FORMAT csv` in COPY, `MAXVALUE 9` of a sequence.
/// Names are in lower case unless they were quoted; which are legal is for the statement to say.
public struct DefinitionElement: Equatable, Sendable {
  public indirect enum Value: Equatable, Sendable {
    case integer(Int32)
    case float(String)
    case boolean(Bool)
    case string(String)
    /// A word that is no string literal: `FORMAT csv` has a string, `storage = plain` a type's name, as PostgreSQL's
    /// grammar has it.
    case typeName(TypeName)
    case star
    case role(RoleSpecification)
    /// Also a name with its schema, and an operator.
    case list([Value])
  }

  /// `toast` in `toast.autovacuum_enabled`.
  public var namespace: String?
  public var name: String
  public var value: Value?
  public var location: Location
}

public enum DropBehavior: Equatable, Sendable { case restrict, cascade }

/// RoleSpec.
public struct RoleSpecification: Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    case name(String)
    case currentRole, currentUser, sessionUser, isPublic
  }

  public var kind: Kind
  public var location: Location
}

/// IndexElem: a column of an index, or an expression.
public struct IndexElement: Equatable, Sendable {
  public enum Key: Equatable, Sendable {
    case column(String)
    case expression(Expression)
  }

  public enum Ordering: Equatable, Sendable { case unspecified, ascending, descending }

  public var key: Key
  public var collation: [String]
  public var operatorClass: [String]
  public var operatorClassOptions: [DefinitionElement]
  public var ordering: Ordering
  public var nulls: SortBy.Nulls
}

public struct ColumnDefinition: Equatable, Sendable {
  public var name: String
  public var type: TypeName
  public var compression: String?
  public var collation: [String]
  /// In the order in which they were written; `DEFERRABLE` and its like follow what they are about.
  public var constraints: [Constraint]
  public var location: Location
}

public struct Constraint: Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    case null
    case notNull
    case `default`(Expression)
    case identity(isAlways: Bool, options: [DefinitionElement])
    /// `GENERATED ALWAYS AS (expression) STORED`.
    case generated(Expression)
    case check(Expression)
    case primaryKey(IndexConstraint)
    case unique(IndexConstraint, nullsNotDistinct: Bool)
    case foreignKey(ForeignKey)
    // Behind a column's constraint they are entries of their own.
    case deferrable
    case notDeferrable
    case initiallyDeferred
    case initiallyImmediate
  }

  public var name: String?
  public var kind: Kind
  // Of a table's constraint.
  public var isDeferrable: Bool
  public var isInitiallyDeferred: Bool
  public var isNotValid: Bool
  public var isNoInherit: Bool
  public var location: Location
}

/// What PRIMARY KEY and UNIQUE say about their index.
public struct IndexConstraint: Equatable, Sendable {
  /// Empty for a column's constraint, and where `indexName` is there.
  public var columns: [String]
  public var including: [String]
  public var options: [DefinitionElement]
  /// `USING INDEX name`.
  public var indexName: String?
  public var tablespace: String?
}

public struct ForeignKey: Equatable, Sendable {
  public enum Match: Equatable, Sendable { case full, partial, simple }
  public enum Action: Equatable, Sendable { case noAction, restrict, cascade, setNull, setDefault }

  /// Empty for a column's constraint.
  public var columns: [String]
  public var table: RangeVariable
  public var referencedColumns: [String]
  public var match: Match
  public var onUpdate: Action
  public var onDelete: Action
  /// `ON DELETE SET NULL (columns)`.
  public var onDeleteColumns: [String]
}
