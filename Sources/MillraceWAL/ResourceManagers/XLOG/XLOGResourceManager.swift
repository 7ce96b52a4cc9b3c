import MillraceStorage

/// The log's own records: checkpoints, full-page images and what is true of the cluster as a whole (PostgreSQL's
/// xlog_redo, src/backend/access/transam/xlog.c).
public final class XLOGResourceManager: ResourceManager {
  public init() { super.init(.xlog) }

  public override func identify(_ info: UInt8) -> String? { XLOGRecordKind(rawValue: info)?.description }

  public override func scope(of record: WALRecord) -> RedoScope {
    guard record.xlogKind == .fullPageImage || record.xlogKind == .fullPageImageForHint else { return .everything }
    return record.blocks.allSatisfy { $0.appliesImage } ? .blocks : .everything
  }

  public override func redo(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    guard let kind = record.xlogKind else { throw unknown(record) }
    var fields = PayloadReader(record.mainData)
    switch kind {
    case .checkpointShutdown:
      context.state.takeOver(try record.checkpoint(), at: record.start, isShutdown: true)
    case .checkpointOnline:
      context.state.takeOver(try record.checkpoint(), at: record.start, isShutdown: false)
    case .nextOID:
      context.state.nextOID = try fields.next()
    case .parameterChange:
      context.state.settings = try ParameterChangeRecord(record.mainData).settings
    case .fullPageWritesChange:
      context.state.fullPageWrites = try fields.nextFlag()
    case .endOfRecovery:
      let end = try EndOfRecoveryRecord(record.mainData)
      guard end.timeline == context.state.timeline else {
        throw RecoveryError(
          .unsupported, "the log changes from timeline \(context.state.timeline) to \(end.timeline)",
          hint: "Let PostgreSQL recover this cluster.")
      }
    case .fullPageImage, .fullPageImageForHint:
      try restoreImages(record, context, isRequired: kind == .fullPageImage)
    case .overwriteContinuation:
      let overwrite = try OverwriteContinuationRecord(record.mainData)
      let found = record.overwritten ?? .invalid
      guard overwrite.overwritten == found else {
        throw RecoveryError(.corrupted, "mismatching overwritten LSN \(overwrite.overwritten) -> \(found)")
      }
    case .noop, .switch, .backupEnd, .restorePoint, .checkpointRedo:
      break
    }
  }

  private func restoreImages(
    _ record: WALRecord, _ context: RedoContext, isRequired: Bool
  ) throws(RecoveryError) {
    for block in record.blocks {
      guard block.image != nil else {
        // For a hint it can be left out where another change of the page has one.
        if isRequired { throw RecoveryError(.corrupted, "XLOG_FPI record did not contain full-page image") }
        continue
      }
      let mode: ReadMode = block.willInitialize ? .zeroAndLock : .normal
      guard try context.readBufferForRedo(record, block.id, mode: mode).action == .restored else {
        throw RecoveryError(.corrupted, "unexpected XLogReadBufferForRedo result when restoring backup block")
      }
    }
  }

  public override func describe(_ record: WALRecord) -> String {
    do throws(RecoveryError) {
      return try description(of: record)
    } catch {
      return error.description
    }
  }

  private func description(of record: WALRecord) throws(RecoveryError) -> String {
    var fields = PayloadReader(record.mainData)
    switch record.xlogKind {
    case .checkpointShutdown, .checkpointOnline:
      var level = PayloadReader(UnsafeRawBufferPointer(rebasing: record.mainData.dropFirst(20)))
      return try record.checkpoint().description(
        walLevel: level.nextWALLevel(), isShutdown: record.xlogKind == .checkpointShutdown)
    case .nextOID:
      return "\(try fields.next(UInt32.self))"
    case .restorePoint:
      _ = try fields.next(UInt64.self)
      return String(decoding: record.mainData.dropFirst(8).prefix { $0 != 0 }, as: UTF8.self)
    case .backupEnd:
      return "\(try fields.nextPosition())"
    case .parameterChange:
      let settings = try ParameterChangeRecord(record.mainData).settings
      return "max_connections=\(settings.maxConnections) max_worker_processes=\(settings.maxWorkerProcesses) "
        + "max_wal_senders=\(settings.maxWALSenders) max_prepared_xacts=\(settings.maxPreparedTransactions) "
        + "max_locks_per_xact=\(settings.maxLocksPerTransaction) wal_level=\(settings.walLevel) "
        + "wal_log_hints=\(settings.walLogHints ? "on" : "off") "
        + "track_commit_timestamp=\(settings.trackCommitTimestamp ? "on" : "off")"
    case .fullPageWritesChange:
      return try fields.nextFlag() ? "true" : "false"
    case .endOfRecovery:
      let end = try EndOfRecoveryRecord(record.mainData)
      return "tli \(end.timeline); prev tli \(end.previousTimeline); time \(Timestamp(end.time)); "
        + "wal_level \(end.walLevel)"
    case .overwriteContinuation:
      let overwrite = try OverwriteContinuationRecord(record.mainData)
      return "lsn \(overwrite.overwritten); time \(Timestamp(overwrite.time))"
    case .checkpointRedo:
      return "wal_level \(try fields.nextWALLevel())"
    case .noop, .switch, .fullPageImage, .fullPageImageForHint, nil:
      return ""
    }
  }
}

extension ControlFile.Checkpoint {
  fileprivate func description(walLevel: ControlFile.WALLevel, isShutdown: Bool) -> String {
    "redo \(redo); tli \(timeline); prev tli \(previousTimeline); fpw \(fullPageWrites); wal_level \(walLevel); "
      + "xid \(nextXID >> 32):\(nextXID & 0xFFFF_FFFF); oid \(nextOID); multi \(nextMultiXact); "
      + "offset \(nextMultiXactOffset); oldest xid \(oldestXID) in DB \(oldestXIDDatabase); "
      + "oldest multi \(oldestMultiXact) in DB \(oldestMultiXactDatabase); "
      + "oldest/newest commit timestamp xid: \(oldestCommitTimestampXID)/\(newestCommitTimestampXID); "
      + "oldest running xid \(oldestActiveXID); \(isShutdown ? "shutdown" : "online")"
  }
}
