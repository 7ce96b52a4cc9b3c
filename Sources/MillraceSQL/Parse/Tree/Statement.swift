/// A statement, as the grammar makes it.
public indirect enum Statement: Equatable, Sendable {
  case select(SelectStatement)
  case insert(InsertStatement)
  case update(UpdateStatement)
  case delete(DeleteStatement)

  case createTable(CreateTableStatement)
  case alterTable(AlterTableStatement)
  case createIndex(CreateIndexStatement)
  case createSequence(CreateSequenceStatement)
  case alterSequence(AlterSequenceStatement)
  case createView(CreateViewStatement)
  case createTableAs(CreateTableAsStatement)
  case drop(DropStatement)
  case truncate(TruncateStatement)
  case rename(RenameStatement)
  case setSchema(SetSchemaStatement)
  case comment(CommentStatement)
  case reindex(ReindexStatement)

  case createSchema(CreateSchemaStatement)
  case createDatabase(CreateDatabaseStatement)
  case alterDatabase(AlterDatabaseStatement)
  case alterDatabaseSet(AlterDatabaseSetStatement)
  case dropDatabase(DropDatabaseStatement)
  case alterOwner(AlterOwnerStatement)
  case grant(GrantStatement)
  case grantRole(GrantRoleStatement)
  case createRole(CreateRoleStatement)
  case alterRole(AlterRoleStatement)
  case alterRoleSet(AlterRoleSetStatement)
  case dropRole(DropRoleStatement)

  case transaction(TransactionStatement)
  case set(VariableSetStatement)
  case show(VariableShowStatement)
  case alterSystem(AlterSystemStatement)
  case discard(DiscardTarget)
  case setConstraints(ConstraintsSetStatement)
  case lock(LockStatement)
  case prepare(PrepareStatement)
  case execute(ExecuteStatement)
  case deallocate(DeallocateStatement)
  case declareCursor(DeclareCursorStatement)
  case fetch(FetchStatement)
  case close(CloseStatement)
  case copy(CopyStatement)
  case explain(ExplainStatement)
  case vacuum(VacuumStatement)
  case checkpoint
  /// `nil` for all channels.
  case unlisten(channel: String?)
}

/// One statement of a string, and where it stands in it.
public struct RawStatement: Equatable, Sendable {
  public var statement: Statement
  /// The first byte of it; white space and comments before it belong to it.
  public var location: Int
  /// In bytes, without the semicolon.
  public var length: Int
}
