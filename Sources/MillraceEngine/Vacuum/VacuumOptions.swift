/// How a table is vacuumed: the options of VACUUM and the settings that go with it.
public struct VacuumOptions: Sendable {
  /// Older transactions' numbers are taken out of tuples: `vacuum_freeze_min_age`.
  public var freezeMinAge: UInt32 = 50_000_000
  /// Where the table's oldest number is older than this, all pages are looked at that may hold one:
  /// `vacuum_freeze_table_age`.
  public var freezeTableAge: UInt32 = 150_000_000
  /// The same of multixacts.
  public var multiXactFreezeMinAge: UInt32 = 5_000_000
  public var multiXactFreezeTableAge: UInt32 = 150_000_000
  /// Looks at every page, whatever the visibility map says: DISABLE_PAGE_SKIPPING.
  public var skipsNothing = false
  /// Whether empty pages at the end are given back: TRUNCATE.
  public var truncates = true
  /// Whether entries of dead rows are removed from indexes: INDEX_CLEANUP.
  public var cleansIndexes = true
  /// Bytes for the places of dead rows: `maintenance_work_mem`.
  public var memory = 64 << 20
  /// Buffers of the ring that pages pass through: `vacuum_buffer_usage_limit`; 0 for no ring.
  public var ringBuffers = 256
  /// After work worth ``costLimit``, so many microseconds of sleep: `vacuum_cost_delay`; 0 for none.
  public var costDelay = 0
  public var costLimit = 200
  public var costPageHit = 1
  public var costPageMiss = 2
  public var costPageDirty = 20
  /// The table's oldest numbers, as its catalog has them; invalid and 0 where that is not known.
  public var oldestXID = TransactionID.invalid
  public var oldestMultiXact: UInt32 = 0

  public init() {}

  /// All that can be frozen is: VACUUM (FREEZE).
  public var freezesAll: Bool {
    get { freezeMinAge == 0 }
    set {
      if newValue { (freezeMinAge, freezeTableAge, multiXactFreezeMinAge, multiXactFreezeTableAge) = (0, 0, 0, 0) }
    }
  }
}

/// What a vacuum did, and what the table's catalog rows should say now.
public struct VacuumResult: Sendable, Equatable {
  /// Pages of the table now, and when it began.
  public var pages: UInt32 = 0
  public var pagesBefore: UInt32 = 0
  public var scannedPages: UInt32 = 0
  public var removedPages: UInt32 { pagesBefore - pages }
  /// Pages with something that index entries led to.
  public var pagesWithDeadItems: UInt32 = 0
  public var frozenPages: UInt32 = 0
  /// Pages that somebody else used, so that only a look was possible.
  public var skippedPinnedPages: UInt32 = 0
  public var removedTuples: UInt64 = 0
  public var frozenTuples: UInt64 = 0
  /// Of the scanned pages: rows that are there, and those that are deleted and may still be seen.
  public var liveTuples: UInt64 = 0
  public var recentlyDeadTuples: UInt64 = 0
  public var deadItems: UInt64 = 0
  /// How often the indexes were gone through.
  public var indexScans = 0
  /// `relallvisible`, `relallfrozen`.
  public var allVisiblePages: UInt32 = 0
  public var allFrozenPages: UInt32 = 0
  /// `relfrozenxid`: no tuple holds an older number. Nil where pages were skipped that may.
  public var oldestXID: TransactionID?
  /// `relminmxid`.
  public var oldestMultiXact: UInt32?
  public var isAggressive = false
  public var wasTruncated: Bool { pages < pagesBefore }

  public init() {}

  /// `reltuples`: the rows of the table, where only a part of the pages was scanned (vac_estimate_reltuples).
  /// - Parameters: what the catalog has of the last time; rows are negative where that is not known.
  public func estimatedTuples(previousPages: UInt32, previousTuples: Double) -> Double {
    if scannedPages >= pagesBefore || previousTuples < 0 && scannedPages > 0 && previousPages == 0 {
      return scannedPages >= pagesBefore
        ? Double(liveTuples) : Double(liveTuples) / Double(scannedPages) * Double(pagesBefore)
    }
    // A few pages of a table that has not grown say little.
    if scannedPages == 0 || previousPages == pagesBefore && Double(scannedPages) < Double(pagesBefore) * 0.02 {
      return previousTuples
    }
    if previousTuples < 0 || previousPages == 0 {
      return (Double(liveTuples) / Double(scannedPages) * Double(pagesBefore)).rounded()
    }
    let density = previousTuples / Double(previousPages)
    return (density * Double(pagesBefore - scannedPages) + Double(liveTuples)).rounded()
  }
}

/// What vacuums an index: an access method. On the vacuuming session's thread.
public protocol IndexVacuum: AnyObject {
  /// Removes the entries that lead to dead rows (ambulkdelete). May be called several times for one vacuum.
  /// - Parameters:
  ///   - isDead: whether an entry's place is that of a dead row. Answers without allocating.
  /// - Throws: ``EngineError``; also where it was cancelled, see ``Session/checkInterrupts()``.
  func bulkDelete(_ session: Session, isDead: (TupleIdentifier) -> Bool) throws(EngineError)

  /// Tidies up after the last call of the other, or without one (amvacuumcleanup).
  func cleanUp(_ session: Session) throws(EngineError)
}
