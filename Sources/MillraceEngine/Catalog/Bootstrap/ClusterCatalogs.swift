import MillraceStorage
import MillraceTypes

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
    images[classes.oid] = CatalogImage(classes.descriptor, relations.map(\.values))
    let indexes = Self.indexImages(rows, images, relations)
    Self.noteSizes(in: &relations, rows, images, indexes)
    // Once more, with the sizes, of which no row gets longer.
    images[classes.oid] = CatalogImage(classes.descriptor, relations.map(\.values))

    var files: [Bool: [File]] = [:]
    var maps: [Bool: [UInt32: UInt32]] = [:]
    for relation in relations {
      let oid = relation[.oid].oid
      let isShared = relation[.relisshared].bool
      let isMapped = relation[.relfilenode].oid == 0
      if isMapped { maps[isShared, default: [:]][oid] = oid }
      files[isShared, default: []].append(
        File(
          number: isMapped ? oid : relation[.relfilenode].oid, pages: images[oid]?.pages ?? indexes[oid]?.pages ?? []))
    }
    local = files[false] ?? []
    shared = files[true] ?? []
    localMap = RelationMap(maps[false] ?? [:])
    sharedMap = RelationMap(maps[true] ?? [:])
  }

  /// The indexes of all system tables, those of TOAST tables included.
  private static func indexImages(
    _ rows: [UInt32: [[CatalogValue]]], _ images: [UInt32: CatalogImage],
    _ relations: [CatalogRow<CatalogColumns.Class>]
  ) -> [UInt32: IndexImage] {
    let arena = Arena()
    var indexes: [UInt32: IndexImage] = [:]
    for catalog in SystemCatalog.all.values {
      let (rows, places) = (rows[catalog.oid] ?? [], images[catalog.oid]?.places ?? [])
      for index in catalog.indexes {
        arena.reset()
        let entries = zip(rows, places).map { row, place in
          let values = index.columns.map { row[$0].datum(catalog.descriptor.columns[$0], in: arena) }
          return (values: values, place: place)
        }
        indexes[index.oid] = IndexImage(index.layout(catalog.descriptor), entries)
      }
    }
    let empty = IndexImage(IndexLayout(keys: [IndexColumn(.oid), IndexColumn(.int4)]), [])
    for relation in relations where relation[.relkind].char == "i" && indexes[relation[.oid].oid] == nil {
      indexes[relation[.oid].oid] = empty
    }
    return indexes
  }

  /// Says in `pg_class` how large tables and indexes are.
  private static func noteSizes(
    in relations: inout [CatalogRow<CatalogColumns.Class>], _ rows: [UInt32: [[CatalogValue]]],
    _ images: [UInt32: CatalogImage], _ indexes: [UInt32: IndexImage]
  ) {
    var counts = rows.mapValues(\.count)
    for catalog in SystemCatalog.all.values {
      for index in catalog.indexes { counts[index.oid] = counts[catalog.oid] }
    }
    for place in relations.indices {
      let oid = relations[place][.oid].oid
      if let index = indexes[oid] {
        relations[place][.reltuples] = .real(Float(counts[oid] ?? 0))
        relations[place][.relpages] = .int(index.pages.count / PageLayout.blockSize)
      } else if let count = counts[oid], count > 0 {
        relations[place][.reltuples] = .real(Float(count))
        relations[place][.relpages] = .int(images[oid]?.pageCount ?? 0)
      }
    }
  }
}
