import Foundation
import MillraceServer
import Synchronization
import Testing

@Suite("Flow, cancelling, and ends")
struct FlowTests {
  @Test("a client that does not read stops the executor, and gets all of it when it does")
  func backpressure() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      let rows = 200_000
      client.query("select repeat('x', 1000) from generate_series(1, \(rows))")
      // It stops when the sockets' buffers and those of the server are full: then nothing is produced any more.
      let produced = await server.untilSteady { server.database.state.withLock { $0.produced } }
      #expect(produced > 100)
      #expect(produced < rows / 4)
      var received = 0
      try client.forEach { message in
        if message == UInt8(ascii: "D") { received += 1 }
        return message != UInt8(ascii: "Z")
      }
      #expect(received == rows)
      #expect(server.database.state.withLock { $0.produced } == rows)
    }
  }

  @Test("a client that goes away in the middle of a result ends the statement and its transaction")
  func vanishing() async throws {
    try await TestServer.with { server in
      do {
        let client = try server.connect()
        _ = try client.run("begin")
        client.query("select repeat('x', 1000) from generate_series(1, 10000000)")
        #expect(try client.receive().kind == "T")
      }
      await server.untilSessions(0)
      #expect(server.database.state.withLock { $0.produced } < 10_000_000)
      #expect(server.database.state.withLock { ($0.rollbacks, $0.ended) } == (1, 1))
      #expect(server.log.lines.contains("FATAL: connection to client lost"))
    }
  }

  @Test("a running statement is cancelled by who knows the secret, and by nobody else")
  func cancelling() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.query("select pg_sleep(1000)")
      for secret in [[0, 0, 0, 0], client.secret] {
        let other = try server.rawConnect()
        let body = TestClient.integer(UInt32(1234 << 16 | 5678)) + TestClient.integer(client.processID) + secret
        other.send(TestClient.integer(Int32(body.count + 4)) + body)
        #expect(try other.untilClosed().isEmpty)
      }
      let messages = try client.untilReady()
      #expect(messages.error?["C"] == "57014")
      #expect(messages.error?["M"] == "canceling statement due to user request")
      #expect(try client.run("select 1").rows == [["1"]])
      #expect(server.log.lines.contains("LOG: wrong key in cancel request for process \(client.processID)"))
    }
  }

  @Test("a cancel that comes when nothing runs does not hit the next statement")
  func lateCancel() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      let body =
        TestClient.integer(UInt32(1234 << 16 | 5678)) + TestClient.integer(client.processID) + client.secret
      let other = try server.rawConnect()
      other.send(TestClient.integer(Int32(body.count + 4)) + body)
      #expect(try other.untilClosed().isEmpty)
      // The statement before clears it when it is done, whichever of the two comes first.
      _ = try client.run("select 1")
      #expect(try client.run("select generate_series(1, 3)").rows.count == 3)
    }
  }

  @Test("sessions that are idle for too long are ended, in a transaction and outside of one")
  func idleTimeouts() async throws {
    try await TestServer.with(settings: ["idle_session_timeout": "20ms"]) { server in
      let client = try server.connect()
      #expect(try client.untilClosed().error?["C"] == "57P05")
    }
    try await TestServer.with(settings: ["idle_in_transaction_session_timeout": "20ms"]) { server in
      let client = try server.connect()
      _ = try client.run("begin")
      let error = try #require(try client.untilClosed().error)
      #expect(error["C"] == "25P03")
      #expect(error["M"] == "terminating connection due to idle-in-transaction timeout")
      await server.untilSessions(0)
      #expect(server.database.state.withLock { $0.rollbacks } == 1)
    }
  }

  @Test("a fast shutdown ends idle and working sessions with 57P01; new ones get 57P03")
  func fastShutdown() async throws {
    let server = try await TestServer()
    let idle = try server.connect()
    let busy = try server.connect()
    _ = try busy.run("begin")
    busy.query("select pg_sleep(1000)")
    server.server.requestShutdown(.fast)
    let late = try server.rawConnect()
    late.startup()
    #expect(try late.untilClosed().error?["C"] == "57P03")
    await server.stop()
    for client in [idle, busy] {
      let error = try #require(try client.untilClosed().error)
      #expect(error["C"] == "57P01" && error["S"] == "FATAL")
      #expect(error["M"] == "terminating connection due to administrator command")
    }
    #expect(server.database.state.withLock { ($0.ended, $0.rollbacks) } == (2, 1))
    #expect(server.server.threadCounts.now == 0)
  }

  @Test("a smart shutdown waits for the last client")
  func smartShutdown() async throws {
    let server = try await TestServer()
    let client = try server.connect()
    server.server.requestShutdown(.smart)
    #expect(try client.run("select 1").rows == [["1"]])
    client.send("X")
    await server.server.finish()
    await server.server.close()
    #expect(server.server.sessionCount == 0)
  }

  @Test("as many clients as max_connections get in, the last places being for superusers")
  func limits() async throws {
    let database = TestDatabase(roles: [Role(name: "postgres", isSuperuser: true), Role(name: "joe")])
    let settings = ["max_connections": "4", "superuser_reserved_connections": "1", "reserved_connections": "1"]
    try await TestServer.with(database, settings: settings) { server in
      let joes = try (0..<2).map { _ in try server.connect(user: "joe") }
      func refusal(_ user: String) throws -> [Character: String]? {
        let client = try server.rawConnect()
        client.startup(user: user)
        return try client.untilClosed().error
      }
      let reserved = try #require(try refusal("joe"))
      #expect(reserved["C"] == "53300")
      #expect(reserved["M"]?.contains("pg_use_reserved_connections") == true)
      await server.untilSessions(2)
      let super1 = try server.connect()
      #expect(
        try refusal("joe")?["M"] == "remaining connection slots are reserved for roles with the SUPERUSER attribute")
      await server.untilSessions(3)
      let super2 = try server.connect()
      #expect(try refusal("postgres")?["M"] == "sorry, too many clients already")
      withExtendedLifetime((joes, super1, super2)) {}
    }
  }
}
