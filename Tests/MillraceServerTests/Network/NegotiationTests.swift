import Foundation
@testable import MillraceServer
import MillraceTestSupport
import Testing

@Suite("How connections begin")
struct NegotiationTests {
  private static func request(_ code: UInt32) -> [UInt8] {
    TestClient.integer(Int32(8)) + TestClient.integer(1234 << 16 | code)
  }

  @Test("without a certificate encryption is declined, and the connection goes on; GSSAPI always is")
  func declined() async throws {
    try await TestServer.with { server in
      let client = try server.rawConnect()
      for code in [UInt32(5680), 5679] {
        client.send(Self.request(code))
        #expect(try client.byte() == UInt8(ascii: "N"))
      }
      client.startup()
      #expect(try client.untilReady().status == "I")
    }
  }

  @Test("protocol 3.2 has long cancel keys, and they work")
  func version32() async throws {
    try await TestServer.with { server in
      let client = try server.rawConnect()
      client.startup(version: 3 << 16 | 2)
      let welcome = try client.untilReady()
      #expect(!welcome.kinds.contains("v"))
      #expect(client.secret.count == 32)
      client.query("select pg_sleep(1000)")
      let other = try server.rawConnect()
      let body = TestClient.integer(UInt32(1234 << 16 | 5678)) + TestClient.integer(client.processID) + client.secret
      other.send(TestClient.integer(Int32(body.count + 4)) + body)
      #expect(try client.untilReady().error?["C"] == "57014")
    }
  }

  @Test("a newer version is negotiated down, and options that nobody knows are named")
  func negotiation() async throws {
    try await TestServer.with { server in
      let client = try server.rawConnect()
      client.startup(version: 3 << 16 | 9999, ["_pq_.moon": "full"])
      let messages = try client.untilReady()
      #expect(messages[0].kind == "v")
      #expect(messages[0].body == [0, 3, 0, 2, 0, 0, 0, 1] + TestClient.string("_pq_.moon"))
      #expect(client.secret.count == 32)
    }
  }

  @Test("startup packets that cannot be understood are refused with PostgreSQL's words")
  func nonsense() async throws {
    try await TestServer.with { server in
      func refusal(_ bytes: [UInt8]) throws -> [Character: String]? {
        let client = try server.rawConnect()
        client.send(bytes)
        return try client.untilClosed().error
      }
      let old = try #require(try refusal(TestClient.startupPacket(version: 2 << 16, user: "x")))
      #expect(old["C"] == "0A000" && old["M"] == "unsupported frontend protocol 2.0: server supports 3.0 to 3.2")
      #expect(try refusal(TestClient.integer(Int32(7)))?["M"] == "invalid length of startup packet")
      #expect(try refusal(TestClient.integer(Int32(10_001)))?["C"] == "08P01")
      let nobody = TestClient.integer(Int32(9)) + TestClient.integer(UInt32(3 << 16)) + [0]
      #expect(try refusal(nobody)?["M"] == "no PostgreSQL user name specified in startup packet")
      let unfinished = TestClient.integer(Int32(12)) + TestClient.integer(UInt32(3 << 16)) + Array("user".utf8)
      #expect(
        try refusal(unfinished)?["M"] == "invalid startup packet layout: expected terminator as last byte")
      // A browser.
      #expect(try refusal(Array("GET / HTTP/1.1\r\n\r\n".utf8))?["C"] == "08P01")
    }
  }

  @Test("options are a command line for the session")
  func options() async throws {
    try await TestServer.with { server in
      _ = try server.connect(["options": "-c a=b --c-d=e\\ f"])
      let client = try server.rawConnect()
      client.startup(["options": "-x"])
      #expect(try client.untilClosed().error?["M"] == "invalid command-line argument for server process: -x")
    }
  }

  @Test(
    "messages of unknown kinds and of lengths that cannot be end the session, and nobody else's",
    arguments: [
      [UInt8(ascii: "!"), 0, 0, 0, 4], [UInt8(ascii: "S"), 0, 0, 0, 3], [UInt8(ascii: "S"), 0, 1, 0, 0],
      [UInt8(ascii: "Q"), 0xFF, 0xFF, 0xFF, 0xFF], [UInt8(ascii: "p"), 0, 0, 0, 4],
    ])
  func badFrames(bytes: [UInt8]) async throws {
    try await TestServer.with { server in
      let other = try server.connect()
      let client = try server.connect()
      client.send(bytes)
      let error = try #require(try client.untilClosed().error)
      #expect(error["S"] == "FATAL" && error["C"] == "08P01")
      #expect(try other.run("select 1").rows == [["1"]])
    }
  }

  @Test("a Unix socket has a lock; one whose server is gone is taken over, and one that is held is not")
  func socketLock() async throws {
    let directory = try TemporaryDirectory()
    let first = try await TestServer(settings: ["unix_socket_directories": directory.path])
    let port = first.port
    let path = "\(directory.path)/.s.PGSQL.\(port)"
    let lock = try String(contentsOfFile: path + ".lock", encoding: .utf8)
    #expect(lock.split(separator: "\n")[0] == "\(getpid())" && lock.split(separator: "\n")[3] == "\(port)")
    var status = stat()
    stat(path, &status)
    #expect(status.st_mode & 0o777 == 0o777)
    await first.stop()
    #expect(access(path, F_OK) != 0 && access(path + ".lock", F_OK) != 0)
    // A process number that no process has.
    try directory.write("999999999\n".utf8, to: ".s.PGSQL.\(port).lock")
    try directory.write([], to: ".s.PGSQL.\(port)")
    let second = try SocketLock(directory: directory.path, port: port, dataDirectory: "", time: 0)
    second.release()
    try directory.write("1\n".utf8, to: ".s.PGSQL.\(port).lock")
    do {
      _ = try SocketLock(directory: directory.path, port: port, dataDirectory: "", time: 0)
      Issue.record("the lock of a living process was taken")
    } catch {
      #expect(error.message.hasSuffix("already exists"))
    }
  }
}
