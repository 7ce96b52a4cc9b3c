import MillraceStorage

/// A snapshot that is used by something that outlives its statement: a cursor, a scan.
public struct SnapshotRegistration: Sendable, Hashable {
  let number: UInt64
}

struct RegisteredSnapshot {
  let number: UInt64
  let xmin: TransactionID
}

/// What a session reads by.
extension Session {
  /// What the running command sees: taken when it first looks; at `repeatableRead` when the transaction first looks.
  /// - Complexity: two loads and a store as long as no transaction has ended since the last was taken.
  public func snapshot() throws(EngineError) -> Snapshot {
    try requireTransaction()
    if var current {
      current.command = transaction.command
      return current
    }
    database.transactions.takeSnapshot(for: place, &shared)
    let snapshot = Snapshot(
      xmin: shared.xmin, xmax: shared.xmax, running: shared.running, command: transaction.command)
    current = snapshot
    return snapshot
  }

  /// Takes a new snapshot whatever the isolation level, for checks that must see what others have committed. It holds
  /// back nothing by itself: to be used at once, or registered.
  public func latestSnapshot() throws(EngineError) -> Snapshot {
    try requireTransaction()
    database.transactions.takeSnapshot(for: place, &shared)
    return Snapshot(xmin: shared.xmin, xmax: shared.xmax, running: shared.running, command: transaction.command)
  }

  /// Lets the next look take a new snapshot: what others have committed since is seen then. At `repeatableRead` nothing
  /// changes.
  public func releaseSnapshot() {
    guard current != nil, transaction.isolation == .readCommitted else { return }
    current = nil
    updateHorizon()
  }

  /// Holds back the removal of what a snapshot sees until ``unregister(_:)``, or the end of the transaction.
  /// - Parameter snapshot: of this session, and its current one, or one that is registered.
  public func register(_ snapshot: Snapshot) -> SnapshotRegistration {
    registered.append(RegisteredSnapshot(number: nextRegistration, xmin: snapshot.xmin))
    nextRegistration += 1
    return SnapshotRegistration(number: nextRegistration - 1)
  }

  public func unregister(_ registration: SnapshotRegistration) {
    guard let index = registered.lastIndex(where: { $0.number == registration.number }) else { return }
    registered.remove(at: index)
    updateHorizon()
  }

  func releaseAllSnapshots() {
    current = nil
    registered.removeAll(keepingCapacity: true)
    database.transactions.setHorizon(nil, of: place)
  }

  /// What it holds back is the oldest of what it still reads by (SnapshotResetXmin).
  private func updateHorizon() {
    var oldest = current?.xmin
    for snapshot in registered {
      if let known = oldest, !snapshot.xmin.precedes(known) { continue }
      oldest = snapshot.xmin
    }
    database.transactions.setHorizon(oldest, of: place)
  }

  /// Whether an index knows all versions of rows that this session may see (`indcheckxmin`).
  public func canUse(_ index: IndexDescriptor) -> Bool {
    guard let xid = index.usableAfter else { return true }
    // Without a snapshot so far it counts what the next one would see.
    let oldest = database.transactions.horizon(of: place) ?? database.transactions.oldestRunning
    return xid.precedes(oldest)
  }

  /// A horizon for pruning: what was deleted before it nobody can see any more. Found out again at most once for each
  /// time that the number of ended transactions has changed.
  /// - Parameter xid: what is to be before it. Where it is before the last one known, that is enough.
  func removalHorizon(beyond xid: TransactionID) -> TransactionID {
    if horizon.isValid, xid.precedes(horizon) { return horizon }
    let count = database.transactions.completionCount
    if !horizon.isValid || count != horizonCompletions {
      horizon = database.transactions.removalHorizon()
      horizonCompletions = count
    }
    return horizon
  }
}
