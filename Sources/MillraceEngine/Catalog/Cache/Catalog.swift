import MillraceIO

/// What a database's system tables say, for all sessions: descriptors that have been read and are still true.
///
/// A session looks things up through its ``SessionCatalog``, which keeps what it found and needs no lock as long as
/// nothing changes; on the first look it comes here, and what is not here it reads from the tables.
public final class Catalog: Sendable {
  public let databaseID: UInt32
  public let databaseName: String
  let invalidations = InvalidationQueue()
  /// The system tables' own files, by OID: what has to be known to read any of them.
  let tables: [UInt32: HeapRelation]
  /// Their indexes, by the tables' OIDs.
  let indexes: [UInt32: [Index]]
  /// The file numbers of the relations that `pg_class` does not give one.
  let mapped: [UInt32: UInt32]

  private struct Cache {
    var relations: [UInt32: RelationDescriptor] = [:]
    var statistics: [UInt32: [Int: ColumnStatistics]] = [:]
    var names: [RelationName: UInt32?] = [:]
    var others: [ObjectIdentifier: any Sendable] = [:]
  }

  private let cache = Locked(Cache())

  /// A relation's name in its schema.
  struct RelationName: Hashable, Sendable {
    let namespace: UInt32
    let name: String
  }

  /// An index of a system table.
  struct Index: Sendable {
    let columns: [Int]
    let isUnique: Bool
    let name: String
    let tree: BTreeIndex
  }

  init(
    databaseID: UInt32, databaseName: String, tables: [UInt32: HeapRelation], indexes: [UInt32: [Index]] = [:],
    mapped: [UInt32: UInt32]
  ) {
    (self.databaseID, self.databaseName) = (databaseID, databaseName)
    (self.tables, self.indexes, self.mapped) = (tables, indexes, mapped)
  }

  func table(_ oid: UInt32) -> HeapRelation {
    guard let table = tables[oid] else { preconditionFailure("the system table \(oid) has no file") }
    return table
  }

  // MARK: Looking up

  func relation(_ oid: UInt32) -> RelationDescriptor? { cache.withLock { $0.relations[oid] } }

  func statistics(_ oid: UInt32) -> [Int: ColumnStatistics]? { cache.withLock { $0.statistics[oid] } }

  func name(_ name: RelationName) -> UInt32?? { cache.withLock { $0.names[name] } }

  /// Something else that is read as a whole: by its type.
  func other<Value: Sendable>(_ type: Value.Type) -> Value? {
    cache.withLock { $0.others[ObjectIdentifier(type)] as? Value }
  }

  // MARK: Keeping

  /// Keeps what was read, unless something has been invalidated since the reading began.
  /// - Parameter position: where the queue ended before.
  private func keep(since position: UInt64, _ body: (inout Cache) -> Void) {
    cache.withLock { cache in
      if invalidations.end == position { body(&cache) }
    }
  }

  func keep(_ relation: RelationDescriptor, since position: UInt64) {
    keep(since: position) { $0.relations[relation.oid] = relation }
  }

  func keep(_ statistics: [Int: ColumnStatistics], of oid: UInt32, since position: UInt64) {
    keep(since: position) { $0.statistics[oid] = statistics }
  }

  func keep(_ name: RelationName, _ oid: UInt32?, since position: UInt64) {
    keep(since: position) { $0.names[name] = .some(oid) }
  }

  func keep<Value: Sendable>(_ value: Value, since position: UInt64) {
    keep(since: position) { $0.others[ObjectIdentifier(Value.self)] = value }
  }

  /// Forgets what a transaction has changed that has committed, here and in all sessions.
  func invalidate(_ messages: Set<InvalidationQueue.Message>) {
    guard !messages.isEmpty else { return }
    cache.withLock { cache in
      for message in messages {
        switch message {
        case .relation(let oid): (cache.relations[oid], cache.statistics[oid]) = (nil, nil)
        case .everythingElse: cache.others = [:]
        }
      }
      cache.names = [:]
      // While the cache is locked, so that nobody keeps something in between that was read before.
      invalidations.send(messages)
    }
  }
}
