import Glibc
import MillraceIO
import MillraceStorage

/// Pages of a growing log in files of 32 pages, of which a few are in memory: PostgreSQL's
/// src/backend/access/transam/slru.c. Pages of 8 KiB without a header; files named by their number in four hexadecimal
/// digits.
///
/// Changed pages go out when their place is needed and at checkpoints, which make them durable. Before a page goes out,
/// the log is flushed up to the highest position that was noted for it.
final class SimpleLRU: @unchecked Sendable {
  // Safe because everything mutable is reached through `state` alone, the pages' memory included.

  static let pagesPerSegment: UInt32 = 32

  /// A page in memory, under the log's lock.
  struct Access {
    let bytes: UnsafeMutableRawBufferPointer
    /// Log positions, one for each group of what is on the page.
    let positions: UnsafeMutableBufferPointer<UInt64>
  }

  fileprivate struct Frame {
    var page: UInt32?
    var isDirty = false
    /// Being written by a checkpoint: it may change and stays where it is.
    var isWriting = false
    var lastUse: UInt64 = 0
  }

  fileprivate struct State {
    var frames: [Frame]
    /// Where the last page was found: mostly the next is the same.
    var last = 0
    var uses: UInt64 = 0
    var files: [UInt32: IOFile] = [:]
    /// Segments written since they were last made durable.
    var unsynced: Set<UInt32> = []
    var toleratesMissing = false
  }

  private let fileSystem: IOFileSystem
  private let directory: String
  /// The directory's name below the cluster's, and what is in it, for messages.
  private let name, what: String
  private let memory, staging: IOMemory
  private let groupsPerPage: Int
  private let positions: UnsafeMutablePointer<UInt64>
  private let isSynced: Bool
  private let state: Locked<State>
  /// Makes the log durable up to a position. Set once, before the first change.
  var flushLog: (LogSequenceNumber, IOBackend) throws(EngineError) -> Void = { _, _ throws(EngineError) in }

  /// - Parameters:
  ///   - directory: where its files are.
  ///   - pageCount: pages kept in memory, at least 4.
  ///   - groupsPerPage: how many log positions to keep for a page.
  ///   - isSynced: whether checkpoints make it durable: `fsync`.
  init(
    _ fileSystem: IOFileSystem, directory: String, name: String, what: String, pageCount: Int, groupsPerPage: Int = 1,
    isSynced: Bool
  ) throws(EngineError) {
    precondition(pageCount >= 4, "a log needs four pages of memory")
    (self.fileSystem, self.directory, self.name, self.what) = (fileSystem, directory, name, what)
    (self.groupsPerPage, self.isSynced) = (groupsPerPage, isSynced)
    do throws(IOError) {
      memory = try IOMemory(byteCount: pageCount * PageLayout.blockSize, hugePages: .off)
      staging = try IOMemory(byteCount: pageCount * PageLayout.blockSize, hugePages: .off)
    } catch {
      throw EngineError(error)
    }
    positions = .allocate(capacity: pageCount * groupsPerPage)
    positions.initialize(repeating: 0, count: pageCount * groupsPerPage)
    state = Locked(State(frames: Array(repeating: Frame(), count: pageCount)))
  }

  deinit { positions.deallocate() }

  // MARK: Pages

  /// Several looks or changes that nobody sees halfway.
  struct Section {
    fileprivate let log: SimpleLRU
    fileprivate let state: UnsafeMutablePointer<State>
    fileprivate let backend: IOBackend

    /// A page, read if need be. Valid until the next.
    func page(_ page: UInt32, isChanged: Bool = false) throws(EngineError) -> Access {
      let frame = try log.load(page, &state.pointee, backend)
      if isChanged { state.pointee.frames[frame].isDirty = true }
      return log.access(frame)
    }
  }

  /// Calls `body` with the log locked.
  func withLock<Result>(
    _ backend: IOBackend, _ body: (Section) throws(EngineError) -> Result
  ) throws(EngineError) -> Result {
    try state.withLock { state throws(EngineError) in
      try withUnsafeMutablePointer(to: &state) { state throws(EngineError) in
        try body(Section(log: self, state: state, backend: backend))
      }
    }
  }

  /// Makes an empty page.
  func makePage(_ page: UInt32, _ backend: IOBackend) throws(EngineError) {
    try state.withLock { state throws(EngineError) in
      var frame = state.frames.firstIndex { $0.page == page } ?? -1
      if frame < 0 { frame = try takeFrame(&state, backend) }
      state.frames[frame].page = page
      state.frames[frame].isDirty = true
      use(frame, &state)
      bytes(frame).initializeMemory(as: UInt8.self, repeating: 0)
      clearPositions(frame)
    }
  }

  /// Whether a page that is not there is taken for an empty one, as recovery must: the log makes it, or it is not
  /// needed any more.
  func setToleratesMissing(_ tolerates: Bool) { state.withLock { $0.toleratesMissing = tolerates } }

  /// Removes the segments all of whose pages are before one; nobody asks for them any more.
  /// - Parameter precedes: the order of pages, which is that of a circle.
  func removeSegments(
    before page: UInt32, _ precedes: (UInt32, UInt32) -> Bool, _ backend: IOBackend
  ) throws(EngineError) {
    let cutoff = page - page % Self.pagesPerSegment
    do throws(IOError) {
      let names = try fileSystem.list(directory)
      try state.withLock { state throws(IOError) in
        for index in state.frames.indices {
          guard let known = state.frames[index].page, precedes(known, cutoff), !state.frames[index].isWriting else {
            continue
          }
          state.frames[index] = Frame()
        }
        for name in names {
          guard name.count >= 4, let segment = UInt32(name, radix: 16),
            segment < UInt32.max / Self.pagesPerSegment
          else { continue }
          let first = segment * Self.pagesPerSegment
          guard precedes(first, cutoff), precedes(first + Self.pagesPerSegment - 1, cutoff) else { continue }
          if let file = state.files.removeValue(forKey: segment) { backend.engine.close(file, by: backend) }
          state.unsynced.remove(segment)
          try fileSystem.remove("\(directory)/\(name)")
        }
      }
      if isSynced { try fileSystem.syncDirectory(directory) }
    } catch {
      throw EngineError(error)
    }
  }

  // MARK: Checkpoints

  /// Writes what has changed, all together, and makes it durable.
  /// - Returns: how many pages were written.
  /// - Throws: where a write failed, everything is as before. Where a sync failed, `.stopped`: what was to be synced
  ///   may be lost, and the database must stop.
  func checkpoint(_ backend: IOBackend) throws(EngineError) -> Int {
    let (dirty, position) = stage()
    do throws(EngineError) {
      if position > .invalid { try flushLog(position, backend) }
      do throws(IOError) { try writeStaged(dirty, backend) } catch { throw EngineError(error) }
    } catch {
      state.withLock { state in
        for (frame, _) in dirty { (state.frames[frame].isWriting, state.frames[frame].isDirty) = (false, true) }
      }
      throw error
    }
    state.withLock { state in for (frame, _) in dirty { state.frames[frame].isWriting = false } }
    guard isSynced else { return dirty.count }
    do throws(IOError) {
      try sync(backend)
      return dirty.count
    } catch {
      throw EngineError(
        .stopped, "\(error); \(what) may be lost, so the database has stopped; open it again to recover")
    }
  }

  /// Closes the files. What was not written is lost: a checkpoint comes first.
  func close(_ backend: IOBackend) {
    state.withLock { state in
      for file in state.files.values { backend.engine.close(file, by: backend) }
      state.files = [:]
    }
  }

  /// Copies the changed pages, so that changes go on while they are written.
  private func stage() -> (dirty: [(frame: Int, page: UInt32)], position: LogSequenceNumber) {
    state.withLock { state in
      var dirty: [(frame: Int, page: UInt32)] = []
      var position: UInt64 = 0
      for index in state.frames.indices where state.frames[index].isDirty {
        guard let page = state.frames[index].page else { continue }
        stagedBytes(index).copyMemory(from: UnsafeRawBufferPointer(bytes(index)))
        position = max(position, positions(of: index).max() ?? 0)
        (state.frames[index].isDirty, state.frames[index].isWriting) = (false, true)
        dirty.append((index, page))
      }
      return (dirty, LogSequenceNumber(position))
    }
  }

  private func writeStaged(_ dirty: [(frame: Int, page: UInt32)], _ backend: IOBackend) throws(IOError) {
    var group = IOGroup(backend, capacity: dirty.count)
    let batch = backend.batch()
    for (frame, page) in dirty {
      let file = try state.withLock { state throws(IOError) -> IOFile in
        try self.file(holding: page, &state, forWriting: true)
      }
      group.write(file, at: Self.offset(of: page), stagedBytes(frame))
    }
    batch.submit()
    try group.wait()
  }

  private func sync(_ backend: IOBackend) throws(IOError) {
    let files = try state.withLock { state throws(IOError) -> [IOFile] in
      var files: [IOFile] = []
      for segment in state.unsynced.sorted() {
        files.append(try file(holding: segment * Self.pagesPerSegment, &state))
      }
      state.unsynced = []
      return files
    }
    guard !files.isEmpty else { return }
    var group = IOGroup(backend, capacity: files.count)
    let batch = backend.batch()
    for file in files { group.sync(file) }
    batch.submit()
    try group.wait()
    try fileSystem.syncDirectory(directory)
  }

  // MARK: Frames

  private static func offset(of page: UInt32) -> Int64 {
    Int64(page % pagesPerSegment) * Int64(PageLayout.blockSize)
  }

  private func positions(of frame: Int) -> UnsafeMutableBufferPointer<UInt64> {
    UnsafeMutableBufferPointer(start: positions + frame * groupsPerPage, count: groupsPerPage)
  }

  private func clearPositions(_ frame: Int) { positions(of: frame).update(repeating: 0) }

  private func bytes(_ frame: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: memory.baseAddress + frame * PageLayout.blockSize, count: PageLayout.blockSize)
  }

  private func stagedBytes(_ frame: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: staging.baseAddress + frame * PageLayout.blockSize, count: PageLayout.blockSize)
  }

  @inline(__always) fileprivate func access(_ frame: Int) -> Access {
    Access(bytes: bytes(frame), positions: positions(of: frame))
  }

  private func use(_ frame: Int, _ state: inout State) {
    state.uses += 1
    state.frames[frame].lastUse = state.uses
    state.last = frame
  }

  /// The frame that holds a page, read if need be.
  fileprivate func load(_ page: UInt32, _ state: inout State, _ backend: IOBackend) throws(EngineError) -> Int {
    if state.frames[state.last].page == page { return state.last }
    if let frame = state.frames.firstIndex(where: { $0.page == page }) {
      use(frame, &state)
      return frame
    }
    let frame = try takeFrame(&state, backend)
    var count = 0
    do throws(IOError) {
      count = try backend.read(try file(holding: page, &state), at: Self.offset(of: page), bytes(frame))
    } catch {
      guard state.toleratesMissing, error.errno == ENOENT else { throw EngineError(error) }
    }
    guard count == PageLayout.blockSize || state.toleratesMissing else {
      throw EngineError(
        .corrupted,
        "\(what) ends at byte \(Self.offset(of: page) + Int64(count)) of file"
          + " \"\(fileName(of: page / Self.pagesPerSegment))\"")
    }
    if count < PageLayout.blockSize { bytes(frame).initializeMemory(as: UInt8.self, repeating: 0) }
    clearPositions(frame)
    state.frames[frame].page = page
    use(frame, &state)
    return frame
  }

  /// Makes the frame free that was not used for the longest time.
  private func takeFrame(_ state: inout State, _ backend: IOBackend) throws(EngineError) -> Int {
    var found: Int?
    for index in state.frames.indices where !state.frames[index].isWriting && index != state.last {
      if let known = found, state.frames[known].lastUse <= state.frames[index].lastUse { continue }
      found = index
    }
    guard let frame = found else { throw EngineError(.io, "all pages of \(what) in memory are being written") }
    if state.frames[frame].isDirty, let page = state.frames[frame].page {
      let position = LogSequenceNumber(positions(of: frame).max() ?? 0)
      if position > .invalid { try flushLog(position, backend) }
      do throws(IOError) {
        let file = try file(holding: page, &state, forWriting: true)
        try backend.write(file, at: Self.offset(of: page), bytes(frame))
      } catch {
        throw EngineError(error)
      }
    }
    state.frames[frame] = Frame()
    return frame
  }

  private func fileName(of segment: UInt32) -> String {
    let digits = String(segment, radix: 16, uppercase: true)
    return "\(name)/\(String(repeating: "0", count: max(4 - digits.count, 0)))\(digits)"
  }

  /// The file that holds a page, open.
  private func file(
    holding page: UInt32, _ state: inout State, forWriting: Bool = false
  ) throws(IOError) -> IOFile {
    let segment = page / Self.pagesPerSegment
    if forWriting { state.unsynced.insert(segment) }
    if let file = state.files[segment] { return file }
    let name = fileName(of: segment)
    let file = try fileSystem.open(
      directory + name.dropFirst(self.name.count), name: name, forWriting ? [.write, .create] : [.write],
      blockSize: PageLayout.blockSize, firstBlock: UInt64(segment) * UInt64(Self.pagesPerSegment))
    state.files[segment] = file
    return file
  }
}
