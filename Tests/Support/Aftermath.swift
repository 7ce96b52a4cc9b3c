import Foundation
import Synchronization

/// What is to be done when this process ends and has not done it itself, whatever ended it: servers, mounts and other
/// programs of the tests would go on for ever after a `kill -9`.
///
/// A shell does it that reads from a socket of ours: it comes to the end of that when we are gone. (The kernel's own
/// way, PR_SET_PDEATHSIG, goes by the thread that started the child, and those of the tests come and go.)
package final class Aftermath: Sendable {
  private let number: Int

  /// - Parameter command: for the shell, in one line; executed in the opposite order of their beginnings.
  package init(_ command: String) {
    number = Self.next.wrappingAdd(1, ordering: .relaxed).oldValue
    Self.tell("+\(number) \(command)")
  }

  /// It has been done, or need not be done any more.
  package func cancel() { Self.tell("-\(number)") }

  deinit { cancel() }

  private static let next = Atomic<Int>(1)
  /// Where the shell reads; -1 where there is none, and nothing is promised.
  private static let socket: Int32 = startShell()

  private static func tell(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    // One call, so that lines of several threads do not mix.
    _ = bytes.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  private static let script = """
    numbers=
    while IFS= read -r line; do
      number=${line%% *}
      case $line in
        +*) eval "command${number#+}=\\${line#* }"; numbers="${number#+} $numbers" ;;
        -*) unset "command${number#-}" ;;
      esac
    done
    for number in $numbers; do
      eval "eval \\"\\${command$number-}\\""
    done
    """

  private static func startShell() -> Int32 {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return -1 }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
    for output in [STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0)
    }
    // A group of its own: what is sent to all of ours, by Ctrl-C or `timeout`, shall not end it.
    let child = try? ChildProcess.spawn(
      ["/bin/sh", "-c", script], ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"], &actions,
      flags: Int16(POSIX_SPAWN_SETPGROUP))
    close(ends[0])
    guard child == nil else { return ends[1] }
    close(ends[1])
    return -1
  }
}
