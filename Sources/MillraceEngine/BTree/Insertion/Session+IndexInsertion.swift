import MillraceIO
import MillraceStorage
public import MillraceTypes
import MillraceWAL
import Synchronization

/// Inserting into B-trees: PostgreSQL's src/backend/access/nbtree/nbtinsert.c.
extension Session {
  /// Inserts an entry for a heap tuple.
  /// - Parameters:
  ///   - values: one for each column of the index.
  ///   - nulls: a bit for each of them that is null.
  ///   - check: how to find out who has the key, where that must be unique; nil where it need not be.
  ///   - keyIsUnchanged: whether it is for a new version of a row that had the same key: then dead entries of other
  ///     versions are likely.
  /// - Throws: ``EngineError``: `.rowTooBig`, or the index is damaged, or the database has stopped.
  public func insert(
    _ values: UnsafePointer<Datum>, nulls: UInt32 = 0, _ identifier: TupleIdentifier, into index: BTreeIndex,
    _ check: UniquenessCheck? = nil, keyIsUnchanged: Bool = false
  ) throws(EngineError) -> IndexInsertResult {
    let memory = btreeMemory
    let layout = index.layout
    let heapTID = HeapTID(identifier)
    let tuple = try layout.form(
      values, nulls: nulls, count: layout.columnCount, heapTID, in: memory.tuple)
    guard tuple.size <= BTreePage.tupleSizeMax else {
      throw EngineError(
        .rowTooBig,
        "index row size \(tuple.size) exceeds btree version \(BTreeMetaPage.version) maximum "
          + "\(BTreePage.tupleSizeMax)")
    }
    // The key's bytes are those of the tuple, which stays where it is.
    let keyNulls = layout.deform(tuple, count: layout.keyCount, into: memory.values)
    var key = BTreeKey(values: memory.values, nulls: keyNulls, count: layout.keyCount, heapTID: heapTID)
    let isChecked = check != nil && (keyNulls == 0 || index.definition.nullsNotDistinct)
    // To find the first of equal keys.
    if isChecked { key.heapTID = nil }

    var insertion = IndexInsertion(index: index, tuple: tuple, key: key)
    insertion.isUnchanged = keyIsUnchanged
    var page = try leafForInsertion(key, index, room: tuple.size)
    var conflict: TupleIdentifier?
    if isChecked, let check {
      switch try checkUniqueness(&page, &insertion, check, own: heapTID) {
      case .free: break
      case .taken(let other):
        guard check.mode == .partial else { return .conflict(with: other) }
        conflict = other
      case .pending(let xid, let other): return .mustWait(for: xid, at: other)
      }
      if check.mode == .existing { return .inserted }
      insertion.key.heapTID = heapTID
      try moveToOwnPlace(&page, &insertion)
    }
    let place = try place(&page, &insertion, isChecked: isChecked)
    try insert(
      tuple, at: place.number, postingOffset: place.postingOffset, on: page, child: nil, of: index,
      depth: memory.depth)
    return conflict.map { .conflict(with: $0) } ?? .inserted
  }

  // MARK: The way down

  /// The leaf where a key belongs, locked exclusively; the way to it is noted (`_bt_search` for writing). Splits that
  /// somebody left incomplete on the way are completed.
  func leafForInsertion(
    _ key: BTreeKey, _ index: BTreeIndex, room: Int
  ) throws(EngineError) -> PinnedBuffer {
    let memory = btreeMemory
    memory.depth = 0
    if let page = try cachedRightmostLeaf(key, index, room: room) { return page }
    var page = try rootForInsertion(index)
    var mode = ContentLockMode.share
    while true {
      try moveRight(&page, key, mode, index)
      let view = BTreePage(reading: page.bytes)
      if view.isLeaf {
        if mode == .exclusive { return page }
        // The root is a leaf. While it is unlocked it can be split.
        page.unlock()
        page.lock(.exclusive, backend: backend)
        mode = .exclusive
        continue
      }
      guard view.itemCount >= view.firstDataNumber else { throw index.corrupted(page.block, "has no downlinks") }
      let number = index.layout.search(key, view)
      memory.noteWay(BTreeMemory.StackEntry(block: page.block, number: number, level: view.level))
      if view.level == 1 { mode = .exclusive }
      try index.descend(&page, to: view.item(number).downlink, from: view.level, mode, backend)
    }
  }

  /// The last leaf, if the last insertion went there, this one goes there too, and nobody is at it
  /// (`_bt_search_insert`).
  private func cachedRightmostLeaf(
    _ key: BTreeKey, _ index: BTreeIndex, room: Int
  ) throws(EngineError) -> PinnedBuffer? {
    let block = index.cachedRightmost.load(ordering: .relaxed)
    guard block != 0 else { return nil }
    var page = try index.read(BlockNumber(block), backend)
    guard page.tryLock(.exclusive) else { return nil }
    if !page.isExamined { try index.examine(page) }
    let view = BTreePage(reading: page.bytes)
    // With enough room it need not be split: the way to it is not known.
    if view.isSound, view.isLeaf, view.isRightmost, !view.isIgnored, !view.isSplitIncomplete,
      view.itemCount >= view.firstDataNumber, view.editor.freeSpace > room,
      index.layout.compare(key, view, view.firstDataNumber) > 0
    {
      return page
    }
    index.cachedRightmost.store(0, ordering: .relaxed)
    return nil
  }

  /// Moves right as long as the key belongs there, completing splits (`_bt_moveright` for writing).
  private func moveRight(
    _ page: inout PinnedBuffer, _ key: BTreeKey, _ mode: ContentLockMode, _ index: BTreeIndex
  ) throws(EngineError) {
    let limit = key.nextKey ? 0 : 1
    var steps: UInt32 = 0
    while true {
      let view = BTreePage(reading: page.bytes)
      guard !view.isRightmost else { break }
      if view.isSplitIncomplete {
        let block = page.block
        if mode == .share {
          page.unlock()
          page.lock(.exclusive, backend: backend)
        }
        if BTreePage(reading: page.bytes).isSplitIncomplete {
          var held = try index.read(block, backend)
          swap(&page, &held)
          try completeSplit(held, index, depth: btreeMemory.depth)
          page.lock(mode, backend: backend)
        } else if mode == .share {
          page.unlock()
          page.lock(.share, backend: backend)
        }
        continue
      }
      guard view.isIgnored || index.layout.compare(key, view.item(BTreePage.highKeyNumber)) >= limit else { return }
      try index.moveToNext(&page, mode, backend, &steps)
    }
    if BTreePage(reading: page.bytes).isIgnored {
      throw index.corrupted(page.block, "is deleted and the last of its level")
    }
  }

  /// The page where searches begin, locked to share; made now where there is none (`_bt_getroot` for writing).
  private func rootForInsertion(_ index: BTreeIndex) throws(EngineError) -> PinnedBuffer {
    while true {
      if let root = try index.root(backend) { return root }
      try makeRoot(index)
    }
  }

  /// Makes the first root: an empty leaf. Does nothing where somebody else was faster.
  private func makeRoot(_ index: BTreeIndex) throws(EngineError) {
    var page = try index.read(BTreeMetaPage.block, .exclusive, backend)
    var meta = try index.metaPage(page)
    guard meta.root == BTreePage.none else { return }
    var root = try allocatePage(index)
    page.markDirty()
    root.markDirty()
    let view = BTreePage(root.mutableBytes)
    view.initialize(flags: [.leaf, .root])
    (meta.root, meta.level, meta.fastRoot, meta.fastLevel) = (root.block, 0, root.block, 0)
    meta.store(to: BTreePage(page.mutableBytes))
    guard index.isLogged else { return }
    let record = BTreeRecordWriter(builder, index.locator)
    record.begin(.newRoot)
    record.newRoot(root.block, level: 0)
    record.register(0, root, [.standard, .willInitialize])
    record.register(2, page, meta)
    let end = endOfIndexRecord()
    root.setLSN(end.position)
    page.setLSN(end.position)
    try end.throwFailure()
  }

  // MARK: The place on the leaf

  /// Moves right to the page where an entry belongs by its heap TID, after a search without that. Locks the next page
  /// before it lets go of the present one, so that nobody gets past with the same key.
  private func moveToOwnPlace(_ page: inout PinnedBuffer, _ insertion: inout IndexInsertion) throws(EngineError) {
    let index = insertion.index
    var steps: UInt32 = 0
    while true {
      let view = BTreePage(reading: page.bytes)
      if view.isRightmost || index.layout.compare(insertion.key, view.item(BTreePage.highKeyNumber)) <= 0 { return }
      insertion.hasDuplicates = true
      var block = view.next
      while true {
        try index.requireOther(block, than: page.block)
        try index.countStep(&steps, at: block)
        let right = try index.read(block, .exclusive, backend)
        let rightView = BTreePage(reading: right.bytes)
        if rightView.isSplitIncomplete {
          try completeSplit(right, index, depth: btreeMemory.depth)
          continue
        }
        if !rightView.isIgnored {
          page = right
          break
        }
        guard !rightView.isRightmost else { throw index.corrupted(block, "is deleted and the last of its level") }
        block = rightView.next
      }
    }
  }

  /// Where on its page an entry goes; makes room first, by deletion and deduplication, where there is too little
  /// (`_bt_findinsertloc`).
  private func place(
    _ page: inout PinnedBuffer, _ insertion: inout IndexInsertion, isChecked: Bool
  ) throws(EngineError) -> (number: Int, postingOffset: Int) {
    if BTreePage(reading: page.bytes).editor.freeSpace < insertion.tuple.size {
      try makeRoom(on: &page, &insertion, isSimple: false, isChecked: isChecked)
    }
    while true {
      let view = BTreePage(reading: page.bytes)
      let number = insertion.index.layout.search(insertion.key, view)
      guard number <= view.itemCount, let heapTID = insertion.key.heapTID,
        insertion.index.layout.compare(insertion.key, view, number) == 0
      else { return (number, 0) }
      let list = view.item(number)
      guard list.isPosting else {
        throw insertion.index.corrupted(page.block, "has an entry for the heap tuple \(heapTID) already")
      }
      guard !view.isDead(number) else {
        // A dead list would have to be brought back to life.
        try makeRoom(on: &page, &insertion, isSimple: true, isChecked: isChecked)
        continue
      }
      guard let offset = Self.place(of: heapTID, in: list) else {
        throw insertion.index.corrupted(page.block, "has an entry for the heap tuple \(heapTID) already")
      }
      return (number, offset)
    }
  }

  /// Where in a posting list a heap TID belongs; nil where it is there, or does not belong in its midst.
  private static func place(of heapTID: HeapTID, in list: IndexTuple) -> Int? {
    var (low, high) = (0, list.postingCount)
    while low < high {
      let middle = (low + high) / 2
      let found = list.posting(middle)
      if found == heapTID { return nil }
      if found < heapTID { low = middle + 1 } else { high = middle }
    }
    return low > 0 && low < list.postingCount ? low : nil
  }
}

/// An insertion under way.
struct IndexInsertion {
  let index: BTreeIndex
  let tuple: IndexTuple
  var key: BTreeKey
  /// Whether it is for a new version of a row that had the same key.
  var isUnchanged = false
  /// Whether entries with the same key have been seen.
  var hasDuplicates = false
}
