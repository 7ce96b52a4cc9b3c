import Logging
import MillraceIO
public import MillraceSettings
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// A server for PostgreSQL's clients: listens, lets in who may, and gives each a session whose statements an executor
/// of the provider runs.
///
/// ```swift
/// let server = try Server(configuration, provider)
/// try await server.start()
/// …
/// await server.shutDown(.fast)
/// ```
///
/// Sessions are served by threads of a pool (``BackendThread``), who read and write their clients' sockets; event loops
/// do that where there is TLS, and begin connections. An idle session has no thread.
public final class Server: Service, Sendable {
  private let configuration: ServerConfiguration
  private let services: SessionServices
  private let group: MultiThreadedEventLoopGroup
  private let listener: Listener
  private let state = Locked(State())

  private struct State {
    var mode: ShutdownMode?
    var isOver = false
    var waiters: [CheckedContinuation<Void, Never>] = []
    var modeWaiters: [CheckedContinuation<Void, Never>] = []
  }

  /// Reads the files that it needs; listens to nobody yet.
  /// - Throws: ``ErrorReport`` FATAL: a file that cannot be read or makes no sense.
  public init(_ configuration: ServerConfiguration, _ provider: any SessionProvider) throws(ErrorReport) {
    self.configuration = configuration
    let files = try ServerFiles(configuration.settings, directory: configuration.dataDirectory)
    services = SessionServices(configuration, provider, files)
    group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoopThreads)
    listener = Listener(services, group, configuration)
  }

  /// Begins to listen.
  /// - Parameter port: instead of the settings'; 0 for any that is free.
  /// - Throws: ``ErrorReport`` FATAL: a socket cannot be had.
  public func start(port: Int? = nil) async throws(ErrorReport) {
    do throws(ErrorReport) {
      try await listener.open(port: port)
    } catch {
      await listener.close()
      throw error
    }
  }

  /// Says in the log that clients can come: after whatever those look at who wait for this line.
  public func noteReady() { services.note("database system is ready to accept connections") }

  /// The port of its TCP sockets; nil where it has none.
  public var port: Int? { listener.port }

  /// Where it listens: IP addresses with ports, and paths of Unix sockets.
  public var places: [String] { listener.places }

  /// Sessions that are there, and threads that serve them.
  public var sessionCount: Int { services.sessionCount }
  public var threadCounts: (now: Int, idle: Int, peak: Int) { services.pool.counts }

  /// Who is being sent WAL: the rows of pg_stat_replication.
  public var walSenders: [WALSenderStatus] { services.senders.all }

  /// Where WAL senders announce themselves.
  public var senderTable: WALSenderTable { services.senders }

  /// Reads rules and certificates again. What makes no sense is logged, and changes nothing.
  public func reload(_ settings: Settings) {
    services.note("received SIGHUP, reloading configuration files")
    do throws(ErrorReport) {
      services.reload(settings, try ServerFiles(settings, directory: configuration.dataDirectory))
      services.note("configuration files reloaded")
    } catch {
      services.log(error.with(.log))
      services.note("configuration was not reloaded")
    }
  }

  /// Ends a client's session: `pg_terminate_backend`.
  /// - Returns: whether there is one of that number.
  public func terminate(processID: Int32) -> Bool {
    services.terminate(
      processID: UInt32(bitPattern: processID),
      ErrorReport(.fatal, .adminShutdown, "terminating connection due to administrator command"))
  }

  // MARK: The end

  /// Asks it to end, and returns at once. A later, harsher wish goes over an earlier one.
  public func requestShutdown(_ mode: ShutdownMode) {
    let (isNew, waiters) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
      guard state.mode.map({ $0 < mode }) ?? true else { return (false, []) }
      state.mode = mode
      defer { state.modeWaiters = [] }
      return (true, state.modeWaiters)
    }
    guard isNew else { return }
    services.note("received \(mode.name) shutdown request")
    let message = "the database system is shutting down"
    services.refuse(ErrorReport(.fatal, .cannotConnectNow, message))
    switch mode {
    case .smart: break
    case .fast:
      if services.sessionCount > 0 { services.note("aborting any active transactions") }
      services.terminateAll(
        ErrorReport(.fatal, .adminShutdown, "terminating connection due to administrator command"),
        where: { $0.startup.parameters.replication == .none })
    case .immediate:
      services.terminateAll(
        ErrorReport(
          .fatal, .crashShutdown, "terminating connection because of unexpected SIGQUIT signal",
          detail: "The server ends at once, and recovers when it is started again."))
    }
    for waiter in waiters { waiter.resume() }
  }

  /// The mode in which it was asked to end.
  public var shutdownMode: ShutdownMode? { state.withLock { $0.mode } }

  /// Ends it: lets nobody in any more, waits for sessions as the mode says, and gives sockets and threads back.
  public func shutDown(_ mode: ShutdownMode) async {
    requestShutdown(mode)
    await finish()
    await close()
  }

  /// Waits until it is asked to end, and until its clients' sessions have. Those who are sent WAL are still there.
  public func finish() async {
    await withCheckedContinuation { continuation in
      let isAsked = state.withLock { state in
        if state.mode == nil { state.modeWaiters.append(continuation) }
        return state.mode != nil
      }
      if isAsked { continuation.resume() }
    }
    await listener.close()
    await services.waitForSessions(ignoresSenders: true)
  }

  /// Ends those who are sent WAL, when they have got all there is; what is logged afterwards they do not get. To be
  /// called after ``finish()``, and with a database from within its `close`. Waits on the calling thread.
  public func endSenders() {
    services.senders.stop()
    services.terminateAll(
      ErrorReport(.fatal, .adminShutdown, "terminating connection due to administrator command"))
    services.waitForAll()
  }

  /// Gives sockets and threads back. Sessions that are there are ended. To be called after ``finish()``.
  public func close() async {
    await Self.onThread { self.endSenders() }
    let (pool, watcher) = (services.pool, services.watcher)
    await Self.onThread {
      pool.stop()
      watcher.stop()
    }
    try? await group.shutdownGracefully()
  }

  /// Waits where waiting is no harm.
  private static func onThread(_ work: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { continuation in
      NIOThreadPool.singleton.submit { _ in
        work()
        continuation.resume()
      }
    }
  }

  /// For a `ServiceGroup`: serves until it is asked to end; a graceful shutdown of the group is a fast one. ``close()``
  /// follows.
  public func run() async throws {
    await withGracefulShutdownHandler {
      await withTaskCancellationHandler {
        await finish()
      } onCancel: {
        requestShutdown(.immediate)
      }
    } onGracefulShutdown: {
      self.requestShutdown(.fast)
    }
  }
}
