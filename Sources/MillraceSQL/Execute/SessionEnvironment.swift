public import MillraceSettings

/// What functions and statements ask of the session they run in, besides the database: settings, names, notices.
/// Called by the session's thread.
public protocol SessionEnvironment: AnyObject {
  /// `session_user` and `current_user`.
  var sessionUser: String { get }
  var currentUser: String { get }
  var databaseName: String { get }
  /// `inet_client_addr()`; nil for a socket in the file system.
  var clientAddress: String? { get }
  var processID: Int32 { get }
  /// When the session and its statement began: microseconds since 2000.
  var sessionStart: Int64 { get }
  var statementStart: Int64 { get }
  /// When the server, or what takes its place, began.
  var serverStart: Int64 { get }
  /// A setting as SHOW shows it; nil where there is none of that name.
  func setting(_ name: String) -> String?
  /// The values of all settings for this session.
  var settings: Settings { get }
  /// SET and `set_config`.
  func set(_ name: String, to value: String, isLocal: Bool) throws(SQLError)
  /// A message to the client: `NOTICE`, `WARNING`, `INFO`.
  func notice(_ severity: String, _ message: SQLError)
  /// The rows of a view that shows the server's state (`pg_stat_activity` and the like); nil where there is none of
  /// that name. Each value is its text, nil for NULL.
  func statusRows(_ view: String) throws(SQLError) -> [[String?]]?
  /// `pg_reload_conf()`: has the configuration files read again. - Returns: whether somebody could be asked.
  func reloadConfiguration() -> Bool
  /// `pg_terminate_backend()`: ends a session. - Returns: whether it was there.
  func terminate(processID: Int32) -> Bool
}

extension SessionEnvironment {
  /// Where there is nothing else, what everybody has who sets nothing.
  public var settings: Settings { Settings() }
  public var serverStart: Int64 { sessionStart }
  public func reloadConfiguration() -> Bool { false }
  public func terminate(processID: Int32) -> Bool { false }
}
