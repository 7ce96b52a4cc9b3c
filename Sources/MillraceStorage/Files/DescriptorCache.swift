import Glibc
import MillraceIO
import Synchronization

/// Keeps the number of open segments below a limit: `max_files_per_process`. Closes one that has not been used lately
/// and is in no I/O, by a clock over the open ones.
///
/// The lock is held to decide, never while the system opens or closes. What is being opened has its place reserved;
/// what is being opened or closed is *in transit*, and whoever wants it meanwhile sleeps until that is over.
final class DescriptorCache: Sendable {
  private struct State {
    var open: [SegmentFile] = []
    /// Places for files that are being opened.
    var reserved = 0
    var hand = 0
  }

  let limit: Int
  let engine: IOEngine
  let fileSystem: IOFileSystem
  /// Whether files are opened for writing as well.
  let isWritable: Bool
  private let state = Locked(State())
  private let transits = OwnedEventCount()

  init(engine: IOEngine, fileSystem: IOFileSystem, limit: Int, isWritable: Bool) {
    (self.engine, self.fileSystem, self.limit, self.isWritable) = (engine, fileSystem, limit, isWritable)
  }

  /// Puts a file to use, opening it if need be. Ends with ``IOFile/endUse()``.
  /// - Complexity: one atomic add where the file is open.
  @inline(__always) func use(_ file: SegmentFile) throws(IOError) {
    file.recentlyUsed.mark()
    if !file.beginUse() { try open(file, []) }
  }

  /// The same for a file that is made if it is not there.
  /// - Parameter exclusively: with EEXIST where it is there.
  func create(_ file: SegmentFile, exclusively: Bool = false) throws(IOError) {
    file.recentlyUsed.mark()
    guard !file.beginUse() else {
      guard exclusively else { return }
      file.endUse()
      throw IOError(.systemCall, errno: EEXIST, message: "could not create file \"\(file.path)\"")
    }
    try open(file, exclusively ? [.create, .exclusive] : .create)
  }

  /// How many are open.
  var openCount: Int { state.withLock { $0.open.count } }

  // MARK: Opening

  private enum Step {
    case inUse
    case isOver
    /// Somebody else opens or closes it.
    case wait(UInt64)
    /// It is ours to open, after this one has been closed.
    case open(closing: SegmentFile?)
  }

  private func open(_ file: SegmentFile, _ options: IOFileOptions) throws(IOError) {
    while true {
      switch nextStep(file) {
      case .inUse: return
      case .isOver: throw IOError(.systemCall, errno: ENOENT, message: "could not open file \"\(file.path)\"")
      case .wait(let ticket): transits.event.sleep(ticket)
      case .open(let victim): return try open(file, options, closing: victim)
      }
    }
  }

  private func nextStep(_ file: SegmentFile) -> Step {
    state.withLock { state in
      if file.isInTransit { return .wait(transits.event.prepare()) }
      if file.beginUse() { return .inUse }
      guard !file.life.isOver else { return .isOver }
      file.isInTransit = true
      file.life.openings += 1
      state.reserved += 1
      return .open(closing: takeExcess(&state))
    }
  }

  /// Opens a file that is ours to open.
  private func open(
    _ file: SegmentFile, _ options: IOFileOptions, closing first: SegmentFile?
  ) throws(IOError) {
    let options = isWritable ? options.union(.write) : options
    var failure: IOError?
    var victim = first
    while true {
      if let victim { close(victim) }
      do throws(IOError) {
        try file.open(in: fileSystem, options)
        failure = nil
      } catch {
        failure = error
        // The process, or the machine, has no more descriptors: one of ours is given up.
        if error.errno == EMFILE || error.errno == ENFILE {
          victim = state.withLock { takeVictim(&$0) }
          if victim != nil { continue }
        }
      }
      break
    }
    victim = endOpening(file, isOpen: failure == nil)
    while let excess = victim {
      close(excess)
      victim = state.withLock { takeExcess(&$0) }
    }
    if let failure { throw failure }
  }

  /// - Returns: one to close, where more have been in use at once than the limit allows.
  private func endOpening(_ file: SegmentFile, isOpen: Bool) -> SegmentFile? {
    defer { transits.event.signalAll() }
    return state.withLock { state in
      state.reserved -= 1
      file.life.openings -= 1
      file.isInTransit = false
      guard isOpen else { return nil }
      file.place = state.open.count
      state.open.append(file)
      // In use from the start, so that nobody closes it before its first use.
      file.markOpen(uses: 1)
      return takeExcess(&state)
    }
  }

  // MARK: Closing

  /// Takes one out where there are too many.
  private func takeExcess(_ state: inout State) -> SegmentFile? {
    state.open.count + state.reserved > limit ? takeVictim(&state) : nil
  }

  /// Takes one out that nobody uses, one that has not been used lately if there is such; nil where all are in use. The
  /// caller closes it.
  private func takeVictim(_ state: inout State) -> SegmentFile? {
    let count = state.open.count
    for step in 0..<count * 3 {
      state.hand = (state.hand + 1) % count
      let file = state.open[state.hand]
      // The first round clears marks that others may set again while the second looks; the third takes what it can get.
      if file.recentlyUsed.clear(), step < count * 2 { continue }
      if take(file, &state) { return file }
    }
    return nil
  }

  /// Takes an open file out for closing. - Returns: false where it is in use.
  private func take(_ file: SegmentFile, _ state: inout State) -> Bool {
    guard file.markClosed() else { return false }
    invariant(state.open[file.place] === file, "an open file is not where the cache keeps it")
    let last = state.open.removeLast()
    if last !== file {
      last.place = file.place
      state.open[file.place] = last
    }
    file.isInTransit = true
    return true
  }

  /// Closes what was taken out.
  private func close(_ file: SegmentFile) {
    engine.willClose(file)
    file.closeUnderlying()
    state.withLock { _ in file.isInTransit = false }
    transits.event.signalAll()
  }

  // MARK: Forks that go

  /// Sees to it that no segment of a fork is opened any more: returns when none is being opened. Those that are open
  /// stay so.
  func end(_ life: ForkLife) {
    while true {
      let ticket = state.withLock { _ -> UInt64? in
        life.end()
        return life.openings > 0 ? transits.event.prepare() : nil
      }
      guard let ticket else { return }
      transits.event.sleep(ticket)
    }
  }

  /// Closes segments whose identity ends, if nobody uses them any more.
  /// - Parameter backend: the calling thread's, needed where that is exclusive and may have I/O on them.
  func forget(_ files: [SegmentFile], by backend: IOBackend?) {
    for file in files { engine.settle(file, by: backend) }
    closeUnused(files)
  }

  /// Closes segments whose fork nobody has any more.
  func forgetUnused(_ files: [SegmentFile]) {
    // An I/O lets go of its pages, and so of its fork, a moment before it lets go of its file.
    for file in files { engine.settleUnused(file) }
    closeUnused(files)
  }

  private func closeUnused(_ files: [SegmentFile]) {
    let taken = state.withLock { state in files.filter { take($0, &state) } }
    for file in taken { close(file) }
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

/// Whether a fork is still what its path leads to: a new relation may get the path of one that is gone.
final class ForkLife: @unchecked Sendable {
  // Safe because what is not atomic is touched under the descriptor cache's lock alone.

  private let over = Atomic<Bool>(false)
  /// Segments that are being opened.
  var openings = 0

  var isOver: Bool { over.load(ordering: .acquiring) }

  /// Called under the cache's lock, so that nobody begins to open a segment after it.
  func end() { over.store(true, ordering: .releasing) }
}
