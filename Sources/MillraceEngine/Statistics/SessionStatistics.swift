import MillraceStorage

/// What a session has done in its transaction and not told others yet (PostgreSQL's
/// src/backend/utils/activity/pgstat_relation.c). Used by the session's thread.
///
/// Counting is a compare and an addition where it is the same relation as the last time. Others are told when the
/// transaction ends: then it is known whether what was added lives.
struct SessionStatistics {
  fileprivate struct Entry {
    let shared: SharedRelationStatistics
    var scans: UInt64 = 0
    var returned: UInt64 = 0
    var fetched: UInt64 = 0
    /// Dead rows that pruning has removed.
    var pruned: Int64 = 0
    /// Since the innermost transaction began that has changed the relation, which is that deep.
    var changes = RelationChanges()
    var level = 1
    var outer: [(level: Int, changes: RelationChanges)] = []
    /// Of parts of the transaction that were rolled back.
    var undone = RelationChanges()
    /// Whether the transaction has done anything with it.
    var isTouched = false

    init(_ shared: SharedRelationStatistics) { self.shared = shared }
  }

  /// Relations that are kept in mind from one transaction to the next.
  private static let entriesMax = 500

  private let registry: StatisticsRegistry
  private var entries: [Entry] = []
  private var touched: [Int] = []
  private var places: [RelationKey: Int] = [:]
  private var last = RelationKey(database: 0, oid: 0)
  private var lastPlace = -1
  /// The one before: a nested loop takes turns with two indexes.
  private var former = RelationKey(database: 0, oid: 0)
  private var formerPlace = -1
  /// Relations that the transaction has dropped, and how deep.
  private var dropped: [(key: RelationKey, level: Int)] = []

  init(_ registry: StatisticsRegistry) { self.registry = registry }

  // MARK: Counting

  @inline(__always) private mutating func place(_ database: UInt32, _ oid: UInt32) -> Int {
    if oid == last.oid, database == last.database, lastPlace >= 0 { return lastPlace }
    if oid == former.oid, database == former.database, formerPlace >= 0 {
      swap(&last, &former)
      swap(&lastPlace, &formerPlace)
      return lastPlace
    }
    return find(RelationKey(database: database, oid: oid))
  }

  @inline(never) private mutating func find(_ key: RelationKey) -> Int {
    let place: Int
    if let known = places[key] {
      place = known
    } else {
      place = entries.count
      entries.append(Entry(registry.entry(key)))
      places[key] = place
    }
    if !entries[place].isTouched {
      entries[place].isTouched = true
      touched.append(place)
    }
    (former, formerPlace) = (last, lastPlace)
    (last, lastPlace) = (key, place)
    return place
  }

  @inline(__always) private mutating func change(
    _ relation: HeapRelation, level: Int, _ body: (inout RelationChanges) -> Void
  ) {
    let place = place(relation.locator.database, relation.oid)
    if entries[place].level != level { deepen(place, level) }
    body(&entries[place].changes)
  }

  /// A transaction that is nested deeper changes the relation for the first time.
  @inline(never) private mutating func deepen(_ place: Int, _ level: Int) {
    entries[place].outer.append((entries[place].level, entries[place].changes))
    (entries[place].level, entries[place].changes) = (level, RelationChanges())
  }

  mutating func countInserts(_ count: Int, _ relation: HeapRelation, level: Int) {
    change(relation, level: level) { $0.inserted &+= UInt64(count) }
  }

  mutating func countUpdate(_ relation: HeapRelation, level: Int, isHot: Bool, isNewPage: Bool) {
    change(relation, level: level) { changes in
      changes.updated &+= 1
      if isHot { changes.hotUpdated &+= 1 } else if isNewPage { changes.newPageUpdated &+= 1 }
    }
  }

  mutating func countDelete(_ relation: HeapRelation, level: Int) {
    change(relation, level: level) { $0.deleted &+= 1 }
  }

  /// The relation has been emptied: what was counted before in the same part of the transaction is gone, too.
  mutating func countTruncate(_ oid: UInt32, database: UInt32, level: Int) {
    let place = place(database, oid)
    if entries[place].level != level { deepen(place, level) }
    entries[place].undone.merge(entries[place].changes)
    entries[place].changes = RelationChanges()
    entries[place].changes.isTruncated = true
  }

  mutating func countScan(_ oid: UInt32, _ locator: RelationLocator) {
    entries[place(locator.database, oid)].scans &+= 1
  }

  mutating func countReturned(_ count: Int, _ oid: UInt32, _ locator: RelationLocator) {
    entries[place(locator.database, oid)].returned &+= UInt64(count)
  }

  mutating func countFetched(_ count: Int, _ oid: UInt32, _ locator: RelationLocator) {
    entries[place(locator.database, oid)].fetched &+= UInt64(count)
  }

  mutating func countPruned(_ count: Int, _ relation: HeapRelation) {
    entries[place(relation.locator.database, relation.oid)].pruned &+= Int64(count)
  }

  mutating func noteDropped(_ oid: UInt32, database: UInt32, level: Int) {
    dropped.append((RelationKey(database: database, oid: oid), level))
  }

  // MARK: Ends

  /// The innermost transaction has ended, which was nested that deep.
  mutating func endNested(level: Int, committed: Bool) {
    for place in touched where entries[place].level == level {
      let changes = entries[place].changes
      if let outer = entries[place].outer.popLast() {
        (entries[place].level, entries[place].changes) = outer
      } else {
        (entries[place].level, entries[place].changes) = (1, RelationChanges())
      }
      guard committed else {
        entries[place].undone.merge(changes)
        continue
      }
      if entries[place].level == level - 1 {
        entries[place].absorb(changes)
      } else {
        entries[place].outer.append((entries[place].level, entries[place].changes))
        (entries[place].level, entries[place].changes) = (level - 1, changes)
      }
    }
    if committed {
      for index in dropped.indices where dropped[index].level == level { dropped[index].level = level - 1 }
    } else {
      dropped.removeAll { $0.level >= level }
    }
  }

  /// The transaction has ended, and all that were nested in it: others are told.
  mutating func end(committed: Bool, now: Int64) {
    guard !touched.isEmpty else { return }
    for place in touched {
      let entry = entries[place]
      entries[place] = Entry(entry.shared)
      entry.shared.update { value in
        value.scans += entry.scans
        value.tuplesReturned += entry.returned
        value.tuplesFetched += entry.fetched
        if entry.scans > 0 { value.lastScan = now }
        value.add(entry.undone, committed: false)
        value.add(entry.changes, committed: committed)
        value.deadTuples = max(value.deadTuples - entry.pruned, 0)
      }
    }
    if committed { for (key, _) in dropped { registry.remove(key) } }
    if entries.count > Self.entriesMax || !dropped.isEmpty {
      entries.removeAll(keepingCapacity: true)
      places.removeAll(keepingCapacity: true)
    }
    touched.removeAll(keepingCapacity: true)
    dropped.removeAll(keepingCapacity: true)
    (lastPlace, formerPlace) = (-1, -1)
  }
}

extension SessionStatistics.Entry {
  /// Takes over what a transaction nested in this one has done. Where that emptied the relation, what came before is
  /// gone.
  fileprivate mutating func absorb(_ later: RelationChanges) {
    if later.isTruncated {
      undone.merge(changes)
      changes = later
    } else {
      changes.merge(later)
    }
  }
}

extension Session {
  /// What has been done with a relation of the session's database, its own running transaction not counted.
  public func statistics(of oid: UInt32) -> RelationStatistics? {
    database.statistics(of: oid, in: locker.databaseID)
  }
}
