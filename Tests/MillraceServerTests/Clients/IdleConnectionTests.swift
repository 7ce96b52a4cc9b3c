import Foundation
import MillraceServer
import MillraceTestSupport
import Testing

@Suite("Idle connections")
struct IdleConnectionTests {
  /// Bytes of this process that are in memory and its own.
  private static func residentBytes() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return (Int(fields[1]) ?? 0) * 4096
  }

  @Test("a thousand cost neither threads nor much memory, and each still works")
  func thousand() async throws {
    // Both ends are in this process.
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = min(limit.rlim_max, 8192)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    try #require(limit.rlim_cur >= 2500, "too few files may be open")
    try await TestServer.with(settings: ["max_connections": "1100"]) { server in
      // What is made once is there.
      var clients = try (0..<20).map { _ in try server.connect() }
      let before = try Self.residentBytes()
      clients += try (0..<1000).map { _ in
        let client = try server.connect()
        _ = try client.run("select generate_series(1, 100)")
        return client
      }
      let each = (try Self.residentBytes() - before) / 1000
      // 30 kB in a release build; the clients' own buffers are in it.
      #expect(each < 128 << 10, "\(each) bytes for each idle connection")
      let threads = server.server.threadCounts
      #expect(threads.peak < 20, "\(threads.peak) threads served one client after another")
      for client in clients { #expect(try client.run("select 1").rows == [["1"]]) }
      #expect(server.server.threadCounts.peak < 20)
    }
  }
}
