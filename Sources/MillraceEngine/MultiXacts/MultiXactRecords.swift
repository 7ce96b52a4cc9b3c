import MillraceWAL

/// What the records of the resource manager MultiXact do: `XLOG_MULTIXACT_…` (src/include/access/multixact.h).
enum MultiXactRecordInfo {
  static let zeroOffsetPage: UInt8 = 0x00
  static let zeroMemberPage: UInt8 = 0x10
  static let create: UInt8 = 0x20
  static let truncate: UInt8 = 0x30
}

/// `xl_multixact_create`.
struct MultiXactCreateRecord: Sendable, Equatable {
  let multi, offset: UInt32
  let members: [MultiXactMember]

  init(multi: UInt32, offset: UInt32, members: [MultiXactMember]) {
    (self.multi, self.offset, self.members) = (multi, offset, members)
  }

  init(_ record: borrowing WALRecord) throws(EngineError) {
    var fields = RecordFields(record.mainData)
    multi = try fields.next(UInt32.self)
    offset = try fields.next(UInt32.self)
    var members: [MultiXactMember] = []
    for _ in 0..<(try fields.next(UInt32.self)) {
      let xid = TransactionID(try fields.next(UInt32.self))
      let number = try fields.next(UInt32.self)
      guard number < 6, let status = MultiXactStatus(rawValue: UInt8(number)) else {
        throw EngineError(.corrupted, "a WAL record has a member of status \(number) in a multixact")
      }
      members.append(MultiXactMember(xid: xid, status: status))
    }
    self.members = members
  }

  func write(to builder: WALRecordBuilder) {
    builder.begin(.multiXact, info: MultiXactRecordInfo.create)
    builder.appendData(multi)
    builder.appendData(offset)
    builder.appendData(UInt32(members.count))
    for member in members {
      builder.appendData(member.xid.rawValue)
      builder.appendData(UInt32(member.status.rawValue))
    }
  }
}

/// `xl_multixact_truncate`.
struct MultiXactTruncateRecord: Sendable, Equatable {
  var oldestDatabase: UInt32
  var firstMulti, endMulti: UInt32
  var firstMember, endMember: UInt32

  init(oldestDatabase: UInt32, multis: (UInt32, UInt32), members: (UInt32, UInt32)) {
    self.oldestDatabase = oldestDatabase
    (firstMulti, endMulti) = multis
    (firstMember, endMember) = members
  }

  init(_ record: borrowing WALRecord) throws(EngineError) {
    var fields = RecordFields(record.mainData)
    oldestDatabase = try fields.next(UInt32.self)
    (firstMulti, endMulti) = (try fields.next(UInt32.self), try fields.next(UInt32.self))
    (firstMember, endMember) = (try fields.next(UInt32.self), try fields.next(UInt32.self))
  }

  func write(to builder: WALRecordBuilder) {
    builder.begin(.multiXact, info: MultiXactRecordInfo.truncate)
    for field in [oldestDatabase, firstMulti, endMulti, firstMember, endMember] { builder.appendData(field) }
  }
}
