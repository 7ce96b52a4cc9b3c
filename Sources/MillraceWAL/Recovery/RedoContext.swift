public import MillraceIO
public import MillraceStorage

/// What redo has to do with a page.
public enum RedoAction: Sendable, Equatable {
  /// To change it as the record says (BLK_NEEDS_REDO).
  case needsRedo
  /// Nothing: the page has the change already (BLK_DONE).
  case done
  /// Nothing: the page has been made from the record's image (BLK_RESTORED).
  case restored
  /// Nothing: the page is not there, because a later record removes it (BLK_NOTFOUND).
  case notFound
}

/// A page that a record changes, locked exclusively, and what redo has to do with it.
public struct RedoBuffer: ~Copyable {
  public let action: RedoAction
  private var pinned: PinnedBuffer?
  private let block: WALBlockReference

  /// The page's 8192 bytes; nil where it is not there.
  public let page: UnsafeMutableRawPointer?

  init(_ action: RedoAction, _ pinned: consuming PinnedBuffer, _ block: WALBlockReference) {
    self.action = action
    self.block = block
    page = pinned.mutableBytes
    self.pinned = consume pinned
  }

  init(notFound block: WALBlockReference) {
    action = .notFound
    self.block = block
    page = nil
    pinned = nil
  }

  /// Which block of its fork it is.
  public var number: BlockNumber { block.block }
  /// The data that the record has for it.
  public var data: UnsafeRawBufferPointer { block.data }

  /// Notes that the page has been changed as a record says.
  public mutating func setChanged(by record: WALRecord) {
    pinned?.setLSN(record.end)
    pinned?.markDirty()
  }
}

/// What redo works on: the pool, the files, and the state of the cluster. One thread uses it, during one recovery.
public final class RedoContext {
  public let storage: StorageManager
  public let pool: BufferPool
  public let backend: IOBackend
  /// In memory of its own, so that no access to it is checked at run time.
  private let own: UnsafeMutablePointer<Own>

  private struct Own {
    var state: RecoveredState
    var statistics = RedoStatistics()
    var forks = ForkCache()
  }

  var invalidPages = InvalidPages()
  /// How far forks will grow by records that are known already, so that they can grow at once.
  var expectedGrowth: [ForkID: UInt32] = [:]

  public init(storage: StorageManager, pool: BufferPool, backend: IOBackend, state: RecoveredState) {
    (self.storage, self.pool, self.backend) = (storage, pool, backend)
    own = .allocate(capacity: 1)
    own.initialize(to: Own(state: state))
  }

  deinit {
    own.deinitialize(count: 1)
    own.deallocate()
  }

  public internal(set) var state: RecoveredState {
    @inline(__always) get { own.pointee.state }
    @inline(__always) _modify { yield &own.pointee.state }
  }

  var statistics: RedoStatistics {
    @inline(__always) get { own.pointee.statistics }
    @inline(__always) _modify { yield &own.pointee.statistics }
  }

  /// The fork of a relation, whether its files are there or not.
  public func fork(_ locator: RelationLocator, _ fork: ForkNumber) -> StoredFork {
    if let known = own.pointee.forks.find(locator, fork) { return known }
    let stored = storage.open(locator, fork)
    own.pointee.forks.add(stored)
    return stored
  }

  // MARK: What is true of the cluster

  /// Notes that a transaction exists, of which no record needs to have told.
  public func noteTransaction(_ xid: UInt32) { state.noteTransaction(xid) }

  /// Notes that multixacts before one exist, with their members before a place (MultiXactAdvanceNextMXact).
  public func noteMultiXact(next: UInt32, offset: UInt32) {
    if Int32(bitPattern: next &- state.nextMultiXact) > 0 { state.nextMultiXact = next }
    if Int32(bitPattern: offset &- state.nextMultiXactOffset) > 0 { state.nextMultiXactOffset = offset }
  }

  /// Notes that multixacts before one are gone.
  public func noteOldestMultiXact(_ multi: UInt32, database: OID) {
    guard Int32(bitPattern: multi &- state.oldestMultiXact) > 0 else { return }
    (state.oldestMultiXact, state.oldestMultiXactDatabase) = (multi, database)
  }

  /// Notes that transactions before one are in no table any more.
  public func noteOldestTransaction(_ xid: UInt32, database: OID) {
    guard Int32(bitPattern: xid &- state.oldestXID) > 0 else { return }
    (state.oldestXID, state.oldestXIDDatabase) = (xid, database)
  }

  // MARK: Pages

  /// Finds the page of a record's block, and decides what there is to do with it; puts the record's image in its place
  /// where that is it (PostgreSQL's XLogReadBufferForRedoExtended).
  /// - Parameters:
  ///   - mode: `.zeroAndLock` for a page that the record makes anew, and only for one.
  /// - Throws: ``RecoveryError``.
  public func readBufferForRedo(
    _ record: WALRecord, _ id: Int, mode: ReadMode = .normal
  ) throws(RecoveryError) -> RedoBuffer {
    guard let block = record.block(id) else {
      throw RecoveryError(.corrupted, "failed to locate backup block with ID \(id) in WAL record")
    }
    guard block.willInitialize == (mode == .zeroAndLock) else {
      throw RecoveryError(
        .corrupted,
        block.willInitialize
          ? "block with WILL_INIT flag in WAL record must be zeroed by redo routine"
          : "block to be initialized in redo routine must be marked with WILL_INIT flag in the WAL record")
    }
    if block.appliesImage, let image = block.image {
      guard var buffer = try read(block, mode: .zeroAndLock) else {
        return RedoBuffer(notFound: block)
      }
      try restore(image, of: block, record, on: &buffer)
      return RedoBuffer(.restored, buffer, block)
    }
    guard var buffer = try read(block, mode: mode) else { return RedoBuffer(notFound: block) }
    if buffer.lockMode == nil { buffer.lock(.exclusive, backend: backend) }
    return RedoBuffer(record.end <= buffer.lsn ? .done : .needsRedo, buffer, block)
  }

  /// Changes the page of a record's block, unless it has the change already.
  /// - Parameter change: is given the page and the record's data for it. The LSN is set afterwards.
  /// - Returns: what there was to do.
  @discardableResult
  public func redo(
    _ record: WALRecord, _ id: Int, mode: ReadMode = .normal,
    _ change: (UnsafeMutableRawPointer, UnsafeRawBufferPointer) throws(RecoveryError) -> Void
  ) throws(RecoveryError) -> RedoAction {
    var buffer = try readBufferForRedo(record, id, mode: mode)
    if buffer.action == .needsRedo, let page = buffer.page {
      try change(page, buffer.data)
      buffer.setChanged(by: record)
    }
    return buffer.action
  }

  /// Puts a record's image in a page's place.
  func restore(
    _ image: WALBlockImage, of block: WALBlockReference, _ record: WALRecord, on page: inout PinnedBuffer
  ) throws(RecoveryError) {
    do throws(WALProblem) {
      try image.restore(to: page.mutableBytes, record: record.start, blockID: block.id)
    } catch {
      throw RecoveryError(error)
    }
    // A page that is not initialized has no LSN; it would look damaged.
    if !PageView(page.bytes).isNew { page.setLSN(record.end) }
    page.markDirty()
    statistics.imageCount += 1
  }

  /// A page, pinned; with `.zeroAndLock` locked as well, and the fork grown to have it (XLogReadBufferExtended).
  /// - Returns: nil where it is not there, or was never initialized, and must be.
  func read(_ block: WALBlockReference, mode: ReadMode) throws(RecoveryError) -> PinnedBuffer? {
    let fork = fork(block.locator, block.fork)
    let isMap = block.fork.isMap
    do throws(IOError) {
      if try fork.blockCount() <= block.block.rawValue {
        // What makes a map longer is not logged.
        guard mode == .zeroAndLock || isMap else {
          noteInvalid(block, isPresent: false)
          return nil
        }
        try grow(fork, toHold: block)
      }
    } catch {
      throw RecoveryError(error)
    }
    do throws(StorageError) {
      let began = monotonicNanoseconds()
      // A map can lose what it knows; a torn page of one is an empty one.
      let buffer = try pool.read(fork, block.block, backend, mode: mode, flags: isMap ? .zeroOnError : [])
      noteWait(since: began)
      if mode == .normal, !isMap, PageView(buffer.bytes).isNew {
        noteInvalid(block, isPresent: true)
        return nil
      }
      return buffer
    } catch {
      throw RecoveryError(error)
    }
  }

  /// Changes a page outside of what a record says of blocks, as long as it is there and initialized: for maps, which
  /// are cut off with their relation.
  public func changeUnlogged(
    _ locator: RelationLocator, _ number: ForkNumber, _ block: BlockNumber,
    _ change: (UnsafeMutableRawPointer) -> Void
  ) throws(RecoveryError) {
    let fork = fork(locator, number)
    do throws(IOError) {
      guard try block.rawValue < fork.blockCount() else { return }
    } catch {
      throw RecoveryError(error)
    }
    do throws(StorageError) {
      var buffer = try pool.read(fork, block, backend, flags: .zeroOnError)
      buffer.lock(.exclusive, backend: backend)
      guard !PageView(buffer.bytes).isNew else { return }
      change(buffer.mutableBytes)
      buffer.markDirty()
    } catch {
      throw RecoveryError(error)
    }
  }

  /// Counts the time that it took to get at a page.
  func noteWait(since began: UInt64) {
    let elapsed = monotonicNanoseconds() - began
    // Less is no wait but the way to a page that is there.
    if elapsed > RedoStatistics.waitThreshold { statistics.waitNanoseconds += elapsed }
  }

  func forgetForks() { own.pointee.forks.removeAll() }

  func noteInvalid(_ block: WALBlockReference, isPresent: Bool) {
    invalidPages.add(
      InvalidPages.Page(locator: block.locator, fork: block.fork, block: block.block.rawValue), isPresent: isPresent)
  }

  /// Appends blocks up to one that a record makes, and those that records further on will make.
  private func grow(_ fork: StoredFork, toHold block: WALBlockReference) throws(IOError) {
    if try fork.blockCount() == 0 { try storage.create(block.locator, block.fork, isRedo: true) }
    let wanted = block.block.rawValue + 1
    try fork.extend(to: max(wanted, expectedGrowth[fork.id] ?? 0), backend)
    expectedGrowth[fork.id] = nil
  }
}

/// What redo has done so far.
struct RedoStatistics {
  /// Nanoseconds below which the way to a page is not counted as a wait.
  static let waitThreshold: UInt64 = 5_000

  /// Pages made from images.
  var imageCount: UInt64 = 0
  /// Waiting for pages to be read.
  var waitNanoseconds: UInt64 = 0
}

/// The forks that records named last: most name the same few, and looking one up takes a lock.
private struct ForkCache {
  private struct Entry {
    var locator: RelationLocator
    var fork: ForkNumber
    var stored: StoredFork
  }

  private static let size = 64
  private var entries = [Entry?](repeating: nil, count: size)

  @inline(__always) private func place(_ locator: RelationLocator, _ fork: ForkNumber) -> Int {
    Int((locator.relNumber &* 0x9E37_79B1) >> 26 ^ UInt32(fork.rawValue))
  }

  @inline(__always) func find(_ locator: RelationLocator, _ fork: ForkNumber) -> StoredFork? {
    guard let entry = entries[place(locator, fork)], entry.locator == locator, entry.fork == fork else { return nil }
    return entry.stored
  }

  mutating func add(_ stored: StoredFork) {
    entries[place(stored.locator, stored.fork)] = Entry(locator: stored.locator, fork: stored.fork, stored: stored)
  }

  mutating func removeAll() { for place in entries.indices { entries[place] = nil } }
}
