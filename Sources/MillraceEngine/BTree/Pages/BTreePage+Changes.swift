import MillraceStorage

/// Changes of pages that the forward path and recovery make by the same functions, so that both leave the same bytes.
extension BTreePage {
  /// Puts a plain tuple in the midst of a posting list: the list takes its place and gives its last one up, which the
  /// tuple becomes (`_bt_swap_posting`). So both stay in order, and the list keeps its length.
  /// - Parameters:
  ///   - list: the list; stays as it is.
  ///   - tuple: changed.
  ///   - offset: where in the list it belongs: neither first nor behind the last.
  ///   - memory: of a page's size, for the new list.
  /// - Returns: the new list; nil where there is no such place in it.
  static func swapPosting(
    _ list: IndexTuple, _ tuple: IndexTuple, at offset: Int, in memory: UnsafeMutableRawBufferPointer
  ) -> IndexTuple? {
    guard list.isPosting, offset > 0, offset < list.postingCount, let base = memory.baseAddress else { return nil }
    let size = list.size
    base.copyMemory(from: list.base, byteCount: size)
    let copy = IndexTuple(base, limit: size)
    let place = base + copy.postingOffset + offset * HeapTID.size
    (place + HeapTID.size).copyMemory(from: place, byteCount: (copy.postingCount - offset - 1) * HeapTID.size)
    HeapTID(UnsafeRawPointer(tuple.base)).store(to: place)
    list.lastHeapTID.store(to: tuple.base)
    return copy
  }

  /// What becomes of a page that is split, as seen from its left half.
  struct LeftHalf {
    /// The first item that goes to the right.
    var firstRight: Int
    var highKey: IndexTuple
    /// The new item and its number, where it stays on the left.
    var newItem: IndexTuple?
    var newNumber = 0
    /// The posting list that took the new item's place, and its number, where one did and it stays on the left.
    var posting: IndexTuple?
    var postingNumber = 0
  }

  /// Fills an empty page with the left half of this one, in the order of items (`_bt_split`, btree_xlog_split).
  /// - Returns: whether all fit.
  func fillLeft(_ left: BTreePage, _ half: LeftHalf) -> Bool {
    guard left.insert(half.highKey, at: Self.highKeyNumber) else { return false }
    var number = Self.highKeyNumber + 1
    for old in firstDataNumber..<max(half.firstRight, firstDataNumber) {
      if let new = half.newItem, old == half.newNumber {
        guard left.insert(new, at: number) else { return false }
        number += 1
      }
      guard old <= itemCount else { return false }
      let tuple: IndexTuple
      if let posting = half.posting, old == half.postingNumber { tuple = posting } else { tuple = item(old) }
      guard left.insert(tuple, at: number) else { return false }
      number += 1
    }
    if let new = half.newItem, half.newNumber == half.firstRight { return left.insert(new, at: number) }
    return true
  }

  /// Puts another page's contents in the place of this one's (`PageRestoreTempPage`).
  func replace(with page: BTreePage) { base.copyMemory(from: page.base, byteCount: PageLayout.blockSize) }

  /// Makes a new root with two children (`_bt_newlevel`).
  /// - Parameters:
  ///   - separator: the left child's high key.
  ///   - memory: of a page's size.
  /// - Returns: whether they fit, which they do.
  func fillRoot(
    level: UInt32, left: BlockNumber, right: BlockNumber, separator: IndexTuple,
    in memory: UnsafeMutableRawBufferPointer
  ) -> Bool {
    initialize(level: level, flags: .root)
    guard insert(Self.minusInfinity(left, in: memory), at: 1) else { return false }
    return insert(Self.downlink(separator, to: right, in: memory), at: 2)
  }

  /// A downlink without a key: the first of an internal page.
  static func minusInfinity(_ block: BlockNumber, in memory: UnsafeMutableRawBufferPointer) -> IndexTuple {
    guard let base = memory.baseAddress else { preconditionFailure("a tuple's memory has no address") }
    base.initializeMemory(as: UInt8.self, repeating: 0, count: IndexTuple.headerSize)
    let tuple = IndexTuple(base, limit: IndexTuple.headerSize)
    tuple.setSize(IndexTuple.headerSize)
    tuple.downlink = block
    tuple.setPivot(columnCount: 0)
    return tuple
  }

  /// A high key as a downlink to the page on its right.
  static func downlink(
    _ separator: IndexTuple, to block: BlockNumber, in memory: UnsafeMutableRawBufferPointer
  ) -> IndexTuple {
    guard let base = memory.baseAddress else { preconditionFailure("a tuple's memory has no address") }
    base.copyMemory(from: separator.base, byteCount: separator.size)
    let tuple = IndexTuple(base, limit: separator.size)
    tuple.downlink = block
    return tuple
  }

  // MARK: Deduplication

  /// A run of items that become one posting list: `BTDedupInterval`.
  struct Interval {
    var first: UInt16
    var count: UInt16
  }

  /// Makes another page an empty one in the place of this: special area and LSN are the same.
  func prepareReplacement(_ page: BTreePage) {
    page.initialize(level: level, flags: flags.subtracting(.hasGarbage))
    (page.previous, page.next, page.cycleID) = (previous, next, cycleID)
    page.editor.lsn = editor.lsn
  }

  /// Fills an empty page with this one's items, of which runs have become posting lists (`_bt_dedup_pass`,
  /// btree_xlog_dedup).
  /// - Parameter memory: of a page's size.
  /// - Returns: whether all fit, and the runs are there.
  func fillDeduplicated(
    _ new: BTreePage, _ intervals: some Collection<Interval>, in memory: UnsafeMutableRawBufferPointer
  ) -> Bool {
    var number = 1
    if !isRightmost {
      guard itemCount >= 1, new.insert(highKey, at: number) else { return false }
      number += 1
    }
    var old = firstDataNumber
    var next = intervals.startIndex
    while old <= itemCount {
      let tuple: IndexTuple
      if next != intervals.endIndex, Int(intervals[next].first) == old {
        let count = Int(intervals[next].count)
        guard count >= 1, old + count - 1 <= itemCount, let merged = merge(old..<old + count, in: memory) else {
          return false
        }
        tuple = merged
        old += count
        next = intervals.index(after: next)
      } else {
        tuple = item(old)
        old += 1
      }
      guard new.insert(tuple, at: number) else { return false }
      number += 1
    }
    return next == intervals.endIndex
  }

  /// One tuple with the key of the first of several, and the places of them all (`_bt_form_posting`).
  private func merge(_ numbers: Range<Int>, in memory: UnsafeMutableRawBufferPointer) -> IndexTuple? {
    let first = item(numbers.lowerBound)
    let keySize = first.isPosting ? first.postingOffset : first.size
    guard let base = memory.baseAddress else { return nil }
    var end = keySize
    var count = 0
    for number in numbers {
      let tuple = item(number)
      guard !tuple.isPivot else { return nil }
      for index in 0..<tuple.heapTIDCount {
        guard end + HeapTID.size <= memory.count else { return nil }
        tuple.heapTID(index).store(to: base + end)
        end += HeapTID.size
        count += 1
      }
    }
    base.copyMemory(from: first.base, byteCount: keySize)
    return Self.finishPosting(base, keySize: keySize, count: count)
  }

  /// Makes a tuple of a key and the places behind it, which are there already: a posting list, or a plain one where
  /// there is one place.
  static func finishPosting(_ base: UnsafeMutableRawPointer, keySize: Int, count: Int) -> IndexTuple? {
    let end = keySize + count * HeapTID.size
    let size = PageLayout.aligned(end)
    guard size <= Int(IndexTuple.Info.sizeMask), count >= 1 else { return nil }
    let tuple = IndexTuple(base, limit: max(size, keySize))
    tuple.info &= ~IndexTuple.Info.alternative
    guard count > 1 else {
      HeapTID(UnsafeRawPointer(base + keySize)).store(to: base)
      tuple.setSize(keySize)
      return IndexTuple(base, limit: keySize)
    }
    (base + end).initializeMemory(as: UInt8.self, repeating: 0, count: size - end)
    tuple.setSize(size)
    tuple.setPosting(count: count, offset: keySize)
    return tuple
  }

  // MARK: Deletion

  /// Takes items out and shortens posting lists (`_bt_delitems_vacuum`, `_bt_delitems_delete`).
  /// - Parameter memory: of a page's size.
  /// - Returns: whether they are there.
  func delete(_ deletion: BTreeDeletion, in memory: UnsafeMutableRawBufferPointer) -> Bool {
    let numbers = firstDataNumber...max(itemCount, firstDataNumber)
    for update in deletion.updated {
      guard numbers.contains(Int(update.number)), Int(update.number) <= itemCount,
        let shorter = Self.shortened(item(Int(update.number)), update.positions, in: memory),
        editor.replaceItem(Int(update.number), with: shorter.bytes)
      else { return false }
    }
    var previous = 0
    for number in deletion.deleted {
      guard numbers.contains(Int(number)), Int(number) <= itemCount, Int(number) > previous else { return false }
      previous = Int(number)
    }
    guard editor.removeItems(deletion.deleted.lazy.map { Int($0) }) else { return false }
    flags.subtract(.hasGarbage)
    return true
  }

  /// Shortens a posting list (`_bt_update_posting`).
  /// - Parameters:
  ///   - deleted: which of its places go, rising; not all.
  ///   - memory: of a page's size.
  static func shortened(
    _ list: IndexTuple, _ deleted: some Sequence<UInt16>, in memory: UnsafeMutableRawBufferPointer
  ) -> IndexTuple? {
    guard list.isPosting, let base = memory.baseAddress else { return nil }
    let keySize = list.postingOffset
    var kept = 0
    var gone = deleted.makeIterator()
    var next = gone.next()
    for index in 0..<list.postingCount {
      if let wanted = next, Int(wanted) == index {
        next = gone.next()
        continue
      }
      list.posting(index).store(to: base + keySize + kept * HeapTID.size)
      kept += 1
    }
    guard kept > 0, next == nil else { return nil }
    base.copyMemory(from: list.base, byteCount: keySize)
    return finishPosting(base, keySize: keySize, count: kept)
  }

  /// Makes a leaf that is on its way out: empty, but for a high key that leads to the top of its subtree.
  func fillHalfDead(
    previous: BlockNumber, next: BlockNumber, topParent: BlockNumber, in memory: UnsafeMutableRawBufferPointer
  ) -> Bool {
    initialize(flags: [.leaf, .halfDead])
    self.previous = previous
    self.next = next
    return insert(Self.minusInfinity(topParent, in: memory), at: Self.highKeyNumber)
  }

  /// Takes the downlink to a page that goes out of its parent: the page to its right gets its key space
  /// (`_bt_mark_page_halfdead`).
  func removeDownlink(_ number: Int) -> Bool {
    guard number >= firstDataNumber, number < itemCount else { return false }
    let next = item(number + 1).downlink
    guard editor.removeItem(number + 1) else { return false }
    item(number).downlink = next
    return true
  }

  /// Makes a page that is out of the tree (`_bt_unlink_halfdead_page`, btree_xlog_unlink_page).
  func fillDeleted(
    level: UInt32, isLeaf: Bool, previous: BlockNumber, next: BlockNumber, safeXID: FullTransactionID
  ) {
    initialize(level: level, flags: isLeaf ? .leaf : [])
    self.previous = previous
    self.next = next
    setDeleted(safeXID: safeXID)
  }
}
