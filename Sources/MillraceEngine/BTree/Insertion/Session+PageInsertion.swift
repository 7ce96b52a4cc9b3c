import MillraceIO
import MillraceStorage
import MillraceWAL
import Synchronization

/// Putting an item onto a page, and splitting it where it is full: `_bt_insertonpg`, `_bt_split` and what follows from
/// them above (nbtinsert.c).
extension Session {
  /// Puts an item onto a page, or splits that.
  /// - Parameters:
  ///   - tuple: an entry or a downlink; an entry may be changed.
  ///   - number: the item that it goes before.
  ///   - postingOffset: where in that item, a posting list, it belongs; 0 where it goes before it.
  ///   - page: locked exclusively. Given up.
  ///   - child: for a downlink, the page on the left of the new one, locked exclusively. Given up.
  ///   - depth: how much of the way that was noted leads to the page.
  ///   - isOnly: whether the child was the only page of its level before the split.
  func insert(
    _ tuple: IndexTuple, at number: Int, postingOffset: Int, on page: consuming PinnedBuffer,
    child: consuming PinnedBuffer?, of index: BTreeIndex, depth: Int, isOnly childWasOnly: Bool = false
  ) throws(EngineError) {
    var page = page
    var child = child
    let view = BTreePage(page.mutableBytes)
    guard !view.isSplitIncomplete else { throw index.corrupted(page.block, "has an incomplete split") }
    var (number, posting) = (number, nil as IndexTuple?)
    var original = tuple
    if postingOffset > 0 {
      // The record has the tuple as it came; what goes onto the page are two others.
      original = Self.copy(tuple, to: btreeMemory.downlink)
      posting = BTreePage.swapPosting(view.item(number), tuple, at: postingOffset, in: btreeMemory.posting)
      guard posting != nil else { throw index.corrupted(page.block, "has no place in a posting list for an entry") }
      number += 1
    }
    guard view.editor.freeSpace >= tuple.size else {
      let split = PageSplit(
        index: index, new: tuple, number: number, original: original, posting: posting, postingOffset: postingOffset)
      let (isRoot, isOnly) = (view.isRoot, view.isLeftmost && view.isRightmost)
      let right = try self.split(&page, split, child: &child)
      _ = child.take()
      return try insertDownlink(to: right, leftOf: page, index, depth: depth, isRoot: isRoot, isOnly: isOnly)
    }
    // Where a level had one page and gets two, the fast root goes up.
    var meta: PinnedBuffer?
    if childWasOnly { meta = try metaPageBelow(level: view.level, index) }
    page.markDirty()
    child?.markDirty()
    if let posting, !view.editor.replaceItem(number - 1, with: posting.bytes) {
      throw index.corrupted(page.block, "has no room for a posting list as long as before")
    }
    guard view.insert(tuple, at: number) else { throw index.corrupted(page.block, "has less room than it says") }
    if let bytes = child?.mutableBytes { BTreePage(bytes).flags.subtract(.incompleteSplit) }
    try logInsertion(
      InsertedItem(tuple: tuple, original: original, number: number, postingOffset: postingOffset), &page, &child,
      &meta,
      index)
    if view.isLeaf, view.isRightmost, !view.isRoot {
      index.cachedRightmost.store(page.block.rawValue, ordering: .relaxed)
    }
  }

  static func copy(_ tuple: IndexTuple, to memory: UnsafeMutableRawBufferPointer) -> IndexTuple {
    guard let base = memory.baseAddress, tuple.size <= memory.count else {
      preconditionFailure("there is no room for a copy of an index tuple")
    }
    base.copyMemory(from: tuple.base, byteCount: tuple.size)
    return IndexTuple(base, limit: tuple.size)
  }

  /// The metapage, locked exclusively, where the fast root is below a level.
  private func metaPageBelow(level: UInt32, _ index: BTreeIndex) throws(EngineError) -> PinnedBuffer? {
    let page = try index.read(BTreeMetaPage.block, .exclusive, backend)
    guard try index.metaPage(page).fastLevel < level else { return nil }
    return page
  }

  private struct InsertedItem {
    let tuple: IndexTuple
    let original: IndexTuple
    let number: Int
    let postingOffset: Int
  }

  /// Logs an insertion without a split, and changes the metapage with it where that is given.
  private func logInsertion(
    _ item: InsertedItem, _ page: inout PinnedBuffer, _ child: inout PinnedBuffer?, _ metaPage: inout PinnedBuffer?,
    _ index: BTreeIndex
  ) throws(EngineError) {
    let level = BTreePage(reading: page.bytes).level
    var meta: BTreeMetaPage?
    if let held = metaPage.take() {
      var changed = try index.metaPage(held)
      (changed.fastRoot, changed.fastLevel) = (page.block, level)
      held.markDirty()
      changed.store(to: BTreePage(held.mutableBytes))
      meta = changed
      metaPage = consume held
    }
    guard index.isLogged else { return }
    let record = BTreeRecordWriter(builder, index.locator)
    let isLeaf = level == 0
    record.begin(
      isLeaf ? (item.postingOffset > 0 ? .insertPosting : .insertLeaf) : (meta == nil ? .insertUpper : .insertMeta),
      xid: transactionID)
    // Where a posting list was split, the place behind it.
    builder.appendData(UInt16(item.number))
    record.register(0, page)
    if let bytes = child?.bytes, let block = child?.block { record.register(1, bytes, block) }
    if let meta, let bytes = metaPage?.bytes { record.register(2, bytes, meta) }
    if item.postingOffset > 0 { builder.appendBlockData(0, UInt16(item.postingOffset)) }
    builder.registerBlockData(0, item.original.bytes)
    let end = endOfIndexRecord()
    page.setLSN(end.position)
    child?.setLSN(end.position)
    metaPage?.setLSN(end.position)
    try end.throwFailure()
  }

  // MARK: Splitting

  /// What is to be split.
  struct PageSplit {
    let index: BTreeIndex
    let new: IndexTuple
    let number: Int
    /// The new item as it came, before a posting list was split for it.
    let original: IndexTuple
    /// The list that takes the place of the one before the new item.
    let posting: IndexTuple?
    let postingOffset: Int
  }

  /// Splits a page and puts the new item onto one of the halves (`_bt_split`).
  /// - Parameters:
  ///   - page: becomes the left half, whose split is incomplete.
  ///   - child: see above; its own split is complete then.
  /// - Returns: the right half, locked exclusively.
  private func split(
    _ page: inout PinnedBuffer, _ split: PageSplit, child: inout PinnedBuffer?
  ) throws(EngineError) -> PinnedBuffer {
    let index = split.index
    let memory = btreeMemory
    let old = BTreePage(page.mutableBytes)
    var chooser = SplitChooser(
      old, split.new, at: split.number, index.layout, fillFactor: index.definition.fillFactor)
    guard let location = chooser.choose() else { throw index.corrupted(page.block, "cannot be split") }
    let highKey = try leftHighKey(old, split, location)
    var right = try allocatePage(index)
    let cycle = index.currentVacuumCycle

    // Both halves are put together apart, so that nothing has been changed if anything is wrong.
    let (leftPage, rightPage) = (BTreePage(memory.left), BTreePage(memory.right))
    let kept = old.flags.subtracting([.root, .splitEnd, .hasGarbage, .incompleteSplit])
    leftPage.initialize(level: old.level, flags: kept.union(.incompleteSplit))
    (leftPage.previous, leftPage.next, leftPage.cycleID) = (old.previous, right.block, cycle)
    leftPage.editor.lsn = old.editor.lsn
    rightPage.initialize(level: old.level, flags: kept)
    (rightPage.previous, rightPage.next, rightPage.cycleID) = (page.block, old.next, cycle)
    let half = Self.leftHalf(split, location, highKey)
    guard old.fillLeft(leftPage, half), Self.fillRight(rightPage, from: old, split, location) else {
      throw index.corrupted(page.block, "cannot be split so that all fits")
    }
    var sibling: PinnedBuffer?
    if !old.isRightmost {
      let next = try rightNeighbour(of: page.block, old, new: right.block, index)
      if BTreePage(reading: next.bytes).cycleID != cycle { rightPage.flags.insert(.splitEnd) }
      sibling = consume next
    }

    page.markDirty()
    right.markDirty()
    sibling?.markDirty()
    child?.markDirty()
    old.replace(with: leftPage)
    BTreePage(right.mutableBytes).replace(with: rightPage)
    if let bytes = sibling?.mutableBytes { BTreePage(bytes).previous = right.block }
    if let bytes = child?.mutableBytes { BTreePage(bytes).flags.subtract(.incompleteSplit) }
    guard index.isLogged else { return right }
    let record = BTreeRecordWriter(builder, index.locator)
    record.begin(location.newIsLeft ? .splitLeft : .splitRight, xid: transactionID)
    let logsPosting = split.posting != nil && split.number - 1 < location.firstRight
    record.split(
      level: old.level, location, number: split.number, postingOffset: logsPosting ? split.postingOffset : 0)
    record.register(0, page)
    record.register(1, right, [.standard, .willInitialize])
    if let bytes = sibling?.bytes, let block = sibling?.block { record.register(2, bytes, block) }
    if let bytes = child?.bytes, let block = child?.block { record.register(3, bytes, block) }
    if logsPosting {
      builder.registerBlockData(0, split.original.bytes)
    } else if location.newIsLeft {
      builder.registerBlockData(0, split.new.bytes)
    }
    builder.registerBlockData(0, BTreePage(reading: page.bytes).highKey.bytes)
    builder.registerBlockData(1, BTreePage(reading: right.bytes).itemBytes)
    let end = endOfIndexRecord()
    page.setLSN(end.position)
    right.setLSN(end.position)
    sibling?.setLSN(end.position)
    child?.setLSN(end.position)
    try end.throwFailure()
    return right
  }

  /// The page to the right of one that is split, locked exclusively.
  private func rightNeighbour(
    of block: BlockNumber, _ view: BTreePage, new: BlockNumber, _ index: BTreeIndex
  ) throws(EngineError) -> PinnedBuffer {
    try index.requireOther(view.next, than: new)
    let next = try index.read(view.next, level: view.level, .exclusive, backend)
    let previous = BTreePage(reading: next.bytes).previous
    guard previous == block else {
      throw index.corrupted(next.block, "has \(previous) for its left neighbour, which is \(block)")
    }
    return next
  }

  /// The high key that the left half gets: on a leaf as short as can be, above the first key of the right half.
  private func leftHighKey(
    _ old: BTreePage, _ split: PageSplit, _ location: SplitLocation
  ) throws(EngineError) -> IndexTuple {
    func item(_ number: Int) -> IndexTuple {
      if let posting = split.posting, number == split.number - 1 { return posting }
      return old.item(number)
    }
    let newIsNext = location.firstRight == split.number
    let firstRight = newIsNext && !location.newIsLeft ? split.new : item(location.firstRight)
    guard old.isLeaf else { return firstRight }
    let lastLeft = newIsNext && location.newIsLeft ? split.new : item(location.firstRight - 1)
    return try split.index.layout.separator(lastLeft, firstRight, in: btreeMemory.separator)
  }

  private static func leftHalf(
    _ split: PageSplit, _ location: SplitLocation, _ highKey: IndexTuple
  ) -> BTreePage.LeftHalf {
    var half = BTreePage.LeftHalf(firstRight: location.firstRight, highKey: highKey)
    if location.newIsLeft { (half.newItem, half.newNumber) = (split.new, split.number) }
    if let posting = split.posting, split.number - 1 < location.firstRight {
      (half.posting, half.postingNumber) = (posting, split.number - 1)
    }
    return half
  }

  /// Fills the right half, an empty page.
  private static func fillRight(
    _ right: BTreePage, from old: BTreePage, _ split: PageSplit, _ location: SplitLocation
  ) -> Bool {
    var number = 1
    if !old.isRightmost {
      guard right.insert(old.highKey, at: number) else { return false }
      number += 1
    }
    // On an internal page the first key goes up and leaves its downlink alone.
    let bare = old.isLeaf ? 0 : number
    func add(_ tuple: IndexTuple) -> Bool {
      defer { number += 1 }
      guard number == bare else { return right.insert(tuple, at: number) }
      return withUnsafeTemporaryAllocation(byteCount: IndexTuple.headerSize, alignment: 8) {
        right.insert(BTreePage.minusInfinity(tuple.downlink, in: $0), at: number)
      }
    }
    for position in location.firstRight..<max(old.itemCount + 1, location.firstRight) {
      if position == split.number, !location.newIsLeft {
        guard add(split.new) else { return false }
      }
      if let posting = split.posting, position == split.number - 1 {
        guard add(posting) else { return false }
      } else {
        guard add(old.item(position)) else { return false }
      }
    }
    if split.number > old.itemCount, !location.newIsLeft { return add(split.new) }
    return true
  }

  // MARK: The level above

  /// Adds the downlink to the right half of a split (`_bt_insert_parent`).
  /// - Parameters:
  ///   - right: locked exclusively. Given up.
  ///   - left: the same.
  ///   - isRoot: whether the page that was split was the root.
  ///   - isOnly: whether it was alone on its level.
  func insertDownlink(
    to right: consuming PinnedBuffer, leftOf left: consuming PinnedBuffer, _ index: BTreeIndex, depth: Int,
    isRoot: Bool, isOnly: Bool
  ) throws(EngineError) {
    if isRoot { return try makeRoot(above: left, right, index) }
    let level = BTreePage(reading: left.bytes).level
    if depth == 0 {
      // It was the root when we came by.
      guard let parent = try index.endpoint(level: level + 1, rightmost: false, backend) else {
        throw index.corrupted(left.block, "has no page above")
      }
      btreeMemory.stack[0] = BTreeMemory.StackEntry(block: parent.block, number: 0, level: level + 1)
    }
    let above = max(depth, 1)
    guard let (parent, number) = try parent(of: left.block, index, depth: above) else {
      throw index.corrupted(left.block, "has no downlink on the level above")
    }
    let block = right.block
    _ = consume right
    let downlink = BTreePage.downlink(BTreePage(reading: left.bytes).highKey, to: block, in: btreeMemory.downlink)
    try insert(
      downlink, at: number + 1, postingOffset: 0, on: parent.take(), child: consume left, of: index,
      depth: above - 1, isOnly: isOnly)
  }

  /// A pinned page that can be in a tuple.
  final class Held {
    private var page: PinnedBuffer?
    init(_ page: consuming PinnedBuffer) { self.page = consume page }
    func take() -> PinnedBuffer {
      guard let page = page.take() else { preconditionFailure("a page was taken twice") }
      return page
    }
  }

  /// The page with the downlink to a child, locked exclusively, and its number there (`_bt_getstackbuf`). It may have
  /// moved right since the way down.
  func parent(
    of child: BlockNumber, _ index: BTreeIndex, depth: Int
  ) throws(EngineError) -> (page: Held, number: Int)? {
    let entry = btreeMemory.stack[depth - 1]
    var (block, start) = (entry.block, entry.number)
    var steps: UInt32 = 0
    while true {
      try index.countStep(&steps, at: block)
      let page = try index.read(block, level: entry.level, .exclusive, backend)
      let view = BTreePage(reading: page.bytes)
      if view.isSplitIncomplete {
        try completeSplit(page, index, depth: depth - 1)
        continue
      }
      if !view.isIgnored {
        let first = view.firstDataNumber
        start = min(max(start, first), view.itemCount + 1)
        var found: Int?
        for number in start..<view.itemCount + 1 where view.item(number).downlink == child {
          found = number
          break
        }
        if found == nil {
          for number in stride(from: start - 1, through: first, by: -1) where view.item(number).downlink == child {
            found = number
            break
          }
        }
        if let found {
          btreeMemory.stack[depth - 1] = BTreeMemory.StackEntry(block: block, number: found, level: entry.level)
          return (Held(page), found)
        }
      }
      guard !view.isRightmost else { return nil }
      (block, start) = (view.next, 0)
    }
  }

  /// Puts a new root above the two halves of the old one (`_bt_newlevel`).
  private func makeRoot(
    above left: consuming PinnedBuffer, _ right: consuming PinnedBuffer, _ index: BTreeIndex
  ) throws(EngineError) {
    var left = left
    var root = try allocatePage(index)
    var page = try index.read(BTreeMetaPage.block, .exclusive, backend)
    var meta = try index.metaPage(page)
    let leftView = BTreePage(left.mutableBytes)
    let level = leftView.level + 1
    root.markDirty()
    page.markDirty()
    left.markDirty()
    let view = BTreePage(root.mutableBytes)
    guard
      view.fillRoot(
        level: level, left: left.block, right: right.block, separator: leftView.highKey, in: btreeMemory.downlink)
    else { throw index.corrupted(left.block, "has a high key that fills a page") }
    (meta.root, meta.level, meta.fastRoot, meta.fastLevel) = (root.block, level, root.block, level)
    meta.store(to: BTreePage(page.mutableBytes))
    leftView.flags.subtract(.incompleteSplit)
    index.note(fastRoot: root.block, level: level)
    guard index.isLogged else { return }
    let record = BTreeRecordWriter(builder, index.locator)
    record.begin(.newRoot, xid: transactionID)
    record.newRoot(root.block, level: level)
    record.register(0, root, [.standard, .willInitialize])
    record.register(1, left)
    record.register(2, page, meta)
    builder.registerBlockData(0, view.itemBytes)
    let end = endOfIndexRecord()
    root.setLSN(end.position)
    left.setLSN(end.position)
    page.setLSN(end.position)
    try end.throwFailure()
  }

  /// Completes a split that somebody left without a downlink, because of a crash or an error (`_bt_finish_split`).
  /// - Parameter left: locked exclusively. Given up.
  func completeSplit(_ left: consuming PinnedBuffer, _ index: BTreeIndex, depth: Int) throws(EngineError) {
    let view = BTreePage(reading: left.bytes)
    let right = try index.read(view.next, level: view.level, .exclusive, backend)
    let isOnly = view.isLeftmost && BTreePage(reading: right.bytes).isRightmost
    var wasRoot = false
    if depth == 0 {
      let page = try index.read(BTreeMetaPage.block, .exclusive, backend)
      wasRoot = try index.metaPage(page).root == left.block
    }
    try insertDownlink(to: right, leftOf: left, index, depth: depth, isRoot: wasRoot, isOnly: isOnly)
  }
}
