import Foundation
import MillraceTestSupport

/// A directory seen through faultfs (Tools/faultfs), which is slow and faulty as told.
final class FaultyMount {
  let path: String
  private let temporary: TemporaryDirectory
  private static let tool = PostgresInstallation.packageRoot.appendingPathComponent(".build/tools/faultfs").path

  /// Why it cannot be had here; nil where it can.
  static var obstacle: String? {
    if geteuid() != 0 { return "needs root" }
    if access("/dev/fuse", R_OK | W_OK) != 0 { return "needs /dev/fuse" }
    if access(tool, X_OK) != 0 { return "needs scripts/build-tools.sh to have been run" }
    return nil
  }

  /// - Parameters:
  ///   - rules: lines of its control file.
  init(_ backing: String, rules: String...) throws {
    temporary = try TemporaryDirectory()
    path = temporary.path + "/mount"
    try temporary.createDirectory("mount")
    let outcome = try ChildProcess.run([Self.tool, "--latency-us", "0", backing, path])
    guard outcome.status == 0 else { throw POSIXError(.EIO) }
    for rule in rules { try Data((rule + "\n").utf8).write(to: URL(fileURLWithPath: path + "/.control")) }
  }

  deinit {
    _ = try? ChildProcess.run(["/usr/bin/fusermount3", "-u", "-z", path])
  }
}
