import Glibc
public import MillraceIO
public import MillraceStorage

/// How every transaction ended, two bits for each: PostgreSQL's `pg_xact` (src/backend/access/transam/clog.c, slru.c).
///
/// Pages of 8 KiB without a header hold 32,768 transactions each; 32 pages are a file, named by its number in four
/// hexadecimal digits. A few pages are in memory; changed ones go out when their place is needed and at checkpoints,
/// which make them durable. Before a page goes out, the log is flushed up to the commits on it that did not wait for
/// their record (`synchronous_commit=off`).
public final class CommitLog: @unchecked Sendable {
  // Safe because everything mutable is reached through `state` alone, the pages' memory included.

  public static let transactionsPerPage: UInt32 = 32_768
  public static let pagesPerSegment: UInt32 = 32
  /// So many neighbours share what is known about flushing (CLOG_XACTS_PER_LSN_GROUP).
  private static let transactionsPerGroup: UInt32 = 32
  private static let groupsPerPage = Int(transactionsPerPage / transactionsPerGroup)

  private struct Frame {
    var page: UInt32?
    var isDirty = false
    /// Being written by a checkpoint: it may change and stays where it is.
    var isWriting = false
    var lastUse: UInt64 = 0
  }

  private struct State {
    var frames: [Frame]
    var uses: UInt64 = 0
    /// Commit records that may not be durable yet, by frame and group.
    var positions: [UInt64]
    var files: [UInt32: IOFile] = [:]
    /// Segments written since they were last made durable.
    var unsynced: Set<UInt32> = []
    var toleratesMissing = false
  }

  private let fileSystem: IOFileSystem
  private let directory: String
  private let memory: IOMemory
  private let staging: IOMemory
  private let isSynced: Bool
  private let state: Locked<State>
  /// Makes the log durable up to a position. Set once, before the first commit.
  var flushLog: (LogSequenceNumber, IOBackend) throws(EngineError) -> Void = { _, _ throws(EngineError) in }

  /// - Parameters:
  ///   - directory: `pg_xact`.
  ///   - pageCount: pages kept in memory, at least 4.
  ///   - isSynced: whether checkpoints make it durable: `fsync`.
  public init(
    fileSystem: IOFileSystem, directory: String, pageCount: Int = 64, isSynced: Bool = true
  ) throws(EngineError) {
    precondition(pageCount >= 4, "the commit log needs four pages of memory")
    (self.fileSystem, self.directory, self.isSynced) = (fileSystem, directory, isSynced)
    do throws(IOError) {
      memory = try IOMemory(byteCount: pageCount * PageLayout.blockSize, hugePages: .off)
      staging = try IOMemory(byteCount: pageCount * PageLayout.blockSize, hugePages: .off)
    } catch {
      throw EngineError(error)
    }
    state = Locked(
      State(
        frames: Array(repeating: Frame(), count: pageCount),
        positions: Array(repeating: 0, count: pageCount * Self.groupsPerPage)))
  }

  // MARK: Asking and telling

  /// How a transaction ended.
  public func status(of xid: TransactionID, _ backend: IOBackend) throws(EngineError) -> TransactionStatus {
    guard xid.isNormal else { return xid.isValid ? .committed : .aborted }
    return try state.withLock { state throws(EngineError) in
      let frame = try load(Self.page(of: xid), &state, backend)
      let (byte, shift) = place(of: xid, in: frame)
      return TransactionStatus(rawValue: byte.pointee >> shift & 3) ?? .inProgress
    }
  }

  /// Notes how a transaction ended.
  /// - Parameter position: the end of its commit record, where that may not be durable yet.
  public func set(
    _ xid: TransactionID, _ status: TransactionStatus, notDurableBefore position: LogSequenceNumber = .invalid,
    _ backend: IOBackend
  ) throws(EngineError) {
    try state.withLock { state throws(EngineError) in
      let frame = try load(Self.page(of: xid), &state, backend)
      let (byte, shift) = place(of: xid, in: frame)
      byte.pointee = byte.pointee & ~(3 << shift) | status.rawValue << shift
      state.frames[frame].isDirty = true
      let group = Self.group(of: xid, in: frame)
      state.positions[group] = max(state.positions[group], position.rawValue)
    }
  }

  /// Up to where the log must be durable for a commit to be: at most a little too far. Invalid where it is.
  public func position(of xid: TransactionID, _ backend: IOBackend) throws(EngineError) -> LogSequenceNumber {
    try state.withLock { state throws(EngineError) in
      LogSequenceNumber(state.positions[Self.group(of: xid, in: try load(Self.page(of: xid), &state, backend))])
    }
  }

  /// The page that a transaction is the first of, if it is of one: then there is none yet.
  public static func newPage(for xid: TransactionID) -> UInt32? {
    // The first of all pages begins with numbers that no transaction gets.
    xid.rawValue % transactionsPerPage == 0 || xid == .firstNormal ? page(of: xid) : nil
  }

  /// Makes an empty page (`ZeroCLOGPage`).
  public func makePage(_ page: UInt32, _ backend: IOBackend) throws(EngineError) {
    try state.withLock { state throws(EngineError) in
      var frame = state.frames.firstIndex { $0.page == page } ?? -1
      if frame < 0 { frame = try takeFrame(&state, backend) }
      state.frames[frame].page = page
      state.frames[frame].isDirty = true
      use(frame, &state)
      bytes(frame).initializeMemory(as: UInt8.self, repeating: 0)
      clearPositions(frame, &state)
    }
  }

  /// Forgets what is beyond the next transaction on its page: a crash may have left something there (`TrimCLOG`).
  public func trim(to next: TransactionID, _ backend: IOBackend) throws(EngineError) {
    guard next.rawValue % Self.transactionsPerPage != 0 else { return }
    try state.withLock { state throws(EngineError) in
      let frame = try load(Self.page(of: next), &state, backend)
      let (byte, shift) = place(of: next, in: frame)
      byte.pointee &= (1 << shift) - 1
      let rest = Int(next.rawValue % Self.transactionsPerPage) / 4 + 1
      UnsafeMutableRawBufferPointer(rebasing: bytes(frame)[rest...]).initializeMemory(as: UInt8.self, repeating: 0)
      state.frames[frame].isDirty = true
    }
  }

  /// Whether a page that is not there is taken for an empty one, as recovery must: the log makes it, or it is not
  /// needed any more.
  public func setToleratesMissing(_ tolerates: Bool) { state.withLock { $0.toleratesMissing = tolerates } }

  // MARK: Checkpoints

  /// Writes what has changed, all together, and makes it durable.
  /// - Throws: where a write failed, everything is as before. Where a sync failed, `.stopped`: what was to be synced
  ///   may be lost, and the database must stop.
  public func checkpoint(_ backend: IOBackend) throws(EngineError) {
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
    guard isSynced else { return }
    do throws(IOError) {
      try sync(backend)
    } catch {
      throw EngineError(
        .stopped, "\(error); the commit log may be lost, so the database has stopped; open it again to recover")
    }
  }

  /// Closes the files. What was not written is lost: a checkpoint comes first.
  public func close(_ backend: IOBackend) {
    state.withLock { state in
      for file in state.files.values { backend.engine.close(file, by: backend) }
      state.files = [:]
    }
  }

  /// Copies the changed pages, so that commits go on while they are written.
  private func stage() -> (dirty: [(frame: Int, page: UInt32)], position: LogSequenceNumber) {
    state.withLock { state in
      var dirty: [(frame: Int, page: UInt32)] = []
      var position: UInt64 = 0
      for index in state.frames.indices where state.frames[index].isDirty {
        guard let page = state.frames[index].page else { continue }
        stagedBytes(index).copyMemory(from: UnsafeRawBufferPointer(bytes(index)))
        position = max(position, positions(index, state).max() ?? 0)
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

  // MARK: Pages

  private static func page(of xid: TransactionID) -> UInt32 { xid.rawValue / transactionsPerPage }

  private static func offset(of page: UInt32) -> Int64 {
    Int64(page % pagesPerSegment) * Int64(PageLayout.blockSize)
  }

  private static func group(of xid: TransactionID, in frame: Int) -> Int {
    frame * groupsPerPage + Int(xid.rawValue % transactionsPerPage / transactionsPerGroup)
  }

  private func positions(_ frame: Int, _ state: State) -> ArraySlice<UInt64> {
    state.positions[frame * Self.groupsPerPage..<(frame + 1) * Self.groupsPerPage]
  }

  private func clearPositions(_ frame: Int, _ state: inout State) {
    for index in frame * Self.groupsPerPage..<(frame + 1) * Self.groupsPerPage { state.positions[index] = 0 }
  }

  private func bytes(_ frame: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: memory.baseAddress + frame * PageLayout.blockSize, count: PageLayout.blockSize)
  }

  private func stagedBytes(_ frame: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: staging.baseAddress + frame * PageLayout.blockSize, count: PageLayout.blockSize)
  }

  private func place(of xid: TransactionID, in frame: Int) -> (UnsafeMutablePointer<UInt8>, UInt8) {
    let index = xid.rawValue % Self.transactionsPerPage
    let address = memory.baseAddress + frame * PageLayout.blockSize + Int(index / 4)
    return (address.assumingMemoryBound(to: UInt8.self), UInt8(index % 4) * 2)
  }

  private func use(_ frame: Int, _ state: inout State) {
    state.uses += 1
    state.frames[frame].lastUse = state.uses
  }

  /// The frame that holds a page, read if need be.
  private func load(_ page: UInt32, _ state: inout State, _ backend: IOBackend) throws(EngineError) -> Int {
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
        "the commit log ends at byte \(Self.offset(of: page) + Int64(count)) of file"
          + " \"\(Self.name(of: page / Self.pagesPerSegment))\"")
    }
    if count < PageLayout.blockSize { bytes(frame).initializeMemory(as: UInt8.self, repeating: 0) }
    clearPositions(frame, &state)
    state.frames[frame].page = page
    use(frame, &state)
    return frame
  }

  /// Makes the frame free that was not used for the longest time.
  private func takeFrame(_ state: inout State, _ backend: IOBackend) throws(EngineError) -> Int {
    let candidates = state.frames.indices.filter { !state.frames[$0].isWriting }
    guard let frame = candidates.min(by: { state.frames[$0].lastUse < state.frames[$1].lastUse }) else {
      throw EngineError(.io, "all pages of the commit log in memory are being written")
    }
    if state.frames[frame].isDirty, let page = state.frames[frame].page {
      let position = LogSequenceNumber(positions(frame, state).max() ?? 0)
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

  private static func name(of segment: UInt32) -> String {
    let digits = String(segment, radix: 16, uppercase: true)
    return "pg_xact/" + String(repeating: "0", count: max(4 - digits.count, 0)) + digits
  }

  /// The file of a page, opened if need be.
  /// - Parameter forWriting: makes the file if it is not there, and notes that it has to be made durable.
  private func file(
    holding page: UInt32, _ state: inout State, forWriting: Bool = false
  ) throws(IOError) -> IOFile {
    let segment = page / Self.pagesPerSegment
    if forWriting { state.unsynced.insert(segment) }
    if let file = state.files[segment] { return file }
    let name = Self.name(of: segment)
    let file = try fileSystem.open(
      directory + name.dropFirst("pg_xact".count), name: name, forWriting ? [.write, .create] : [.write],
      blockSize: PageLayout.blockSize, firstBlock: UInt64(segment) * UInt64(Self.pagesPerSegment))
    state.files[segment] = file
    return file
  }
}
