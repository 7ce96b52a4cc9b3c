import Foundation
// Threads and places for files are shared with the tests of other targets.
@_exported import MillraceTestSupport

extension DiskDirectory {
  /// Writes a file of ``Pattern`` bytes.
  func makeFile(_ name: String = "data", byteCount: Int, seed: UInt64 = 1) throws -> String {
    try Data(Pattern(seed: seed).bytes(0..<byteCount)).write(to: URL(filePath: path(name)))
    return path(name)
  }
}
