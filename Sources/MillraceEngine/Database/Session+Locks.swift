import MillraceStorage

/// Locking, for what is above the engine and in it.
extension Session {
  /// Takes a lock, until the end of the transaction or of the savepoint that is rolled back.
  /// - Parameters:
  ///   - isForSession: until ``unlock(_:_:isForSession:)``, or the end of the session.
  /// - Returns: false where it cannot be had at once and the policy is not to wait.
  /// - Throws: ``EngineError``: `.deadlock`, `.lockNotAvailable` after `lock_timeout`, `.cancelled`.
  @discardableResult
  public func lock(
    _ tag: LockTag, _ mode: LockMode, _ policy: LockWaitPolicy = .wait, isForSession: Bool = false
  ) throws(EngineError) -> Bool {
    if !isForSession { try requireTransaction() }
    try checkInterrupts()
    return try locks.lock(tag, mode, policy, waitLimits, isForSession: isForSession) != .notAvailable
  }

  /// Gives a lock back once, before the end of the transaction.
  /// - Returns: false where it is not held.
  @discardableResult
  public func unlock(_ tag: LockTag, _ mode: LockMode, isForSession: Bool = false) -> Bool {
    locks.unlock(tag, mode, isForSession: isForSession)
  }

  /// Gives back all advisory locks that outlive transactions (pg_advisory_unlock_all).
  public func unlockAdvisoryLocks() { locks.releaseSession(.advisory) }

  /// Whether the session has a lock.
  public func holds(_ tag: LockTag, _ mode: LockMode) -> Bool { locks.holds(tag, mode) }

  /// Waits until a transaction, or the part of one that has this number, has ended (XactLockTableWait).
  /// - Returns: false where it runs and the policy is not to wait.
  @discardableResult
  public func waitForEnd(of xid: TransactionID, _ policy: LockWaitPolicy = .wait) throws(EngineError) -> Bool {
    precondition(!transaction.isOwn(xid), "a transaction was to wait for itself")
    let transactions = database.transactions
    return try locks.waitForEnd(of: .transaction(xid), policy, waitLimits) { transactions.owner(of: xid) }
  }

  /// The same by the number that a transaction has from its beginning.
  @discardableResult
  public func waitForEnd(
    of transaction: VirtualTransactionID, _ policy: LockWaitPolicy = .wait
  ) throws(EngineError) -> Bool {
    let lockers = database.locks.lockers
    guard lockers.indices.contains(transaction.place), transaction != locker.transaction else { return true }
    return try locks.waitForEnd(of: .virtualTransaction(transaction), policy, waitLimits) {
      lockers[transaction.place].transaction == transaction ? transaction.place : nil
    }
  }
}

extension Database {
  /// What is held and waited for, in the order of sessions: `pg_locks`.
  public func lockStatus() -> [LockStatus] {
    var found = locks.snapshot()
    // What transactions have on their own numbers is in no table as long as nobody waits for it.
    let entered = Set(found.filter { $0.isGranted && $0.mode == .exclusive }.map(\.tag))
    func add(_ tag: LockTag, _ place: Int, isFastPath: Bool) {
      guard !entered.contains(tag) else { return }
      let locker = locks.lockers[place]
      found.append(
        LockStatus(
          tag: tag, mode: .exclusive, place: place, processID: locker.processID, transaction: locker.transaction,
          isGranted: true, isFastPath: isFastPath))
    }
    for (xid, place) in transactions.running() { add(.transaction(xid), place, isFastPath: false) }
    for locker in locks.lockers {
      if let transaction = locker.transaction { add(.virtualTransaction(transaction), locker.place, isFastPath: true) }
    }
    return found.sorted { ($0.place, $0.tag.kind.rawValue) < ($1.place, $1.tag.kind.rawValue) }
  }

  /// The session with a process number, for `pg_cancel_backend` and cancel requests; nil where there is none.
  public func session(withProcessID processID: Int32) -> SessionControl? {
    locks.lockers.first { processID != 0 && $0.processID == processID }.map { SessionControl($0) }
  }
}
