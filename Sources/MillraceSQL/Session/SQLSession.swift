public import MillraceEngine
import MillraceIO
import MillraceSettings
public import MillraceTypes

/// Who a session belongs to, and how it came.
public struct SessionIdentity: Sendable {
  public var user: String
  public var clientAddress: String?
  /// -1 for a socket in the file system.
  public var clientPort: Int32?
  /// What others know it by; the engine session's own number unless given.
  public var processID: Int32?
  public var applicationName = ""

  public init(user: String) { self.user = user }
}

/// A session that runs SQL: prepared statements and portals, settings, and transaction blocks (PostgreSQL's
/// tcop/postgres.c and access/transam/xact.c), on top of an engine's session.
///
/// ```swift
/// let sql = try SQLSession(session, instance, SessionIdentity(user: "postgres"))
/// try sql.run("create table t (a int); insert into t values (1)", client)
/// ```
///
/// Used by one thread at a time; ``cancel()`` by any. When something throws, ``abort()`` must follow before anything
/// else: it rolls back what was implicit, or fails the transaction block.
public final class SQLSession {
  public let instance: SQLInstance
  /// The engine's session, which is connected to a database.
  public let session: Session
  public let identity: SessionIdentity
  /// Where results and messages go while a call runs.
  var client: (any SQLClient)?
  var sessionSettings: SessionSettings
  /// How values are read and written; kept in step with the settings.
  public internal(set) var typeSettings = TypeSettings()
  let activity: SessionActivity
  /// The role's OID that the session began with.
  let sessionRole: UInt32
  let isSuperuser: Bool

  // Kept in step with the settings.
  var parser = Parser()
  var plannerSettings: PlannerSettings?
  /// Counts how often names have come to be looked up in other schemas.
  var pathGeneration: UInt64 = 0
  let noParameters = TupleSlot(count: 0)
  var minimumNotice = NoticeSeverity.notice
  var defaultIsolation = IsolationLevel.readCommitted
  var isReadOnlyByDefault = false
  /// Whether the transaction was asked for at READ UNCOMMITTED, which is READ COMMITTED by another name.
  var isReadUncommitted = false
  var isReadUncommittedByDefault = false
  var planCacheMode = PlanCacheMode.automatic
  /// What the client has been told of settings that it follows.
  var reported: [String: String] = [:]
  var settingsGeneration: UInt64
  /// Counts how often settings have changed, so that what was made for them can be made anew.
  public internal(set) var settingsVersion: UInt64 = 0
  /// The configuration files' settings as of that.
  var configuration: Settings
  /// Whether notices of settings wait for a client.
  var hasSettingsToReport = false

  // MARK: Transactions
  var block = TransactionBlock.none
  var savepoints: [Savepoint] = []
  /// Statements that have run in the implicit transaction.
  var hasRunStatement = false
  /// Whether the cluster is being made, so that the system's own schema can be added to.
  package var isInitializing = false

  // MARK: Statements
  var statements: [String: PreparedStatement] = [:]
  var portals = PortalTable()
  var knownStatements = KnownStatements()
  var parkedExecutions = ParkedExecutions()
  /// Unnamed statements of the extended protocol that have come of late, by the hash of their text.
  var unnamedStatements: [UInt64: PreparedStatement] = [:]
  /// Microseconds since 2000.
  public internal(set) var statementStart: Int64 = 0
  public let sessionStart: Int64
  let control: SessionControl
  /// Whether the caller is known not to want any statement to run, asked when one begins: what it asked before that,
  /// ``cancel()`` has forgotten by then. Called on the session's thread.
  public var isCallerCancelled: (() -> Bool)?

  /// - Parameters:
  ///   - session: connected to a database, and used by nobody else.
  ///   - startup: settings that the client wants, in its order.
  /// - Throws: there is no such role, or a setting makes no sense.
  public init(
    _ session: Session, _ instance: SQLInstance, _ identity: SessionIdentity,
    startup: [(name: String, value: String)] = []
  ) throws(SQLError) {
    (self.session, self.instance, self.identity) = (session, instance, identity)
    if let processID = identity.processID { session.setProcessID(processID) }
    control = session.control
    (settingsGeneration, configuration) = (instance.settingsGeneration, instance.settings)
    sessionSettings = SessionSettings(configuration)
    sessionStart = Self.now()
    let catalog = session.catalog
    let role = try SQLError.engine { () throws(EngineError) in
      try session.transaction { _ throws(EngineError) in try catalog.requiredRole(named: identity.user) }
    }
    (sessionRole, isSuperuser) = (role.oid, role.isSuperuser)
    catalog.currentUser = role.oid
    activity = SessionActivity(
      processID: session.processID, databaseID: catalog.catalog.databaseID,
      databaseName: catalog.catalog.databaseName, userID: role.oid, userName: identity.user,
      clientAddress: identity.clientAddress, clientPort: identity.clientPort, startTime: sessionStart,
      backend: session.backend.statistics.backend, progress: session.progress)
    activity.setApplicationName(identity.applicationName)
    try setInitial(startup)
    instance.add(activity)
  }

  private func setInitial(_ startup: [(name: String, value: String)]) throws(SQLError) {
    let all = startup + (identity.applicationName.isEmpty ? [] : [("application_name", identity.applicationName)])
    for (name, value) in all {
      let value = try SettingCheck.canonical(name, value)
      do throws(SettingError) {
        try sessionSettings.setInitial(name, to: value, at: settingMoment)
      } catch {
        throw SQLError(error)
      }
    }
    applySettings()
    reported = Dictionary(uniqueKeysWithValues: initialParameters.map { ($0.name, $0.value) })
    hasSettingsToReport = false
  }

  /// Ends it: what is open is rolled back. The engine's session is closed, too.
  public func close() {
    closeAllPortals()
    parkedExecutions.removeAll()
    if session.isInTransaction { try? session.rollback() }
    instance.remove(activity)
    session.close()
  }

  /// Lets the running statement end soon, with SQLSTATE 57014. On any thread, at any time.
  public func cancel() { control.cancel() }

  /// Forgets a ``cancel()`` that came when nothing ran.
  public func clearCancellation() { session.clearCancellation() }

  public var catalog: SessionCatalog { session.catalog }

  /// Microseconds since 2000.
  static func now() -> Int64 {
    DatabaseConfiguration.systemMicroseconds() - 946_684_800 * 1_000_000
  }
}
