import Foundation
import MillraceTestSupport
import Testing

/// PostgreSQL 18's own server, on a directory that we have made.
struct DirectoryServer {
  let installation: PostgresInstallation
  let path: String

  /// - Parameter owner: the directory, above it, that the server's user is to own.
  init(_ path: String, owner: String) throws {
    installation = try PostgresInstallation.required(18)
    self.path = path
    for name in ["postgresql.conf", "postgresql.auto.conf", "pg_ident.conf"] {
      try Data().write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }
    try Data("local all all trust\n".utf8).write(to: URL(fileURLWithPath: "\(path)/pg_hba.conf"))
    try PostgresCluster.giveToServer(owner)
  }

  init(_ rig: CatalogRig) throws {
    try self.init(rig.rig.path, owner: URL(fileURLWithPath: rig.rig.path).deletingLastPathComponent().path)
  }

  func whileRunning(_ body: () throws -> Void) throws {
    let options = "-c listen_addresses='' -c unix_socket_directories='\(path)' -c fsync=off -c autovacuum=off"
    try installation.run("pg_ctl", ["start", "-w", "-D", path, "-o", options, "-l", "\(path)/server.log"])
    do {
      try body()
      try installation.run("pg_ctl", ["stop", "-w", "-D", path, "-m", "fast"])
    } catch {
      _ = try? installation.run("pg_ctl", ["stop", "-w", "-D", path, "-m", "immediate"])
      throw error
    }
  }

  func expect(
    _ answer: [String], _ statements: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let found = try query(statements)
    #expect(found == answer, sourceLocation: sourceLocation)
  }

  func query(_ statement: String, in database: String = "postgres") throws -> [String] {
    try query([statement], in: database)
  }

  private func query(_ statements: [String], in database: String = "postgres") throws -> [String] {
    var arguments = ["-h", path, "-U", "postgres", "-d", database, "-XAtq", "-v", "ON_ERROR_STOP=1"]
    for statement in statements { arguments += ["-c", statement] }
    return try installation.run("psql", arguments).output.split(separator: "\n").map(String.init)
  }
}
