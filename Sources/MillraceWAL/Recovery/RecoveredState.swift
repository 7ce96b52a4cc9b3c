public import MillraceStorage

/// What is true of the cluster as a whole, as far as the log has been read: it begins as the checkpoint's record has
/// it, and records change it.
public struct RecoveredState: Sendable, Equatable {
  public var timeline: UInt32
  /// The next transaction, with its epoch in the upper half: behind every one that the log has seen.
  public var nextXID: UInt64
  public var nextOID: OID
  public var nextMultiXact: UInt32
  public var nextMultiXactOffset: UInt32
  public var oldestXID: UInt32
  public var oldestXIDDatabase: OID
  public var oldestMultiXact: UInt32
  public var oldestMultiXactDatabase: OID
  public var fullPageWrites: Bool
  public var settings: ControlFile.Settings
  /// The last checkpoint that the log has a record of, and where that is.
  public internal(set) var lastCheckpoint: ControlFile.Checkpoint
  public internal(set) var lastCheckpointLocation: LogSequenceNumber

  /// - Parameters:
  ///   - checkpoint: that recovery begins from.
  public init(_ checkpoint: ControlFile.Checkpoint, at location: LogSequenceNumber, settings: ControlFile.Settings) {
    timeline = checkpoint.timeline
    (nextXID, nextOID) = (checkpoint.nextXID, checkpoint.nextOID)
    (nextMultiXact, nextMultiXactOffset) = (checkpoint.nextMultiXact, checkpoint.nextMultiXactOffset)
    (oldestXID, oldestXIDDatabase) = (checkpoint.oldestXID, checkpoint.oldestXIDDatabase)
    (oldestMultiXact, oldestMultiXactDatabase) = (checkpoint.oldestMultiXact, checkpoint.oldestMultiXactDatabase)
    fullPageWrites = checkpoint.fullPageWrites
    self.settings = settings
    (lastCheckpoint, lastCheckpointLocation) = (checkpoint, location)
  }

  /// Notes that a transaction exists (PostgreSQL's AdvanceNextFullTransactionIdPastXid).
  /// - Parameter xid: without its epoch; 0 for none.
  @inline(__always) mutating func noteTransaction(_ xid: UInt32) {
    // Those below 3 are not given to transactions.
    guard xid >= 3 else { return }
    let next = UInt32(truncatingIfNeeded: nextXID)
    // In the order of a circle, half of which is the past.
    guard Int32(bitPattern: xid &- next) >= 0 else { return }
    let epoch = nextXID >> 32 + (xid < next ? 1 : 0)
    nextXID = epoch << 32 | UInt64(xid) + 1
    if nextXID & 0xFFFF_FFFF < 3 { nextXID += 3 }
  }

  /// Takes over what a checkpoint's record says. One that was written while the cluster was running is older than
  /// records before it: what it says can be behind what is known.
  mutating func takeOver(
    _ checkpoint: ControlFile.Checkpoint, at location: LogSequenceNumber, isShutdown: Bool
  ) {
    if isShutdown {
      (nextXID, nextOID) = (checkpoint.nextXID, checkpoint.nextOID)
      (nextMultiXact, nextMultiXactOffset) = (checkpoint.nextMultiXact, checkpoint.nextMultiXactOffset)
      (oldestXID, oldestXIDDatabase) = (checkpoint.oldestXID, checkpoint.oldestXIDDatabase)
      (oldestMultiXact, oldestMultiXactDatabase) = (checkpoint.oldestMultiXact, checkpoint.oldestMultiXactDatabase)
    } else {
      // Of OIDs only records NEXTOID tell.
      nextXID = max(nextXID, checkpoint.nextXID)
      if Int32(bitPattern: checkpoint.nextMultiXact &- nextMultiXact) > 0 { nextMultiXact = checkpoint.nextMultiXact }
      if Int32(bitPattern: checkpoint.nextMultiXactOffset &- nextMultiXactOffset) > 0 {
        nextMultiXactOffset = checkpoint.nextMultiXactOffset
      }
      if Int32(bitPattern: checkpoint.oldestXID &- oldestXID) > 0 {
        (oldestXID, oldestXIDDatabase) = (checkpoint.oldestXID, checkpoint.oldestXIDDatabase)
      }
      if Int32(bitPattern: checkpoint.oldestMultiXact &- oldestMultiXact) > 0 {
        (oldestMultiXact, oldestMultiXactDatabase) = (checkpoint.oldestMultiXact, checkpoint.oldestMultiXactDatabase)
      }
    }
    fullPageWrites = checkpoint.fullPageWrites
    (lastCheckpoint, lastCheckpointLocation) = (checkpoint, location)
  }
}
