import MillraceIO
import MillraceStorage
import MillraceWAL

/// Making and dropping tables, and inserting log records.
extension Session {
  // MARK: Relations

  /// Makes a table, which is there for good when the transaction commits.
  /// - Throws: ``EngineError``.
  public func createRelation(
    hasIndexes: Bool = false, fillFactor: Int = 100
  ) throws(EngineError) -> HeapRelation {
    let (locator, fork) = try createStorage()
    return database.relation(locator, fork: fork, hasIndexes: hasIndexes, fillFactor: fillFactor)
  }

  /// Makes the files of a relation, which go if the transaction is rolled back.
  func createStorage() throws(EngineError) -> (RelationLocator, StoredFork) {
    let xid = try requireTransactionID()
    let locator = RelationLocator(
      tablespace: RelationLocator.defaultTablespace, database: ClusterLayout.defaultDatabase,
      relNumber: try database.allocateOID(self))
    let fork: StoredFork
    do throws(IOError) { fork = try database.storage.create(locator) } catch { throw EngineError(error) }
    transaction.created.append(locator)
    builder.begin(
      .storage, info: StorageRecordInfo.create | WALRecordInfo.specialRelationUpdate, xid: xid.rawValue)
    builder.appendData(locator.tablespace)
    builder.appendData(locator.database)
    builder.appendData(locator.relNumber)
    builder.appendData(UInt32(ForkNumber.main.rawValue))
    _ = try log()
    return (locator, fork)
  }

  /// Notes files that go if the transaction is rolled back, and files that go if it commits.
  func noteCreated(_ locator: RelationLocator) { transaction.created.append(locator) }
  func noteDropped(_ locator: RelationLocator) { transaction.dropped.append(locator) }

  /// Drops a table when the transaction commits. Nobody else may use it from now on.
  public func drop(_ relation: HeapRelation) throws(EngineError) {
    _ = try requireTransactionID()
    transaction.dropped.append(relation.locator)
  }

  // MARK: Logging

  /// What the session has inserted into the log so far: records, pages' images and bytes.
  public var logUsage: (records: UInt64, images: UInt64, bytes: UInt64) { database.log.usage(of: backend) }

  /// Inserts the record that has been put together. - Returns: its end.
  func log() throws(EngineError) -> LogSequenceNumber {
    do throws(WALError) {
      let end = try database.log.insert(builder, backend: backend).end
      database.checkpoints.note(end)
      return end
    } catch {
      throw database.stop(because: EngineError(error))
    }
  }

  /// The same for a page of a table, whose changes are logged only if a crash is not to lose them.
  func log(_ page: inout PinnedBuffer, of relation: HeapRelation) throws(EngineError) {
    if relation.isLogged { try log(&page) }
  }

  /// Inserts the record that describes a change which has been made to a page, and gives the page its end.
  ///
  /// If that cannot be done the page must never be written out as it is: its position is then one that the log will
  /// never reach.
  func log(_ page: inout PinnedBuffer) throws(EngineError) {
    do throws(EngineError) {
      page.setLSN(try log())
    } catch {
      page.setLSN(LogSequenceNumber(.max))
      throw error
    }
  }
}

/// What the records of the resource manager Storage do (src/include/catalog/storage_xlog.h).
enum StorageRecordInfo {
  static let create: UInt8 = 0x10
}

/// What the records of the resource manager CLOG do.
enum CommitLogRecordInfo {
  static let zeroPage: UInt8 = 0x00
  static let truncate: UInt8 = 0x10
}
