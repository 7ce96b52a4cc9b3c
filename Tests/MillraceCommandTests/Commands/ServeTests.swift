import Foundation
import MillraceTestSupport
import Testing

@Suite("millrace serve")
struct ServeTests {
  private func cluster() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    #expect(try Millrace.run("init", "-D", directory.path + "/data").status == 0)
    return directory
  }

  private func psql(_ directory: TemporaryDirectory, _ sql: String) throws -> ChildProcess.Outcome {
    let program = try PostgresInstallation.required(18).binaries + "/psql"
    return try ChildProcess.run([program, "-XAtq", "-h", directory.path, "-U", "postgres", "-c", sql])
  }

  @Test(
    "serves from its first line to its last, once per directory, and is closed in order after SIGTERM and SIGINT",
    .enabled(if: PostgresInstallation.isExpected(18)), arguments: [SIGTERM, SIGINT])
  func life(signal: Int32) throws {
    let directory = try cluster()
    let server = try RunningServer(directory)
    server.read(until: RunningServer.ready)
    #expect(server.log.contains("LOG:  starting Millrace"))
    #expect(server.log.contains("LOG:  listening on Unix socket \"\(directory.path)/.s.PGSQL.5432\""))
    let lock = try String(contentsOfFile: directory.path + "/data/postmaster.pid", encoding: .utf8)
    let lines = lock.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[0] == "\(server.process.processID)" && lines[3] == "5432" && lines[4] == directory.path)
    #expect(try psql(directory, "show unix_socket_directories").output == directory.path + "\n")
    #expect(try psql(directory, "checkpoint").status == 0)
    let second = try Millrace.run("serve", "-D", directory.path + "/data", "-h", "")
    #expect(second.status == 2 && second.errors.contains("postmaster.pid"))
    #expect(try server.end(signal) == 0)
    #expect(server.log.contains("LOG:  received \(signal == SIGTERM ? "smart" : "fast") shutdown request\n"))
    #expect(server.log.hasSuffix("LOG:  database system is shut down\n"))
    #expect(!FileManager.default.fileExists(atPath: directory.path + "/.s.PGSQL.5432"))
    #expect(try Millrace.run("recover", "-D", directory.path + "/data").output.contains("closed in order"))
  }

  @Test("ends at once after SIGQUIT, and the next one recovers")
  func immediate() throws {
    let directory = try cluster()
    let first = try RunningServer(directory)
    first.read(until: RunningServer.ready)
    #expect(try first.end(SIGQUIT) == 0)
    #expect(first.log.contains("LOG:  received immediate shutdown request\n"))
    #expect(!first.log.contains("shutting down\n"))
    let second = try RunningServer(directory)
    second.read(until: RunningServer.ready)
    #expect(second.log.contains("database system was not properly shut down; automatic recovery in progress"))
    #expect(try second.end(SIGTERM) == 0)
  }

  @Test(
    "takes new rules at SIGHUP, and keeps the old ones where the new make no sense",
    .enabled(if: PostgresInstallation.isExpected(18)))
  func reload() throws {
    let directory = try cluster()
    let server = try RunningServer(directory)
    server.read(until: RunningServer.ready)
    #expect(try psql(directory, "show port").output == "5432\n")
    try directory.write("local all all reject\n".utf8, to: "data/millrace_hba.conf")
    server.process.send(SIGHUP)
    server.read(until: "configuration files reloaded\n")
    #expect(try psql(directory, "show port").errors.contains("pg_hba.conf rejects connection"))
    try directory.write("nonsense\n".utf8, to: "data/millrace_hba.conf")
    server.process.send(SIGHUP)
    server.read(until: "configuration was not reloaded\n")
    #expect(try psql(directory, "show port").errors.contains("pg_hba.conf rejects connection"))
    #expect(try server.end(SIGTERM) == 0)
  }

  @Test("listens to others only when there is a password, which a command makes")
  func passwords() throws {
    let directory = try cluster()
    let data = directory.path + "/data"
    let refused = try Millrace.run(
      "serve", "-D", data, "-h", "0.0.0.0", "-c", "unix_socket_directories=\(directory.path)")
    #expect(refused.status == 2 && refused.errors.contains("no role has a password"))
    try directory.write("secret\n".utf8, to: "secret")
    let made = try ChildProcess.run(
      ["/bin/sh", "-c", "\(Millrace.path) password -D \(data) postgres < \(directory.path)/secret"])
    #expect(made.status == 0, "\(made.errors)")
    #expect(made.output == "role postgres has a password\n")
    let server = try RunningServer(directory, ["-h", "0.0.0.0", "-p", "\(20_000 + getpid() % 20_000)"])
    server.read(until: RunningServer.ready)
    #expect(server.log.contains("listening on IPv4 address \"0.0.0.0\""))
    #expect(try server.end(SIGTERM) == 0)
  }
}
