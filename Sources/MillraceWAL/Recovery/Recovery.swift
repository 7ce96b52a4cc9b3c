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
    let reader = try makeReader(from: location, small)
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
    from start: LogSequenceNumber, _ configuration: WALReaderConfiguration
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
    var report = RecoveryReport(end: checkpoint.redo, lastRecord: .invalid, state: state)
    let reader = try makeReader(from: checkpoint.redo, configuration.reader)
    defer {
      reader.close()
      // What was prefetched and, because of an error, not used.
      backend.reap(atLeast: backend.outstandingCount)
    }
    try redo(reader, context, isOnline: checkpoint.redo < location, &report)
    guard let end = reader.end, end.position > location else {
      throw RecoveryError(
        .checkpointMissing,
        "the log ends at \(reader.end?.position ?? checkpoint.redo), before the end of the last checkpoint at "
          + "\(location): \(reader.end?.problem.description ?? "")",
        hint: "What was logged before a checkpoint was durable when that ended; a part of pg_wal is missing or damaged."
      )
    }
    for manager in managers { try manager.cleanUp(context) }
    if let error = context.invalidPages.error { throw error }
    (report.endPosition, report.lastRecord, report.problem) = (end.position, end.lastRecord, end.problem)
    (report.abortedRecord, report.missingContinuation) = (end.abortedRecord, end.missingContinuation)
    (report.recordCount, report.recordBytes) = (reader.recordCount, reader.recordBytes)
    report.walWaitNanoseconds = reader.waitNanoseconds
    (report.state, report.imageCount) = (context.state, context.statistics.imageCount)
    report.pageWaitNanoseconds = context.statistics.waitNanoseconds
    return report
  }

  /// Repeats all records that a reader gives.
  private func redo(
    _ reader: WALRecordReader, _ context: RedoContext, isOnline: Bool, _ report: inout RecoveryReport
  ) throws(RecoveryError) {
    let batchRedo = BatchRedo(
      context, resourceManagers, ioConcurrency: ioConcurrency, combineLimit: configuration.combineLimit)
    var batch = RedoBatch(limit: configuration.batchBytes)
    var counts = [UInt64](repeating: 0, count: 256)
    let consistencyCheck = ConsistencyCheck()
    while let record = try next(reader) {
      if report.redoStart == nil {
        // Since PostgreSQL 17 a checkpoint begins with a record that says so.
        if isOnline, record.xlogKind != .checkpointRedo {
          throw RecoveryError(.checkpointMissing, "unexpected record type found at redo point \(record.start)")
        }
        report.redoStart = record.start
      }
      context.state.noteTransaction(record.xid)
      counts[Int(record.resourceManager.rawValue)] += 1
      report.redoDone = record.start
      // Only what is right after each record can be compared with what it was.
      let isChecked = record.header.info & WALRecordInfo.checkConsistency != 0
      let manager = resourceManagers[record.resourceManager]
      let scope = isChecked ? .everything : manager?.scope(of: record) ?? .everything
      guard scope == .everything else {
        if !batch.hasRoom(for: record) { try batchRedo.repeatAll(&batch) }
        batch.add(record, scope)
        continue
      }
      try batchRedo.repeatAll(&batch)
      do throws(RecoveryError) {
        guard let manager else {
          throw RecoveryError(
            .unsupported, "records of resource manager \(record.resourceManager) cannot be recovered",
            hint: "Let PostgreSQL recover this cluster.")
        }
        try manager.redo(record, context)
        if isChecked { try consistencyCheck.check(record, manager, context) }
      } catch {
        throw error.during("WAL redo at \(record.start) for \(resourceManagers.describe(record))")
      }
    }
    try batchRedo.repeatAll(&batch)
    (report.pages, report.recordCounts) = (batchRedo.statistics, counts)
  }

  /// Some handles are left for reading the log and for what redo itself does.
  private var ioConcurrency: Int {
    let handles =
      backend.engine.configuration.handlesPerBackend - configuration.reader.ioConcurrency
      - BatchRedo.readsAheadOfForks - 4
    return max(min(configuration.ioConcurrency, handles), 0)
  }
}
