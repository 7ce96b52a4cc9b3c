import MillraceStorage

/// The matches of one page, copied out of it. Reading forward they stand at the front of their memory, reading
/// backward at its end; rising in either case.
struct ScanBatch {
  struct Item {
    var heapTID: HeapTID
    /// The item's number on its page.
    var number: UInt16
    /// Where its tuple is in `tuples`.
    var tupleOffset: UInt16
  }

  let items: UnsafeMutablePointer<Item>
  /// Copies of the tuples, where they are wanted.
  let tuples: UnsafeMutableRawPointer?
  private var tupleEnd = 0
  private var pinned: Page?
  private let keepsPages: Bool

  var start = 0
  var end = 0
  /// The present entry; before the first and behind the last there is none.
  var position = -1
  /// Of the page when it was read.
  var block = BlockNumber.invalid
  var lsn = LogSequenceNumber.invalid
  var previous = BTreePage.none
  var next = BTreePage.none
  /// Whether there may be matches on pages to the left and right.
  var hasMore = (left: false, right: false)
  /// Whether the scan goes on with another element of an array, somewhere else.
  var needsDescent = false
  /// Positions of entries that lead to nothing.
  var killed: [UInt16] = []
  /// Of arrays, where this is a mark.
  var positions: [Int] = []

  init(wantsTuples: Bool) {
    items = .allocate(capacity: BTreePage.heapTIDsMax)
    tuples = wantsTuples ? .allocate(byteCount: PageLayout.blockSize, alignment: 8) : nil
    keepsPages = wantsTuples
  }

  mutating func deallocate() {
    pinned = nil
    items.deallocate()
    tuples?.deallocate()
  }

  mutating func clear() {
    empty()
    (block, previous, next) = (.invalid, BTreePage.none, BTreePage.none)
    (hasMore, needsDescent) = ((false, false), false)
  }

  /// Forgets the matches, but not where they were.
  mutating func empty() {
    (start, end, position, tupleEnd) = (0, 0, -1, 0)
    if !killed.isEmpty { killed.removeAll(keepingCapacity: true) }
    if pinned != nil { pinned = nil }
  }

  mutating func begin(_ block: BlockNumber, _ lsn: LogSequenceNumber, previous: BlockNumber, next: BlockNumber) {
    empty()
    (self.block, self.lsn, self.previous, self.next) = (block, lsn, previous, next)
  }

  /// Keeps the page pinned where that is wanted: VACUUM then waits with removing its entries.
  mutating func keep(_ page: consuming PinnedBuffer) {
    if keepsPages { pinned = Page(page) }
  }

  /// Adds an entry at the front. - Returns: where the next one goes.
  @inline(__always) mutating func append(_ tuple: IndexTuple, _ number: Int, at output: Int) -> Int {
    let offset = copy(tuple)
    guard tuple.isPosting else {
      guard output < BTreePage.heapTIDsMax else { return output }
      (items + output).initialize(
        to: Item(heapTID: tuple.heapTID(0), number: UInt16(number), tupleOffset: offset))
      return output + 1
    }
    var output = output
    for index in 0..<tuple.postingCount where output < BTreePage.heapTIDsMax {
      (items + output).initialize(
        to: Item(heapTID: tuple.posting(index), number: UInt16(number), tupleOffset: offset))
      output += 1
    }
    return output
  }

  /// Adds an entry at the back.
  @inline(__always) mutating func prepend(_ tuple: IndexTuple, _ number: Int, at output: Int) -> Int {
    let offset = copy(tuple)
    var output = output
    for index in stride(from: tuple.heapTIDCount - 1, through: 0, by: -1) where output > 0 {
      output -= 1
      (items + output).initialize(
        to: Item(heapTID: tuple.heapTID(index), number: UInt16(number), tupleOffset: offset))
    }
    return output
  }

  /// Copies a tuple, of a posting list the key.
  private mutating func copy(_ tuple: IndexTuple) -> UInt16 {
    guard let tuples else { return 0 }
    let size = tuple.isPosting ? tuple.postingOffset : tuple.size
    guard tupleEnd + size <= PageLayout.blockSize else { return 0 }
    defer { tupleEnd += PageLayout.aligned(size) }
    (tuples + tupleEnd).copyMemory(from: tuple.base, byteCount: size)
    let copy = IndexTuple(tuples + tupleEnd, limit: size)
    if tuple.isPosting {
      copy.info &= ~IndexTuple.Info.alternative
      copy.setSize(size)
      tuple.heapTID(0).store(to: copy.base)
    }
    return UInt16(tupleEnd)
  }

  /// Becomes a copy of another batch, in memory of its own.
  mutating func copy(_ other: ScanBatch, _ positions: [Int]) {
    (start, end, position, block, lsn) = (other.start, other.end, other.position, other.block, other.lsn)
    (previous, next, hasMore, needsDescent) = (other.previous, other.next, other.hasMore, other.needsDescent)
    (items + start).update(from: other.items + start, count: end - start)
    if let tuples, let source = other.tuples { tuples.copyMemory(from: source, byteCount: PageLayout.blockSize) }
    (tupleEnd, pinned, killed, self.positions) = (other.tupleEnd, other.pinned, [], positions)
  }
}
