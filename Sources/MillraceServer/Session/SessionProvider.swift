/// What the server asks for when clients come: their roles, and who executes their statements.
///
/// Called on backend threads; all calls may block.
public protocol SessionProvider: Sendable {
  /// The role of that name; nil where there is none.
  func role(_ name: String, on thread: BackendThread) throws(ErrorReport) -> Role?

  /// Whether any role has a password. As long as none has, the server listens to this machine only.
  func hasPasswords() throws(ErrorReport) -> Bool

  /// - Throws: FATAL: there is no such database, or a setting makes no sense.
  func makeExecutor(
    _ session: SessionInformation, on thread: BackendThread
  ) throws(ErrorReport) -> any StatementExecutor

  /// The executor of a session that speaks the replication commands.
  /// - Throws: FATAL: there is no replication here.
  func makeReplicationExecutor(
    _ session: SessionInformation, _ senders: WALSenderTable, on thread: BackendThread
  ) throws(ErrorReport) -> any StatementExecutor
}
