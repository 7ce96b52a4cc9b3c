import MillraceIO
import Synchronization

/// Keeps the number of open segments below a limit: `max_files_per_process`. Closes one that has not been used lately and is in
/// no I/O, by a clock over the open ones.
final class DescriptorCache: Sendable {
  private struct State {
    var open: [SegmentFile] = []
    var hand = 0
  }

  let limit: Int
  private let engine: IOEngine
  private let fileSystem: IOFileSystem
  private let state = Mutex(State())

  init(engine: IOEngine, fileSystem: IOFileSystem, limit: Int) {
    (self.engine, self.fileSystem, self.limit) = (engine, fileSystem, limit)
  }

  /// Puts a file to use, opening it if need be. Ends with ``IOFile/endUse()``.
  /// - Complexity: one atomic add where the file is open.
  @inline(__always) func use(_ file: SegmentFile) throws(IOError) {
    file.recentlyUsed.mark()
    while !file.beginUse() { try open(file) }
  }

  /// How many are open.
  var openCount: Int { state.withLock { $0.open.count } }

  private func open(_ file: SegmentFile) throws(IOError) {
    let failure = state.withLock { state -> IOError? in
      // Another thread may have been faster.
      if file.beginUse() {
        file.endUse()
        return nil
      }
      while state.open.count >= limit, closeOne(&state) {}
      do throws(IOError) {
        try file.open(in: fileSystem)
        state.open.append(file)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }

  /// Closes one that nobody uses. - Returns: false where all are in use.
  private func closeOne(_ state: inout State) -> Bool {
    for _ in 0..<state.open.count * 2 {
      state.hand = (state.hand + 1) % state.open.count
      let file = state.open[state.hand]
      if file.recentlyUsed.clear() { continue }
      guard file.markClosed() else { continue }
      close(file)
      state.open.swapAt(state.hand, state.open.count - 1)
      state.open.removeLast()
      return true
    }
    return false
  }

  private func close(_ file: SegmentFile) {
    engine.willClose(file)
    file.closeUnderlying()
  }

  /// Closes segments whose fork goes. Nobody uses them any more.
  func forget(_ files: [SegmentFile]) {
    state.withLock { state in
      for file in files {
        if file.markClosed() { close(file) }
        state.open.removeAll { $0 === file }
      }
    }
  }
}

/// Whether a file has been used since somebody last looked.
struct RecentUse: ~Copyable, Sendable {
  private let flag = Atomic<Bool>(true)

  @inline(__always) func mark() {
    if !flag.load(ordering: .relaxed) { flag.store(true, ordering: .relaxed) }
  }

  func clear() -> Bool { flag.exchange(false, ordering: .relaxed) }
}
