import Glibc
import MillraceIO
import MillraceSettings
import MillraceStorage
import MillraceWAL

/// Makes checkpoints: PostgreSQL's CreateCheckPoint (src/backend/access/transam/xlog.c) and checkpointer.c. On one
/// thread, with a backend of its own.
final class Checkpointer {
  enum Kind: Equatable {
    case online
    /// Nothing follows it: the database is being closed.
    case shutdown
    /// The end of a recovery; nobody works yet.
    case endOfRecovery

    var isShutdown: Bool { self != .online }
  }

  private unowned let database: Database
  private let backend: IOBackend
  private let builder = WALRecordBuilder()

  init(_ database: Database, _ backend: IOBackend) { (self.database, self.backend) = (database, backend) }

  func close() { backend.close() }

  // MARK: The thread

  /// Makes checkpoints as they are asked for, and when `checkpoint_timeout` has passed or so much has been logged.
  func run() {
    let state = database.checkpoints
    let timeout = UInt64(database.settings[.checkpointTimeout]) * 1_000_000_000
    var last = monotonicNanoseconds()
    var lastEnd = database.log.reservedPosition
    while !state.isStopping {
      state.reset()
      let ticket = state.take()
      let now = monotonicNanoseconds()
      let isDue = now - last >= timeout && database.log.reservedPosition != lastEnd
      guard ticket != nil || isDue, database.isRunning else {
        if ticket != nil { state.end(ticket ?? 0, .failure(stoppedError), redo: database.log.redoPosition) }
        let left = now - last >= timeout ? timeout : timeout - (now - last)
        if !state.isStopping { state.sleep(Int64(left)) }
        if now - last >= timeout { last = now }
        continue
      }
      last = now
      state.statistics.withLock { if ticket == nil { $0.timed += 1 } else { $0.requested += 1 } }
      let result = perform(.online, pacing(since: now))
      if case .failure(let error) = result, ticket == nil {
        database.configuration.onNotice("checkpoint failed: \(error)")
      }
      lastEnd = database.log.reservedPosition
      state.end(ticket ?? 0, result, redo: database.log.redoPosition)
    }
  }

  private var stoppedError: EngineError {
    do throws(EngineError) {
      try database.requireRunning()
    } catch {
      return error
    }
    return EngineError(.stopped, "the database is closed")
  }

  /// Spread over the time until the next one, unless somebody waits.
  private func pacing(since start: UInt64) -> CheckpointPacing {
    let (database, state) = (database, database.checkpoints)
    let timeout = Double(database.settings[.checkpointTimeout]) * 1e9
    let redo = database.log.reservedPosition.rawValue
    var pacing = CheckpointPacing(
      elapsed: { Double(monotonicNanoseconds() - start) / timeout },
      logConsumed: {
        Double(database.log.reservedPosition.rawValue - redo) / Double(state.logBetweenCheckpoints)
      },
      isUrgent: { state.isUrgent || !database.isRunning },
      sleep: {
        state.reset()
        state.sleep(100_000_000)
      })
    pacing.completionTarget = database.settings[.checkpointCompletionTarget]
    return pacing
  }

  // MARK: One checkpoint

  func perform(_ kind: Kind, _ pacing: CheckpointPacing) -> Result<CheckpointReport, EngineError> {
    database.checkpoints.performing.withLock { _ in
      do throws(EngineError) {
        return .success(try checkpoint(kind, pacing))
      } catch {
        return .failure(error)
      }
    }
  }

  /// Makes everything durable that was done before it began, and says so.
  /// - Throws: ``EngineError``: a page could not be written, and recovery starts where it did; or `.stopped`.
  private func checkpoint(_ kind: Kind, _ pacing: CheckpointPacing) throws(EngineError) -> CheckpointReport {
    try database.requireRunning()
    let began = monotonicNanoseconds()
    let previous = database.controlFile.current
    database.storage.syncRequests.beginCheckpoint()
    let redo: LogSequenceNumber
    do throws(WALError) {
      redo =
        kind.isShutdown
        ? database.log.beginShutdownCheckpoint()
        : try database.log.beginCheckpoint(builder, backend: backend).redo
    } catch {
      throw database.stop(because: EngineError(error))
    }
    let checkpoint = contents(kind, redo: redo, previous)
    // Commits whose records are before the redo position, and that are not in the commit log yet.
    database.transactions.waitForCommitters { usleep(100) }
    let writing = try write(pacing)
    let location = try record(checkpoint, kind)
    try finish(checkpoint, kind, at: location, previous)
    return CheckpointReport(
      redoPosition: redo, location: location, writing: writing, totalNanoseconds: monotonicNanoseconds() - began)
  }

  private func contents(_ kind: Kind, redo: LogSequenceNumber, _ previous: ControlFile) -> ControlFile.Checkpoint {
    var checkpoint = previous.checkpoint
    checkpoint.redo = redo
    checkpoint.timeline = database.log.configuration.timeline
    checkpoint.previousTimeline = checkpoint.timeline
    checkpoint.fullPageWrites = database.settings[.fullPageWrites]
    checkpoint.nextXID = database.transactions.next.rawValue
    checkpoint.nextOID = database.nextOID(isShutdown: kind.isShutdown)
    let multi = database.multiXacts.position
    (checkpoint.nextMultiXact, checkpoint.nextMultiXactOffset) = (multi.next, multi.nextOffset)
    let oldest = database.transactions.oldest
    (checkpoint.oldestXID, checkpoint.oldestXIDDatabase) = (oldest.xid.rawValue, oldest.database)
    (checkpoint.oldestMultiXact, checkpoint.oldestMultiXactDatabase) = (multi.oldest, multi.oldestDatabase)
    checkpoint.time = database.configuration.clock() / 1_000_000
    checkpoint.oldestActiveXID =
      kind == .online && previous.settings.walLevel != .minimal ? database.transactions.oldestRunning.rawValue : 0
    return checkpoint
  }

  /// Writes the commit log and the dirty pages, and makes the files durable (`CheckPointGuts`).
  private func write(_ pacing: CheckpointPacing) throws(EngineError) -> CheckpointReport.Writing {
    let began = monotonicNanoseconds()
    var statePages = 0
    do throws(EngineError) {
      statePages += try database.commitLog.checkpoint(backend)
      statePages += try database.multiXacts.checkpoint(backend)
    } catch {
      throw error.code == .stopped ? database.stop(because: error) : error
    }
    do throws(StorageError) {
      let configuration = database.writeConfiguration(flushAfter: database.settings[.checkpointFlushAfter])
      let pages = try BufferCheckpoint(database.pool, backend, configuration: configuration).run(pacing)
      let written = monotonicNanoseconds()
      let sync = try database.storage.syncRequests.syncAll(backend)
      let writing = CheckpointReport.Writing(
        pages: pages, sync: sync, writeNanoseconds: written - began, syncNanoseconds: monotonicNanoseconds() - written)
      database.checkpoints.statistics.withLock { $0.add(writing, statePages: statePages) }
      return writing
    } catch {
      switch error.code {
      case .syncFailed where database.storage.syncRequests.policy == .failureIsFinal, .writeAheadLog:
        throw database.stop(because: EngineError(error))
      default: throw EngineError(error)
      }
    }
  }

  /// Logs the checkpoint, durably. - Returns: where its record starts.
  private func record(_ checkpoint: ControlFile.Checkpoint, _ kind: Kind) throws(EngineError) -> LogSequenceNumber {
    let record: XLOGRecordKind = kind.isShutdown ? .checkpointShutdown : .checkpointOnline
    builder.begin(.xlog, info: record.rawValue)
    checkpoint.recordData(walLevel: database.controlFile.current.settings.walLevel).withUnsafeBytes {
      builder.appendData(copying: $0)
    }
    do throws(WALError) {
      let (start, end) = try database.log.insert(builder, backend: backend)
      try database.log.flush(upTo: end, backend: backend)
      return start
    } catch {
      throw database.stop(because: EngineError(error))
    }
  }

  /// Says in the control file where recovery starts, and lets go of what only the checkpoint before needed.
  private func finish(
    _ checkpoint: ControlFile.Checkpoint, _ kind: Kind, at location: LogSequenceNumber, _ previous: ControlFile
  ) throws(EngineError) {
    do throws(IOError) {
      try database.controlFile.recordCheckpoint(
        at: location, checkpoint, isShutdown: kind == .shutdown, unloggedLSN: previous.unloggedLSN)
    } catch {
      throw database.stop(because: EngineError(error))
    }
    database.storage.syncRequests.endCheckpoint()
    if kind == .online { database.autovacuum?.startIfForced(database) }
    let needed: LogSequenceNumber
    do throws(IOError) {
      needed = try neededByOthers()
    } catch {
      database.configuration.onNotice("replication slots could not be written, so no WAL is removed: \(error)")
      return
    }
    do throws(WALError) {
      try database.log.segments.removeOld(
        redoPosition: checkpoint.redo, previousRedoPosition: previous.checkpoint.redo,
        end: database.log.reservedPosition, keeping: needed)
    } catch {
      // They only take space, and the next checkpoint tries again.
      database.configuration.onNotice("old WAL segments could not be removed: \(error)")
    }
  }

  /// From where on others need the log: replication slots, and who may come and is allowed for by `wal_keep_size`
  /// (PostgreSQL's KeepLogSeg). Slots that need more than `max_slot_wal_keep_size` are given up.
  private func neededByOthers() throws(IOError) -> LogSequenceNumber {
    let settings = database.settings
    let end = database.log.reservedPosition.rawValue
    func before(_ megabytes: Int) -> LogSequenceNumber {
      let size = UInt64(megabytes) << 20
      return LogSequenceNumber(end > size ? end - size : 1)
    }
    let limit = settings[.maxSlotWALKeepSize]
    let oldest = try database.replicationSlots.checkpoint(givingUpBefore: limit < 0 ? .invalid : before(limit))
    return min(oldest ?? LogSequenceNumber(end), before(settings[.walKeepSize]))
  }
}
