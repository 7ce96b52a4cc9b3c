import Foundation

/// A directory of its own for one test, gone with its contents when the test is over.
///
/// On a disk rather than in memory, because direct I/O and fdatasync shall be the real ones; `MILLRACE_TEST_DIRECTORY`
/// puts it elsewhere.
package final class DiskDirectory: Sendable {
  package let path: String
  private let aftermath: Aftermath

  package init() throws {
    let parent = ProcessInfo.processInfo.environment["MILLRACE_TEST_DIRECTORY"] ?? "/var/tmp"
    path = "\(parent)/millrace-\(UUID().uuidString)"
    aftermath = Aftermath("rm -rf '\(path)'")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  package func path(_ name: String) -> String { "\(path)/\(name)" }
}
