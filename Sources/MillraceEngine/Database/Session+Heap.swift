import MillraceIO
import MillraceStorage
import MillraceWAL

/// Changing the rows of a table.
extension Session {
  private func change(of relation: HeapRelation, by xid: TransactionID) -> HeapChange {
    HeapChange(builder: builder, locator: relation.locator, xid: xid)
  }

  // MARK: Insert

  /// Inserts a row.
  /// - Parameter row: formed by ``TupleWriter``; its header is filled in.
  /// - Returns: where it is.
  /// - Throws: ``EngineError``.
  @discardableResult
  public func insert(_ row: HeapTuple, into relation: HeapRelation) throws(EngineError) -> TupleIdentifier {
    let xid = try requireTransactionID()
    row.prepareForInsert(by: xid, command: try current().command)
    var page = try pageWithRoom(for: row.bytes.count, in: relation)
    let heap = HeapPage(page.mutableBytes, block: page.block)
    page.markDirty()
    guard let number = change(of: relation, by: xid).insert(row, on: heap) else {
      throw EngineError(.corrupted, "block \(page.block) of relation \(relation.locator) has less room than it says")
    }
    try log(&page)
    return TupleIdentifier(heap.block, number)
  }

  /// A page with room for a tuple, locked exclusively (`RelationGetBufferForTuple`).
  func pageWithRoom(
    for length: Int, in relation: HeapRelation, avoiding avoided: BlockNumber? = nil
  ) throws(EngineError) -> PinnedBuffer {
    let wanted = PageLayout.aligned(length) + relation.reservedBytes
    var target = insertTargets[relation.locator]
    if target == nil, let count = Optional(try relation.blockCount()), count > 0 { target = BlockNumber(count - 1) }
    do throws(StorageError) {
      while let block = target ?? relation.takeFresh() {
        target = nil
        if block == avoided { continue }
        var page = try database.pool.read(relation.fork, block, backend)
        page.lock(.exclusive, backend: backend)
        let heap = HeapPage(page.mutableBytes, block: block)
        if heap.editor.isNew { heap.editor.initialize() }
        // What is longer than all that may be filled gets a page of its own.
        if heap.freeSpace >= wanted || heap.editor.itemCount == 0 {
          insertTargets[relation.locator] = block
          return page
        }
      }
      while true {
        let page = try extend(relation)
        let heap = HeapPage(page.mutableBytes, block: page.block)
        // Somebody who took it for the last page of the table may have been faster, and may have filled it.
        if heap.editor.isNew { heap.editor.initialize() }
        if heap.freeSpace >= wanted || heap.editor.itemCount == 0, page.block != avoided {
          insertTargets[relation.locator] = page.block
          return page
        }
      }
    } catch {
      throw EngineError(error)
    }
  }

  /// Appends pages: one for this session, locked exclusively; the others for whoever comes next.
  private func extend(_ relation: HeapRelation) throws(StorageError) -> PinnedBuffer {
    var blocks = try database.pool.extend(relation.fork, by: extensionSize, backend)
    // The more it appends, the more at a time, so that sessions do not meet there all the time.
    extensionSize = min(extensionSize * 2, 16)
    guard let page = blocks.next() else { preconditionFailure("a relation was extended by no pages") }
    let first = blocks.first
    if blocks.count > 1 { relation.addFresh((1..<UInt32(blocks.count)).map { first.advanced(by: $0) }) }
    return page
  }

  // MARK: Delete

  /// What became of a wish to change a row.
  public enum ChangeResult: Sendable, Equatable {
    /// It was done; an updated row is now at this place.
    case done(TupleIdentifier)
    /// The row is not there for this transaction, or not any more.
    case gone
    /// Another transaction is changing the row.
    case conflict(with: TransactionID)
  }

  /// Deletes a row.
  /// - Throws: ``EngineError``.
  public func delete(_ identifier: TupleIdentifier, from relation: HeapRelation) throws(EngineError) -> ChangeResult {
    let xid = try requireTransactionID()
    var page = try lockedPage(identifier.block, of: relation)
    let heap = HeapPage(page.mutableBytes, block: identifier.block)
    guard let tuple = heap.tuple(Int(identifier.number)) else { return .gone }
    if let obstacle = try obstacle(to: tuple, xid) { return obstacle }
    let (number, isCombo) = try deletion(of: tuple, by: xid)
    page.markDirty()
    change(of: relation, by: xid).delete(
      Int(identifier.number), on: heap, tuple, command: number, isCombo: isCombo)
    try log(&page)
    return .done(identifier)
  }

  /// Why a tuple cannot be changed; nil where it can.
  private func obstacle(to tuple: HeapTuple, _ xid: TransactionID) throws(EngineError) -> ChangeResult? {
    switch try visibility.changeability(of: tuple, own: xid, command: try current().command, commands) {
    case .ok: nil
    case .beingChanged(let other): .conflict(with: other)
    case .changed, .changedBySelf, .invisible: .gone
    }
  }

  private func deletion(
    of tuple: HeapTuple, by xid: TransactionID
  ) throws(EngineError) -> (number: UInt32, isCombo: Bool) {
    let isOwn = !tuple.infomask.contains(.xminCommitted) && tuple.xmin == xid
    return commands.number(deleting: tuple, by: try current().command, isOwn: isOwn)
  }

  private func lockedPage(_ block: BlockNumber, of relation: HeapRelation) throws(EngineError) -> PinnedBuffer {
    do throws(StorageError) {
      var page = try database.pool.read(relation.fork, block, backend)
      page.lock(.exclusive, backend: backend)
      return page
    } catch {
      throw EngineError(error)
    }
  }

  // MARK: Update

  /// Puts a new version of a row in the place of the old one. Where there is room it goes to the same page, and indexes
  /// need not know (HOT), unless columns that they have change.
  /// - Parameters:
  ///   - row: formed by ``TupleWriter``; its header is filled in.
  ///   - changesIndexedColumns: whether some index needs an entry for the new version.
  /// - Throws: ``EngineError``.
  public func update(
    _ identifier: TupleIdentifier, of relation: HeapRelation, to row: HeapTuple, changesIndexedColumns: Bool = false
  ) throws(EngineError) -> ChangeResult {
    let xid = try requireTransactionID()
    while true {
      row.prepareForInsert(by: xid, command: try current().command)
      var page = try lockedPage(identifier.block, of: relation)
      let heap = HeapPage(page.mutableBytes, block: identifier.block)
      guard let tuple = heap.tuple(Int(identifier.number)) else { return .gone }
      if let obstacle = try obstacle(to: tuple, xid) { return obstacle }
      if heap.freeSpace >= PageLayout.aligned(row.bytes.count) {
        let old = try replacement(identifier, heap, tuple, xid)
        page.markDirty()
        guard
          let number = change(of: relation, by: xid).update(old, with: row, on: heap, isHot: !changesIndexedColumns)
        else { throw EngineError(.corrupted, "block \(heap.block) has less room than it says") }
        try log(&page)
        return .done(TupleIdentifier(heap.block, number))
      }
      // A hint for whoever reads the page next: pruning is worth it.
      heap.editor.set(.pageFull, true)
      page.unlock()
      if let result = try move(identifier, page, of: relation, to: row, xid) { return result }
    }
  }

  private func replacement(
    _ identifier: TupleIdentifier, _ heap: HeapPage, _ tuple: HeapTuple, _ xid: TransactionID
  ) throws(EngineError) -> HeapChange.Replacement {
    let (number, isCombo) = try deletion(of: tuple, by: xid)
    return HeapChange.Replacement(
      number: Int(identifier.number), page: heap, tuple: tuple, command: number, isCombo: isCombo)
  }

  /// Puts the new version of a row onto another page. Both are locked in the order of their blocks, so that two
  /// sessions that want the same two cannot wait for each other; the old one was therefore unlocked meanwhile, and is
  /// looked at again.
  /// - Returns: nil where the new page has filled up meanwhile.
  private func move(
    _ identifier: TupleIdentifier, _ old: consuming PinnedBuffer, of relation: HeapRelation, to row: HeapTuple,
    _ xid: TransactionID
  ) throws(EngineError) -> ChangeResult? {
    var new = try pageWithRoom(for: row.bytes.count, in: relation, avoiding: identifier.block)
    var old = old
    if identifier.block < new.block {
      new.unlock()
      old.lock(.exclusive, backend: backend)
      new.lock(.exclusive, backend: backend)
    } else {
      old.lock(.exclusive, backend: backend)
    }
    let (heap, target) = (
      HeapPage(old.mutableBytes, block: identifier.block), HeapPage(new.mutableBytes, block: new.block)
    )
    guard let tuple = heap.tuple(Int(identifier.number)) else { return .gone }
    if let obstacle = try obstacle(to: tuple, xid) { return obstacle }
    guard target.freeSpace >= PageLayout.aligned(row.bytes.count) else { return nil }
    let replacement = try replacement(identifier, heap, tuple, xid)
    old.markDirty()
    new.markDirty()
    guard let number = change(of: relation, by: xid).update(replacement, with: row, on: target, isHot: false) else {
      throw EngineError(.corrupted, "block \(target.block) has less room than it says")
    }
    do throws(EngineError) {
      let end = try log()
      old.setLSN(end)
      new.setLSN(end)
    } catch {
      old.setLSN(LogSequenceNumber(.max))
      new.setLSN(LogSequenceNumber(.max))
      throw error
    }
    return .done(TupleIdentifier(target.block, number))
  }
}
