import MillraceIO
import MillraceStorage
import MillraceWAL

/// Deleting and replacing rows.
extension Session {
  // MARK: Delete

  /// Deletes a row; waits for others who have it.
  /// - Throws: ``EngineError``: at `repeatableRead` `.serializationFailure`; what waiting throws.
  public func delete(
    _ identifier: TupleIdentifier, from relation: HeapRelation, _ policy: LockWaitPolicy = .wait
  ) throws(EngineError) -> ChangeResult {
    let xid = try requireTransactionID()
    return try untilObtained(identifier, relation, .update, policy) { () throws(EngineError) in
      try tryDelete(identifier, from: relation, xid)
    }
  }

  private func tryDelete(
    _ identifier: TupleIdentifier, from relation: HeapRelation, _ xid: TransactionID
  ) throws(EngineError) -> Attempt {
    var page = try lockedPage(identifier.block, of: relation)
    let heap = HeapPage(page.mutableBytes, block: identifier.block)
    guard let tuple = heap.tuple(Int(identifier.number)) else { return .result(.invisible) }
    if let obstacle = try obstacle(to: tuple, at: identifier, on: heap, .update) { return obstacle }
    let bits = try bits(adding: xid, .update, isUpdate: true, to: tuple)
    let (number, isCombo) = deletion(of: tuple)
    if heap.editor.flags.contains(.allVisible) { try clearVisibility(.all, identifier.block, of: relation) }
    page.markDirty()
    change(of: relation, by: xid).delete(
      Int(identifier.number), on: heap, tuple, bits, command: number, isCombo: isCombo)
    try log(&page, of: relation)
    statistics.countDelete(relation, level: transaction.nestings.count)
    return .result(.done(identifier))
  }

  // MARK: Update

  /// What an update does to its row.
  private struct Update {
    let identifier: TupleIdentifier
    let relation: HeapRelation
    let row: HeapTuple
    let isHotAllowed: Bool
    let mode: TupleLockMode
    let xid: TransactionID
  }

  /// Puts a new version of a row in the place of the old one; waits for others who have it. Where there is room it goes
  /// to the same page, and indexes need not know (HOT), unless columns that they have change.
  /// - Parameters:
  ///   - row: formed by ``TupleWriter``; its header is filled in.
  ///   - changesIndexedColumns: whether some index needs an entry for the new version.
  ///   - changesKey: whether columns of a unique index change that a foreign key could refer to.
  /// - Throws: ``EngineError``: at `repeatableRead` `.serializationFailure`; what waiting throws.
  public func update(
    _ identifier: TupleIdentifier, of relation: HeapRelation, to row: HeapTuple, changesIndexedColumns: Bool = false,
    changesKey: Bool = false, _ policy: LockWaitPolicy = .wait
  ) throws(EngineError) -> ChangeResult {
    let update = Update(
      identifier: identifier, relation: relation, row: row, isHotAllowed: !changesIndexedColumns,
      mode: changesKey ? .update : .noKeyUpdate, xid: try requireTransactionID())
    return try untilObtained(identifier, relation, update.mode, policy) { () throws(EngineError) in
      try tryUpdate(update)
    }
  }

  private func tryUpdate(_ update: Update) throws(EngineError) -> Attempt {
    let identifier = update.identifier
    var page = try lockedPage(identifier.block, of: update.relation)
    let heap = HeapPage(page.mutableBytes, block: identifier.block)
    guard let tuple = heap.tuple(Int(identifier.number)) else { return .result(.invisible) }
    if let obstacle = try obstacle(to: tuple, at: identifier, on: heap, update.mode) { return obstacle }
    if heap.freeSpace >= PageLayout.aligned(update.row.bytes.count) {
      return .result(try replace(update, heap, tuple, &page))
    }
    // A hint for whoever reads the page next: pruning is worth it.
    heap.editor.set(.pageFull, true)
    page.unlock()
    return try move(update, page)
  }

  private func replace(
    _ update: Update, _ heap: HeapPage, _ tuple: HeapTuple, _ page: inout PinnedBuffer
  ) throws(EngineError) -> ChangeResult {
    update.row.prepareForInsert(by: update.xid, command: transaction.command)
    let old = try replacement(update, heap, tuple)
    if heap.editor.flags.contains(.allVisible) { try clearVisibility(.all, heap.block, of: update.relation) }
    page.markDirty()
    guard
      let number = change(of: update.relation, by: update.xid).update(
        old, with: update.row, on: heap, isHot: update.isHotAllowed)
    else { throw EngineError(.corrupted, "block \(heap.block) has less room than it says") }
    try log(&page, of: update.relation)
    statistics.countUpdate(
      update.relation, level: transaction.nestings.count, isHot: update.isHotAllowed, isNewPage: false)
    return .done(TupleIdentifier(heap.block, number))
  }

  private func replacement(
    _ update: Update, _ heap: HeapPage, _ tuple: HeapTuple
  ) throws(EngineError) -> HeapChange.Replacement {
    let successor = try bitsOfSuccessor(of: tuple)
    let bits = try bits(adding: update.xid, update.mode, isUpdate: true, to: tuple)
    let (number, isCombo) = deletion(of: tuple)
    return HeapChange.Replacement(
      number: Int(update.identifier.number), page: heap, tuple: tuple, command: number, isCombo: isCombo, bits: bits,
      successor: successor)
  }

  /// Puts the new version of a row onto another page. Both are locked in the order of their blocks, so that two
  /// sessions that want the same two cannot wait for each other; the old one was therefore unlocked meanwhile, and is
  /// looked at again.
  private func move(_ update: Update, _ old: consuming PinnedBuffer) throws(EngineError) -> Attempt {
    let (identifier, relation) = (update.identifier, update.relation)
    var new = try pageWithRoom(for: update.row.bytes.count, in: relation, avoiding: identifier.block)
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
    guard let tuple = heap.tuple(Int(identifier.number)) else { return .result(.invisible) }
    if let obstacle = try obstacle(to: tuple, at: identifier, on: heap, update.mode) { return obstacle }
    guard target.freeSpace >= PageLayout.aligned(update.row.bytes.count) else { return .again }
    update.row.prepareForInsert(by: update.xid, command: transaction.command)
    let replacement = try replacement(update, heap, tuple)
    for page in [heap, target] where page.editor.flags.contains(.allVisible) {
      try clearVisibility(.all, page.block, of: relation)
    }
    old.markDirty()
    new.markDirty()
    guard
      let number = change(of: relation, by: update.xid).update(replacement, with: update.row, on: target, isHot: false)
    else {
      throw EngineError(.corrupted, "block \(target.block) has less room than it says")
    }
    statistics.countUpdate(relation, level: transaction.nestings.count, isHot: false, isNewPage: true)
    guard relation.isLogged else { return .result(.done(TupleIdentifier(target.block, number))) }
    do throws(EngineError) {
      let end = try log()
      old.setLSN(end)
      new.setLSN(end)
    } catch {
      old.setLSN(LogSequenceNumber(.max))
      new.setLSN(LogSequenceNumber(.max))
      throw error
    }
    return .result(.done(TupleIdentifier(target.block, number)))
  }
}
