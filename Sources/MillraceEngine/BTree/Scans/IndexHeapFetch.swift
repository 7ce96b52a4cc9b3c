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
/// The first rows are fetched one by one as long as their pages are cached: a look-up of a few rows, as a nested loop
/// makes many of, pays for no stream. With the first page that is not there, or when more rows come, the scan begins to
/// run ahead of the rows that are given out: what it finds is queued, and the blocks that it names go to the stream.
/// Neighbours in the index that are on the same heap page take one pin of it. How far it runs ahead, the stream learns
/// from having to wait, within `effective_io_concurrency` and the pool's budget. The order is that of the index
/// throughout. PostgreSQL 18 reads one heap page after another.
public final class IndexHeapFetch {
  public let scan: BTreeScan
  private let fetcher: HeapFetcher
  private let relation: HeapRelation
  private let direction: ScanDirection
  private let expectsOne: Bool
  private let configuration: ReadStreamConfiguration?
  /// Made when it is first needed.
  private var ahead: IndexReadAhead?
  /// Whether the scan runs ahead, until it starts over.
  private var isAhead = false
  /// How many pages have been pinned without the stream.
  private var directPages = 0
  private var block = BlockNumber.invalid
  /// Entries that lead to nothing, of the index page that the present entry is on.
  private var dead: [BTreeScan.Entry] = []

  /// So many cached pages are taken one by one before the stream is used.
  private static let directPagesMax = 8

  /// - Parameters:
  ///   - scan: not read yet, and read by nobody else from now on.
  ///   - expectsOne: whether one row at most will be wanted: then nothing is read ahead.
  ///   - snapshot: to read by; the session's current one unless given.
  ///   - configuration: how far to read ahead; `effective_io_concurrency` and `io_combine_limit` unless given.
  public init(
    _ scan: BTreeScan, _ relation: HeapRelation, _ session: Session, _ direction: ScanDirection = .forward,
    expectsOne: Bool = false, snapshot: Snapshot? = nil, configuration: ReadStreamConfiguration? = nil
  ) throws(EngineError) {
    (self.scan, self.relation, self.direction) = (scan, relation, direction)
    (self.expectsOne, self.configuration) = (expectsOne, configuration)
    fetcher = try HeapFetcher(relation, session, snapshot: snapshot)
  }

  deinit { markDead() }

  /// Starts over with other conditions. Allocates nothing.
  public func rescan(_ keys: [IndexScanKey]) {
    restart()
    scan.rescan(keys)
  }

  private func restart() {
    markDead()
    if isAhead { ahead?.reset() }
    (isAhead, directPages, block) = (false, 0, .invalid)
  }

  /// Whether it can be kept for later executions: it has no stream.
  public var canBeKept: Bool { ahead == nil }

  /// Lets go of pages and snapshot, until ``begin(_:snapshot:)``.
  public func release() {
    restart()
    scan.release()
    fetcher.release()
  }

  /// Starts over with other conditions and another snapshot of the session, after ``release()``.
  public func begin(_ keys: [IndexScanKey], snapshot: Snapshot) {
    fetcher.begin(snapshot)
    scan.rescan(keys)
  }

  /// Where the row stands that was given out last.
  public var identifier: TupleIdentifier { fetcher.identifier }

  /// What the stream has done; nil where none was needed.
  public var statistics: ReadStreamStatistics? { ahead?.stream.statistics }

  /// The next row that the snapshot sees; nil at the end.
  /// - Returns: a tuple on its page, valid until the next call.
  /// - Throws: ``EngineError``.
  public func next() throws(EngineError) -> HeapTuple? {
    while !isAhead, let entry = try scan.nextEntry(direction) {
      if try pinsItself(entry) {
        if let tuple = try fetch(entry) { return tuple }
      } else {
        startAhead(with: entry)
      }
    }
    return isAhead ? try nextAhead() : nil
  }

  /// Whether an entry's row is fetched without the stream; then its page is pinned if that needs no read.
  private func pinsItself(_ entry: BTreeScan.Entry) throws(EngineError) -> Bool {
    if expectsOne { return true }
    let wanted = entry.heapTID.block
    if wanted == block { return true }
    guard directPages < Self.directPagesMax else { return false }
    // The last entry, as far as is known, leaves nothing to be read at the same time.
    guard try fetcher.pinIfCached(wanted) || scan.countOnPage == 0 else { return false }
    directPages += 1
    block = wanted
    return true
  }

  /// Lets the scan run ahead from now on, beginning with an entry that it has found already.
  private func startAhead(with entry: BTreeScan.Entry) {
    let ahead = ahead ?? IndexReadAhead(scan, direction, relation, configuration)
    self.ahead = ahead
    ahead.source.begin(with: entry)
    (isAhead, block) = (true, .invalid)
  }

  private func nextAhead() throws(EngineError) -> HeapTuple? {
    guard let ahead else { return nil }
    while let entry = try ahead.source.take() {
      if entry.heapTID.block != block {
        let page: PinnedBuffer?
        do throws(StorageError) { page = try ahead.stream.next() } catch {
          block = .invalid
          throw EngineError(error)
        }
        guard let page, page.block == entry.heapTID.block else {
          preconditionFailure("a stream gave out another page than an index scan asked for")
        }
        block = page.block
        fetcher.use(page)
      }
      if let tuple = try fetch(entry) { return tuple }
    }
    if let failure = ahead.source.failure { throw failure }
    return nil
  }

  /// The version of an entry's row that is seen.
  @inline(__always) private func fetch(_ entry: BTreeScan.Entry) throws(EngineError) -> HeapTuple? {
    if !dead.isEmpty, dead[0].block != entry.block { markDead() }
    if let tuple = try fetcher.fetch(entry.heapTID.identifier) {
      scan.session.statistics.countFetched(1, scan.index.oid, scan.index.locator)
      return tuple
    }
    if fetcher.isAllDead { dead.append(entry) }
    return nil
  }

  /// Marks in the index what was found to lead to nothing, a page at a time.
  private func markDead() {
    guard !dead.isEmpty else { return }
    scan.session.markDead(dead, scan.index)
    dead.removeAll(keepingCapacity: true)
  }
}

/// What lets an index scan run ahead of its rows: the entries that it has found, and the stream of their pages.
private final class IndexReadAhead {
  let source: IndexBlockSource
  let stream: ReadStream

  init(
    _ scan: BTreeScan, _ direction: ScanDirection, _ relation: HeapRelation, _ configuration: ReadStreamConfiguration?
  ) {
    source = IndexBlockSource(scan, direction)
    stream = ReadStream(
      relation.pool, scan.session.backend, relation.fork, source,
      configuration: configuration ?? scan.session.database.readStreamConfiguration)
  }

  /// Forgets what has been found: the scan starts over.
  func reset() {
    source.reset()
    stream.reset()
  }
}
