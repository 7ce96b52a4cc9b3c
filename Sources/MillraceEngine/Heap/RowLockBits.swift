import MillraceStorage

/// What a tuple says of those who changed or locked it, once one more is added: PostgreSQL's
/// compute_new_xmax_infomask (src/backend/access/heap/heapam.c).
struct RowLockBits: Equatable {
  var xmax: TransactionID
  var infomask: Infomask = []
  var infomask2: Infomask2 = []

  /// In a log record.
  var recordBits: XmaxInfoBits { XmaxInfoBits(infomask, infomask2) }

  /// A transaction alone.
  init(_ xid: TransactionID, _ mode: TupleLockMode, isUpdate: Bool) {
    xmax = xid
    if mode == .update { infomask2 = .keysUpdated }
    guard !isUpdate else { return }
    infomask = .xmaxLockOnly
    switch mode {
    case .keyShare: infomask.insert(.xmaxKeyShareLock)
    case .share: infomask.formUnion([.xmaxKeyShareLock, .xmaxExclusiveLock])
    case .noKeyUpdate, .update: infomask.insert(.xmaxExclusiveLock)
    }
  }

  /// Several together (GetMultiXactIdHintBits).
  init(multi: UInt32, _ members: [MultiXactMember]) {
    xmax = TransactionID(multi)
    infomask = .xmaxIsMulti
    let strongest = members.map(\.status.lockMode).max() ?? .keyShare
    switch strongest {
    case .keyShare: infomask.insert(.xmaxKeyShareLock)
    case .share: infomask.formUnion([.xmaxKeyShareLock, .xmaxExclusiveLock])
    case .noKeyUpdate, .update: infomask.insert(.xmaxExclusiveLock)
    }
    if strongest == .update { infomask2 = .keysUpdated }
    if !members.contains(where: \.status.isUpdate) { infomask.insert(.xmaxLockOnly) }
  }

  /// What a newer version of a row says of a transaction that locked the older one in the weakest way: the lock goes
  /// with the row.
  init(keyShareOf xid: TransactionID) { self.init(xid, .keyShare, isUpdate: false) }
}

extension HeapTuple {
  /// What the single transaction in `xmax` does to the tuple.
  var singleStatus: MultiXactStatus {
    let hasKeys = infomask2.contains(.keysUpdated)
    guard infomask.isXmaxLockOnly else { return hasKeys ? .update : .noKeyUpdate }
    switch (infomask.contains(.xmaxKeyShareLock), infomask.contains(.xmaxExclusiveLock)) {
    case (true, false): return .forKeyShare
    case (true, true): return .forShare
    default: return hasKeys ? .forUpdate : .forNoKeyUpdate
    }
  }
}

/// Who shares a row with the session's transaction, and what the row says when that is added.
extension Session {
  /// Those who have a row now, as far as they still count: all that run, and one that changed it and has committed.
  /// - Parameter tuple: its page is locked exclusively.
  func holders(of tuple: HeapTuple) throws(EngineError) -> [MultiXactMember] {
    if tuple.infomask.contains(.xmaxInvalid) { return [] }
    let members =
      tuple.infomask.contains(.xmaxIsMulti)
      ? try visibility.members(tuple) : [MultiXactMember(xid: tuple.xmax, status: tuple.singleStatus)]
    var holders: [MultiXactMember] = []
    for member in members {
      if visibility.isInProgress(member.xid) {
        holders.append(member)
      } else if member.status.isUpdate, try visibility.hasCommitted(member.xid) {
        holders.append(member)
      }
    }
    return holders
  }

  /// Adds the own transaction to those who have a row.
  func bits(
    adding xid: TransactionID, _ mode: TupleLockMode, isUpdate: Bool, to tuple: HeapTuple
  ) throws(EngineError) -> RowLockBits {
    let holders = try holders(of: tuple)
    guard !holders.isEmpty else { return RowLockBits(xid, mode, isUpdate: isUpdate) }
    if !tuple.infomask.contains(.xmaxIsMulti), holders[0].xid == xid {
      // What it had before and what it wants now: the stronger.
      return RowLockBits(xid, max(mode, holders[0].status.lockMode), isUpdate: isUpdate)
    }
    let added = MultiXactMember(xid: xid, status: isUpdate ? mode.updateStatus : mode.lockStatus)
    if tuple.infomask.contains(.xmaxIsMulti) {
      let members = try visibility.members(tuple)
      if members.contains(added) { return RowLockBits(multi: tuple.xmax.rawValue, members) }
    }
    let members = holders + [added]
    return RowLockBits(multi: try makeMultiXact(members), members)
  }

  /// What the new version of a row says of those who keep a lock on the old one.
  func bitsOfSuccessor(of tuple: HeapTuple) throws(EngineError) -> RowLockBits? {
    if try holders(of: tuple).isEmpty { return nil }
    guard tuple.infomask.contains(.xmaxIsMulti) else { return RowLockBits(keyShareOf: tuple.xmax) }
    return RowLockBits(multi: tuple.xmax.rawValue, try visibility.members(tuple))
  }

  private func makeMultiXact(_ members: [MultiXactMember]) throws(EngineError) -> UInt32 {
    database.multiXacts.announceMember(place)
    return try database.multiXacts.create(members, builder, backend) { () throws(EngineError) in _ = try log() }
  }
}
