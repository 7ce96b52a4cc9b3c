import MillraceIO
public import MillraceStorage

/// The rows of a table in the order of an index: an index scan, with heap pages read ahead through a read stream. On
/// its session's thread.
///
/// ```swift
/// let rows = try IndexHeapFetch(BTreeScan(index, session, keys), table, session)
/// while let row = try rows.next() { … }
/// ```
///
/// The scan runs ahead of the rows that are given out: what it finds is queued, and the blocks that it names go to the
/// stream. Neighbours in the index that are on the same heap page take one pin of it. How far it runs ahead, the stream
/// learns from having to wait, within `effective_io_concurrency` and the pool's budget: where all is cached it hardly
/// does. The order is that of the index throughout. PostgreSQL 18 reads one heap page after another.
public final class IndexHeapFetch {
  public let scan: BTreeScan
  private let fetcher: HeapFetcher
  private let source: IndexBlockSource
  private let stream: ReadStream?
  private var block = BlockNumber.invalid
  /// Entries that lead to nothing, of the index page that the present entry is on.
  private var dead: [BTreeScan.Entry] = []

  /// - Parameters:
  ///   - scan: not read yet, and read by nobody else from now on.
  ///   - expectsOne: whether one row at most will be wanted: then nothing is read ahead.
  ///   - snapshot: to read by; the session's current one unless given.
  ///   - configuration: how far to read ahead; `effective_io_concurrency` and `io_combine_limit` unless given.
  public init(
    _ scan: BTreeScan, _ relation: HeapRelation, _ session: Session, _ direction: ScanDirection = .forward,
    expectsOne: Bool = false, snapshot: Snapshot? = nil, configuration: ReadStreamConfiguration? = nil
  ) throws(EngineError) {
    self.scan = scan
    fetcher = try HeapFetcher(relation, session, snapshot: snapshot)
    source = IndexBlockSource(scan, relation, direction)
    stream =
      expectsOne
      ? nil
      : ReadStream(
        relation.pool, session.backend, relation.fork, source,
        configuration: configuration ?? session.database.readStreamConfiguration)
  }

  deinit { markDead() }

  /// Starts over with other conditions.
  public func rescan(_ keys: [IndexScanKey]) {
    markDead()
    scan.rescan(keys)
    source.reset()
    stream?.reset()
    block = .invalid
  }

  /// Whether it can be kept for later executions: nothing is read ahead.
  public var canBeKept: Bool { stream == nil }

  /// Lets go of pages and snapshot, until ``begin(_:snapshot:)``.
  public func release() {
    markDead()
    scan.restart()
    source.reset()
    block = .invalid
    fetcher.release()
  }

  /// Starts over with other conditions and another snapshot of the session, after ``release()``.
  public func begin(_ keys: [IndexScanKey], snapshot: Snapshot) {
    fetcher.begin(snapshot)
    scan.rescan(keys)
  }

  /// Where the row stands that was given out last.
  public var identifier: TupleIdentifier { fetcher.identifier }

  /// What the stream has done; nil where one row was expected.
  public var statistics: ReadStreamStatistics? { stream?.statistics }

  /// The next row that the snapshot sees; nil at the end.
  /// - Returns: a tuple on its page, valid until the next call.
  /// - Throws: ``EngineError``.
  public func next() throws(EngineError) -> HeapTuple? {
    while let entry = try source.take() {
      if let first = dead.first, first.block != entry.block { markDead() }
      if let stream, entry.heapTID.block != block {
        let page: PinnedBuffer?
        do throws(StorageError) { page = try stream.next() } catch {
          block = .invalid
          throw EngineError(error)
        }
        guard let page, page.block == entry.heapTID.block else {
          preconditionFailure("a stream gave out another page than an index scan asked for")
        }
        block = page.block
        fetcher.use(page)
      }
      if let tuple = try fetcher.fetch(entry.heapTID.identifier) {
        scan.session.statistics.countFetched(1, scan.index.oid, scan.index.locator)
        return tuple
      }
      if fetcher.isAllDead { dead.append(entry) }
    }
    if let failure = source.failure { throw failure }
    return nil
  }

  /// Marks in the index what was found to lead to nothing, a page at a time.
  private func markDead() {
    scan.session.markDead(dead, scan.index)
    dead.removeAll(keepingCapacity: true)
  }
}

/// The heap blocks of what an index scan finds, and what it has found so far.
final class IndexBlockSource: BlockSource {
  private let scan: BTreeScan
  private let relation: HeapRelation
  /// As many pages the table has at least.
  private var knownEnd: UInt32 = 0
  private let direction: ScanDirection
  /// A circle of entries that have been found and not taken.
  private var entries: [BTreeScan.Entry] = []
  private var first = 0
  private var count = 0
  /// The block that was named to the stream last, and one that is still to be.
  private var lastBlock = BlockNumber.invalid
  private var unnamed: BlockNumber?
  private var hasEnded = false
  private(set) var failure: EngineError?

  init(_ scan: BTreeScan, _ relation: HeapRelation, _ direction: ScanDirection) {
    (self.scan, self.relation, self.direction) = (scan, relation, direction)
    super.init()
  }

  /// Forgets what has been found: the scan starts over.
  func reset() {
    (first, count) = (0, 0)
    (lastBlock, unnamed) = (.invalid, nil)
    (hasEnded, failure) = (false, nil)
  }

  /// Finds one more entry. - Returns: its block, where it is another than that of the one before.
  private func find() -> BlockNumber? {
    guard !hasEnded else { return nil }
    do throws(EngineError) {
      guard let entry = try scan.nextEntry(direction) else {
        hasEnded = true
        return nil
      }
      let block = entry.heapTID.block
      try scan.index.requirePage(of: entry.heapTID, on: entry.block, in: relation, &knownEnd)
      append(entry)
      guard block != lastBlock else { return nil }
      lastBlock = block
      return block
    } catch {
      (failure, hasEnded) = (error, true)
      return nil
    }
  }

  private func append(_ entry: BTreeScan.Entry) {
    if count == entries.count {
      var grown = Array(entries[first...] + entries[..<first])
      grown.append(entry)
      grown.append(contentsOf: repeatElement(entry, count: max(grown.count, 15)))
      (entries, first) = (grown, 0)
    } else {
      entries[(first + count) % entries.count] = entry
    }
    count += 1
  }

  override func nextBlock(perBufferData: UnsafeMutableRawPointer?) -> BlockNumber? {
    if let block = unnamed {
      unnamed = nil
      return block
    }
    while !hasEnded { if let block = find() { return block } }
    return nil
  }

  /// The next entry; nil at the end, or after a failure.
  func take() throws(EngineError) -> BTreeScan.Entry? {
    if count == 0 {
      // The stream has not run ahead. What it asks for next is this entry's block, if that is another.
      unnamed = find()
      guard count > 0 else {
        if let failure { throw failure }
        return nil
      }
    }
    defer {
      first = (first + 1) % entries.count
      count -= 1
    }
    return entries[first]
  }
}
