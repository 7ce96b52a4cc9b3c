import Foundation
import MillraceTestSupport

/// Runs shell commands that may mount what they like: it goes away with them.
enum Mounts {
  /// Why that cannot be done here; nil where it can.
  static let obstacle: String? = {
    guard geteuid() == 0 else { return "needs root" }
    let outcome = try? ChildProcess.run(["/usr/bin/unshare", "--mount", "/bin/true"])
    return outcome?.status == 0 ? nil : "needs to be able to mount"
  }()

  /// - Parameter script: run in an empty directory; `$MILLRACE` is the program.
  static func run(_ script: String) throws -> ChildProcess.Outcome {
    let temporary = try TemporaryDirectory()
    return try ChildProcess.run(
      ["/usr/bin/unshare", "--mount", "/bin/sh", "-ec", "cd \"$0\"; \(script)", temporary.path],
      environment: ["MILLRACE": Millrace.path, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
  }
}
