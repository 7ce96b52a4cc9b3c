import MillraceIO
public import MillraceStorage

/// The rows of a table whose places a bitmap has, page by page in their order, many at once: PostgreSQL's bitmap heap
/// scan (src/backend/access/heap/heapam_handler.c). On its session's thread.
///
/// The bitmap's pages come through a read stream, so all of them that are neighbours are one read.
public final class HeapBitmapScan {
  private let session: Session
  private let relation: HeapRelation
  private let snapshot: Snapshot
  private let registration: SnapshotRegistration
  private let bitmap: TupleBitmap
  private let stream: ReadStream
  private var hints: [(number: UInt16, bits: Infomask)] = []
  private let tuples: UnsafeMutablePointer<HeapTuple>
  private let numbers: UnsafeMutablePointer<UInt16>
  /// Pages that were known row by row, and others.
  public private(set) var exactCount: UInt64 = 0
  public private(set) var lossyCount: UInt64 = 0
  /// Whether some of the rows that were filled in last have to be looked at again.
  public private(set) var needsRecheck = false

  /// - Parameters:
  ///   - session: in a transaction.
  ///   - snapshot: to read by; the session's current one unless given.
  public init(
    _ bitmap: TupleBitmap, _ relation: HeapRelation, _ session: Session, snapshot: Snapshot? = nil
  ) throws(EngineError) {
    (self.session, self.relation, self.bitmap) = (session, relation, bitmap)
    if let snapshot { self.snapshot = snapshot } else { self.snapshot = try session.snapshot() }
    registration = session.register(self.snapshot)
    let end = try relation.blockCount()
    stream = ReadStream(
      relation.pool, session.backend, relation.fork,
      BlockList(bitmap.sortedBlocks().filter { $0.rawValue < end }),
      configuration: session.database.readStreamConfiguration)
    tuples = .allocate(capacity: HeapPage.itemCountMax)
    numbers = .allocate(capacity: HeapPage.itemCountMax)
  }

  deinit {
    tuples.deallocate()
    numbers.deallocate()
    session.unregister(registration)
  }

  public var statistics: ReadStreamStatistics { stream.statistics }

  /// Of a page with no more rows than these the values are copied, so that it need not stay pinned.
  private static let copiedMax = 8

  /// Fills in the rows of the next pages that have some.
  /// - Parameters:
  ///   - rows: emptied first. Must have room for ``HeapPage/itemCountMax``.
  ///   - pageLimit: how many pages are looked at at most, as long as there is a row.
  /// - Returns: how many; 0 at the end.
  /// - Throws: ``EngineError``.
  public func next(_ rows: HeapRows, pageLimit: Int = 1) throws(EngineError) -> Int {
    rows.clear()
    needsRecheck = false
    var pageCount = 0
    while rows.count == 0
      || (pageCount < pageLimit && rows.hasRoomForPage && rows.capacity - rows.count >= HeapPage.itemCountMax)
    {
      pageCount += 1
      var next: PinnedBuffer?
      do throws(StorageError) { next = try stream.next() } catch { throw EngineError(error) }
      guard var page = next.take() else { break }
      let block = page.block
      try session.checkInterrupts()
      try session.prune(&page, of: relation)
      let count: Int
      do throws(EngineError) { count = try look(at: &page) } catch { throw error.naming(relation.locator) }
      let isKept = rows.needsPages && count > Self.copiedMax
      guard rows.append(tuples, numbers, count: count, on: block, isKept: isKept) else {
        throw EngineError(.corrupted, "a tuple on block \(block) of relation \(relation.locator) is damaged")
      }
      if isKept { rows.keep(page) }
    }
    session.statistics.countFetched(rows.count, relation.oid, relation.locator)
    return rows.count
  }

  /// Finds the page's tuples that the bitmap has and the snapshot sees.
  private func look(at page: inout PinnedBuffer) throws(EngineError) -> Int {
    let block = page.block
    page.lock(.share, backend: session.backend)
    hints.removeAll(keepingCapacity: true)
    var found = 0
    if let known = bitmap.page(block) {
      exactCount += 1
      if known.needsRecheck { needsRecheck = true }
      let heap = HeapPage(UnsafeMutableRawPointer(mutating: page.bytes), block: block)
      for word in 0..<TupleBitmap.Page.wordCount {
        var bits = known.bits[word]
        while bits != 0 {
          let root = TupleIdentifier(block, word * 64 + bits.trailingZeroBitCount + 1)
          bits &= bits - 1
          guard found < HeapPage.itemCountMax,
            let number = try session.visibility.search(page.bytes, root, snapshot, hints: &hints),
            let tuple = heap.tuple(number)
          else { continue }
          (tuples + found).initialize(to: tuple)
          (numbers + found).initialize(to: UInt16(number))
          found += 1
        }
      }
    } else {
      (lossyCount, needsRecheck) = (lossyCount + 1, true)
      found = try session.visibility.collect(page.bytes, block, snapshot, tuples, numbers, hints: &hints)
    }
    if !hints.isEmpty, page.tryUpgrade() {
      for (number, bits) in hints {
        HeapPage(page.mutableBytes, block: block).tuple(Int(number))?.infomask.formUnion(bits)
      }
      try session.noteHints(on: &page, of: relation)
    }
    page.unlock()
    return found
  }
}
