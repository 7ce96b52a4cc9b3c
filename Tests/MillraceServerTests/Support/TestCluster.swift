import Foundation
import MillraceEngine
import MillraceIO
import MillraceSQL
import MillraceServer
import MillraceSettings
import MillraceStorage
import MillraceTestSupport
import MillraceWAL

/// A cluster with a server that streams its log.
final class TestCluster: Sendable {
  let directory: TemporaryDirectory
  let database: Database
  let server: TestServer

  var dataPath: String { directory.path + "/data" }

  init(_ settings: [String: String] = [:], walSegmentSize: UInt64 = 1 << 20) async throws {
    let directory = try TemporaryDirectory()
    self.directory = directory
    let path = directory.path + "/data"
    var options = ClusterInitializer.Options(
      microseconds: DatabaseConfiguration.systemMicroseconds(), processID: getpid())
    options.walSegmentSize = walSegmentSize
    try ClusterInitializer(LocalFileSystem(), path: path, options).run()
    var configuration = DatabaseConfiguration(path: path)
    configuration.defaults = try ["io_method=worker", "shared_buffers=4MB", "min_wal_size=2MB", "max_wal_size=4MB"].map
    {
      try SettingAssignment($0)
    }
    configuration.assignments = try settings.sorted { $0.key < $1.key }.map {
      try SettingAssignment("\($0.key)=\($0.value)")
    }
    configuration.sessionsMax = 20
    database = try Database.open(configuration)
    let provider = DatabaseProvider(database)
    let server = try await TestServer(settings: settings, provider: provider)
    self.server = server
    provider.instance.setHandlers(
      reload: { false }, terminate: { [weak server] in server?.server.terminate(processID: $0) ?? false })
  }

  func stop() async throws {
    server.server.requestShutdown(.fast)
    await server.server.finish()
    let server = server.server
    try database.close(beforeLogCloses: { server.endSenders() })
    await server.close()
  }

  static func with(
    _ settings: [String: String] = [:], _ body: (TestCluster) async throws -> Void
  ) async throws {
    let cluster = try await TestCluster(settings)
    do {
      try await body(cluster)
    } catch {
      try? await cluster.stop()
      throw error
    }
    try await cluster.stop()
  }

  /// Inserts rows, each in a transaction of its own, until so much has been logged.
  func log(_ bytes: UInt64) throws {
    let session = try database.makeSession("load")
    defer { session.close() }
    let table = try session.transaction { session throws(EngineError) in try session.createRelation() }
    let start = database.log.reservedPosition.rawValue
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: HeapPage.tupleLengthMax, alignment: 8)
    defer { memory.deallocate() }
    let payload = [UInt8](repeating: 120, count: 600)
    while database.log.reservedPosition.rawValue < start + bytes {
      try session.begin()
      var writer = TupleWriter(memory, attributeCount: 1)
      writer.append(text: payload)
      _ = try session.insert(try writer.finish(), into: table)
      try session.commit()
    }
  }

  /// A connection that speaks the replication commands.
  func connect() throws -> TestClient { try server.connect(["replication": "true"]) }
}
