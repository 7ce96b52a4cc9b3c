package import Foundation

/// A program that a test runs.
///
/// Foundation's `Process` takes a child for alive as long as anything that it started lives, which for `pg_ctl start`
/// is the server. So the child is started and waited for by hand. For the same reason its output goes to files.
package final class ChildProcess {
  /// Where a stream of the child goes.
  package enum Stream {
    /// Into ``Outcome``.
    case kept
    /// To a descriptor of ours, which stays ours.
    case descriptor(Int32)
    /// To a file that is there, such as a device.
    case file(String)
  }

  /// What a program did.
  package struct Outcome: Sendable {
    /// The exit status, or 128 and the number of the signal that killed it.
    package let status: Int32
    package let wasKilled: Bool
    package let output: String
    package let errors: String

    /// The lines on standard error.
    package var errorLines: [Substring] { errors.split(separator: "\n") }
  }

  package let processID: pid_t
  private let scratch: TemporaryDirectory
  private let aftermath: Aftermath

  /// Starts a program.
  /// - Parameters:
  ///   - command: the program's path, and its arguments.
  ///   - environment: beside a few that every program gets.
  package init(
    _ command: [String], environment: [String: String] = [:], output: Stream = .kept, errors: Stream = .kept
  ) throws {
    let scratch = try TemporaryDirectory()
    self.scratch = scratch
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    for (number, stream) in [(STDOUT_FILENO, output), (STDERR_FILENO, errors)] {
      switch stream {
      case .kept:
        let path = "\(scratch.path)/\(number)"
        posix_spawn_file_actions_addopen(&actions, number, path, O_WRONLY | O_CREAT, 0o600)
      case .descriptor(let descriptor): posix_spawn_file_actions_adddup2(&actions, descriptor, number)
      case .file(let path): posix_spawn_file_actions_addopen(&actions, number, path, O_WRONLY, 0)
      }
    }
    var variables = ["LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TZ": "UTC"]
    variables.merge(environment) { _, ours in ours }
    processID = try Self.spawn(command, variables, &actions)
    aftermath = Aftermath("kill -9 \(processID)")
  }

  /// Starts a program in the way of all programs of the tests.
  static func spawn(
    _ command: [String], _ environment: [String: String], _ actions: inout posix_spawn_file_actions_t,
    flags: Int16 = 0
  ) throws -> pid_t {
    // The threads that tests run on block signals, libraries ignore SIGPIPE, and a child would inherit both.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | flags)
    var child: pid_t = 0
    let code = withCStrings(command) { arguments in
      withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
        posix_spawn(&child, command[0], &actions, &attributes, arguments, environment)
      }
    }
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    return child
  }

  /// Runs a program and waits for it.
  package static func run(_ command: [String], environment: [String: String] = [:]) throws -> Outcome {
    try ChildProcess(command, environment: environment).wait()
  }

  package func send(_ signal: Int32) { kill(processID, signal) }

  /// Waits for its end. Once.
  package func wait() throws -> Outcome {
    var status: Int32 = 0
    while waitpid(processID, &status, 0) < 0 {
      guard errno == EINTR else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }
    aftermath.cancel()
    let signal = status & 0x7F
    return Outcome(
      status: signal == 0 ? status >> 8 & 0xFF : 128 + signal, wasKilled: signal != 0, output: kept(STDOUT_FILENO),
      errors: kept(STDERR_FILENO))
  }

  private func kept(_ number: Int32) -> String {
    (try? Data(contentsOf: scratch.url("\(number)"))).map { String(decoding: $0, as: UTF8.self) } ?? ""
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
