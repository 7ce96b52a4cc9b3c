import MillraceIO
import MillraceStorage
import MillraceTypes

/// The entries of an index that satisfy some conditions, in the order of the index or against it: PostgreSQL's
/// nbtsearch.c. On its session's thread.
///
/// ```swift
/// let scan = BTreeScan(index, session, [IndexScanKey(0, .greaterOrEqual(Datum(5 as Int32)))])
/// while let place = try scan.next() { … }
/// ```
///
/// All matches of a page are copied out under one share lock. Between pages nothing is locked, nor pinned: a page may
/// be split or deleted meanwhile, which links tell. So an entry may lead to a heap tuple that is not the one which it
/// led to any more; a snapshot that is older than that does not see it.
///
/// With `anyOf` conditions one scan finds all elements in order; it can then be read in one direction only.
public final class BTreeScan {
  let index: BTreeIndex
  let session: Session
  private let arena = Arena(chunkSize: 4096)
  private let values: UnsafeMutablePointer<Datum>
  private var conditions: ScanConditions
  private var batch: ScanBatch
  private var marked: ScanBatch?
  private var hasStarted = false
  /// In which direction the arrays are gone through.
  private var direction = ScanDirection.forward
  private var lastLeaf = LeafHint()

  /// - Parameters:
  ///   - keys: conditions on columns that the index is ordered by; all must hold.
  ///   - wantsTuples: whether ``tuple`` is needed: for scans that read nothing but the index. Pages then stay pinned
  ///     until the scan is through with them.
  public init(_ index: BTreeIndex, _ session: Session, _ keys: [IndexScanKey] = [], wantsTuples: Bool = false) {
    (self.index, self.session) = (index, session)
    values = .allocate(capacity: index.layout.keyCount)
    conditions = ScanConditions(keys, index.layout, arena)
    batch = ScanBatch(wantsTuples: wantsTuples)
  }

  deinit {
    markKilled()
    batch.deallocate()
    marked?.deallocate()
    values.deallocate()
  }

  /// Starts over with other conditions (`btrescan`).
  public func rescan(_ keys: [IndexScanKey]) {
    markKilled()
    arena.reset()
    conditions.replace(keys, index.layout, arena)
    restart()
  }

  /// Starts over with the same conditions.
  public func restart() {
    markKilled()
    batch.clear()
    marked?.deallocate()
    (marked, hasStarted) = (nil, false)
  }

  /// Starts over with the same conditions in another transaction, by when the index may have other files.
  func release() {
    restart()
    lastLeaf.block = .invalid
  }

  // MARK: Reading

  /// The next entry in a direction.
  /// - Returns: where its heap tuple stands; nil at the end.
  /// - Throws: ``EngineError``.
  public func next(_ direction: ScanDirection = .forward) throws(EngineError) -> TupleIdentifier? {
    try nextHeapTID(direction)?.identifier
  }

  @inline(__always) func nextHeapTID(_ direction: ScanDirection) throws(EngineError) -> HeapTID? {
    if direction == .forward {
      batch.position += 1
      if batch.position < batch.end { return batch.items[batch.position].heapTID }
    } else {
      batch.position -= 1
      if batch.position >= batch.start { return batch.items[batch.position].heapTID }
    }
    return try nextBatch(direction)
  }

  /// How many more entries the present page has for the direction.
  public var countOnPage: Int { direction == .forward ? batch.end - batch.position - 1 : batch.position - batch.start }

  /// The entry so many behind the next one, of those that the present page still has for a direction.
  @inline(__always) func upcoming(_ index: Int, _ direction: ScanDirection) -> HeapTID {
    precondition(index >= 0 && index < countOnPage, "entry \(index) of \(countOnPage)")
    return batch.items[direction == .forward ? batch.position + 1 + index : batch.position - 1 - index].heapTID
  }

  @inline(never) private func nextBatch(_ direction: ScanDirection) throws(EngineError) -> HeapTID? {
    if !hasStarted {
      hasStarted = true
      session.statistics.countScan(index.oid, index.locator)
      self.direction = direction
      guard !conditions.isImpossible else { return nil }
      conditions.startArrays(direction)
      batch.needsDescent = true
    } else {
      precondition(
        !conditions.hasArrays || direction == self.direction,
        "a scan of several elements can be read in one direction only")
      self.direction = direction
      markKilled()
    }
    try advance()
    guard batch.start < batch.end else {
      // Stay beside the last entry, so that reading back finds it.
      batch.position = direction == .forward ? batch.end : batch.start - 1
      return nil
    }
    session.statistics.countReturned(batch.end - batch.start, index.oid, index.locator)
    batch.position = direction == .forward ? batch.start : batch.end - 1
    return batch.items[batch.position].heapTID
  }

  /// The present entry's tuple in memory of the scan, valid until the next call. Only where tuples were asked for.
  public var tuple: IndexTuple? {
    guard batch.position >= batch.start, batch.position < batch.end, let tuples = batch.tuples else { return nil }
    let base = tuples + Int(batch.items[batch.position].tupleOffset)
    return IndexTuple(formed: base)
  }

  /// Goes on to the next page with matches (`_bt_steppage`).
  private func advance() throws(EngineError) {
    while true {
      if batch.needsDescent {
        try descend()
      } else {
        guard batch.block.isValid, direction == .forward ? batch.hasMore.right : batch.hasMore.left else {
          return batch.empty()
        }
        if direction == .forward {
          guard let page = try pageToTheRight() else { return endOfLevel() }
          batch.hasMore.left = true
          let first = BTreePage(reading: page.bytes).firstDataNumber
          read(page, from: first)
        } else {
          guard let page = try pageToTheLeft() else { return endOfLevel() }
          batch.hasMore.right = true
          let last = BTreePage(reading: page.bytes).itemCount
          read(page, from: last)
        }
      }
      if batch.start < batch.end { return }
    }
  }

  /// Goes to where the first match would be, from the root (`_bt_first`).
  private func descend() throws(EngineError) {
    batch.clear()
    let key = conditions.startKey(direction, values, index.layout)
    if let key, lastLeaf.isWorthTrying, try readLastLeaf(key) { return }
    let found: PinnedBuffer?
    if let key {
      found = try index.searchLeaf(key, session.backend)
    } else {
      found = try index.endpoint(level: 0, rightmost: direction == .backward, session.backend)
    }
    guard let page = found else { return }
    let view = BTreePage(reading: page.bytes)
    let number: Int
    if let key {
      number = index.layout.search(key, view)
    } else {
      number = direction == .forward ? view.firstDataNumber : view.itemCount
    }
    begin(page, from: number)
  }

  /// Begins on the leaf that was read last, if a key belongs there: neighbours in the outer input of a nested loop are
  /// often neighbours in the index.
  ///
  /// The page is not pinned in between, and may have been split, deleted or used again. Whether it is the right one
  /// shows what is on it now: the place of the key lies between two of its entries, or at the end of the whole level.
  /// - Returns: false where the way has to lead from the root.
  private func readLastLeaf(_ key: BTreeKey) throws(EngineError) -> Bool {
    var page = try index.read(lastLeaf.block, session.backend)
    page.lock(.share, backend: session.backend)
    let view = BTreePage(reading: page.bytes)
    guard view.isSound, view.isLeaf, !view.isIgnored, view.dataCount > 0 else {
      lastLeaf.noteMiss()
      return false
    }
    let number = index.layout.search(key, view)
    let (first, last) = (view.firstDataNumber, view.itemCount)
    let isHere =
      key.isBackward
      ? number >= first && (number < last || view.isRightmost)
      : (number > first || view.isLeftmost) && (number <= last || view.isRightmost)
    guard isHere else {
      lastLeaf.noteMiss()
      return false
    }
    lastLeaf.noteHit()
    begin(page, from: number)
    return true
  }

  /// Reads the first page with matches. - Parameter number: where these begin.
  private func begin(_ page: consuming PinnedBuffer, from number: Int) {
    // There is nothing on the side from which it comes.
    batch.hasMore = direction == .forward ? (false, true) : (true, false)
    read(page, from: number)
  }

  /// Nothing is left in the direction. Elements that have not come yet are not there.
  private func endOfLevel() {
    if direction == .forward { batch.hasMore.right = false } else { batch.hasMore.left = false }
    batch.empty()
  }

  private func pageToTheRight() throws(EngineError) -> PinnedBuffer? {
    var block = batch.next
    while block != BTreePage.none {
      let page = try index.read(block, .share, session.backend)
      let view = BTreePage(reading: page.bytes)
      if !view.isIgnored { return page }
      block = view.next
    }
    return nil
  }

  /// The page to the left, which may have been split or deleted since (`_bt_lock_and_validate_left`).
  private func pageToTheLeft() throws(EngineError) -> PinnedBuffer? {
    var (block, origin) = (batch.previous, batch.block)
    while block != BTreePage.none {
      let first = block
      var page = try index.read(block, .share, session.backend)
      for attempt in 0...4 {
        let view = BTreePage(reading: page.bytes)
        if !view.isDeleted, view.next == origin {
          if !view.isIgnored { return page }
          break
        }
        guard attempt < 4, !view.isRightmost else { break }
        try index.move(&page, to: view.next, .share, session.backend)
      }
      let half = BTreePage(reading: page.bytes)
      if half.isHalfDead, half.next == origin {
        // It is empty; go on to its left.
        (origin, block) = (page.block, half.previous)
        continue
      }
      // Where we came from may be deleted; then what has its key space now is to the right of it.
      try index.move(&page, to: origin, .share, session.backend)
      var view = BTreePage(reading: page.bytes)
      if view.isDeleted {
        while view.isDeleted {
          guard !view.isRightmost else { throw index.corrupted(origin, "is deleted and the last of its level") }
          origin = view.next
          try index.move(&page, to: origin, .share, session.backend)
          view = BTreePage(reading: page.bytes)
        }
      } else if view.previous == first {
        throw index.corrupted(origin, "has \(first) for its left neighbour, from which it cannot be reached")
      }
      block = view.previous
    }
    return nil
  }

  // MARK: A page

  /// Copies out what matches on a page (`_bt_readpage`), and unlocks it.
  /// - Parameter number: where to begin.
  private func read(_ page: consuming PinnedBuffer, from number: Int) {
    let view = BTreePage(reading: page.bytes)
    batch.begin(page.block, page.lsn, previous: view.previous, next: view.next)
    lastLeaf.block = batch.block
    if direction == .forward { readForward(view, number) } else { readBackward(view, number) }
    page.unlock()
    batch.keep(page)
  }

  private func readForward(_ view: BTreePage, _ first: Int) {
    var number = first
    var output = 0
    while true {
      var hasStopped = false
      while number <= view.itemCount {
        defer { number += 1 }
        if view.isDead(number) { continue }
        let tuple = view.item(number)
        switch conditions.check(tuple, .forward, index.layout) {
        case .match: output = batch.append(tuple, number, at: output)
        case .skip: continue
        case .stop: hasStopped = true
        }
        if hasStopped { break }
      }
      if !hasStopped {
        guard !view.isRightmost, conditions.check(view.highKey, .forward, index.layout) == .stop else { break }
        batch.hasMore.right = false
      }
      // Nothing more of this element; perhaps there is one of the next on the page.
      guard conditions.hasArrays, conditions.advanceArrays(.forward),
        let key = conditions.startKey(.forward, values, index.layout)
      else {
        batch.hasMore.right = false
        break
      }
      if !view.isRightmost, index.layout.compare(key, view.highKey) > 0 {
        batch.needsDescent = true
        break
      }
      batch.hasMore.right = true
      number = index.layout.search(key, view)
    }
    (batch.start, batch.end) = (0, output)
  }

  private func readBackward(_ view: BTreePage, _ first: Int) {
    var number = first
    var output = BTreePage.heapTIDsMax
    while true {
      var hasStopped = false
      while number >= view.firstDataNumber {
        defer { number -= 1 }
        if view.isDead(number) { continue }
        let tuple = view.item(number)
        switch conditions.check(tuple, .backward, index.layout) {
        case .match: output = batch.prepend(tuple, number, at: output)
        case .skip: continue
        case .stop: hasStopped = true
        }
        if hasStopped { break }
      }
      guard hasStopped else { break }
      guard conditions.hasArrays, conditions.advanceArrays(.backward),
        let key = conditions.startKey(.backward, values, index.layout)
      else {
        batch.hasMore.left = false
        break
      }
      number = index.layout.search(key, view)
      // Before the first item: it may be on a page to the left, and far from here.
      if number < view.firstDataNumber, !view.isLeftmost {
        batch.needsDescent = true
        break
      }
    }
    (batch.start, batch.end) = (output, BTreePage.heapTIDsMax)
  }

  // MARK: Killing

  /// Notes that the present entry leads to nothing that anybody can see: others need not follow it
  /// (`kill_prior_tuple`). The page is marked when the scan leaves it, if it has not changed until then.
  public func killCurrent() {
    guard batch.position >= batch.start, batch.position < batch.end else { return }
    batch.killed.append(UInt16(batch.position))
  }

  /// Marks what was killed on the present page. A hint: what goes wrong does not matter.
  private func markKilled() {
    guard !batch.killed.isEmpty else { return }
    session.markDead(
      batch.killed.map { Entry(batch.items[Int($0)], block: batch.block, lsn: batch.lsn) }, index)
    batch.killed.removeAll(keepingCapacity: true)
  }

  /// An entry that was found, and where.
  struct Entry {
    let heapTID: HeapTID
    let block: BlockNumber
    let lsn: LogSequenceNumber
    let number: UInt16

    init(_ item: ScanBatch.Item, block: BlockNumber, lsn: LogSequenceNumber) {
      (heapTID, number, self.block, self.lsn) = (item.heapTID, item.number, block, lsn)
    }
  }

  /// The next entry with where it was found, for who runs ahead of those who use it.
  func nextEntry(_ direction: ScanDirection) throws(EngineError) -> Entry? {
    guard try nextHeapTID(direction) != nil else { return nil }
    return Entry(batch.items[batch.position], block: batch.block, lsn: batch.lsn)
  }

  // MARK: Marking

  /// Remembers the present entry (`btmarkpos`).
  public func markPosition() {
    if marked == nil { marked = ScanBatch(wantsTuples: batch.tuples != nil) }
    marked?.copy(batch, conditions.positions)
  }

  /// Goes back to the entry that was remembered: ``next(_:)`` gives what follows it (`btrestrpos`).
  public func restorePosition() {
    guard let marked else { return }
    markKilled()
    batch.copy(marked, marked.positions)
    for (number, position) in marked.positions.enumerated() where conditions.columns[number].isArray {
      conditions.setPosition(number, position)
    }
  }
}

extension Session {
  /// Marks entries of one page that lead to nothing which anybody can see (`_bt_killitems`), if the page has not
  /// changed since they were found. A hint: what goes wrong does not matter.
  func markDead(_ entries: [BTreeScan.Entry], _ index: BTreeIndex) {
    // Only the LSN tells whether a page has changed.
    guard let first = entries.first, index.isLogged, var page = try? index.read(first.block, .share, backend),
      page.lsn == first.lsn
    else { return }
    let view = BTreePage(reading: page.bytes)
    var dead: [Int] = []
    for entry in entries {
      let number = Int(entry.number)
      guard number >= view.firstDataNumber, number <= view.itemCount, !view.isDead(number), dead.last != number else {
        continue
      }
      // A posting list goes when all that it leads to has.
      let tuple = view.item(number)
      let isDead = (0..<tuple.heapTIDCount).allSatisfy { index in
        entries.contains { $0.number == entry.number && $0.heapTID == tuple.heapTID(index) }
      }
      if isDead { dead.append(number) }
    }
    guard !dead.isEmpty, page.tryUpgrade() else { return }
    let editor = BTreePage(page.mutableBytes)
    for number in dead { editor.setDead(number) }
    try? noteHints(on: &page, of: index)
  }
}
