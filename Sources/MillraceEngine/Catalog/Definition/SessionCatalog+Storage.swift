import MillraceIO
import MillraceStorage
import MillraceTypes
import MillraceWAL

/// The files of relations: made with their transaction, dropped with it (PostgreSQL's src/backend/catalog/storage.c).
extension SessionCatalog {
  /// Makes the first file of a relation, under its OID.
  func createStorage(
    of oid: UInt32, _ persistence: RelationDescriptor.Persistence
  ) throws(EngineError) {
    try createFile(
      RelationLocator(
        tablespace: RelationLocator.defaultTablespace, database: catalog.databaseID, relNumber: oid), persistence)
  }

  private func createFile(
    _ locator: RelationLocator, _ persistence: RelationDescriptor.Persistence
  ) throws(EngineError) {
    switch persistence {
    case .permanent:
      try session.createFork(locator, .main)
      session.noteCreated(locator)
    case .unlogged:
      // After a crash the relation is made again from its initialization fork, of which recovery must know.
      try session.createFork(locator, .main, isLogged: false)
      session.noteCreated(locator)
      try session.createFork(locator, .initialization, durably: true)
    case .temporary:
      do throws(IOError) {
        try session.database.storage.create(locator, backend: session.temporaryBackend)
      } catch {
        throw EngineError(error)
      }
      temporary.noteCreated(locator)
    }
  }

  /// Removes a relation's files when the transaction commits.
  func dropStorage(_ locator: RelationLocator, temporaryBackend: UInt32?) throws(EngineError) {
    if temporaryBackend != nil {
      temporary.noteDropped(locator)
    } else {
      _ = try session.requireTransactionID()
      session.noteDropped(locator)
    }
  }

  /// Gives a relation a new, empty file, in the place of the old one when the transaction commits
  /// (`RelationSetNewRelfilenumber`): TRUNCATE, and whoever writes a table anew.
  ///
  /// Rows that were in the old file are still there for who rolls back. Indexes must be made anew, too.
  /// - Parameter initializesIndex: whether an index gets its first page; not so where it is built at once.
  public func setNewStorage(of oid: UInt32, initializesIndex: Bool = true) throws(EngineError) {
    let relation = try requiredRelation(oid, for: .accessExclusive)
    guard let old = relation.locator else { return }
    guard catalog.mapped[oid] == nil else {
      throw EngineError(.featureNotSupported, "relation \"\(relation.name)\" is mapped and keeps its file")
    }
    let number = try session.allocateOID()
    let new = RelationLocator(tablespace: old.tablespace, database: old.database, relNumber: number)
    try createFile(new, relation.persistence)
    try dropStorage(old, temporaryBackend: relation.temporaryBackend)
    session.statistics.countTruncate(oid, database: old.database, level: session.nestingLevel)
    let isHeap = relation.kind == .table || relation.kind == .toast || relation.kind == .materializedView
    let oldest = session.oldestTransaction
    try updateClass(oid) { row in
      row[.relfilenode] = .oid(number)
      (row[.relpages], row[.reltuples]) = (.int(0), .real(relation.kind == .index ? 0 : -1))
      (row[.relallvisible], row[.relallfrozen]) = (.int(0), .int(0))
      if isHeap { (row[.relfrozenxid], row[.relminmxid]) = (.int(oldest.rawValue), .int(1)) }
    }
    if relation.kind == .index {
      if let row = try first(CatalogColumns.Index.self, [.indexrelid: .oid(oid)]) {
        noteChange(.relation(row[.indrelid].oid))
      }
      try initializeIndex(oid, withFirstPage: initializesIndex)
    }
  }

  /// Empties a table with its indexes and its TOAST table: TRUNCATE.
  public func truncate(_ oid: UInt32) throws(EngineError) {
    let table = try requiredRelation(oid, for: .accessExclusive)
    guard table.kind == .table || table.kind == .toast || table.kind == .materializedView else {
      throw EngineError(.wrongObjectType, "\"\(table.name)\" is not a table")
    }
    try setNewStorage(of: oid)
    for index in table.indexes { try setNewStorage(of: index.oid) }
    if table.toastRelation != 0 { try truncate(table.toastRelation) }
  }

  /// Makes the first page of an index that has none yet.
  func initializeIndex(_ oid: UInt32, withFirstPage: Bool = true) throws(EngineError) {
    guard let tree = try index(oid)?.tree else { return }
    if withFirstPage { try session.initialize(tree) }
    guard let row = try first(CatalogColumns.Class.self, [.oid: .oid(oid)]),
      row[.relpersistence].byte == RelationDescriptor.Persistence.unlogged.rawValue
    else { return }
    try session.initializeFork(of: tree)
  }
}

extension Session {
  /// Makes a fork's first file, and logs that.
  func createFork(
    _ locator: RelationLocator, _ fork: ForkNumber, isLogged: Bool = true, durably: Bool = false
  ) throws(EngineError) {
    let xid = try requireTransactionID()
    do throws(IOError) {
      try database.storage.create(locator, fork, durably: durably)
    } catch {
      throw EngineError(error)
    }
    guard isLogged else { return }
    builder.begin(.storage, info: StorageRecordInfo.create | WALRecordInfo.specialRelationUpdate, xid: xid.rawValue)
    StorageCreateRecord(locator, fork).append(to: builder)
    _ = try log()
  }

  /// Makes the initialization fork of an unlogged index: an index without entries.
  func initializeFork(of tree: BTreeIndex) throws(EngineError) {
    let xid = try requireTransactionID()
    var page = try extend(database.storage.open(tree.locator, .initialization), in: database.pool)
    page.markDirty()
    BTreeMetaPage(allEqualImage: tree.definition.layout.allEqualImage).store(to: BTreePage(page.mutableBytes))
    builder.begin(.xlog, info: XLOGRecordKind.fullPageImage.rawValue, xid: xid.rawValue)
    builder.registerBlock(
      0, tree.locator, .initialization, page.block, page: page.bytes, flags: [.forceImage, .standard])
    try log(&page)
  }

  /// Appends a page to a fork, locked exclusively.
  func extend(_ fork: StoredFork, in pool: BufferPool) throws(EngineError) -> PinnedBuffer {
    do throws(StorageError) {
      var blocks = try pool.extend(fork, by: 1, backend)
      guard let page = blocks.next() else { preconditionFailure("a fork was extended by no pages") }
      return page
    } catch {
      throw EngineError(error)
    }
  }

  /// By which its temporary relations' files are told from others'.
  var temporaryBackend: UInt32 { UInt32(place) }

  /// All transactions before it have ended.
  var oldestTransaction: TransactionID { database.transactions.oldestRunning }

  /// A number for a new object.
  func allocateOID() throws(EngineError) -> UInt32 { try database.allocateOID(self) }
}
