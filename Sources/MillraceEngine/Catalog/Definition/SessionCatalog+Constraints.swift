import MillraceTypes

/// Making and dropping constraints (PostgreSQL's src/backend/catalog/pg_constraint.c, heap.c).
extension SessionCatalog {
  /// Adds a constraint, with its index where it has one. That the rows which are there keep it the caller makes sure,
  /// by filling the index and looking at them.
  /// - Returns: its OID.
  /// - Throws: ``EngineError`` in PostgreSQL's words.
  @discardableResult
  public func addConstraint(_ definition: ConstraintDefinition, to table: UInt32) throws(EngineError) -> UInt32 {
    let relation = try requiredRelation(table, for: .accessExclusive)
    switch definition.kind {
    case .check(let expression):
      let name = try name(of: definition, on: relation, "check")
      let oid = try store(definition, name, expression: expression, of: relation)
      let count = relation.constraints.count { $0.kind == .check } + 1
      try updateClass(table) { $0[.relchecks] = .int(count) }
      return oid
    case .primaryKey:
      guard relation.primaryKey == nil else {
        throw EngineError(
          .invalidTableDefinition, "multiple primary keys for table \"\(relation.name)\" are not allowed")
      }
      for column in definition.columns {
        try setNotNull(column: relation.tuple.columns[column].name, of: table)
      }
      return try addIndexConstraint(definition, to: relation, isPrimary: true, nullsNotDistinct: false)
    case .unique(let nullsNotDistinct):
      return try addIndexConstraint(
        definition, to: relation, isPrimary: false, nullsNotDistinct: nullsNotDistinct)
    case .foreignKey:
      let name = try name(of: definition, on: relation, "fkey")
      return try store(definition, name, of: relation)
    }
  }

  private func addIndexConstraint(
    _ definition: ConstraintDefinition, to relation: RelationDescriptor, isPrimary: Bool, nullsNotDistinct: Bool
  ) throws(EngineError) -> UInt32 {
    let suffix = isPrimary ? "pkey" : "key"
    let columns = isPrimary ? [] : definition.columns.map { relation.tuple.columns[$0].name }
    let name: String
    if let given = definition.name {
      name = given
    } else {
      name = try freeRelationName(relation.name, columns, suffix, in: relation.namespace)
    }
    var index = IndexDefinition(
      name, on: relation.oid, columns: definition.columns.map { IndexDescriptor.Column(column: $0) })
    index.included = definition.included
    (index.isUnique, index.isPrimary, index.isNullsNotDistinct) = (true, isPrimary, nullsNotDistinct)
    index.isImmediate = !definition.isDeferrable
    index.options = definition.options
    let indexOID = try createIndex(index, isForConstraint: true)
    let oid = try store(definition, name, index: indexOID, of: relation)
    try recordDependency(of: .relation(indexOID), on: .constraint(oid), .internal)
    try session.advanceCommand()
    return oid
  }

  /// Notes that a column has no nulls, as a constraint of its own.
  /// - Parameter column: from 0.
  func storeNotNull(column: Int, name: String?, of table: UInt32) throws(EngineError) {
    let relation = try requiredRelation(table)
    if relation.constraints.contains(where: { $0.kind == .notNull && $0.columns == [column] }) { return }
    var definition = ConstraintDefinition(.check(""), columns: [column], name: name)
    definition.isNoInherit = false
    _ = try store(definition, try self.name(of: definition, on: relation, "not_null"), kind: .notNull, of: relation)
  }

  // MARK: Rows

  private func store(
    _ definition: ConstraintDefinition, _ name: String, kind: ConstraintDescriptor.Kind? = nil,
    expression: String? = nil, index: UInt32 = 0, of relation: RelationDescriptor
  ) throws(EngineError) -> UInt32 {
    if relation.constraints.contains(where: { $0.name == name }) {
      throw EngineError(
        .duplicateObject, "constraint \"\(name)\" for relation \"\(relation.name)\" already exists")
    }
    let kind = kind ?? Self.kind(definition.kind)
    let oid = try session.allocateOID()
    var row = Self.row(definition, kind)
    row[.oid] = .oid(oid)
    row[.conname] = .text(name)
    row[.connamespace] = .oid(relation.namespace)
    row[.conrelid] = .oid(relation.oid)
    row[.conindid] = .oid(index)
    row[.conkey] = definition.columns.isEmpty ? .null : .int2Array(definition.columns.map { Int16($0 + 1) })
    row[.conbin] = .text(expression)
    if case .foreignKey(let key) = definition.kind { Self.set(key, in: &row) }
    try insert(row)
    noteChange(.relation(relation.oid))
    try recordDependencies(of: oid, definition, kind, relation)
    try session.advanceCommand()
    return oid
  }

  private func recordDependencies(
    of oid: UInt32, _ definition: ConstraintDefinition, _ kind: ConstraintDescriptor.Kind,
    _ relation: RelationDescriptor
  ) throws(EngineError) {
    for column in definition.columns {
      try recordDependency(of: .constraint(oid), on: .column(column + 1, of: relation.oid), .auto)
    }
    if definition.columns.isEmpty {
      try recordDependency(of: .constraint(oid), on: .relation(relation.oid), .auto)
    }
    guard case .foreignKey(let key) = definition.kind else { return }
    for column in key.columns {
      try recordDependency(of: .constraint(oid), on: .column(column + 1, of: key.table), .normal)
    }
    if let index = try self.index(key.index) {
      try recordDependency(of: .constraint(oid), on: .relation(index.oid), .normal)
    }
    // The other table must look here when its rows change.
    noteChange(.relation(key.table))
  }

  private static func kind(_ kind: ConstraintDefinition.Kind) -> ConstraintDescriptor.Kind {
    switch kind {
    case .check: .check
    case .primaryKey: .primaryKey
    case .unique: .unique
    case .foreignKey: .foreignKey
    }
  }

  private static func row(
    _ definition: ConstraintDefinition, _ kind: ConstraintDescriptor.Kind
  ) -> CatalogRow<CatalogColumns.Constraint> {
    var row = CatalogRow<CatalogColumns.Constraint>()
    row[.contype] = .byte(kind.rawValue)
    row[.condeferrable] = .bool(definition.isDeferrable)
    row[.condeferred] = .bool(definition.isInitiallyDeferred)
    row[.conenforced] = .bool(true)
    row[.convalidated] = .bool(definition.isValidated)
    for column: CatalogColumns.Constraint in [.contypid, .conparentid, .confrelid] { row[column] = .oid(0) }
    for column: CatalogColumns.Constraint in [.confupdtype, .confdeltype, .confmatchtype] { row[column] = .char(" ") }
    row[.conislocal] = .bool(true)
    row[.coninhcount] = .int(0)
    let isKey = kind == .primaryKey || kind == .unique || kind == .foreignKey
    row[.connoinherit] = .bool(isKey || definition.isNoInherit)
    row[.conperiod] = .bool(false)
    return row
  }

  private static func set(
    _ key: ConstraintDefinition.ForeignKey, in row: inout CatalogRow<CatalogColumns.Constraint>
  ) {
    row[.confrelid] = .oid(key.table)
    row[.conindid] = .oid(key.index)
    row[.confkey] = .int2Array(key.columns.map { Int16($0 + 1) })
    row[.confupdtype] = .byte(key.updateAction)
    row[.confdeltype] = .byte(key.deleteAction)
    row[.confmatchtype] = .byte(key.matchType)
    row[.conpfeqop] = .oidArray(key.operators.map(\.0))
    row[.conppeqop] = .oidArray(key.operators.map(\.1))
    row[.conffeqop] = .oidArray(key.operators.map(\.2))
  }

  // MARK: Dropping, renaming

  /// Drops a constraint, with its index where it has one.
  /// - Returns: see ``drop(_:_:)``.
  @discardableResult
  public func dropConstraint(
    _ name: String, of table: UInt32, _ behavior: DropBehavior
  ) throws(EngineError) -> [String] {
    try drop([.constraint(try requiredConstraint(name, of: table).oid)], behavior)
  }

  /// The constraint's part of ``drop(_:_:)``.
  func removeConstraint(_ oid: UInt32) throws(EngineError) {
    guard let row = try first(CatalogColumns.Constraint.self, [.oid: .oid(oid)]) else { return }
    try delete(row)
    let table = row[.conrelid].oid
    noteChange(.relation(table))
    if row[.confrelid].oid != 0 { noteChange(.relation(row[.confrelid].oid)) }
    guard let relation = try first(CatalogColumns.Class.self, [.oid: .oid(table)]) else { return }
    switch row[.contype].char {
    case "c":
      let count = relation[.relchecks].integer - 1
      try updateClass(table) { $0[.relchecks] = .integer(max(count, 0)) }
    case "n":
      for number in row[.conkey].int16s {
        try updateAttribute(Int(number) - 1, of: table) { $0[.attnotnull] = .bool(false) }
      }
    default: break
    }
  }

  public func renameConstraint(_ name: String, of table: UInt32, to newName: String) throws(EngineError) {
    let relation = try requiredRelation(table)
    let constraint = try requiredConstraint(name, of: table)
    if relation.constraints.contains(where: { $0.name == newName }) {
      throw EngineError(
        .duplicateObject, "constraint \"\(newName)\" for relation \"\(relation.name)\" already exists")
    }
    if constraint.kind == .primaryKey || constraint.kind == .unique {
      return try renameRelation(constraint.index, to: newName)
    }
    try renameConstraintRow(constraint.oid, to: newName)
  }

  func renameConstraintRow(_ oid: UInt32, to newName: String) throws(EngineError) {
    guard var row = try first(CatalogColumns.Constraint.self, [.oid: .oid(oid)]) else { return }
    row[.conname] = .text(newName)
    try update(row)
    noteChange(.relation(row[.conrelid].oid))
    try session.advanceCommand()
  }

  /// Notes that all rows keep a constraint.
  public func setValidated(constraint oid: UInt32) throws(EngineError) {
    guard var row = try first(CatalogColumns.Constraint.self, [.oid: .oid(oid)]) else { return }
    row[.convalidated] = .bool(true)
    try update(row)
    noteChange(.relation(row[.conrelid].oid))
    try session.advanceCommand()
  }

  func requiredConstraint(_ name: String, of table: UInt32) throws(EngineError) -> ConstraintDescriptor {
    let relation = try requiredRelation(table, for: .accessExclusive)
    if let found = relation.constraints.first(where: { $0.name == name }) { return found }
    throw EngineError(
      .undefinedObject, "constraint \"\(name)\" of relation \"\(relation.name)\" does not exist")
  }

  // MARK: Names

  /// The name that was given to a constraint, or one that no other of the table has.
  private func name(
    of definition: ConstraintDefinition, on relation: RelationDescriptor, _ suffix: String
  ) throws(EngineError) -> String {
    if let given = definition.name { return given }
    // A check of one column has its name.
    let columns = suffix == "check" && definition.columns.count != 1 ? [] : definition.columns
    let names = columns.map { relation.tuple.columns[$0].name }
    let taken = Set(relation.constraints.map(\.name))
    return try Self.freeName(relation.name, names, suffix) { (name) throws(EngineError) in taken.contains(name) }
  }

  /// A name for an index or a sequence that nothing in the schema has (`ChooseRelationName`).
  public func freeRelationName(
    _ table: String, _ columns: [String], _ suffix: String, in namespace: UInt32
  ) throws(EngineError) -> String {
    try Self.freeName(table, columns, suffix) { (name) throws(EngineError) in
      try relationOID(name, in: namespace) != nil
    }
  }

  private static func freeName(
    _ table: String, _ columns: [String], _ suffix: String, isTaken: (String) throws(EngineError) -> Bool
  ) throws(EngineError) -> String {
    let middle = columns.joined(separator: "_")
    var number = 0
    while true {
      let name = objectName(table, middle, number == 0 ? suffix : "\(suffix)\(number)")
      if try !isTaken(name) { return name }
      number += 1
    }
  }

  /// Puts a name together, making its first two parts shorter, the longer one first, until it is short enough
  /// (`makeObjectName`).
  static func objectName(_ first: String, _ second: String, _ label: String) -> String {
    let overhead = label.utf8.count + 1 + (second.isEmpty ? 0 : 1)
    let available = CatalogValue.nameLength - 1 - overhead
    var (firstCount, secondCount) = (first.utf8.count, second.utf8.count)
    while firstCount + secondCount > available {
      if firstCount > secondCount { firstCount -= 1 } else { secondCount -= 1 }
    }
    func clip(_ text: String, _ count: Int) -> String {
      let bytes = Array(text.utf8)
      let clipped = bytes.withByteView { UTF8Encoding.clippedLength($0, bytes: count) }
      return String(decoding: bytes[..<clipped], as: UTF8.self)
    }
    return clip(first, firstCount) + (second.isEmpty ? "" : "_" + clip(second, secondCount)) + "_" + label
  }
}
