public import MillraceEngine
public import MillraceSQL

/// Serves a database: its roles, SQL, and its log to those who replicate it.
public final class DatabaseProvider: SessionProvider {
  private let database: Database
  public let instance: SQLInstance
  public init(_ database: Database) {
    self.database = database
    instance = SQLInstance(
      database,
      passwordVerifier: { ScramVerifier(password: $0, iterations: $1).description })
  }

  // MARK: Roles

  /// Calls `body` in a transaction of its own: who asks has no session yet.
  private func look<Result>(
    _ body: (SessionCatalog) throws(EngineError) -> Result
  ) throws(ErrorReport) -> Result {
    do throws(EngineError) {
      let session = try database.makeSession("authentication")
      defer { session.close() }
      try session.connect(to: "template1")
      return try session.transaction { session throws(EngineError) in try body(session.catalog) }
    } catch {
      throw ErrorReport(SQLError(error), .fatal)
    }
  }

  public func role(_ name: String, on thread: BackendThread) throws(ErrorReport) -> Role? {
    try look { catalog throws(EngineError) in
      guard let entry = try catalog.role(named: name) else { return nil }
      return Role(entry, memberOf: try catalog.roleNames(of: entry.oid))
    }
  }

  public func hasPasswords() throws(ErrorReport) -> Bool {
    try look { catalog throws(EngineError) in
      try catalog.rows(CatalogColumns.Role.self).contains { !$0[.rolpassword].isNull }
    }
  }

  // MARK: Executors

  public func makeExecutor(
    _ session: SessionInformation, on thread: BackendThread
  ) throws(ErrorReport) -> any StatementExecutor {
    let engine: Session
    do throws(EngineError) {
      engine = try database.makeSession("session \(session.processID)")
    } catch {
      throw ErrorReport(SQLError(error), .fatal)
    }
    do throws(SQLError) {
      return SQLExecutor(try makeSession(engine, session))
    } catch {
      engine.close()
      throw ErrorReport(error, .fatal)
    }
  }

  private func makeSession(
    _ engine: Session, _ information: SessionInformation
  ) throws(SQLError) -> SQLSession {
    do throws(EngineError) { try engine.connect(to: information.database) } catch { throw SQLError(error) }
    var identity = SessionIdentity(user: information.role.name)
    identity.processID = Int32(bitPattern: information.processID)
    identity.applicationName = information.applicationName
    identity.clientPort = -1
    if case .network(let address, let port) = information.address {
      (identity.clientAddress, identity.clientPort) = ("\(address)", Int32(port))
    }
    return try SQLSession(engine, instance, identity, startup: information.settings)
  }

  public func makeReplicationExecutor(
    _ session: SessionInformation, _ senders: WALSenderTable, on thread: BackendThread
  ) throws(ErrorReport) -> any StatementExecutor {
    instance.setReplicas { senders.all.map { ReplicaStatus($0) } }
    return try ReplicationExecutor(database, session, senders)
  }
}

extension ReplicaStatus {
  init(_ sender: WALSenderStatus) {
    self.init(
      processID: Int32(bitPattern: sender.processID), userName: sender.roleName,
      applicationName: sender.applicationName, startTime: sender.startTime, state: sender.state.rawValue)
    clientPort = -1
    if case .network(let address, let port) = sender.address {
      (clientAddress, clientPort) = ("\(address)", Int32(port))
    }
    (sent, written, flushed, applied) = (sender.sent, sender.written, sender.flushed, sender.applied)
    (writeLag, flushLag, applyLag) = (sender.writeLag, sender.flushLag, sender.applyLag)
    replyTime = sender.replyTime
  }
}

extension Role {
  /// What a row of `pg_authid` says.
  init(_ entry: RoleEntry, memberOf: Set<String>) {
    self.init(
      name: entry.name, isSuperuser: entry.isSuperuser, canLogIn: entry.canLogin,
      canReplicate: entry.canReplicate || entry.isSuperuser, connectionLimit: Int(entry.connectionLimit),
      password: entry.passwordVerifier, memberOf: memberOf)
    // Microseconds since 2000 to seconds since 1970.
    passwordValidUntil = entry.validUntil.flatMap { $0 == .max ? nil : $0 / 1_000_000 + 946_684_800 }
  }
}
