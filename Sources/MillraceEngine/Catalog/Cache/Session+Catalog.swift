import MillraceIO
import MillraceStorage

/// Connecting a session to a database of the cluster.
extension Session {
  /// The session's view of the system tables.
  /// - Precondition: it is connected to a database.
  public var catalog: SessionCatalog {
    guard let sessionCatalog else { preconditionFailure("session \(name) is not connected to a database") }
    return sessionCatalog
  }

  public var isConnected: Bool { sessionCatalog != nil }

  /// Connects to a database by its name. To be done once, outside of transactions.
  /// - Throws: ``EngineError`` with PostgreSQL's words: there is no such database, or it takes no connections.
  public func connect(to name: String) throws(EngineError) { try connect([.datname: .text(name)], "\"\(name)\"") }

  /// - Parameter mayBeClosed: connects also to a database that takes no connections.
  func connect(toDatabase oid: UInt32, mayBeClosed: Bool = false) throws(EngineError) {
    try connect([.oid: .oid(oid)], "\(oid)", mayBeClosed: mayBeClosed)
  }

  /// - Parameter name: for messages.
  private func connect(
    _ key: [CatalogColumns.Database: CatalogValue], _ name: String, mayBeClosed: Bool = false
  ) throws(EngineError) {
    precondition(sessionCatalog == nil, "session \(self.name) is connected to a database already")
    try transaction { session throws(EngineError) in
      let shared = SessionCatalog(session, try session.database.sharedCatalog())
      guard let found = try shared.first(CatalogColumns.Database.self, key) else {
        throw EngineError(.undefinedDatabase, "database \(name) does not exist")
      }
      // Until the end of the transaction nobody can drop it, or copy it; then everybody sees that it is in use.
      try session.lock(.object(found[.oid].oid, class: SystemOID.pgDatabase, database: 0), .rowExclusive)
      guard let row = try shared.first(CatalogColumns.Database.self, key), row[.oid] == found[.oid] else {
        throw EngineError(
          .undefinedDatabase, "database \(name) does not exist",
          detail: "It seems to have just been dropped or renamed.")
      }
      guard mayBeClosed || row[.datallowconn].bool else {
        throw EngineError(
          .objectNotInPrerequisiteState, "database \(name) is not currently accepting connections")
      }
      session.sessionCatalog = SessionCatalog(
        session, try session.openCatalog(row[.oid].oid, row[.datname].string ?? ""))
      session.locker.databaseID = row[.oid].oid
    }
  }

  /// The cache of a database, filled with what is needed to read its system tables.
  func openCatalog(_ oid: UInt32, _ name: String) throws(EngineError) -> Catalog {
    if let known = database.catalogs.withLock({ $0[oid] }) { return known }
    let shared = try database.sharedCatalog()
    let map = try database.relationMap("base/\(oid)")
    var tables = shared.tables
    func add(_ catalog: SystemCatalog, _ number: UInt32) {
      let locator = RelationLocator(
        tablespace: RelationLocator.defaultTablespace, database: oid, relNumber: number)
      tables[catalog.oid] = database.heapRelation(locator, oid: catalog.oid)
    }
    for catalog in SystemCatalog.all.values where !catalog.isShared {
      if let number = map.fileNumbers[catalog.oid] { add(catalog, number) }
    }
    guard tables[CatalogColumns.Class.catalog] != nil else {
      throw EngineError(.cluster, "base/\(oid)/\(RelationMap.fileName) does not say where pg_class is")
    }
    // pg_class says where the others are.
    let mapped = map.fileNumbers.merging(shared.mapped) { own, _ in own }
    let reader = SessionCatalog(
      self, Catalog(databaseID: oid, databaseName: name, tables: tables, mapped: mapped))
    var numbers = map.fileNumbers
    for row in try reader.rows(CatalogColumns.Class.self)
    where row[.relfilenode].oid != 0 && row[.oid].oid < SystemOID.firstNormal {
      numbers[row[.oid].oid] = row[.relfilenode].oid
      guard let catalog = SystemCatalog.all[row[.oid].oid], !catalog.isShared else { continue }
      add(catalog, row[.relfilenode].oid)
    }
    let indexes = database.systemIndexes(isShared: false, oid, numbers)
    let made = Catalog(
      databaseID: oid, databaseName: name, tables: tables, indexes: indexes.merging(shared.indexes) { own, _ in own },
      mapped: mapped)
    return database.catalogs.withLock { catalogs in
      if let known = catalogs[oid] { return known }
      catalogs[oid] = made
      return made
    }
  }

  /// Calls `body` with a snapshot of this moment, whatever the running command sees: what system tables are read by.
  func withCatalogSnapshot<Result>(
    _ body: (Snapshot) throws(EngineError) -> Result
  ) throws(EngineError) -> Result {
    let snapshot = try latestSnapshot()
    let registration = register(snapshot)
    defer { unregister(registration) }
    return try body(snapshot)
  }
}

extension Database {
  /// The tables that all databases have in common.
  func sharedCatalog() throws(EngineError) -> Catalog {
    if let known = catalogs.withLock({ $0[0] }) { return known }
    let map = try relationMap("global")
    var tables: [UInt32: HeapRelation] = [:]
    for catalog in SystemCatalog.all.values where catalog.isShared {
      // Those that are not mapped do not move either: their file number is their OID.
      let locator = RelationLocator(
        tablespace: RelationLocator.globalTablespace, database: 0,
        relNumber: map.fileNumbers[catalog.oid] ?? catalog.oid)
      tables[catalog.oid] = heapRelation(locator, oid: catalog.oid)
    }
    let indexes = systemIndexes(isShared: true, 0, map.fileNumbers)
    let made = Catalog(databaseID: 0, databaseName: "", tables: tables, indexes: indexes, mapped: map.fileNumbers)
    return catalogs.withLock { catalogs in
      if let known = catalogs[0] { return known }
      catalogs[0] = made
      return made
    }
  }

  /// The indexes of system tables, by the tables' OIDs.
  /// - Parameter numbers: their file numbers; of those that are not there, that is the OID.
  func systemIndexes(
    isShared: Bool, _ databaseID: UInt32, _ numbers: [UInt32: UInt32]
  ) -> [UInt32: [Catalog.Index]] {
    var indexes: [UInt32: [Catalog.Index]] = [:]
    for catalog in SystemCatalog.all.values where catalog.isShared == isShared {
      indexes[catalog.oid] = catalog.indexes.map { index in
        let locator = RelationLocator(
          tablespace: isShared ? RelationLocator.globalTablespace : RelationLocator.defaultTablespace,
          database: databaseID, relNumber: numbers[index.oid] ?? index.oid)
        return Catalog.Index(
          columns: index.columns, isUnique: index.isUnique, name: index.name,
          tree: indexTree(locator, oid: index.oid, name: index.name, index.definition(catalog.descriptor)))
      }
    }
    return indexes
  }

  func relationMap(_ directory: String) throws(EngineError) -> RelationMap {
    let path = "\(directory)/\(RelationMap.fileName)"
    let bytes: [UInt8]
    do throws(IOError) {
      guard try configuration.fileSystem.exists("\(self.path)/\(path)") else {
        throw IOError(
          .invalidConfiguration, message: "the cluster has no system tables: there is no file \"\(path)\"")
      }
      bytes = try configuration.fileSystem.readAll("\(self.path)/\(path)")
    } catch {
      throw EngineError(error.code == .invalidConfiguration ? .cluster : .io, error.description)
    }
    guard let map = RelationMap(parsing: bytes) else {
      throw EngineError(.corrupted, "relation mapping file \"\(path)\" contains invalid data")
    }
    return map
  }
}
