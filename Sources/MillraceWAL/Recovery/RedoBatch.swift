import CMillrace
import MillraceIO
import MillraceStorage

/// Records that have been read and not yet been repeated, to be repeated page by page.
///
/// In the order of the log each record finds its page by itself: for a random workload that is one miss of the
/// processor's caches after the other, and of the pool where the relations are larger than it, and each miss writes
/// some other page out by itself. Sorted by page, as far as memory goes, every page is found, read and written once for
/// all of its records, neighbours together. Redo allows it: what a record does to one of its blocks depends on that
/// block alone (``RedoScope``), and each page's records keep their order.
///
///     memory    ┌ start │ end │ record ┬ start │ end │ record ┬ …     in the order of the log
///     changes   (fork, block, record, block id), …                    one for each block; sorted by fork and block
///     ordered   record, …                                             those that change more than their blocks
struct RedoBatch: ~Copyable {
  /// What a record does to one of its blocks.
  struct Change {
    /// The fork's number among ``forks``, and the block; both may be turned round: see ``turn``.
    fileprivate var key: UInt64
    /// Where the record is: multiples of eight bytes.
    let place: UInt32
    let id: UInt8
    /// Whether the record makes the page, from an image or anew, so that what it was before is not wanted.
    let makesPage: Bool
  }

  /// A record that does more than change blocks, or changes a map's.
  struct Ordered {
    let place: UInt32
    /// Whether all of it is to be repeated in the order of the log; otherwise only what it does to maps.
    let isWhole: Bool
  }

  struct Fork: Hashable {
    let locator: RelationLocator
    let fork: ForkNumber
  }

  /// The record that ends the batch because it can change anything: it is repeated behind all others.
  struct Last {
    let place: UInt32
    let overwritten: LogSequenceNumber?
  }

  private(set) var changes: [Change] = []
  private(set) var ordered: [Ordered] = []
  private(set) var last: Last?
  /// The newest transaction of all records; 0 where none has one.
  private(set) var newestXID: UInt32 = 0
  /// Whose blocks are changed.
  private(set) var forks: [Fork] = []
  private var forkNumbers: [Fork: Int] = [:]
  /// The forks that records named last, by a hash: most name the same few.
  private var recent = [Int](repeating: -1, count: recentCount)
  private static let recentCount = 64

  /// On huge pages where they can be had: it is filled once and looked at all over.
  private var memory: IOMemory
  private var filled = 0
  private let limit: Int
  /// Is put over keys, so that every other batch goes backwards through the forks and their pieces, 64 MiB each: it
  /// begins with the pages that the one before used last, which are still in the pool.
  private var turn: UInt64 = 0

  private static let initialCapacity = 64 << 10
  private static let headerSize = 2 * MemoryLayout<UInt64>.size
  private static let blocksPerPiece: UInt64 = 8192

  /// - Parameter limit: bytes of memory for records and what is known of them. A single record may need more.
  /// - Throws: ``IOError`` where there is no memory.
  init(limit: Int) throws(IOError) {
    self.limit = min(max(limit, 1), 16 << 30)
    memory = try IOMemory(byteCount: Self.initialCapacity)
  }

  var isEmpty: Bool { filled == 0 }
  /// Bytes that are kept.
  var byteCount: Int {
    filled + changes.count * MemoryLayout<Change>.stride + ordered.count * MemoryLayout<Ordered>.stride
  }

  func hasRoom(for record: WALRecord) -> Bool {
    let needed = Self.size(of: record) + record.blocks.count * MemoryLayout<Change>.stride
    return isEmpty || byteCount + needed <= limit
  }

  private static func size(of record: WALRecord) -> Int { headerSize + (record.totalLength + 7) & ~7 }

  // MARK: Collecting

  /// Keeps a copy of a record. Behind one whose scope is everything nothing can be added.
  /// - Throws: ``IOError`` where there is no memory for it.
  mutating func add(_ record: WALRecord, _ scope: RedoScope) throws(IOError) {
    precondition(last == nil, "a record was added behind the last of a batch")
    let place = try keep(record)
    switch scope {
    case .everything: last = Last(place: place, overwritten: record.overwritten)
    case .elsewhere: ordered.append(Ordered(place: place, isWhole: true))
    case .blocks, .blocksAndMaps: addBlocks(of: record, at: place, changesMaps: scope == .blocksAndMaps)
    }
    // In the order of a circle, half of which is the past; those below 3 are not given to transactions.
    let xid = record.xid
    if xid >= 3, newestXID == 0 || Int32(bitPattern: xid &- newestXID) > 0 { newestXID = xid }
  }

  private mutating func addBlocks(of record: WALRecord, at place: UInt32, changesMaps: Bool) {
    var changesMaps = changesMaps
    for block in record.blocks {
      // Bits are set in maps by records and taken away beside them; their order is the log's.
      if block.fork.isMap {
        changesMaps = true
        continue
      }
      let key = UInt64(number(of: block)) << 32 | UInt64(block.block.rawValue)
      changes.append(
        Change(
          key: key ^ turn, place: place, id: UInt8(truncatingIfNeeded: block.id),
          makesPage: block.appliesImage || block.willInitialize))
    }
    if changesMaps { ordered.append(Ordered(place: place, isWhole: false)) }
  }

  private mutating func keep(_ record: WALRecord) throws(IOError) -> UInt32 {
    let size = Self.size(of: record)
    if filled + size > memory.byteCount { try grow(toHold: filled + size) }
    let base = memory.baseAddress + filled
    base.storeBytes(of: record.start.rawValue, as: UInt64.self)
    base.storeBytes(of: record.end.rawValue, toByteOffset: 8, as: UInt64.self)
    (base + Self.headerSize).copyMemory(from: record.bytes, byteCount: record.totalLength)
    defer { filled += size }
    return UInt32(filled / 8)
  }

  @inline(never) private mutating func grow(toHold size: Int) throws(IOError) {
    let larger = try IOMemory(byteCount: max(size, memory.byteCount * 2))
    larger.baseAddress.copyMemory(from: memory.baseAddress, byteCount: filled)
    memory = larger
  }

  private mutating func number(of block: WALBlockReference) -> Int {
    let slot = Int(block.locator.relNumber &* 0x9E37_79B1 >> 26 ^ UInt32(block.fork.rawValue)) % Self.recentCount
    let seen = recent[slot]
    if seen >= 0, forks[seen].locator == block.locator, forks[seen].fork == block.fork { return seen }
    let fork = Fork(locator: block.locator, fork: block.fork)
    let number: Int
    if let known = forkNumbers[fork] {
      number = known
    } else {
      number = forks.count
      forks.append(fork)
      forkNumbers[fork] = number
    }
    recent[slot] = number
    return number
  }

  // MARK: Repeating

  /// Has the processor bring in a record that will be shown soon: they lie all over the memory.
  @inline(__always) func bringIn(_ index: Int) {
    guard index < changes.count else { return }
    let base = memory.baseAddress + Int(changes[index].place) * 8
    millrace_prefetch(base)
    millrace_prefetch(base + 64)
    millrace_prefetch(base + 128)
  }

  /// Brings the changes into the order of forks and blocks; those of a block stay in the order of the log.
  mutating func sort() {
    RedoOrder.sort(&changes) { $0.key }
  }

  /// The fork's number among ``forks``.
  func fork(of change: Change) -> Int { Int((change.key ^ turn) >> 32) }

  func block(of change: Change) -> BlockNumber { BlockNumber(UInt32(truncatingIfNeeded: change.key ^ turn)) }

  func isSamePage(_ one: Change, _ other: Change) -> Bool { one.key == other.key }

  /// Makes `record` show a record that is kept.
  func show(_ place: UInt32, in record: WALRecord) throws(WALProblem) {
    let base = memory.baseAddress + Int(place) * 8
    let bytes = base + Self.headerSize
    try record.show(
      UnsafeMutableRawBufferPointer(start: bytes, count: Int(WALRecordHeader(bytes).totalLength)),
      from: LogSequenceNumber(base.load(as: UInt64.self)),
      to: LogSequenceNumber(base.load(fromByteOffset: 8, as: UInt64.self)))
  }

  /// Forgets all records; memory is kept for the next ones.
  /// - Parameter isTurned: whether the next ones' pages are gone through backwards.
  mutating func removeAll(isTurned: Bool) {
    changes.removeAll(keepingCapacity: true)
    ordered.removeAll(keepingCapacity: true)
    forks.removeAll(keepingCapacity: true)
    forkNumbers.removeAll(keepingCapacity: true)
    for slot in recent.indices { recent[slot] = -1 }
    (filled, last, newestXID) = (0, nil, 0)
    turn = isTurned ? ~(Self.blocksPerPiece - 1) : 0
  }
}
