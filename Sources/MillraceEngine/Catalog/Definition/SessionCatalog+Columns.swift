public import MillraceTypes

/// Changing the columns of a table (PostgreSQL's src/backend/commands/tablecmds.c).
extension SessionCatalog {
  /// Adds a column. Rows that are there already have ``ColumnDefinition/missing`` in it, or null; where neither is
  /// right, the caller rewrites them.
  /// - Returns: its number, from 0.
  /// - Throws: ``EngineError`` in PostgreSQL's words.
  @discardableResult
  public func addColumn(_ definition: ColumnDefinition, to table: UInt32) throws(EngineError) -> Int {
    let relation = try requiredRelation(table, for: .accessExclusive)
    try Self.checkColumnName(definition.name)
    guard relation.tuple.index(of: definition.name) == nil else {
      throw EngineError(
        .duplicateColumn, "column \"\(definition.name)\" of relation \"\(relation.name)\" already exists")
    }
    guard relation.tuple.count < TupleDescriptor.columnsMax else {
      throw EngineError(.tooManyColumns, "tables can have at most \(TupleDescriptor.columnsMax) columns")
    }
    let index = relation.tuple.count
    try insertAttribute(try descriptor(of: definition), number: index + 1, of: table)
    try updateClass(table) { $0[.relnatts] = .int(index + 1) }
    if let expression = definition.defaultExpression {
      try storeDefault(expression, column: index, of: table)
      try session.advanceCommand()
    }
    if definition.isNotNull { try storeNotNull(column: index, name: definition.notNullName, of: table) }
    try session.advanceCommand()
    try createToastTable(of: table)
    return index
  }

  /// Drops a column: its values stay in rows that are there, and nobody sees them any more.
  /// - Returns: see ``drop(_:_:)``.
  @discardableResult
  public func dropColumn(
    _ name: String, of table: UInt32, _ behavior: DropBehavior
  ) throws(EngineError) -> [String] {
    let index = try columnIndex(name, of: table)
    return try drop([.column(index + 1, of: table)], behavior)
  }

  /// The column's part of ``drop(_:_:)`` (`RemoveAttributeById`).
  func removeColumn(_ number: Int, of table: UInt32) throws(EngineError) {
    try updateAttribute(number - 1, of: table) { row in
      row[.attname] = .text("........pg.dropped.\(number)........")
      row[.atttypid] = .oid(0)
      row[.attisdropped] = .bool(true)
      for column: CatalogColumns.Attribute in [.attnotnull, .atthasdef, .atthasmissing] { row[column] = .bool(false) }
      (row[.attidentity], row[.attgenerated]) = (.char(nil), .char(nil))
      for column: CatalogColumns.Attribute in [
        .attstattarget, .attacl, .attoptions, .attfdwoptions, .attmissingval,
      ] { row[column] = .null }
    }
  }

  public func renameColumn(_ name: String, of table: UInt32, to newName: String) throws(EngineError) {
    let index = try columnIndex(name, of: table)
    let relation = try requiredRelation(table)
    try Self.checkColumnName(newName)
    guard relation.tuple.index(of: newName) == nil else {
      throw EngineError(.duplicateColumn, "column \"\(newName)\" of relation \"\(relation.name)\" already exists")
    }
    try updateAttribute(index, of: table) { $0[.attname] = .text(newName) }
    // Indexes call their columns as the table does.
    for index in relation.indexes {
      for (place, column) in index.columns.enumerated() where column.column == relation.tuple.index(of: name) {
        try updateAttribute(place, of: index.oid) { $0[.attname] = .text(newName) }
      }
    }
  }

  /// Sets or drops a column's default.
  /// - Parameter expression: as SQL; nil for none.
  public func setDefault(_ expression: String?, column name: String, of table: UInt32) throws(EngineError) {
    let index = try columnIndex(name, of: table)
    let relation = try requiredRelation(table)
    let column = relation.tuple.columns[index]
    if column.identity != .none {
      throw EngineError(
        .syntaxError, "column \"\(name)\" of relation \"\(relation.name)\" is an identity column")
    }
    if column.generated != .none {
      throw EngineError(
        .syntaxError, "column \"\(name)\" of relation \"\(relation.name)\" is a generated column")
    }
    for row in try rows(CatalogColumns.ColumnDefault.self, [.adrelid: .oid(table), .adnum: .int(index + 1)]) {
      try drop([.columnDefault(row[.oid].oid)], .restrict)
    }
    if let expression { try storeDefault(expression, column: index, of: table) }
    try session.advanceCommand()
  }

  /// Says that a column has no nulls. That its rows have none the caller has made sure.
  public func setNotNull(column name: String, of table: UInt32, constraint: String? = nil) throws(EngineError) {
    let index = try columnIndex(name, of: table)
    let relation = try requiredRelation(table)
    if relation.tuple.columns[index].isNotNull { return }
    try storeNotNull(column: index, name: constraint, of: table)
    try updateAttribute(index, of: table) { $0[.attnotnull] = .bool(true) }
  }

  public func dropNotNull(column name: String, of table: UInt32) throws(EngineError) {
    let index = try columnIndex(name, of: table)
    let relation = try requiredRelation(table)
    if relation.tuple.columns[index].identity != .none {
      throw EngineError(
        .syntaxError, "column \"\(name)\" of relation \"\(relation.name)\" is an identity column")
    }
    if let key = relation.primaryKey, key.columns.prefix(key.keyCount).contains(where: { $0.column == index }) {
      throw EngineError(.invalidTableDefinition, "column \"\(name)\" is in a primary key")
    }
    if let constraint = relation.constraints.first(where: { $0.kind == .notNull && $0.columns == [index] }) {
      try drop([.constraint(constraint.oid)], .restrict)
    } else {
      try updateAttribute(index, of: table) { $0[.attnotnull] = .bool(false) }
    }
  }

  /// Sets what may be done with a column's long values.
  public func setStorage(
    _ storage: TypeDescriptor.Storage, column name: String, of table: UInt32
  ) throws(EngineError) {
    let index = try columnIndex(name, of: table)
    let column = try requiredRelation(table).tuple.columns[index]
    let type = try requiredType(column.typeID)
    guard storage == .plain || type.storage != .plain else {
      throw EngineError(.featureNotSupported, "column data type \(type.name) can only have storage PLAIN")
    }
    try updateAttribute(index, of: table) { $0[.attstorage] = .byte(storage.rawValue) }
    try createToastTable(of: table)
  }

  public func setCompression(
    _ compression: ColumnDescriptor.Compression, column name: String, of table: UInt32
  ) throws(EngineError) {
    let index = try columnIndex(name, of: table)
    try updateAttribute(index, of: table) { $0[.attcompression] = .byte(compression.rawValue) }
  }

  /// Sets a column's identity, or takes it away.
  public func setIdentity(
    _ identity: ColumnDescriptor.Identity, column name: String, of table: UInt32
  ) throws(EngineError) {
    let index = try columnIndex(name, of: table)
    try updateAttribute(index, of: table) { $0[.attidentity] = .byte(identity.rawValue) }
  }

  /// Gives a column another type. The caller has rewritten the table's rows, or knows that they are the same bytes.
  public func setColumnType(
    _ type: TypeID, typmod: Int32, collation: UInt32? = nil, column name: String, of table: UInt32
  ) throws(EngineError) {
    let index = try columnIndex(name, of: table)
    var definition = ColumnDefinition(name, type, typmod: typmod)
    definition.collation = collation
    let made = try descriptor(of: definition)
    try updateAttribute(index, of: table) { row in
      row[.atttypid] = .oid(made.typeID.rawValue)
      (row[.attlen], row[.atttypmod], row[.attbyval]) = (.int(made.length), .int(typmod), .bool(made.isByValue))
      (row[.attalign], row[.attstorage]) = (.byte(made.alignment.rawValue), .byte(made.storage.rawValue))
      (row[.attcollation], row[.attcompression]) = (.oid(made.collation), .char(nil))
      (row[.atthasmissing], row[.attmissingval]) = (.bool(false), .null)
    }
    try createToastTable(of: table)
  }

  // MARK: Parts

  /// A column of a table that is going to be changed: the table is locked.
  /// - Throws: ``EngineError`` where there is none of that name.
  func columnIndex(_ name: String, of table: UInt32) throws(EngineError) -> Int {
    let relation = try requiredRelation(table, for: .accessExclusive)
    guard let index = relation.tuple.index(of: name) else {
      throw EngineError(
        .undefinedColumn, "column \"\(name)\" of relation \"\(relation.name)\" does not exist")
    }
    return index
  }

  /// - Parameter column: from 0.
  func updateAttribute(
    _ column: Int, of relation: UInt32, _ change: (inout CatalogRow<CatalogColumns.Attribute>) -> Void
  ) throws(EngineError) {
    guard
      var row = try first(
        CatalogColumns.Attribute.self, [.attrelid: .oid(relation), .attnum: .int(column + 1)])
    else {
      throw EngineError(.internalError, "cache lookup failed for attribute \(column + 1) of relation \(relation)")
    }
    change(&row)
    try update(row)
    noteChange(.relation(relation))
    // A table's descriptor has those of its indexes.
    if let index = try first(CatalogColumns.Index.self, [.indexrelid: .oid(relation)]) {
      noteChange(.relation(index[.indrelid].oid))
    }
    try session.advanceCommand()
  }

  /// Stores a column's expression, and that its owner has one.
  /// - Parameter column: from 0.
  func storeDefault(_ expression: String, column: Int, of table: UInt32) throws(EngineError) {
    let oid = try session.allocateOID()
    var row = CatalogRow<CatalogColumns.ColumnDefault>()
    row[.oid] = .oid(oid)
    row[.adrelid] = .oid(table)
    row[.adnum] = .int(column + 1)
    row[.adbin] = .text(expression)
    try insert(row)
    try recordDependency(of: .columnDefault(oid), on: .column(column + 1, of: table), .auto)
    try updateAttribute(column, of: table) { $0[.atthasdef] = .bool(true) }
  }

  /// Notes on what else a column's default depends: sequences, functions.
  public func recordDefaultDependency(
    column: Int, of table: UInt32, on referenced: ObjectAddress
  ) throws(EngineError) {
    let keys: [CatalogColumns.ColumnDefault: CatalogValue] = [.adrelid: .oid(table), .adnum: .int(column + 1)]
    guard let row = try first(CatalogColumns.ColumnDefault.self, keys) else { return }
    try recordDependency(of: .columnDefault(row[.oid].oid), on: referenced, .normal)
    try session.advanceCommand()
  }

  /// The default's part of ``drop(_:_:)``.
  func removeDefault(_ oid: UInt32) throws(EngineError) {
    guard let row = try first(CatalogColumns.ColumnDefault.self, [.oid: .oid(oid)]) else { return }
    try delete(row)
    try updateAttribute(Int(row[.adnum].integer) - 1, of: row[.adrelid].oid) { $0[.atthasdef] = .bool(false) }
  }
}
