import MillraceIO
import MillraceStorage
import MillraceTypes

/// VACUUM (PostgreSQL's vacuum_rel, src/backend/commands/vacuum.c).
extension Session {
  /// Vacuums a table, and then its TOAST table, each in a transaction of its own; puts what that finds out into
  /// `pg_class` and the statistics.
  /// - Parameters:
  ///   - policy: whether to wait for the table.
  ///   - isAutomatic: whether it counts as done in the background.
  /// - Returns: nil where there is no such table (any more), it is of a kind that has no rows of its own, or it cannot
  ///   be had at once and the policy is not to wait.
  /// - Throws: ``EngineError``; what has been done stays.
  @discardableResult
  public func vacuum(
    _ oid: UInt32, _ options: VacuumOptions = VacuumOptions(), _ policy: LockWaitPolicy = .wait,
    isAutomatic: Bool = false, includesToast: Bool = true
  ) throws(EngineError) -> VacuumResult? {
    guard !isInTransaction else {
      throw EngineError(.activeSQLTransaction, "VACUUM cannot run inside a transaction block")
    }
    var toast: UInt32 = 0
    let result = try transaction { session throws(EngineError) -> VacuumResult? in
      guard try session.catalog.lock(oid, .shareUpdateExclusive, policy),
        let relation = try session.catalog.relation(oid), let heap = relation.heap,
        relation.kind == .table || relation.kind == .materializedView || relation.kind == .toast
      else { return nil }
      toast = relation.toastRelation
      return try session.vacuum(relation, heap, options, isAutomatic: isAutomatic)
    }
    if toast != 0, includesToast { try vacuum(toast, options, policy, isAutomatic: isAutomatic) }
    return result
  }

  private func vacuum(
    _ relation: RelationDescriptor, _ heap: HeapRelation, _ options: VacuumOptions, isAutomatic: Bool
  ) throws(EngineError) -> VacuumResult {
    let start = monotonicNanoseconds()
    var options = options
    if let row = try catalog.first(CatalogColumns.Class.self, [.oid: .oid(relation.oid)]) {
      options.oldestXID = TransactionID(row[.relfrozenxid].oid)
      options.oldestMultiXact = row[.relminmxid].oid
    }
    let trees = relation.indexes.compactMap(\.tree)
    // What an index that is not understood leads to must stay where it is.
    if trees.count < relation.indexes.count { options.cleansIndexes = false }
    let result = try HeapVacuum(heap, indexes: trees, self, options).run()
    let known = relation.statistics
    let rows = result.estimatedTuples(
      previousPages: UInt32(bitPattern: known.pages), previousTuples: Double(known.tuples))
    try catalog.storeCounts(
      of: relation.oid,
      RelationCounts(
        pages: result.pages, rows: rows, visible: result.allVisiblePages, frozen: result.allFrozenPages,
        oldestXID: result.oldestXID, oldestMultiXact: result.oldestMultiXact))
    for index in relation.indexes where index.predicate == nil {
      guard let tree = index.tree else { continue }
      try catalog.storeCounts(of: index.oid, RelationCounts(pages: try tree.blockCount(), rows: rows))
    }
    let duration = (monotonicNanoseconds() - start) / 1000
    let now = database.microsecondsSince2000()
    database.statistics.entry(RelationKey(database: heap.locator.database, oid: relation.oid)).update { value in
      (value.liveTuples, value.deadTuples) = (Int64(rows), Int64(result.recentlyDeadTuples))
      value.insertsSinceVacuum = 0
      if isAutomatic {
        value.autovacuums.note(at: now, microseconds: duration)
      } else {
        value.vacuums.note(at: now, microseconds: duration)
      }
    }
    return result
  }

  /// The tables that VACUUM or ANALYZE without names goes through: all of the session's database, system tables
  /// included, but not TOAST tables, which go with theirs, nor other sessions' temporary ones. In a transaction.
  public func tablesToMaintain() throws(EngineError) -> [UInt32] {
    var found: [UInt32] = []
    for row in try catalog.rows(CatalogColumns.Class.self) {
      guard let kind = RelationDescriptor.Kind(rawValue: row[.relkind].byte),
        kind == .table || kind == .materializedView,
        try catalog.relation(row[.oid].oid)?.heap != nil
      else { continue }
      found.append(row[.oid].oid)
    }
    return found.sorted()
  }

  /// Finds out what numbers the session's database still has, and lets go of what none has any more
  /// (vac_update_datfrozenxid).
  /// - Throws: ``EngineError``.
  public func advanceOldestTransaction() throws(EngineError) {
    try transaction { session throws(EngineError) in
      let catalog = session.catalog
      let (xid, multi) = try session.oldestNumbers(
        try catalog.rows(CatalogColumns.Class.self).map { ($0[.relfrozenxid].oid, $0[.relminmxid].oid) })
      guard let xid, let multi else { return }
      try catalog.overwrite(CatalogColumns.Database.self, [.oid: .oid(catalog.catalog.databaseID)]) { row in
        if TransactionID(row[.datfrozenxid].oid).precedes(xid) { row[.datfrozenxid] = .int(xid.rawValue) }
        if Int32(bitPattern: multi &- row[.datminmxid].oid) > 0 { row[.datminmxid] = .int(multi) }
      }
      let databases = try catalog.rows(CatalogColumns.Database.self)
      guard
        let oldest = databases.min(by: {
          TransactionID($0[.datfrozenxid].oid).precedes(TransactionID($1[.datfrozenxid].oid))
        }),
        let oldestMulti = databases.min(by: {
          Int32(bitPattern: $0[.datminmxid].oid &- $1[.datminmxid].oid) < 0
        })
      else { return }
      try session.database.advanceOldest(
        TransactionID(oldest[.datfrozenxid].oid), database: oldest[.oid].oid, multi: oldestMulti[.datminmxid].oid,
        multiDatabase: oldestMulti[.oid].oid, session)
    }
  }

  /// The oldest of the numbers that relations hold; those of relations without rows are 0.
  private func oldestNumbers(
    _ numbers: [(xid: UInt32, multi: UInt32)]
  ) throws(EngineError) -> (xid: TransactionID?, multi: UInt32?) {
    var xid: TransactionID?
    var multi: UInt32?
    for (number, otherMulti) in numbers {
      let other = TransactionID(number)
      if other.isNormal, xid.map({ other.precedes($0) }) ?? true { xid = other }
      if otherMulti != 0, multi.map({ Int32(bitPattern: otherMulti &- $0) < 0 }) ?? true { multi = otherMulti }
    }
    return (xid, multi)
  }
}
