import MillraceIO

/// What has been done with a table or an index: PostgreSQL's `PgStat_StatTabEntry` (src/include/pgstat.h), from which
/// `pg_stat_user_tables` and `pg_stat_user_indexes` are made. Of an index only the first three have a meaning.
public struct RelationStatistics: Sendable, Equatable {
  /// Scans that were begun: of a table sequential ones (`seq_scan`), of an index all (`idx_scan`).
  public var scans: UInt64 = 0
  /// Rows that they gave back (`seq_tup_read`), or entries (`idx_tup_read`).
  public var tuplesReturned: UInt64 = 0
  /// Of an index: rows that its scans fetched; of a table: rows that bitmaps of its indexes led to. A table's
  /// `idx_tup_fetch` is the sum of its own and its indexes' numbers.
  public var tuplesFetched: UInt64 = 0
  /// Rows, those of transactions that were rolled back included: `n_tup_ins`, `n_tup_upd`, `n_tup_del`,
  /// `n_tup_hot_upd`, `n_tup_newpage_upd`.
  public var inserted: UInt64 = 0
  public var updated: UInt64 = 0
  public var deleted: UInt64 = 0
  public var hotUpdated: UInt64 = 0
  public var newPageUpdated: UInt64 = 0
  /// Estimates: `n_live_tup`, `n_dead_tup`, `n_mod_since_analyze`, `n_ins_since_vacuum`.
  public var liveTuples: Int64 = 0
  public var deadTuples: Int64 = 0
  public var changesSinceAnalyze: Int64 = 0
  public var insertsSinceVacuum: Int64 = 0
  /// Microseconds since 2000; nil for never.
  public var lastScan: Int64?
  public var vacuums = Maintenance()
  public var autovacuums = Maintenance()
  public var analyzes = Maintenance()
  public var autoanalyzes = Maintenance()

  /// How often something was done to it, when last, and how long all of that took.
  public struct Maintenance: Sendable, Equatable {
    public var count: UInt64 = 0
    /// Microseconds since 2000; nil for never.
    public var last: Int64?
    public var totalMicroseconds: UInt64 = 0

    public init() {}

    mutating func note(at time: Int64, microseconds: UInt64) {
      (count, last) = (count + 1, time)
      totalMicroseconds += microseconds
    }
  }

  public init() {}
}

/// What a part of a transaction has done to a relation.
struct RelationChanges {
  var inserted: UInt64 = 0
  var updated: UInt64 = 0
  var deleted: UInt64 = 0
  var hotUpdated: UInt64 = 0
  var newPageUpdated: UInt64 = 0
  /// Whether it was emptied before that.
  var isTruncated = false

  mutating func merge(_ later: RelationChanges) {
    inserted += later.inserted
    updated += later.updated
    deleted += later.deleted
    hotUpdated += later.hotUpdated
    newPageUpdated += later.newPageUpdated
    isTruncated = isTruncated || later.isTruncated
  }
}

extension RelationStatistics {
  /// Adds what a transaction, or a part of one, has done (pgstat_relation_flush_cb).
  mutating func add(_ changes: RelationChanges, committed: Bool) {
    inserted += changes.inserted
    updated += changes.updated
    deleted += changes.deleted
    hotUpdated += changes.hotUpdated
    newPageUpdated += changes.newPageUpdated
    insertsSinceVacuum += Int64(changes.inserted)
    guard committed else {
      // What it has added is of no use to anybody.
      deadTuples += Int64(changes.inserted + changes.updated)
      return
    }
    if changes.isTruncated { (liveTuples, deadTuples, insertsSinceVacuum) = (0, 0, Int64(changes.inserted)) }
    liveTuples = max(liveTuples + Int64(changes.inserted) - Int64(changes.deleted), 0)
    deadTuples += Int64(changes.updated + changes.deleted)
    changesSinceAnalyze += Int64(changes.inserted + changes.updated + changes.deleted)
  }
}

/// Which relation: by its OID, which stays when it gets new files; database 0 for what all databases have in common.
struct RelationKey: Hashable, Sendable {
  let database: UInt32
  let oid: UInt32
}

/// The statistics of one relation, that sessions add to.
final class SharedRelationStatistics: Sendable {
  let key: RelationKey
  private let state = Locked(RelationStatistics())

  init(_ key: RelationKey) { self.key = key }

  var value: RelationStatistics { state.withLock { $0 } }

  func update(_ body: (inout RelationStatistics) -> Void) { state.withLock { body(&$0) } }
}

/// The statistics of all relations that anything has been done with since the database was opened.
final class StatisticsRegistry: Sendable {
  private let relations = Locked<[RelationKey: SharedRelationStatistics]>([:])

  func entry(_ key: RelationKey) -> SharedRelationStatistics {
    relations.withLock { relations in
      if let known = relations[key] { return known }
      let made = SharedRelationStatistics(key)
      relations[key] = made
      return made
    }
  }

  func known(_ key: RelationKey) -> RelationStatistics? { relations.withLock { $0[key] }?.value }

  func remove(_ key: RelationKey) { relations.withLock { _ = $0.removeValue(forKey: key) } }

  func removeDatabase(_ oid: UInt32) { relations.withLock { $0 = $0.filter { $0.key.database != oid } } }

  var all: [SharedRelationStatistics] { relations.withLock { Array($0.values) } }
}

extension Database {
  /// What has been done with a relation since the database was opened; nil where that is nothing.
  /// - Parameters:
  ///   - oid: of a table, an index, a TOAST table.
  ///   - databaseID: that it is in; ignored for what all databases have in common.
  public func statistics(of oid: UInt32, in databaseID: UInt32) -> RelationStatistics? {
    let isShared = SystemCatalog.all[oid]?.isShared == true
    return statistics.known(RelationKey(database: isShared ? 0 : databaseID, oid: oid))
  }

  /// Forgets what has been done with the relations of a database: `pg_stat_reset`.
  public func resetStatistics(ofDatabase oid: UInt32) {
    for entry in statistics.all where entry.key.database == oid { entry.update { $0 = RelationStatistics() } }
  }

  /// The same of one relation: `pg_stat_reset_single_table_counters`.
  public func resetStatistics(of oid: UInt32, in databaseID: UInt32) {
    let isShared = SystemCatalog.all[oid]?.isShared == true
    statistics.entry(RelationKey(database: isShared ? 0 : databaseID, oid: oid)).update { $0 = RelationStatistics() }
  }
}
