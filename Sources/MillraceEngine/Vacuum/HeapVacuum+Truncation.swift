import MillraceIO
import MillraceStorage
import MillraceWAL

/// Giving back empty pages at the end of a table (lazy_truncate_heap).
extension HeapVacuum {
  /// Fewer pages, and a smaller part of the table, are not worth the lock.
  private static let pagesMin: UInt32 = 1000
  private static let fraction: UInt32 = 16

  func truncate() throws(EngineError) {
    let possible = result.pages - nonEmptyEnd
    guard possible > 0, possible >= Self.pagesMin || possible >= max(result.pages / Self.fraction, 1) else { return }
    // A page that was not looked at may hold something; those are never the last, which always is.
    let tag = LockTag.relation(relation.oid, database: relation.locator.database)
    let isTransaction = session.isInTransaction
    progress.set(.truncatingHeap)
    guard
      try session.locks.lock(
        tag, .accessExclusive, .noWait, session.waitLimits, isForSession: !isTransaction) != .notAvailable
    else { return }
    defer { session.unlock(tag, .accessExclusive, isForSession: !isTransaction) }
    // Somebody may have appended meanwhile; then the table is in use, and its end with it.
    guard try relation.blockCount() == result.pages else { return }
    let end = try lastUsed()
    guard end < result.pages else { return }
    try session.truncate(relation, to: end)
    result.pages = end
  }

  /// One more than the last page with anything on it, from the end (count_nondeletable_pages).
  private func lastUsed() throws(EngineError) -> UInt32 {
    var end = result.pages
    while end > nonEmptyEnd {
      try session.checkInterrupts()
      var page: PinnedBuffer
      do throws(StorageError) {
        page = try relation.pool.read(relation.fork, BlockNumber(end - 1), backend)
      } catch {
        throw EngineError(error)
      }
      page.lock(.share, backend: backend)
      let view = PageView(page.bytes)
      // Line pointers without a tuple do no harm, but dead ones are known to indexes.
      if !view.isNew, (1..<view.itemCount + 1).contains(where: { view.linePointer($0).state != .unused }) { break }
      end -= 1
    }
    return end
  }
}

extension Session {
  /// Cuts a table off, with its maps; nobody else uses it (RelationTruncate).
  /// - Parameter blocks: pages that stay.
  func truncate(_ relation: HeapRelation, to blocks: UInt32) throws(EngineError) {
    relation.forgetFresh(from: blocks)
    // Of what a crash loses anyway the log knows nothing.
    guard relation.isLogged else { return try cutOff(relation, to: blocks) }
    builder.begin(.storage, info: StorageRecordKind.truncate.rawValue | WALRecordInfo.specialRelationUpdate)
    StorageTruncateRecord(relation.locator, to: blocks, forks: .all).append(to: builder)
    // Pages that went with the file could not be brought back without the record.
    try database.transactions.whileCommitting(place) { () throws(EngineError) in
      let end = try log()
      try database.flushLog(upTo: end, backend)
      do throws(EngineError) {
        try cutOff(relation, to: blocks)
      } catch {
        // The log says that it happened, and what was in memory is gone.
        throw database.stop(because: error)
      }
    }
  }

  private func cutOff(_ relation: HeapRelation, to blocks: UInt32) throws(EngineError) {
    let count = try relation.blockCount()
    try truncateMaps(of: relation, to: blocks)
    relation.pool.drop(relation.fork, from: BlockNumber(blocks), blockCount: count, backend: backend)
    do throws(IOError) { try relation.fork.truncate(to: blocks) } catch { throw EngineError(error) }
  }

  private func truncateMaps(of relation: HeapRelation, to blocks: UInt32) throws(EngineError) {
    try truncateMap(relation.visibilityFork, blocks, perPage: VisibilityMapPage.blocksPerPage, of: relation) { page in
      for block in blocks..<(blocks / VisibilityMapPage.blocksPerPage + 1) * VisibilityMapPage.blocksPerPage {
        VisibilityMapPage.clear(.all, page, BlockNumber(block))
      }
    }
    try freeSpaceMap(of: relation).truncate(to: blocks)
  }

  private func truncateMap(
    _ fork: StoredFork, _ blocks: UInt32, perPage: UInt32, of relation: HeapRelation,
    _ clear: (UnsafeMutableRawPointer) -> Void
  ) throws(EngineError) {
    let (number, inside) = blocks.quotientAndRemainder(dividingBy: perPage)
    if inside > 0, var page = try mapPage(fork, BlockNumber(number), of: relation) {
      page.lock(.exclusive, backend: backend)
      clear(page.mutableBytes)
      page.markDirty()
    }
    try cutOff(fork, to: number + (inside > 0 ? 1 : 0), of: relation)
  }

  /// Cuts a map off.
  func cutOff(_ fork: StoredFork, to pages: UInt32, of relation: HeapRelation) throws(EngineError) {
    let count = try blockCount(of: fork)
    guard count > pages else { return }
    relation.pool.drop(fork, from: BlockNumber(pages), blockCount: count, backend: backend)
    do throws(IOError) { try fork.truncate(to: pages) } catch { throw EngineError(error) }
  }
}
