import MillraceIO
import MillraceTypes
public import MillraceStorage

/// How large relations and databases are on disk (src/backend/utils/adt/dbsize.c), and reading relations into memory.
extension SessionCatalog {
  private func fork(_ relation: RelationDescriptor, _ number: ForkNumber) -> StoredFork? {
    guard let locator = relation.locator else { return nil }
    if relation.temporaryBackend != nil {
      // Pages of another session's temporary table are none of ours; the files are counted all the same.
      if let own = session.localBuffers, relation.heap?.pool === own.pool || relation.kind == .index {
        return own.fork(locator, number)
      }
      return session.database.storage.open(locator, number, backend: relation.temporaryBackend)
    }
    return session.database.storage.open(locator, number)
  }

  /// The bytes of one fork; 0 where there is no file.
  public func size(of relation: RelationDescriptor, _ number: ForkNumber = .main) throws(EngineError) -> Int64 {
    guard let fork = fork(relation, number) else { return 0 }
    do throws(IOError) { return Int64(try fork.blockCount()) * Int64(PageLayout.blockSize) } catch {
      throw EngineError(error)
    }
  }

  /// The bytes of all forks.
  public func totalSize(of relation: RelationDescriptor) throws(EngineError) -> Int64 {
    var total: Int64 = 0
    for number in ForkNumber.allCases { total += try size(of: relation, number) }
    return total
  }

  /// A table with its TOAST table and that one's index: `pg_table_size`.
  public func tableSize(of relation: RelationDescriptor) throws(EngineError) -> Int64 {
    var total = try totalSize(of: relation)
    if relation.toastRelation != 0, let toast = try self.relation(relation.toastRelation) {
      total += try totalSize(of: toast)
      total += try indexesSize(of: toast)
    }
    return total
  }

  /// A table's indexes: `pg_indexes_size`.
  public func indexesSize(of relation: RelationDescriptor) throws(EngineError) -> Int64 {
    var total: Int64 = 0
    for index in relation.indexes {
      if let descriptor = try self.relation(index.oid) { total += try totalSize(of: descriptor) }
    }
    return total
  }

  /// Reads a part of a relation through a read stream, in the class of what nobody waits for: `pg_prewarm`.
  /// - Parameters:
  ///   - keepsPages: whether pages are to stay in the buffers; else they only pass through a few.
  ///   - blocks: all unless given.
  /// - Returns: how many pages were read or were there.
  public func prewarm(
    _ relation: RelationDescriptor, _ number: ForkNumber = .main, blocks: Range<UInt32>? = nil, keepsPages: Bool = true
  ) throws(EngineError) -> Int64 {
    guard let fork = fork(relation, number) else { return 0 }
    var pool = session.database.pool
    if relation.temporaryBackend != nil {
      guard let own = session.localBuffers, fork === own.fork(fork.locator, number) else {
        throw EngineError(SQLState("0A000"), "cannot access temporary tables of other sessions")
      }
      pool = own.pool
    }
    let (count, backend): (UInt32, IOBackend)
    do throws(IOError) {
      count = try fork.blockCount()
      backend = try session.database.engine.makeBackend("prewarm", priority: .prewarm, kind: session.backend.kind)
    } catch { throw EngineError(error) }
    defer { backend.close() }
    return try read(fork, blocks ?? 0..<count, pool, backend, keepsPages: keepsPages)
  }

  private func read(
    _ fork: StoredFork, _ blocks: Range<UInt32>, _ pool: BufferPool, _ backend: IOBackend, keepsPages: Bool
  ) throws(EngineError) -> Int64 {
    let configuration = session.database.maintenanceStreamConfiguration
    let ring = keepsPages ? nil : BufferStrategy(bulkReadFor: configuration, pool: pool)
    let stream = ReadStream(
      pool, backend, fork, BlockRange(blocks, isCertain: true), strategy: ring, configuration: configuration)
    var done: Int64 = 0
    while true {
      try session.checkInterrupts()
      do throws(StorageError) {
        guard try stream.next() != nil else { return done }
      } catch { throw EngineError(error) }
      done += 1
    }
  }
}
