/// What recovery did with the pages that records change.
public struct RecoveryPageStatistics: Sendable, Equatable {
  /// Batches of records that were sorted by page.
  public internal(set) var batches: UInt64 = 0
  /// Pages that were read ahead; that were in the pool; that were made from an image or anew, without being read.
  public internal(set) var read: UInt64 = 0
  public internal(set) var hit: UInt64 = 0
  public internal(set) var made: UInt64 = 0
  /// Pages that were not there, because a later record removes them.
  public internal(set) var absent: UInt64 = 0
  /// Changes of a page beside the first of its batch: for these it was at hand.
  public internal(set) var repeated: UInt64 = 0
}
