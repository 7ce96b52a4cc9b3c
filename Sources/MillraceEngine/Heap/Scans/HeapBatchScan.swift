import MillraceIO
public import MillraceStorage

/// The rows of a table that a snapshot sees, many at once: the sequential scan of an executor that works on batches.
/// On its session's thread.
///
/// As ``HeapScan``, but the tuples of a page are taken apart together, column by column. A scan of a large table begins
/// where others are that go through it at the moment, so that they read its pages once for all
/// (`synchronize_seqscans`, src/backend/access/common/syncscan.c).
public final class HeapBatchScan {
  private let session: Session
  private let relation: HeapRelation
  private let snapshot: Snapshot
  private let registration: SnapshotRegistration
  private let stream: ReadStream
  private var page: PinnedBuffer?
  private var block = BlockNumber.invalid
  /// The page's tuples that are seen, with the numbers of their line pointers, and how many have been given out.
  private let tuples: UnsafeMutablePointer<HeapTuple>
  private let numbers: UnsafeMutablePointer<UInt16>
  private var tupleCount = 0
  private var position = 0
  private var hints: [(number: UInt16, bits: Infomask)] = []
  private let reportsPosition: Bool

  /// - Parameters:
  ///   - session: in a transaction.
  ///   - snapshot: to read by; the session's current one unless given.
  ///   - isSynchronized: whether it may begin in the middle: the order of rows is then not that of their places.
  public init(
    _ relation: HeapRelation, _ session: Session, snapshot: Snapshot? = nil, isSynchronized: Bool = true
  ) throws(EngineError) {
    (self.session, self.relation) = (session, relation)
    if let snapshot { self.snapshot = snapshot } else { self.snapshot = try session.snapshot() }
    registration = session.register(self.snapshot)
    let database = session.database
    let count = try relation.blockCount()
    // A table that is large for the pool passes through a ring of buffers instead of pushing everything else out.
    let strategy = database.bulkReadStrategy(for: relation, pages: count)
    reportsPosition = strategy != nil && isSynchronized
    let start = reportsPosition ? relation.scanPosition(of: count) : 0
    stream = ReadStream(
      relation.pool, session.backend, relation.fork, BlockCircle(count, from: start), strategy: strategy,
      configuration: database.readStreamConfiguration)
    session.statistics.countScan(relation.oid, relation.locator)
    tuples = .allocate(capacity: HeapPage.itemCountMax)
    numbers = .allocate(capacity: HeapPage.itemCountMax)
    hints.reserveCapacity(HeapPage.itemCountMax)
  }

  deinit {
    page = nil
    tuples.deallocate()
    numbers.deallocate()
    session.unregister(registration)
  }

  public var statistics: ReadStreamStatistics { stream.statistics }

  /// Fills in the next rows.
  /// - Parameters:
  ///   - rows: emptied first, and with it the pages of the rows before.
  ///   - limit: how many rows at most.
  ///   - pageLimit: how many pages are looked at at most, as long as there is a row.
  /// - Returns: how many; 0 at the end.
  /// - Throws: ``EngineError``.
  public func next(_ rows: HeapRows, limit: Int, pageLimit: Int = .max) throws(EngineError) -> Int {
    rows.clear()
    var pageCount = 0
    while rows.count < min(limit, rows.capacity) {
      if position == tupleCount {
        if let page = page.take(), rows.needsPages, rows.count > 0 { rows.keep(page) }
        if rows.count > 0, pageCount >= pageLimit || !rows.hasRoomForPage { break }
        guard try advance(countsOnly: !rows.needsTuples) else { break }
        pageCount += 1
        continue
      }
      let count = min(tupleCount - position, min(limit, rows.capacity) - rows.count)
      guard rows.append(tuples + position, numbers + position, count: count, on: block) else {
        throw EngineError(.corrupted, "a tuple on block \(block) of relation \(relation.locator) is damaged")
      }
      position += count
    }
    session.statistics.countReturned(rows.count, relation.oid, relation.locator)
    return rows.count
  }

  /// Goes on to the next page.
  /// - Parameter countsOnly: whether it is enough to know how many tuples are seen.
  /// - Returns: false at the end.
  private func advance(countsOnly: Bool) throws(EngineError) -> Bool {
    (position, tupleCount) = (0, 0)
    var next: PinnedBuffer?
    do throws(StorageError) { next = try stream.next() } catch { throw EngineError(error) }
    guard var page = next.take() else { return false }
    block = page.block
    if !countsOnly { stream.prefetchNextPage() }
    if reportsPosition, block.rawValue & 15 == 0 { relation.reportScanPosition(block) }
    try session.prune(&page, of: relation)
    try session.checkInterrupts()
    page.lock(.share, backend: session.backend)
    hints.removeAll(keepingCapacity: true)
    do throws(EngineError) {
      tupleCount =
        countsOnly
        ? try session.visibility.count(page.bytes, block, snapshot, hints: &hints)
        : try session.visibility.collect(page.bytes, block, snapshot, tuples, numbers, hints: &hints)
    } catch {
      throw error.naming(relation.locator)
    }
    if !hints.isEmpty, page.tryUpgrade() {
      for (number, bits) in hints {
        HeapPage(page.mutableBytes, block: block).tuple(Int(number))?.infomask.formUnion(bits)
      }
      try session.noteHints(on: &page, of: relation)
    }
    page.unlock()
    self.page = consume page
    return true
  }
}

/// All blocks of a relation, from one in the middle on and around.
final class BlockCircle: BlockSource {
  private let count: UInt32
  private var next: UInt32
  private var given: UInt32 = 0

  init(_ count: UInt32, from start: UInt32 = 0) { (self.count, next) = (count, start < count ? start : 0) }

  override func nextBlock(perBufferData: UnsafeMutableRawPointer?) -> BlockNumber? {
    guard given < count else { return nil }
    let block = BlockNumber(next)
    given += 1
    next = next + 1 == count ? 0 : next + 1
    return block
  }

  override var certainCount: Int? { Int(count - given) }
}
