public import MillraceIO
import MillraceStorage
import MillraceWAL

/// What one thread does with a database: transactions, one after another, and changes in them. Used by one thread at a
/// time.
///
/// ```swift
/// let session = try database.makeSession("writer")
/// try session.transaction { session throws(EngineError) in
///   _ = try session.insert(row, into: table)
/// }
/// ```
public final class Session {
  public let database: Database
  public let name: String
  /// What a commit waits for: `synchronous_commit`.
  public var synchronousCommit: SynchronousCommit
  /// Through which its I/O goes.
  public let backend: IOBackend

  let builder = WALRecordBuilder()
  /// What it needs to change indexes.
  private(set) lazy var btreeMemory = BTreeMemory()
  /// Its place among the sessions.
  let place: Int
  var visibility: Visibility
  var commands = CommandLog()
  private(set) var state: TransactionState?
  /// The page of each table that it inserts into.
  var insertTargets: [RelationLocator: BlockNumber] = [:]
  /// How many pages it appended to a table at a time, which grows as it goes on.
  var extensionSize = 1
  /// Its view of the system tables of the database that it is connected to.
  var sessionCatalog: SessionCatalog?
  private var isClosed = false

  /// A transaction that is under way.
  struct TransactionState {
    /// None as long as it changes nothing.
    var xid = TransactionID.invalid
    /// The command that runs now.
    var command: UInt32 = 0
    /// What it reads by, while it reads.
    var snapshot: Snapshot?
    /// Relations whose files go if it is rolled back, and if it commits.
    var created: [RelationLocator] = []
    var dropped: [RelationLocator] = []
  }

  /// What a commit waits for.
  public enum SynchronousCommit: Sendable {
    /// Nothing: it is durable after at most three times `wal_writer_delay`, in the order of commits.
    case off
    /// Its record is durable.
    case on
  }

  init(_ database: Database, name: String, backend: IOBackend, place: Int, synchronousCommit: SynchronousCommit) {
    (self.database, self.name, self.backend, self.place) = (database, name, backend, place)
    self.synchronousCommit = synchronousCommit
    let log = database.log
    visibility = Visibility(
      transactions: database.transactions, commitLog: database.commitLog, backend: backend,
      flushedPosition: { log.flushedPosition })
  }

  deinit { close() }

  /// Rolls back what is under way and gives the session's place back. Idempotent; also done when it is released.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    if state != nil { try? rollback() }
    sessionCatalog?.close()
    sessionCatalog = nil
    database.transactions.removeSession(place)
    backend.close()
    database.sessionHasEnded()
  }

  // MARK: Transactions

  /// Whether a transaction is under way.
  public var isInTransaction: Bool { state != nil }

  /// The number of the transaction that is under way; nil where it has none because it has changed nothing.
  public var transactionID: TransactionID? { state.flatMap { $0.xid.isValid ? $0.xid : nil } }

  /// Begins a transaction.
  /// - Throws: ``EngineError``: one is under way, or the database has stopped.
  public func begin() throws(EngineError) {
    guard state == nil else {
      throw EngineError(.invalidTransactionState, "there is already a transaction in progress")
    }
    try database.requireRunning()
    state = TransactionState()
  }

  /// Commits. When this returns, what the transaction did is seen by all who look from now on, and survives a crash as
  /// ``synchronousCommit`` says.
  /// - Throws: ``EngineError`` `.stopped`: whether it is committed, recovery will tell.
  public func commit() throws(EngineError) {
    var ending = try current()
    var hasCommitted = false
    defer {
      forgetTransaction()
      endCatalogTransaction(committed: hasCommitted)
    }
    if let sessionCatalog {
      try sessionCatalog.prepareCommit()
      ending = try current()
    }
    guard ending.xid.isValid else { return hasCommitted = true }
    do throws(EngineError) {
      try logCommit(ending)
    } catch {
      // The record may be in the log; neither a commit nor a rollback can be told to anybody.
      throw database.stop(because: error)
    }
    database.transactions.end(ending.xid)
    hasCommitted = true
    database.countTransaction(committed: true)
    for relation in ending.dropped { database.removeFiles(of: relation, backend) }
  }

  private func logCommit(_ ending: TransactionState) throws(EngineError) {
    var record = TransactionEndRecord(time: database.microsecondsSince2000())
    record.relations = ending.dropped
    record.write(to: builder, TransactionRecordInfo.commit, xid: ending.xid)
    let isDropping = !ending.dropped.isEmpty
    try database.transactions.whileCommitting(place) { () throws(EngineError) in
      let end = try log()
      // Files cannot come back, so nothing may go before the commit is durable.
      if synchronousCommit == .on || isDropping {
        try database.flushLog(upTo: end, backend)
        try database.requireRunning()
        try database.commitLog.set(ending.xid, .committed, backend)
      } else {
        database.log.commitInBackground(end)
        try database.commitLog.set(ending.xid, .committed, notDurableBefore: end, backend)
      }
    }
  }

  /// Undoes: what the transaction did is seen by nobody.
  /// - Throws: ``EngineError`` where the database has stopped; then it is undone all the same, by recovery.
  public func rollback() throws(EngineError) {
    let ending = try current()
    defer {
      forgetTransaction()
      endCatalogTransaction(committed: false)
    }
    guard ending.xid.isValid else { return }
    defer { database.transactions.end(ending.xid) }
    database.countTransaction(committed: false)
    var record = TransactionEndRecord(time: database.microsecondsSince2000())
    record.relations = ending.created
    record.write(to: builder, TransactionRecordInfo.abort, xid: ending.xid)
    try database.transactions.whileCommitting(place) { () throws(EngineError) in
      _ = try log()
      try database.commitLog.set(ending.xid, .aborted, backend)
    }
    for relation in ending.created { database.removeFiles(of: relation, backend) }
  }

  /// Runs `body` in a transaction: commits when it returns, rolls back when it throws.
  public func transaction<Result>(
    _ body: (Session) throws(EngineError) -> Result
  ) throws(EngineError) -> Result {
    try begin()
    let result: Result
    do throws(EngineError) {
      result = try body(self)
    } catch {
      try? rollback()
      throw error
    }
    try commit()
    return result
  }

  /// Ends a command of the transaction: what it did, the next ones see.
  public func advanceCommand() throws(EngineError) {
    _ = try current()
    state?.command += 1
    state?.snapshot = nil
  }

  /// Tells the caches what the transaction has done to the system tables.
  private func endCatalogTransaction(committed: Bool) {
    guard let sessionCatalog else { return }
    sessionCatalog.transactionHasEnded(committed: committed)
    sessionCatalog.removeTemporaryFiles()
  }

  private func forgetTransaction() {
    state = nil
    commands.removeAll()
    database.transactions.releaseSnapshot(of: place)
  }

  func current() throws(EngineError) -> TransactionState {
    guard let state else { throw EngineError(.invalidTransactionState, "there is no transaction in progress") }
    return state
  }

  /// The transaction's number, given to it now if it has none.
  func requireTransactionID() throws(EngineError) -> TransactionID {
    let current = try current()
    if current.xid.isValid { return current.xid }
    let xid = try database.transactions.assign { xid throws(EngineError) in
      guard let page = CommitLog.newPage(for: xid) else { return }
      try database.commitLog.makePage(page, backend)
      builder.begin(.commitLog, info: CommitLogRecordInfo.zeroPage)
      builder.appendData(Int64(page))
      _ = try log()
    }
    state?.xid = xid
    return xid
  }

  /// What the running command sees: taken when it first looks.
  public func snapshot() throws(EngineError) -> Snapshot {
    let current = try current()
    if let snapshot = current.snapshot, snapshot.own == current.xid { return snapshot }
    let snapshot = database.transactions.takeSnapshot(for: place, own: current.xid, command: current.command)
    state?.snapshot = snapshot
    return snapshot
  }

  /// Lets the next look take a new snapshot: what others have committed since is seen then.
  public func releaseSnapshot() {
    state?.snapshot = nil
    database.transactions.releaseSnapshot(of: place)
  }

  // MARK: Relations

  /// Makes a table, which is there for good when the transaction commits.
  /// - Throws: ``EngineError``.
  public func createRelation(
    hasIndexes: Bool = false, fillFactor: Int = 100
  ) throws(EngineError) -> HeapRelation {
    let (locator, fork) = try createStorage()
    return database.relation(locator, fork: fork, hasIndexes: hasIndexes, fillFactor: fillFactor)
  }

  /// Makes the files of a relation, which go if the transaction is rolled back.
  func createStorage() throws(EngineError) -> (RelationLocator, StoredFork) {
    let xid = try requireTransactionID()
    let locator = RelationLocator(
      tablespace: RelationLocator.defaultTablespace, database: ClusterLayout.defaultDatabase,
      relNumber: try database.allocateOID(self))
    let fork: StoredFork
    do throws(IOError) { fork = try database.storage.create(locator) } catch { throw EngineError(error) }
    state?.created.append(locator)
    builder.begin(
      .storage, info: StorageRecordInfo.create | WALRecordInfo.specialRelationUpdate, xid: xid.rawValue)
    builder.appendData(locator.tablespace)
    builder.appendData(locator.database)
    builder.appendData(locator.relNumber)
    builder.appendData(UInt32(ForkNumber.main.rawValue))
    _ = try log()
    return (locator, fork)
  }

  /// Notes files that go if the transaction is rolled back, and files that go if it commits.
  func noteCreated(_ locator: RelationLocator) { state?.created.append(locator) }
  func noteDropped(_ locator: RelationLocator) { state?.dropped.append(locator) }

  /// Drops a table when the transaction commits. Nobody else may use it from now on.
  public func drop(_ relation: HeapRelation) throws(EngineError) {
    _ = try requireTransactionID()
    state?.dropped.append(relation.locator)
  }

  // MARK: Logging

  /// Inserts the record that has been put together. - Returns: its end.
  func log() throws(EngineError) -> LogSequenceNumber {
    do throws(WALError) {
      let end = try database.log.insert(builder, backend: backend).end
      database.checkpoints.note(end)
      return end
    } catch {
      throw database.stop(because: EngineError(error))
    }
  }

  /// Inserts the record that describes a change which has been made to a page, and gives the page its end.
  ///
  /// If that cannot be done the page must never be written out as it is: its position is then one that the log will
  /// never reach.
  func log(_ page: inout PinnedBuffer) throws(EngineError) {
    do throws(EngineError) {
      page.setLSN(try log())
    } catch {
      page.setLSN(LogSequenceNumber(.max))
      throw error
    }
  }
}

/// What the records of the resource manager Storage do (src/include/catalog/storage_xlog.h).
enum StorageRecordInfo {
  static let create: UInt8 = 0x10
}

/// What the records of the resource manager CLOG do.
enum CommitLogRecordInfo {
  static let zeroPage: UInt8 = 0x00
  static let truncate: UInt8 = 0x10
}
