import Foundation
package import MillraceStorage

/// A cluster made by a real PostgreSQL, in a directory of its own.
package final class PostgresCluster: Sendable {
  package let installation: PostgresInstallation
  package let temporary: TemporaryDirectory

  package var path: String { temporary.path + "/data" }

  /// Makes a cluster with `initdb`.
  /// - Parameters:
  ///   - options: more arguments for `initdb`.
  ///   - settings: lines for the server's configuration.
  package init(
    _ installation: PostgresInstallation, checksums: Bool = true, options: [String] = [], settings: [String] = []
  ) throws {
    self.installation = installation
    temporary = try Self.ownedDirectory()
    var arguments = ["-D", path, "-U", "postgres", "-A", "trust", "-N"]
    if checksums {
      arguments.append("--data-checksums")
    } else if installation.majorVersion >= 18 {
      arguments.append("--no-data-checksums")
    }
    try installation.run("initdb", arguments + options)
    if !settings.isEmpty {
      try edit("postgresql.auto.conf") { $0 += Array(settings.map { $0 + "\n" }.joined().utf8) }
    }
  }

  /// Makes a copy of a cluster that is not running. Tablespaces outside of it are shared.
  package init(copying other: PostgresCluster) throws {
    installation = other.installation
    temporary = try Self.ownedDirectory()
    try PostgresInstallation.run("/bin/cp", ["-a", "--reflink=auto", other.path, path])
  }

  private static func ownedDirectory() throws -> TemporaryDirectory {
    let temporary = try TemporaryDirectory()
    try giveToServer(temporary.path)
    return temporary
  }

  /// Makes a file or directory, with all that is in it, the property of the user under whom the programs run.
  package static func giveToServer(_ path: String) throws {
    guard geteuid() == 0, let user = getpwnam("postgres") else { return }
    let (owner, group) = (user.pointee.pw_uid, user.pointee.pw_gid)
    let inside = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
    for place in [path] + inside.map({ path + "/" + $0 }) {
      guard lchown(place, owner, group) == 0 else { throw POSIXError(.EPERM) }
    }
  }

  /// Makes a directory beside the cluster that the server may use.
  package func makeDirectory(_ name: String) throws -> String {
    let place = temporary.path + "/" + name
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
    try Self.giveToServer(place)
    return place
  }

  /// Runs the body while the server runs, and shuts the server down.
  @discardableResult
  package func whileRunning<Result>(_ body: () throws -> Result) throws -> Result {
    let options =
      "-c listen_addresses='' -c unix_socket_directories='\(temporary.path)' -c fsync=off "
      + "-c allow_in_place_tablespaces=on -c autovacuum=off"
    try installation.run("pg_ctl", ["start", "-w", "-D", path, "-o", options, "-l", temporary.path + "/log"])
    let aftermath = Aftermath("kill -QUIT $(head -n 1 '\(path)/postmaster.pid')")
    defer { aftermath.cancel() }
    do {
      let result = try body()
      try stop(mode: "fast")
      return result
    } catch {
      try? stop(mode: "immediate")
      throw error
    }
  }

  package func stop(mode: String) throws {
    try installation.run("pg_ctl", ["stop", "-w", "-D", path, "-m", mode])
  }

  /// Runs statements in the running server, each in a transaction of its own. Returns one line a row, columns separated
  /// by |.
  @discardableResult
  package func query(_ statements: String...) throws -> [String] {
    var arguments = ["-h", temporary.path, "-U", "postgres", "-d", "postgres", "-XAtq", "-v", "ON_ERROR_STOP=1"]
    for statement in statements { arguments += ["-c", statement] }
    return try installation.run("psql", arguments).output.split(separator: "\n").map(String.init)
  }

  package func open() throws -> DataDirectory { try DataDirectory(path: path) }

  // MARK: - Files of the stopped cluster

  package func read(_ relative: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path + "/" + relative)))
  }

  package func write(_ bytes: [UInt8], to relative: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + relative))
    try Self.giveToServer(path + "/" + relative)
  }

  /// Changes the bytes of a file.
  package func edit(_ relative: String, _ change: (inout [UInt8]) -> Void) throws {
    var bytes = try read(relative)
    change(&bytes)
    try write(bytes, to: relative)
  }
}
