import MillraceStorage
import MillraceWAL

/// What the records of the resource manager Transaction do: `XLOG_XACT_…` (src/include/access/xact.h).
public enum TransactionRecordInfo {
  public static let commit: UInt8 = 0x00
  public static let abort: UInt8 = 0x20
  public static let assignment: UInt8 = 0x50
  public static let invalidations: UInt8 = 0x60
  static let operationMask: UInt8 = 0x70
  /// A word follows that says what else does.
  static let hasInfo: UInt8 = 0x80
}

/// The end of a transaction: `xl_xact_commit`, `xl_xact_abort`. What parts of it are there, the record says itself.
struct TransactionEndRecord: Sendable, Equatable {
  /// What follows the time: `XACT_XINFO_…`.
  private enum Part {
    static let database: UInt32 = 1 << 0
    static let subtransactions: UInt32 = 1 << 1
    static let relations: UInt32 = 1 << 2
    static let invalidations: UInt32 = 1 << 3
    static let droppedStatistics: UInt32 = 1 << 8
  }

  /// Microseconds since 2000.
  var time: Int64
  var subtransactions: [TransactionID] = []
  /// Relations whose files go: those that a commit drops, or that an abort never made.
  var relations: [RelationLocator] = []

  init(time: Int64) { self.time = time }

  init(_ record: borrowing WALRecord) throws(EngineError) {
    var fields = RecordFields(record.mainData)
    time = try fields.next(Int64.self)
    guard record.info & TransactionRecordInfo.hasInfo != 0 else { return }
    let parts = try fields.next(UInt32.self)
    if parts & Part.database != 0 { _ = try fields.next(UInt64.self) }
    if parts & Part.subtransactions != 0 {
      for _ in 0..<(try fields.next(UInt32.self)) {
        subtransactions.append(TransactionID(try fields.next(UInt32.self)))
      }
    }
    if parts & Part.relations != 0 {
      for _ in 0..<(try fields.next(UInt32.self)) {
        relations.append(
          RelationLocator(
            tablespace: try fields.next(UInt32.self), database: try fields.next(UInt32.self),
            relNumber: try fields.next(UInt32.self)))
      }
    }
    // Statistics, invalidations, two-phase commit and origin are nothing to redo here.
  }

  /// Begins and fills a record.
  func write(to builder: WALRecordBuilder, _ info: UInt8, xid: TransactionID) {
    var info = info
    if !relations.isEmpty || !subtransactions.isEmpty { info |= TransactionRecordInfo.hasInfo }
    if !relations.isEmpty { info |= WALRecordInfo.specialRelationUpdate }
    builder.begin(.transaction, info: info, xid: xid.rawValue)
    builder.appendData(time)
    guard info & TransactionRecordInfo.hasInfo != 0 else { return }
    var parts: UInt32 = 0
    if !subtransactions.isEmpty { parts |= Part.subtransactions }
    if !relations.isEmpty { parts |= Part.relations }
    builder.appendData(parts)
    if !subtransactions.isEmpty {
      builder.appendData(UInt32(subtransactions.count))
      for xid in subtransactions { builder.appendData(xid.rawValue) }
    }
    guard !relations.isEmpty else { return }
    builder.appendData(UInt32(relations.count))
    for relation in relations {
      builder.appendData(relation.tablespace)
      builder.appendData(relation.database)
      builder.appendData(relation.relNumber)
    }
  }
}
