import Foundation

/// A directory of its own for one test, gone with its contents when the test is over.
///
/// On a disk rather than in memory, because direct I/O shall be the real one; `MILLRACE_TEST_DIRECTORY` puts it
/// elsewhere.
final class TestDirectory: Sendable {
  let path: String

  init() throws {
    let parent = ProcessInfo.processInfo.environment["MILLRACE_TEST_DIRECTORY"] ?? "/var/tmp"
    path = "\(parent)/millrace-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func path(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file of ``Pattern`` bytes.
  func makeFile(_ name: String = "data", byteCount: Int, seed: UInt64 = 1) throws -> String {
    try Data(Pattern(seed: seed).bytes(0..<byteCount)).write(to: URL(filePath: path(name)))
    return path(name)
  }
}
