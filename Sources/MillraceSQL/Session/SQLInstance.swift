public import MillraceEngine
public import MillraceSettings
import Synchronization
import MillraceIO

/// What all SQL sessions of an open cluster share: who they are and what they do, and what the configuration files say
/// now. Any thread may use it.
public final class SQLInstance: Sendable {
  public let database: Database
  /// Microseconds since 2000, when it was made.
  public let startTime: Int64
  /// Makes of a password what is kept of it, so many iterations; nil where passwords cannot be set.
  let passwordVerifier: (@Sendable (String, Int) -> String)?
  private let state: Locked<State>
  private let generation = Atomic<UInt64>(1)

  private struct State {
    var settings: Settings
    var sessions: [Int32: SessionActivity] = [:]
    /// Reads the files again: what `pg_reload_conf()` asks for.
    var onReload: (@Sendable () -> Bool)?
    var onTerminate: (@Sendable (Int32) -> Bool)?
    /// Who is sent the log.
    var replicas: (@Sendable () -> [ReplicaStatus])?
  }

  public init(_ database: Database, passwordVerifier: (@Sendable (String, Int) -> String)? = nil) {
    (self.database, self.passwordVerifier) = (database, passwordVerifier)
    startTime = SQLSession.now()
    state = Locked(State(settings: database.settings))
  }

  // MARK: Settings

  /// What new sessions begin with.
  public var settings: Settings { state.withLock { $0.settings } }

  /// Counts how often the files have been read: what each statement looks at.
  var settingsGeneration: UInt64 { generation.load(ordering: .acquiring) }

  /// Takes what the configuration files say now; sessions follow before their next statement.
  public func reload(_ settings: Settings) {
    state.withLock { $0.settings = settings }
    generation.add(1, ordering: .releasing)
  }

  /// Who can read the files again, and end sessions: the server.
  public func setHandlers(
    reload: @escaping @Sendable () -> Bool, terminate: @escaping @Sendable (Int32) -> Bool
  ) {
    state.withLock { state in (state.onReload, state.onTerminate) = (reload, terminate) }
  }

  /// Has the files read again: by the server, which has more to do then, or here.
  /// - Returns: whether that was possible.
  func requestReload() -> Bool {
    if let reload = state.withLock({ $0.onReload }) { return reload() }
    do throws(EngineError) {
      let settings = try database.readConfiguration()
      try database.apply(settings)
      reload(settings)
      return true
    } catch {
      return false
    }
  }

  /// Ends a session. - Returns: whether it was there.
  func terminate(_ processID: Int32) -> Bool {
    if let terminate = state.withLock({ $0.onTerminate }) { return terminate(processID) }
    return database.session(withProcessID: processID)?.terminate() ?? false
  }

  /// Who knows who is sent the log: the server.
  public func setReplicas(_ replicas: @escaping @Sendable () -> [ReplicaStatus]) {
    state.withLock { $0.replicas = replicas }
  }

  var replicas: [ReplicaStatus] { state.withLock { $0.replicas }?() ?? [] }

  // MARK: Sessions

  func add(_ activity: SessionActivity) { state.withLock { $0.sessions[activity.processID] = activity } }
  func remove(_ activity: SessionActivity) {
    state.withLock { _ = $0.sessions.removeValue(forKey: activity.processID) }
  }

  /// All sessions, in the order of their numbers.
  var sessions: [SessionActivity] {
    state.withLock { $0.sessions.values.sorted { $0.processID < $1.processID } }
  }
}

/// What a session does, for others to see: a row of `pg_stat_activity`.
final class SessionActivity: Sendable {
  let processID: Int32
  let databaseID: UInt32
  let databaseName: String
  let userID: UInt32
  let userName: String
  let clientAddress: String?
  /// -1 for a socket in the file system, nil where there is no client.
  let clientPort: Int32?
  let progress: CommandProgress
  let startTime: Int64
  /// The number of its I/O backend.
  let backend: Int
  private let current: Locked<Current>

  enum State: String, Sendable {
    case active
    case idle
    case idleInTransaction = "idle in transaction"
    case failed = "idle in transaction (aborted)"
  }

  struct Current: Sendable {
    var state = State.idle
    var query = ""
    var applicationName = ""
    /// Microseconds since 2000; 0 for never.
    var transactionStart: Int64 = 0
    var queryStart: Int64 = 0
    var stateChange: Int64 = 0
  }

  init(
    processID: Int32, databaseID: UInt32, databaseName: String, userID: UInt32, userName: String,
    clientAddress: String?, clientPort: Int32?, startTime: Int64, backend: Int, progress: CommandProgress
  ) {
    (self.processID, self.databaseID, self.databaseName) = (processID, databaseID, databaseName)
    (self.userID, self.userName, self.clientAddress) = (userID, userName, clientAddress)
    (self.startTime, self.backend) = (startTime, backend)
    (self.clientPort, self.progress) = (clientPort, progress)
    current = Locked(Current())
  }

  var now: Current { current.withLock { $0 } }

  func begin(_ query: String, at time: Int64, transactionStart: Int64) {
    current.withLock { current in
      current.query = query
      (current.state, current.queryStart, current.stateChange) = (.active, time, time)
      current.transactionStart = transactionStart
    }
  }

  func end(_ state: State, at time: Int64) {
    current.withLock { current in
      (current.state, current.stateChange) = (state, time)
      if state == .idle { current.transactionStart = 0 }
    }
  }

  func setApplicationName(_ name: String) { current.withLock { $0.applicationName = name } }
}
