public import MillraceIO
import MillraceSettings
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
  /// How long it waits for locks, and its statements may take.
  public var waitLimits = WaitLimits()
  /// Milliseconds after which a statement is ended: `statement_timeout`; 0 for never.
  public var statementTimeout = 0
  /// How far its COPY or CREATE INDEX has come, for others to see.
  public let progress = CommandProgress()
  /// When the running statement began: microseconds since 2000.
  public private(set) var statementTime: Int64 = 0

  let builder = WALRecordBuilder()
  /// What it needs to change indexes.
  private(set) lazy var btreeMemory = BTreeMemory()
  /// Its place among the sessions.
  let place: Int
  let transaction = TransactionState()
  let locker: Locker
  let locks: SessionLocks
  private let watch: StatementWatch
  var visibility: Visibility
  /// The page of each table that it inserts into.
  var insertTargets: [RelationLocator: BlockNumber] = [:]
  /// How many pages it appended to a table at a time, which grows as it goes on.
  var extensionSize = 1
  /// What its transaction does to relations.
  var statistics: SessionStatistics
  /// For its temporary relations; nil until it has some.
  var localBuffers: LocalBuffers?
  /// What SQL's functions keep from one statement to the next, such as the state of their random numbers.
  public var functionMemory: AnyObject?
  /// How many there will be.
  var temporaryBufferCount: Int
  /// Its view of the system tables of the database that it is connected to.
  var sessionCatalog: SessionCatalog?
  private let isBackground: Bool
  private var isClosed = false

  // What it reads by; see Session+Snapshots.swift.
  var shared: TransactionManager.SharedSnapshot
  var current: Snapshot?
  var registered: [RegisteredSnapshot] = []
  var nextRegistration: UInt64 = 1
  var horizon = TransactionID.invalid
  var horizonCompletions: UInt64 = 0
  private var transactionNumber: UInt32 = 0

  /// What a commit waits for.
  public enum SynchronousCommit: Sendable {
    /// Nothing: it is durable after at most three times `wal_writer_delay`, in the order of commits.
    case off
    /// Its record is durable.
    case on
  }

  init(
    _ database: Database, name: String, backend: IOBackend, place: Int, isBackground: Bool,
    synchronousCommit: SynchronousCommit
  ) {
    self.isBackground = isBackground
    (self.database, self.name, self.backend, self.place) = (database, name, backend, place)
    self.synchronousCommit = synchronousCommit
    temporaryBufferCount = database.settings[.tempBuffers]
    statistics = SessionStatistics(database.statistics)
    locker = database.locks.lockers[place]
    locker.clear([.cancel, .terminate])
    locker.background = isBackground ? .yielding : .none
    locker.databaseID = ClusterLayout.defaultDatabase
    locker.processID = database.nextProcessID()
    locks = SessionLocks(database.locks, locker)
    watch = StatementWatch(locker)
    shared = TransactionManager.SharedSnapshot(completions: 0, xmin: .invalid, xmax: .invalid, running: [])
    visibility = Visibility(
      transactions: database.transactions, commitLog: database.commitLog, multiXacts: database.multiXacts,
      own: transaction, place: place, backend: backend, log: database.log)
  }

  deinit {
    // Its catalog cannot refer to it any more. What that would tidy up is tidied up by the next to have its place.
    sessionCatalog = nil
    close()
  }

  /// Rolls back what is under way and gives the session's place back. Idempotent; also done when it is released.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    if transaction.isActive { try? rollback() }
    sessionCatalog?.close()
    sessionCatalog = nil
    localBuffers?.close(backend)
    localBuffers = nil
    locks.endSession()
    locker.databaseID = 0
    locker.processID = 0
    locker.background = .none
    database.transactions.removeSession(place)
    backend.close()
    database.sessionHasEnded(isBackground: isBackground)
  }

  /// What other sessions know it by: `pg_backend_pid()`.
  public var processID: Int32 { locker.processID }

  /// Lets others know it by a number that somebody else gives out.
  public func setProcessID(_ processID: Int32) { locker.processID = processID }

  /// For other threads: to end what the session does.
  public var control: SessionControl { SessionControl(locker) }

  /// The transaction that is under way, by its place; nil where there is none.
  public var virtualTransactionID: VirtualTransactionID? { locker.transaction }

  // MARK: Statements

  /// Notes that a statement begins: its time, and when it must end. A request to cancel that came between statements is
  /// forgotten.
  public func beginStatement() {
    statementTime = database.microsecondsSince2000()
    waitLimits.statementDeadline =
      statementTimeout > 0 ? monotonicNanoseconds() + UInt64(statementTimeout) * 1_000_000 : 0
    locker.clear(.cancel)
    watch.begin(deadline: waitLimits.statementDeadline)
  }

  /// Forgets a cancelling that came when nothing ran.
  public func clearCancellation() { locker.clear(.cancel) }

  public func endStatement() {
    waitLimits.statementDeadline = 0
    watch.end()
  }

  /// Gives up where somebody asked for it, or the statement's time has run out. Called wherever work can take long:
  /// for each page, and in every wait.
  /// - Throws: ``EngineError`` `.cancelled`, `.adminShutdown`.
  /// - Complexity: one load; where a statement has a time limit, a look at the clock.
  @inline(__always) public func checkInterrupts() throws(EngineError) {
    if !locker.interrupts.isEmpty || waitLimits.statementDeadline != 0 { try interrupt() }
  }

  @inline(never) private func interrupt() throws(EngineError) {
    if let error = locker.interruption() { throw error }
    if monotonicNanoseconds() >= waitLimits.statementDeadline { throw .statementTimeout }
  }

  // MARK: Beginning

  /// Whether a transaction is under way.
  public var isInTransaction: Bool { transaction.isActive }

  /// The number of the transaction that is under way; nil where it has none because it has changed nothing.
  public var transactionID: TransactionID? { transaction.xid.isValid ? transaction.xid : nil }

  /// When the transaction began: microseconds since 2000.
  public var transactionTime: Int64 { transaction.startTime }

  public var isolation: IsolationLevel { transaction.isolation }

  /// Whether the transaction is not to change anything. Who changes for a user asks it.
  public var isReadOnly: Bool { transaction.isReadOnly }

  /// Begins a transaction.
  /// - Throws: ``EngineError``: one is under way, or the database has stopped.
  public func begin(_ isolation: IsolationLevel = .readCommitted, isReadOnly: Bool = false) throws(EngineError) {
    guard !transaction.isActive else {
      throw EngineError(.invalidTransactionState, "there is already a transaction in progress")
    }
    try database.requireRunning()
    transactionNumber = transactionNumber == .max ? 1 : transactionNumber + 1
    locker.setTransaction(transactionNumber)
    transaction.begin(isolation, isReadOnly: isReadOnly, startTime: database.microsecondsSince2000())
  }

  /// Changes the transaction's level and right to write: SET TRANSACTION.
  /// - Throws: ``EngineError``: a snapshot has been taken, or a right is to be had that an outer transaction lacks.
  public func setTransaction(_ isolation: IsolationLevel? = nil, isReadOnly: Bool? = nil) throws(EngineError) {
    try requireTransaction()
    if let isolation, isolation != transaction.isolation {
      guard current == nil, registered.isEmpty else {
        throw EngineError(
          .invalidTransactionState, "SET TRANSACTION ISOLATION LEVEL must be called before any query")
      }
      transaction.isolation = isolation
    }
    guard let isReadOnly else { return }
    if !isReadOnly, transaction.isReadOnly, current != nil || transaction.nestings.count > 1 {
      throw EngineError(
        .invalidTransactionState, "transaction read-write mode must be set before any query")
    }
    transaction.isReadOnly = isReadOnly
  }

  /// - Throws: ``EngineError`` where the transaction only reads.
  /// - Parameter command: in PostgreSQL's words: `INSERT`.
  public func requireWritable(_ command: String) throws(EngineError) {
    guard transaction.isReadOnly else { return }
    throw EngineError(.readOnlyTransaction, "cannot execute \(command) in a read-only transaction")
  }

  func requireTransaction() throws(EngineError) {
    guard transaction.isActive else {
      throw EngineError(.invalidTransactionState, "there is no transaction in progress")
    }
  }

  /// Runs `body` in a transaction: commits when it returns, rolls back when it throws.
  public func transaction<Result>(
    _ isolation: IsolationLevel = .readCommitted, _ body: (Session) throws(EngineError) -> Result
  ) throws(EngineError) -> Result {
    try begin(isolation)
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

  /// The number of the command that runs: what it changes is seen by the next.
  public var command: UInt32 { transaction.command }

  /// Ends a command of the transaction: what it did, the next ones see.
  public func advanceCommand() throws(EngineError) {
    try requireTransaction()
    guard transaction.command < .max - 1 else {
      throw EngineError(.exhausted, "cannot have more than 2^32-2 commands in a transaction")
    }
    transaction.command += 1
    releaseSnapshot()
  }
}

/// How other threads reach a session. Stays harmless when the session has ended.
public struct SessionControl: Sendable {
  private let locker: Locker
  private let processID: Int32

  init(_ locker: Locker) { (self.locker, processID) = (locker, locker.processID) }

  /// Asks the session to give up its running statement.
  /// - Returns: whether it was still there.
  @discardableResult
  public func cancel() -> Bool { raise(.cancel) }

  /// Asks the session to end: everything that it does fails from now on.
  @discardableResult
  public func terminate() -> Bool { raise(.terminate) }

  private func raise(_ interrupt: Locker.Interrupts) -> Bool {
    guard locker.processID == processID else { return false }
    locker.raise(interrupt)
    return true
  }
}
