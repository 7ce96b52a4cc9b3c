import MillraceStorage
public import MillraceWAL

/// Repeats the ends of transactions (PostgreSQL's xact_redo).
public final class TransactionResourceManager: ResourceManager {
  private let commitLog: CommitLog

  public init(_ commitLog: CommitLog) {
    self.commitLog = commitLog
    super.init(.transaction)
  }

  public override func identify(_ info: UInt8) -> String? {
    switch info & TransactionRecordInfo.operationMask {
    case TransactionRecordInfo.commit: "COMMIT"
    case 0x10: "PREPARE"
    case TransactionRecordInfo.abort: "ABORT"
    case 0x30: "COMMIT_PREPARED"
    case 0x40: "ABORT_PREPARED"
    case TransactionRecordInfo.assignment: "ASSIGNMENT"
    case TransactionRecordInfo.invalidations: "INVALIDATION"
    default: nil
    }
  }

  /// In the words of PostgreSQL's xactdesc.c.
  public override func describe(_ record: WALRecord) -> String {
    let operation = record.info & TransactionRecordInfo.operationMask
    guard operation == TransactionRecordInfo.commit || operation == TransactionRecordInfo.abort else { return "" }
    do throws(EngineError) {
      let end = try TransactionEndRecord(record)
      var text = "\(Timestamp(end.time))"
      if !end.relations.isEmpty { text += "; rels:" }
      for relation in end.relations {
        text += " " + RelationPath(relation).formatted(versionDirectory: ControlFile.versionDirectoryOf18)
      }
      if !end.subtransactions.isEmpty { text += "; subxacts:" }
      for xid in end.subtransactions { text += " \(xid)" }
      return text
    } catch {
      return error.description
    }
  }

  public override func scope(of record: WALRecord) -> RedoScope {
    record.header.info & WALRecordInfo.specialRelationUpdate == 0 ? .elsewhere : .everything
  }

  public override func redo(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    let operation = record.info & TransactionRecordInfo.operationMask
    guard operation == TransactionRecordInfo.commit || operation == TransactionRecordInfo.abort else {
      if operation == TransactionRecordInfo.assignment || operation == TransactionRecordInfo.invalidations { return }
      throw unknown(record)
    }
    let end = try asRecovery { () throws(EngineError) in
      let end = try TransactionEndRecord(record)
      let status = operation == TransactionRecordInfo.commit ? TransactionStatus.committed : .aborted
      try commitLog.set(TransactionID(record.xid), status, with: end.subtransactions, context.backend)
      // Of those nested in it no other record may tell.
      for xid in end.subtransactions { context.noteTransaction(xid.rawValue) }
      return end
    }
    for relation in end.relations { try context.dropRelation(relation) }
  }
}

/// Repeats the making and removing of the commit log's pages (PostgreSQL's clog_redo).
public final class CommitLogResourceManager: ResourceManager {
  private let commitLog: CommitLog

  public init(_ commitLog: CommitLog) {
    self.commitLog = commitLog
    super.init(.commitLog)
  }

  public override func identify(_ info: UInt8) -> String? {
    switch info {
    case CommitLogRecordInfo.zeroPage: "ZEROPAGE"
    case CommitLogRecordInfo.truncate: "TRUNCATE"
    default: nil
    }
  }

  public override func describe(_ record: WALRecord) -> String {
    var fields = RecordFields(record.mainData)
    do throws(EngineError) {
      let page = "page \(try fields.next(Int64.self))"
      guard record.info == CommitLogRecordInfo.truncate else { return page }
      return "\(page); oldestXact \(try fields.next(UInt32.self))"
    } catch {
      return error.description
    }
  }

  public override func scope(of record: WALRecord) -> RedoScope { .elsewhere }

  public override func redo(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    if record.info == CommitLogRecordInfo.truncate {
      return try asRecovery { () throws(EngineError) in
        var fields = RecordFields(record.mainData)
        _ = try fields.next(Int64.self)
        let oldest = TransactionID(try fields.next(UInt32.self))
        context.noteOldestTransaction(oldest.rawValue, database: try fields.next(UInt32.self))
        try commitLog.truncate(before: oldest, context.backend)
      }
    }
    guard record.info == CommitLogRecordInfo.zeroPage else { throw unknown(record) }
    try asRecovery { () throws(EngineError) in
      var fields = RecordFields(record.mainData)
      try commitLog.makePage(UInt32(truncatingIfNeeded: try fields.next(Int64.self)), context.backend)
    }
  }
}

/// Calls `body`, and passes its error on as one of recovery.
private func asRecovery<Result>(_ body: () throws(EngineError) -> Result) throws(RecoveryError) -> Result {
  do throws(EngineError) {
    return try body()
  } catch {
    throw RecoveryError(error.code == .corrupted ? .corrupted : .io, error.message)
  }
}
