import MillraceIO
public import MillraceStorage

/// Something in an index that cannot be right.
public struct BTreeProblem: Sendable, Equatable, CustomStringConvertible {
  public let block: BlockNumber
  public let message: String

  public var description: String { "block \(block): \(message)" }
}

/// Checks a whole index, level by level from the root down: what PostgreSQL's amcheck does (contrib/amcheck,
/// `bt_index_parent_check`). Nobody may change the index meanwhile.
///
/// Of each page: its special area, its items and their order. Of neighbours: their links, that everything on the left
/// is at most the high key, and everything on the right more. Of a page and those below it: that each has its downlink,
/// in order, and the high key that the next downlink has. Of the file: that every page is in the tree, half-dead,
/// deleted or new.
public struct BTreeChecker {
  private let index: BTreeIndex
  private let backend: IOBackend
  private let layout: IndexLayout
  public private(set) var problems: [BTreeProblem] = []
  /// More than this many are not collected.
  public var problemLimit = 100
  /// Called for each entry of the leaves: its key, and each place that it leads to.
  public var visit: ((IndexTuple, TupleIdentifier) -> Void)?
  public private(set) var entryCount: UInt64 = 0
  public private(set) var levelCount = 0
  private var seen: [Bool] = []

  /// A page's copy: pages are not kept locked.
  private final class Copy {
    let page: BTreePage
    let block: BlockNumber
    init(_ block: BlockNumber) {
      self.block = block
      page = BTreePage(.allocate(byteCount: PageLayout.blockSize, alignment: 8))
    }
    deinit { page.base.deallocate() }
  }

  /// A downlink as the level above has it.
  private struct Downlink {
    let child: BlockNumber
    /// The separator on the left of the child; empty for the first of the level.
    let lower: [UInt8]
    let parent: BlockNumber
  }

  public init(_ index: BTreeIndex, _ session: Session) {
    (self.index, backend, layout) = (index, session.backend, index.layout)
  }

  /// Checks everything. - Returns: whether nothing was found.
  /// - Throws: ``EngineError`` where pages cannot be read.
  public mutating func run() throws(EngineError) -> Bool {
    seen = Array(repeating: false, count: Int(try index.blockCount()))
    guard !seen.isEmpty else {
      note(BTreeMetaPage.block, "the index has no metapage")
      return false
    }
    seen[0] = true
    let meta = try index.readMetaPage(backend)
    if meta.root != BTreePage.none {
      var expected: [Downlink]?
      var (first, level) = (meta.root, Int(meta.level))
      while true {
        levelCount += 1
        let (downlinks, next) = try checkLevel(level, from: first, expected, isRootLevel: expected == nil)
        guard let next, level > 0 else { break }
        expected = downlinks
        (first, level) = (next, level - 1)
      }
      if level > 0 { note(first, "level \(level) is the last that can be reached") }
      if meta.fastLevel > meta.level { note(BTreeMetaPage.block, "the fast root is above the root") }
    }
    try checkRest()
    return problems.isEmpty
  }

  private mutating func note(_ block: BlockNumber, _ message: String) {
    if problems.count < problemLimit { problems.append(BTreeProblem(block: block, message: message)) }
  }

  private func copy(_ block: BlockNumber) throws(EngineError) -> Copy {
    let copy = Copy(block)
    var page = try index.read(block, backend)
    page.lock(.share, backend: backend)
    copy.page.base.copyMemory(from: page.bytes, byteCount: PageLayout.blockSize)
    return copy
  }

  // MARK: Levels

  /// Walks through one level.
  /// - Parameter expected: what the level above leads to; nil for the root's.
  /// - Returns: what this level leads to, and where the next one begins.
  private mutating func checkLevel(
    _ level: Int, from first: BlockNumber, _ expected: [Downlink]?, isRootLevel: Bool
  ) throws(EngineError) -> (downlinks: [Downlink], next: BlockNumber?) {
    var downlinks: [Downlink] = []
    var next: BlockNumber?
    var block = first
    var left: Copy?
    var position = 0
    while block != BTreePage.none {
      guard Int(block.rawValue) < seen.count else {
        note(block, "a link leads behind the end of the file")
        break
      }
      guard !seen[Int(block.rawValue)] else {
        note(block, "two ways lead to the page")
        break
      }
      seen[Int(block.rawValue)] = true
      let here = try copy(block)
      let page = here.page
      guard page.isSound, !page.flags.contains(.meta) else {
        note(block, "is not a page of a B-tree")
        break
      }
      checkPage(here, level, isRoot: isRootLevel)
      checkNeighbours(left, here)
      if !page.isIgnored {
        if let expected { checkDownlink(expected, &position, here, left) }
        if level > 0 {
          for number in page.firstDataNumber..<max(page.itemCount + 1, page.firstDataNumber) {
            let tuple = page.item(number)
            let isFirst = number == page.firstDataNumber
            // The first child of a page has the separator on the left of that.
            let lower = isFirst ? (left.map { Self.key($0.page.highKey) } ?? []) : Self.key(tuple)
            downlinks.append(Downlink(child: tuple.downlink, lower: lower, parent: block))
          }
          next = next ?? downlinks.first?.child
        }
      } else if page.isDeleted {
        note(block, "is deleted and linked to")
      }
      left = here
      block = page.next
    }
    if let expected, position < expected.count {
      note(expected[position].parent, "leads to \(expected[position].child), which is not on the level below")
    }
    return (downlinks, next)
  }

  /// A key as bytes that can be compared: without what differs between a high key and a downlink.
  private static func key(_ tuple: IndexTuple) -> [UInt8] {
    let copy = [UInt8](tuple.bytes)
    return Array(copy[4...])
  }

  private mutating func checkDownlink(_ expected: [Downlink], _ position: inout Int, _ here: Copy, _ left: Copy?) {
    guard position < expected.count, expected[position].child == here.block else {
      // The right half of a split that was not completed has none.
      if left?.page.isSplitIncomplete != true { note(here.block, "has no downlink on the level above") }
      return
    }
    let downlink = expected[position]
    position += 1
    if left?.page.isSplitIncomplete == true { note(here.block, "has a downlink though the split is incomplete") }
    guard let left, left.page.hasHighKey, !left.page.isIgnored else { return }
    if Self.key(left.page.highKey) != downlink.lower {
      note(here.block, "has another separator on the left in \(downlink.parent) than as the high key of \(left.block)")
    }
  }

  private mutating func checkNeighbours(_ left: Copy?, _ here: Copy) {
    let page = here.page
    if page.previous != left?.block ?? BTreePage.none {
      note(here.block, "has \(page.previous) for its left neighbour, not \(left?.block ?? BTreePage.none)")
    }
    guard let left, left.page.hasHighKey, !left.page.isHalfDead, !page.isHalfDead else { return }
    let first = page.firstDataNumber + (page.isLeaf ? 0 : 1)
    guard page.itemCount >= first else { return }
    // The high key is less than all on the right.
    if compare(left.page.highKey, page.item(first)) >= 0 {
      note(here.block, "has an item that is not greater than the high key of \(left.block)")
    }
  }

  // MARK: Pages

  private mutating func checkPage(_ here: Copy, _ level: Int, isRoot: Bool) {
    let page = here.page
    if page.level != UInt32(level) { note(here.block, "says it is on level \(page.level), and is on \(level)") }
    if page.isLeaf != (level == 0) { note(here.block, "is on level \(level) and \(page.isLeaf ? "a" : "no") leaf") }
    // A root that is being split is one no more before its successor is.
    if isRoot, page.isLeftmost, page.isRightmost, !page.isRoot { note(here.block, "is the root and does not say so") }
    if page.isIgnored { return }
    if !page.isRightmost, page.itemCount < 1 { return note(here.block, "has no high key") }
    if level > 0, page.itemCount < page.firstDataNumber { return note(here.block, "has no downlinks") }
    for number in 1..<page.itemCount + 1 {
      let pointer = page.editor.linePointer(number)
      let tuple = page.item(number)
      guard pointer.length >= IndexTuple.headerSize, pointer.offset >= page.editor.upper, pointer.offset % 8 == 0,
        pointer.offset + pointer.length <= BTreePage.special,
        PageLayout.aligned(tuple.size) == PageLayout.aligned(pointer.length),
        Int(tuple.info & IndexTuple.Info.sizeMask) <= pointer.length
      else {
        note(here.block, "has an item \(number) that is not where or as long as it says")
        return
      }
      checkKind(here, number, tuple)
    }
    checkOrder(here)
  }

  private mutating func checkKind(_ here: Copy, _ number: Int, _ tuple: IndexTuple) {
    let page = here.page
    let isData = number >= page.firstDataNumber
    if !page.isLeaf || !isData {
      if !tuple.isPivot { note(here.block, "has an item \(number) that is no pivot") }
      let isInfinite = !page.isLeaf && number == page.firstDataNumber
      if isInfinite != (tuple.columnCount(of: layout.keyCount) == 0) {
        note(here.block, "has an item \(number) with \(tuple.columnCount(of: layout.keyCount)) columns")
      }
      return
    }
    if tuple.isPivot { return note(here.block, "has an entry \(number) that is a pivot") }
    guard tuple.isPosting else {
      visit?(tuple, tuple.identifier)
      entryCount += 1
      return
    }
    let count = Int(tuple.status & IndexTuple.Status.countMask)
    guard count > 1, count == tuple.postingCount, tuple.postingOffset % 8 == 0 else {
      return note(here.block, "has a posting list \(number) of another length than it says")
    }
    for position in 0..<count {
      if position > 0, tuple.posting(position - 1) >= tuple.posting(position) {
        note(here.block, "has a posting list \(number) out of order")
      }
      visit?(tuple, tuple.posting(position).identifier)
    }
    entryCount += UInt64(count)
  }

  private mutating func checkOrder(_ here: Copy) {
    let page = here.page
    let first = page.firstDataNumber + (page.isLeaf ? 0 : 1)
    guard page.itemCount >= first else { return }
    for number in first..<page.itemCount {
      if compare(page.item(number), page.item(number + 1), afterList: true) >= 0 {
        note(here.block, "has items \(number) and \(number + 1) out of order")
      }
    }
    if page.hasHighKey, compare(page.item(page.itemCount), page.highKey, afterList: true) > 0 {
      note(here.block, "has an item that is greater than its high key")
    }
  }

  /// Compares two items with their heap TIDs. What a pivot lacks is less than anything.
  /// - Parameter afterList: whether of the left one the last heap TID counts.
  private func compare(_ left: IndexTuple, _ right: IndexTuple, afterList: Bool = false) -> Int {
    let order = layout.order(left, right)
    if order != 0 { return order }
    let (a, b) = (left.columnCount(of: layout.keyCount), right.columnCount(of: layout.keyCount))
    if a != b { return a < b ? -1 : 1 }
    let leftTID = !left.isPivot && afterList ? left.lastHeapTID : left.heapTID
    switch (leftTID, right.heapTID) {
    case (let x?, let y?): return x < y ? -1 : x > y ? 1 : 0
    case (nil, nil): return 0
    case (nil, _): return -1
    case (_, nil): return 1
    }
  }

  /// Pages that no way leads to.
  private mutating func checkRest() throws(EngineError) {
    for number in 1..<max(seen.count, 1) where !seen[number] {
      let here = try copy(BlockNumber(UInt32(number)))
      if here.page.editor.isNew || (here.page.isSound && here.page.isDeleted) { continue }
      // The upper pages of a subtree that is half out have no downlink.
      if here.page.isSound, !here.page.isLeaf { continue }
      // One that was taken from the file and not used, because of a crash.
      if here.page.isSound, here.page.itemCount == 0 { continue }
      note(here.block, "is not in the tree")
    }
  }
}
