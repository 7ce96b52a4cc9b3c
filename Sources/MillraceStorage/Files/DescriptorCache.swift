import Glibc
import MillraceIO
import Synchronization

/// Keeps the number of open segments below a limit: `max_files_per_process`. Closes one that has not been used lately
/// and is in no I/O, by a clock over the open ones.
final class DescriptorCache: Sendable {
  private struct State {
    var open: [SegmentFile] = []
    var hand = 0
  }

  let limit: Int
  private let engine: IOEngine
  let fileSystem: IOFileSystem
  private let options: IOFileOptions
  private let state = Locked(State())

  init(engine: IOEngine, fileSystem: IOFileSystem, limit: Int, isWritable: Bool = false) {
    (self.engine, self.fileSystem, self.limit) = (engine, fileSystem, limit)
    options = isWritable ? .write : []
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
      if file.life.isOver {
        return IOError(.systemCall, errno: ENOENT, message: "could not open file \"\(file.path)\"")
      }
      while state.open.count >= limit, closeOne(&state) {}
      while true {
        do throws(IOError) {
          try file.open(in: fileSystem, options)
          state.open.append(file)
          return nil
        } catch {
          // The process, or the machine, has no more descriptors: one of ours is given up.
          guard error.errno == EMFILE || error.errno == ENFILE, closeOne(&state) else { return error }
        }
      }
    }
    if let failure { throw failure }
  }

  /// Closes one that nobody uses, one that has not been used lately if there is such. - Returns: false where all are in
  /// use.
  private func closeOne(_ state: inout State) -> Bool {
    let count = state.open.count
    for step in 0..<count * 3 {
      state.hand = (state.hand + 1) % count
      let file = state.open[state.hand]
      // The first round clears marks that others may set again while the second looks; the third takes what it can get.
      if file.recentlyUsed.clear(), step < count * 2 { continue }
      guard file.markClosed() else { continue }
      close(file)
      state.open.swapAt(state.hand, count - 1)
      state.open.removeLast()
      return true
    }
    return false
  }

  private func close(_ file: SegmentFile) {
    engine.willClose(file)
    file.closeUnderlying()
  }

  /// Sees to it that no segment of a fork is opened any more. Those that are open stay so.
  func end(_ life: ForkLife) { state.withLock { _ in life.end() } }

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
