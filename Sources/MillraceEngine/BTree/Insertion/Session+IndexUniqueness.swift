import MillraceIO
import MillraceStorage

/// Looking for rows that have a key already: `_bt_check_unique` (nbtinsert.c).
extension Session {
  enum UniquenessResult {
    case free
    case taken(by: TupleIdentifier)
    case pending(TransactionID, TupleIdentifier)
  }

  /// Looks at all entries with a key. The first page stays locked, so nobody can insert the same key meanwhile; pages
  /// to its right are looked at under share locks.
  ///
  /// Entries that turn out to be dead for everybody are marked.
  /// - Parameters:
  ///   - page: where the first of them would be.
  ///   - own: where the row stands that is being inserted.
  func checkUniqueness(
    _ page: inout PinnedBuffer, _ insertion: inout IndexInsertion, _ check: UniquenessCheck, own: HeapTID
  ) throws(EngineError) -> UniquenessResult {
    var walk = UniquenessWalk(own: own, check: check)
    let start = insertion.index.layout.search(insertion.key, BTreePage(reading: page.bytes))
    var next = try look(at: &page, from: start, insertion, &walk)
    let held = page.block
    var steps: UInt32 = 0
    while let block = next {
      try insertion.index.requireOther(block, than: held)
      try insertion.index.countStep(&steps, at: block)
      var other = try insertion.index.read(block, .share, backend)
      let view = BTreePage(reading: other.bytes)
      if view.isIgnored {
        guard !view.isRightmost else {
          throw insertion.index.corrupted(block, "is deleted and the last of its level")
        }
        next = view.next
        continue
      }
      next = try look(at: &other, from: view.firstDataNumber, insertion, &walk)
    }
    insertion.hasDuplicates = insertion.hasDuplicates || walk.hasSeenEqual
    if check.mode == .existing, walk.result == nil, !walk.hasFoundOwn {
      throw EngineError(
        .indexCorrupted, "failed to re-find tuple within index \"\(insertion.index.displayName)\"")
    }
    return walk.result ?? .free
  }

  private struct UniquenessWalk {
    let own: HeapTID
    let check: UniquenessCheck
    var result: UniquenessResult?
    var hasSeenEqual = false
    var hasFoundOwn = false
  }

  /// Looks at the entries of one page.
  /// - Returns: the next page, where equal keys go on there.
  private func look(
    at page: inout PinnedBuffer, from start: Int, _ insertion: IndexInsertion, _ walk: inout UniquenessWalk
  ) throws(EngineError) -> BlockNumber? {
    let view = BTreePage(reading: page.bytes)
    let layout = insertion.index.layout
    for number in start..<max(view.itemCount + 1, start) {
      if view.isDead(number) { continue }
      let tuple = view.item(number)
      guard layout.compare(insertion.key, tuple) == 0 else { return nil }
      walk.hasSeenEqual = true
      if try look(at: tuple, &walk) {
        guard page.lockMode == .exclusive || page.tryUpgrade() else { continue }
        BTreePage(page.mutableBytes).setDead(number)
        try noteHints(on: &page, of: insertion.index)
      }
      if walk.result != nil { return nil }
    }
    guard !view.isRightmost, layout.compare(insertion.key, view.highKey) == 0 else { return nil }
    return view.next
  }

  /// Looks at the rows that one entry leads to. - Returns: whether all of them are dead for everybody.
  private func look(at tuple: IndexTuple, _ walk: inout UniquenessWalk) throws(EngineError) -> Bool {
    var areAllDead = true
    for index in 0..<tuple.heapTIDCount {
      let heapTID = tuple.heapTID(index)
      if heapTID == walk.own, walk.check.mode == .existing {
        (walk.hasFoundOwn, areAllDead) = (true, false)
        continue
      }
      switch try walk.check.liveness(heapTID.identifier) {
      case .dead(let toAll):
        if !toAll { areAllDead = false }
        continue
      case .live:
        // A row that its own transaction has deleted meanwhile is no conflict for it.
        guard try walk.check.isOwnLive() else {
          walk.result = .free
          return false
        }
        walk.result = .taken(by: heapTID.identifier)
      case .inProgress(let xid):
        walk.result =
          walk.check.mode == .partial ? .taken(by: heapTID.identifier) : .pending(xid, heapTID.identifier)
      }
      return false
    }
    return areAllDead
  }
}
