import Foundation
import MillraceServer
import MillraceTestSupport
import Testing

@Suite("TLS")
struct TLSTests {
  /// A certificate for `localhost` that nobody signed, made once.
  private static let files: Result<[String: String], any Error> = Result {
    let directory = try TemporaryDirectory()
    let (key, certificate) = (directory.path + "/key", directory.path + "/crt")
    _ = try ChildProcess.run([
      "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key,
      "-out", certificate,
    ])
    return [
      "server.key": try String(contentsOfFile: key, encoding: .utf8),
      "server.crt": try String(contentsOfFile: certificate, encoding: .utf8),
    ]
  }

  private static let isThere = FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")

  @Test(
    "a real client encrypts, and checks whom it talks to",
    .enabled(if: isThere && PostgresInstallation.isExpected(15)))
  func psql() async throws {
    let psql = try PostgresInstallation.required(15).binaries + "/psql"
    let rules = "hostssl all all all trust\nhostnossl all all all reject\n"
    try await TestServer.with(settings: ["ssl": "on"], rules: rules, files: try Self.files.get()) { server in
      func run(_ mode: String) throws -> ChildProcess.Outcome {
        let target =
          "host=localhost hostaddr=127.0.0.1 port=\(server.port) user=postgres sslmode=\(mode)"
          + " sslrootcert=\(server.directory.path)/server.crt"
        return try ChildProcess.run([
          psql, "-XAtq", target, "-c", "\\conninfo", "-c", "select generate_series(1, 20000)",
        ])
      }
      let outcome = try run("verify-full")
      #expect(outcome.output.contains("SSL connection (protocol: TLSv1.3"), "\(outcome.errors)")
      #expect(outcome.output.hasSuffix("\n20000\n"))
      #expect(try run("disable").errors.contains("no encryption"))
    }
  }

  @Test("a client may begin with TLS at once, if it says by ALPN what for", .enabled(if: isThere))
  func direct() async throws {
    try await TestServer.with(settings: ["ssl": "on"], files: try Self.files.get()) { server in
      func connect(_ arguments: String, _ packet: [UInt8]) throws -> ChildProcess.Outcome {
        try server.directory.write(packet, to: "packet")
        return try ChildProcess.run([
          "/bin/sh", "-c",
          "openssl s_client -connect 127.0.0.1:\(server.port) -quiet \(arguments) < \(server.directory.path)/packet",
        ])
      }
      let packet = TestClient.startupPacket(user: "postgres") + TestClient.message("Q", TestClient.string("select 17"))
      let query = packet + TestClient.message("X")
      let (named, unnamed) = (try connect("-alpn postgresql", query), try connect("", query))
      #expect(named.output.contains("SELECT 1"), "\(named.errors)")
      #expect(!unnamed.output.contains("SELECT 1"))
      #expect(
        server.log.lines.contains(
          "FATAL: received direct SSL connection request without ALPN protocol negotiation extension"))
    }
  }

  @Test("what comes in the clear behind the request for encryption ends the connection", .enabled(if: isThere))
  func injected() async throws {
    try await TestServer.with(settings: ["ssl": "on"], files: try Self.files.get()) { server in
      let client = try server.rawConnect()
      client.send(
        TestClient.integer(Int32(8)) + TestClient.integer(UInt32(1234 << 16 | 5679))
          + TestClient.startupPacket(user: "postgres"))
      let error = try #require(try client.untilClosed().error)
      #expect(error["C"] == "08P01" && error["M"] == "received unencrypted data after SSL request")
    }
  }

  @Test("a key that others can read is not used", .enabled(if: isThere))
  func permissions() async throws {
    let directory = try TemporaryDirectory()
    for (name, text) in try Self.files.get() {
      try directory.write(text.utf8, to: name)
      chmod("\(directory.path)/\(name)", 0o644)
    }
    do {
      let server = try await TestServer(
        settings: ["ssl": "on", "ssl_key_file": "\(directory.path)/server.key"], files: try Self.files.get())
      await server.stop()
      Issue.record("it was used")
    } catch let error as ErrorReport {
      #expect(error.message.hasSuffix("has group or world access"))
    }
  }
}
