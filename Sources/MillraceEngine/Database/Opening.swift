import MillraceIO
import MillraceSettings
import MillraceStorage
import MillraceWAL

/// The way from a directory to a database that is open (PostgreSQL's StartupXLOG).
struct Opening {
  private let configuration: DatabaseConfiguration
  private let settings: Settings
  private let lockFile: LockFile
  private let controlFile: ControlFileStore
  private let engine: IOEngine
  private let backend: IOBackend

  init(_ configuration: DatabaseConfiguration, _ settings: Settings, _ lockFile: LockFile) throws(EngineError) {
    (self.configuration, self.settings, self.lockFile) = (configuration, settings, lockFile)
    let clock = configuration.clock
    do throws(ClusterError) {
      controlFile = try ControlFileStore(
        reading: configuration.path, fileSystem: configuration.fileSystem, clock: { clock() / 1_000_000 })
    } catch {
      throw EngineError(.cluster, error.description)
    }
    do throws(IOError) {
      if let engine = configuration.engine {
        self.engine = engine
      } else {
        // Besides sessions: checkpointer, background writer, WAL writer, who opens and closes, and vacuums.
        var engineConfiguration = IOConfiguration(
          settings, backendsMax: configuration.sessionsMax + settings.backgroundSessions + 9)
        engineConfiguration.handlesPerBackend = max(engineConfiguration.handlesPerBackend, 8)
        engine = try IOEngine(engineConfiguration)
      }
      backend = try engine.makeBackend("startup", kind: .startup)
    } catch {
      throw EngineError(error)
    }
  }

  func run() throws(EngineError) -> Database {
    let control = controlFile.current
    let storage = StorageManager(
      engine: engine, directory: configuration.path,
      versionDirectory: "PG_\(ClusterLayout.majorVersion)_\(control.catalogVersion)",
      blocksPerSegment: control.segmentBlocks, isDirect: settings[.ioDirect].contains(.data),
      filesMax: settings[.maxFilesPerProcess], fileSystem: configuration.fileSystem, isWritable: true,
      extendMethod: settings[.fileExtendMethod] == .writeZeros ? .writeZeros : .allocate,
      syncPolicy: !settings[.fsync]
        ? .nothingIsSynced : settings[.dataSyncRetry] ? .failureIsRetried : .failureIsFinal)
    // Where something fails, I/O may be in flight on what would otherwise be let go of before the backend has waited.
    var used: [AnyObject] = [storage]
    defer { withExtendedLifetime(used) { backend.close() } }
    let pool: BufferPool
    do throws(IOError) {
      pool = try BufferPool(
        engine: engine, count: settings[.sharedBuffers], checksums: control.checksumsEnabled, hugePages: hugePages)
    } catch {
      throw EngineError(error)
    }
    used.append(pool)
    let commitLog = try CommitLog(
      fileSystem: configuration.fileSystem, directory: "\(configuration.path)/pg_xact", isSynced: settings[.fsync])
    used.append(commitLog)
    let slots = try ReplicationSlots(
      configuration.fileSystem, directory: "\(configuration.path)/pg_replslot", max: settings[.maxReplicationSlots])
    let multiXacts = try MultiXacts(
      fileSystem: configuration.fileSystem, directory: "\(configuration.path)/pg_multixact", isSynced: settings[.fsync])
    used.append(multiXacts)
    let report = try recover(storage, pool, commitLog, multiXacts)
    let log = try openLog(report)
    used.append(log)
    let flush = { (position: LogSequenceNumber, backend: IOBackend) throws(EngineError) -> Void in
      do throws(WALError) { try log.flush(upTo: position, backend: backend) } catch { throw EngineError(error) }
    }
    commitLog.setFlushLog(flush)
    multiXacts.setFlushLog(flush)
    pool.flushGuard = LogFlushGuard(log)
    commitLog.setToleratesMissing(false)
    multiXacts.setToleratesMissing(false)
    multiXacts.begin(
      next: report.state.nextMultiXact, offset: report.state.nextMultiXactOffset, oldest: report.state.oldestMultiXact)
    let parts = Database.Parts(
      settings: settings, engine: engine, storage: storage, pool: pool, log: log, commitLog: commitLog,
      multiXacts: multiXacts, recovery: report, replicationSlots: slots, controlFile: controlFile, lockFile: lockFile)
    let database = Database(configuration, parts)
    storage.syncRequests.whenFinal { [weak database] failure in database?.stop(because: EngineError(failure)) }
    do throws(IOError) {
      try StatisticsFile(configuration.fileSystem, directory: configuration.path).take(
        into: database.statistics, isClean: !report.wasNeeded)
    } catch {
      throw EngineError(error)
    }
    try start(database)
    return database
  }

  private var hugePages: IOMemory.HugePages {
    switch settings[.hugePages] {
    case .off: .off
    case .on: .on
    case .try: .try
    }
  }

  // MARK: Recovery

  private func recover(
    _ storage: StorageManager, _ pool: BufferPool, _ commitLog: CommitLog, _ multiXacts: MultiXacts
  ) throws(EngineError) -> RecoveryReport {
    let control = controlFile.current
    var recoveryConfiguration = RecoveryConfiguration()
    recoveryConfiguration.ioConcurrency =
      settings[.recoveryPrefetch] == .off ? 0 : settings[.maintenanceIOConcurrency]
    recoveryConfiguration.combineLimit = settings.effectiveIOCombineLimit
    // Nobody else needs memory yet; what sessions may take of it later is more than this.
    recoveryConfiguration.batchBytes = max(settings[.walDecodeBufferSize], pool.count * PageLayout.blockSize / 4)
    recoveryConfiguration.readsOnThread = configuration.hasBackgroundThreads
    let recovery = Recovery(
      controlFile: control, storage: storage, pool: pool, backend: backend, fileSystem: configuration.fileSystem,
      walDirectory: walDirectory,
      resourceManagers: ResourceManagerTable([
        TransactionResourceManager(commitLog), CommitLogResourceManager(commitLog), HeapResourceManager(.heap),
        HeapResourceManager(.heap2), BTreeResourceManager(), SequenceResourceManager(),
        MultiXactResourceManager(multiXacts),
        DatabaseResourceManager(configuration.fileSystem, directory: configuration.path),
        RelationMapResourceManager(configuration.fileSystem, directory: configuration.path),
      ]), configuration: recoveryConfiguration)
    commitLog.setToleratesMissing(true)
    multiXacts.setToleratesMissing(true)
    try prepareFiles(storage, isClean: control.state.isClean)
    let report: RecoveryReport
    do throws(RecoveryError) { report = try recovery.run() } catch { throw EngineError(error) }
    if report.wasNeeded {
      try commitLog.trim(to: FullTransactionID(report.state.nextXID).short, backend)
      try resetUnloggedRelations(storage, pool)
    }
    return report
  }

  /// What is done with the files before anything reads them, in PostgreSQL's order: temporary relations go, whose
  /// sessions are gone; after a crash everything that was written is made durable, and unlogged relations go, whose
  /// contents nothing vouches for.
  private func prepareFiles(_ storage: StorageManager, isClean: Bool) throws(EngineError) {
    do throws(IOError) {
      try storage.removeTemporaryRelations()
      guard !isClean else { return }
      configuration.onNotice("database system was not properly shut down; automatic recovery in progress")
      try storage.syncDataDirectory(backend)
      try controlFile.beginCrashRecovery()
      try storage.removeUnloggedRelations()
      try storage.trimToWholeBlocks()
    } catch {
      throw EngineError(error)
    }
  }

  /// Makes unlogged relations anew, those too that recovery has brought; before the checkpoint by which recovery counts
  /// as done.
  private func resetUnloggedRelations(_ storage: StorageManager, _ pool: BufferPool) throws(EngineError) {
    do throws(StorageError) {
      // They are copied as files.
      try pool.flush(.initialization, backend)
    } catch {
      throw EngineError(error)
    }
    do throws(IOError) { try storage.resetUnloggedRelations() } catch { throw EngineError(error) }
  }

  private var walDirectory: String { "\(configuration.path)/pg_wal" }

  // MARK: The log

  private func openLog(_ report: RecoveryReport) throws(EngineError) -> WriteAheadLog {
    let control = controlFile.current
    var wal = WALConfiguration(directory: walDirectory, systemIdentifier: control.systemIdentifier)
    wal.fileSystem = configuration.fileSystem
    wal.segmentSize = UInt64(control.walSegmentSize)
    wal.timeline = control.checkpoint.timeline
    wal.bufferPages = walBufferPages(control)
    wal.syncMethod = WALSyncMethod(rawValue: settings[.walSyncMethod].rawValue) ?? .fdatasync
    wal.isFsyncEnabled = settings[.fsync]
    wal.fullPageWrites = settings[.fullPageWrites]
    wal.isDirect = settings[.ioDirect].contains(.wal)
    wal.isInitializationDirect = settings[.ioDirect].contains(.walInit)
    wal.initializesWithZeros = settings[.walInitZero]
    wal.recyclesSegments = settings[.walRecycle]
    wal.sizeMin = UInt64(settings[.minWALSize]) << 20
    wal.sizeMax = UInt64(settings[.maxWALSize]) << 20
    wal.checkpointCompletionTarget = settings[.checkpointCompletionTarget]
    if settings[.ioWALConcurrency] > 0 { wal.ioConcurrency = settings[.ioWALConcurrency] }
    wal.ioTargetPages = settings[.ioWALTargetBlocks]
    wal.padsPartialPages = settings[.ioWALPadPartial]
    wal.commitDelay = settings[.commitDelay]
    wal.commitSiblings = settings[.commitSiblings]
    wal.writerDelay = settings[.walWriterDelay]
    wal.writerFlushAfterPages = settings[.walWriterFlushAfter]
    let clock = configuration.clock
    wal.clock = { clock() - secondsFrom1970To2000 * 1_000_000 }
    // A simulation's time is that of its engine.
    if configuration.engine != nil { wal.monotonicClock = { UInt64(max(clock(), 0)) * 1000 } }
    do throws(WALError) {
      let log = try WriteAheadLog(engine: engine, wal, at: report.resumePoint, backend: backend)
      if let reason = log.syncMethodReason {
        configuration.onNotice("wal_sync_method=auto uses \(log.syncMethod): \(reason)")
      }
      return log
    } catch {
      throw EngineError(error)
    }
  }

  /// `wal_buffers`, or for its -1 PostgreSQL's rule: a thirty-second of the pool, from 64 kB to one segment.
  private func walBufferPages(_ control: ControlFile) -> Int {
    let configured = settings[.walBuffers]
    if configured >= 0 { return max(configured, 4) }
    return max(8, min(settings[.sharedBuffers] / 32, Int(control.walSegmentSize) / WALLayout.pageSize))
  }

  // MARK: Starting

  private func start(_ database: Database) throws(EngineError) {
    if database.recovery.wasNeeded {
      // From here on a crash begins where this recovery has ended.
      _ = try Checkpointer(database, backend).perform(.endOfRecovery, .none).get()
    }
    do throws(IOError) {
      try controlFile.enterProduction()
      if configuration.hasBackgroundThreads {
        let threads = try BackgroundThreads(database)
        database.threads.withLock { $0 = threads }
        // A cluster without system tables does not say what tables there are.
        let map = "\(configuration.path)/global/\(RelationMap.fileName)"
        if settings[.autovacuum], try configuration.fileSystem.exists(map) { try database.autovacuum?.start(database) }
      }
    } catch {
      throw EngineError(error)
    }
  }
}
