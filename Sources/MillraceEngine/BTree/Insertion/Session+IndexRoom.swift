import MillraceIO
import MillraceStorage
import MillraceWAL

/// Making room on leaves, and pages.
extension Session {
  /// Tries to make room for an entry without a split: dead entries go, then equal keys are put together
  /// (`_bt_delete_or_dedup_one_page`).
  /// - Parameter isSimple: only the first.
  func makeRoom(
    on page: inout PinnedBuffer, _ insertion: inout IndexInsertion, isSimple: Bool, isChecked: Bool
  ) throws(EngineError) {
    let index = insertion.index
    let view = BTreePage(page.mutableBytes)
    var deletion = BTreeDeletion()
    for number in view.firstDataNumber..<max(view.itemCount + 1, view.firstDataNumber) where view.isDead(number) {
      deletion.deleted.append(UInt16(number))
    }
    if !deletion.isEmpty {
      try delete(deletion, from: &page, of: index)
      if view.editor.freeSpace >= insertion.tuple.size { return }
      insertion.hasDuplicates = true
    }
    // The entries of a unique index differ, unless there are several versions of a row.
    if isSimple || (isChecked && !insertion.hasDuplicates) { return }
    guard try index.canDeduplicate(backend) else { return }
    try deduplicate(
      &page, index, insertion.tuple, keepsTrying: insertion.isUnchanged || insertion.hasDuplicates)
  }

  /// Deletes entries that are dead for everybody (`_bt_delitems_delete`).
  /// - Parameter page: a leaf, locked exclusively.
  private func delete(
    _ deletion: BTreeDeletion, from page: inout PinnedBuffer, of index: BTreeIndex
  ) throws(EngineError) {
    page.markDirty()
    guard BTreePage(page.mutableBytes).delete(deletion, in: btreeMemory.posting) else {
      throw index.corrupted(page.block, "has not the items that are to be deleted")
    }
    guard index.isLogged else { return }
    let record = BTreeRecordWriter(builder, index.locator)
    record.begin(.delete, xid: transactionID)
    record.register(0, page)
    // Nobody sees what ended before this; it is the latest that any of them can have ended.
    record.delete(deletion, horizon: database.transactions.removalHorizon().previous)
    try log(&page)
  }

  private func deduplicate(
    _ page: inout PinnedBuffer, _ index: BTreeIndex, _ tuple: IndexTuple, keepsTrying: Bool
  ) throws(EngineError) {
    let view = BTreePage(page.mutableBytes)
    let intervals = Deduplicator(view, index.layout, tuple, keepsTrying: keepsTrying).intervals
    guard !intervals.isEmpty else { return }
    let new = BTreePage(btreeMemory.left)
    view.prepareReplacement(new)
    guard view.fillDeduplicated(new, intervals, in: btreeMemory.posting) else {
      throw index.corrupted(page.block, "cannot be deduplicated")
    }
    page.markDirty()
    view.replace(with: new)
    guard index.isLogged else { return }
    let record = BTreeRecordWriter(builder, index.locator)
    record.begin(.deduplicate, xid: transactionID)
    record.register(0, page)
    builder.appendData(UInt16(intervals.count))
    for interval in intervals {
      builder.appendBlockData(0, interval.first)
      builder.appendBlockData(0, interval.count)
    }
    try log(&page)
  }

  // MARK: Pages

  /// A page for the index to use, locked exclusively and empty: one that was deleted long enough ago, or a new one
  /// (`_bt_allocbuf`).
  func allocatePage(_ index: BTreeIndex) throws(EngineError) -> PinnedBuffer {
    while let block = index.freePages.withLock({ $0.popLast() }) {
      var page = try index.read(block, backend)
      // Whoever has it locked may be on its way somewhere and want what we have locked.
      guard page.tryLock(.exclusive) else { continue }
      let view = BTreePage(page.mutableBytes)
      if view.editor.isNew {
        view.initialize()
        return page
      }
      guard view.isSound, isRecyclable(view) else { continue }
      if index.isLogged {
        let record = BTreeRecordWriter(builder, index.locator)
        record.begin(.reusePage, xid: transactionID)
        record.reuse(block, horizon: view.safeXID)
        _ = try log()
      }
      view.initialize()
      return page
    }
    let page = try newPage(index)
    BTreePage(page.mutableBytes).initialize()
    return page
  }

  /// A page behind the last one, locked exclusively, all zero.
  func newPage(_ index: BTreeIndex) throws(EngineError) -> PinnedBuffer {
    do throws(StorageError) {
      while true {
        var blocks = try index.pool.extend(index.fork, backend)
        guard let page = blocks.next() else { preconditionFailure("an index was extended by no pages") }
        // One that was made ahead may have been found by VACUUM, and used by whoever it gave it to.
        if BTreePage(reading: page.bytes).editor.isNew { return page }
      }
    } catch {
      throw EngineError(error)
    }
  }

  /// Whether a deleted page can be used again: nobody can still be on the way to it (`BTPageIsRecyclable`).
  func isRecyclable(_ page: BTreePage) -> Bool {
    guard page.isDeleted else { return false }
    let horizon = database.transactions.next.nearest(database.transactions.removalHorizon())
    return page.safeXID < horizon
  }

  // MARK: Logging

  /// Where a record ended, or why it could not be inserted: then the pages that it describes must never go out.
  struct IndexRecordEnd {
    let position: LogSequenceNumber
    let failure: EngineError?

    func throwFailure() throws(EngineError) {
      if let failure { throw failure }
    }
  }

  /// Inserts the record that has been put together, for pages that all get its end as their LSN.
  func endOfIndexRecord() -> IndexRecordEnd {
    do throws(EngineError) {
      return IndexRecordEnd(position: try log(), failure: nil)
    } catch {
      return IndexRecordEnd(position: LogSequenceNumber(.max), failure: error)
    }
  }

  /// Notes that hints have been set on a page of an index; see ``noteHints(on:of:)``.
  /// - Parameter page: locked share-exclusively or exclusively.
  func noteHints(on page: inout PinnedBuffer, of index: BTreeIndex) throws(EngineError) {
    try noteHints(on: &page, of: index.locator, areProtected: index.isLogged && index.pool.checksums)
  }
}
