import Foundation
import MillraceServer
import MillraceTestSupport
import Synchronization
import Testing

@Suite("Logging in")
struct LoginTests {
  private static let secret = "öpen sésame"

  private func database() -> TestDatabase {
    TestDatabase(roles: [
      Role(name: "postgres", isSuperuser: true),
      Role(name: "joe", password: ScramVerifier(password: Self.secret, iterations: 10).description),
      Role(
        name: "old", password: ScramVerifier(password: Self.secret, iterations: 10).description, passwordValidUntil: 1),
      Role(name: "locked", canLogIn: false),
    ])
  }

  private func refusal(_ server: TestServer, user: String, database: String? = nil) throws -> [Character: String]? {
    let client = try server.rawConnect()
    client.startup(user: user, database: database)
    return try client.untilClosed().error
  }

  @Test("roles and databases that are not there, and roles that may not log in, are refused with PostgreSQL's words")
  func refusals() async throws {
    try await TestServer.with(database()) { server in
      let unknown = try #require(try refusal(server, user: "nobody"))
      #expect(unknown["C"] == "28000" && unknown["M"] == "role \"nobody\" does not exist" && unknown["S"] == "FATAL")
      #expect(try refusal(server, user: "locked")?["M"] == "role \"locked\" is not permitted to log in")
      let missing = try #require(try refusal(server, user: "postgres", database: "missing"))
      #expect(missing["C"] == "3D000" && missing["M"] == "database \"missing\" does not exist")
    }
  }

  @Test("without a rule, and with one that rejects")
  func rules() async throws {
    let rules = "host all joe all reject\nlocal all all trust\n"
    try await TestServer.with(database(), rules: rules) { server in
      let none = try #require(try refusal(server, user: "postgres"))
      #expect(none["C"] == "28000")
      #expect(
        none["M"]
          == "no pg_hba.conf entry for host \"127.0.0.1\", user \"postgres\", database \"postgres\", no encryption")
      #expect(
        try refusal(server, user: "joe")?["M"]
          == "pg_hba.conf rejects connection for host \"127.0.0.1\", user \"joe\", database \"joe\", no encryption")
      let local = try server.connect(local: true)
      #expect(try local.run("select 1").rows == [["1"]])
    }
  }

  @Test(
    "a real client logs in by password, and only by the right one",
    .enabled(if: PostgresInstallation.isExpected(18)))
  func passwords() async throws {
    let psql = try PostgresInstallation.required(18).binaries + "/psql"
    try await TestServer.with(database(), rules: "host all all all scram-sha-256\n") { server in
      func login(_ user: String, _ password: String) throws -> ChildProcess.Outcome {
        try ChildProcess.run(
          [psql, "-XAtq", "-h", "127.0.0.1", "-p", "\(server.port)", "-U", user, "-d", "x", "-c", "select 1"],
          environment: ["PGPASSWORD": password])
      }
      #expect(try login("joe", Self.secret).output == "1\n")
      for (user, password) in [
        ("joe", "wrong"), ("postgres", Self.secret), ("nobody", Self.secret), ("old", Self.secret),
      ] {
        let outcome = try login(user, password)
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("FATAL:  password authentication failed for user \"\(user)\""))
      }
    }
  }

  @Test("who does not know a role cannot tell it from one without a password")
  func mock() async throws {
    try await TestServer.with(database(), rules: "host all all all scram-sha-256\n") { server in
      func salt(_ user: String) throws -> Substring? {
        let client = try server.rawConnect()
        client.startup(user: user)
        _ = try client.receive()
        let first = Array("n,,n=,r=abc".utf8)
        client.send("p", TestClient.string("SCRAM-SHA-256") + TestClient.integer(Int32(first.count)) + first)
        let answer = String(decoding: try client.receive().body.dropFirst(4), as: UTF8.self)
        return answer.split(separator: ",").first { $0.hasPrefix("s=") }
      }
      let (first, second, other) = (try salt("nobody"), try salt("nobody"), try salt("postgres"))
      #expect(first != nil && first == second)
      #expect(first != other)
    }
  }

  @Test("whoever does not say who he is in time is cut off without a word")
  func timeout() async throws {
    try await TestServer.with(
      database(), settings: ["authentication_timeout": "1s"], rules: "host all all all scram-sha-256\n"
    ) { server in
      let silent = try server.rawConnect()
      let slow = try server.rawConnect()
      slow.startup(user: "joe")
      #expect(try slow.receive().kind == "R")
      #expect(try silent.untilClosed().isEmpty)
      #expect(try slow.untilClosed().isEmpty)
      await server.untilSessions(0)
      #expect(server.log.lines.contains("FATAL: canceling authentication due to timeout"))
    }
  }

  @Test("whoever sends something else instead of a password is refused")
  func impatience() async throws {
    try await TestServer.with(database(), rules: "host all all all scram-sha-256\n") { server in
      let client = try server.rawConnect()
      client.send(
        TestClient.startupPacket(user: "joe") + TestClient.message("Q", TestClient.string("select 1")))
      let error = try #require(try client.untilClosed().error)
      #expect(error["C"] == "08P01" && error["M"] == "expected password response, got message type 81")
    }
  }

  @Test("where no password is asked for, a statement may come right behind the startup packet")
  func pipelinedStartup() async throws {
    try await TestServer.with(database()) { server in
      let client = try server.rawConnect()
      client.send(
        TestClient.startupPacket(user: "joe") + TestClient.message("Q", TestClient.string("select 1")))
      _ = try client.untilReady()
      #expect(try client.untilReady().rows == [["1"]])
    }
  }

  @Test("the server does not listen to the world before there is a password")
  func world() async throws {
    let open = TestDatabase()
    do {
      let server = try await TestServer(open, settings: ["listen_addresses": "*"])
      await server.stop()
      Issue.record("it listened")
    } catch let error as ErrorReport {
      #expect(error.message.hasPrefix("no role has a password"))
    }
    try await TestServer.with(database(), settings: ["listen_addresses": "0.0.0.0"]) { server in
      let client = try server.connect()
      #expect(try client.run("select 1").rows == [["1"]])
    }
  }
}
