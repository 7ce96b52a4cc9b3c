import Logging
import MillraceIO
import MillraceStorage
import MillraceSettings
import NIOCore
import NIOSSL
import Synchronization

/// What all sessions of a server share: threads, rules, limits, who is connected.
final class SessionServices: Sendable {
  let pool = BackendPool()
  let watcher = SocketWatcher()
  let provider: any SessionProvider
  let messageLimits: MessageLimits
  let senders: WALSenderTable
  private let configuration: ServerConfiguration
  private let logger: Logger
  private let state: Locked<State>
  private let serial = Atomic<UInt32>(0)
  private let sessionEnds = OwnedEventCount()

  /// Resumed when there are no sessions any more, or none that stream WAL not.
  private struct Waiter {
    let ignoresSenders: Bool
    let continuation: CheckedContinuation<Void, Never>
  }

  private struct State {
    var sessions: [UInt32: ClientSession] = [:]
    /// Connections, those included that are no sessions yet.
    var connections = 0
    /// Why nobody is let in; nil where they are.
    var refusal: ErrorReport?
    var timeouts: SessionTimeouts
    var rules: HBAFile
    var tls: NIOSSLContext?
    var waiters: [Waiter] = []
  }

  init(
    _ configuration: ServerConfiguration, _ provider: any SessionProvider, _ files: ServerFiles
  ) {
    (self.configuration, self.provider) = (configuration, provider)
    (messageLimits, logger) = (configuration.messageLimits, configuration.logger)
    senders = WALSenderTable(max: configuration.settings[.maxWALSenders])
    state = Locked(
      State(timeouts: SessionTimeouts(configuration.settings), rules: files.rules, tls: files.tls))
  }

  var settings: Settings { configuration.settings }
  var timeouts: SessionTimeouts { state.withLock { $0.timeouts } }
  var tls: NIOSSLContext? { state.withLock { $0.tls } }

  /// Takes new rules, certificates and times. Who is connected stays.
  func reload(_ settings: Settings, _ files: ServerFiles) {
    state.withLock { state in
      (state.timeouts, state.rules, state.tls) = (SessionTimeouts(settings), files.rules, files.tls)
    }
  }

  // MARK: The log

  func log(_ report: ErrorReport) { ServerLog(logger).log(report) }

  func note(_ message: String) { ServerLog(logger).log(ErrorReport(.log, .successfulCompletion, message)) }

  // MARK: Connections

  func connectionHasBegun() { state.withLock { $0.connections += 1 } }

  func connectionHasEnded() { state.withLock { $0.connections -= 1 } }

  /// Whether there are so many that not even a refusal can be afforded for another one.
  var isFlooded: Bool {
    let limit = 2 * (settings[.maxConnections] + settings[.maxWALSenders])
    return state.withLock { $0.connections > limit }
  }

  func makeSession(
    _ connection: Connection, _ parameters: StartupParameters, _ address: ClientAddress, isEncrypted: Bool
  ) throws(ErrorReport) -> ClientSession {
    let secret = Secrets.bytes(parameters.version.cancelKeyLength)
    return try state.withLock { state throws(ErrorReport) in
      if let refusal = state.refusal { throw refusal }
      let isSender = parameters.replication != .none
      let count = state.sessions.values.count { ($0.startup.parameters.replication != .none) == isSender }
      if isSender {
        guard count < settings[.maxWALSenders] else {
          throw ErrorReport(
            .fatal, .tooManyConnections,
            "number of requested standby connections exceeds \"max_wal_senders\" (currently"
              + " \(settings[.maxWALSenders]))")
        }
      } else if count >= settings[.maxConnections] {
        throw ErrorReport(.fatal, .tooManyConnections, "sorry, too many clients already")
      }
      let startup = SessionStartup(
        parameters: parameters, address: address, isEncrypted: isEncrypted, processID: nextProcessID(state.sessions),
        secret: secret)
      let session = ClientSession(connection, startup, self)
      state.sessions[startup.processID] = session
      return session
    }
  }

  private func nextProcessID(_ sessions: [UInt32: ClientSession]) -> UInt32 {
    while true {
      let candidate = serial.wrappingAdd(1, ordering: .relaxed).newValue & 0x7FFF_FFFF
      if candidate != 0, sessions[candidate] == nil { return candidate }
    }
  }

  func sessionHasEnded(_ session: ClientSession) {
    let due = state.withLock { state in
      state.sessions[session.startup.processID] = nil
      let waiters = state.waiters
      state.waiters = waiters.filter { !Self.isOver(state, ignoresSenders: $0.ignoresSenders) }
      return waiters.filter { Self.isOver(state, ignoresSenders: $0.ignoresSenders) }
    }
    for waiter in due { waiter.continuation.resume() }
    sessionEnds.event.signalAll()
  }

  /// Waits, on the calling thread, until all sessions have ended.
  func waitForAll() {
    while true {
      let ticket = sessionEnds.event.prepare()
      if sessionCount == 0 { return }
      sessionEnds.event.sleep(ticket)
    }
  }

  private static func isOver(_ state: State, ignoresSenders: Bool) -> Bool {
    state.sessions.values.allSatisfy { ignoresSenders && $0.startup.parameters.replication != .none }
  }

  var sessionCount: Int { state.withLock { $0.sessions.count } }

  // MARK: Letting in

  static let authenticationTimeout = ErrorReport(
    .fatal, .queryCanceled, "canceling authentication due to timeout")

  func authentication(for startup: SessionStartup, _ thread: BackendThread) throws(ErrorReport) -> Authentication {
    let role = try provider.role(startup.parameters.user, on: thread)
    let rules = state.withLock { $0.rules }
    let rule = rules.rule(for: startup, role: role, machine: .system())
    return Authentication(
      startup, rule: rule, role: role, mockSecret: configuration.mockAuthenticationNonce, now: configuration.clock())
  }

  /// The client has proved who it is: checks what its role may, and makes its executor.
  func makeExecutor(
    _ session: ClientSession, _ thread: BackendThread
  ) throws(ErrorReport) -> (any StatementExecutor, Role) {
    let startup = session.startup
    let parameters = startup.parameters
    guard let role = try provider.role(parameters.user, on: thread) else {
      throw ErrorReport(.fatal, .invalidAuthorization, "role \"\(parameters.user)\" does not exist")
    }
    guard role.canLogIn else {
      throw ErrorReport(.fatal, .invalidAuthorization, "role \"\(role.name)\" is not permitted to log in")
    }
    if parameters.replication == .none { try checkRoom(for: role) }
    let (optionSettings, settings) = (try StartupOptions.parse(parameters.options), parameters.settings)
    let information = SessionInformation(
      role: role, database: parameters.database, processID: startup.processID, address: startup.address,
      isEncrypted: startup.isEncrypted, settings: optionSettings + settings.filter { $0.name != "application_name" },
      applicationName: StartupOptions.printable(settings.last { $0.name == "application_name" }?.value ?? ""))
    if parameters.replication == .none { return (try provider.makeExecutor(information, on: thread), role) }
    guard role.canReplicate || role.isSuperuser else {
      throw ErrorReport(
        .fatal, .insufficientPrivilege, "permission denied to start WAL sender",
        detail: "Only roles with the REPLICATION attribute may start a WAL sender process.")
    }
    return (try provider.makeReplicationExecutor(information, senders, on: thread), role)
  }

  /// The last places are for those who can help.
  private func checkRoom(for role: Role) throws(ErrorReport) {
    let known = state.withLock { state in
      state.sessions.values.filter { $0.startup.parameters.replication == .none }.map { $0.startup.parameters.user }
    }
    let free = settings[.maxConnections] - known.count
    let forSuperusers = settings[.superuserReservedConnections]
    if !role.isSuperuser, free < forSuperusers {
      throw ErrorReport(
        .fatal, .tooManyConnections, "remaining connection slots are reserved for roles with the SUPERUSER attribute")
    }
    if !role.isSuperuser, !role.memberOf.contains("pg_use_reserved_connections"),
      free < forSuperusers + settings[.reservedConnections]
    {
      throw ErrorReport(
        .fatal, .tooManyConnections,
        "remaining connection slots are reserved for roles with privileges of the"
          + " \"pg_use_reserved_connections\" role")
    }
    if role.connectionLimit >= 0, !role.isSuperuser, known.count(where: { $0 == role.name }) > role.connectionLimit {
      throw ErrorReport(.fatal, .tooManyConnections, "too many connections for role \"\(role.name)\"")
    }
  }

  // MARK: Idle sessions

  /// Begins to count the time for which a session is idle.
  func sessionIsIdle(_ session: ClientSession) -> Scheduled<Void>? {
    let limit = timeouts.idleSession
    guard limit > 0, session.startup.parameters.replication == .none else { return nil }
    let connection = session.connection
    let takenCount = connection.takenCount
    return connection.channel.eventLoop.scheduleTask(in: .nanoseconds(limit)) {
      connection.terminate(
        ErrorReport(.fatal, .idleSessionTimeout, "terminating connection due to idle-session timeout"),
        ifIdleSince: takenCount)
    }
  }

  // MARK: Cancelling and ending

  /// Somebody wants a session's statement cancelled; nothing is answered, whether he may or not.
  func cancel(processID: UInt32, secret: [UInt8]) {
    guard let session = state.withLock({ $0.sessions[processID] }) else {
      return note("PID \(processID) in cancel request did not match any process")
    }
    guard Secrets.areEqual(session.startup.secret, secret) else {
      return note("wrong key in cancel request for process \(processID)")
    }
    session.cancel()
  }

  /// The client of a session is gone, which its thread does not notice before it has something to say.
  func clientIsLost(_ session: ClientSession) {
    if timeouts.endsWithClient { session.cancel() }
  }

  /// Lets nobody in any more.
  func refuse(_ report: ErrorReport?) { state.withLock { $0.refusal = report } }

  func terminateAll(_ report: ErrorReport, where condition: (ClientSession) -> Bool = { _ in true }) {
    let sessions = state.withLock { Array($0.sessions.values) }
    for session in sessions where condition(session) { session.terminate(report) }
  }

  /// Ends one session. - Returns: whether it was there.
  func terminate(processID: UInt32, _ report: ErrorReport) -> Bool {
    guard let session = state.withLock({ $0.sessions[processID] }) else { return false }
    session.terminate(report)
    return true
  }

  /// Waits until all sessions have ended.
  /// - Parameter ignoresSenders: those need not end.
  func waitForSessions(ignoresSenders: Bool) async {
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        if Self.isOver(state, ignoresSenders: ignoresSenders) { return true }
        state.waiters.append(Waiter(ignoresSenders: ignoresSenders, continuation: continuation))
        return false
      }
      if isOver { continuation.resume() }
    }
  }
}
