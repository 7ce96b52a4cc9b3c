package import Foundation
import Synchronization

/// A directory of its own for one test, removed when the last reference to it goes.
package final class TemporaryDirectory: Sendable {
  package let path: String
  private let aftermath: Aftermath

  package init() throws {
    var template = Array((FileManager.default.temporaryDirectory.path + "/millrace-test-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    aftermath = Aftermath("rm -rf '\(path)'")
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  private static let removedAtExit = Mutex<[String]>([])

  /// Removes the directory when the process ends: for one that all tests share, whose references never go.
  package func removeAtExit() {
    let isFirst = Self.removedAtExit.withLock { paths in
      paths.append(path)
      return paths.count == 1
    }
    guard isFirst else { return }
    atexit {
      let paths = TemporaryDirectory.removedAtExit.withLock { $0 }
      for path in paths { try? FileManager.default.removeItem(atPath: path) }
    }
  }

  package func url(_ relative: String) -> URL { URL(fileURLWithPath: path).appendingPathComponent(relative) }

  /// Makes a file, and the directories above it.
  package func write(_ bytes: some Sequence<UInt8>, to relative: String) throws {
    let url = url(relative)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  /// Makes a file of that length without giving it space.
  package func writeSparse(length: UInt64, to relative: String) throws {
    try write([], to: relative)
    let file = try FileHandle(forWritingTo: url(relative))
    defer { try? file.close() }
    try file.truncate(atOffset: length)
  }

  package func createDirectory(_ relative: String) throws {
    try FileManager.default.createDirectory(at: url(relative), withIntermediateDirectories: true)
  }

  package func createLink(_ relative: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: url(relative).path, withDestinationPath: target)
  }

  /// Everything in the directory, with lengths, times and contents, to show that nothing was changed.
  package func fingerprint() throws -> [String] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: path)
    return try names.sorted().map { name in
      let attributes = try FileManager.default.attributesOfItem(atPath: url(name).path)
      let isFile = attributes[.type] as? FileAttributeType == .typeRegular
      let contents = isFile ? try Data(contentsOf: url(name)).hashValue : 0
      return "\(name) \(attributes[.size] ?? 0) \(attributes[.modificationDate] ?? 0) \(contents)"
    }
  }
}
