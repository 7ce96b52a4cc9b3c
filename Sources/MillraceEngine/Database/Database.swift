public import MillraceIO
public import MillraceSettings
public import MillraceStorage
public import MillraceWAL
import Synchronization

/// A cluster that is open: its pages, its log, its transactions, and the threads that write in the background.
///
/// ```swift
/// let database = try Database.open(DatabaseConfiguration(path: "data"))
/// let session = try database.makeSession("main")
/// …
/// session.close()
/// try database.close()
/// ```
///
/// One process at a time has a cluster open. Any thread may use a database; what a thread does in it, it does through a
/// ``Session`` of its own.
public final class Database: Sendable {
  public let path: String
  public let settings: Settings
  public let engine: IOEngine
  public let storage: StorageManager
  /// The shared buffers.
  public let pool: BufferPool
  public let log: WriteAheadLog
  public let transactions: TransactionManager
  public let commitLog: CommitLog
  let multiXacts: MultiXacts
  let locks: LockManager
  /// What recovery did when it was opened.
  public let recovery: RecoveryReport
  /// Who else needs the log.
  public let replicationSlots: ReplicationSlots
  let configuration: DatabaseConfiguration
  let controlFile: ControlFileStore
  let lockFile: LockFile
  let checkpoints: CheckpointState
  private let stopped = Atomic<Bool>(false)
  private let failure = Locked<EngineError?>(nil)
  private let relations = Locked<[RelationLocator: HeapRelation]>([:])
  private let oids: Locked<OIDAllocator>
  private let sessionCount = Atomic<Int>(0)
  private let processIDs = Atomic<UInt32>(0)
  private let commits = Atomic<UInt64>(0)
  private let rollbacks = Atomic<UInt64>(0)
  let threads = Locked<BackgroundThreads?>(nil)
  let statistics = StatisticsRegistry()
  /// Nil where nothing runs in the background.
  let autovacuum: AutovacuumLauncher?
  let runningVacuums = Locked<[VacuumProgress]>([])
  /// Held by who makes a map longer.
  let mapExtension = Locked(())
  private let indexes = Locked<[RelationLocator: BTreeIndex]>([:])
  /// Pools for temporary relations that no session has at the moment.
  let localPools = Locked<[BufferPool]>([])
  /// Of the databases that some session has connected to, by OID.
  let catalogs = Locked<[UInt32: Catalog]>([:])

  /// What is there when the log can go on.
  struct Parts {
    let settings: Settings
    let engine: IOEngine
    let storage: StorageManager
    let pool: BufferPool
    let log: WriteAheadLog
    let commitLog: CommitLog
    let multiXacts: MultiXacts
    let recovery: RecoveryReport
    let replicationSlots: ReplicationSlots
    let controlFile: ControlFileStore
    let lockFile: LockFile
  }

  init(_ configuration: DatabaseConfiguration, _ parts: Parts) {
    (path, self.configuration) = (configuration.path, configuration)
    (settings, engine, storage, pool) = (parts.settings, parts.engine, parts.storage, parts.pool)
    (log, commitLog, recovery) = (parts.log, parts.commitLog, parts.recovery)
    multiXacts = parts.multiXacts
    let places = configuration.sessionsMax + parts.settings.backgroundSessions
    locks = LockManager(sessionsMax: places)
    autovacuum = configuration.hasBackgroundThreads ? AutovacuumLauncher() : nil
    (controlFile, lockFile) = (parts.controlFile, parts.lockFile)
    replicationSlots = parts.replicationSlots
    let state = parts.recovery.state
    transactions = TransactionManager(
      next: FullTransactionID(state.nextXID), oldest: TransactionID(state.oldestXID),
      oldestDatabase: state.oldestXIDDatabase, sessionsMax: places,
      onWarning: configuration.onNotice)
    oids = Locked(OIDAllocator(next: state.nextOID))
    checkpoints = CheckpointState(settings: parts.settings, redo: parts.log.redoPosition)
  }

  // MARK: Sessions

  /// Makes what one thread needs to work with the database.
  /// - Parameter name: for views and logs.
  /// - Throws: ``EngineError``: all places are taken, or the database has stopped.
  public func makeSession(_ name: String) throws(EngineError) -> Session {
    try makeSession(name, isBackground: false)
  }

  /// - Parameter isBackground: vacuums in the background; there are places for such besides those of others.
  func makeSession(
    _ name: String, isBackground: Bool, kind: IOBackendKind = .client
  ) throws(EngineError) -> Session {
    try requireRunning()
    if !isBackground, sessionCount.add(1, ordering: .relaxed).newValue > configuration.sessionsMax {
      sessionCount.subtract(1, ordering: .relaxed)
      throw EngineError(.exhausted, "all \(configuration.sessionsMax) places for sessions are taken; close one")
    }
    do throws(EngineError) {
      guard let place = transactions.addSession() else {
        throw EngineError(.exhausted, "all places for sessions are taken")
      }
      do throws(IOError) {
        let backend = try engine.makeBackend(name, priority: isBackground ? .vacuum : .query, kind: kind)
        return Session(
          self, name: name, backend: backend, place: place, isBackground: isBackground,
          synchronousCommit: settings[.synchronousCommit] == .off ? .off : .on)
      } catch {
        transactions.removeSession(place)
        throw EngineError(error)
      }
    } catch {
      if !isBackground { sessionCount.subtract(1, ordering: .relaxed) }
      throw error
    }
  }

  func sessionHasEnded(isBackground: Bool) {
    if !isBackground { sessionCount.subtract(1, ordering: .relaxed) }
  }

  /// Sessions that are open.
  public var openSessions: Int { sessionCount.load(ordering: .relaxed) }

  /// A number by which others can name a session: far from those that a server gives out to its clients.
  func nextProcessID() -> Int32 {
    Int32(bitPattern: processIDs.wrappingAdd(1, ordering: .relaxed).newValue & 0x3FFF_FFFF | 0x4000_0000)
  }

  func countTransaction(committed: Bool) {
    if committed { commits.add(1, ordering: .relaxed) } else { rollbacks.add(1, ordering: .relaxed) }
  }

  /// Transactions that have committed, and that were rolled back, since the database was opened.
  public var transactionCounts: (committed: UInt64, rolledBack: UInt64) {
    (commits.load(ordering: .relaxed), rollbacks.load(ordering: .relaxed))
  }

  func microsecondsSince2000() -> Int64 { configuration.clock() - secondsFrom1970To2000 * 1_000_000 }

  /// What the control file says: system identifier, formats, the last checkpoint.
  public var control: ControlFile { controlFile.current }

  // MARK: Relations

  /// A table by its file number, which is there already.
  /// - Throws: ``EngineError`` `.undefined` where it has no file.
  public func relation(
    _ number: UInt32, hasIndexes: Bool = false, fillFactor: Int = 100
  ) throws(EngineError) -> HeapRelation {
    let locator = RelationLocator(
      tablespace: RelationLocator.defaultTablespace, database: ClusterLayout.defaultDatabase, relNumber: number)
    do throws(IOError) {
      guard try storage.exists(locator) else {
        throw IOError(.invalidConfiguration, message: "relation \(number) does not exist")
      }
    } catch {
      throw EngineError(error.code == .invalidConfiguration ? .undefined : .io, error.description)
    }
    return relation(locator, fork: storage.open(locator), hasIndexes: hasIndexes, fillFactor: fillFactor)
  }

  func relation(_ locator: RelationLocator, fork: StoredFork, hasIndexes: Bool, fillFactor: Int) -> HeapRelation {
    relations.withLock { relations in
      if let known = relations[locator], known.fork === fork { return known }
      let maps = (storage.open(locator, .visibilityMap), storage.open(locator, .freeSpaceMap))
      let made = HeapRelation(
        locator, oid: locator.relNumber, fork: fork, maps: maps, pool: pool, hasIndexes: hasIndexes,
        fillFactor: fillFactor)
      relations[locator] = made
      return made
    }
  }

  /// The object for a table that the catalog describes. How much of a page is filled changes with the table's options.
  func heapRelation(
    _ locator: RelationLocator, oid: UInt32, fillFactor: Int = 100, isLogged: Bool = true
  ) -> HeapRelation {
    let fork = storage.open(locator)
    return relations.withLock { relations in
      if let known = relations[locator], known.fork === fork, known.fillFactor == fillFactor, known.hasIndexes {
        return known
      }
      // Pruning keeps line pointers whether or not there is an index now: there may be one any time.
      let maps = (storage.open(locator, .visibilityMap), storage.open(locator, .freeSpaceMap))
      let made = HeapRelation(
        locator, oid: oid, fork: fork, maps: maps, pool: pool, hasIndexes: true, fillFactor: fillFactor,
        isLogged: isLogged)
      relations[locator] = made
      return made
    }
  }

  /// The object for an index that the catalog describes: one for all sessions, since it knows what VACUUM is doing.
  /// - Parameter name: for messages.
  func indexTree(
    _ locator: RelationLocator, oid: UInt32, name: String, _ definition: BTreeIndex.Definition, isLogged: Bool = true
  ) -> BTreeIndex {
    let fork = storage.open(locator)
    let index = indexes.withLock { indexes in
      if let known = indexes[locator], known.fork === fork, known.hasOptions(of: definition) { return known }
      let made = BTreeIndex(definition, oid: oid, fork: fork, pool: pool, isLogged: isLogged)
      indexes[locator] = made
      return made
    }
    index.setName(name)
    return index
  }

  /// Removes what a relation has in memory and on disk. Nobody uses it any more.
  /// - Parameter isFinal: the relation's whole database goes, so that its file number will not be used again.
  func removeFiles(of locator: RelationLocator, _ backend: IOBackend, isFinal: Bool = false) {
    relations.withLock { _ = $0.removeValue(forKey: locator) }
    indexes.withLock { _ = $0.removeValue(forKey: locator) }
    for number in ForkNumber.allCases {
      pool.drop(storage.open(locator, number), backend: backend)
    }
    storage.unlink(locator, isRedo: isFinal, by: backend)
  }

  /// Gives out a number for a relation. Blocks of numbers are logged ahead, so that after a crash none comes twice.
  func allocateOID(_ session: Session) throws(EngineError) -> UInt32 {
    try oids.withLock { oids throws(EngineError) in
      try oids.next { limit throws(EngineError) in
        session.builder.begin(.xlog, info: XLOGRecordKind.nextOID.rawValue)
        session.builder.appendData(limit)
        _ = try session.log()
      }
    }
  }

  /// What a checkpoint says of the next number.
  func nextOID(isShutdown: Bool) -> UInt32 { oids.withLock { isShutdown ? $0.value : $0.value + $0.logged } }

  // MARK: Stopping

  /// Whether the database works; false after something could not be made durable.
  public var isRunning: Bool { !stopped.load(ordering: .acquiring) }

  /// - Throws: why the database has stopped.
  func requireRunning() throws(EngineError) {
    guard stopped.load(ordering: .acquiring) else { return }
    throw failure.withLock { $0 } ?? EngineError(.stopped, "the database is closed")
  }

  /// Stops everything: nothing is acknowledged any more (PostgreSQL's PANIC). The first cause counts.
  /// - Returns: what all sessions get from now on.
  @discardableResult
  func stop(because cause: EngineError) -> EngineError {
    let error = failure.withLock { failure in
      if let failure { return failure }
      let error =
        cause.code == .stopped
        ? cause
        : EngineError(.stopped, "\(cause.message); the database has stopped, open it again to recover")
      failure = error
      return error
    }
    stopped.store(true, ordering: .releasing)
    checkpoints.wake()
    return error
  }

  /// Makes the log durable up to the end of a transaction, which counts as running still: others that run as well are
  /// what `commit_delay` waits for (MinimumActiveBackends).
  func flushLog(upTo position: LogSequenceNumber, _ backend: IOBackend) throws(EngineError) {
    let siblings = log.configuration.commitDelay > 0 ? max(transactions.runningCount - 1, 0) : 0
    do throws(WALError) {
      try log.flush(upTo: position, backend: backend, siblings: siblings)
    } catch {
      throw EngineError(error)
    }
  }

  // MARK: How things are read and written

  var readStreamConfiguration: ReadStreamConfiguration {
    var configuration = ReadStreamConfiguration()
    configuration.ioConcurrency = settings[.effectiveIOConcurrency]
    configuration.combineLimit = settings.effectiveIOCombineLimit
    return configuration
  }

  /// The same for maintenance: VACUUM, and reading back what was sorted.
  var maintenanceStreamConfiguration: ReadStreamConfiguration {
    var configuration = readStreamConfiguration
    configuration.ioConcurrency = settings[.maintenanceIOConcurrency]
    return configuration
  }

  /// Bytes that building an index may use to sort: `maintenance_work_mem`.
  var maintenanceMemory: Int { settings[.maintenanceWorkMem] << 10 }

  /// A ring for reading a whole table of so many pages; nil where it is small for its pool, or where nobody else uses
  /// that.
  func bulkReadStrategy(for relation: HeapRelation, pages: UInt32) -> BufferStrategy? {
    guard relation.pool.scope == .shared, Int(pages) > relation.pool.count / 4 else { return nil }
    return BufferStrategy(bulkReadFor: readStreamConfiguration, pool: relation.pool)
  }

  /// 16 MB, as PostgreSQL has it.
  func bulkWriteStrategy(for relation: HeapRelation) -> BufferStrategy? {
    relation.pool.scope == .local ? nil : BufferStrategy(bulkWriteIn: relation.pool)
  }

  /// A ring for maintenance; nil for none, or where nobody else uses the pool.
  func vacuumStrategy(for relation: HeapRelation, count: Int) -> BufferStrategy? {
    relation.pool.scope == .local || count == 0 ? nil : BufferStrategy(.vacuum, count: count, pool: relation.pool)
  }

  var bulkWriteConfiguration: WriteStreamConfiguration {
    writeConfiguration(flushAfter: settings[.backendFlushAfter])
  }

  func writeConfiguration(flushAfter: Int) -> WriteStreamConfiguration {
    var configuration = WriteStreamConfiguration()
    configuration.ioConcurrency = max(settings[.maintenanceIOConcurrency], 1)
    configuration.combineLimit = settings.effectiveIOCombineLimit
    configuration.flushAfter = settings[.fsync] ? flushAfter : 0
    return configuration
  }
}

extension Settings {
  /// Sessions that may be at work in the background: workers that vacuum, and who starts them.
  var backgroundSessions: Int { self[.autovacuumMaxWorkers] + 2 }
}

extension EngineError {
  init(_ error: WALError) {
    switch error.code {
    case .stopped: self.init(.stopped, error.description)
    case .invalidConfiguration: self.init(.invalidSetting, error.description)
    case .cancelled: self.init(.cancelled, error.description)
    case .segment, .positionBeyondEnd: self.init(.io, error.description)
    }
  }

  init(_ error: RecoveryError) { self.init(error.code == .io ? .io : .corrupted, error.description) }
}
