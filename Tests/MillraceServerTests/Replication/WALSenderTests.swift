import Foundation
import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import MillraceWAL
import Testing

@testable import MillraceServer

@Suite("Sending the log")
struct WALSenderTests {
  @Test("the commands tell what pg_receivewal asks for")
  func commands() async throws {
    try await TestCluster.with { cluster in
      let client = try cluster.connect()
      let identity = try client.run("IDENTIFY_SYSTEM")
      #expect(identity.tags == ["IDENTIFY_SYSTEM"])
      let row = try #require(identity.rows.first)
      #expect(row[0] == "\(cluster.database.control.systemIdentifier)" && row[1] == "1" && row[3] == nil)
      #expect(row[2] == "\(cluster.database.log.flushedPosition)")
      #expect(try client.run("SHOW wal_segment_size").rows == [["1MB"]])
      #expect(try client.run("SHOW data_directory_mode").rows == [["0700"]])
      #expect(try client.run("SHOW wal_sender_timeout").rows == [["1min"]])
      #expect(try client.run("TIMELINE_HISTORY 2").error?["C"] == "58P01")
      #expect(try client.run("select 1").error?["C"] == "0A000")
      #expect(try client.run("READ_REPLICATION_SLOT s").rows == [[nil, nil, nil]])
      #expect(try client.run("CREATE_REPLICATION_SLOT s PHYSICAL (RESERVE_WAL)").rows == [["s", "0/0", nil, nil]])
      #expect(try client.run("CREATE_REPLICATION_SLOT s PHYSICAL").error?["C"] == "42710")
      let restart = "\(cluster.database.control.checkpoint.redo)"
      #expect(try client.run("READ_REPLICATION_SLOT s").rows == [["physical", restart, "1"]])
      #expect(try client.run("DROP_REPLICATION_SLOT s").tags == ["DROP_REPLICATION_SLOT"])
      #expect(try client.run("START_REPLICATION FF/0").error?["C"] == "55000")
      client.parse("IDENTIFY_SYSTEM")
      client.sync()
      #expect(try client.untilReady().error?["C"] == "08P01")
    }
  }

  @Test("who may not replicate is refused")
  func privilege() async throws {
    try await TestCluster.with { cluster in
      let session = try cluster.database.makeSession("roles")
      try session.connect(to: "postgres")
      try session.transaction { session throws(EngineError) in
        var joe = RoleEntry(name: "joe")
        joe.canLogin = true
        try session.catalog.createRole(joe)
      }
      session.close()
      let server = try await TestServer(provider: DatabaseProvider(cluster.database))
      let client = try server.rawConnect()
      client.startup(user: "joe", ["replication": "true"])
      #expect(try client.untilClosed().error?["C"] == "42501")
      await server.stop()
    }
  }

  /// Position and bytes of one piece of log.
  private func piece(_ client: TestClient) throws -> (start: UInt64, bytes: ArraySlice<UInt8>) {
    while true {
      let message = try client.receive()
      guard message.kind == "d" else {
        throw TestClient.Closed()
      }
      guard message.body[0] == UInt8(ascii: "w") else { continue }
      return (message.body[1..<9].reduce(0) { $0 << 8 | UInt64($1) }, message.body[25...])
    }
  }

  private func status(_ client: TestClient, _ position: UInt64, asks: Bool = false) {
    let body =
      [UInt8(ascii: "r")] + TestClient.integer(position) + TestClient.integer(position) + TestClient.integer(UInt64(0))
      + TestClient.integer(Int64(1)) + [asks ? 1 : 0]
    client.send("d", body)
  }

  @Test(
    "every flush wakes the sender, whatever makes it durable",
    arguments: ["fdatasync", "fsync", "open_datasync", "open_sync"])
  func wakeUp(method: String) async throws {
    try await TestCluster.with(["wal_sync_method": method, "wal_writer_delay": "10s"]) { cluster in
      let client = try cluster.connect()
      let start = cluster.database.log.flushedPosition.rawValue
      client.query("START_REPLICATION \(cluster.database.log.flushedPosition)")
      #expect(try client.receive().kind == "W")
      var position = start
      for _ in 0..<5 {
        // Each commit is there without another one behind it, and without a timer.
        try cluster.log(1)
        let durable = cluster.database.log.flushedPosition.rawValue
        while position < durable {
          let (from, bytes) = try piece(client)
          #expect(from == position)
          position += UInt64(bytes.count)
        }
      }
      #expect(position > start)
    }
  }

  @Test("what is streamed is the log, byte by byte, from its files and from its buffers")
  func contents() async throws {
    try await TestCluster.with(["max_wal_size": "1GB", "checkpoint_timeout": "1d"]) { cluster in
      // More than the buffers hold.
      try cluster.log(3 << 20)
      let client = try cluster.connect()
      client.query("START_REPLICATION 0/100000 TIMELINE 1")
      #expect(try client.receive().kind == "W")
      var received: [UInt8] = []
      for round in 0..<3 {
        if round > 0 { try cluster.log(200_000) }
        let durable = cluster.database.log.flushedPosition.rawValue
        while 0x100000 + UInt64(received.count) < durable {
          let (from, bytes) = try piece(client)
          #expect(from == 0x100000 + UInt64(received.count))
          // Of what was there before, a piece ends at a page's end, or where the log did.
          let end = from + UInt64(bytes.count)
          if round == 0 { #expect(end % 8192 == 0 || end == durable) }
          received += bytes
        }
      }
      var expected: [UInt8] = []
      for number in 1...1 + received.count >> 20 {
        let name = WALSegmentName(timeline: 1, number: UInt64(number), segmentSize: 1 << 20)
        expected += try Data(contentsOf: URL(fileURLWithPath: "\(cluster.dataPath)/pg_wal/\(name)"))
      }
      #expect(received == Array(expected[..<received.count]))
      client.send("c")
      let end = try client.untilReady()
      #expect(end.kinds.hasSuffix("cCCZ"))
      #expect(end.tags == ["START_STREAMING", "START_REPLICATION"])
      #expect(try client.run("IDENTIFY_SYSTEM").rows.count == 1)
    }
  }

  @Test("answers show in the row of pg_stat_replication, and move the slot")
  func feedback() async throws {
    try await TestCluster.with { cluster in
      let client = try cluster.connect()
      _ = try client.run("CREATE_REPLICATION_SLOT s PHYSICAL (RESERVE_WAL)")
      let start = cluster.database.log.flushedPosition
      client.query("START_REPLICATION SLOT s \(start) TIMELINE 1")
      #expect(try client.receive().kind == "W")
      try cluster.log(10_000)
      let durable = cluster.database.log.flushedPosition
      var position = start.rawValue
      while position < durable.rawValue { position += UInt64(try piece(client).bytes.count) }
      status(client, position, asks: true)
      while try client.receive().body[0] != UInt8(ascii: "k") {}
      let row = try #require(cluster.server.server.walSenders.first)
      #expect(row.state == .streaming && row.slotName == "s" && row.roleName == "postgres")
      #expect(row.sent == durable && row.written == durable && row.flushed == durable && row.applied == .invalid)
      #expect(row.flushLag != nil && row.replyTime == 1)
      #expect(cluster.database.replicationSlots["s"]?.restartPosition == durable)
      let other = try cluster.connect()
      #expect(try other.run("START_REPLICATION SLOT s 0/100000").error?["C"] == "55006")
      #expect(try other.run("DROP_REPLICATION_SLOT s").error?["C"] == "55006")
      client.send("X")
      _ = try client.untilClosed()
      #expect(try other.run("DROP_REPLICATION_SLOT s WAIT").tags == ["DROP_REPLICATION_SLOT"])
      #expect(cluster.server.server.walSenders.isEmpty)
    }
  }

  @Test("a client that does not answer is asked, and then given up")
  func timeout() async throws {
    try await TestCluster.with(["wal_sender_timeout": "300ms"]) { cluster in
      let client = try cluster.connect()
      client.query("START_REPLICATION 0/100000")
      let messages = try client.untilClosed()
      let asks = messages.filter { $0.kind == "d" && $0.body[0] == UInt8(ascii: "k") && $0.body.last == 1 }
      #expect(asks.count == 1)
      #expect(messages.error?["M"] == "terminating walsender process due to replication timeout")
    }
  }

  /// Reads on a thread of its own what is sent until the end, and answers: the test's thread may be the only one that
  /// tasks have.
  private func streamed(to client: TestClient) async -> UInt64 {
    // Safe because nobody else uses it until that thread is done.
    nonisolated(unsafe) let client = client
    return await withCheckedContinuation { continuation in
      Thread {
        var position: UInt64 = 0
        while let message = try? client.receive() {
          guard message.kind == "d" else { continue }
          if message.body[0] == UInt8(ascii: "w") {
            position = message.body[1..<9].reduce(0) { $0 << 8 | UInt64($1) } + UInt64(message.body.count - 25)
          }
          status(client, position)
        }
        continuation.resume(returning: position)
      }.start()
    }
  }

  @Test("a shutdown is streamed to its end, the last checkpoint included")
  func shutdown() async throws {
    let cluster = try await TestCluster()
    let client = try cluster.connect()
    client.query("START_REPLICATION 0/100000")
    #expect(try client.receive().kind == "W")
    async let stopped: Void = cluster.stop()
    let position = await streamed(to: client)
    try await stopped
    #expect(cluster.database.control.state == .shutDown)
    #expect(position == cluster.database.log.flushedPosition.rawValue)
    #expect(position > cluster.database.control.checkpointLocation.rawValue)
  }

  @Test("a slot keeps the log that it needs, and what nobody keeps is gone, which is said")
  func retention() async throws {
    try await TestCluster.with(["wal_recycle": "off"]) { cluster in
      let client = try cluster.connect()
      func segments() throws -> [UInt64] { try cluster.database.log.segments.list().map(\.number) }
      _ = try client.run("CREATE_REPLICATION_SLOT s PHYSICAL (RESERVE_WAL)")
      try cluster.log(4 << 20)
      try cluster.database.checkpoint()
      var there = try segments()
      #expect(there.contains(1))
      _ = try client.run("DROP_REPLICATION_SLOT s")
      try cluster.log(100_000)
      try cluster.database.checkpoint()
      there = try segments()
      #expect(!there.contains(1))
      client.query("START_REPLICATION 0/100000")
      let error = try #require(try client.untilReady().error)
      #expect(error["C"] == "58P01")
      #expect(error["M"] == "requested WAL segment 000000010000000000000001 has already been removed")
    }
  }

  @Test(
    "pg_receivewal streams while rows are committed, is killed, goes on, and has the same bytes as we",
    .enabled(if: PostgresInstallation.isExpected(18)), arguments: ["", "data, wal"])
  func pgReceivewal(direct: String) async throws {
    let program = try PostgresInstallation.required(18).binaries + "/pg_receivewal"
    try await TestCluster.with(["max_wal_size": "1GB", "checkpoint_timeout": "1d", "io_direct": direct]) { cluster in
      try cluster.directory.createDirectory("copy")
      let copy = cluster.directory.path + "/copy"
      let command = [program, "-h", "127.0.0.1", "-p", "\(cluster.server.port)", "-U", "postgres", "-D", copy]
      let made = try ChildProcess.run(command + ["--slot", "s", "--create-slot"])
      #expect(made.status == 0, "\(made.errors)")
      for round in 0..<3 {
        let receiver = try ChildProcess(command + ["--slot", "s", "--synchronous", "--no-loop"])
        // Until it has something of this round, and more comes all the time.
        let before = cluster.database.log.flushedPosition
        try cluster.log(2 << 20)
        while cluster.server.server.walSenders.first.map({ $0.flushed <= before }) ?? true { try cluster.log(10_000) }
        if round < 2 { receiver.send(SIGKILL) } else { receiver.send(SIGINT) }
        _ = try receiver.wait()
        await cluster.server.untilSessions(0)
      }
      let end = cluster.database.log.flushedPosition
      // It stops when it has more than it was told to.
      let stop = LogSequenceNumber(end.rawValue - 1)
      let last = try ChildProcess.run(command + ["--slot", "s", "--synchronous", "--no-loop", "--endpos", "\(stop)"])
      #expect(last.status == 0, "\(last.errors)")
      var compared = 0
      for name in try FileManager.default.contentsOfDirectory(atPath: copy) {
        let ours = try Data(
          contentsOf: URL(fileURLWithPath: "\(cluster.dataPath)/pg_wal/\(name.replacing(".partial", with: ""))"))
        let theirs = try Data(contentsOf: URL(fileURLWithPath: "\(copy)/\(name)"))
        let number = try #require(
          WALSegmentName(name.replacing(".partial", with: ""), segmentSize: 1 << 20)
        ).number
        let length = min(1 << 20, Int(end.rawValue) - Int(number) << 20)
        #expect(ours[..<length] == theirs[..<length], "\(name)")
        compared += 1
      }
      #expect(compared >= 6)
    }
  }
}
