import MillraceTestSupport
import NIOCore
import Testing

@testable import MillraceServer

@Suite("Whatever clients send")
struct DecoderFuzzTests {
  private static let kinds = Array("BCDEFHPQSXcdfp".utf8)

  /// Bytes that look like a message's: strings, counts and lengths, some of them wrong.
  static func body(_ random: inout SeededGenerator) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<random.below(8) {
      switch random.below(8) {
      case 0: bytes += random.bytes(random.below(12))
      case 1: bytes += [0]
      case 2: bytes += TestClient.integer(Int16(truncatingIfNeeded: random.below(5) - 1))
      case 3: bytes += TestClient.integer(Int32(truncatingIfNeeded: random.below(20) - 2))
      case 4: bytes += TestClient.integer(UInt32(truncatingIfNeeded: random.next()))
      case 5: bytes += TestClient.string(["", "a", "select 1", "begin", "é", "numbers"][random.below(6)])
      case 6: bytes += [UInt8(ascii: "S"), UInt8(ascii: "P")].shuffled(using: &random)
      default: bytes += [0, 0]
      }
    }
    return bytes
  }

  @Test("the decoder takes a message or refuses it in words, and never anything else")
  func decoder() {
    var (taken, refused) = (0, 0)
    Fuzzing.run("DecoderFuzzTests.decoder", rounds: 200_000) { random in
      let frame = Frame(
        kind: random.below(20) == 0 ? UInt8(random.below(256)) : Self.kinds[random.below(Self.kinds.count)],
        body: ByteBuffer(bytes: Self.body(&random)))
      do throws(ErrorReport) {
        _ = try FrontendMessage(frame)
        taken += 1
      } catch {
        #expect(error.state.description.utf8.count == 5)
        #expect(!error.message.isEmpty)
        refused += 1
      }
    }
    #expect(taken > 1000 && refused > 1000)
  }

  @Test("startup packets likewise")
  func startup() {
    Fuzzing.run("DecoderFuzzTests.startup", rounds: 50_000) { random in
      var bytes = TestClient.integer([UInt32(3 << 16), 3 << 16 | 2, 1234 << 16 | 5678, 0][random.below(4)])
      for _ in 0..<random.below(4) {
        bytes += TestClient.string(["user", "database", "options", "replication", "x"][random.below(5)])
        bytes += TestClient.string(["", "true", "-c a=b", "joe"][random.below(4)])
      }
      bytes += random.below(2) == 0 ? [0] : random.bytes(random.below(5))
      do throws(ErrorReport) {
        _ = try StartupPacket(ByteBuffer(bytes: bytes))
      } catch {
        #expect(error.severity == .fatal)
      }
    }
  }

  @Test("a session under random messages answers whole messages or ends, and nobody else notices")
  func sessions() async throws {
    let seed = SeededGenerator(for: "DecoderFuzzTests.sessions").seed
    try await TestServer.with(settings: ["max_connections": "20"]) { server in
      let other = try server.connect()
      for round in 0..<150 {
        var random = SeededGenerator(seed: seed &* 1_000_003 &+ UInt64(round))
        let client = try server.connect()
        for _ in 0..<1 + random.below(30) {
          if random.below(4) == 0 {
            let sql = ["begin", "commit", "select 1", "select 1/0", "insert into numbers values (1)", "x", ""]
            client.query(sql[random.below(sql.count)])
          } else {
            // No COPY, whose end a test would have to think of.
            let kind = Character(UnicodeScalar(Self.kinds[random.below(Self.kinds.count)]))
            client.send(kind, Self.body(&random))
          }
        }
        if random.below(3) == 0 { client.send(random.bytes(random.below(40))) }
        client.endOutput()
        // Every byte that comes is part of a message of a kind that servers send.
        for message in try client.untilClosed() {
          #expect("123ACDEGHIKNSTWZcdnstvR".contains(message.kind), "seed \(seed), round \(round): \(message)")
        }
        #expect(try other.run("select 1").rows == [["1"]])
      }
      await server.untilSessions(1)
      #expect(try other.run("select 2").rows == [["2"]])
    }
  }
}
