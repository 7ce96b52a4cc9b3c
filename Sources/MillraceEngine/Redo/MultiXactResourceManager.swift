import MillraceWAL

/// Repeats the making and removing of multixacts (PostgreSQL's multixact_redo).
final class MultiXactResourceManager: ResourceManager {
  private let multiXacts: MultiXacts

  init(_ multiXacts: MultiXacts) {
    self.multiXacts = multiXacts
    super.init(.multiXact)
  }

  override func identify(_ info: UInt8) -> String? {
    switch info {
    case MultiXactRecordInfo.zeroOffsetPage: "ZERO_OFF_PAGE"
    case MultiXactRecordInfo.zeroMemberPage: "ZERO_MEM_PAGE"
    case MultiXactRecordInfo.create: "CREATE_ID"
    case MultiXactRecordInfo.truncate: "TRUNCATE_ID"
    default: nil
    }
  }

  private static let statusNames = ["keysh", "sh", "fornokeyupd", "forupd", "nokeyupd", "upd"]

  override func describe(_ record: WALRecord) -> String {
    do throws(EngineError) {
      switch record.info {
      case MultiXactRecordInfo.create:
        let create = try MultiXactCreateRecord(record)
        return "\(create.multi) offset \(create.offset) nmembers \(create.members.count): "
          + create.members.map { "\($0.xid) (\(Self.statusNames[Int($0.status.rawValue)])) " }.joined()
      case MultiXactRecordInfo.truncate:
        let truncate = try MultiXactTruncateRecord(record)
        return "offsets [\(truncate.firstMulti), \(truncate.endMulti)), members [\(truncate.firstMember), "
          + "\(truncate.endMember))"
      default:
        var fields = RecordFields(record.mainData)
        return "\(try fields.next(Int64.self))"
      }
    } catch {
      return error.description
    }
  }

  override func scope(of record: WALRecord) -> RedoScope { .elsewhere }

  override func redo(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    do throws(EngineError) {
      switch record.info {
      case MultiXactRecordInfo.zeroOffsetPage, MultiXactRecordInfo.zeroMemberPage:
        var fields = RecordFields(record.mainData)
        try multiXacts.makePage(
          UInt32(truncatingIfNeeded: try fields.next(Int64.self)),
          ofMembers: record.info == MultiXactRecordInfo.zeroMemberPage, context.backend)
      case MultiXactRecordInfo.create:
        let create = try MultiXactCreateRecord(record)
        try multiXacts.write(create, context.backend)
        context.noteMultiXact(
          next: create.multi == .max ? 1 : create.multi + 1, offset: create.offset &+ UInt32(create.members.count))
        for member in create.members { context.noteTransaction(member.xid.rawValue) }
      case MultiXactRecordInfo.truncate:
        let truncate = try MultiXactTruncateRecord(record)
        context.noteOldestMultiXact(truncate.endMulti, database: truncate.oldestDatabase)
        try multiXacts.remove(truncate, context.backend)
      default:
        throw EngineError(.corrupted, "\(id) redo: unknown op code \(record.info)")
      }
    } catch {
      throw RecoveryError(error.code == .corrupted ? .corrupted : .io, error.message)
    }
  }
}
