import MillraceStorage
import MillraceWAL

/// What reading leaves behind on pages: hint bits, and room where versions are dead.
extension Session {
  /// Notes that hint bits have been set on a page. Where checksums are kept and the page has not been logged since the
  /// last checkpoint, an image of it is: a torn write of it could not be repaired otherwise (`MarkBufferDirtyHint`).
  /// - Parameter page: locked share-exclusively or exclusively.
  func noteHints(on page: inout PinnedBuffer, of relation: HeapRelation) throws(EngineError) {
    try noteHints(on: &page, of: relation.locator, areProtected: relation.isLogged && database.pool.checksums)
  }

  /// The same for a page of any relation.
  /// - Parameter areProtected: whether the relation is logged, and its pages have checksums.
  func noteHints(
    on page: inout PinnedBuffer, of locator: RelationLocator, areProtected: Bool
  ) throws(EngineError) {
    if page.isDirty { return }
    page.markDirtyHint()
    guard areProtected else { return }
    let editor = PageEditor(page.mutableBytes)
    guard editor.lsn <= database.log.redoPosition else { return }
    builder.begin(.xlog, info: XLOGRecordKind.fullPageImageForHint.rawValue)
    builder.registerBlock(0, locator, .main, page.block, page: page.bytes, flags: .standard)
    do throws(EngineError) {
      editor.lsn = try log()
    } catch {
      editor.lsn = LogSequenceNumber(.max)
      throw error
    }
  }

  /// Prunes a page that somebody comes by, where that is likely to be worth it and nobody else uses the page
  /// (`heap_page_prune_opt`).
  /// - Parameter page: pinned and not locked.
  func prune(_ page: inout PinnedBuffer, of relation: HeapRelation) throws(EngineError) {
    let header = PageView(page.bytes).header
    let oldest = TransactionID(header.pruneXID)
    guard oldest.isValid else { return }
    let horizon = removalHorizon(beyond: oldest)
    guard oldest.precedes(horizon) else { return }
    let free = Int(header.upper) - Int(header.lower)
    guard header.flags.contains(.pageFull) || free < PageLayout.blockSize / 10 else { return }
    guard page.tryLockForCleanup() else { return }
    defer { page.unlock() }
    try pruneLocked(&page, of: relation, horizon: horizon)
  }

  /// Looks at all versions on a page, and sets hint bits on the way.
  /// - Parameter heap: the page, locked for cleanup.
  /// - Returns: what is there and what may go, and whether hint bits have been set.
  func examine(
    _ heap: HeapPage, of relation: HeapRelation, horizon: TransactionID
  ) throws(EngineError) -> (pruner: HeapPagePruner, hasHints: Bool) {
    var hasHints = false
    let statuses = try visibility.statuses(on: heap, horizon: horizon, hasHints: &hasHints)
    return (HeapPagePruner(heap, hasIndexes: relation.hasIndexes, statuses: statuses), hasHints)
  }

  /// Prunes a page.
  /// - Parameter page: locked for cleanup.
  private func pruneLocked(
    _ page: inout PinnedBuffer, of relation: HeapRelation, horizon: TransactionID
  ) throws(EngineError) {
    // A damaged page is left as it is; whoever wants a tuple that is not there says so.
    do throws(EngineError) { try examine(page, of: relation) } catch { return }
    let heap = HeapPage(page.mutableBytes, block: page.block)
    let (pruner, hasHints) = try examine(heap, of: relation, horizon: horizon)
    let plan = pruner.plan
    guard !plan.isEmpty else {
      // The hint was wrong, so that the next one does not come here in vain.
      heap.editor.pruneXID = plan.nextPruneXID
      heap.editor.set(.pageFull, false)
      if hasHints { try noteHints(on: &page, of: relation) }
      return
    }
    page.markDirty()
    HeapChange(builder: builder, locator: relation.locator, xid: .invalid)
      .prune(plan, on: heap, info: HeapRecordInfo.pruneOnAccess)
    try log(&page, of: relation)
    // What is left of a row that indexes lead to still counts as one.
    statistics.countPruned(plan.unused.count + plan.redirected.count, relation)
  }
}
