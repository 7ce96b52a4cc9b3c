import MillraceServer
import Synchronization
import Testing

@Suite("The simple query protocol")
struct SimpleQueryTests {
  @Test("rows come with their description, and end with a tag and ReadyForQuery")
  func select() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      let messages = try client.run("select 1, 'a', null")
      #expect(messages.kinds == "TDCZ")
      #expect(messages.rows == [["1", "a", nil]])
      #expect(messages.tags == ["SELECT 1"])
      #expect(messages.status == "I")
    }
  }

  @Test("a client is told at the start what PostgreSQL's tells")
  func welcome() async throws {
    try await TestServer.with { server in
      let client = try server.connect(["application_name": "näme"])
      #expect(client.parameters["server_version"] == "18.0")
      #expect(client.parameters["client_encoding"] == "UTF8")
      #expect(client.parameters["application_name"] == #"n\xc3\xa4me"#)
      #expect(client.processID > 0)
      #expect(client.secret.count == 4)
    }
  }

  @Test("an empty string is answered as one")
  func empty() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      #expect(try client.run("").kinds == "IZ")
      #expect(try client.run(" ; ").kinds == "IZ")
    }
  }

  @Test("an error has its fields, leaves the stream intact, and the session usable")
  func errors() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      let messages = try client.run("select nothing")
      #expect(messages.kinds == "EZ")
      let error = try #require(messages.error)
      #expect(error["S"] == "ERROR" && error["V"] == "ERROR")
      #expect(error["C"] == "42703")
      #expect(error["M"] == "column \"nothing\" does not exist")
      #expect(error["P"] == "8")
      // It comes in the middle of a row, of which nothing may be sent.
      let partial = try client.run("select 1/(5-n) from generate_series(1, 10) n")
      #expect(partial.kinds == "TDDDDEZ")
      #expect(partial.error?["C"] == "22012")
      #expect(try client.run("select 2").rows == [["2"]])
    }
  }

  @Test("the statements of a string are one transaction")
  func implicitTransaction() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      #expect(try client.run("insert into numbers values (1); insert into numbers values (2)").tags.count == 2)
      #expect(try client.run("insert into numbers values (3); select 1/0").error?["C"] == "22012")
      #expect(try client.run("select count(*) from numbers").rows == [["2"]])
      #expect(server.database.state.withLock { $0.rollbacks } == 1)
    }
  }

  @Test("a transaction block shows in ReadyForQuery, and takes nothing after an error but its end")
  func transactionBlock() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      #expect(try client.run("begin").status == "T")
      #expect(try client.run("insert into numbers values (1)").status == "T")
      #expect(try client.run("select 1/0").status == "E")
      #expect(try client.run("select 1").error?["C"] == "25P02")
      let end = try client.run("commit")
      #expect(end.tags == ["ROLLBACK"] && end.status == "I")
      #expect(try client.run("select count(*) from numbers").rows == [["0"]])
    }
  }

  @Test("notices and changes of settings come between the rest")
  func asides() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      let notice = try client.run("notice hello")
      #expect(notice.kinds == "NCZ")
      #expect(notice[0].fields["S"] == "NOTICE" && notice[0].fields["M"] == "hello")
      #expect(try client.run("set application_name = 'x'").kinds == "SCZ")
      #expect(client.parameters["application_name"] == "x")
    }
  }

  @Test("FunctionCall is refused by name, in words and not by silence")
  func functionCall() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.send("F", TestClient.integer(Int32(1)))
      let messages = try client.untilReady()
      #expect(messages.kinds == "EZ" && messages.error?["C"] == "0A000")
    }
  }

  @Test("text that is not UTF-8 is refused with the bytes, and the session goes on")
  func encoding() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.send("Q", Array("select '".utf8) + [0xC3, 0x28] + Array("'".utf8) + [0])
      let error = try #require(try client.untilReady().error)
      #expect(error["C"] == "22021")
      #expect(error["M"] == "invalid byte sequence for encoding \"UTF8\": 0xc3 0x28")
      #expect(try client.run("select 1").rows == [["1"]])
    }
  }

  @Test("COPY in takes rows in pieces of any size, and COPY out gives them back")
  func copy() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.query("copy numbers from stdin")
      #expect(try client.receive().kind == "G")
      for piece in ["1\n2", "3\n", "4", "\n"] { client.send("d", Array(piece.utf8)) }
      client.send("c")
      #expect(try client.untilReady().tags == ["COPY 3"])
      let out = try client.run("copy numbers to stdout")
      #expect(out.kinds == "HdddcCZ")
      #expect(out.filter { $0.kind == "d" }.map { String(decoding: $0.body, as: UTF8.self) } == ["1\n", "23\n", "4\n"])
    }
  }

  @Test("a COPY that the client gives up fails, and what it still sends is passed over")
  func copyFails() async throws {
    try await TestServer.with { server in
      let client = try server.connect()
      client.query("copy numbers from stdin")
      #expect(try client.receive().kind == "G")
      client.send("d", Array("1\n".utf8))
      client.send("f", TestClient.string("no more"))
      let error = try #require(try client.untilReady().error)
      #expect(error["C"] == "57014" && error["M"] == "COPY from stdin failed: no more")
      client.query("copy numbers from stdin")
      #expect(try client.receive().kind == "G")
      for piece in ["x\n", "1\n", "2\n"] { client.send("d", Array(piece.utf8)) }
      client.send("c")
      #expect(try client.untilReady().error?["C"] == "22P02")
      #expect(try client.run("select count(*) from numbers").rows == [["0"]])
    }
  }

  @Test("a client that says goodbye, and one that just goes, end their sessions and their transactions")
  func goodbye() async throws {
    try await TestServer.with { server in
      let polite = try server.connect()
      polite.send("X")
      #expect(try polite.untilClosed().isEmpty)
      do {
        let rude = try server.connect()
        _ = try rude.run("begin")
        _ = try rude.run("insert into numbers values (1)")
      }
      await server.untilSessions(0)
      #expect(server.database.state.withLock { ($0.ended, $0.rollbacks, $0.rows.count) } == (2, 1, 0))
    }
  }
}
