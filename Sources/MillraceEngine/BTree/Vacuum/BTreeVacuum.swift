import MillraceIO
import MillraceStorage
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What a VACUUM of an index has done: PostgreSQL's `IndexBulkDeleteResult`.
public struct IndexVacuumResult: Sendable, Equatable {
  public var pageCount: UInt32 = 0
  /// Places of heap tuples that went, and that stay.
  public var removedCount: UInt64 = 0
  public var remainingCount: UInt64 = 0
  /// Pages that this VACUUM took out of the tree, all that are out of it, and those of them that can be used again.
  public var newlyDeletedCount: UInt32 = 0
  public var deletedCount: UInt32 = 0
  public var freeCount: UInt32 = 0

  public init() {}
}

/// Removes from an index what leads to dead heap tuples, takes empty pages out of the tree, and finds those that can be
/// used again: `btbulkdelete`, `btvacuumcleanup` (nbtree.c). On its session's thread; one at a time for an index.
///
/// Pages are read in the order of the file, through a read stream, and each is locked for cleanup while it is looked
/// through: who only reads an index keeps pages pinned until it is through with their entries. Entries can be moved to
/// a page before the present one by a split meanwhile. Pages that are split note the VACUUM that runs, and such a
/// page's right neighbours are looked at again.
struct BTreeVacuum {
  private let index: BTreeIndex
  private let session: Session
  private let isDead: ((TupleIdentifier) -> Bool)?
  private var cycle: UInt16 = 0
  private var result = IndexVacuumResult()
  private var free: [BlockNumber] = []
  var deleted: [BlockNumber] = []
  private let strategy: BufferStrategy

  /// - Parameter isDead: whether a heap tuple is going to be removed; nil where none is, and only pages are looked for.
  init(_ index: BTreeIndex, _ session: Session, isDead: ((TupleIdentifier) -> Bool)?) {
    (self.index, self.session, self.isDead) = (index, session, isDead)
    strategy = BufferStrategy(.vacuum, count: 256, pool: index.pool)
  }

  mutating func run() throws(EngineError) -> IndexVacuumResult {
    cycle = index.beginVacuumCycle()
    defer { index.vacuumCycle.store(0, ordering: .releasing) }
    var next: UInt32 = 1
    // What is appended meanwhile is looked at too.
    while true {
      let count = try index.blockCount()
      guard next < count else { break }
      let stream = ReadStream(
        index.pool, session.backend, index.fork, BlockRange(next..<count, isCertain: true), strategy: strategy,
        configuration: session.database.maintenanceStreamConfiguration)
      while true {
        var page: PinnedBuffer?
        do throws(StorageError) { page = try stream.next() } catch { throw EngineError(error) }
        guard let found = page.take() else { break }
        try visit(found)
      }
      next = count
    }
    result.pageCount = next
    try finish()
    return result
  }

  /// Keeps for later use what nobody can be on the way to any more, and notes how many pages are not so far.
  private mutating func finish() throws(EngineError) {
    for block in deleted {
      let page = try index.read(block, .share, session.backend)
      if session.isRecyclable(BTreePage(reading: page.bytes)) { free.append(block) }
    }
    result.freeCount = UInt32(free.count)
    // The first ones are used first, so that the end of the file may come free.
    free.sort(by: >)
    let found = free
    index.freePages.withLock { $0 = found }
    try session.noteCleanup(index, deletedPageCount: result.deletedCount - result.freeCount)
  }

  // MARK: Pages

  /// Looks at a page, and again at those to the left of it that its entries may have gone to (`btvacuumpage`).
  private mutating func visit(_ first: consuming PinnedBuffer) throws(EngineError) {
    let scanned = first.block
    var page = first
    while true {
      let (again, isEmpty) = try look(at: &page, scanned: scanned)
      if isEmpty {
        try session.deletePage(page, index, &self)
        guard let again else { return }
        page = try index.read(again, session.backend, strategy: strategy)
      } else {
        guard let again else { return }
        if page.lockMode != nil { page.unlock() }
        page = try index.read(again, session.backend, strategy: strategy)
      }
    }
  }

  mutating func noteDeleted(_ block: BlockNumber) {
    deleted.append(block)
    result.newlyDeletedCount += 1
    result.deletedCount += 1
  }

  /// - Parameter page: unlocked. Locked exclusively afterwards where it is to be deleted.
  /// - Returns: the page to look at again, and whether this one is to be taken out of the tree.
  private mutating func look(
    at page: inout PinnedBuffer, scanned: BlockNumber
  ) throws(EngineError) -> (again: BlockNumber?, isEmpty: Bool) {
    page.lock(.share, backend: session.backend)
    var view = BTreePage(reading: page.bytes)
    if view.editor.isNew {
      // Room that was made ahead and never used counts as taken out of the tree, as in PostgreSQL.
      result.deletedCount += 1
      free.append(page.block)
      return (nil, false)
    }
    if !page.isExamined { try index.examine(page) }
    if view.isDeleted {
      result.deletedCount += 1
      if session.isRecyclable(view) { free.append(page.block) }
      return (nil, false)
    }
    if view.isHalfDead {
      // An earlier VACUUM was interrupted.
      page.unlock()
      page.lock(.exclusive, backend: session.backend)
      return (nil, true)
    }
    guard view.isLeaf else { return (nil, false) }
    page.unlock()
    session.lockForCleanup(&page)
    view = BTreePage(page.mutableBytes)
    guard view.isLeaf, !view.isIgnored else { return (nil, false) }
    let isMoved = cycle != 0 && view.cycleID == cycle && !view.flags.contains(.splitEnd) && !view.isRightmost
    let again = isMoved && view.next < scanned ? view.next : nil
    try removeDead(&page, view)
    // A page that is come to again is left alone, since the stream is not at it.
    return (again, view.itemCount < view.firstDataNumber && page.block == scanned)
  }

  private mutating func removeDead(_ page: inout PinnedBuffer, _ view: BTreePage) throws(EngineError) {
    var deletion = BTreeDeletion()
    let isDead = isDead
    for number in view.firstDataNumber..<max(view.itemCount + 1, view.firstDataNumber) {
      let tuple = view.item(number)
      let count = tuple.heapTIDCount
      guard let isDead else {
        result.remainingCount += UInt64(count)
        continue
      }
      guard tuple.isPosting else {
        if isDead(tuple.identifier) {
          deletion.deleted.append(UInt16(number))
          result.removedCount += 1
        } else {
          result.remainingCount += 1
        }
        continue
      }
      let dead = (0..<count).filter { isDead(tuple.posting($0).identifier) }
      result.removedCount += UInt64(dead.count)
      result.remainingCount += UInt64(count - dead.count)
      if dead.count == count {
        deletion.deleted.append(UInt16(number))
      } else if !dead.isEmpty {
        deletion.updated.append(BTreeDeletion.Update(number: UInt16(number), positions: dead.map { UInt16($0) }))
      }
    }
    if !deletion.isEmpty {
      try session.vacuum(deletion, &page, index)
    } else if cycle != 0, view.cycleID == cycle {
      view.cycleID = 0
      try session.noteHints(on: &page, of: index)
    }
  }
}

extension Session {
  /// Removes from an index what leads to heap tuples that are going to be removed.
  /// - Parameter isDead: called once for each entry, with its page locked.
  /// - Throws: ``EngineError``.
  public func vacuum(
    _ index: BTreeIndex, isDead: (TupleIdentifier) -> Bool
  ) throws(EngineError) -> IndexVacuumResult {
    try withoutActuallyEscaping(isDead) { isDead throws(EngineError) in
      var vacuum = BTreeVacuum(index, self, isDead: isDead)
      return try vacuum.run()
    }
  }

  /// Finds out which pages of an index can be used again, without removing entries: where VACUUM found no dead tuples.
  public func cleanUp(_ index: BTreeIndex) throws(EngineError) -> IndexVacuumResult {
    var vacuum = BTreeVacuum(index, self, isDead: nil)
    return try vacuum.run()
  }

  /// Deletes entries whose heap tuples are being removed (`_bt_delitems_vacuum`).
  /// - Parameter page: locked for cleanup.
  func vacuum(_ deletion: BTreeDeletion, _ page: inout PinnedBuffer, _ index: BTreeIndex) throws(EngineError) {
    page.markDirty()
    let view = BTreePage(page.mutableBytes)
    guard view.delete(deletion, in: btreeMemory.posting) else {
      throw index.corrupted(page.block, "has not the items that are to be deleted")
    }
    view.cycleID = 0
    guard index.isLogged else { return }
    let record = BTreeRecordWriter(builder, index.locator)
    record.begin(.vacuum, xid: transactionID)
    record.register(0, page)
    record.vacuum(deletion)
    try log(&page)
  }

  /// Locks a page exclusively once nobody else has it pinned (`LockBufferForCleanup`).
  func lockForCleanup(_ page: inout PinnedBuffer) {
    var attempts = 0
    while !page.tryLockForCleanup() {
      // Where it is being written out, this waits for that, and reaps it if nobody else does.
      page.lock(.exclusive, backend: backend)
      page.unlock()
      // Where somebody has it pinned to read through its entries, that will be over soon.
      attempts += 1
      if attempts < 100 { sched_yield() } else { usleep(100) }
    }
  }

  /// Notes in the metapage how many deleted pages are left (`_bt_set_cleanup_info`).
  func noteCleanup(_ index: BTreeIndex, deletedPageCount: UInt32) throws(EngineError) {
    var page = try index.read(BTreeMetaPage.block, .exclusive, backend)
    var meta = try index.metaPage(page)
    guard meta.deletedPageCount != deletedPageCount else { return }
    meta.deletedPageCount = deletedPageCount
    page.markDirty()
    meta.store(to: BTreePage(page.mutableBytes))
    guard index.isLogged else { return }
    let record = BTreeRecordWriter(builder, index.locator)
    record.begin(.metaCleanup, xid: transactionID)
    record.register(0, page, meta)
    try log(&page)
  }
}

extension BTreeIndex {
  /// Gives out a number for a VACUUM that begins: pages that are split note it.
  func beginVacuumCycle() -> UInt16 {
    // Numbers above 0xFF7F are something else's (MAX_BT_CYCLE_ID).
    let last = lastVacuumCycle.wrappingAdd(1, ordering: .relaxed).newValue
    let cycle = last % 0xFF7F + 1
    vacuumCycle.store(cycle, ordering: .releasing)
    return UInt16(cycle)
  }
}

extension BTreeIndex: IndexVacuum {
  /// Removes the entries that lead to dead rows (`btbulkdelete`).
  public func bulkDelete(_ session: Session, isDead: (TupleIdentifier) -> Bool) throws(EngineError) {
    _ = try session.vacuum(self, isDead: isDead)
    hasBulkDeleted.store(true, ordering: .relaxed)
  }

  /// Finds pages that can be used again (`btvacuumcleanup`); that of an index from which entries were just removed has
  /// found them already, and where few were deleted it is not worth looking.
  public func cleanUp(_ session: Session) throws(EngineError) {
    if hasBulkDeleted.exchange(false, ordering: .relaxed) { return }
    let deletedCount = try readMetaPage(session.backend).deletedPageCount
    guard deletedCount > 0, deletedCount > (try blockCount()) / 20 else { return }
    _ = try session.cleanUp(self)
  }
}
