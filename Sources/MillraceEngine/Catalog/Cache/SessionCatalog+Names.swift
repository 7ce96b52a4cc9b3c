import MillraceTypes

/// The schemas of a database.
struct Namespaces: Sendable {
  let byName: [String: UInt32]
  let names: [UInt32: String]
  let owners: [UInt32: UInt32]
}

/// How names are found (PostgreSQL's src/backend/catalog/namespace.c).
extension SessionCatalog {
  func namespaces() throws(EngineError) -> Namespaces {
    try shared(Namespaces.self) { () throws(EngineError) in
      let rows = try rows(CatalogColumns.Namespace.self)
      return Namespaces(
        byName: Dictionary(rows.map { ($0[.nspname].string ?? "", $0[.oid].oid) }, uniquingKeysWith: { $1 }),
        names: Dictionary(rows.map { ($0[.oid].oid, $0[.nspname].string ?? "") }, uniquingKeysWith: { $1 }),
        owners: Dictionary(rows.map { ($0[.oid].oid, $0[.nspowner].oid) }, uniquingKeysWith: { $1 }))
    }
  }

  /// A schema's OID; nil where there is none of that name. `pg_temp` is the session's own.
  public func namespace(named name: String) throws(EngineError) -> UInt32? {
    if name == "pg_temp" { return temporary.namespace }
    return try namespaces().byName[name]
  }

  /// - Throws: ``EngineError`` where there is none of that name.
  public func requiredNamespace(named name: String) throws(EngineError) -> UInt32 {
    if let found = try namespace(named: name) { return found }
    throw EngineError(.invalidSchemaName, "schema \"\(name)\" does not exist")
  }

  public func namespaceName(_ oid: UInt32) throws(EngineError) -> String? { try namespaces().names[oid] }

  /// The schemas in which names without one are looked up, in this order: the session's temporary one and `pg_catalog`
  /// first, unless the path names them elsewhere.
  public func path() throws(EngineError) -> [UInt32] {
    acceptInvalidations()
    if let resolvedPath { return resolvedPath }
    var path: [UInt32] = []
    for name in searchPath {
      let schema = name == "$user" ? try roleName(currentUser) ?? name : name
      guard let found = try namespace(named: schema), !path.contains(found) else { continue }
      path.append(found)
    }
    if !path.contains(SystemOID.catalogNamespace) { path.insert(SystemOID.catalogNamespace, at: 0) }
    if let own = temporary.namespace, !path.contains(own) { path.insert(own, at: 0) }
    resolvedPath = path
    return path
  }

  /// Where new relations go that name no schema: the first of the path that is there.
  /// - Throws: ``EngineError`` where none is.
  public func creationNamespace() throws(EngineError) -> UInt32 {
    for name in searchPath {
      if name == "pg_temp" { return try temporaryNamespace() }
      let schema = name == "$user" ? try roleName(currentUser) ?? name : name
      if let found = try namespace(named: schema) { return found }
    }
    throw EngineError(.invalidSchemaName, "no schema has been selected to create in")
  }

  /// A relation by its name; nil where there is none.
  /// - Parameter schema: where to look; the search path unless given.
  /// - Throws: ``EngineError``: there is no such schema.
  public func relation(named name: String, schema: String? = nil) throws(EngineError) -> RelationDescriptor? {
    guard let oid = try relationOID(named: name, schema: schema) else { return nil }
    return try relation(oid)
  }

  /// The same, without reading more than its OID.
  public func relationOID(named name: String, schema: String? = nil) throws(EngineError) -> UInt32? {
    if let schema {
      if schema == "pg_temp", temporary.namespace == nil { return nil }
      return try relationOID(name, in: try requiredNamespace(named: schema))
    }
    for namespace in try path() {
      if let found = try relationOID(name, in: namespace) { return found }
    }
    return nil
  }

  /// - Throws: ``EngineError`` where there is none, in PostgreSQL's words.
  public func requiredRelation(
    named name: String, schema: String? = nil
  ) throws(EngineError) -> RelationDescriptor {
    if let found = try relation(named: name, schema: schema) { return found }
    throw EngineError(
      .undefinedTable, "relation \"\(schema.map { $0 + "." } ?? "")\(name)\" does not exist")
  }

  /// Whether a relation's name alone finds it (`pg_table_is_visible`).
  public func isVisible(_ relation: RelationDescriptor) throws(EngineError) -> Bool {
    for namespace in try path() {
      if namespace == relation.namespace { return true }
      if try relationOID(relation.name, in: namespace) != nil { return false }
    }
    return false
  }

  /// A relation's name as messages show it: with its schema where the name alone does not find it.
  public func qualifiedName(_ relation: RelationDescriptor) throws(EngineError) -> String {
    if try isVisible(relation) { return Self.quoted(relation.name) }
    let schema = try namespaceName(relation.namespace) ?? ""
    return "\(Self.quoted(schema)).\(Self.quoted(relation.name))"
  }

  /// A name as it must be written in SQL (`quote_identifier`, but for key words, which the parser knows).
  public static func quoted(_ name: String) -> String {
    let isPlain = name.utf8.enumerated().allSatisfy { place, byte in
      byte == 0x5F || (0x61...0x7A).contains(byte) || (place > 0 && (0x30...0x39).contains(byte))
    }
    return isPlain && !name.isEmpty ? name : "\"" + name.replacing("\"", with: "\"\"") + "\""
  }
}
