import Dispatch

@testable import MillraceIO

/// Files that only count what is written to them, and what of that has been synced.
final class SyncedFileSystem: IOFileSystem, @unchecked Sendable {
  // Safe because what is mutable is inside the lock.

  private struct State {
    var written: [String: Int] = [:]
    var synced: [String: Int] = [:]
    var requested: [String: Int] = [:]
    var arrived = 0
  }

  private let state = Locked(State())
  /// Syncs end only when so many have begun.
  private let meeting: Int
  private let met = DispatchSemaphore(value: 0)

  init(meeting: Int = 1) { self.meeting = meeting }

  /// Writes of each file that have been asked to be synced.
  var requested: [String: Int] { state.withLock { $0.requested } }

  func synced(_ path: String) -> Int { state.withLock { $0.synced[path] ?? 0 } }

  /// Writes to a file, asks for its sync, and notes that it has been asked for.
  func write(_ path: String, request: () -> Void) {
    let number = state.withLock { state in
      state.written[path, default: 0] += 1
      return state.written[path] ?? 0
    }
    request()
    state.withLock { $0.requested[path] = max($0.requested[path] ?? 0, number) }
  }

  override func open(
    _ path: String, name: String, _ options: IOFileOptions, blockSize: Int, firstBlock: UInt64
  ) throws(IOError) -> IOFile { CountingFile(self, path) }

  override func syncDirectory(_ path: String) throws(IOError) {}

  private final class CountingFile: IOFile, @unchecked Sendable {
    // Safe because it has no state that changes.
    private let fileSystem: SyncedFileSystem

    init(_ fileSystem: SyncedFileSystem, _ path: String) {
      self.fileSystem = fileSystem
      super.init(path: path)
    }

    override func sync(dataOnly: Bool) -> Int64 {
      let isLast = fileSystem.state.withLock { state in
        state.synced[path] = state.written[path] ?? 0
        state.arrived += 1
        return state.arrived == fileSystem.meeting
      }
      guard fileSystem.meeting > 1 else { return 0 }
      if isLast { for _ in 1..<fileSystem.meeting { fileSystem.met.signal() } } else { fileSystem.met.wait() }
      return 0
    }
  }
}
