import MillraceIO
public import MillraceStorage

/// A session's own buffers, for its temporary relations (PostgreSQL's src/backend/storage/buffer/localbuf.c), with the
/// objects of those relations, which no other session can use.
///
/// It is a pool like the shared one: reads and writes go through streams, are combined, and are executed by whatever
/// the method has for that. Nothing in it is logged, checkpointed, or synced.
final class LocalBuffers {
  let pool: BufferPool
  private let database: Database
  private let temporaryBackend: UInt32
  private var relations: [RelationLocator: HeapRelation] = [:]
  private var indexes: [RelationLocator: BTreeIndex] = [:]
  /// Of all relations that have had pages in the pool.
  private var locators: Set<RelationLocator> = []

  init(_ database: Database, temporaryBackend: UInt32, count: Int) throws(EngineError) {
    (self.database, self.temporaryBackend) = (database, temporaryBackend)
    pool = try database.takeLocalPool(count: count)
  }

  func fork(_ locator: RelationLocator, _ number: ForkNumber = .main) -> StoredFork {
    locators.insert(locator)
    return database.storage.open(locator, number, backend: temporaryBackend)
  }

  func heapRelation(_ locator: RelationLocator, oid: UInt32, fillFactor: Int) -> HeapRelation {
    let fork = fork(locator)
    if let known = relations[locator], known.fork === fork, known.fillFactor == fillFactor { return known }
    let maps = (self.fork(locator, .visibilityMap), self.fork(locator, .freeSpaceMap))
    let made = HeapRelation(
      locator, oid: oid, fork: fork, maps: maps, pool: pool, hasIndexes: true, fillFactor: fillFactor,
      isLogged: false, temporaryBackend: temporaryBackend)
    relations[locator] = made
    return made
  }

  func indexTree(
    _ locator: RelationLocator, oid: UInt32, name: String, _ definition: BTreeIndex.Definition
  ) -> BTreeIndex {
    let fork = fork(locator)
    if let known = indexes[locator], known.fork === fork, known.hasOptions(of: definition) {
      known.setName(name)
      return known
    }
    let made = BTreeIndex(definition, oid: oid, fork: fork, pool: pool, isLogged: false)
    made.setName(name)
    indexes[locator] = made
    return made
  }

  /// Removes what a relation has in memory and on disk.
  func removeFiles(of locator: RelationLocator, _ backend: IOBackend) {
    forget(locator, backend)
    database.storage.unlink(locator, backend: temporaryBackend, by: backend)
  }

  private func forget(_ locator: RelationLocator, _ backend: IOBackend) {
    relations[locator] = nil
    indexes[locator] = nil
    locators.remove(locator)
    for number in ForkNumber.allCases {
      pool.drop(database.storage.open(locator, number, backend: temporaryBackend), backend: backend)
    }
  }

  /// Gives the buffers back. Their relations are gone, or are of no use to anybody: their pages are dropped unwritten.
  func close(_ backend: IOBackend) {
    for locator in locators { forget(locator, backend) }
    database.giveBack(pool)
  }
}

extension Session {
  /// The session's own buffers, made now if it has none yet.
  /// - Throws: ``EngineError`` where there is not so much memory.
  func requireLocalBuffers() throws(EngineError) -> LocalBuffers {
    if let localBuffers { return localBuffers }
    let made = try LocalBuffers(database, temporaryBackend: temporaryBackend, count: temporaryBufferCount)
    localBuffers = made
    return made
  }

  /// How many buffers it has for temporary relations: `temp_buffers`.
  /// - Throws: ``EngineError``: it has used them already; from then on their number is fixed.
  public func setTemporaryBuffers(_ count: Int) throws(EngineError) {
    guard localBuffers == nil || localBuffers?.pool.count == count else {
      throw EngineError(
        .objectNotInPrerequisiteState,
        "\"temp_buffers\" cannot be changed after any temporary tables have been accessed in the session.")
    }
    temporaryBufferCount = count
  }

  /// What its own buffers have done; nil where it has none.
  public var localBufferStatistics: BufferPoolStatistics? { localBuffers?.pool.statistics }
}

extension Database {
  /// A pool for a session: one that another has given back, if there is one of that size.
  ///
  /// Pools are kept until the database goes, because whoever completes the last I/O on one may still be about to leave
  /// it. There are no more of one size than sessions that had that at the same time.
  fileprivate func takeLocalPool(count: Int) throws(EngineError) -> BufferPool {
    let known = localPools.withLock { pools in
      pools.lastIndex { $0.count == count }.map { pools.remove(at: $0) }
    }
    if let known { return known }
    do throws(IOError) {
      return try BufferPool(
        engine: engine, count: count, scope: .local, checksums: pool.checksums, hugePages: .off)
    } catch {
      throw EngineError(error)
    }
  }

  fileprivate func giveBack(_ pool: BufferPool) { localPools.withLock { $0.append(pool) } }
}
