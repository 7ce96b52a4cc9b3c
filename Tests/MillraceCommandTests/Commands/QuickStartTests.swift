import Foundation
import MillraceIO
import MillraceTestSupport
import Testing

/// The commands of docs/quick-start.md, run as they stand there.
@Suite("the quick start", .serialized, .enabled(if: PostgresInstallation.isExpected(18)))
struct QuickStartTests {
  struct Setup: Sendable, CustomTestStringConvertible {
    let method: IOMethodKind
    let direct: String
    var testDescription: String { "\(method), io_direct=\(direct.isEmpty ? "off" : direct)" }
  }

  private static let directs = [
    "", "data", "wal", "wal_init", "data,wal", "data,wal_init", "wal,wal_init", "data,wal,wal_init",
  ]

  /// Every method buffered and with everything direct, and every combination of direct I/O with the default method.
  /// What is not there cannot be shown; the conformance suite says where that is an error.
  private static let setups =
    [IOMethodKind.sync, .worker, .ioUring, .posixAIO].filter { MethodSelection.obstacle(to: $0) == nil }.flatMap {
      method in
      ["", "data,wal,wal_init"].map { Setup(method: method, direct: $0) }
    }
    + directs.dropFirst().dropLast().map { Setup(method: .worker, direct: $0) }

  /// The script: all blocks that are marked as shell.
  private static func script() throws -> String {
    let page = try String(
      contentsOfFile: PostgresInstallation.packageRoot.path + "/docs/quick-start.md", encoding: .utf8)
    var (blocks, isInside): ([Substring], Bool) = ([], false)
    for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
      switch line {
      case "```sh": isInside = true
      case "```": isInside = false
      default: if isInside { blocks.append(line) }
      }
    }
    return "set -eu\n" + blocks.joined(separator: "\n") + "\n"
  }

  @Test(arguments: setups)
  func `every command of the page works`(setup: Setup) throws {
    let directory = try TemporaryDirectory()
    try Self.script().write(toFile: directory.path + "/script", atomically: true, encoding: .utf8)
    let programs = try PostgresInstallation.required(18).binaries
    let ours = URL(fileURLWithPath: Millrace.path).deletingLastPathComponent().path
    let path = "\(ours):\(programs):\(PostgresInstallation.environment["PATH"] ?? "/usr/bin:/bin")"
    let outcome = try ChildProcess.run([
      "/usr/bin/env", "PATH=\(path)", "METHOD=\(setup.method)", "DIRECT=\(setup.direct)", "PGHOST=\(directory.path)",
      "bash", "-c", "cd \(directory.path) && bash script",
    ])
    let log = (try? String(contentsOfFile: directory.path + "/server.log", encoding: .utf8)) ?? ""
    #expect(outcome.status == 0, "\(outcome.errors)\n\(log)")
    #expect(outcome.errors == "")
    // What the settings were asked to be, they are; the sum is that of all 60,000 rows; recovery found work.
    let shown = outcome.output
    #expect(shown.contains(" \(setup.method)\n"))
    #expect(shown.contains("60000 | "))
    #expect(shown.contains("recovered data in "))
    #expect(shown.contains(": no damage"))
  }
}
