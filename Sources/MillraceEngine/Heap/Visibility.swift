import MillraceIO
import MillraceStorage

/// What transactions have to do with tuples: PostgreSQL's src/backend/access/heap/heapam_visibility.c.
///
/// What it finds out about transactions that have ended can be put into the tuple as hint bits, so that nobody needs to
/// look it up again. It says which; whether they can be set now, the caller knows. Used by one session.
struct Visibility {
  let transactions: TransactionManager
  let commitLog: CommitLog
  let backend: IOBackend
  /// Up to where the log is durable.
  let flushedPosition: () -> LogSequenceNumber
  /// The last answer of the commit log: neighbours mostly have the same transaction.
  private var cached: (xid: TransactionID, hasCommitted: Bool) = (.invalid, false)

  init(
    transactions: TransactionManager, commitLog: CommitLog, backend: IOBackend,
    flushedPosition: @escaping () -> LogSequenceNumber
  ) {
    (self.transactions, self.commitLog, self.backend) = (transactions, commitLog, backend)
    self.flushedPosition = flushedPosition
  }

  /// Whether a transaction that does not run any more has committed. If it did not, it has aborted or ended in a crash.
  mutating func hasCommitted(_ xid: TransactionID) throws(EngineError) -> Bool {
    if cached.xid == xid { return cached.hasCommitted }
    let hasCommitted = try commitLog.status(of: xid, backend) == .committed
    cached = (xid, hasCommitted)
    return hasCommitted
  }

  /// Whether it may be said on a page that a transaction has committed: not before that is durable, unless the page
  /// cannot go out before either (`SetHintBits`).
  func mayHintCommit(_ xid: TransactionID, pageLSN: LogSequenceNumber) throws(EngineError) -> Bool {
    let position = try commitLog.position(of: xid, backend)
    return position <= flushedPosition() || position <= pageLSN
  }

  // MARK: Reading

  /// Whether a snapshot sees a tuple (`HeapTupleSatisfiesMVCC`).
  /// - Parameters:
  ///   - pageLSN: of the tuple's page.
  ///   - hints: the bits that can be set in it now that this is known.
  mutating func isVisible(
    _ tuple: HeapTuple, to snapshot: Snapshot, _ commands: CommandLog, pageLSN: LogSequenceNumber,
    hints: inout Infomask
  ) throws(EngineError) -> Bool {
    let infomask = tuple.infomask
    if !infomask.contains(.xminCommitted) {
      if infomask.isXminInvalid { return false }
      let xmin = tuple.xmin
      if xmin == snapshot.own, xmin.isValid { return isOwnVisible(tuple, to: snapshot, commands) }
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
    let xmax = tuple.xmax
    if infomask.contains(.xmaxCommitted) { return snapshot.isInProgress(xmax) }
    if xmax == snapshot.own { return commands.deleter(of: tuple) >= snapshot.command }
    if snapshot.isInProgress(xmax) { return true }
    guard try hasCommitted(xmax) else {
      hints.insert(.xmaxInvalid)
      return true
    }
    if try mayHintCommit(xmax, pageLSN: pageLSN) { hints.insert(.xmaxCommitted) }
    return false
  }

  /// The same for a tuple that the own transaction inserted.
  private func isOwnVisible(_ tuple: HeapTuple, to snapshot: Snapshot, _ commands: CommandLog) -> Bool {
    if commands.inserter(of: tuple) >= snapshot.command { return false }
    if tuple.infomask.contains(.xmaxInvalid) || tuple.infomask.isXmaxLockOnly { return true }
    return tuple.xmax != snapshot.own || commands.deleter(of: tuple) >= snapshot.command
  }

  // MARK: Changing

  /// Whether a tuple can be changed by a command: PostgreSQL's `TM_Result`.
  enum Changeability: Equatable {
    case ok
    /// The own transaction cannot even see it.
    case invisible
    /// An earlier look of the same command changed it already.
    case changedBySelf
    /// Another transaction that has committed was first.
    case changed
    /// Another transaction has changed it and still runs.
    case beingChanged(by: TransactionID)
  }

  /// Whether the own transaction can change a tuple (`HeapTupleSatisfiesUpdate`). The page is locked exclusively.
  mutating func changeability(
    of tuple: HeapTuple, own: TransactionID, command: UInt32, _ commands: CommandLog
  ) throws(EngineError) -> Changeability {
    let infomask = tuple.infomask
    if !infomask.contains(.xminCommitted) {
      if infomask.isXminInvalid { return .invisible }
      if tuple.xmin == own, own.isValid {
        if commands.inserter(of: tuple) >= command { return .invisible }
        if infomask.contains(.xmaxInvalid) || infomask.isXmaxLockOnly || tuple.xmax != own { return .ok }
        return commands.deleter(of: tuple) >= command ? .changedBySelf : .invisible
      }
      if transactions.isRunning(tuple.xmin) { return .invisible }
      guard try hasCommitted(tuple.xmin) else { return .invisible }
    }
    if infomask.contains(.xmaxInvalid) { return .ok }
    if infomask.contains(.xmaxCommitted) { return infomask.isXmaxLockOnly ? .ok : .changed }
    let xmax = tuple.xmax
    if xmax == own {
      if infomask.isXmaxLockOnly { return .ok }
      return commands.deleter(of: tuple) >= command ? .changedBySelf : .invisible
    }
    if transactions.isRunning(xmax) { return .beingChanged(by: xmax) }
    if infomask.isXmaxLockOnly { return .ok }
    return try hasCommitted(xmax) ? .changed : .ok
  }

  // MARK: Removing

  /// What a tuple is to those who may still want it (`HeapTupleSatisfiesVacuum`).
  /// - Parameter horizon: deletions by transactions before it are seen by all.
  mutating func status(
    of tuple: HeapTuple, own: TransactionID, horizon: TransactionID, pageLSN: LogSequenceNumber, hints: inout Infomask
  ) throws(EngineError) -> TupleStatus {
    let infomask = tuple.infomask
    if !infomask.contains(.xminCommitted) {
      if infomask.isXminInvalid { return .dead }
      let xmin = tuple.xmin
      if transactions.isRunning(xmin) {
        let isDeleted = !infomask.contains(.xmaxInvalid) && !infomask.isXmaxLockOnly
        return xmin == own && isDeleted && tuple.xmax == own ? .deleteInProgress : .insertInProgress
      }
      guard try hasCommitted(xmin) else {
        hints.insert(.xminInvalid)
        return .dead
      }
      if try mayHintCommit(xmin, pageLSN: pageLSN) { hints.insert(.xminCommitted) }
    }
    if infomask.contains(.xmaxInvalid) || infomask.isXmaxLockOnly { return .live }
    let xmax = tuple.xmax
    if !infomask.contains(.xmaxCommitted) {
      if transactions.isRunning(xmax) { return .deleteInProgress }
      guard try hasCommitted(xmax) else {
        hints.insert(.xmaxInvalid)
        return .live
      }
      if try mayHintCommit(xmax, pageLSN: pageLSN) { hints.insert(.xmaxCommitted) }
    }
    return xmax.precedes(horizon) ? .dead : .recentlyDead
  }
}
