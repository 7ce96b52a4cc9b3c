import MillraceIO
import MillraceStorage
import MillraceWAL

/// Makes the pages of an index from entries in order: PostgreSQL's nbtsort.c. On its session's thread.
///
/// All levels grow at the same time: when a page is full, it gets its high key and goes out, and what led to it goes to
/// the page above. So each page is touched once, in the order of the file. Pages are appended many at a time, pass
/// through a ring of buffers, are logged as a whole each, and go out through a write stream.
final class BTreeBuilder {
  private let index: BTreeIndex
  private let layout: IndexLayout
  private let session: Session
  private let writer: BulkPageWriter
  private let strategy: BufferStrategy
  private var blocks: ExtendedBlocks?
  private var levels: [Level] = []
  private let separator = UnsafeMutableRawBufferPointer.allocate(byteCount: PageLayout.blockSize, alignment: 8)
  private(set) var pageCount: UInt32 = 0
  // A posting list that is being made.
  private let pending = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * PageLayout.blockSize, alignment: 8)
  private var pendingKeySize = 0
  private var pendingCount = 0
  private let deduplicates: Bool

  /// The page that a level is at.
  private final class Level {
    var page: PinnedBuffer?
    let number: UInt32
    /// What leads to the page: the high key of the one before it.
    var lowKey = IndexBuildKey()
    /// The number of the last item. While a page is being filled its first line pointer is kept for the high key.
    var last = 1
    /// Bytes of the last item that its high key would not have: a posting list's places.
    var lastExtra = 0
    let freeSpaceWanted: Int

    init(_ number: UInt32, freeSpaceWanted: Int) {
      (self.number, self.freeSpaceWanted) = (number, freeSpaceWanted)
    }

    var view: BTreePage {
      guard let bytes = page?.mutableBytes else { preconditionFailure("a level of an index has no page") }
      return BTreePage(bytes)
    }

    var block: BlockNumber { page?.block ?? .invalid }
  }

  /// - Parameter index: whose file is empty.
  init(_ index: BTreeIndex, _ session: Session) {
    (self.index, self.session, layout) = (index, session, index.layout)
    strategy = BufferStrategy(bulkWriteIn: index.pool)
    writer = BulkPageWriter(index.pool, session, isLogged: index.isLogged)
    deduplicates =
      index.definition.deduplicates && index.layout.allEqualImage && !index.definition.isUnique
  }

  deinit {
    separator.deallocate()
    pending.deallocate()
  }

  // MARK: Pages

  /// The next page of the file, locked exclusively.
  private func nextPage() throws(EngineError) -> PinnedBuffer {
    do throws(StorageError) {
      while true {
        if var page = blocks?.next() {
          if page.lockMode == nil { page.lock(.exclusive, backend: session.backend) }
          page.markDirty()
          pageCount += 1
          return page
        }
        // An eighth of what there is, so that little is left over.
        let count = min(max(Int(pageCount) / 8, 1), 128)
        blocks = try index.pool.extend(index.fork, by: count, session.backend, strategy: strategy)
      }
    } catch {
      throw EngineError(error)
    }
  }

  private func beginPage(_ level: Level) throws(EngineError) {
    let page = try nextPage()
    let view = BTreePage(page.mutableBytes)
    view.initialize(level: level.number, flags: level.number == 0 ? .leaf : [])
    view.editor.lower += PageLayout.linePointerSize
    level.page = consume page
    level.last = 1
  }

  private func level(_ number: Int) throws(EngineError) -> Level {
    if number < levels.count { return levels[number] }
    let fillFactor = number == 0 ? index.definition.fillFactor : 70
    let made = Level(UInt32(number), freeSpaceWanted: PageLayout.blockSize * (100 - fillFactor) / 100)
    levels.append(made)
    try beginPage(made)
    return made
  }

  /// Logs a page that is complete, and gives it to be written.
  private func release(_ page: consuming PinnedBuffer) throws(EngineError) {
    var page = page
    try session.logImage(&page, of: index)
    writer.add(page)
  }

  // MARK: Items

  /// Adds an entry, not less than the one before.
  /// - Parameter tuple: a plain one; copied.
  func add(_ tuple: IndexTuple) throws(EngineError) {
    guard deduplicates, let base = pending.baseAddress else { return try add(tuple, to: 0, extra: 0) }
    // A tenth of a page, so that pages are filled evenly (_bt_load).
    let sizeMax = (PageLayout.blockSize / 10) & ~7 - PageLayout.linePointerSize
    if pendingCount > 0 {
      let known = IndexTuple(base, limit: pendingKeySize)
      if pendingKeySize + (pendingCount + 1) * HeapTID.size <= sizeMax,
        layout.columnsToSeparate(known, tuple, byImage: true) > layout.keyCount
      {
        HeapTID(UnsafeRawPointer(tuple.base)).store(to: base + pendingKeySize + pendingCount * HeapTID.size)
        pendingCount += 1
        return
      }
      try addPending()
    }
    base.copyMemory(from: tuple.base, byteCount: tuple.size)
    pendingKeySize = tuple.size
    HeapTID(UnsafeRawPointer(tuple.base)).store(to: base + pendingKeySize)
    pendingCount = 1
  }

  private func addPending() throws(EngineError) {
    guard pendingCount > 0, let base = pending.baseAddress,
      let tuple = BTreePage.finishPosting(base, keySize: pendingKeySize, count: pendingCount)
    else { return }
    pendingCount = 0
    try add(tuple, to: 0, extra: tuple.isPosting ? tuple.size - tuple.postingOffset : 0)
  }

  /// Adds an item to a level (`_bt_buildadd`).
  private func add(_ tuple: IndexTuple, to number: Int, extra: Int) throws(EngineError) {
    let level = try level(number)
    let isLeaf = number == 0
    let free = level.view.editor.freeSpace
    let isFull =
      free < PageLayout.aligned(tuple.size) + (isLeaf ? PageLayout.aligned(HeapTID.size) : 0)
      || (free + level.lastExtra < level.freeSpaceWanted && level.last > 2)
    if isFull { try endPage(level, number) }
    if level.last == 1 {
      // The first of the level.
      withUnsafeTemporaryAllocation(byteCount: IndexTuple.headerSize, alignment: 8) {
        level.lowKey.copy(BTreePage.minusInfinity(.invalid, in: $0))
      }
    }
    level.last += 1
    try put(tuple, on: level, isBare: !isLeaf && level.last == 2)
    level.lastExtra = extra
  }

  private func put(_ tuple: IndexTuple, on level: Level, isBare: Bool) throws(EngineError) {
    let wasAdded = withUnsafeTemporaryAllocation(byteCount: IndexTuple.headerSize, alignment: 8) { memory in
      level.view.insert(isBare ? BTreePage.minusInfinity(tuple.downlink, in: memory) : tuple, at: level.last)
    }
    guard wasAdded else { throw index.corrupted(level.block, "has no room for what was to fit onto it") }
  }

  /// Turns the last item of a full page into its high key, and goes on with that item on a new page.
  private func endPage(_ level: Level, _ number: Int) throws(EngineError) {
    let isLeaf = number == 0
    let old = level.view
    let (oldBlock, lastNumber) = (level.block, level.last)
    let last = IndexBuildKey()
    last.copy(old.item(lastNumber))
    // Its line pointer becomes the first.
    old.editor.setLinePointer(1, old.editor.linePointer(lastNumber))
    old.editor.lower -= PageLayout.linePointerSize
    if isLeaf {
      let separator = try index.layout.separator(old.item(lastNumber - 1), last.tuple, in: separator)
      guard old.editor.replaceItem(1, with: separator.bytes) else {
        throw index.corrupted(oldBlock, "has no room for its high key")
      }
    }
    guard let finished = level.page.take() else { preconditionFailure("a level of an index has no page") }
    try beginPage(level)
    level.last = 2
    try put(last.tuple, on: level, isBare: !isLeaf)
    let highKey = IndexBuildKey()
    highKey.copy(old.item(1))
    level.lowKey.tuple.downlink = oldBlock
    try add(level.lowKey.tuple, to: number + 1, extra: 0)
    level.lowKey = highKey
    old.next = level.block
    level.view.previous = oldBlock
    try release(finished)
  }

  /// Ends all levels, writes the metapage, and waits for what is being written (`_bt_uppershutdown`).
  /// - Parameter metaPage: block 0, locked exclusively.
  func finish(_ metaPage: consuming PinnedBuffer) throws(EngineError) {
    try addPending()
    var meta = BTreeMetaPage(allEqualImage: index.layout.allEqualImage)
    var number = 0
    while number < levels.count {
      let level = levels[number]
      let view = level.view
      if number == levels.count - 1 {
        view.flags.insert(.root)
        (meta.root, meta.level, meta.fastRoot, meta.fastLevel) = (
          level.block, UInt32(number), level.block, UInt32(number)
        )
      } else {
        level.lowKey.tuple.downlink = level.block
        try add(level.lowKey.tuple, to: number + 1, extra: 0)
      }
      // The last page of a level has no high key: its items move up.
      let base = view.base + PageLayout.headerSize
      base.copyMemory(
        from: base + PageLayout.linePointerSize, byteCount: (view.itemCount - 1) * PageLayout.linePointerSize)
      view.editor.lower -= PageLayout.linePointerSize
      if let page = level.page.take() { try release(page) }
      number += 1
    }
    var metaPage = metaPage
    metaPage.markDirty()
    meta.store(to: BTreePage(metaPage.mutableBytes))
    try session.logImage(&metaPage, of: index)
    writer.add(metaPage)
    try releaseRest()
    try writer.finish()
  }

  /// Pages that were appended and not needed can be used later.
  private func releaseRest() throws(EngineError) {
    blocks = nil
    let (first, end) = (pageCount + 1, try index.blockCount())
    guard first < end else { return }
    index.freePages.withLock { $0 = (first..<end).reversed().map { BlockNumber($0) } }
  }
}

/// A tuple in memory of its own.
final class IndexBuildKey {
  private let memory: UnsafeMutableRawPointer = .allocate(byteCount: PageLayout.blockSize / 2, alignment: 8)
  private var size = 0

  deinit { memory.deallocate() }

  var tuple: IndexTuple { IndexTuple(memory, limit: size) }

  func copy(_ other: IndexTuple) {
    size = min(other.size, PageLayout.blockSize / 2)
    memory.copyMemory(from: other.base, byteCount: size)
  }
}
