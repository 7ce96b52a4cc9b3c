public import MillraceTypes

/// A data type as `pg_type` has it, whether or not there are functions for it.
public struct TypeEntry: Sendable {
  public let id: TypeID
  public let name: String
  public let namespace: UInt32
  public let owner: UInt32
  public let length: Int16
  public let isByValue: Bool
  public let alignment: TypeDescriptor.Alignment
  public let storage: TypeDescriptor.Storage
  /// `typtype`: `b`ase, `c`omposite, `d`omain, `e`num, `p`seudo, `r`ange, `m`ultirange.
  public let kind: Character
  public let category: UInt8
  public let isPreferred: Bool
  public let relation: UInt32
  public let element: TypeID
  public let array: TypeID
  public let base: TypeID
  public let collation: UInt32

  init(_ row: CatalogRow<CatalogColumns.DataType>) {
    (id, name) = (TypeID(row[.oid].oid), row[.typname].string ?? "")
    (namespace, owner) = (row[.typnamespace].oid, row[.typowner].oid)
    (length, isByValue) = (Int16(truncatingIfNeeded: row[.typlen].integer), row[.typbyval].bool)
    alignment = TypeDescriptor.Alignment(rawValue: row[.typalign].byte) ?? .int
    storage = TypeDescriptor.Storage(rawValue: row[.typstorage].byte) ?? .plain
    (kind, category, isPreferred) = (row[.typtype].char, row[.typcategory].byte, row[.typispreferred].bool)
    (relation, element) = (row[.typrelid].oid, TypeID(row[.typelem].oid))
    (array, base) = (TypeID(row[.typarray].oid), TypeID(row[.typbasetype].oid))
    collation = row[.typcollation].oid
  }
}

/// All types of a database.
public struct TypeCatalog: Sendable {
  public let byID: [TypeID: TypeEntry]
  private let names: [Catalog.RelationName: TypeID]

  init(_ rows: [CatalogRow<CatalogColumns.DataType>]) {
    let entries = rows.map { TypeEntry($0) }
    byID = Dictionary(entries.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    names = Dictionary(
      entries.map { (Catalog.RelationName(namespace: $0.namespace, name: $0.name), $0.id) },
      uniquingKeysWith: { $1 })
  }

  public func type(named name: String, in namespace: UInt32) -> TypeID? {
    names[Catalog.RelationName(namespace: namespace, name: name)]
  }
}

extension SessionCatalog {
  /// All types. Read once, and again when some have changed.
  public func types() throws(EngineError) -> TypeCatalog {
    try shared(TypeCatalog.self) { () throws(EngineError) in TypeCatalog(try rows(CatalogColumns.DataType.self)) }
  }

  /// A type by its name in `pg_type`, by the search path unless a schema is given; nil where there is none.
  public func type(named name: String, schema: String? = nil) throws(EngineError) -> TypeID? {
    let types = try types()
    if let schema { return types.type(named: name, in: try requiredNamespace(named: schema)) }
    for namespace in try path() {
      if let found = types.type(named: name, in: namespace) { return found }
    }
    return nil
  }

  func requiredType(_ id: TypeID) throws(EngineError) -> TypeEntry {
    guard let type = try types().byID[id] else {
      throw EngineError(.undefinedObject, "type with OID \(id.rawValue) does not exist")
    }
    return type
  }
}
