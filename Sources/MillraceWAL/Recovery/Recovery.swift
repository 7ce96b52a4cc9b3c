public import MillraceIO
public import MillraceStorage

/// Brings a cluster into the state that its log says, after a crash (PostgreSQL's xlogrecovery.c): from the redo
/// position of the last checkpoint, record by record, up to the first that is not valid.
///
/// Records are collected in batches and repeated page by page (``RedoBatch``), while the log and the pages that come
/// next are read.
/// Nothing is decided by how far an earlier recovery got: pages say by their LSN what has been done, so that recovery
/// can be interrupted at any moment and begun anew.
///
/// It changes pages in the pool and files of relations. It does not write `pg_control`; the caller says there that a
/// recovery is under way before ``run()``, and ends with a checkpoint.
public final class Recovery {
  private let controlFile: ControlFile
  private let fileSystem: IOFileSystem
  private let walDirectory: String
  private let storage: StorageManager
  private let pool: BufferPool
  private let backend: IOBackend
  private let resourceManagers: ResourceManagerTable
  private let configuration: RecoveryConfiguration

  /// - Parameters:
  ///   - controlFile: as it is on disk.
  ///   - storage: for writing.
  ///   - backend: the calling thread's.
  ///   - walDirectory: of the segments (`pg_wal`), as the file system resolves it.
  public init(
    controlFile: ControlFile, storage: StorageManager, pool: BufferPool, backend: IOBackend,
    fileSystem: IOFileSystem, walDirectory: String, resourceManagers: ResourceManagerTable,
    configuration: RecoveryConfiguration = .init()
  ) {
    (self.controlFile, self.storage, self.pool, self.backend) = (controlFile, storage, pool, backend)
    (self.fileSystem, self.walDirectory) = (fileSystem, walDirectory)
    (self.resourceManagers, self.configuration) = (resourceManagers, configuration)
  }

  /// Finds the last checkpoint and, unless it is that of a shutdown in order, repeats what was logged since.
  /// - Throws: ``RecoveryError``. Then the cluster must not be used.
  public func run() throws(RecoveryError) -> RecoveryReport {
    let began = monotonicNanoseconds()
    let location = controlFile.checkpointLocation
    let (checkpoint, isShutdown, end) = try readCheckpoint(at: location)
    let state = RecoveredState(checkpoint, at: location, settings: controlFile.settings)
    if isShutdown, controlFile.state == .shutDown || controlFile.state == .shutDownInRecovery {
      return RecoveryReport(end: end, lastRecord: location, state: state)
    }
    var report = try redo(checkpoint, at: location, state: state)
    report.wasNeeded = true
    report.elapsedNanoseconds = monotonicNanoseconds() - began
    return report
  }

  // MARK: The checkpoint

  /// Reads the record of the last checkpoint.
  private func readCheckpoint(
    at location: LogSequenceNumber
  ) throws(RecoveryError) -> (ControlFile.Checkpoint, isShutdown: Bool, end: LogSequenceNumber) {
    var small = configuration.reader
    (small.readSize, small.ioConcurrency) = (WALLayout.pageSize, 0)
    func failure(_ reason: String) -> RecoveryError {
      RecoveryError(
        .checkpointMissing, "could not locate a valid checkpoint record at \(location): \(reason)",
        hint: "pg_control and pg_wal do not belong together, or a part of the log is missing or damaged.")
    }
    let reader = try makeReader(from: location, small, backend)
    defer { reader.close() }
    guard let record = try next(reader) else { throw failure(reader.end?.problem.description ?? "the log ends") }
    let kind = record.xlogKind
    guard kind == .checkpointShutdown || kind == .checkpointOnline else {
      throw failure("the record there is of another kind")
    }
    let checkpoint = try record.checkpoint()
    guard kind == .checkpointShutdown ? checkpoint.redo == location : checkpoint.redo < location else {
      throw failure("its redo position \(checkpoint.redo) cannot be right")
    }
    return (checkpoint, kind == .checkpointShutdown, record.end)
  }

  private func makeReader(
    from start: LogSequenceNumber, _ configuration: WALReaderConfiguration, _ backend: IOBackend
  ) throws(RecoveryError) -> WALRecordReader {
    do throws(IOError) {
      return try WALRecordReader(
        backend: backend, fileSystem: fileSystem, directory: walDirectory, timeline: controlFile.checkpoint.timeline,
        segmentSize: UInt64(controlFile.walSegmentSize), systemIdentifier: controlFile.systemIdentifier, start: start,
        configuration: configuration)
    } catch {
      throw RecoveryError(error)
    }
  }

  private func next(_ reader: WALRecordReader) throws(RecoveryError) -> WALRecord? {
    do throws(IOError) { return try reader.next() } catch { throw RecoveryError(error) }
  }

  // MARK: Redo

  private func redo(
    _ checkpoint: ControlFile.Checkpoint, at location: LogSequenceNumber, state: RecoveredState
  ) throws(RecoveryError) -> RecoveryReport {
    let context = RedoContext(storage: storage, pool: pool, backend: backend, state: state)
    let managers = resourceManagers.all
    for manager in managers { try manager.startUp(context) }
    let batchRedo = BatchRedo(
      context, resourceManagers, ioConcurrency: ioConcurrency, combineLimit: configuration.combineLimit)
    // What was prefetched and, because of an error, not used.
    defer { backend.reap(atLeast: backend.outstandingCount) }
    let isOnline = checkpoint.redo < location
    let collector =
      configuration.readsOnThread
      ? try repeatOnTwoThreads(from: checkpoint.redo, isOnline: isOnline, batchRedo)
      : try repeatOnOneThread(from: checkpoint.redo, isOnline: isOnline, batchRedo)
    guard let end = collector.end, end.position > location else {
      throw RecoveryError(
        .checkpointMissing,
        "the log ends at \(collector.end?.position ?? checkpoint.redo), before the end of the last checkpoint at "
          + "\(location): \(collector.end?.problem.description ?? "")",
        hint: "What was logged before a checkpoint was durable when that ended; a part of pg_wal is missing or damaged."
      )
    }
    for manager in managers { try manager.cleanUp(context) }
    if let error = context.invalidPages.error { throw error }
    var report = RecoveryReport(end: end.position, lastRecord: end.lastRecord, state: context.state)
    (report.redoStart, report.redoDone) = (collector.redoStart, collector.redoDone)
    report.problem = end.problem
    (report.abortedRecord, report.missingContinuation) = (end.abortedRecord, end.missingContinuation)
    (report.recordCount, report.recordBytes) = (collector.recordCount, collector.recordBytes)
    report.walWaitNanoseconds = collector.waitNanoseconds
    report.imageCount = context.statistics.imageCount
    (report.pages, report.recordCounts) = (batchRedo.statistics, collector.recordCounts)
    report.pageWaitNanoseconds = context.statistics.waitNanoseconds
    return report
  }

  /// Reads and repeats in turns.
  private func repeatOnOneThread(
    from start: LogSequenceNumber, isOnline: Bool, _ batchRedo: BatchRedo
  ) throws(RecoveryError) -> RedoCollector {
    let reader = try makeReader(from: start, configuration.reader, backend)
    let collector = RedoCollector(reader, resourceManagers, isOnline: isOnline)
    defer { collector.close() }
    let piece: RedoPipeline.Piece
    do throws(IOError) {
      piece = try RedoPipeline.Piece(limit: configuration.batchBytes)
    } catch {
      throw RecoveryError(error)
    }
    while piece.goesOn {
      piece.fill(from: collector)
      if let failure = piece.failure { throw failure }
      try batchRedo.repeatAll(&piece.batch)
    }
    return collector
  }

  /// Has a thread of its own read, with a backend of its own, and repeats meanwhile.
  private func repeatOnTwoThreads(
    from start: LogSequenceNumber, isOnline: Bool, _ batchRedo: BatchRedo
  ) throws(RecoveryError) -> RedoCollector {
    let reader: WALRecordReader
    let ownBackend: IOBackend
    do throws(IOError) {
      ownBackend = try backend.engine.makeBackend("walreader", kind: backend.kind)
    } catch {
      throw RecoveryError(error)
    }
    do throws(RecoveryError) {
      reader = try makeReader(from: start, configuration.reader, ownBackend)
    } catch {
      ownBackend.close()
      throw error
    }
    let collector = RedoCollector(reader, ownBackend: ownBackend, resourceManagers, isOnline: isOnline)
    let pipeline: RedoPipeline
    let thread: NamedThread
    do throws(IOError) {
      pipeline = try RedoPipeline(limit: configuration.batchBytes)
      thread = try pipeline.start(collector)
    } catch {
      collector.close()
      throw RecoveryError(error)
    }
    defer {
      pipeline.stop()
      thread.join()
    }
    while true {
      let piece = pipeline.next()
      if let failure = piece.failure { throw failure }
      try batchRedo.repeatAll(&piece.batch)
      if !piece.goesOn { return collector }
      pipeline.giveBack(piece)
    }
  }

  /// Some handles are left for reading the log and for what redo itself does.
  private var ioConcurrency: Int {
    let handles =
      backend.engine.configuration.handlesPerBackend - configuration.reader.ioConcurrency
      - BatchRedo.readsAheadOfForks - 4
    return max(min(configuration.ioConcurrency, handles), 0)
  }
}
