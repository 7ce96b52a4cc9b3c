import MillraceStorage
import MillraceTypes

/// Making and dropping tables (PostgreSQL's src/backend/catalog/heap.c, heap_create_with_catalog).
extension SessionCatalog {
  /// Makes a table with its constraints, their indexes and its TOAST table. It is there for others when the transaction
  /// commits.
  /// - Returns: its OID.
  /// - Throws: ``EngineError`` in PostgreSQL's words.
  @discardableResult
  public func createTable(_ definition: TableDefinition) throws(EngineError) -> UInt32 {
    var columns: [ColumnDescriptor] = []
    var names: Set<String> = []
    guard definition.columns.count <= TupleDescriptor.columnsMax else {
      throw EngineError(.tooManyColumns, "tables can have at most \(TupleDescriptor.columnsMax) columns")
    }
    for column in definition.columns {
      try Self.checkColumnName(column.name)
      guard names.insert(column.name).inserted else {
        throw EngineError(.duplicateColumn, "column \"\(column.name)\" specified more than once")
      }
      columns.append(try descriptor(of: column))
    }
    let oid = try createRelation(
      RelationPlan(
        name: definition.name, namespace: definition.namespace, kind: .table, persistence: definition.persistence,
        columns: columns, options: definition.options))
    for (index, column) in definition.columns.enumerated() {
      if let expression = column.defaultExpression {
        try storeDefault(expression, column: index, of: oid)
      }
    }
    try session.advanceCommand()
    for (index, column) in definition.columns.enumerated() where column.isNotNull {
      try storeNotNull(column: index, name: column.notNullName, of: oid)
    }
    try session.advanceCommand()
    for constraint in definition.constraints { try addConstraint(constraint, to: oid) }
    try createToastTable(of: oid)
    if definition.persistence == .temporary { temporary.noteTable(oid, definition.onCommit) }
    return oid
  }

  private static let systemColumnNames: Set<String> = ["ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"]

  static func checkColumnName(_ name: String) throws(EngineError) {
    guard !systemColumnNames.contains(name) else {
      throw EngineError(.duplicateColumn, "column name \"\(name)\" conflicts with a system column name")
    }
  }

  /// A column as its tuples will have it.
  func descriptor(of definition: ColumnDefinition) throws(EngineError) -> ColumnDescriptor {
    let type = try requiredType(definition.type)
    if type.kind == "p" {
      throw EngineError(
        .invalidTableDefinition, "column \"\(definition.name)\" has pseudo-type \(type.name)")
    }
    var column = ColumnDescriptor(
      definition.name, typeID: type.id, length: type.length, isByValue: type.isByValue, alignment: type.alignment,
      storage: definition.storage ?? type.storage)
    column.typmod = definition.typmod
    column.collation = definition.collation ?? type.collation
    column.isNotNull = definition.isNotNull
    (column.identity, column.generated) = (definition.identity, definition.generated)
    column.compression = definition.compression
    column.missing = definition.missing
    return column
  }

  // MARK: Relations of all kinds

  /// What a relation's rows in `pg_class`, `pg_attribute` and `pg_type` are made from.
  struct RelationPlan {
    var name: String
    var namespace: UInt32
    var kind: RelationDescriptor.Kind
    var persistence = RelationDescriptor.Persistence.permanent
    var columns: [ColumnDescriptor]
    var options: [String: String] = [:]
    var accessMethod: UInt32?
    var owner: UInt32?
  }

  /// Makes a relation's rows and its file.
  /// - Returns: its OID.
  func createRelation(_ plan: RelationPlan) throws(EngineError) -> UInt32 {
    try requireFreeName(plan.name, in: plan.namespace)
    let oid = try session.allocateOID()
    try lock(oid, .accessExclusive)
    let owner = plan.owner ?? currentUser
    let hasRowType = plan.kind != .index && plan.kind != .toast && plan.kind != .sequence
    let rowType = hasRowType ? try createRowType(plan, of: oid, owner: owner) : 0
    var row = CatalogRow<CatalogColumns.Class>()
    row[.oid] = .oid(oid)
    row[.relname] = .text(plan.name)
    row[.relnamespace] = .oid(plan.namespace)
    row[.reltype] = .oid(rowType)
    row[.reloftype] = .oid(0)
    row[.relowner] = .oid(owner)
    row[.relam] = .oid(plan.accessMethod ?? (plan.kind == .table || plan.kind == .toast ? SystemOID.heap : 0))
    row[.relfilenode] = .oid(plan.kind.hasStorage ? oid : 0)
    row[.reltablespace] = .oid(0)
    row[.relpages] = .int(plan.kind == .sequence ? 1 : 0)
    row[.reltuples] = .real(plan.kind == .sequence ? 1 : plan.kind == .index ? 0 : -1)
    for column: CatalogColumns.Class in [.relallvisible, .relallfrozen, .relchecks] { row[column] = .int(0) }
    row[.reltoastrelid] = .oid(0)
    for column: CatalogColumns.Class in [
      .relhasindex, .relisshared, .relhasrules, .relhastriggers, .relhassubclass, .relrowsecurity,
      .relforcerowsecurity, .relispartition,
    ] { row[column] = .bool(false) }
    row[.relpersistence] = .byte(plan.persistence.rawValue)
    row[.relkind] = .byte(plan.kind.rawValue)
    row[.relnatts] = .int(plan.columns.count)
    row[.relispopulated] = .bool(true)
    row[.relreplident] = .char(plan.kind == .table ? "d" : "n")
    row[.relrewrite] = .oid(0)
    let isHeap = plan.kind == .table || plan.kind == .toast
    row[.relfrozenxid] = .int(isHeap ? session.oldestTransaction.rawValue : 0)
    row[.relminmxid] = .int(isHeap ? 1 : 0)
    row[.reloptions] = .textArray(plan.options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
    try insert(row)
    for (index, column) in plan.columns.enumerated() { try insertAttribute(column, number: index + 1, of: oid) }
    if plan.kind != .index, plan.kind != .view { try insertSystemAttributes(of: oid) }
    noteChange(.relation(oid))
    if plan.kind != .index, plan.kind != .toast {
      try recordDependency(of: .relation(oid), on: .namespace(plan.namespace), .normal)
    }
    if rowType != 0 { try recordDependency(of: .type(rowType), on: .relation(oid), .internal) }
    try session.advanceCommand()
    if plan.kind.hasStorage { try createStorage(of: oid, plan.persistence) }
    return oid
  }

  func requireFreeName(_ name: String, in namespace: UInt32) throws(EngineError) {
    if try relationOID(name, in: namespace) != nil {
      throw EngineError(.duplicateTable, "relation \"\(name)\" already exists")
    }
  }

  /// The type of a relation's rows, and that of arrays of them.
  private func createRowType(_ plan: RelationPlan, of relation: UInt32, owner: UInt32) throws(EngineError) -> UInt32 {
    if try types().type(named: plan.name, in: plan.namespace) != nil {
      throw EngineError(
        .duplicateObject, "type \"\(plan.name)\" already exists",
        hint: "A relation has an associated type of the same name, so you must use a name that doesn't conflict with "
          + "any existing type.")
    }
    let array = try session.allocateOID()
    let oid = try session.allocateOID()
    var row = RowTypeRows.composite(plan.name, owner: owner)
    row[.oid] = .oid(oid)
    row[.typnamespace] = .oid(plan.namespace)
    row[.typrelid] = .oid(relation)
    row[.typarray] = .oid(array)
    try insert(row)
    var arrayRow = RowTypeRows.array(try freeArrayName(plan.name, in: plan.namespace), owner: owner)
    arrayRow[.oid] = .oid(array)
    arrayRow[.typnamespace] = .oid(plan.namespace)
    arrayRow[.typelem] = .oid(oid)
    try insert(arrayRow)
    try recordDependency(of: .type(array), on: .type(oid), .internal)
    noteChange(.everythingElse)
    return oid
  }

  /// An array type's name: its element's with underscores before it, as many as it takes (`makeArrayTypeName`).
  private func freeArrayName(_ name: String, in namespace: UInt32) throws(EngineError) -> String {
    let types = try types()
    var candidate = "_" + name
    while types.type(named: Self.clipped(candidate), in: namespace) != nil { candidate = "_" + candidate }
    return Self.clipped(candidate)
  }

  /// A name as long as names may be.
  static func clipped(_ name: String) -> String {
    guard name.utf8.count >= CatalogValue.nameLength else { return name }
    let bytes = Array(name.utf8)
    let count = bytes.withByteView { UTF8Encoding.clippedLength($0, bytes: CatalogValue.nameLength - 1) }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  // MARK: Columns

  func insertAttribute(_ column: ColumnDescriptor, number: Int, of relation: UInt32) throws(EngineError) {
    var row = CatalogRow<CatalogColumns.Attribute>()
    row[.attrelid] = .oid(relation)
    row[.attname] = .text(column.name)
    row[.atttypid] = .oid(column.typeID.rawValue)
    row[.attlen] = .int(column.length)
    row[.attnum] = .int(number)
    row[.atttypmod] = .int(column.typmod)
    row[.attndims] = .int(0)
    row[.attbyval] = .bool(column.isByValue)
    row[.attalign] = .byte(column.alignment.rawValue)
    row[.attstorage] = .byte(column.storage.rawValue)
    row[.attcompression] = .byte(column.compression.rawValue)
    row[.attnotnull] = .bool(column.isNotNull)
    row[.atthasdef] = .bool(false)
    row[.atthasmissing] = .bool(column.missing != nil)
    row[.attidentity] = .byte(column.identity.rawValue)
    row[.attgenerated] = .byte(column.generated.rawValue)
    row[.attisdropped] = .bool(false)
    row[.attislocal] = .bool(true)
    row[.attinhcount] = .int(0)
    row[.attcollation] = .oid(column.collation)
    if let missing = column.missing { row[.attmissingval] = .bytes(MissingValue.array(of: missing.datum, column)) }
    try insert(row)
    if column.typeID.rawValue >= SystemOID.firstUnpinned {
      try recordDependency(of: .column(number, of: relation), on: .type(column.typeID.rawValue), .normal)
    }
  }

  /// What every table has without anybody asking (`SysAtt`).
  private static let systemColumns: [(name: String, number: Int, type: TypeID)] = [
    ("ctid", -1, .tid), ("xmin", -2, .xid), ("cmin", -3, .cid), ("xmax", -4, .xid), ("cmax", -5, .cid),
    ("tableoid", -6, .oid),
  ]

  private func insertSystemAttributes(of relation: UInt32) throws(EngineError) {
    for (name, number, type) in Self.systemColumns {
      var column = ColumnDescriptor(
        name, typeID: type, length: type == .tid ? 6 : 4, isByValue: type != .tid,
        alignment: type == .tid ? .short : .int, storage: .plain)
      column.isNotNull = true
      try insertAttribute(column, number: number, of: relation)
    }
  }

  // MARK: Dropping

  /// Removes a relation's own rows and, at commit, its files. What depends on it has gone before.
  func removeRelation(_ oid: UInt32) throws(EngineError) {
    guard let row = try first(CatalogColumns.Class.self, [.oid: .oid(oid)]) else { return }
    let kind = RelationDescriptor.Kind(rawValue: row[.relkind].byte)
    if kind?.hasStorage == true {
      try dropStorage(try locator(row), temporaryBackend: temporaryBackend(of: row))
    }
    if kind == .index {
      try removeIndexRow(oid)
    } else if kind == .sequence {
      try deleteAll(CatalogColumns.Sequence.self, [.seqrelid: .oid(oid)])
      sequences.forget(oid)
    }
    try deleteAll(CatalogColumns.Attribute.self, [.attrelid: .oid(oid)])
    try deleteAll(CatalogColumns.Inheritance.self, [.inhrelid: .oid(oid)])
    try delete(row)
    temporary.forget(oid)
    noteChange(.relation(oid))
  }

  /// Changes a relation's row in `pg_class`.
  func updateClass(
    _ oid: UInt32, _ change: (inout CatalogRow<CatalogColumns.Class>) -> Void
  ) throws(EngineError) {
    guard var row = try first(CatalogColumns.Class.self, [.oid: .oid(oid)]) else {
      throw EngineError(.internalError, "cache lookup failed for relation \(oid)")
    }
    change(&row)
    try update(row)
    noteChange(.relation(oid))
    try session.advanceCommand()
  }
}

/// Rows of `pg_type` for a table's rows and for arrays of them.
enum RowTypeRows {
  typealias Row = CatalogRow<CatalogColumns.DataType>

  static func composite(_ name: String, owner: UInt32) -> Row {
    var row = common(name, owner: owner)
    (row[.typtype], row[.typcategory]) = (.char("c"), .char("C"))
    // record_in, record_out, record_recv, record_send.
    row[.typinput] = .oid(2290)
    row[.typoutput] = .oid(2291)
    row[.typreceive] = .oid(2402)
    row[.typsend] = .oid(2403)
    return row
  }

  static func array(_ name: String, owner: UInt32) -> Row {
    var row = common(name, owner: owner)
    (row[.typtype], row[.typcategory]) = (.char("b"), .char("A"))
    // array_subscript_handler; array_in, array_out, array_recv, array_send, array_typanalyze.
    row[.typsubscript] = .oid(6179)
    row[.typinput] = .oid(750)
    row[.typoutput] = .oid(751)
    row[.typreceive] = .oid(2400)
    row[.typsend] = .oid(2401)
    row[.typanalyze] = .oid(3816)
    return row
  }

  private static func common(_ name: String, owner: UInt32) -> Row {
    var row = Row()
    row[.typname] = .text(name)
    row[.typowner] = .oid(owner)
    row[.typlen] = .int(-1)
    row[.typisdefined] = .bool(true)
    row[.typdelim] = .char(",")
    row[.typalign] = .char("d")
    row[.typstorage] = .char("x")
    row[.typtypmod] = .int(-1)
    for column: CatalogColumns.DataType in [.typbyval, .typispreferred, .typnotnull] { row[column] = .bool(false) }
    for column: CatalogColumns.DataType in [
      .typrelid, .typsubscript, .typelem, .typarray, .typmodin, .typmodout, .typanalyze, .typbasetype, .typcollation,
    ] { row[column] = .oid(0) }
    row[.typndims] = .int(0)
    return row
  }
}
