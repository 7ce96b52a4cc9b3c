import MillraceStorage
import MillraceWAL

extension Database {
  /// Lets go of what no table of any database holds any more: notes it, and cuts off the logs of transactions and
  /// multixacts (vac_truncate_clog, src/backend/commands/vacuum.c).
  /// - Parameters:
  ///   - oldest: the oldest `datfrozenxid`, and the database that has it.
  ///   - multi: the oldest `datminmxid`, and the database that has it.
  /// - Throws: ``EngineError``; then files may be left that are not needed.
  public func advanceOldest(
    _ oldest: TransactionID, database: UInt32, multi: UInt32, multiDatabase: UInt32, _ session: Session
  ) throws(EngineError) {
    let known = transactions.oldest.xid
    if oldest.isNormal, known.precedes(oldest), !transactions.oldestRunning.precedes(oldest) {
      let page = CommitLog.firstPage(neededFor: oldest)
      transactions.setOldest(oldest, database: database)
      if page != CommitLog.firstPage(neededFor: known) {
        session.builder.begin(.commitLog, info: CommitLogRecordInfo.truncate)
        session.builder.appendData(Int64(page))
        session.builder.appendData(oldest.rawValue)
        session.builder.appendData(database)
        // After a crash nobody must ask for what is gone.
        try flushLog(upTo: try session.log(), session.backend)
        try commitLog.truncate(before: oldest, session.backend)
      }
    }
    try multiXacts.truncate(before: multi, database: multiDatabase, session.builder, session.backend) {
      () throws(EngineError) in
      try flushLog(upTo: try session.log(), session.backend)
    }
  }
}
