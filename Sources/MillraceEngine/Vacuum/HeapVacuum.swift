import MillraceIO
import MillraceSettings
import MillraceStorage
import MillraceWAL

/// Vacuums a table: PostgreSQL's lazy vacuum (src/backend/access/heap/vacuumlazy.c). On its session's thread.
///
/// First it goes through the heap: prunes pages, freezes what is old, notes free space and visibility, and collects the
/// places of dead rows that indexes may lead to. Then the indexes forget these, and the line pointers are freed in a
/// second pass. Where memory is short, or at the end, that happens; empty pages at the end of the table are given back.
///
/// The caller holds the table in mode `shareUpdateExclusive`, for the session or in a transaction, and no snapshot, and
/// puts what ``run()`` returns into the catalog.
public final class HeapVacuum {
  let session: Session
  let relation: HeapRelation
  let options: VacuumOptions
  private let indexes: [any IndexVacuum]
  let backend: IOBackend
  private let ownBackend: IOBackend?
  let cutoffs: FreezeCutoffs
  let progress: VacuumProgress
  var result = VacuumResult()
  private var remaining: RemainingNumbers
  private var dead = DeadTuples()
  private var cost = 0
  /// One more than the last page that holds something.
  var nonEmptyEnd: UInt32 = 0
  /// The free space map's upper pages know of what is before.
  private var mapUpdatedEnd: UInt32 = 0
  /// Pages between two updates of the upper pages: 8 GB (`VACUUM_FSM_EVERY_PAGES`).
  private static let pagesBetweenMapUpdates: UInt32 = 1 << 20

  /// - Parameters:
  ///   - session: without a snapshot.
  ///   - indexes: of the table.
  public init(
    _ relation: HeapRelation, indexes: [any IndexVacuum] = [], _ session: Session,
    _ options: VacuumOptions = VacuumOptions()
  ) {
    precondition(relation.hasIndexes || indexes.isEmpty, "a table without indexes was to be vacuumed with some")
    (self.session, self.relation, self.options, self.indexes) = (session, relation, options, indexes)
    // What it reads and writes can wait for what others wait for.
    do throws(IOError) {
      ownBackend = try session.database.engine.makeBackend("vacuum", priority: .vacuum)
    } catch {
      ownBackend = nil
    }
    backend = ownBackend ?? session.backend
    cutoffs = FreezeCutoffs(session.database, options)
    remaining = RemainingNumbers(xid: cutoffs.oldestXmin, multi: cutoffs.oldestMultiXact)
    progress = VacuumProgress(processID: session.processID, relation: relation.locator)
  }

  deinit { ownBackend?.close() }

  /// Does it.
  /// - Throws: ``EngineError``; what has been done stays.
  public func run() throws(EngineError) -> VacuumResult {
    session.database.begin(progress)
    defer { session.database.end(progress) }
    result.pagesBefore = try relation.blockCount()
    result.pages = result.pagesBefore
    result.isAggressive = isAggressive
    progress.set(.blocksTotal, result.pagesBefore)
    progress.set(.bytesMax, options.memory)
    progress.set(.indexesTotal, indexes.count)
    let skippedUnfrozen = try scanHeap()
    if !dead.isEmpty { try vacuumIndexesAndHeap() }
    try session.freeSpaceMap(of: relation).update(mapUpdatedEnd..<max(mapUpdatedEnd, result.pages))
    if options.cleansIndexes {
      progress.set(.cleaningUpIndexes)
      for index in indexes {
        try index.cleanUp(session)
        try session.checkInterrupts()
      }
    }
    if options.truncates { try truncate() }
    progress.set(.performingFinalCleanup)
    (result.allVisiblePages, result.allFrozenPages) = try VisibilityMap(relation, session).counts()
    if !skippedUnfrozen { (result.oldestXID, result.oldestMultiXact) = (remaining.xid, remaining.multi) }
    return result
  }

  /// Whether all pages are looked at that may hold old numbers.
  private var isAggressive: Bool {
    let next = session.database.transactions.next.short
    if options.skipsNothing || options.freezeTableAge == 0 { return true }
    if options.oldestXID.isNormal {
      let limit = TransactionID(next.rawValue &- min(options.freezeTableAge, 1_900_000_000))
      if limit.isNormal, !limit.precedes(options.oldestXID) { return true }
    }
    guard options.oldestMultiXact != 0 else { return false }
    let age = session.database.multiXacts.position.next &- options.oldestMultiXact
    return age >= options.multiXactFreezeTableAge && age < UInt32(Int32.max)
  }

  // MARK: First pass

  /// - Returns: whether pages were skipped that may hold old numbers.
  private func scanHeap() throws(EngineError) -> Bool {
    progress.set(.scanningHeap)
    let database = session.database
    let blocks = VacuumBlocks(
      VisibilityMap(relation, session), count: result.pagesBefore, isAggressive: result.isAggressive,
      skipsNothing: options.skipsNothing)
    let strategy = database.vacuumStrategy(for: relation, count: options.ringBuffers)
    var configuration = database.readStreamConfiguration
    configuration.ioConcurrency = max(database.settings[.maintenanceIOConcurrency], 1)
    let stream = ReadStream(
      relation.pool, backend, relation.fork, blocks, strategy: strategy, configuration: configuration)
    while true {
      try pause()
      var next: PinnedBuffer?
      do throws(StorageError) { next = try stream.next() } catch { throw EngineError(error) }
      guard var page = next.take() else { break }
      let read = stream.statistics.ioBlocks
      cost += read == lastIOBlocks ? options.costPageHit : options.costPageMiss
      lastIOBlocks = read
      let block = page.block
      try scan(&page)
      progress.set(.blocksScanned, block.rawValue + 1)
      result.scannedPages += 1
      if dead.byteCount > options.memory, !indexes.isEmpty, options.cleansIndexes {
        try vacuumIndexesAndHeap()
        progress.set(.scanningHeap)
      }
      if block.rawValue - mapUpdatedEnd >= Self.pagesBetweenMapUpdates {
        try session.freeSpaceMap(of: relation).update(mapUpdatedEnd..<block.rawValue)
        mapUpdatedEnd = block.rawValue
      }
    }
    if let failure = blocks.failure { throw failure }
    return blocks.hasSkippedUnfrozen
  }

  private var lastIOBlocks: UInt64 = 0

  private func scan(_ page: inout PinnedBuffer) throws(EngineError) {
    if PageView(page.bytes).isNew { return try noteNew(&page) }
    var found: VacuumedPage?
    if page.tryLockForCleanup() {
      found = try vacuum(&page)
    } else {
      page.lock(.exclusive, backend: backend)
      found = try session.lookAtPage(
        &page, of: relation, cutoffs, isAggressive: result.isAggressive, remaining: &remaining)
      result.skippedPinnedPages += found == nil ? 0 : 1
      if found == nil {
        page.unlock()
        try waitForCleanup(&page)
        found = try vacuum(&page)
      }
    }
    guard let found else { return }
    count(found, page.block)
    let block = page.block
    page.unlock()
    // What has dead line pointers has more room later.
    if found.dead.isEmpty || !hasIndexPass {
      try session.freeSpaceMap(of: relation).record(found.freeSpace, for: block)
    }
  }

  private var hasIndexPass: Bool { relation.hasIndexes && options.cleansIndexes }

  private func vacuum(_ page: inout PinnedBuffer) throws(EngineError) -> VacuumedPage {
    let lsn = page.lsn
    let found = try session.vacuumPage(
      &page, of: relation, cutoffs, freezesAll: options.freezesAll, remaining: &remaining)
    if page.lsn != lsn { cost += options.costPageDirty }
    let isMarked = PageView(page.bytes).header.flags.contains(.allVisible)
    if found.isAllVisible {
      try session.setVisibility(
        found.isAllFrozen ? .all : .allVisible, &page, of: relation,
        horizon: found.isAllFrozen ? .invalid : found.newestXmin)
    } else if isMarked {
      // Only damage can say that of a page whose tuples are not seen by all.
      session.database.configuration.onNotice(
        "page \(page.block) of relation \(relation.locator) is marked all-visible and is not")
      try session.clearVisibility(.all, page.block, of: relation)
      PageEditor(page.mutableBytes).set(.allVisible, false)
      page.markDirty()
    }
    return found
  }

  private func count(_ found: VacuumedPage, _ block: BlockNumber) {
    result.removedTuples += UInt64(found.removed)
    result.frozenTuples += UInt64(found.frozen)
    if found.frozen > 0 { result.frozenPages += 1 }
    result.liveTuples += UInt64(found.live)
    result.recentlyDeadTuples += UInt64(found.recentlyDead)
    if found.isNonEmpty { nonEmptyEnd = block.rawValue + 1 }
    guard !found.dead.isEmpty else { return }
    result.pagesWithDeadItems += 1
    result.deadItems += UInt64(found.dead.count)
    if hasIndexPass {
      dead.add(block, found.dead)
      progress.set(.deadItems, dead.count)
      progress.set(.bytes, dead.byteCount)
    } else {
      nonEmptyEnd = block.rawValue + 1
    }
  }

  /// A page that nobody has used yet, or whose user ended before (lazy_scan_new_or_empty).
  private func noteNew(_ page: inout PinnedBuffer) throws(EngineError) {
    let block = page.block
    page.lock(.exclusive, backend: backend)
    let isNew = PageView(page.bytes).isNew
    page.unlock()
    guard isNew else { return }
    try session.freeSpaceMap(of: relation).record(PageLayout.blockSize - PageLayout.headerSize, for: block)
  }

  /// Waits until nobody else uses a page (LockBufferForCleanup): most use it for a moment.
  private func waitForCleanup(_ page: inout PinnedBuffer) throws(EngineError) {
    var attempts = 0
    while !page.tryLockForCleanup() {
      try session.checkInterrupts()
      attempts += 1
      session.locker.latch.reset()
      session.locker.latch.wait(attempts < 10 ? 50_000 : 2_000_000)
    }
  }

  /// Ends where that is asked for, and sleeps when enough has been done (vacuum_delay_point).
  func pause() throws(EngineError) {
    try session.checkInterrupts()
    backend.yieldToForeground(keeping: 4)
    guard options.costDelay > 0, cost >= options.costLimit else { return }
    let nanoseconds = min(
      UInt64(options.costDelay) * 1000 * UInt64(cost) / UInt64(max(options.costLimit, 1)),
      UInt64(options.costDelay) * 4000)
    cost = 0
    session.locker.latch.reset()
    if session.locker.interrupts.isEmpty { session.locker.latch.wait(Int64(nanoseconds)) }
    progress.add(.delayNanoseconds, nanoseconds)
  }

  // MARK: Indexes and second pass

  private func vacuumIndexesAndHeap() throws(EngineError) {
    guard hasIndexPass else { return }
    progress.set(.vacuumingIndexes)
    for (number, index) in indexes.enumerated() {
      try index.bulkDelete(session) { [dead] in dead.contains($0) }
      progress.set(.indexesProcessed, number + 1)
      try session.checkInterrupts()
    }
    progress.set(.indexesProcessed, 0)
    result.indexScans += 1
    progress.add(.indexVacuumCount, 1)
    progress.set(.vacuumingHeap)
    try freeDead()
    dead.removeAll()
    progress.set(.deadItems, 0)
    progress.set(.bytes, 0)
  }

  private func freeDead() throws(EngineError) {
    let database = session.database
    let blocks = BlockList((0..<dead.pageCount).map { dead.block($0) })
    let strategy = database.vacuumStrategy(for: relation, count: options.ringBuffers)
    var configuration = database.readStreamConfiguration
    configuration.ioConcurrency = max(database.settings[.maintenanceIOConcurrency], 1)
    let stream = ReadStream(
      relation.pool, backend, relation.fork, blocks, strategy: strategy, configuration: configuration)
    for index in 0..<dead.pageCount {
      try pause()
      var next: PinnedBuffer?
      do throws(StorageError) { next = try stream.next() } catch { throw EngineError(error) }
      guard var page = next.take() else { break }
      let block = page.block
      page.lock(.exclusive, backend: backend)
      try session.freeLinePointers(dead.numbers(index), on: &page, of: relation)
      cost += options.costPageDirty
      let (bits, newest) = try session.allVisibility(&page, cutoffs)
      if !bits.isEmpty {
        try session.setVisibility(bits, &page, of: relation, horizon: bits.contains(.allFrozen) ? .invalid : newest)
      }
      let space = HeapPage(page.mutableBytes, block: block).freeSpace
      page.unlock()
      try session.freeSpaceMap(of: relation).record(space, for: block)
      progress.add(.blocksVacuumed, 1)
    }
  }
}
