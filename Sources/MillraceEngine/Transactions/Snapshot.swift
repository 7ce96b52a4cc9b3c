/// Which transactions' effects a reader sees: PostgreSQL's MVCC snapshot (`SnapshotData`,
/// src/include/utils/snapshot.h).
///
/// A value: a cursor keeps one of its own. The session that it was taken in must hold back the removal of what it sees
/// for as long as it is used, see ``Session/register(_:)``.
public struct Snapshot: Sendable, Equatable {
  /// All before it have ended.
  public var xmin: TransactionID
  /// None from it on had ended.
  public var xmax: TransactionID
  /// Those between the two that were running, in order of their numbers, nested ones and the reader's own included:
  /// whether a number is the reader's own is asked first.
  public var running: [TransactionID]
  /// The reader's own commands before this one are seen.
  public var command: UInt32

  public init(
    xmin: TransactionID, xmax: TransactionID, running: [TransactionID] = [], command: UInt32 = 0
  ) {
    (self.xmin, self.xmax, self.running, self.command) = (xmin, xmax, running, command)
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
