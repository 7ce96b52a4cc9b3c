import Foundation
import Logging
import MillraceEngine
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
    logger.notice("starting Millrace \(Version.current) on PostgreSQL 18's formats")
    let database = try Database.open(configuration)
    let outcome = Mutex<Result<ShutdownMode, any Error>?>(nil)
    let done = DispatchSemaphore(value: 0)
    // The command line is synchronous; the server's tasks run beside it.
    let process = self
    Task.detached {
      let result: Result<ShutdownMode, any Error>
      do { result = .success(try await process.serve(database)) } catch { result = .failure(error) }
      outcome.withLock { $0 = result }
      done.signal()
    }
    done.wait()
    switch outcome.withLock({ $0 }) {
    case .success(.immediate):
      database.crash()
    case .success, nil:
      logger.notice("shutting down")
      try database.close()
      logger.notice("database system is shut down")
    case .failure(let error):
      try? database.close()
      throw error
    }
  }

  private func announce(_ server: Server, _ database: Database) throws {
    let sockets = server.places.filter { $0.hasPrefix("/") }
    let addresses = server.places.filter { !$0.hasPrefix("/") }
    try database.announce(
      port: server.port ?? database.settings[.port],
      socketDirectory: sockets.first.map { String($0[..<($0.lastIndex(of: "/") ?? $0.endIndex)]) } ?? "",
      address: addresses.first.flatMap { $0.split(separator: ":").first.map(String.init) } ?? "")
  }

  private func serve(_ database: Database) async throws -> ShutdownMode {
    var server = ServerConfiguration(
      database.settings, dataDirectory: configuration.path, logger: logger,
      clock: { DatabaseConfiguration.systemMicroseconds() / 1_000_000 })
    server.mockAuthenticationNonce = database.control.authenticationNonce
    let roles = try RoleFile(configuration.path)
    let running = try Server(server, DatabaseProvider(database, roles))
    try await running.start()
    try announce(running, database)
    let signals = SignalService(server: running, configuration: configuration, roles: roles, logger: logger)
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(service: running, successTerminationBehavior: .gracefullyShutdownGroup),
          .init(service: signals, successTerminationBehavior: .gracefullyShutdownGroup),
        ], logger: Logger(label: "services") { _ in SwiftLogNoOpLogHandler() }))
    try await group.run()
    return running.shutdownMode ?? .fast
  }
}

/// Turns signals into what pg_ctl's users mean by them.
private struct SignalService: Service {
  let server: Server
  let configuration: DatabaseConfiguration
  let roles: RoleFile
  let logger: Logger

  func run() async throws {
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sigquit, .sighup)
    for await signal in signals.cancelOnGracefulShutdown() {
      switch signal {
      case .sigterm: server.requestShutdown(.smart)
      case .sigint: server.requestShutdown(.fast)
      case .sigquit:
        server.requestShutdown(.immediate)
        return
      case .sighup: reload()
      default: break
      }
    }
  }

  private func reload() {
    do {
      try roles.reload()
      server.reload(try Database.readSettings(configuration))
    } catch {
      logger.notice("configuration was not reloaded: \(error)")
    }
  }
}
