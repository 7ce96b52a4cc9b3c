import MillraceIO
public import MillraceStorage
import MillraceTypes

/// The rows of a table as one of its indexes has them: an index-only scan (PostgreSQL's nodeIndexonlyscan.c). On its
/// session's thread.
///
/// ```swift
/// let rows = try IndexOnlyFetch(BTreeScan(index, session, keys, wantsTuples: true), table, session, wanted)
/// while case let count = try rows.next(into: columns, limit: 100), count > 0 { … }
/// ```
///
/// Whether the snapshot sees a row is told by the visibility map, where that says that everybody sees the row's page;
/// else by the row's version in the table. Those of an index page are then read ahead through a read stream, from the
/// first that is needed; PostgreSQL 18 reads one after another. The index page stays pinned until the scan is through
/// with it, so that no entry's place is used again meanwhile.
public final class IndexOnlyFetch {
  /// A column of the index, and where its values go.
  public struct Column: Sendable {
    public var number: Int
    public var target: Int

    /// - Parameters:
    ///   - number: of the index, from 0.
    ///   - target: among the columns that rows are filled into.
    public init(_ number: Int, target: Int) { (self.number, self.target) = (number, target) }
  }

  public let scan: BTreeScan
  /// How many rows had to be looked at in the table: `Heap Fetches`.
  public private(set) var heapFetches: UInt64 = 0
  private let fetcher: HeapFetcher
  private let map: VisibilityMap
  private let source = UnseenBlocks()
  /// Made when it is first needed.
  private var stream: ReadStream?
  private let relation: HeapRelation
  private let configuration: ReadStreamConfiguration?
  private let direction: ScanDirection
  /// Where each column of the index goes, up to the last that is wanted; -1 for nowhere.
  private let targets: [Int]
  private let kinds: [ValueKind]
  /// The heap page that the fetcher has.
  private var block = BlockNumber.invalid
  /// What the map has said of the heap block of the entry before.
  private var known = (block: BlockNumber.invalid, isVisible: false)
  /// Whether the stream has what is left of the present index page.
  private var isAhead = false
  private let arena = Arena(chunkSize: 1024)

  /// What must be done to a value of the index to make it one of the table.
  private enum ValueKind { case asItIs, unsigned, name }

  /// - Parameters:
  ///   - scan: made to give tuples; not read yet, and read by nobody else from now on.
  ///   - wanted: the columns to fill in.
  ///   - snapshot: to read by; the session's current one unless given.
  ///   - configuration: how far to read ahead; `effective_io_concurrency` and `io_combine_limit` unless given.
  public init(
    _ scan: BTreeScan, _ relation: HeapRelation, _ session: Session, _ wanted: [Column],
    _ direction: ScanDirection = .forward, snapshot: Snapshot? = nil, configuration: ReadStreamConfiguration? = nil
  ) throws(EngineError) {
    (self.scan, self.direction, self.relation, self.configuration) = (scan, direction, relation, configuration)
    fetcher = try HeapFetcher(relation, session, snapshot: snapshot)
    map = VisibilityMap(relation, session)
    let layout = scan.index.layout
    var targets = [Int](repeating: -1, count: (wanted.map(\.number).max() ?? -1) + 1)
    for column in wanted { targets[column.number] = column.target }
    self.targets = targets
    kinds = targets.indices.map { number in
      let type = number < layout.keyCount ? layout.keys[number].type : layout.included[number - layout.keyCount]
      if type.id == .name { return .name }
      return ColumnDescriptor.isUnsigned(type.id) ? .unsigned : .asItIs
    }
  }

  /// Starts over with other conditions.
  public func rescan(_ keys: [IndexScanKey]) {
    leavePage()
    scan.rescan(keys)
  }

  /// What the stream has done; nil where none was needed.
  public var statistics: ReadStreamStatistics? { stream?.statistics }

  /// Fills in the next rows, in the order of the index.
  /// - Parameters:
  ///   - columns: room for `limit` rows each. Values by reference are valid until the next call.
  /// - Returns: how many rows; often fewer than the limit; 0 at the end.
  /// - Throws: ``EngineError``.
  public func next(into columns: UnsafeMutablePointer<TupleColumn>, limit: Int) throws(EngineError) -> Int {
    arena.reset()
    var count = 0
    while count < limit {
      let startsPage = scan.countOnPage <= 0
      // Values lie in the copy of the page that the entries are from.
      if startsPage {
        if count > 0 { break }
        leavePage()
        try scan.session.checkInterrupts()
      }
      guard let place = try scan.nextHeapTID(direction) else { break }
      if try !isVisible(place) {
        guard try isSeen(place) else { continue }
      }
      if !targets.isEmpty { fill(columns, row: count) }
      count += 1
    }
    return count
  }

  /// Forgets what holds for the entries of one index page only. What the map says must be asked after an entry has been
  /// found: so it is asked anew for each page.
  private func leavePage() {
    known.block = .invalid
    if isAhead { stream?.reset() }
    (isAhead, block) = (false, .invalid)
  }

  /// Whether everybody sees an entry's row.
  @inline(__always) private func isVisible(_ place: HeapTID) throws(EngineError) -> Bool {
    let block = place.block
    if known.block == block { return known.isVisible }
    // What has been asked for the stream must not be answered in another way now.
    let isVisible = isAhead ? !source.contains(block) : try map.bits(of: block).contains(.allVisible)
    known = (block, isVisible)
    return isVisible
  }

  // MARK: The table

  /// Whether the snapshot sees a version of an entry's row, by the table.
  @inline(never) private func isSeen(_ place: HeapTID) throws(EngineError) -> Bool {
    let ahead: ReadStream
    if isAhead, let stream { ahead = stream } else { ahead = try readAhead(from: place) }
    if place.block != block {
      block = .invalid
      let page: PinnedBuffer?
      do throws(StorageError) { page = try ahead.next() } catch { throw EngineError(error) }
      guard let page, page.block == place.block else {
        preconditionFailure("a stream gave out another page than an index-only scan asked for")
      }
      block = page.block
      fetcher.use(page)
    }
    heapFetches += 1
    if try fetcher.fetch(place.identifier) != nil {
      scan.session.statistics.countFetched(1, scan.index.oid, scan.index.locator)
      return true
    }
    if fetcher.isAllDead { scan.killCurrent() }
    return false
  }

  /// Names the blocks that the rest of the index page needs to the stream.
  private func readAhead(from place: HeapTID) throws(EngineError) -> ReadStream {
    source.clear()
    source.append(place.block)
    for index in 0..<scan.countOnPage {
      let block = scan.upcoming(index, direction).block
      guard block != source.last else { continue }
      if !source.contains(block), try map.bits(of: block).contains(.allVisible) { continue }
      source.append(block)
    }
    isAhead = true
    if let stream { return stream }
    let made = ReadStream(
      relation.pool, scan.session.backend, relation.fork, source,
      configuration: configuration ?? scan.session.database.readStreamConfiguration)
    stream = made
    return made
  }

  // MARK: Values

  @inline(__always) private func fill(_ columns: UnsafeMutablePointer<TupleColumn>, row: Int) {
    guard let tuple = scan.tuple else { preconditionFailure("an index-only scan of entries without tuples") }
    var reader = IndexTupleReader(tuple, scan.index.layout)
    for number in targets.indices {
      let value = reader.next()
      let target = targets[number]
      guard target >= 0 else { continue }
      let column = columns[target]
      guard let value else {
        (column.nulls[row], column.values[row]) = (true, Datum(word: 0))
        continue
      }
      column.nulls[row] = false
      switch kinds[number] {
      case .asItIs: column.values[row] = value
      case .unsigned: column.values[row] = Datum(oid: value.oid)
      case .name: column.values[row] = padded(value)
      }
    }
  }

  /// A name as tables have it: of 64 bytes.
  private func padded(_ value: Datum) -> Datum {
    let memory = arena.allocate(NameType.length)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    UnsafeMutableRawBufferPointer(rebasing: memory.prefix(NameType.length - 1)).copyBytes(
      from: value.bytes.buffer.prefix(NameType.length - 1))
    return Datum(UnsafeRawBufferPointer(memory))
  }
}

/// The heap blocks that the visibility map does not answer for, of the entries of one index page, in their order.
private final class UnseenBlocks: BlockSource {
  private var blocks: [BlockNumber] = []
  private var all: Set<BlockNumber> = []
  private var given = 0

  func clear() {
    blocks.removeAll(keepingCapacity: true)
    all.removeAll(keepingCapacity: true)
    given = 0
  }

  func append(_ block: BlockNumber) {
    blocks.append(block)
    all.insert(block)
  }

  var last: BlockNumber? { blocks.last }

  func contains(_ block: BlockNumber) -> Bool { all.contains(block) }

  override func nextBlock(perBufferData: UnsafeMutableRawPointer?) -> BlockNumber? {
    guard given < blocks.count else { return nil }
    given += 1
    return blocks[given - 1]
  }
}
