// Statements that make and change tables, indexes, sequences and views.

/// CreateStmt: CREATE TABLE. Whether it is temporary or unlogged is in the relation.
public struct CreateTableStatement: Equatable, Sendable {
  public var relation: RangeVariable
  public var elements: [TableElement]
  public var inherits: [RangeVariable]
  public var options: [DefinitionElement]
  public var onCommit: OnCommitAction
  public var tablespace: String?
  public var accessMethod: String?
  public var ifNotExists: Bool
}

public enum TableElement: Equatable, Sendable {
  case column(ColumnDefinition)
  case constraint(Constraint)
  case like(TableLikeClause)
}

public struct TableLikeClause: Equatable, Sendable {
  public struct Options: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let comments = Options(rawValue: 1 << 0)
    public static let compression = Options(rawValue: 1 << 1)
    public static let constraints = Options(rawValue: 1 << 2)
    public static let defaults = Options(rawValue: 1 << 3)
    public static let generated = Options(rawValue: 1 << 4)
    public static let identity = Options(rawValue: 1 << 5)
    public static let indexes = Options(rawValue: 1 << 6)
    public static let statistics = Options(rawValue: 1 << 7)
    public static let storage = Options(rawValue: 1 << 8)
    public static let all = Options(rawValue: (1 << 9) - 1)
  }

  public var relation: RangeVariable
  public var options: Options
}

public enum OnCommitAction: Equatable, Sendable { case unspecified, preserveRows, deleteRows, drop }

/// AlterTableStmt: ALTER TABLE, and what ALTER INDEX, SEQUENCE and VIEW share with it.
public struct AlterTableStatement: Equatable, Sendable {
  public enum Kind: Equatable, Sendable { case table, index, sequence, view }

  public var kind: Kind
  public var relation: RangeVariable
  public var commands: [AlterTableCommand]
  public var ifExists: Bool
}

public enum AlterTableCommand: Equatable, Sendable {
  case addColumn(ColumnDefinition, ifNotExists: Bool)
  case dropColumn(String, DropBehavior, ifExists: Bool)
  /// `nil` drops the default.
  case setDefault(String, Expression?)
  case setNotNull(String)
  case dropNotNull(String)
  case dropExpression(String, ifExists: Bool)
  case alterType(String, TypeName, collation: [String], using: Expression?)
  case setStatistics(AttributeReference, Int32)
  case setColumnOptions(String, [DefinitionElement])
  case resetColumnOptions(String, [DefinitionElement])
  case setStorage(String, String)
  case setCompression(String, String)
  case addIdentity(String, isAlways: Bool, options: [DefinitionElement])
  /// `generated` is the character code of `a` (ALWAYS) or `d` (BY DEFAULT); the others are options of the sequence.
  case setIdentity(String, [DefinitionElement])
  case dropIdentity(String, ifExists: Bool)
  case addConstraint(Constraint)
  case alterConstraint(String, isDeferrable: Bool, isInitiallyDeferred: Bool)
  case validateConstraint(String)
  case dropConstraint(String, DropBehavior, ifExists: Bool)
  case setOptions([DefinitionElement])
  case resetOptions([DefinitionElement])
  case setLogged
  case setUnlogged
  case setTablespace(String)
  case setAccessMethod(String)
  case changeOwner(RoleSpecification)
}

/// A column by its name, or one of an index by its number.
public enum AttributeReference: Equatable, Sendable {
  case name(String)
  case number(Int16)
}

/// IndexStmt: CREATE INDEX.
public struct CreateIndexStatement: Equatable, Sendable {
  public var name: String?
  public var relation: RangeVariable
  public var accessMethod: String
  public var elements: [IndexElement]
  public var including: [IndexElement]
  public var options: [DefinitionElement]
  public var condition: Expression?
  public var tablespace: String?
  public var isUnique: Bool
  public var nullsNotDistinct: Bool
  public var isConcurrent: Bool
  public var ifNotExists: Bool
}

public struct CreateSequenceStatement: Equatable, Sendable {
  public var sequence: RangeVariable
  public var options: [DefinitionElement]
  public var ifNotExists: Bool
}

public struct AlterSequenceStatement: Equatable, Sendable {
  public var sequence: RangeVariable
  public var options: [DefinitionElement]
  public var ifExists: Bool
}

/// ViewStmt. CREATE RECURSIVE VIEW is one over a recursive WITH already.
public struct CreateViewStatement: Equatable, Sendable {
  public enum CheckOption: Equatable, Sendable { case none, local, cascaded }

  public var view: RangeVariable
  public var columnNames: [String]
  public var query: SelectStatement
  public var orReplace: Bool
  public var options: [DefinitionElement]
  public var checkOption: CheckOption
}

/// CREATE TABLE AS.
public struct CreateTableAsStatement: Equatable, Sendable {
  /// SELECT or EXECUTE.
  public var query: Statement
  public var into: IntoClause
  public var ifNotExists: Bool
}

/// The table that a query's rows go to.
public struct IntoClause: Equatable, Sendable {
  public var relation: RangeVariable
  public var columnNames: [String]
  public var accessMethod: String?
  public var options: [DefinitionElement]
  public var onCommit: OnCommitAction
  public var tablespace: String?
  /// `WITH NO DATA`.
  public var skipsData: Bool
}

public struct DropStatement: Equatable, Sendable {
  public enum Kind: Equatable, Sendable { case table, sequence, view, index, schema }

  public var kind: Kind
  /// Each with its schema, where one was written.
  public var names: [[String]]
  public var behavior: DropBehavior
  public var ifExists: Bool
  public var isConcurrent: Bool
}

public struct TruncateStatement: Equatable, Sendable {
  public var relations: [RangeVariable]
  public var restartsIdentity: Bool
  public var behavior: DropBehavior
}

/// RenameStmt: `ALTER ... RENAME`.
public struct RenameStatement: Equatable, Sendable {
  public enum Target: Equatable, Sendable {
    case relation(AlterTableStatement.Kind, RangeVariable)
    case column(AlterTableStatement.Kind, RangeVariable, String, DropBehavior)
    case constraint(RangeVariable, String)
    case schema(String)
    case database(String)
    case role(String)
  }

  public var target: Target
  public var newName: String
  public var ifExists: Bool
}

/// AlterObjectSchemaStmt: `ALTER ... SET SCHEMA`.
public struct SetSchemaStatement: Equatable, Sendable {
  public var kind: AlterTableStatement.Kind
  public var relation: RangeVariable
  public var schema: String
  public var ifExists: Bool
}

public struct CommentStatement: Equatable, Sendable {
  public enum Target: Equatable, Sendable {
    case table([String]), index([String]), sequence([String]), view([String])
    case column([String])
    case constraint(String, table: [String])
    case schema(String), database(String), role(String), tablespace(String)
    case type(TypeName)
  }

  public var target: Target
  /// `nil` removes the comment.
  public var comment: String?
}

public struct ReindexStatement: Equatable, Sendable {
  public enum Target: Equatable, Sendable {
    case index(RangeVariable), table(RangeVariable)
    case schema(String), system(String), database(String)
  }

  public var target: Target
  public var options: [DefinitionElement]
}
