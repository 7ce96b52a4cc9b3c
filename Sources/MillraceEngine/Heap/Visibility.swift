import MillraceIO
import MillraceStorage
import MillraceWAL

/// What transactions have to do with tuples: PostgreSQL's src/backend/access/heap/heapam_visibility.c.
///
/// What it finds out about transactions that have ended can be put into the tuple as hint bits, so that nobody needs to
/// look it up again. It says which; whether they can be set now, the caller knows. Used by one session.
struct Visibility {
  let transactions: TransactionManager
  let commitLog: CommitLog
  let multiXacts: MultiXacts
  /// The session's own.
  let own: TransactionState
  let place: Int
  let backend: IOBackend
  let log: WriteAheadLog

  /// The last two answers of the commit log: neighbours mostly have the same transactions.
  private var first = Answer()
  private var second = Answer()

  private struct Answer {
    var xid = TransactionID.invalid
    var hasCommitted = false
    /// Up to where the log must be durable for the commit to be.
    var position = LogSequenceNumber.invalid
  }

  init(
    transactions: TransactionManager, commitLog: CommitLog, multiXacts: MultiXacts, own: TransactionState, place: Int,
    backend: IOBackend, log: WriteAheadLog
  ) {
    (self.transactions, self.commitLog, self.multiXacts, self.own) = (transactions, commitLog, multiXacts, own)
    (self.place, self.backend, self.log) = (place, backend, log)
  }

  @inline(__always) private mutating func answer(_ xid: TransactionID) throws(EngineError) -> Answer {
    if first.xid == xid { return first }
    if second.xid == xid {
      swap(&first, &second)
      return first
    }
    return try look(up: xid)
  }

  @inline(never) private mutating func look(up xid: TransactionID) throws(EngineError) -> Answer {
    let (hasCommitted, position) = try commitLog.commit(of: xid, backend)
    second = first
    first = Answer(xid: xid, hasCommitted: hasCommitted, position: position)
    return first
  }

  /// Whether a transaction that does not run any more has committed. If it did not, it has aborted or ended in a crash.
  mutating func hasCommitted(_ xid: TransactionID) throws(EngineError) -> Bool { try answer(xid).hasCommitted }

  /// Whether it may be said on a page that a transaction has committed: not before that is durable, unless the page
  /// cannot go out before either (`SetHintBits`).
  @inline(__always) mutating func mayHintCommit(
    _ xid: TransactionID, pageLSN: LogSequenceNumber
  ) throws(EngineError) -> Bool {
    let position = try answer(xid).position
    return position <= pageLSN || position <= log.flushedPosition
  }

  // MARK: Multixacts

  func members(_ tuple: HeapTuple) throws(EngineError) -> [MultiXactMember] {
    try multiXacts.members(of: tuple.xmax.rawValue, place, backend)
  }

  /// Who deleted or replaced a tuple, or tried to; invalid where it was only locked (HeapTupleHeaderGetUpdateXid).
  func updater(_ tuple: HeapTuple) throws(EngineError) -> TransactionID {
    let infomask = tuple.infomask
    if !infomask.contains(.xmaxIsMulti) || infomask.contains(.xmaxInvalid) { return tuple.xmax }
    if infomask.isXmaxLockOnly { return .invalid }
    return try members(tuple).first { $0.status.isUpdate }?.xid ?? .invalid
  }

  /// Whether one of those who share a row runs (MultiXactIdIsRunning).
  func isAnyRunning(_ tuple: HeapTuple) throws(EngineError) -> Bool {
    for member in try members(tuple) where own.isOwn(member.xid) || transactions.isRunning(member.xid) { return true }
    return false
  }

  // MARK: Reading

  /// Finds out which tuples of a page a snapshot sees, in one pass.
  /// - Parameters:
  ///   - page: locked in any mode.
  ///   - visible: gets their line pointers' numbers.
  ///   - hints: gets the bits that can be set now, with the numbers.
  /// - Complexity: nothing is allocated once both have room for a page.
  mutating func look(
    at page: UnsafeRawPointer, _ block: BlockNumber, _ snapshot: Snapshot, visible: inout [UInt16],
    hints: inout [(number: UInt16, bits: Infomask)]
  ) throws(EngineError) {
    let view = PageView(page)
    let heap = HeapPage(UnsafeMutableRawPointer(mutating: page), block: block)
    let count = view.itemCount
    if view.header.flags.contains(.allVisible) {
      for number in 1..<count + 1 {
        if try heap.requiredTuple(number) != nil { visible.append(UInt16(number)) }
      }
      return
    }
    let lsn = PageHeader.lsn(of: page)
    for number in 1..<count + 1 {
      guard let tuple = try heap.requiredTuple(number) else { continue }
      var bits: Infomask = []
      if try isVisible(tuple, to: snapshot, pageLSN: lsn, hints: &bits) { visible.append(UInt16(number)) }
      if !bits.isEmpty { hints.append((UInt16(number), bits)) }
    }
  }

  /// Whether a snapshot sees a tuple (`HeapTupleSatisfiesMVCC`).
  /// - Parameters:
  ///   - pageLSN: of the tuple's page.
  ///   - hints: the bits that can be set in it now that this is known.
  @inline(__always) mutating func isVisible(
    _ tuple: HeapTuple, to snapshot: Snapshot, pageLSN: LogSequenceNumber, hints: inout Infomask
  ) throws(EngineError) -> Bool {
    let infomask = tuple.infomask
    if !infomask.contains(.xminCommitted) {
      if infomask.isXminInvalid { return false }
      let xmin = tuple.xmin
      if own.isOwn(xmin) { return try isOwnVisible(tuple, to: snapshot, hints: &hints) }
      if snapshot.isInProgress(xmin) { return false }
      guard try hasCommitted(xmin) else {
        hints.insert(.xminInvalid)
        return false
      }
      if try mayHintCommit(xmin, pageLSN: pageLSN) { hints.insert(.xminCommitted) }
    } else if !infomask.isXminFrozen, snapshot.isInProgress(tuple.xmin) {
      return false
    }
    if infomask.contains(.xmaxInvalid) || infomask.isXmaxLockOnly { return true }
    return try !isDeleted(tuple, infomask, for: snapshot, pageLSN: pageLSN, hints: &hints)
  }

  private mutating func isDeleted(
    _ tuple: HeapTuple, _ infomask: Infomask, for snapshot: Snapshot, pageLSN: LogSequenceNumber,
    hints: inout Infomask
  ) throws(EngineError) -> Bool {
    if infomask.contains(.xmaxIsMulti) {
      let xmax = try updater(tuple)
      guard xmax.isValid else { return false }
      if own.isOwn(xmax) { return own.commands.deleter(of: tuple) < snapshot.command }
      if snapshot.isInProgress(xmax) { return false }
      return try hasCommitted(xmax)
    }
    let xmax = tuple.xmax
    if infomask.contains(.xmaxCommitted) { return !snapshot.isInProgress(xmax) }
    if own.isOwn(xmax) { return own.commands.deleter(of: tuple) < snapshot.command }
    if snapshot.isInProgress(xmax) { return false }
    guard try hasCommitted(xmax) else {
      hints.insert(.xmaxInvalid)
      return false
    }
    if try mayHintCommit(xmax, pageLSN: pageLSN) { hints.insert(.xmaxCommitted) }
    return true
  }

  /// The same for a tuple that the own transaction inserted.
  private func isOwnVisible(
    _ tuple: HeapTuple, to snapshot: Snapshot, hints: inout Infomask
  ) throws(EngineError) -> Bool {
    if own.commands.inserter(of: tuple) >= snapshot.command { return false }
    let infomask = tuple.infomask
    if infomask.contains(.xmaxInvalid) || infomask.isXmaxLockOnly { return true }
    let xmax = try updater(tuple)
    guard own.isOwn(xmax) else {
      // Part of the transaction deleted it and was rolled back.
      if !infomask.contains(.xmaxIsMulti) { hints.insert(.xmaxInvalid) }
      return true
    }
    return own.commands.deleter(of: tuple) >= snapshot.command
  }

  /// Whether nobody will ever see a tuple again, as far as its hint bits tell (`HeapTupleIsSurelyDead`).
  func isSurelyDead(_ tuple: HeapTuple, horizon: TransactionID) -> Bool {
    let infomask = tuple.infomask
    if !infomask.contains(.xminCommitted) { return infomask.isXminInvalid }
    if infomask.contains(.xmaxInvalid) || infomask.isXmaxLockOnly || infomask.contains(.xmaxIsMulti) { return false }
    return infomask.contains(.xmaxCommitted) && tuple.xmax.precedes(horizon)
  }

  // MARK: Changing

  /// Whether a tuple can be changed by a command: PostgreSQL's `TM_Result`.
  enum Changeability: Equatable {
    case ok
    /// The own transaction cannot even see it.
    case invisible
    /// The command itself, or a later one, changed it already.
    case changedBySelf
    /// Another transaction that has committed replaced it by the version that its link leads to.
    case updated
    /// Another transaction that has committed deleted it.
    case deleted
    /// Somebody who still runs holds it, in some way: the own transaction, or others.
    case held
  }

  /// Whether the own transaction can change a tuple (`HeapTupleSatisfiesUpdate`).
  /// - Parameters:
  ///   - place: where the tuple stands. Its page is locked exclusively.
  ///   - hints: as for ``isVisible(_:to:pageLSN:hints:)``.
  mutating func changeability(
    of tuple: HeapTuple, at place: TupleIdentifier, command: UInt32, pageLSN: LogSequenceNumber, hints: inout Infomask
  ) throws(EngineError) -> Changeability {
    let infomask = tuple.infomask
    if !infomask.contains(.xminCommitted) {
      if infomask.isXminInvalid { return .invisible }
      let xmin = tuple.xmin
      if own.isOwn(xmin) { return try ownChangeability(of: tuple, command: command, hints: &hints) }
      if transactions.isRunning(xmin) { return .invisible }
      guard try hasCommitted(xmin) else {
        hints.insert(.xminInvalid)
        return .invisible
      }
      if try mayHintCommit(xmin, pageLSN: pageLSN) { hints.insert(.xminCommitted) }
    }
    if infomask.contains(.xmaxInvalid) { return .ok }
    if infomask.contains(.xmaxIsMulti) {
      return try sharedChangeability(of: tuple, at: place, command: command, hints: &hints)
    }
    let changed: Changeability = tuple.identifier == place ? .deleted : .updated
    if infomask.contains(.xmaxCommitted) { return infomask.isXmaxLockOnly ? .ok : changed }
    let xmax = tuple.xmax
    if own.isOwn(xmax) {
      if infomask.isXmaxLockOnly { return .held }
      return own.commands.deleter(of: tuple) >= command ? .changedBySelf : .invisible
    }
    if transactions.isRunning(xmax) { return .held }
    guard try hasCommitted(xmax), !infomask.isXmaxLockOnly else {
      hints.insert(.xmaxInvalid)
      return .ok
    }
    if try mayHintCommit(xmax, pageLSN: pageLSN) { hints.insert(.xmaxCommitted) }
    return changed
  }

  /// Of a tuple that the own transaction inserted.
  private func ownChangeability(
    of tuple: HeapTuple, command: UInt32, hints: inout Infomask
  ) throws(EngineError) -> Changeability {
    if own.commands.inserter(of: tuple) >= command { return .invisible }
    let infomask = tuple.infomask
    if infomask.contains(.xmaxInvalid) { return .ok }
    let isMulti = infomask.contains(.xmaxIsMulti)
    if infomask.isXmaxLockOnly {
      if isMulti { return try isAnyRunning(tuple) ? .held : .ok }
      return own.isOwn(tuple.xmax) || transactions.isRunning(tuple.xmax) ? .held : .ok
    }
    let xmax = try updater(tuple)
    guard own.isOwn(xmax) else {
      if isMulti { return try isAnyRunning(tuple) ? .held : .ok }
      hints.insert(.xmaxInvalid)
      return .ok
    }
    return own.commands.deleter(of: tuple) >= command ? .changedBySelf : .invisible
  }

  /// Of a tuple that several transactions share.
  private mutating func sharedChangeability(
    of tuple: HeapTuple, at place: TupleIdentifier, command: UInt32, hints: inout Infomask
  ) throws(EngineError) -> Changeability {
    if !tuple.infomask.isXmaxLockOnly {
      let xmax = try updater(tuple)
      if own.isOwn(xmax) { return own.commands.deleter(of: tuple) >= command ? .changedBySelf : .invisible }
      if xmax.isValid, !transactions.isRunning(xmax), try hasCommitted(xmax) {
        return tuple.identifier == place ? .deleted : .updated
      }
    }
    if try isAnyRunning(tuple) { return .held }
    hints.insert(.xmaxInvalid)
    return .ok
  }

  // MARK: Removing

  /// What a tuple is to those who may still want it (`HeapTupleSatisfiesVacuumHorizon`).
  /// - Parameters:
  ///   - horizon: deletions by transactions before it are seen by all.
  ///   - deleter: gets who deleted it, where it is dead or recently dead.
  mutating func status(
    of tuple: HeapTuple, horizon: TransactionID, pageLSN: LogSequenceNumber, hints: inout Infomask
  ) throws(EngineError) -> TupleStatus {
    let infomask = tuple.infomask
    if !infomask.contains(.xminCommitted) {
      if infomask.isXminInvalid { return .dead }
      let xmin = tuple.xmin
      if own.isOwn(xmin) {
        if infomask.contains(.xmaxInvalid) || infomask.isXmaxLockOnly { return .insertInProgress }
        return own.isOwn(try updater(tuple)) ? .deleteInProgress : .insertInProgress
      }
      // Its deleter can only be the same transaction, which is all the same to others.
      if transactions.isRunning(xmin) { return .insertInProgress }
      guard try hasCommitted(xmin) else {
        hints.insert(.xminInvalid)
        return .dead
      }
      if try mayHintCommit(xmin, pageLSN: pageLSN) { hints.insert(.xminCommitted) }
    }
    if infomask.contains(.xmaxInvalid) { return .live }
    if infomask.isXmaxLockOnly {
      let isHeld = infomask.contains(.xmaxIsMulti) ? try isAnyRunning(tuple) : isInProgress(tuple.xmax)
      if !isHeld { hints.insert(.xmaxInvalid) }
      return .live
    }
    let xmax = try updater(tuple)
    if !infomask.contains(.xmaxCommitted) {
      if isInProgress(xmax) { return .deleteInProgress }
      guard xmax.isValid, try hasCommitted(xmax) else {
        let isHeld = infomask.contains(.xmaxIsMulti) ? try isAnyRunning(tuple) : false
        if !isHeld { hints.insert(.xmaxInvalid) }
        return .live
      }
      if !infomask.contains(.xmaxIsMulti), try mayHintCommit(xmax, pageLSN: pageLSN) { hints.insert(.xmaxCommitted) }
    }
    return xmax.precedes(horizon) ? .dead : .recentlyDead
  }

  /// The same for all tuples of a page, by number, with the hint bits that can be set then.
  /// - Parameter page: locked exclusively.
  mutating func statuses(
    on page: HeapPage, horizon: TransactionID, hasHints: inout Bool
  ) throws(EngineError) -> [TupleStatus?] {
    let count = page.editor.itemCount
    let lsn = page.editor.lsn
    var statuses = [TupleStatus?](repeating: nil, count: count + 1)
    for number in 1..<count + 1 {
      guard let tuple = page.tuple(number) else { continue }
      var hints: Infomask = []
      statuses[number] = try status(of: tuple, horizon: horizon, pageLSN: lsn, hints: &hints)
      if !hints.isEmpty {
        tuple.infomask.formUnion(hints)
        hasHints = true
      }
    }
    return statuses
  }

  func isInProgress(_ xid: TransactionID) -> Bool { own.isOwn(xid) || transactions.isRunning(xid) }
}
