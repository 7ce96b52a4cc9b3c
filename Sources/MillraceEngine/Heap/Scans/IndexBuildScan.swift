import MillraceIO
public import MillraceStorage

/// The rows of a table that a new index must lead to: PostgreSQL's `heapam_index_build_range_scan`
/// (src/backend/access/heap/heapam_handler.c). On its session's thread, which holds the table in mode `share`.
///
/// These are not those of a snapshot: what has been deleted and may still be seen by some transaction is in the index,
/// too, but does not count where keys must be unique. Of a row that was updated on its page only the newest version is
/// entered; then transactions that may see an older one must not use the index (``hasBrokenChains``).
public final class IndexBuildScan {
  private let session: Session
  private let relation: HeapRelation
  private let horizon: TransactionID
  private let stream: ReadStream
  private var page: PinnedBuffer?
  private var block = BlockNumber.invalid
  private var found: [Entry] = []
  private var position = 0
  private var hints: [(number: UInt16, bits: Infomask)] = []
  /// For each line pointer of the page the one that index entries lead to; empty where nobody asked.
  private var roots: [UInt16] = []
  /// Of the row that was given out last: where index entries lead to.
  public private(set) var root = TupleIdentifier(.invalid, 0)
  /// Whether it is there for everybody from now on.
  public private(set) var isAlive = false
  /// Whether there are versions of rows that only older transactions see, and that the index does not know.
  public private(set) var hasBrokenChains = false

  private struct Entry {
    let number, root: UInt16
    let isAlive: Bool
  }

  public init(_ relation: HeapRelation, _ session: Session) throws(EngineError) {
    (self.session, self.relation) = (session, relation)
    let database = session.database
    horizon = database.transactions.removalHorizon()
    let count = try relation.blockCount()
    let strategy = database.bulkReadStrategy(for: relation, pages: count)
    stream = ReadStream(
      relation.pool, session.backend, relation.fork, BlockRange(0..<count, isCertain: true), strategy: strategy,
      configuration: database.maintenanceStreamConfiguration)
    session.statistics.countScan(relation.oid, relation.locator)
    found.reserveCapacity(HeapPage.itemCountMax)
    hints.reserveCapacity(HeapPage.itemCountMax)
  }

  public var statistics: ReadStreamStatistics { stream.statistics }

  /// The next row; nil at the end.
  /// - Returns: a tuple on its page, valid until the next call.
  /// - Throws: ``EngineError``.
  public func next() throws(EngineError) -> HeapTuple? {
    while position == found.count {
      guard try advance() else { return nil }
    }
    let entry = found[position]
    position += 1
    root = TupleIdentifier(block, Int(entry.root))
    isAlive = entry.isAlive
    guard let bytes = page?.bytes, let tuple = Self.tuple(Int(entry.number), bytes, block) else {
      throw EngineError(.corrupted, "tuple \(entry.number) on block \(block) of \(relation.locator) has gone")
    }
    return tuple
  }

  /// Reading needs no right to change, but tuples are the same type for both.
  private static func tuple(_ number: Int, _ page: UnsafeRawPointer, _ block: BlockNumber) -> HeapTuple? {
    HeapPage(UnsafeMutableRawPointer(mutating: page), block: block).tuple(number)
  }

  /// Goes on to the next page. - Returns: false at the end.
  private func advance() throws(EngineError) -> Bool {
    position = 0
    found.removeAll(keepingCapacity: true)
    self.page = nil
    var next: PinnedBuffer?
    do throws(StorageError) { next = try stream.next() } catch { throw EngineError(error) }
    guard var page = next.take() else { return false }
    block = page.block
    try session.prune(&page, of: relation)
    try session.checkInterrupts()
    page.lock(.share, backend: session.backend)
    hints.removeAll(keepingCapacity: true)
    roots.removeAll(keepingCapacity: true)
    do throws(EngineError) { try look(at: page.bytes, &session.visibility) } catch {
      throw error.naming(relation.locator)
    }
    if !hints.isEmpty, page.tryUpgrade() {
      let bytes = page.bytes
      for (number, bits) in hints { Self.tuple(Int(number), bytes, block)?.infomask.formUnion(bits) }
      try session.noteHints(on: &page, of: relation)
    }
    page.unlock()
    session.statistics.countReturned(found.count, relation.oid, relation.locator)
    self.page = consume page
    return true
  }

  private func look(at bytes: UnsafeRawPointer, _ visibility: inout Visibility) throws(EngineError) {
    let view = PageView(bytes)
    let isAllVisible = view.header.flags.contains(.allVisible)
    let lsn = PageHeader.lsn(of: bytes)
    for number in 1..<view.itemCount + 1 {
      let heap = HeapPage(UnsafeMutableRawPointer(mutating: bytes), block: block)
      guard let tuple = try heap.requiredTuple(number) else { continue }
      var status = TupleStatus.live
      if !isAllVisible {
        var bits: Infomask = []
        status = try visibility.status(of: tuple, horizon: horizon, pageLSN: lsn, hints: &bits)
        if !bits.isEmpty { hints.append((UInt16(number), bits)) }
      }
      switch status {
      case .dead: continue
      case .live, .insertInProgress: try enter(number, tuple, bytes, isAlive: true, &visibility)
      case .recentlyDead, .deleteInProgress:
        // Who deletes it is this transaction itself, or has committed.
        if tuple.isHotUpdated {
          hasBrokenChains = true
        } else {
          try enter(number, tuple, bytes, isAlive: false, &visibility)
        }
      }
    }
  }

  private func enter(
    _ number: Int, _ tuple: HeapTuple, _ bytes: UnsafeRawPointer, isAlive: Bool, _ visibility: inout Visibility
  ) throws(EngineError) {
    var root = UInt16(number)
    if tuple.isHeapOnly {
      if roots.isEmpty { try findRoots(bytes, &visibility) }
      root = roots[number]
      // Its chain was cut by an update that was rolled back: nobody sees it.
      if root == 0 { return }
    }
    found.append(Entry(number: UInt16(number), root: root, isAlive: isAlive))
  }

  /// Follows all chains of the page (heap_get_root_tuples).
  private func findRoots(_ bytes: UnsafeRawPointer, _ visibility: inout Visibility) throws(EngineError) {
    let count = PageView(bytes).itemCount
    roots.append(contentsOf: repeatElement(0, count: count + 1))
    for number in 1..<count + 1 {
      var chain = HeapChain(bytes, TupleIdentifier(block, number))
      while let version = chain.tuple {
        if let place = chain.number { roots[place] = UInt16(number) }
        chain.advance(version.isHotUpdated ? try visibility.updater(version) : .invalid)
      }
    }
  }
}
