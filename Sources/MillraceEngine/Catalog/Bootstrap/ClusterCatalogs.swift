import MillraceStorage

/// The files of a new cluster's system tables: what PostgreSQL's `initdb` makes by running its bootstrap, and then
/// copying `template1` twice. Made once in a process, since every new cluster has the same.
struct ClusterCatalogs: Sendable {
  struct File: Sendable {
    /// Its file number.
    let number: UInt32
    /// Empty for a table without rows.
    let pages: [UInt8]
  }

  /// What every database has, and what they have in common.
  let local: [File]
  let shared: [File]
  let localMap: RelationMap
  let sharedMap: RelationMap

  static let new = ClusterCatalogs()

  private init() {
    var rows: [UInt32: [[CatalogValue]]] = [:]
    for catalog in SystemCatalog.all.values { rows[catalog.oid] = catalog.initialRows() }
    var images: [UInt32: CatalogImage] = [:]
    for (oid, rows) in rows where oid != CatalogColumns.Class.catalog {
      images[oid] = CatalogImage(SystemCatalog.required(oid).descriptor, rows)
    }
    let classes = SystemCatalog.of(CatalogColumns.Class.self)
    var relations = (rows[classes.oid] ?? []).map { CatalogRow<CatalogColumns.Class>($0) }
    Self.noteSizes(in: &relations, rows, images)
    images[classes.oid] = CatalogImage(classes.descriptor, relations.map(\.values))

    var files: [Bool: [File]] = [:]
    var maps: [Bool: [UInt32: UInt32]] = [:]
    for relation in relations {
      let oid = relation[.oid].oid
      let isShared = relation[.relisshared].bool
      let isMapped = relation[.relfilenode].oid == 0
      if isMapped { maps[isShared, default: [:]][oid] = oid }
      // Indexes are built from the tables, and are no part of this.
      guard relation[.relkind].char != "i" else { continue }
      files[isShared, default: []].append(
        File(number: isMapped ? oid : relation[.relfilenode].oid, pages: images[oid]?.pages ?? []))
    }
    local = files[false] ?? []
    shared = files[true] ?? []
    localMap = RelationMap(maps[false] ?? [:])
    sharedMap = RelationMap(maps[true] ?? [:])
  }

  /// Says in `pg_class` how large the tables are.
  private static func noteSizes(
    in relations: inout [CatalogRow<CatalogColumns.Class>], _ rows: [UInt32: [[CatalogValue]]],
    _ images: [UInt32: CatalogImage]
  ) {
    for index in relations.indices {
      let oid = relations[index][.oid].oid
      guard let count = rows[oid]?.count, count > 0 else { continue }
      relations[index][.reltuples] = .real(Float(count))
      // Of its own table it can only be said afterwards, which changes no row's length.
      let pages =
        images[oid]?.pageCount
        ?? CatalogImage(SystemCatalog.required(oid).descriptor, relations.map(\.values)).pageCount
      relations[index][.relpages] = .int(pages)
    }
  }
}
