import Foundation

@testable import MillraceIO

/// This machine's file system, where opening can be made to fail, and is counted.
final class FaultyFileSystem: IOFileSystem, @unchecked Sendable {
  // Safe because what is mutable is inside the lock.

  private struct State {
    var failures: [String: (errno: Int32, times: Int)] = [:]
    var opened: [String] = []
  }

  private let state = Locked(State())
  private let local = LocalFileSystem()

  /// Fails the next `times` attempts to open paths that end with `suffix`.
  func fail(_ number: Int32, opening suffix: String, times: Int = .max) {
    state.withLock { $0.failures[suffix] = (number, times) }
  }

  func heal() { state.withLock { $0.failures = [:] } }

  /// The last parts of the paths that were opened, in order.
  var opened: [String] { state.withLock { $0.opened } }

  override func open(
    _ path: String, name: String, _ options: IOFileOptions, blockSize: Int, firstBlock: UInt64
  ) throws(IOError) -> IOFile {
    let failure = state.withLock { state -> Int32? in
      guard let suffix = state.failures.keys.first(where: path.hasSuffix), let entry = state.failures[suffix],
        entry.times > 0
      else {
        state.opened.append(String(path.split(separator: "/").last ?? ""))
        return nil
      }
      state.failures[suffix] = (entry.errno, entry.times - 1)
      return entry.errno
    }
    if let failure {
      throw IOError(.systemCall, errno: failure, message: "could not open file \"\(name)\"")
    }
    return try local.open(path, name: name, options, blockSize: blockSize, firstBlock: firstBlock)
  }

  override func exists(_ path: String) throws(IOError) -> Bool { try local.exists(path) }

  override func kind(of path: String) throws(IOError) -> IOFileKind? { try local.kind(of: path) }

  override func list(_ directory: String) throws(IOError) -> [String] { try local.list(directory) }

  override func makeDirectory(_ path: String) throws(IOError) { try local.makeDirectory(path) }

  override func remove(_ path: String) throws(IOError) { try local.remove(path) }

  override func removeDirectory(_ path: String) throws(IOError) { try local.removeDirectory(path) }

  override func rename(_ path: String, to newPath: String) throws(IOError) { try local.rename(path, to: newPath) }

  override func syncDirectory(_ path: String) throws(IOError) { try local.syncDirectory(path) }
}
