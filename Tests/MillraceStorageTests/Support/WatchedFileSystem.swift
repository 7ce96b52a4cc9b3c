import Glibc

@testable import MillraceIO

/// Files that hold nothing, on which a test can see every opening and closing while it happens.
final class WatchedFileSystem: IOFileSystem, @unchecked Sendable {
  // Safe because what is mutable is inside the lock.

  private struct State {
    var opened: [String: Int] = [:]
    /// Opened and not closed, opening and closing included.
    var held = 0
    var heldMax = 0
    var moving: Set<String> = []
    var openings = 0
    /// Openings or closings of one file at the same time.
    var collisions = 0
  }

  private let state = Locked(State())
  /// Called in the middle of an opening and of a closing.
  private let pause: @Sendable (String) -> Void
  /// The error number of an opening that fails; 0 for none.
  private let failure: @Sendable (String) -> Int32

  init(
    failure: @escaping @Sendable (String) -> Int32 = { _ in 0 }, pause: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    (self.failure, self.pause) = (failure, pause)
  }

  /// Files open at present, and at most.
  var held: Int { state.withLock { $0.held } }
  var heldMax: Int { state.withLock { $0.heldMax } }
  var openings: Int { state.withLock { $0.openings } }
  var collisions: Int { state.withLock { $0.collisions } }

  private func begin(_ path: String) {
    state.withLock { if !$0.moving.insert(path).inserted { $0.collisions += 1 } }
  }

  private func end(_ path: String, opened change: Int) {
    state.withLock { state in
      state.moving.remove(path)
      state.opened[path, default: 0] += change
      // One segment object has one descriptor.
      if state.opened[path] != 0, state.opened[path] != 1 { state.collisions += 1 }
    }
  }

  override func open(
    _ path: String, name: String, _ options: IOFileOptions, blockSize: Int, firstBlock: UInt64
  ) throws(IOError) -> IOFile {
    begin(path)
    state.withLock { state in
      state.openings += 1
      state.held += 1
      state.heldMax = max(state.heldMax, state.held)
    }
    pause(path)
    let number = failure(path)
    end(path, opened: number == 0 ? 1 : 0)
    guard number == 0 else {
      state.withLock { $0.held -= 1 }
      throw IOError(.systemCall, errno: number, message: "could not open file \"\(name)\"")
    }
    return WatchedFile(self, path)
  }

  final class WatchedFile: IOFile, @unchecked Sendable {
    // Safe because it has no state that changes.
    private let fileSystem: WatchedFileSystem

    init(_ fileSystem: WatchedFileSystem, _ path: String) {
      self.fileSystem = fileSystem
      super.init(path: path)
    }

    override func size() throws(IOError) -> Int64 { 0 }

    override func close() {
      fileSystem.begin(path)
      fileSystem.pause(path)
      fileSystem.end(path, opened: -1)
      fileSystem.state.withLock { $0.held -= 1 }
    }
  }
}
