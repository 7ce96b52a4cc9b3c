import MillraceStorage
import MillraceTypes

/// Making descriptors from the rows of system tables (PostgreSQL's RelationBuildDesc,
/// src/backend/utils/cache/relcache.c).
extension SessionCatalog {
  /// Reads all about a relation; nil where there is none.
  func readRelation(_ oid: UInt32) throws(EngineError) -> RelationDescriptor? {
    guard let row = try first(CatalogColumns.Class.self, [.oid: .oid(oid)]) else { return nil }
    guard let kind = RelationDescriptor.Kind(rawValue: row[.relkind].byte) else { return nil }
    let temporaryBackend = temporaryBackend(of: row)
    var parts = RelationDescriptor.Parts(
      row: row, temporaryBackend: temporaryBackend, tuple: TupleDescriptor(try readColumns(row), rowType: rowType(row)))
    if kind.hasStorage {
      let locator = try locator(row)
      parts.locator = locator
      if kind != .index {
        parts.heap = try heapRelation(row, locator, temporaryBackend)
      }
    }
    if row[.relhasindex].bool { parts.indexes = try readIndexes(of: oid, parts.tuple.columns) }
    if kind == .table || kind == .foreignTable || kind == .partitionedTable {
      parts.constraints = try rows(CatalogColumns.Constraint.self, [.conrelid: .oid(oid)])
        .compactMap { ConstraintDescriptor($0) }.sorted { $0.name < $1.name }
      let count = parts.tuple.count
      for constraint in parts.constraints where constraint.columns.contains(where: { $0 == -1 || $0 >= count }) {
        throw EngineError(.corrupted, "constraint \"\(constraint.name)\" is about columns that relation \(oid) has not")
      }
    }
    if row[.relhasrules].bool {
      let rules = try rows(CatalogColumns.Rule.self, [.evClass: .oid(oid)])
      parts.definition = rules.first { $0[.rulename].string == "_RETURN" }?[.evAction].string
    }
    return RelationDescriptor(parts)
  }

  /// The rows of another session's temporary table nobody can read here: some are in that session's buffers.
  private func heapRelation(
    _ row: CatalogRow<CatalogColumns.Class>, _ locator: RelationLocator, _ temporaryBackend: UInt32?
  ) throws(EngineError) -> HeapRelation? {
    let oid = row[.oid].oid
    let fillFactor = RelationDescriptor.fillFactor(RelationDescriptor.options(row[.reloptions].strings))
    if let temporaryBackend {
      guard temporaryBackend == session.temporaryBackend else { return nil }
      return try session.requireLocalBuffers().heapRelation(locator, oid: oid, fillFactor: fillFactor)
    }
    return session.database.heapRelation(
      locator, oid: oid, fillFactor: fillFactor,
      isLogged: row[.relpersistence].byte == RelationDescriptor.Persistence.permanent.rawValue)
  }

  private func rowType(_ row: CatalogRow<CatalogColumns.Class>) -> TypeID { TypeID(row[.reltype].oid) }

  /// Where a relation's files are.
  func locator(_ row: CatalogRow<CatalogColumns.Class>) throws(EngineError) -> RelationLocator {
    let (oid, isShared) = (row[.oid].oid, row[.relisshared].bool)
    var number = row[.relfilenode].oid
    if number == 0 {
      guard let mapped = catalog.mapped[oid] else {
        throw EngineError(.corrupted, "relation \(oid) has no file number, neither of its own nor in the relation map")
      }
      number = mapped
    }
    let tablespace = row[.reltablespace].oid
    return RelationLocator(
      tablespace: tablespace != 0 ? tablespace : RelationLocator.defaultTablespace,
      database: isShared ? 0 : catalog.databaseID, relNumber: number)
  }

  // MARK: Columns

  private func readColumns(_ row: CatalogRow<CatalogColumns.Class>) throws(EngineError) -> [ColumnDescriptor] {
    let count = Int(row[.relnatts].integer)
    var attributes = try rows(CatalogColumns.Attribute.self, [.attrelid: row[.oid]])
    attributes.removeAll { $0[.attnum].integer <= 0 }
    attributes.sort { $0[.attnum].integer < $1[.attnum].integer }
    guard attributes.count == count else {
      throw EngineError(
        .corrupted, "pg_attribute has \(attributes.count) columns for relation \(row[.oid].oid) instead of \(count)")
    }
    var columns = attributes.map { Self.column($0) }
    for (index, column) in columns.enumerated()
    where attributes[index][.attnum].integer != Int64(index) + 1 || !column.isStorable {
      throw EngineError(
        .corrupted, "pg_attribute has a column \(index + 1) for relation \(row[.oid].oid) that is not of its type")
    }
    if attributes.contains(where: { $0[.atthasdef].bool }) {
      for row in try rows(CatalogColumns.ColumnDefault.self, [.adrelid: row[.oid]]) {
        let index = Int(row[.adnum].integer) - 1
        if columns.indices.contains(index) { columns[index].defaultExpression = row[.adbin].string }
      }
    }
    return columns
  }

  private static func column(_ row: CatalogRow<CatalogColumns.Attribute>) -> ColumnDescriptor {
    var column = ColumnDescriptor(
      row[.attname].string ?? "", typeID: TypeID(row[.atttypid].oid), length: Int16(row[.attlen].integer),
      isByValue: row[.attbyval].bool,
      alignment: TypeDescriptor.Alignment(rawValue: row[.attalign].byte) ?? .int,
      storage: TypeDescriptor.Storage(rawValue: row[.attstorage].byte) ?? .plain)
    column.typmod = Int32(row[.atttypmod].integer)
    column.compression = ColumnDescriptor.Compression(rawValue: row[.attcompression].byte) ?? .default
    (column.isNotNull, column.hasDefault) = (row[.attnotnull].bool, row[.atthasdef].bool)
    column.identity = ColumnDescriptor.Identity(rawValue: row[.attidentity].byte) ?? .none
    column.generated = ColumnDescriptor.Generated(rawValue: row[.attgenerated].byte) ?? .none
    (column.isDropped, column.isLocal) = (row[.attisdropped].bool, row[.attislocal].bool)
    column.inheritanceCount = Int16(row[.attinhcount].integer)
    column.collation = row[.attcollation].oid
    if row[.atthasmissing].bool, case .bytes(let array) = row[.attmissingval] {
      column.missing = MissingValue.read(array: array, column)
    }
    return column
  }

  // MARK: Indexes

  private func readIndexes(
    of table: UInt32, _ columns: [ColumnDescriptor]
  ) throws(EngineError) -> [IndexDescriptor] {
    var indexes: [IndexDescriptor] = []
    for row in try rows(CatalogColumns.Index.self, [.indrelid: .oid(table)]) where row[.indislive].bool {
      guard let index = try readIndex(row, columns) else { continue }
      indexes.append(index)
    }
    return indexes.sorted { $0.oid < $1.oid }
  }

  /// - Parameter columns: the table's.
  private func readIndex(
    _ row: CatalogRow<CatalogColumns.Index>, _ columns: [ColumnDescriptor]
  ) throws(EngineError) -> IndexDescriptor? {
    guard let relation = try first(CatalogColumns.Class.self, [.oid: row[.indexrelid]]) else { return nil }
    let locator = try locator(relation)
    let numbers = row[.indkey].int16s
    guard (1...IndexTuple.columnCountMax).contains(numbers.count),
      (1...Int64(numbers.count)).contains(row[.indnkeyatts].integer),
      numbers.allSatisfy({ (0...columns.count).contains(Int($0)) })
    else {
      throw EngineError(
        .indexCorrupted, "pg_index has columns for index \"\(relation[.relname].string ?? "")\" that its table has not")
    }
    // Of expressions only the index knows the types.
    let own = numbers.contains(0) ? try readColumns(relation) : []
    let (database, oid, name) = (session.database, relation[.oid].oid, relation[.relname].string ?? "")
    let isLogged = relation[.relpersistence].byte == RelationDescriptor.Persistence.permanent.rawValue
    let backend = temporaryBackend(of: relation)
    let buffers = backend == nil || backend != session.temporaryBackend ? nil : try session.requireLocalBuffers()
    let usableAfter = row[.indcheckxmin].bool ? try writer(of: row) : nil
    return IndexDescriptor(row, relation, locator: locator, usableAfter: usableAfter) { definition in
      if backend != nil { return buffers?.indexTree(locator, oid: oid, name: name, definition) }
      return database.indexTree(locator, oid: oid, name: name, definition, isLogged: isLogged)
    } types: { place in
      let number = Int(numbers[place])
      guard number > 0 else { return own.indices.contains(place) ? Self.keyType(own[place]) : nil }
      return columns.indices.contains(number - 1) ? Self.keyType(columns[number - 1]) : nil
    }
  }

  /// Who wrote a row of `pg_index` as it is; nil where that is long ago.
  private func writer(of row: CatalogRow<CatalogColumns.Index>) throws(EngineError) -> TransactionID? {
    guard let place = row.identifier else { return nil }
    let heap = catalog.table(CatalogColumns.Index.catalog)
    var writer: TransactionID?
    try session.withCatalogSnapshot { snapshot throws(EngineError) in
      let fetcher = try HeapFetcher(heap, session, snapshot: snapshot)
      let tuple = try fetcher.version(at: place)
      // It is on a page that the fetcher keeps pinned.
      withExtendedLifetime(fetcher) {
        if let tuple, !tuple.infomask.isXminFrozen { writer = tuple.xmin }
      }
    }
    return writer
  }

  /// The type by whose order a column is ordered: those that are OIDs in fact are ordered as OIDs.
  static func keyType(_ column: ColumnDescriptor) -> TypeDescriptor? {
    if let type = column.type, type.compare != nil { return type }
    return column.length == 4 && column.isUnsigned && column.typeID != .float4 ? .oid : column.type
  }

  /// An index by its own OID; nil where that is none.
  public func index(_ oid: UInt32) throws(EngineError) -> IndexDescriptor? {
    guard let row = try first(CatalogColumns.Index.self, [.indexrelid: .oid(oid)]) else { return nil }
    guard let table = try first(CatalogColumns.Class.self, [.oid: row[.indrelid]]) else { return nil }
    return try readIndex(row, try readColumns(table))
  }
}

extension MissingValue {
  /// The one element of an array, as `attmissingval` has it (src/backend/catalog/heap.c, SetAttrMissing).
  static func read(array: [UInt8], _ column: ColumnDescriptor) -> MissingValue? {
    array.withByteView { view in
      guard view.count >= 20, view.load(at: 0, as: Int32.self) == 1, view.load(at: 4, as: Int32.self) == 0,
        // Elements begin 24 bytes behind the start of the array's length word, which is not part of the view.
        let value = element(view.from(20), column)
      else { return nil }
      return MissingValue(copying: value, isByValue: column.isByValue)
    }
  }

  private static func element(_ bytes: ByteView, _ column: ColumnDescriptor) -> Datum? {
    switch (column.length, column.isByValue) {
    case (-1, _):
      guard let start = bytes.buffer.baseAddress, let read = Varlena.read(start, limit: bytes.count),
        !read.datum.isToasted
      else { return nil }
      return read.datum
    case (1, true): return bytes.count >= 1 ? Datum(char: bytes[0]) : nil
    case (2, true): return bytes.count >= 2 ? Datum(bytes.load(at: 0, as: Int16.self)) : nil
    case (4, true):
      guard bytes.count >= 4 else { return nil }
      return column.isUnsigned ? Datum(oid: bytes.load(at: 0)) : Datum(bytes.load(at: 0, as: Int32.self))
    case (8, true): return bytes.count >= 8 ? Datum(bytes.load(at: 0, as: Int64.self)) : nil
    case (let length, _):
      return length > 0 && bytes.count >= Int(length) ? Datum(bytes.upTo(Int(length))) : nil
    }
  }

  /// The array that holds a value, without its length word: what `attmissingval` gets.
  static func array(of datum: Datum, _ column: ColumnDescriptor) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(native: Int32(1))
    bytes.append(native: Int32(0))
    bytes.append(native: column.typeID.rawValue)
    bytes.append(native: Int32(1))
    bytes.append(native: Int32(1))
    switch (column.length, column.isByValue) {
    case (-1, _):
      bytes.append(native: UInt32(datum.count + 4) << 2)
      bytes.append(datum.bytes)
    case (1, true): bytes.append(datum.char)
    case (2, true): bytes.append(native: datum.int16)
    case (4, true): bytes.append(native: datum.int32)
    case (8, true): bytes.append(native: datum.int64)
    default: bytes.append(datum.bytes)
    }
    return bytes
  }
}
