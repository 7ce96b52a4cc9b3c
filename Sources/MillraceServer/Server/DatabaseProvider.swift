public import MillraceEngine

/// Serves a database: its roles, its settings and checkpoints, and its log to those who replicate it.
public final class DatabaseProvider: SessionProvider {
  private let database: Database
  private let roles: RoleFile

  public init(_ database: Database, _ roles: RoleFile) { (self.database, self.roles) = (database, roles) }

  public func role(_ name: String, on thread: BackendThread) throws(ErrorReport) -> Role? { roles[name] }

  public func hasPasswords() throws(ErrorReport) -> Bool { roles.hasPasswords }

  public func makeExecutor(
    _ session: SessionInformation, on thread: BackendThread
  ) throws(ErrorReport) -> any StatementExecutor {
    try ControlExecutor(database, session)
  }

  public func makeReplicationExecutor(
    _ session: SessionInformation, _ senders: WALSenderTable, on thread: BackendThread
  ) throws(ErrorReport) -> any StatementExecutor {
    try ReplicationExecutor(database, session, senders)
  }
}
