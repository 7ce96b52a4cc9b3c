import Foundation
import Logging
import MillraceServer
import MillraceSettings
import MillraceTestSupport
import Synchronization

/// A server for one test, on a port of its own and a Unix socket in a directory of its own.
final class TestServer: Sendable {
  let server: Server
  let database: TestDatabase
  let directory: TemporaryDirectory
  let log = TestLog()

  init(
    _ database: TestDatabase = TestDatabase(), settings: [String: String] = [:], rules: String? = nil,
    files: [String: String] = [:], provider: (any SessionProvider)? = nil
  ) async throws {
    self.database = database
    directory = try TemporaryDirectory()
    for (name, text) in files {
      try directory.write(text.utf8, to: name)
      chmod(directory.path + "/" + name, 0o600)
    }
    if let rules { try directory.write(rules.utf8, to: "millrace_hba.conf") }
    chmod(directory.path, 0o755)
    var values = Settings()
    try values.set("unix_socket_directories", to: directory.path)
    try values.set("listen_addresses", to: "127.0.0.1")
    for (name, value) in settings { try values.set(name, to: value) }
    let log = log
    var logger = Logger(label: "test") { _ in log.handler() }
    logger.logLevel = .trace
    var configuration = ServerConfiguration(
      values, dataDirectory: directory.path, logger: logger, clock: { 1_700_000_000 })
    configuration.mockAuthenticationNonce = [UInt8](repeating: 7, count: 32)
    server = try Server(configuration, provider ?? TestProvider(database: database))
    try await server.start(port: 0)
  }

  var port: Int { server.port ?? 0 }

  func stop() async { await server.shutDown(.fast) }

  /// Runs the body with a server, and ends it.
  static func with<Result>(
    _ database: TestDatabase = TestDatabase(), settings: [String: String] = [:], rules: String? = nil,
    files: [String: String] = [:], _ body: (TestServer) async throws -> Result
  ) async throws -> Result {
    let server = try await TestServer(database, settings: settings, rules: rules, files: files)
    do {
      let result = try await body(server)
      await server.stop()
      return result
    } catch {
      await server.stop()
      throw error
    }
  }

  func connect(
    user: String = "postgres", database: String? = nil, _ parameters: [String: String] = [:], local: Bool = false
  ) throws -> TestClient {
    let client = try rawConnect(local: local)
    client.startup(user: user, database: database, parameters)
    try client.untilReady()
    return client
  }

  func rawConnect(local: Bool = false) throws -> TestClient {
    local ? try TestClient(path: "\(directory.path)/.s.PGSQL.\(port)") : try TestClient(port: port)
  }
}

/// What a server logged.
final class TestLog: Sendable {
  private let entries = Mutex<[String]>([])

  /// Messages with their severities.
  var lines: [String] { entries.withLock { $0 } }

  func handler() -> any LogHandler { Handler(log: self) }

  private struct Handler: LogHandler {
    let log: TestLog
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      log.entries.withLock { $0.append("\(event.metadata?["severity"] ?? ""): \(event.message)") }
    }
  }
}

extension TestServer {
  /// Waits until there are so many sessions.
  func untilSessions(_ count: Int) async {
    while server.sessionCount != count { await Task.yield() }
  }

  /// Waits until a number has not changed for a while, and gives it.
  func untilSteady(_ value: @Sendable () -> Int) async -> Int {
    var last = value()
    var since = ContinuousClock.now
    while ContinuousClock.now - since < .milliseconds(500) {
      await Task.yield()
      let now = value()
      if now != last { (last, since) = (now, ContinuousClock.now) }
    }
    return last
  }
}

extension TestClient {
  /// Goes through messages without keeping them, until `body` returns false.
  func forEach(_ body: (UInt8) throws -> Bool) throws {
    var buffer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = recv(descriptor, &piece, piece.count, 0)
      guard count > 0 else { throw Closed() }
      buffer += piece[..<count]
      var start = 0
      while buffer.count - start >= 5 {
        let length = Int(buffer[start + 1..<start + 5].reduce(0) { $0 << 8 | UInt32($1) })
        guard buffer.count - start >= length + 1 else { break }
        if try !body(buffer[start]) { return }
        start += length + 1
      }
      buffer.removeFirst(start)
    }
  }
}
