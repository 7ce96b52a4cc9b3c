// Transactions, settings, prepared statements, cursors, copies, maintenance.

public struct TransactionStatement: Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    case begin
    case start
    case commit(isChained: Bool)
    case rollback(isChained: Bool)
    case savepoint(String)
    case release(String)
    case rollbackTo(String)
    case prepare(String)
    case commitPrepared(String)
    case rollbackPrepared(String)
  }

  public var kind: Kind
  /// Of BEGIN and START: `transaction_isolation`, `transaction_read_only`, `transaction_deferrable`.
  public var modes: [DefinitionElement]
}

/// SET and RESET.
public struct VariableSetStatement: Equatable, Sendable {
  public enum Action: Equatable, Sendable {
    case value([SettingValue])
    case toDefault
    /// `FROM CURRENT`.
    case fromCurrent
    /// SET TRANSACTION, SET SESSION CHARACTERISTICS.
    case modes([DefinitionElement])
    /// `SET TRANSACTION SNAPSHOT 'id'`.
    case snapshot(String)
    case reset
    case resetAll
  }

  /// In lower case unless it was quoted; `TRANSACTION` or `SESSION CHARACTERISTICS` with modes, and the same with a
  /// snapshot; `nil` for RESET ALL.
  public var name: String?
  public var action: Action
  /// SET LOCAL.
  public var isLocal: Bool
}

public enum SettingValue: Equatable, Sendable {
  case integer(Int32)
  case float(String)
  /// A literal or a word; `true`, `on` and their like are words.
  case string(String)
  /// `SET TIME ZONE INTERVAL '...'`.
  case interval(TypeCast)
}

/// `nil` for SHOW ALL.
public struct VariableShowStatement: Equatable, Sendable {
  /// `all` for SHOW ALL.
  public var name: String
}

public struct AlterSystemStatement: Equatable, Sendable {
  public var set: VariableSetStatement
}

public enum DiscardTarget: Equatable, Sendable { case all, plans, sequences, temporary }

/// SET CONSTRAINTS.
public struct ConstraintsSetStatement: Equatable, Sendable {
  /// Empty for ALL.
  public var constraints: [RangeVariable]
  public var isDeferred: Bool
}

public struct LockStatement: Equatable, Sendable {
  /// With PostgreSQL's numbers (storage/lockdefs.h).
  public enum Mode: Int32, Equatable, Sendable {
    case accessShare = 1
    case rowShare, rowExclusive, shareUpdateExclusive, share, shareRowExclusive, exclusive, accessExclusive
  }

  public var relations: [RangeVariable]
  public var mode: Mode
  public var noWait: Bool
}

public struct PrepareStatement: Equatable, Sendable {
  public var name: String
  public var argumentTypes: [TypeName]
  public var query: Statement
}

public struct ExecuteStatement: Equatable, Sendable {
  public var name: String
  public var arguments: [Expression]
}

/// DEALLOCATE.
public struct DeallocateStatement: Equatable, Sendable {
  /// `nil` for ALL.
  public var name: String?
}

public struct DeclareCursorStatement: Equatable, Sendable {
  public struct Options: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let binary = Options(rawValue: 1)
    public static let scroll = Options(rawValue: 2)
    public static let noScroll = Options(rawValue: 4)
    public static let insensitive = Options(rawValue: 8)
    public static let asensitive = Options(rawValue: 16)
    public static let hold = Options(rawValue: 32)
    static let known: Options = [.binary, .scroll, .noScroll, .insensitive, .asensitive, .hold]
    /// Set by the grammar for every cursor, and meant for the planner.
    static let fastPlan = Options(rawValue: 256)
  }

  public var name: String
  public var options: Options
  public var query: SelectStatement
}

/// FETCH and MOVE.
public struct FetchStatement: Equatable, Sendable {
  public enum Direction: Equatable, Sendable { case forward, backward, absolute, relative }

  public var direction: Direction
  /// `Int64.max` for ALL.
  public var count: Int64
  public var cursor: String
  public var isMove: Bool
}

/// CLOSE.
public struct CloseStatement: Equatable, Sendable {
  /// `nil` for ALL.
  public var cursor: String?
}

public struct CopyStatement: Equatable, Sendable {
  public enum Source: Equatable, Sendable {
    case relation(RangeVariable, columns: [String])
    /// SELECT, or INSERT, UPDATE or DELETE with RETURNING.
    case query(Statement)
  }

  public var source: Source
  /// COPY FROM.
  public var isFrom: Bool
  public var isProgram: Bool
  /// `nil` for STDIN or STDOUT.
  public var fileName: String?
  /// The old syntax without parentheses gives the same ones.
  public var options: [DefinitionElement]
  public var condition: Expression?
}

public struct ExplainStatement: Equatable, Sendable {
  public var query: Statement
  public var options: [DefinitionElement]
}

/// VACUUM and ANALYZE.
public struct VacuumStatement: Equatable, Sendable {
  public struct Relation: Equatable, Sendable {
    public var relation: RangeVariable
    public var columns: [String]
  }

  /// False for ANALYZE.
  public var isVacuum: Bool
  public var options: [DefinitionElement]
  /// Empty: all relations.
  public var relations: [Relation]
}
