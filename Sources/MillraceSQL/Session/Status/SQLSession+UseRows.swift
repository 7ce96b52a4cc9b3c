import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceWAL

/// The rows of PostgreSQL's functions that show what has been done: I/O, the log, commands under way.
extension SQLSession {
  private static func milliseconds(_ nanoseconds: UInt64) -> String { "\(Double(nanoseconds) / 1e6)" }

  // MARK: pg_stat_io

  func useRows() -> [[String?]] {
    let reset = statusText(instance.startTime)
    return session.database.engine.useStatistics().compactMap { row in
      row.use.object.flatMap { object in
        row.isShown ? [row.kind.description, object, row.use.context] + numbers(row) + [reset] : nil
      }
    }
  }

  private func numbers(_ row: IOUseStatistics) -> [String?] {
    func group(_ isCounted: Bool, _ numbers: UInt64..., time: UInt64) -> [String?] {
      guard isCounted else { return Array(repeating: nil, count: numbers.count + 1) }
      return numbers.map { "\($0)" } + [Self.milliseconds(time)]
    }
    func one(_ isCounted: Bool, _ number: UInt64) -> [String?] { [isCounted ? "\(number)" : nil] }
    return group(row.countsReads, row.reads, row.readBytes, time: row.readTime)
      + group(true, row.writes, row.writeBytes, time: row.writeTime)
      + group(row.countsWritebacks, row.writebacks, time: row.writebackTime)
      + group(row.countsExtends, row.extends, row.extendBytes, time: row.extendTime)
      + one(row.countsHits, row.hits) + one(row.countsHits, row.evictions) + one(row.countsReuses, row.reuses)
      + group(row.countsSyncs, row.fsyncs, time: row.fsyncTime)
  }

  // MARK: The log

  func walRows() -> [[String?]] {
    let done = session.database.log.statistics()
    return [
      [
        "\(done.records)", "\(done.fullPageImages)", "\(done.bytes)", "\(done.buffersFull)",
        statusText(instance.startTime),
      ]
    ]
  }

  func replicaRows() -> [[String?]] {
    instance.replicas.map { replica in
      func position(_ position: LogSequenceNumber) -> String? { position == .invalid ? nil : "\(position)" }
      func lag(_ nanoseconds: UInt64?) -> String? { nanoseconds.map { "\($0 / 1000) microseconds" } }
      return [
        "\(replica.processID)", replica.state, position(replica.sent), position(replica.written),
        position(replica.flushed), position(replica.applied), lag(replica.writeLag), lag(replica.flushLag),
        lag(replica.applyLag), "0", "async", statusText(replica.replyTime ?? 0),
      ]
    }
  }

  func slotRows() -> [[String?]] {
    session.database.replicationSlots.all.map { slot in
      let isReserved = slot.restartPosition != .invalid
      let row: [String?] = [
        slot.name, nil, "physical", nil, slot.persistency == .temporary ? "t" : "f",
        slot.activeProcessID == nil ? "f" : "t", slot.activeProcessID.map { "\($0)" }, nil, nil,
        isReserved ? "\(slot.restartPosition)" : nil, nil,
        slot.isInvalidated ? "lost" : isReserved ? "reserved" : nil,
      ]
      let limits: [String?] = [
        nil, "f", nil, nil, nil, slot.isInvalidated ? "wal_removed" : nil, "f", "f",
      ]
      return row + limits
    }
  }

  // MARK: Buffers

  func bufferRows() -> [[String?]] {
    session.database.pool.contents().map { buffer in
      guard let page = buffer.page else { return ["\(buffer.buffer)"] + Array(repeating: nil, count: 8) }
      return [
        "\(buffer.buffer)", "\(page.locator.relNumber)", "\(page.locator.tablespace)", "\(page.locator.database)",
        "\(page.fork.rawValue)", "\(page.block)", buffer.isDirty ? "t" : "f", "\(buffer.usage)", "\(buffer.pins)",
      ]
    }
  }

  // MARK: Progress

  /// - Parameter function: `pg_stat_get_progress_info`, with the command's name behind it.
  func progressRows(_ function: String) -> [[String?]]? {
    let prefix = "pg_stat_get_progress_info "
    guard function.hasPrefix(prefix) else { return nil }
    let command = String(function.dropFirst(prefix.count)).uppercased()
    if command == "VACUUM" { return vacuumRows() }
    return instance.sessions.compactMap { session in
      guard let now = session.progress.now, now.command.name == command else { return nil }
      return ["\(session.processID)", "\(session.databaseID)", "\(now.relation)"] + now.numbers.map { "\($0)" }
    }
  }

  private func vacuumRows() -> [[String?]] {
    session.database.vacuumProgress.map { vacuum in
      let numbers = [
        vacuum.phase.rawValue, vacuum.heapBlocksTotal, vacuum.heapBlocksScanned, vacuum.heapBlocksVacuumed,
        vacuum.indexVacuumCount, vacuum.maxDeadTupleBytes, vacuum.deadTupleBytes, vacuum.deadItemCount,
        vacuum.indexesTotal, vacuum.indexesProcessed, vacuum.delayNanoseconds,
      ]
      return ["\(vacuum.processID)", "\(vacuum.relation.database)", "\(vacuum.oid)"] + numbers.map { "\($0)" }
        + Array(repeating: "0", count: CommandProgress.count - numbers.count)
    }
  }
}

/// Which rows and columns PostgreSQL has (pgstat_tracks_io_object and pgstat_tracks_io_op,
/// src/backend/utils/activity/pgstat_io.c).
extension IOUseStatistics {
  fileprivate var isShown: Bool {
    switch kind {
    case .backgroundWriter, .checkpointer: [.relation, .relationInit, .wal, .walInit].contains(use)
    case .walWriter: [.wal, .walInit].contains(use)
    case .autovacuumLauncher: ![.relationVacuum, .relationBulkWrite, .temporaryRelation].contains(use)
    case .autovacuumWorker: ![.relationBulkWrite, .temporaryRelation].contains(use)
    case .startup, .standalone: use != .temporaryRelation
    case .client, .walSender, .ioWorker: true
    }
  }

  private var isWriter: Bool { kind == .backgroundWriter || kind == .checkpointer }
  private var isOfLog: Bool { use == .wal || use == .walInit }

  fileprivate var countsReads: Bool {
    guard isOfLog else { return !isWriter }
    return use == .wal
      && ![.backgroundWriter, .walWriter, .autovacuumLauncher, .autovacuumWorker].contains(kind)
  }
  fileprivate var countsWritebacks: Bool { !isOfLog && use != .temporaryRelation }
  fileprivate var countsExtends: Bool {
    !isOfLog && !isWriter && kind != .autovacuumLauncher && use != .relationBulkRead
  }
  fileprivate var countsHits: Bool { !isOfLog && !isWriter }
  fileprivate var countsReuses: Bool {
    [.relationVacuum, .relationBulkRead, .relationBulkWrite].contains(use)
  }
  fileprivate var countsSyncs: Bool { isOfLog || use == .relation || use == .relationInit }
}
