import MillraceIO
import MillraceStorage
import MillraceWAL

/// Getting a row to oneself: the waits of PostgreSQL's heap_delete, heap_update and heap_lock_tuple
/// (src/backend/access/heap/heapam.c).
extension Session {
  /// What became of a wish to change or lock a row.
  public enum ChangeResult: Sendable, Equatable {
    /// It was done; an updated row is now at this place.
    case done(TupleIdentifier)
    /// Another transaction, which has committed, has put a newer version in its place. At `readCommitted` whoever wants
    /// the row looks at that, and tries again with it, see ``Session/lock(_:of:_:_:replacing:)``.
    case updated(next: TupleIdentifier, by: TransactionID)
    /// Another transaction, which has committed, has deleted it.
    case deleted
    /// The own command, or one that it started, has changed it already.
    case changedBySelf
    /// The row is not there for this transaction.
    case invisible
    /// Somebody else has it, and the policy was not to wait.
    case wouldBlock
  }

  /// The lock on the place of a row that a waiter holds, so that others line up behind it.
  struct TupleLock {
    let tag: LockTag
    let mode: LockMode
  }

  func lockedPage(_ block: BlockNumber, of relation: HeapRelation) throws(EngineError) -> PinnedBuffer {
    do throws(StorageError) {
      var page = try relation.pool.read(relation.fork, block, backend)
      page.lock(.exclusive, backend: backend)
      return page
    } catch {
      throw EngineError(error)
    }
  }

  /// What became of one attempt to get a row.
  enum Attempt {
    case result(ChangeResult)
    /// Others have it, and have to end first.
    case held(by: [MultiXactMember], isMember: Bool)
    /// Something has changed meanwhile.
    case again
  }

  /// Tries to get a row until that is decided, waiting for others in between.
  func untilObtained(
    _ identifier: TupleIdentifier, _ relation: HeapRelation, _ mode: TupleLockMode, _ policy: LockWaitPolicy,
    _ attempt: () throws(EngineError) -> Attempt
  ) throws(EngineError) -> ChangeResult {
    var tupleLock: TupleLock?
    defer { release(tupleLock) }
    while true {
      try checkInterrupts()
      switch try attempt() {
      case .result(let result): return try checkSerializable(result)
      case .again: continue
      case .held(let holders, let isMember):
        guard try wait(for: holders, isMember: isMember, at: identifier, of: relation, mode, policy, &tupleLock) else {
          return .wouldBlock
        }
      }
    }
  }

  /// Looks at a row that is to be changed.
  /// - Parameters:
  ///   - heap: its page, locked exclusively.
  ///   - mode: how strongly it is wanted.
  /// - Returns: nil where it can be had at once.
  func obstacle(
    to tuple: HeapTuple, at identifier: TupleIdentifier, on heap: HeapPage, _ mode: TupleLockMode
  ) throws(EngineError) -> Attempt? {
    var hints: Infomask = []
    let changeability = try visibility.changeability(
      of: tuple, at: identifier, command: transaction.command, pageLSN: heap.editor.lsn, hints: &hints)
    tuple.infomask.formUnion(hints)
    switch changeability {
    case .ok:
      // Lockers that have ended leave no trace in what comes.
      if tuple.infomask.isXmaxLockOnly, !tuple.infomask.contains(.xmaxIsMulti) { tuple.infomask.insert(.xmaxInvalid) }
      return nil
    case .invisible: return .result(.invisible)
    case .changedBySelf: return .result(.changedBySelf)
    case .deleted: return .result(.deleted)
    case .updated: return .result(.updated(next: tuple.identifier, by: try visibility.updater(tuple)))
    case .held: break
    }
    let holders = try holders(of: tuple)
    let others = holders.filter { !transaction.isOwn($0.xid) && $0.status.lockMode.conflicts(with: mode) }
    if others.isEmpty { return nil }
    return .held(
      by: others, isMember: others.count < holders.count && holders.contains { transaction.isOwn($0.xid) })
  }

  /// Waits for those who have a row. The page is not locked meanwhile.
  /// - Parameter lock: the place in the queue of those who wait for this row; taken with the first wait, unless the own
  ///   transaction has a part of the row already: it would wait for those who wait for it.
  /// - Returns: false where somebody else has the row, and the policy is not to wait.
  func wait(
    for holders: [MultiXactMember], isMember: Bool, at identifier: TupleIdentifier, of relation: HeapRelation,
    _ mode: TupleLockMode, _ policy: LockWaitPolicy, _ lock: inout TupleLock?
  ) throws(EngineError) -> Bool {
    if lock == nil, !isMember {
      let tag = LockTag.tuple(
        identifier, of: relation.locator.relNumber, database: relation.locator.database)
      guard try locks.lock(tag, mode.heavyweight, policy, waitLimits) != .notAvailable else { return false }
      lock = TupleLock(tag: tag, mode: mode.heavyweight)
    }
    for holder in holders {
      guard try waitForEnd(of: holder.xid, policy) else { return false }
    }
    return true
  }

  func release(_ lock: TupleLock?) {
    if let lock { locks.unlock(lock.tag, lock.mode) }
  }

  /// At `repeatableRead`, what another transaction changed since the snapshot cannot be changed.
  func checkSerializable(_ result: ChangeResult) throws(EngineError) -> ChangeResult {
    guard transaction.isolation == .repeatableRead else { return result }
    switch result {
    case .updated:
      throw EngineError(.serializationFailure, "could not serialize access due to concurrent update")
    case .deleted:
      throw EngineError(.serializationFailure, "could not serialize access due to concurrent delete")
    case .done, .changedBySelf, .invisible, .wouldBlock: return result
    }
  }

  func deletion(of tuple: HeapTuple) -> (number: UInt32, isCombo: Bool) {
    let isOwn = !tuple.infomask.contains(.xminCommitted) && transaction.isOwn(tuple.xmin)
    return transaction.commands.number(deleting: tuple, by: transaction.command, isOwn: isOwn)
  }

  // MARK: Locking

  /// Locks a row until the end of the transaction: FOR UPDATE and its fellows.
  /// - Parameters:
  ///   - replaced: where the row is the newer version of one that was wanted: who replaced that. If the place has
  ///     another row by now, the wanted one is gone.
  /// - Returns: `.done` with the row's place, or why it could not be locked.
  /// - Throws: ``EngineError``: at `repeatableRead` `.serializationFailure`; what waiting throws.
  public func lock(
    _ identifier: TupleIdentifier, of relation: HeapRelation, _ mode: TupleLockMode, _ policy: LockWaitPolicy = .wait,
    replacing replaced: TransactionID? = nil
  ) throws(EngineError) -> ChangeResult {
    let xid = try requireTransactionID()
    return try untilObtained(identifier, relation, mode, policy) { () throws(EngineError) in
      try tryLock(identifier, of: relation, mode, xid, replacing: replaced)
    }
  }

  private func tryLock(
    _ identifier: TupleIdentifier, of relation: HeapRelation, _ mode: TupleLockMode, _ xid: TransactionID,
    replacing replaced: TransactionID?
  ) throws(EngineError) -> Attempt {
    var page = try lockedPage(identifier.block, of: relation)
    let heap = HeapPage(page.mutableBytes, block: identifier.block)
    guard let tuple = heap.tuple(Int(identifier.number)) else { return .result(.deleted) }
    if let replaced, tuple.xmin != replaced { return .result(.deleted) }
    if try holdsAlready(tuple, mode) { return .result(.done(identifier)) }
    if let obstacle = try obstacle(to: tuple, at: identifier, on: heap, mode) {
      // An update that leaves the key alone does not keep anybody from sharing the key.
      guard case .result(.updated) = obstacle, mode == .keyShare, !tuple.infomask2.contains(.keysUpdated) else {
        return obstacle
      }
    }
    let isReplaced = !tuple.infomask.isXmaxLockOnly && !tuple.infomask.contains(.xmaxInvalid)
    let next = tuple.identifier
    let updater = isReplaced ? try visibility.updater(tuple) : .invalid
    try mark(tuple, at: identifier, on: heap, &page, of: relation, mode, xid, isSuccessor: false)
    page.unlock()
    if updater.isValid, next != identifier { try lockSuccessors(from: next, updater, of: relation, mode, xid) }
    return .result(.done(identifier))
  }

  /// Whether the own transaction has a row at least so strongly.
  private func holdsAlready(_ tuple: HeapTuple, _ mode: TupleLockMode) throws(EngineError) -> Bool {
    guard !tuple.infomask.contains(.xmaxInvalid), transaction.xid.isValid else { return false }
    guard tuple.infomask.contains(.xmaxIsMulti) else {
      return tuple.infomask.isXmaxLockOnly && transaction.isOwn(tuple.xmax) && tuple.singleStatus.lockMode >= mode
    }
    return try visibility.members(tuple).contains {
      transaction.isOwn($0.xid) && !$0.status.isUpdate && $0.status.lockMode >= mode
    }
  }

  private func mark(
    _ tuple: HeapTuple, at identifier: TupleIdentifier, on heap: HeapPage, _ page: inout PinnedBuffer,
    of relation: HeapRelation, _ mode: TupleLockMode, _ xid: TransactionID, isSuccessor: Bool
  ) throws(EngineError) {
    let bits = try bits(adding: xid, mode, isUpdate: false, to: tuple)
    let clearsFrozen =
      heap.editor.flags.contains(.allVisible)
      ? try clearVisibility(.allFrozen, identifier.block, of: relation) : false
    page.markDirty()
    change(of: relation, by: xid).lock(
      Int(identifier.number), on: heap, tuple, bits, isSuccessor: isSuccessor, clearsFrozen: clearsFrozen)
    try log(&page, of: relation)
  }

  /// Locks the newer versions of a row that was locked in a way that its update does not exclude, so that the next one
  /// to change the row meets the lock (heap_lock_updated_tuple).
  private func lockSuccessors(
    from first: TupleIdentifier, _ updater: TransactionID, of relation: HeapRelation, _ mode: TupleLockMode,
    _ xid: TransactionID
  ) throws(EngineError) {
    var (place, writer) = (first, updater)
    while true {
      var page = try lockedPage(place.block, of: relation)
      let heap = HeapPage(page.mutableBytes, block: place.block)
      // A chain ends where an update was rolled back, or its place has been used again.
      guard let tuple = heap.tuple(Int(place.number)), tuple.xmin == writer else { return }
      let xmin = tuple.xmin
      if !visibility.isInProgress(xmin), try !visibility.hasCommitted(xmin) { return }
      let others = try holders(of: tuple).filter {
        !transaction.isOwn($0.xid) && visibility.isInProgress($0.xid) && $0.status.lockMode.conflicts(with: mode)
      }
      guard others.isEmpty else {
        page.unlock()
        for other in others { try waitForEnd(of: other.xid) }
        continue
      }
      let isEnd =
        tuple.infomask.contains(.xmaxInvalid) || tuple.infomask.isXmaxLockOnly || tuple.identifier == place
      let next = (tuple.identifier, isEnd ? TransactionID.invalid : try visibility.updater(tuple))
      if try !holdsAlready(tuple, mode) {
        try mark(tuple, at: place, on: heap, &page, of: relation, mode, xid, isSuccessor: true)
      }
      if isEnd { return }
      (place, writer) = next
    }
  }
}
