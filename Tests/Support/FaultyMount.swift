import Foundation

/// A directory seen through faultfs (Tools/faultfs), which is slow and faulty as told, and loses its power.
package final class FaultyMount: Sendable {
  package let path: String
  private let temporary: TemporaryDirectory
  private let aftermath: Aftermath
  private static let tool = PostgresInstallation.packageRoot.appendingPathComponent(".build/tools/faultfs").path

  /// Why it cannot be had here; nil where it can.
  package static var obstacle: String? {
    if geteuid() != 0 { return "needs root" }
    if access("/dev/fuse", R_OK | W_OK) != 0 { return "needs /dev/fuse" }
    if access(tool, X_OK) != 0 { return "needs scripts/build-tools.sh to have been run" }
    return nil
  }

  /// Whether tests that need it run: because it can be had, or because `MILLRACE_REQUIRE=all` wants it had.
  package static var isExpected: Bool {
    obstacle == nil || PostgresInstallation.environment["MILLRACE_REQUIRE"] == "all"
  }

  /// - Parameters:
  ///   - rules: lines of its control file.
  package init(_ backing: String, rules: String...) throws {
    temporary = try TemporaryDirectory()
    path = temporary.path + "/mount"
    try temporary.createDirectory("mount")
    aftermath = Aftermath("fusermount3 -u -z '\(path)'")
    let outcome = try ChildProcess.run([Self.tool, "--latency-us", "0", backing, path])
    guard outcome.status == 0 else { throw POSIXError(.EIO) }
    for rule in rules { try control(rule) }
  }

  deinit {
    _ = try? ChildProcess.run(["/usr/bin/fusermount3", "-u", "-z", path])
  }

  /// Adds a rule, or executes a command: the head of Tools/faultfs/faultfs.c says which there are.
  package func control(_ line: String) throws {
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path + "/.control"))
    defer { try? file.close() }
    try file.write(contentsOf: Data((line + "\n").utf8))
  }

  /// Removes all rules.
  package func clearRules() throws {
    let descriptor = open(path + "/.control", O_WRONLY | O_TRUNC)
    guard descriptor >= 0 else { throw POSIXError(.EIO) }
    close(descriptor)
  }

  /// A number that it counts.
  package func counter(_ name: String) throws -> Int {
    let text = try String(contentsOfFile: path + "/.counters", encoding: .utf8)
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, words[0] == name, let number = Int(words[1]) { return number }
    }
    throw POSIXError(.EINVAL)
  }

  /// Everything fails from now on, and what was not synced is lost: each sector of it or not, as the seed says, or all.
  package func powerOff(losing seed: UInt64?) throws {
    try control(seed.map { "power off \($0 % (1 << 62))" } ?? "power off")
  }

  package func powerOn() throws { try control("power on") }
}
