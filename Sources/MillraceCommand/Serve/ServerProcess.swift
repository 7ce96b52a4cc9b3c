import Foundation
import Logging
import MillraceEngine
import MillraceSQL
import MillraceServer
import MillraceSettings
import MillraceStorage
import ServiceLifecycle
import Synchronization
import UnixSignals

/// A server and its database, from the start to the end of the process.
struct ServerProcess: Sendable {
  private let configuration: DatabaseConfiguration
  private let logger: Logger

  init(_ configuration: DatabaseConfiguration) {
    var logger = Logger(label: "millrace") { _ in ServerLogHandler() }
    logger.logLevel = .notice
    self.logger = logger
    var configuration = configuration
    let log = logger
    configuration.onNotice = { log.notice("\($0)") }
    self.configuration = configuration
  }

  /// Serves until a signal ends it.
  func run() throws {
    allowManyFiles()
    logger.notice("starting Millrace \(Version.current) on PostgreSQL 18's formats")
    let database = try Database.open(configuration)
    let server: Server
    do {
      server = try Self.wait { try await serve(database) }
    } catch {
      try? database.close()
      throw error
    }
    if server.shutdownMode == .immediate {
      database.crash()
    } else {
      logger.notice("shutting down")
      // Who is sent WAL gets the last checkpoint, too.
      try database.close(beforeLogCloses: { server.endSenders() })
      logger.notice("database system is shut down")
    }
    try Self.wait { await server.close() }
  }

  /// The command line is synchronous; the server's tasks run beside it.
  private static func wait<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) throws -> Value {
    let outcome = Mutex<Result<Value, any Error>?>(nil)
    let done = DispatchSemaphore(value: 0)
    Task.detached {
      let result: Result<Value, any Error>
      do { result = .success(try await work()) } catch { result = .failure(error) }
      outcome.withLock { $0 = result }
      done.signal()
    }
    done.wait()
    guard let result = outcome.withLock({ $0 }) else { throw CommandError("the server ended without a result") }
    return try result.get()
  }

  /// Each client takes two descriptors, and many systems begin with 1024 for a process that may have more.
  private func allowManyFiles() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  private func announce(_ server: Server, _ database: Database) throws {
    let sockets = server.places.filter { $0.hasPrefix("/") }
    let addresses = server.places.filter { !$0.hasPrefix("/") }
    try database.announce(
      port: server.port ?? database.settings[.port],
      socketDirectory: sockets.first.map { String($0[..<($0.lastIndex(of: "/") ?? $0.endIndex)]) } ?? "",
      address: addresses.first.flatMap { $0.split(separator: ":").first.map(String.init) } ?? "")
  }

  /// Serves until it is asked to end and its clients have left.
  private func serve(_ database: Database) async throws -> Server {
    var server = ServerConfiguration(
      database.settings, dataDirectory: configuration.path, logger: logger,
      clock: { DatabaseConfiguration.systemMicroseconds() / 1_000_000 })
    server.mockAuthenticationNonce = database.control.authenticationNonce
    let provider = DatabaseProvider(database)
    let running = try Server(server, provider)
    // From here on none is lost: who sees that the server is ready may send one at once.
    let trapped = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sigquit, .sighup)
    try await running.start()
    try announce(running, database)
    running.noteReady()
    let signals = SignalService(
      signals: trapped, reloading: ConfigurationReload(running, database, provider, logger))
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(service: running, successTerminationBehavior: .gracefullyShutdownGroup),
          .init(service: signals, successTerminationBehavior: .gracefullyShutdownGroup),
        ], logger: Logger(label: "services") { _ in SwiftLogNoOpLogHandler() }))
    try await group.run()
    return running
  }
}

/// Turns signals into what pg_ctl's users mean by them.
private struct SignalService: Service {
  let signals: UnixSignalsSequence
  let reloading: ConfigurationReload

  func run() async throws {
    for await signal in signals.cancelOnGracefulShutdown() {
      switch signal {
      case .sigterm: reloading.server.requestShutdown(.smart)
      case .sigint: reloading.server.requestShutdown(.fast)
      case .sigquit:
        reloading.server.requestShutdown(.immediate)
        return
      case .sighup: reloading.run()
      default: break
      }
    }
  }
}

/// Has the configuration files read again, by SIGHUP or `pg_reload_conf()`.
private struct ConfigurationReload: Sendable {
  let server: Server
  private let database: Database
  private let provider: DatabaseProvider
  private let logger: Logger

  init(_ server: Server, _ database: Database, _ provider: DatabaseProvider, _ logger: Logger) {
    (self.server, self.database, self.provider, self.logger) = (server, database, provider, logger)
    let own = self
    provider.instance.setHandlers(
      reload: {
        own.run()
        return true
      }, terminate: { server.terminate(processID: $0) })
  }

  func run() {
    do {
      let settings = try database.readConfiguration()
      try database.apply(settings)
      provider.instance.reload(settings)
      server.reload(settings)
    } catch {
      logger.notice("configuration was not reloaded: \(error)")
    }
  }
}
