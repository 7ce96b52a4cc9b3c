import MillraceIO
import MillraceStorage
import MillraceWAL

/// Ending transactions, and what is nested in them.
extension Session {
  // MARK: Numbers

  /// The number that changes are made by: that of the innermost, given to it now if it has none, and to those around it
  /// before, so that their numbers are lower.
  func requireTransactionID() throws(EngineError) -> TransactionID {
    let known = transaction.innermost
    if known.isValid { return known }
    try requireTransaction()
    for level in transaction.nestings.indices where !transaction.nestings[level].xid.isValid {
      let xid = try database.transactions.assign(to: place) { xid throws(EngineError) in
        guard let page = CommitLog.newPage(for: xid) else { return }
        try database.commitLog.makePage(page, backend)
        builder.begin(.commitLog, info: CommitLogRecordInfo.zeroPage)
        builder.appendData(Int64(page))
        _ = try log()
      }
      transaction.note(xid, at: level)
    }
    return transaction.innermost
  }

  // MARK: Commit

  /// Commits. When this returns, what the transaction did is seen by all who look from now on, and survives a crash as
  /// ``synchronousCommit`` says.
  /// - Throws: ``EngineError`` `.stopped`: whether it is committed, recovery will tell.
  public func commit() throws(EngineError) {
    try requireTransaction()
    while transaction.nestings.count > 1 { mergeInnermost() }
    try prepareCatalogCommit()
    var hasCommitted = false
    defer { finishTransaction(committed: hasCommitted) }
    let xid = transaction.xid
    guard xid.isValid, let top = transaction.nestings.first else { return hasCommitted = true }
    do throws(EngineError) {
      try logCommit(xid, top.children)
    } catch {
      // The record may be in the log; neither a commit nor a rollback can be told to anybody.
      throw database.stop(because: error)
    }
    database.transactions.end(xid, with: top.children)
    hasCommitted = true
    database.countTransaction(committed: true)
    for relation in transaction.dropped { database.removeFiles(of: relation, backend) }
  }

  private func logCommit(_ xid: TransactionID, _ nested: [TransactionID]) throws(EngineError) {
    var record = TransactionEndRecord(time: database.microsecondsSince2000())
    record.subtransactions = nested
    record.relations = transaction.dropped
    record.write(to: builder, TransactionRecordInfo.commit, xid: xid)
    let isDropping = !transaction.dropped.isEmpty
    try database.transactions.whileCommitting(place) { () throws(EngineError) in
      let end = try log()
      // Files cannot come back, so nothing may go before the commit is durable.
      if synchronousCommit == .on || isDropping {
        try database.flushLog(upTo: end, backend)
        try database.requireRunning()
        try database.commitLog.set(xid, .committed, with: nested, backend)
      } else {
        database.log.commitInBackground(end)
        try database.commitLog.set(xid, .committed, with: nested, notDurableBefore: end, backend)
      }
    }
  }

  // MARK: Rollback

  /// Undoes: what the transaction did is seen by nobody.
  /// - Throws: ``EngineError`` where the database has stopped; then it is undone all the same, by recovery.
  public func rollback() throws(EngineError) {
    try requireTransaction()
    defer { finishTransaction(committed: false) }
    var failure: EngineError?
    while transaction.nestings.count > 1 {
      do throws(EngineError) { try rollbackInnermost() } catch { failure = failure ?? error }
    }
    if transaction.xid.isValid, let top = transaction.nestings.first {
      database.countTransaction(committed: false)
      do throws(EngineError) { try abort(top) } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
  }

  /// Says of a transaction, or of one nested in another, that it has been rolled back.
  private func abort(_ nesting: TransactionState.Nesting) throws(EngineError) {
    defer { database.transactions.end(nesting.xid, with: nesting.children) }
    let created = Array(transaction.created[nesting.createdBefore...])
    var record = TransactionEndRecord(time: database.microsecondsSince2000())
    record.subtransactions = nesting.children
    record.relations = created
    record.write(to: builder, TransactionRecordInfo.abort, xid: nesting.xid)
    try database.transactions.whileCommitting(place) { () throws(EngineError) in
      _ = try log()
      try database.commitLog.set(nesting.xid, .aborted, with: nesting.children, backend)
    }
    for relation in created { database.removeFiles(of: relation, backend) }
  }

  /// Lets go of all that belonged to the transaction, which has ended for all others.
  private func finishTransaction(committed: Bool) {
    endCatalogTransaction(committed: committed)
    statistics.end(committed: committed, now: database.microsecondsSince2000())
    releaseAllSnapshots()
    database.multiXacts.endTransaction(place)
    locks.endTransaction()
    let virtual = locker.transaction
    locker.setTransaction(0)
    // Who waits for its end has announced that before it looked whether the transaction runs, and finds that it does
    // not, or is found here.
    if locker.isAwaited {
      locker.isAwaited = false
      if let virtual { database.locks.releaseEnd(.virtualTransaction(virtual), locker) }
      for xid in transaction.numbers { database.locks.releaseEnd(.transaction(xid), locker) }
    }
    transaction.end()
  }

  /// Does what temporary tables were told to do at commit; where that cannot be done the transaction is rolled back.
  private func prepareCatalogCommit() throws(EngineError) {
    guard let sessionCatalog else { return }
    do throws(EngineError) {
      try sessionCatalog.prepareCommit()
    } catch {
      try? rollback()
      throw error
    }
  }

  /// Tells the caches what the transaction has done to the system tables: before its locks are given back, so that
  /// whoever gets them next looks again.
  private func endCatalogTransaction(committed: Bool) {
    guard let sessionCatalog else { return }
    sessionCatalog.transactionHasEnded(committed: committed)
    sessionCatalog.removeTemporaryFiles()
  }

  // MARK: Nested transactions

  /// How deep the innermost is: 1 in a transaction without others in it, 0 outside of transactions.
  public var nestingLevel: Int { transaction.nestings.count }

  /// Begins one in the innermost. It is ended by ``commitNested()``, ``rollbackNested()``, or with one around it.
  /// - Parameter name: of the savepoint that it is; nil where a program made it.
  /// - Throws: ``EngineError``: there is no transaction.
  public func beginNested(named name: String? = nil) throws(EngineError) {
    try requireTransaction()
    var nesting = TransactionState.Nesting()
    nesting.name = name
    (nesting.createdBefore, nesting.droppedBefore) = (transaction.created.count, transaction.dropped.count)
    transaction.nestings.append(nesting)
    locks.beginNested()
  }

  /// Ends the innermost: what it did is a part of the one around it.
  /// - Precondition: there is one in the transaction.
  public func commitNested() throws(EngineError) {
    try requireNested()
    mergeInnermost()
  }

  private func mergeInnermost() {
    statistics.endNested(level: transaction.nestings.count, committed: true)
    transaction.mergeInnermost()
    locks.endNested(isCommitted: true)
  }

  /// Undoes what the innermost did, and unlocks what it has locked.
  public func rollbackNested() throws(EngineError) {
    try requireNested()
    try rollbackInnermost()
  }

  private func requireNested() throws(EngineError) {
    try requireTransaction()
    guard transaction.nestings.count > 1 else {
      throw EngineError(.invalidTransactionState, "there is no subtransaction in progress")
    }
  }

  private func rollbackInnermost() throws(EngineError) {
    guard let nesting = transaction.nestings.last else { return }
    defer {
      // What it did must not be seen by what is left of the statement's snapshot.
      statistics.endNested(level: transaction.nestings.count, committed: false)
      transaction.dropInnermost()
      sessionCatalog?.subtransactionHasAborted()
      locks.endNested(isCommitted: false)
      if nesting.xid.isValid, locker.isAwaited {
        for xid in nesting.children + [nesting.xid] { database.locks.releaseEnd(.transaction(xid), locker) }
      }
    }
    if nesting.xid.isValid { try abort(nesting) }
  }

  // MARK: Savepoints

  /// Sets a savepoint: SAVEPOINT.
  public func savepoint(_ name: String) throws(EngineError) { try beginNested(named: name) }

  /// Forgets a savepoint, and those after it, and keeps what was done since: RELEASE SAVEPOINT.
  public func releaseSavepoint(_ name: String) throws(EngineError) {
    let level = try level(ofSavepoint: name)
    while transaction.nestings.count > level { mergeInnermost() }
  }

  /// Undoes what was done since a savepoint, which stays: ROLLBACK TO SAVEPOINT.
  public func rollback(toSavepoint name: String) throws(EngineError) {
    let level = try level(ofSavepoint: name)
    while transaction.nestings.count > level { try rollbackInnermost() }
    try beginNested(named: name)
  }

  /// How many nestings are outside of the last savepoint of that name.
  private func level(ofSavepoint name: String) throws(EngineError) -> Int {
    try requireTransaction()
    guard let index = transaction.nestings.lastIndex(where: { $0.name == name }), index > 0 else {
      throw EngineError(.invalidSavepoint, "savepoint \"\(name)\" does not exist")
    }
    return index
  }
}
