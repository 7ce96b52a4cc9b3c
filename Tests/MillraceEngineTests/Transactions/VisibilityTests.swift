@testable import MillraceEngine
import MillraceStorage
import Testing

/// Every state of inserter and deleter, with every hint that can be true of it, against a model that knows no hints.
@Suite struct VisibilityTests {
  /// What a transaction is to the session that looks.
  enum Writer: CaseIterable {
    case committedBefore, committedAfter, aborted, running, ownEarlier, ownNow, ownNested, ownRolledBack, frozen
  }

  enum Deleter: CaseIterable {
    case none, committedBefore, committedAfter, aborted, running, ownEarlier, ownNow, ownRolledBack
  }

  enum Kind: CaseIterable {
    case update, lock, sharedUpdate, sharedLock
  }

  private struct Cast {
    var xids: [Writer: TransactionID] = [:]
    var lockers: TransactionID
  }

  @Test("a tuple is seen, can be changed, and is dead exactly as its transactions say, whatever the hint bits")
  func all() throws {
    let rig = try EngineRig(["io_method=sync"])
    let database = try rig.open()
    let (viewer, other, runner) = (
      try database.makeSession("viewer"), try database.makeSession("other"), try database.makeSession("runner")
    )
    let cast = try makeCast(viewer, other, runner)
    let memory = RowMemory()
    var count = 0
    for writer in Writer.allCases {
      for deleter in Deleter.allCases {
        for kind in Kind.allCases where deleter != .none || kind == .update {
          for hints in 0..<16 {
            guard let tuple = try tuple(writer, deleter, kind, hints, cast, viewer, memory) else { continue }
            try check(tuple, writer, deleter, kind, viewer)
            count += 1
          }
        }
      }
    }
    #expect(count > 180, "\(count)")
    try viewer.rollback()
    try runner.rollback()
    for session in [viewer, other, runner] { session.close() }
    try database.close()
  }

  private func makeCast(_ viewer: Session, _ other: Session, _ runner: Session) throws -> Cast {
    var cast = Cast(lockers: .invalid)
    func ended(_ commits: Bool) throws -> TransactionID {
      try other.begin()
      let xid = try other.requireTransactionID()
      if commits { try other.commit() } else { try other.rollback() }
      return xid
    }
    cast.xids[.committedBefore] = try ended(true)
    cast.xids[.aborted] = try ended(false)
    cast.xids[.frozen] = cast.xids[.committedBefore]
    try runner.begin()
    cast.xids[.running] = try runner.requireTransactionID()
    try viewer.begin(.repeatableRead)
    cast.xids[.ownEarlier] = try viewer.requireTransactionID()
    cast.xids[.ownNow] = cast.xids[.ownEarlier]
    try viewer.beginNested()
    cast.xids[.ownRolledBack] = try viewer.requireTransactionID()
    try viewer.rollbackNested()
    try viewer.beginNested()
    cast.xids[.ownNested] = try viewer.requireTransactionID()
    try viewer.commitNested()
    for _ in 0..<5 { try viewer.advanceCommand() }
    _ = try viewer.snapshot()
    cast.xids[.committedAfter] = try ended(true)
    cast.lockers = try #require(cast.xids[.running])
    return cast
  }

  /// - Returns: nil where a hint would not be true, or a combination cannot come about.
  private func tuple(
    _ writer: Writer, _ deleter: Deleter, _ kind: Kind, _ hints: Int, _ cast: Cast, _ viewer: Session,
    _ memory: RowMemory
  ) throws -> HeapTuple? {
    let tuple = try memory.row(1, 2, nil)
    tuple.xmin = try #require(cast.xids[writer])
    tuple.identifier = TupleIdentifier(BlockNumber(0), 1)
    var infomask = tuple.infomask
    let isOwnWriter = [.ownEarlier, .ownNow, .ownNested, .ownRolledBack].contains(writer)
    if writer == .frozen { infomask.formUnion(.xminFrozen) }
    if hints & 1 != 0 {
      guard [.committedBefore, .committedAfter].contains(writer) else { return nil }
      infomask.insert(.xminCommitted)
    }
    if hints & 2 != 0 {
      guard [.aborted, .ownRolledBack].contains(writer) else { return nil }
      infomask.insert(.xminInvalid)
    }
    // Only its own transaction deletes what is not committed yet, and only what is committed is deleted by others.
    let isOwnDeleter = [.ownEarlier, .ownNow, .ownRolledBack].contains(deleter)
    if isOwnWriter, deleter != .none, !isOwnDeleter { return nil }
    if [.running, .aborted].contains(writer), deleter != .none { return nil }
    if writer == .committedAfter, [.committedBefore, .ownEarlier, .ownNow].contains(deleter) { return nil }
    if writer == .ownRolledBack, deleter != .none { return nil }

    guard deleter != .none else {
      if hints & 12 != 0 { return nil }
      tuple.infomask = infomask.union(.xmaxInvalid)
      tuple.command = writer == .ownNow ? 5 : 0
      return tuple
    }
    let xmax = try #require(cast.xids[Writer(deleter)])
    let isShared = kind == .sharedUpdate || kind == .sharedLock
    let isLock = kind == .lock || kind == .sharedLock
    if hints & 4 != 0 {
      guard !isLock, !isShared, [.committedBefore, .committedAfter].contains(deleter) else { return nil }
      infomask.insert(.xmaxCommitted)
    }
    if hints & 8 != 0 {
      guard !isShared, [.aborted, .ownRolledBack].contains(deleter) || isLock && deleter == .committedBefore else {
        return nil
      }
      infomask.insert(.xmaxInvalid)
    }
    var bits = RowLockBits(xmax, isLock ? .share : .noKeyUpdate, isUpdate: !isLock)
    if isShared {
      if deleter == .running { return nil }
      let members = [
        MultiXactMember(xid: cast.lockers, status: .forKeyShare),
        MultiXactMember(xid: xmax, status: isLock ? .forKeyShare : .noKeyUpdate),
      ]
      let multi = try viewer.database.multiXacts.create(members, viewer.builder, viewer.backend) {
        () throws(EngineError) in _ = try viewer.log()
      }
      bits = RowLockBits(multi: multi, members)
    }
    tuple.xmax = bits.xmax
    tuple.infomask = infomask.union(bits.infomask)
    tuple.infomask2 = tuple.infomask2.union(bits.infomask2)
    return setCommand(tuple, writer, deleter, isLock: isLock, isOwnWriter: isOwnWriter, viewer) ? tuple : nil
  }

  /// - Returns: false where the order of commands cannot be.
  private func setCommand(
    _ tuple: HeapTuple, _ writer: Writer, _ deleter: Deleter, isLock: Bool, isOwnWriter: Bool, _ viewer: Session
  ) -> Bool {
    // Inserter and deleter share one number; where both are own it stands for a pair.
    if isOwnWriter, !isLock, deleter == .ownEarlier || deleter == .ownNow {
      if writer == .ownNow, deleter == .ownEarlier { return false }
      tuple.command = writer == .ownNow ? 5 : 0
      let plain = tuple.infomask
      tuple.infomask = plain.subtracting(.comboCommand)
      let (number, isCombo) = viewer.transaction.commands.number(
        deleting: tuple, by: deleter == .ownNow ? 5 : 1, isOwn: true)
      tuple.command = number
      tuple.infomask = isCombo ? plain.union(.comboCommand) : plain
    } else if !isLock, deleter == .ownNow {
      tuple.command = 5
    } else if isOwnWriter {
      tuple.command = writer == .ownNow ? 5 : 0
    } else {
      tuple.command = 1
    }
    return true
  }

  private func check(
    _ tuple: HeapTuple, _ writer: Writer, _ deleter: Deleter, _ kind: Kind, _ viewer: Session
  ) throws {
    let what = Comment("\(writer), \(deleter), \(kind), infomask \(String(tuple.infomask.rawValue, radix: 16))")
    let isUpdate = kind == .update || kind == .sharedUpdate
    let inserts: Set<Writer> = [.committedBefore, .ownEarlier, .ownNested, .frozen]
    let deletes: Set<Deleter> = [.committedBefore, .ownEarlier]
    let isSeen = inserts.contains(writer) && !(isUpdate && deletes.contains(deleter))
    var hints: Infomask = []
    let snapshot = try viewer.snapshot()
    #expect(
      try viewer.visibility.isVisible(tuple, to: snapshot, pageLSN: .invalid, hints: &hints) == isSeen, what)

    // Who changes sees what is committed now.
    let isThere = inserts.contains(writer) || writer == .committedAfter
    let place = TupleIdentifier(BlockNumber(0), 1)
    var expected: Set<Visibility.Changeability> = [.ok]
    if !isThere {
      expected = [.invisible]
    } else if deleter == .running || (kind == .sharedLock) {
      expected = [.held]
    } else if !isUpdate {
      expected = [.ownEarlier, .ownNow].contains(deleter) ? [.held] : [.ok]
    } else {
      switch deleter {
      case .committedBefore, .committedAfter: expected = [.deleted]
      case .ownNow: expected = [.changedBySelf]
      case .ownEarlier: expected = [.invisible]
      case .aborted, .ownRolledBack: expected = kind == .sharedUpdate ? [.held] : [.ok]
      case .none, .running: break
      }
    }
    let found = try viewer.visibility.changeability(
      of: tuple, at: place, command: 5, pageLSN: .invalid, hints: &hints)
    #expect(expected.contains(found), what)

    let status = try viewer.visibility.status(
      of: tuple, horizon: TransactionID(.max / 3), pageLSN: .invalid, hints: &hints)
    switch writer {
    case .aborted, .ownRolledBack: #expect(status == .dead, what)
    case .running: #expect(status == .insertInProgress, what)
    case .ownEarlier, .ownNow, .ownNested:
      let isDeleted = isUpdate && (deleter == .ownEarlier || deleter == .ownNow)
      #expect(status == (isDeleted ? .deleteInProgress : .insertInProgress), what)
    case .committedBefore, .committedAfter, .frozen:
      guard isUpdate else { break }
      switch deleter {
      case .none, .aborted, .ownRolledBack: #expect(status == .live, what)
      case .running, .ownEarlier, .ownNow: #expect(status == .deleteInProgress, what)
      case .committedBefore, .committedAfter: #expect(status == .dead, what)
      }
    }
    // What it says can be noted must not change the answer.
    let old = tuple.infomask
    tuple.infomask.formUnion(hints)
    var more: Infomask = []
    #expect(try viewer.visibility.isVisible(tuple, to: snapshot, pageLSN: .invalid, hints: &more) == isSeen, what)
    tuple.infomask = old
  }
}

extension VisibilityTests.Writer {
  init(_ deleter: VisibilityTests.Deleter) {
    switch deleter {
    case .none, .committedBefore: self = .committedBefore
    case .committedAfter: self = .committedAfter
    case .aborted: self = .aborted
    case .running: self = .running
    case .ownEarlier: self = .ownEarlier
    case .ownNow: self = .ownNow
    case .ownRolledBack: self = .ownRolledBack
    }
  }
}
