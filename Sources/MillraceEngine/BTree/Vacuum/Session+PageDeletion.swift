import MillraceIO
import MillraceStorage
import MillraceTypes
import MillraceWAL

/// Taking empty pages out of a tree, in two steps: `_bt_pagedel` (nbtpage.c, and the README's "Deleting entire pages
/// during VACUUM").
///
/// The first step takes the downlink out of the parent: the key space goes to the page on the right, and the leaf is
/// *half-dead*. Where the leaf is its parent's only child, the parent goes too, and so on up; the leaf remembers the
/// top of that subtree. The second step takes the pages of the subtree out of the chains of their levels, the topmost
/// first and the leaf last. An interruption in between leaves a half-dead leaf, which the next VACUUM finds.
extension Session {
  /// Deletes a page, and after it those to its right that are found empty.
  /// - Parameter page: a leaf without entries, or half-dead, locked exclusively. Given up.
  func deletePage(_ page: consuming PinnedBuffer, _ index: BTreeIndex, _ vacuum: inout BTreeVacuum) throws(EngineError)
  {
    var page = page
    while true {
      var hasWay = false
      while !BTreePage(reading: page.bytes).isHalfDead {
        let view = BTreePage(page.mutableBytes)
        guard view.isLeaf, !view.isDeleted, !view.isRightmost, !view.isRoot, view.itemCount < view.firstDataNumber,
          !view.isSplitIncomplete
        else { return }
        if hasWay {
          guard try markHalfDead(&page, index) else { return }
        } else {
          // The way to its parent is found by its high key, from the root.
          let highKey = Self.copy(view.highKey, to: btreeMemory.tuple)
          let (left, block, level) = (view.previous, page.block, view.level)
          page.unlock()
          if try isSplitIncomplete(left, before: block, level: level, index) { return }
          try noteWay(to: highKey, index)
          page.lock(.exclusive, backend: backend)
          hasWay = true
        }
      }
      var rightIsEmpty = false
      while BTreePage(reading: page.bytes).isHalfDead {
        guard try unlinkTop(&page, index, rightIsEmpty: &rightIsEmpty, &vacuum) else { return }
      }
      guard rightIsEmpty else { return }
      let right = BTreePage(reading: page.bytes).next
      page.unlock()
      page = try index.read(right, .exclusive, backend)
    }
  }

  /// Whether the page to the left of one has been split and has no downlink to it yet: then it must stay.
  private func isSplitIncomplete(
    _ left: BlockNumber, before block: BlockNumber, level: UInt32, _ index: BTreeIndex
  ) throws(EngineError) -> Bool {
    guard left != BTreePage.none else { return false }
    let page = try index.read(left, level: level, .share, backend)
    let view = BTreePage(reading: page.bytes)
    return view.next == block && view.isSplitIncomplete
  }

  /// Notes the way from the root to the leaf that has a high key.
  private func noteWay(to highKey: IndexTuple, _ index: BTreeIndex) throws(EngineError) {
    let memory = btreeMemory
    memory.depth = 0
    let count = highKey.columnCount(of: index.layout.keyCount)
    let nulls = index.layout.deform(highKey, count: count, into: memory.values)
    // The leftmost of pages that could have it.
    let key = BTreeKey(
      values: memory.values, nulls: nulls, count: count, heapTID: highKey.heapTID, isBackward: true)
    guard var page = try index.root(backend) else { return }
    while true {
      try index.moveRight(&page, key, .share, backend)
      let view = BTreePage(reading: page.bytes)
      if view.isLeaf { return }
      guard view.itemCount >= view.firstDataNumber else { throw index.corrupted(page.block, "has no downlinks") }
      let number = index.layout.search(key, view)
      memory.noteWay(BTreeMemory.StackEntry(block: page.block, number: number, level: view.level))
      try index.descend(&page, to: view.item(number).downlink, from: view.level, .share, backend)
    }
  }

  // MARK: The first step

  /// Where a subtree hangs.
  private struct SubtreeParent {
    let page: Held
    let number: Int
    /// The top of the subtree, and the page to its right.
    let top: BlockNumber
    let topNext: BlockNumber
  }

  /// Takes the downlink to a leaf, or to the top of the subtree that it is all of, out of the tree
  /// (`_bt_mark_page_halfdead`).
  /// - Returns: whether that could be done.
  private func markHalfDead(_ leaf: inout PinnedBuffer, _ index: BTreeIndex) throws(EngineError) -> Bool {
    let view = BTreePage(leaf.mutableBytes)
    do {
      let right = try index.read(view.next, .share, backend)
      // Its downlink is gone already; it could not take over the key space.
      if BTreePage(reading: right.bytes).isHalfDead { return false }
    }
    guard let above = try lockSubtreeParent(of: leaf.block, next: view.next, index) else { return false }
    var parent = above.page.take()
    let parentView = BTreePage(parent.mutableBytes)
    guard parentView.item(above.number + 1).downlink == above.topNext else {
      throw index.corrupted(
        parent.block,
        "has \(parentView.item(above.number + 1).downlink) for the child behind \(above.top), whose "
          + "right neighbour is \(above.topNext)")
    }
    let record = BTreeHalfDeadRecord(
      parentNumber: above.number, leaf: leaf.block, previous: view.previous, next: view.next,
      topParent: above.top == leaf.block ? .invalid : above.top)
    parent.markDirty()
    leaf.markDirty()
    guard parentView.removeDownlink(above.number),
      view.fillHalfDead(
        previous: record.previous, next: record.next, topParent: record.topParent, in: btreeMemory.downlink)
    else { throw index.corrupted(parent.block, "has no downlink that was just there") }
    guard index.isLogged else { return true }
    let writer = BTreeRecordWriter(builder, index.locator)
    writer.begin(.markPageHalfDead, xid: transactionID)
    writer.register(0, leaf, [.standard, .willInitialize])
    writer.register(1, parent)
    writer.markHalfDead(record)
    let end = endOfIndexRecord()
    leaf.setLSN(end.position)
    parent.setLSN(end.position)
    try end.throwFailure()
    return true
  }

  /// Finds and locks the lowest page above a leaf that has more than what leads to it (`_bt_lock_subtree_parent`).
  /// - Returns: nil where the leaf must stay: it is the last child, and its parent must stay.
  private func lockSubtreeParent(
    of leaf: BlockNumber, next: BlockNumber, _ index: BTreeIndex
  ) throws(EngineError) -> SubtreeParent? {
    var (top, topNext) = (leaf, next)
    var depth = btreeMemory.depth
    while depth > 0 {
      guard let (held, number) = try parent(of: top, index, depth: depth) else { return nil }
      let page = held.take()
      let view = BTreePage(reading: page.bytes)
      if number < view.itemCount {
        return SubtreeParent(page: Held(page), number: number, top: top, topNext: topNext)
      }
      // The last child can go only with its parent: there is nobody to the right who could take over its key space.
      guard number == view.firstDataNumber, !view.isRightmost else { return nil }
      let (block, left, level) = (page.block, view.previous, view.level)
      (top, topNext) = (block, view.next)
      _ = consume page
      if try isSplitIncomplete(left, before: block, level: level, index) { return nil }
      depth -= 1
    }
    return nil
  }

  // MARK: The second step

  /// Takes the topmost page of a half-dead leaf's subtree, which is the leaf itself in the end, out of its level
  /// (`_bt_unlink_halfdead_page`).
  /// - Parameter leaf: locked exclusively, before and after.
  /// - Returns: whether that could be done.
  private func unlinkTop(
    _ leaf: inout PinnedBuffer, _ index: BTreeIndex, rightIsEmpty: inout Bool, _ vacuum: inout BTreeVacuum
  ) throws(EngineError) -> Bool {
    let leafView = BTreePage(leaf.mutableBytes)
    let leafBlock = leaf.block
    let top = leafView.highKey.topParent
    var (left, level) = (leafView.previous, leafView.level)
    // Pages are locked from left to right and from below to above.
    leaf.unlock()
    if let top {
      let page = try index.read(top, .share, backend)
      let view = BTreePage(reading: page.bytes)
      guard !view.isLeaf, view.level > 0 else { throw index.corrupted(top, "was to be above the leaf \(leafBlock)") }
      (left, level) = (view.previous, view.level)
    }
    let target = top ?? leafBlock
    if top != nil { leaf.lock(.exclusive, backend: backend) }
    var leftPage: PinnedBuffer?
    if left != BTreePage.none {
      guard let found = try leftNeighbour(left, of: target, level: level, index) else { return false }
      left = found.block
      leftPage = consume found
    }
    var topPage: PinnedBuffer?
    if let top {
      topPage = try index.read(top, level: level, .exclusive, backend)
    } else {
      leaf.lock(.exclusive, backend: backend)
    }
    let targetView = BTreePage(topPage?.mutableBytes ?? leaf.mutableBytes)
    guard !targetView.isRightmost, !targetView.isRoot, !targetView.isDeleted, targetView.previous == left else {
      throw index.corrupted(target, "has changed while it was on its way out of the tree")
    }
    var record = BTreeUnlinkRecord(
      previous: left, next: targetView.next, level: targetView.level, safeXID: database.transactions.next)
    if top != nil {
      guard targetView.itemCount == targetView.firstDataNumber, !targetView.isLeaf else {
        throw index.corrupted(target, "is the top of a subtree that goes, and has other children")
      }
      let child = targetView.item(targetView.firstDataNumber).downlink
      (record.leafPrevious, record.leafNext) = (leafView.previous, leafView.next)
      record.leafTopParent = child == leafBlock ? .invalid : child
    } else {
      guard targetView.isLeaf, targetView.isHalfDead, targetView.itemCount < targetView.firstDataNumber else {
        throw index.corrupted(target, "is half-dead and has entries")
      }
    }
    let rightPage = try index.read(targetView.next, level: level, .exclusive, backend)
    let rightView = BTreePage(rightPage.mutableBytes)
    guard rightView.previous == target else {
      throw index.corrupted(rightPage.block, "has \(rightView.previous) for its left neighbour, which is \(target)")
    }
    rightIsEmpty = rightView.itemCount < rightView.firstDataNumber
    var metaPage: PinnedBuffer?
    if left == BTreePage.none, rightView.isRightmost {
      // One page is left of the level: searches can begin there.
      metaPage = try metaPageForFastRoot(level: targetView.level, index)
    }
    vacuum.noteDeleted(target)
    try unlink(record, &leaf, &topPage, &leftPage, rightPage, &metaPage, index)
    return true
  }

  private func metaPageForFastRoot(level: UInt32, _ index: BTreeIndex) throws(EngineError) -> PinnedBuffer? {
    let page = try index.read(BTreeMetaPage.block, .exclusive, backend)
    guard try index.metaPage(page).fastLevel <= level + 1 else { return nil }
    return page
  }

  /// The page to the left of one, locked exclusively: it may have been split since.
  private func leftNeighbour(
    _ block: BlockNumber, of target: BlockNumber, level: UInt32, _ index: BTreeIndex
  ) throws(EngineError) -> PinnedBuffer? {
    var page = try index.read(block, level: level, .exclusive, backend)
    var steps: UInt32 = 0
    while true {
      let view = BTreePage(reading: page.bytes)
      if !view.isDeleted, view.next == target { return page }
      guard !view.isRightmost, !view.isDeleted else { return nil }
      let next = view.next
      try index.countStep(&steps, at: next)
      page.unlock()
      page = try index.read(next, level: level, .exclusive, backend)
    }
  }

  /// Changes and logs what unlinking changes. All pages are locked exclusively.
  private func unlink(
    _ record: BTreeUnlinkRecord, _ leaf: inout PinnedBuffer, _ top: inout PinnedBuffer?, _ left: inout PinnedBuffer?,
    _ right: consuming PinnedBuffer, _ metaPage: inout PinnedBuffer?, _ index: BTreeIndex
  ) throws(EngineError) {
    var right = right
    leaf.markDirty()
    top?.markDirty()
    left?.markDirty()
    right.markDirty()
    metaPage?.markDirty()
    if let bytes = left?.mutableBytes { BTreePage(bytes).next = record.next }
    BTreePage(right.mutableBytes).previous = record.previous
    let target = BTreePage(top?.mutableBytes ?? leaf.mutableBytes)
    if top != nil {
      guard
        BTreePage(leaf.mutableBytes).fillHalfDead(
          previous: record.leafPrevious, next: record.leafNext, topParent: record.leafTopParent,
          in: btreeMemory.downlink)
      else { preconditionFailure("an empty page has no room for its high key") }
    }
    target.fillDeleted(
      level: record.level, isLeaf: top == nil, previous: record.previous, next: record.next, safeXID: record.safeXID)
    var meta: BTreeMetaPage?
    if let held = metaPage.take() {
      var changed = try index.metaPage(held)
      (changed.fastRoot, changed.fastLevel) = (record.next, record.level)
      changed.store(to: BTreePage(held.mutableBytes))
      meta = changed
      metaPage = consume held
    }
    guard index.isLogged else { return }
    let writer = BTreeRecordWriter(builder, index.locator)
    writer.begin(meta == nil ? .unlinkPage : .unlinkPageMeta, xid: transactionID)
    writer.unlink(record)
    if let bytes = top?.bytes, let block = top?.block {
      writer.register(0, bytes, block, [.standard, .willInitialize])
    } else {
      writer.register(0, leaf, [.standard, .willInitialize])
    }
    if let bytes = left?.bytes, let block = left?.block { writer.register(1, bytes, block) }
    writer.register(2, right)
    if top != nil { writer.register(3, leaf, [.standard, .willInitialize]) }
    if let meta, let bytes = metaPage?.bytes { writer.register(4, bytes, meta) }
    let end = endOfIndexRecord()
    leaf.setLSN(end.position)
    top?.setLSN(end.position)
    left?.setLSN(end.position)
    right.setLSN(end.position)
    metaPage?.setLSN(end.position)
    try end.throwFailure()
  }
}
