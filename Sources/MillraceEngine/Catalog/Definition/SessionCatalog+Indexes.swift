public import MillraceTypes

/// An index that is to be made.
public struct IndexDefinition: Sendable {
  public var name: String
  public var table: UInt32
  /// What orders it. Of each, operator class and collation may be left at 0: then they are the type's.
  public var columns: [IndexDescriptor.Column]
  /// The types of those of `columns` that are expressions, by their place.
  public var expressionTypes: [Int: TypeID] = [:]
  /// The table's columns, from 0, that it only stores.
  public var included: [Int] = []
  public var isUnique = false
  public var isPrimary = false
  public var isNullsNotDistinct = false
  public var isImmediate = true
  /// Which rows it has, as SQL; all unless given.
  public var predicate: String?
  /// The table's columns, from 0, that expressions and predicate look at.
  public var expressionColumns: [Int] = []
  public var options: [String: String] = [:]

  public init(_ name: String, on table: UInt32, columns: [IndexDescriptor.Column]) {
    (self.name, self.table, self.columns) = (name, table, columns)
  }
}

/// Making and dropping indexes, as far as the catalog goes (PostgreSQL's src/backend/catalog/index.c).
extension SessionCatalog {
  /// Makes an index, still empty. Who makes it for a table that has rows fills it.
  /// - Parameter isForConstraint: it is a constraint's, which says what it depends on.
  /// - Returns: its OID.
  /// - Throws: ``EngineError`` in PostgreSQL's words.
  @discardableResult
  public func createIndex(
    _ definition: IndexDefinition, isForConstraint: Bool = false
  ) throws(EngineError) -> UInt32 {
    let table = try requiredRelation(definition.table, for: .share)
    guard definition.columns.count + definition.included.count <= 32 else {
      throw EngineError(.tooManyColumns, "cannot use more than 32 columns in an index")
    }
    var columns: [ColumnDescriptor] = []
    var keys: [IndexDescriptor.Column] = []
    for (place, key) in definition.columns.enumerated() {
      let type = key.column.map { table.tuple.columns[$0].typeID } ?? definition.expressionTypes[place] ?? .none
      var key = key
      let operatorClass = try operatorClass(key.operatorClass, for: type)
      key.operatorClass = operatorClass.oid
      var column: ColumnDescriptor
      if let index = key.column {
        column = table.tuple.columns[index]
      } else {
        column = try expressionColumn(type, place)
      }
      if key.collation == 0 { key.collation = column.collation }
      if operatorClass.keyType != .none, operatorClass.keyType != column.typeID {
        column = try stored(column, as: operatorClass.keyType)
      }
      keys.append(key)
      columns.append(column)
    }
    for column in definition.included { columns.append(table.tuple.columns[column]) }
    for index in columns.indices { Self.makePartOfIndex(&columns[index]) }
    let oid = try createRelation(
      RelationPlan(
        name: definition.name, namespace: table.namespace, kind: .index, persistence: table.persistence,
        columns: columns, options: definition.options, accessMethod: SystemOID.btree, owner: table.owner))
    try insertIndexRow(oid, definition, keys)
    if !isForConstraint { try recordDependencies(ofIndex: oid, definition) }
    noteChange(.relation(table.oid))
    if table.indexes.isEmpty { try updateClass(table.oid) { $0[.relhasindex] = .bool(true) } }
    try session.advanceCommand()
    try initializeIndex(oid)
    return oid
  }

  /// An index's own columns have neither defaults nor rules.
  private static func makePartOfIndex(_ column: inout ColumnDescriptor) {
    (column.isNotNull, column.hasDefault, column.defaultExpression) = (false, false, nil)
    (column.identity, column.generated, column.missing) = (.none, .none, nil)
  }

  private func expressionColumn(_ type: TypeID, _ place: Int) throws(EngineError) -> ColumnDescriptor {
    try descriptor(of: ColumnDefinition(place == 0 ? "expr" : "expr\(place)", type))
  }

  private func stored(_ column: ColumnDescriptor, as type: TypeID) throws(EngineError) -> ColumnDescriptor {
    let type = try requiredType(type)
    var stored = ColumnDescriptor(
      column.name, typeID: type.id, length: type.length, isByValue: type.isByValue, alignment: type.alignment,
      storage: type.storage)
    stored.typmod = -1
    return stored
  }

  /// The operator class by which a column of an index is ordered.
  private func operatorClass(
    _ oid: UInt32, for type: TypeID
  ) throws(EngineError) -> (oid: UInt32, keyType: TypeID) {
    let functions = try functions()
    guard let found = oid != 0 ? functions.operatorClasses[oid] : functions.defaultOperatorClass(of: type) else {
      let name = try types().byID[type]?.name ?? "\(type.rawValue)"
      throw EngineError(
        .undefinedObject, "data type \(name) has no default operator class for access method \"btree\"",
        hint: "You must specify an operator class for the index or define a default operator class for the data type."
      )
    }
    let row = try first(CatalogColumns.OperatorClass.self, [.oid: .oid(found.oid)])
    return (found.oid, TypeID(row?[.opckeytype].oid ?? 0))
  }

  private func insertIndexRow(
    _ oid: UInt32, _ definition: IndexDefinition, _ keys: [IndexDescriptor.Column]
  ) throws(EngineError) {
    var row = CatalogRow<CatalogColumns.Index>()
    row[.indexrelid] = .oid(oid)
    row[.indrelid] = .oid(definition.table)
    row[.indnatts] = .int(keys.count + definition.included.count)
    row[.indnkeyatts] = .int(keys.count)
    row[.indisunique] = .bool(definition.isUnique)
    row[.indnullsnotdistinct] = .bool(definition.isNullsNotDistinct)
    row[.indisprimary] = .bool(definition.isPrimary)
    row[.indimmediate] = .bool(definition.isImmediate)
    for column: CatalogColumns.Index in [.indisexclusion, .indisclustered, .indcheckxmin, .indisreplident] {
      row[column] = .bool(false)
    }
    for column: CatalogColumns.Index in [.indisvalid, .indisready, .indislive] { row[column] = .bool(true) }
    let numbers = keys.map { Int16(($0.column ?? -1) + 1) } + definition.included.map { Int16($0 + 1) }
    row[.indkey] = .int2Vector(numbers)
    row[.indcollation] = .oidVector(keys.map(\.collation))
    row[.indclass] = .oidVector(keys.map(\.operatorClass))
    row[.indoption] = .int2Vector(keys.map { ($0.isDescending ? 1 : 0) | ($0.isNullsFirst ? 2 : 0) })
    let expressions = keys.compactMap(\.expression)
    if !expressions.isEmpty {
      row[.indexprs] = .text(expressions.joined(separator: String(IndexDescriptor.separator)))
    }
    row[.indpred] = .text(definition.predicate)
    try insert(row)
  }

  private func recordDependencies(ofIndex oid: UInt32, _ definition: IndexDefinition) throws(EngineError) {
    var columns = definition.columns.compactMap(\.column) + definition.included + definition.expressionColumns
    columns = Set(columns).sorted()
    for column in columns {
      try recordDependency(of: .relation(oid), on: .column(column + 1, of: definition.table), .auto)
    }
    if columns.isEmpty { try recordDependency(of: .relation(oid), on: .relation(definition.table), .auto) }
  }

  /// The index's part of dropping a relation.
  func removeIndexRow(_ oid: UInt32) throws(EngineError) {
    guard let row = try first(CatalogColumns.Index.self, [.indexrelid: .oid(oid)]) else { return }
    try delete(row)
    noteChange(.relation(row[.indrelid].oid))
  }

  /// Says whether queries may use an index, and whether insertions must enter rows into it.
  public func setIndexState(_ oid: UInt32, isValid: Bool, isReady: Bool) throws(EngineError) {
    guard var row = try first(CatalogColumns.Index.self, [.indexrelid: .oid(oid)]) else { return }
    (row[.indisvalid], row[.indisready]) = (.bool(isValid), .bool(isReady))
    try update(row)
    noteChange(.relation(row[.indrelid].oid))
    try session.advanceCommand()
  }
  /// Says whether an index is for those transactions only that do not see versions of rows which it does not know.
  public func setIndexChecksXmin(_ oid: UInt32, _ checksXmin: Bool) throws(EngineError) {
    guard var row = try first(CatalogColumns.Index.self, [.indexrelid: .oid(oid)]) else { return }
    row[.indcheckxmin] = .bool(checksXmin)
    try update(row)
    noteChange(.relation(row[.indrelid].oid))
    try session.advanceCommand()
  }
}
