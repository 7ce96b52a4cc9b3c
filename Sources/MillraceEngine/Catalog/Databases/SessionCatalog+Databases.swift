import MillraceIO
import MillraceStorage
import MillraceTypes
import MillraceWAL

/// Making and dropping databases (PostgreSQL's src/backend/commands/dbcommands.c).
extension SessionCatalog {
  /// Makes a database as a copy of another, of which the log knows every page: PostgreSQL's strategy `WAL_LOG`.
  /// - Parameters:
  ///   - template: a database that nobody else is connected to.
  /// - Returns: its OID.
  /// - Throws: ``EngineError`` in PostgreSQL's words.
  @discardableResult
  public func createDatabase(
    _ name: String, template: String = "template1", owner: UInt32? = nil
  ) throws(EngineError) -> UInt32 {
    if try database(named: name) != nil {
      throw EngineError(.duplicateDatabase, "database \"\(name)\" already exists")
    }
    guard let source = try database(named: template) else {
      throw EngineError(.undefinedDatabase, "template database \"\(template)\" does not exist")
    }
    try lockDatabase(source[.oid].oid, .share)
    try requireUnused(source[.oid].oid, "source database \"\(template)\"")
    let oid = try session.allocateOID()
    try lockDatabase(oid, .accessExclusive)
    var row = CatalogRow<CatalogColumns.Database>(source.values)
    row[.oid] = .oid(oid)
    row[.datname] = .text(name)
    row[.datdba] = .oid(owner ?? currentUser)
    row[.datistemplate] = .bool(false)
    row[.datallowconn] = .bool(true)
    row[.datacl] = .null
    try insert(row)
    try session.advanceCommand()
    createdDatabases.append(oid)
    try session.copyDatabase(source[.oid].oid, template, to: oid)
    return oid
  }

  /// Drops a database that nobody is connected to. Its files go when the transaction commits.
  /// - Throws: ``EngineError`` in PostgreSQL's words.
  public func dropDatabase(_ name: String) throws(EngineError) {
    guard let row = try database(named: name) else {
      throw EngineError(.undefinedDatabase, "database \"\(name)\" does not exist")
    }
    let oid = row[.oid].oid
    guard !row[.datistemplate].bool else {
      throw EngineError(.wrongObjectType, "cannot drop a template database")
    }
    guard oid != catalog.databaseID else {
      throw EngineError(.objectInUse, "cannot drop the currently open database")
    }
    try lockDatabase(oid, .accessExclusive)
    try requireUnused(oid, "database \"\(name)\"")
    try delete(row)
    try session.advanceCommand()
    droppedDatabases.append(oid)
  }

  public func renameDatabase(_ name: String, to newName: String) throws(EngineError) {
    guard var row = try database(named: name) else {
      throw EngineError(.undefinedDatabase, "database \"\(name)\" does not exist")
    }
    if try database(named: newName) != nil {
      throw EngineError(.duplicateDatabase, "database \"\(newName)\" already exists")
    }
    guard row[.oid].oid != catalog.databaseID else {
      throw EngineError(.featureNotSupported, "current database cannot be renamed")
    }
    try lockDatabase(row[.oid].oid, .accessExclusive)
    try requireUnused(row[.oid].oid, "database \"\(name)\"")
    row[.datname] = .text(newName)
    try update(row)
    try session.advanceCommand()
  }

  private func database(named name: String) throws(EngineError) -> CatalogRow<CatalogColumns.Database>? {
    try first(CatalogColumns.Database.self, [.datname: .text(name)])
  }

  private func lockDatabase(_ oid: UInt32, _ mode: LockMode) throws(EngineError) {
    try session.lock(.object(oid, class: SystemOID.pgDatabase, database: 0), mode)
  }

  private func requireUnused(_ oid: UInt32, _ words: String) throws(EngineError) {
    let count = try session.database.users(ofDatabase: oid, except: session)
    guard count > 0 else { return }
    throw EngineError(
      .objectInUse, "\(words) is being accessed by other users",
      detail: count == 1
        ? "There is 1 other session using the database." : "There are \(count) other sessions using the database.")
  }
}

extension Session {
  /// Copies all relations of a database into a new one.
  fileprivate func copyDatabase(_ source: UInt32, _ name: String, to target: UInt32) throws(EngineError) {
    let files = DatabaseFiles(database.configuration.fileSystem, directory: database.path)
    let from = SessionCatalog(self, try openCatalog(source, name))
    do throws(IOError) { try files.make(target) } catch { throw EngineError(error) }
    builder.begin(
      .database, info: DatabaseResourceManager.createInfo, xid: try requireTransactionID().rawValue)
    builder.appendData(target)
    builder.appendData(RelationLocator.defaultTablespace)
    _ = try log()
    try copyMap(source, to: target, files)
    for row in try from.rows(CatalogColumns.Class.self) {
      guard let kind = RelationDescriptor.Kind(rawValue: row[.relkind].byte), kind.hasStorage,
        !row[.relisshared].bool,
        let persistence = RelationDescriptor.Persistence(rawValue: row[.relpersistence].byte),
        persistence != .temporary
      else { continue }
      let old = try from.locator(row)
      var new = old
      new.database = target
      try copyRelation(old, to: new, isLogged: persistence == .permanent)
    }
  }

  private func copyMap(_ source: UInt32, to target: UInt32, _ files: DatabaseFiles) throws(EngineError) {
    let map = try database.relationMap("base/\(source)")
    let bytes = map.encoded()
    builder.begin(
      .relationMap, info: RelationMapResourceManager.updateInfo, xid: try requireTransactionID().rawValue)
    builder.appendData(target)
    builder.appendData(RelationLocator.defaultTablespace)
    builder.appendData(UInt32(bytes.count))
    bytes.withBytes { builder.appendData(copying: $0) }
    let end = try log()
    // Who finds the file must find the record.
    try database.flushLog(upTo: end, backend)
    do throws(IOError) { try files.write(map, of: target) } catch { throw EngineError(error) }
  }

  /// Copies a relation's forks; of one that is not logged, recovery gets the initialization fork alone.
  private func copyRelation(
    _ source: RelationLocator, to target: RelationLocator, isLogged: Bool
  ) throws(EngineError) {
    for number in ForkNumber.allCases {
      do throws(IOError) {
        guard try database.storage.exists(source, number) else { continue }
      } catch {
        throw EngineError(error)
      }
      let isForkLogged = isLogged || number == .initialization
      try createFork(target, number, isLogged: isForkLogged)
      try copyFork(source, to: target, number, isLogged: isForkLogged)
    }
  }

  /// Copies a fork through a stream that reads ahead and one that writes behind, as PostgreSQL does
  /// (RelationCopyStorageUsingBuffer, src/backend/storage/buffer/bufmgr.c).
  private func copyFork(
    _ source: RelationLocator, to target: RelationLocator, _ number: ForkNumber, isLogged: Bool
  ) throws(EngineError) {
    let (pool, old) = (database.pool, database.storage.open(source, number))
    let new = database.storage.open(target, number)
    let count: UInt32
    do throws(IOError) { count = try old.blockCount() } catch { throw EngineError(error) }
    let configuration = database.readStreamConfiguration
    let reader = ReadStream(
      pool, backend, old, BlockRange(0..<count, isCertain: true),
      strategy: BufferStrategy(bulkReadFor: configuration, pool: pool), configuration: configuration)
    let strategy = BufferStrategy(bulkWriteIn: pool)
    let writer = WriteStream(pool, backend, configuration: database.bulkWriteConfiguration)
    var copies: ExtendedBlocks?
    var done: UInt32 = 0
    while true {
      try checkInterrupts()
      var next: PinnedBuffer?
      do throws(StorageError) { next = try reader.next() } catch { throw EngineError(error) }
      guard var page = next.take() else { break }
      var given = copies?.next()
      if given == nil {
        do throws(StorageError) {
          copies = try pool.extend(new, by: Int(min(32, count - done)), backend, strategy: strategy)
        } catch {
          throw EngineError(error)
        }
        given = copies?.next()
      }
      guard var copy = given.take() else { preconditionFailure("a fork was extended by no pages") }
      precondition(copy.block == page.block, "the blocks of a copy do not come in the order of the original's")
      if copy.lockMode == nil { copy.lock(.exclusive, backend: backend) }
      page.lock(.share, backend: backend)
      copy.markDirty()
      copy.mutableBytes.copyMemory(from: page.bytes, byteCount: PageLayout.blockSize)
      page.unlock()
      if isLogged { try logCopy(&copy, target, number) }
      writer.add(copy)
      done += 1
    }
    do throws(StorageError) { try writer.finish() } catch { throw EngineError(error) }
  }

  private func logCopy(
    _ page: inout PinnedBuffer, _ locator: RelationLocator, _ fork: ForkNumber
  ) throws(EngineError) {
    // A page without a header is all zeros, and so has no hole that could be left out; nor has one of the free space
    // map, whose header says nothing of what is used.
    let isStandard = fork != .freeSpaceMap && fork != .visibilityMap && !PageView(page.bytes).isNew
    builder.begin(.xlog, info: XLOGRecordKind.fullPageImage.rawValue, xid: transactionID?.rawValue ?? 0)
    builder.registerBlock(
      0, locator, fork, page.block, page: page.bytes, flags: isStandard ? [.forceImage, .standard] : .forceImage)
    try log(&page)
  }
}

extension Database {
  /// How many sessions besides one's own are connected to a database (CountOtherDBBackends). Those that vacuum in the
  /// background are sent away; others may be about to leave. All are waited for, for five seconds at most.
  fileprivate func users(ofDatabase oid: UInt32, except session: Session) throws(EngineError) -> Int {
    let begin = monotonicNanoseconds()
    while true {
      let others = locks.lockers.filter { $0.databaseID == oid && $0.processID != 0 && $0.place != session.place }
      if others.isEmpty || monotonicNanoseconds() - begin > 5_000_000_000 { return others.count }
      for other in others where other.background != .none { other.raise(.terminate) }
      session.locker.latch.reset()
      try session.checkInterrupts()
      session.locker.latch.wait(10_000_000)
    }
  }

  /// Removes a database that has been dropped: its pages, and then its directory. What goes wrong leaves files behind.
  func removeDatabase(_ oid: UInt32, _ session: Session) {
    catalogs.withLock { _ = $0.removeValue(forKey: oid) }
    statistics.removeDatabase(oid)
    let files = DatabaseFiles(configuration.fileSystem, directory: path)
    guard let numbers = try? files.relationNumbers(of: oid) else { return }
    session.builder.begin(
      .database, info: DatabaseResourceManager.dropInfo | WALRecordInfo.specialRelationUpdate)
    session.builder.appendData(oid)
    session.builder.appendData(1 as UInt32)
    session.builder.appendData(RelationLocator.defaultTablespace)
    guard let end = try? session.log(), (try? flushLog(upTo: end, session.backend)) != nil else { return }
    for number in numbers {
      let locator = RelationLocator(
        tablespace: RelationLocator.defaultTablespace, database: oid, relNumber: number)
      removeFiles(of: locator, session.backend, isFinal: true)
    }
    try? files.remove(oid)
  }
}
