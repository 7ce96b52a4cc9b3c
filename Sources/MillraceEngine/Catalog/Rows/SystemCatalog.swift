import MillraceStorage
import MillraceTypes

/// A system table, as it is in every cluster: what must be known to read the tables that say what tables there are.
public final class SystemCatalog: Sendable {
  public let oid: UInt32
  public let name: String
  /// Whether all databases have it in common.
  public let isShared: Bool
  /// Whether its file number is in `pg_filenode.map` instead of `pg_class`.
  public let isMapped: Bool
  public let descriptor: TupleDescriptor
  /// Its TOAST table, or 0.
  public let toastRelation: UInt32
  /// In the order of their OIDs.
  let indexes: [SystemIndex]
  /// Columns that some index has, from 0.
  let indexedColumns: Set<Int>

  private init(
    oid: UInt32, name: String, isShared: Bool, isMapped: Bool, toastRelation: UInt32, descriptor: TupleDescriptor,
    indexes: [SystemIndex]
  ) {
    (self.oid, self.name, self.isShared, self.isMapped) = (oid, name, isShared, isMapped)
    (self.toastRelation, self.descriptor, self.indexes) = (toastRelation, descriptor, indexes)
    indexedColumns = Set(indexes.flatMap(\.columns))
  }

  /// All of them, by OID.
  public static let all: [UInt32: SystemCatalog] = load()

  /// All of them, by name.
  public static let byName: [String: SystemCatalog] = Dictionary(
    uniqueKeysWithValues: all.values.map { ($0.name, $0) })

  /// The table of a row type.
  static func of<Column: CatalogColumn>(_ columns: Column.Type) -> SystemCatalog { required(columns.catalog) }

  static func required(_ oid: UInt32) -> SystemCatalog {
    guard let catalog = all[oid] else { preconditionFailure("there is no system table \(oid)") }
    return catalog
  }

  /// The rows that it has in a new cluster.
  func initialRows() -> [[CatalogValue]] {
    guard let text = CatalogText(name) else { return [] }
    precondition(
      text.columns.elementsEqual(descriptor.columns.lazy.map { $0.name[...] }),
      "the rows of \(name) do not have its columns")
    // Most fields are a column's default, and the same texts come again and again.
    let rows = text.rows()
    return rows.map { row in
      var values: [CatalogValue] = []
      values.reserveCapacity(row.count)
      for (field, column) in zip(row, descriptor.columns) { values.append(CatalogText.value(field, column)) }
      return values
    }
  }

  private static func load() -> [UInt32: SystemCatalog] {
    var columns: [Substring: [(number: Int, column: ColumnDescriptor)]] = [:]
    let attributes = Table("pg_attribute")
    for row in attributes.rows {
      guard let number = Int(attributes[row, "attnum"]), number > 0 else { continue }
      columns[attributes[row, "attrelid"], default: []].append((number, column(attributes, row)))
    }
    let classes = Table("pg_class")
    let indexes = SystemIndex.load()
    var all: [UInt32: SystemCatalog] = [:]
    for row in classes.rows where classes[row, "relkind"] == "r" {
      let own = (columns[row[0]] ?? []).sorted { $0.number < $1.number }.map(\.column)
      guard let oid = UInt32(row[0]) else { continue }
      all[oid] = SystemCatalog(
        oid: oid, name: String(classes[row, "relname"]), isShared: classes[row, "relisshared"] == "t",
        isMapped: classes[row, "relfilenode"] == "0", toastRelation: UInt32(classes[row, "reltoastrelid"]) ?? 0,
        descriptor: TupleDescriptor(own, rowType: TypeID(UInt32(classes[row, "reltype"]) ?? 0)),
        indexes: indexes[oid] ?? [])
    }
    return all
  }

  private static func column(_ attributes: Table, _ row: [Substring]) -> ColumnDescriptor {
    func byte(_ name: Substring) -> UInt8 { attributes[row, name].utf8.first ?? 0 }
    var column = ColumnDescriptor(
      String(attributes[row, "attname"]), typeID: TypeID(UInt32(attributes[row, "atttypid"]) ?? 0),
      length: Int16(attributes[row, "attlen"]) ?? 0, isByValue: attributes[row, "attbyval"] == "t",
      alignment: TypeDescriptor.Alignment(rawValue: byte("attalign")) ?? .int,
      storage: TypeDescriptor.Storage(rawValue: byte("attstorage")) ?? .plain)
    column.isNotNull = attributes[row, "attnotnull"] == "t"
    column.collation = UInt32(attributes[row, "attcollation"]) ?? 0
    return column
  }

  /// A generated table whose columns' types need not be known yet.
  struct Table {
    let rows: [[Substring]]
    private let places: [Substring: Int]

    init(_ name: String) {
      guard let text = CatalogText(name) else { preconditionFailure("\(name) has no rows") }
      rows = text.rows()
      places = Dictionary(uniqueKeysWithValues: text.columns.enumerated().map { ($0.element, $0.offset) })
    }

    subscript(row: [Substring], name: Substring) -> Substring {
      guard let place = places[name] else { preconditionFailure("there is no column \(name)") }
      return row[place]
    }
  }
}
