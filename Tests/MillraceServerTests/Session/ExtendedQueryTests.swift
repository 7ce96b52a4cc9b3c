import MillraceServer
import Synchronization
import Testing

@Suite("The extended query protocol")
struct ExtendedQueryTests {
  @Test("a statement goes through Parse, Bind, Describe, Execute, Sync")
  func unnamed() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.parse("select $1::int4, $2")
      client.bind([Array("42".utf8), nil])
      client.describe("P")
      client.execute()
      client.sync()
      let messages = try client.untilReady()
      #expect(messages.kinds == "12TDCZ")
      #expect(messages.rows == [["42", nil]])
    }
  }

  @Test("parameters and columns have formats of their own")
  func formats() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.parse("select $1::int4, $1::int4, $2")
      client.bind([[0, 0, 1, 0], Array("t".utf8)], formats: [1, 0], results: [1, 0, 0])
      client.execute()
      client.sync()
      let row = try #require(try client.untilReady().first { $0.kind == "D" })
      #expect(row.columns == [[0, 0, 1, 0], Array("256".utf8), Array("t".utf8)])
    }
  }

  @Test("Describe of a statement tells types of parameters and columns; of one without rows, NoData")
  func describe() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.parse("select $2::int8, $1", name: "s")
      client.describe("S", "s")
      client.parse("begin", name: "b")
      client.describe("S", "b")
      client.sync()
      let messages = try client.untilReady()
      #expect(messages.kinds == "1tT1tnZ")
      #expect(messages[1].body == [0, 2, 0, 0, 0, 25, 0, 0, 0, 20])
    }
  }

  @Test("a portal with a row limit is suspended, and goes on where it was")
  func suspension() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.parse("select generate_series(1, 5)")
      client.bind(portal: "p")
      for _ in 0..<3 { client.execute("p", maxRows: 2) }
      client.sync()
      let messages = try client.untilReady()
      #expect(messages.kinds == "12DDsDDsDCZ")
      #expect(messages.rows.compactMap { $0[0] } == ["1", "2", "3", "4", "5"])
      #expect(messages.tags == ["SELECT 1"])
    }
  }

  @Test("after an error everything is skipped until Sync, a Query included")
  func skipping() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.parse("select nothing")
      client.bind()
      client.execute()
      client.query("select 1")
      client.send("H")
      client.parse("select 2")
      client.sync()
      client.parse("select 3")
      client.bind()
      client.execute()
      client.sync()
      #expect(try client.untilReady().kinds == "EZ")
      #expect(try client.untilReady().kinds == "12DCZ")
    }
  }

  @Test("what is between two Syncs is one transaction")
  func pipelineTransaction() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      for sql in ["insert into numbers values (1)", "select 1/0"] {
        client.parse(sql)
        client.bind()
        client.execute()
      }
      client.sync()
      for number in 2...3 {
        client.parse("insert into numbers values (\(number))")
        client.bind()
        client.execute()
        client.sync()
      }
      _ = try client.untilReady()
      _ = try client.untilReady()
      #expect(try client.untilReady().tags == ["INSERT 0 1"])
      #expect(server.database.state.withLock { $0.rows } == [2, 3])
    }
  }

  @Test("a long pipeline is answered in order")
  func pipelining() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.parse("select $1::int4", name: "s")
      for number in 0..<2000 {
        client.bind([Array("\(number)".utf8)], statement: "s")
        client.execute()
      }
      client.sync()
      #expect(try client.untilReady().rows.compactMap { $0[0] } == (0..<2000).map { "\($0)" })
    }
  }

  @Test("Flush sends what there is without an end")
  func flush() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.parse("select 1", name: "s")
      client.describe("S", "s")
      client.send("H")
      #expect(try client.receive(until: "T").kinds == "1tT")
      client.bind(statement: "s", results: [1])
      client.execute()
      client.sync()
      #expect(try client.untilReady().first { $0.kind == "D" }?.columns == [[0, 0, 0, 1]])
    }
  }

  @Test("statements and portals that are not there, or there already, are told by SQLSTATE")
  func names() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      func state(_ send: () -> Void) throws -> String? {
        send()
        client.sync()
        return try client.untilReady().error?["C"]
      }
      #expect(try state { client.bind(statement: "none") } == "26000")
      #expect(try state { client.execute("none") } == "34000")
      #expect(try state { client.describe("P", "none") } == "34000")
      #expect(try state { client.parse("select 1", name: "a") } == nil)
      #expect(try state { client.parse("select 1", name: "a") } == "42P05")
      #expect(
        try state { client.send("C", Array("S".utf8) + TestClient.string("a")) } == nil)
      #expect(try state { client.parse("select 1", name: "a") } == nil)
      #expect(try state { client.bind([nil], statement: "a") } == "08P01")
      #expect(try state { client.bind(statement: "a", results: [0, 0]) } == "08P01")
      #expect(try state { client.bind(statement: "a", results: [7]) } == "22023")
      #expect(try state { client.describe("x") } == "08P01")
      #expect(try state { client.send("B", [0]) } == "08P01")
    }
  }

  @Test("an empty statement is answered as one")
  func empty() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.parse("")
      client.bind()
      client.describe("P")
      client.execute()
      client.sync()
      #expect(try client.untilReady().kinds == "12nIZ")
    }
  }

  @Test("COPY in works with a Sync behind its Execute")
  func copy() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.parse("copy numbers from stdin")
      client.bind()
      client.execute()
      client.sync()
      #expect(try client.receive(until: "G").kinds == "12G")
      client.send("d", Array("7\n".utf8))
      client.send("c")
      client.sync()
      #expect(try client.untilReady().tags == ["COPY 1"])
      #expect(server.database.state.withLock { $0.rows } == [7])
    }
  }
}
