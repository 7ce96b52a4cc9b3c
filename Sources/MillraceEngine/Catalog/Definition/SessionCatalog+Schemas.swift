import MillraceTypes

/// Schemas, comments, and names of relations.
extension SessionCatalog {
  // MARK: Schemas

  /// Makes a schema.
  /// - Returns: its OID.
  /// - Throws: ``EngineError`` in PostgreSQL's words.
  @discardableResult
  public func createSchema(_ name: String, owner: UInt32? = nil) throws(EngineError) -> UInt32 {
    guard !name.hasPrefix("pg_") else {
      throw EngineError(
        .reservedName, "unacceptable schema name \"\(name)\"",
        detail: "The prefix \"pg_\" is reserved for system schemas.")
    }
    if try namespace(named: name) != nil {
      throw EngineError(.duplicateSchema, "schema \"\(name)\" already exists")
    }
    return try insertNamespace(name, owner: owner ?? currentUser)
  }

  func insertNamespace(_ name: String, owner: UInt32) throws(EngineError) -> UInt32 {
    let oid = try session.allocateOID()
    var row = CatalogRow<CatalogColumns.Namespace>()
    row[.oid] = .oid(oid)
    row[.nspname] = .text(name)
    row[.nspowner] = .oid(owner)
    try insert(row)
    noteChange(.everythingElse)
    try session.advanceCommand()
    return oid
  }

  /// Drops a schema, which must be empty, or goes with all that is in it.
  /// - Returns: see ``drop(_:_:)``.
  @discardableResult
  public func dropSchema(_ name: String, _ behavior: DropBehavior) throws(EngineError) -> [String] {
    try drop([.namespace(try requiredNamespace(named: name))], behavior)
  }

  public func renameSchema(_ name: String, to newName: String) throws(EngineError) {
    let oid = try requiredNamespace(named: name)
    if try namespace(named: newName) != nil {
      throw EngineError(.duplicateSchema, "schema \"\(newName)\" already exists")
    }
    guard var row = try first(CatalogColumns.Namespace.self, [.oid: .oid(oid)]) else { return }
    row[.nspname] = .text(newName)
    try update(row)
    noteChange(.everythingElse)
    try session.advanceCommand()
  }

  // MARK: Relations

  /// Gives a relation another name. Its row type has the same; a constraint has that of its index.
  public func renameRelation(_ oid: UInt32, to newName: String) throws(EngineError) {
    let relation = try requiredRelation(oid, for: .accessExclusive)
    try requireFreeName(newName, in: relation.namespace)
    try updateClass(oid) { $0[.relname] = .text(newName) }
    if let row = try first(CatalogColumns.Index.self, [.indexrelid: .oid(oid)]) {
      noteChange(.relation(row[.indrelid].oid))
    }
    for row in try rows(CatalogColumns.DataType.self, [.typrelid: .oid(oid)]) {
      var row = row
      row[.typname] = .text(newName)
      try update(row)
      noteChange(.everythingElse)
      try session.advanceCommand()
    }
    if relation.kind == .index {
      for dependency in try dependencies(of: .relation(oid)) where dependency.kind == .internal {
        try renameConstraintRow(dependency.referenced.objectID, to: newName)
      }
    }
  }

  /// Sets options of a relation, and resets others to their defaults.
  public func setOptions(
    _ set: [String: String], reset: Set<String> = [], of oid: UInt32
  ) throws(EngineError) {
    var options = try requiredRelation(oid, for: .shareUpdateExclusive).options
    for (name, value) in set { options[name] = value }
    for name in reset { options[name] = nil }
    let texts = options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    try updateClass(oid) { $0[.reloptions] = .textArray(texts) }
  }

  public func setOwner(_ owner: UInt32, of oid: UInt32) throws(EngineError) {
    let relation = try requiredRelation(oid, for: .accessExclusive)
    try updateClass(oid) { $0[.relowner] = .oid(owner) }
    for index in relation.indexes { try updateClass(index.oid) { $0[.relowner] = .oid(owner) } }
    for row in try rows(CatalogColumns.DataType.self, [.typrelid: .oid(oid)]) {
      var row = row
      row[.typowner] = .oid(owner)
      try update(row)
      noteChange(.everythingElse)
      try session.advanceCommand()
    }
  }

  // MARK: Views

  /// Makes a view.
  /// - Parameters:
  ///   - definition: the query, as SQL.
  ///   - references: what it depends on: relations, columns, functions.
  ///   - replacing: whether a view of that name gets this definition; its columns must stay the first ones.
  @discardableResult
  public func createView(
    _ name: String, namespace: UInt32, columns: [ColumnDefinition], definition: String,
    references: [ObjectAddress] = [], persistence: RelationDescriptor.Persistence = .permanent, replacing: Bool = false
  ) throws(EngineError) -> UInt32 {
    if replacing, let known = try relationOID(name, in: namespace) {
      try replaceView(known, columns, definition, references)
      return known
    }
    var descriptors: [ColumnDescriptor] = []
    for column in columns { descriptors.append(try descriptor(of: column)) }
    let oid = try createRelation(
      RelationPlan(
        name: name, namespace: namespace, kind: .view, persistence: persistence, columns: descriptors))
    try insertRule(of: oid, definition, references)
    try updateClass(oid) { $0[.relhasrules] = .bool(true) }
    return oid
  }

  private func insertRule(
    of view: UInt32, _ definition: String, _ references: [ObjectAddress]
  ) throws(EngineError) {
    let oid = try session.allocateOID()
    var row = CatalogRow<CatalogColumns.Rule>()
    row[.oid] = .oid(oid)
    row[.rulename] = .text("_RETURN")
    row[.evClass] = .oid(view)
    row[.evType] = .char("1")
    row[.evEnabled] = .char("O")
    row[.isInstead] = .bool(true)
    row[.evQual] = .text("<>")
    row[.evAction] = .text(definition)
    try insert(row)
    try recordDependency(of: .rule(oid), on: .relation(view), .internal)
    for reference in Set(references).sorted(by: { ($0.objectID, $0.subID) < ($1.objectID, $1.subID) }) {
      try recordDependency(of: .rule(oid), on: reference, .normal)
    }
    noteChange(.relation(view))
    try session.advanceCommand()
  }

  private func replaceView(
    _ oid: UInt32, _ columns: [ColumnDefinition], _ definition: String, _ references: [ObjectAddress]
  ) throws(EngineError) {
    let view = try requiredRelation(oid, for: .accessExclusive)
    guard view.kind == .view else { throw EngineError(.wrongObjectType, "\"\(view.name)\" is not a view") }
    guard columns.count >= view.tuple.count else {
      throw EngineError(.invalidTableDefinition, "cannot drop columns from view")
    }
    for (old, new) in zip(view.tuple.columns, columns) {
      guard old.name == new.name else {
        throw EngineError(
          .invalidTableDefinition, "cannot change name of view column \"\(old.name)\" to \"\(new.name)\"",
          hint: "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.")
      }
      guard old.typeID == new.type, old.typmod == new.typmod else {
        let types = try types()
        throw EngineError(
          .invalidTableDefinition,
          "cannot change data type of view column \"\(old.name)\" from \(types.byID[old.typeID]?.name ?? "") to "
            + "\(types.byID[new.type]?.name ?? "")")
      }
    }
    for (index, column) in columns.enumerated().dropFirst(view.tuple.count) {
      try insertAttribute(try descriptor(of: column), number: index + 1, of: oid)
    }
    try updateClass(oid) { $0[.relnatts] = .int(columns.count) }
    for row in try rows(CatalogColumns.Rule.self, [.evClass: .oid(oid)]) {
      try deleteAll(CatalogColumns.Dependency.self, [.classid: .oid(SystemOID.pgRewrite), .objid: row[.oid]])
      try delete(row)
    }
    try insertRule(of: oid, definition, references)
  }

  // MARK: Comments

  /// Sets the comment on an object of the database, or removes it.
  public func setComment(_ text: String?, on object: ObjectAddress) throws(EngineError) {
    let keys: [CatalogColumns.Description: CatalogValue] = [
      .objoid: .oid(object.objectID), .classoid: .oid(object.classID), .objsubid: .int(object.subID),
    ]
    let known = try first(CatalogColumns.Description.self, keys)
    if let text, !text.isEmpty {
      var row = known ?? CatalogRow<CatalogColumns.Description>()
      for (column, value) in keys { row[column] = value }
      row[.description] = .text(text)
      if known == nil { try insert(row) } else { try update(row) }
    } else if let known {
      try delete(known)
    }
    try session.advanceCommand()
  }

  public func comment(on object: ObjectAddress) throws(EngineError) -> String? {
    let keys: [CatalogColumns.Description: CatalogValue] = [
      .objoid: .oid(object.objectID), .classoid: .oid(object.classID), .objsubid: .int(object.subID),
    ]
    return try first(CatalogColumns.Description.self, keys)?[.description].string
  }
}
