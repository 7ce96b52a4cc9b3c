/// Which transactions' effects a reader sees: PostgreSQL's MVCC snapshot (`SnapshotData`,
/// src/include/utils/snapshot.h).
public struct Snapshot: Sendable, Equatable {
  /// All before it have ended.
  public var xmin: TransactionID
  /// None from it on had begun.
  public var xmax: TransactionID
  /// Those between the two that were running, in order of their numbers.
  public var running: [TransactionID]
  /// The own transaction's number, if it has one, and its commands before this one are seen.
  public var own: TransactionID
  public var command: UInt32

  public init(
    xmin: TransactionID, xmax: TransactionID, running: [TransactionID] = [], own: TransactionID = .invalid,
    command: UInt32 = 0
  ) {
    (self.xmin, self.xmax, self.running, self.own, self.command) = (xmin, xmax, running, own, command)
  }

  /// Whether a transaction had not ended when the snapshot was taken (`XidInMVCCSnapshot`).
  @inlinable public func isInProgress(_ xid: TransactionID) -> Bool {
    if xid.precedes(xmin) { return false }
    if !xid.precedes(xmax) { return true }
    var (low, high) = (0, running.count)
    while low < high {
      let middle = (low + high) / 2
      if running[middle] == xid { return true }
      if running[middle].precedes(xid) { low = middle + 1 } else { high = middle }
    }
    return false
  }
}
