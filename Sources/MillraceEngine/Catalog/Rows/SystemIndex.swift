import MillraceTypes

/// An index of a system table, as it is in every cluster.
struct SystemIndex: Sendable {
  let oid: UInt32
  let name: String
  let isUnique: Bool
  let isMapped: Bool
  /// The table's columns, from 0.
  let columns: [Int]

  /// All of them, by their tables, in the order of their OIDs.
  static func load() -> [UInt32: [SystemIndex]] {
    let classes = SystemCatalog.Table("pg_class")
    var relations: [Substring: (name: Substring, isMapped: Bool)] = [:]
    for row in classes.rows where classes[row, "relkind"] == "i" {
      relations[row[0]] = (classes[row, "relname"], classes[row, "relfilenode"] == "0")
    }
    let table = SystemCatalog.Table("pg_index")
    var indexes: [UInt32: [SystemIndex]] = [:]
    for row in table.rows {
      guard let oid = UInt32(row[0]), let owner = UInt32(table[row, "indrelid"]), let relation = relations[row[0]]
      else { continue }
      indexes[owner, default: []].append(
        SystemIndex(
          oid: oid, name: String(relation.name), isUnique: table[row, "indisunique"] == "t",
          isMapped: relation.isMapped,
          columns: table[row, "indkey"].split(separator: " ").map { (Int($0) ?? 1) - 1 }))
    }
    return indexes.mapValues { $0.sorted { $0.oid < $1.oid } }
  }

  /// How its entries lie in pages.
  func layout(_ table: TupleDescriptor) -> IndexLayout {
    IndexLayout(keys: columns.map { IndexColumn(Self.keyType(table.columns[$0])) })
  }

  /// The type by whose order a column is ordered: those that are OIDs in fact are ordered as OIDs.
  private static func keyType(_ column: ColumnDescriptor) -> TypeDescriptor {
    if column.length == 4, column.isUnsigned, column.typeID != .float4 { return .oid }
    guard let type = column.type else { preconditionFailure("an index on the type \(column.typeID.rawValue)") }
    return type
  }

  func definition(_ table: TupleDescriptor) -> BTreeIndex.Definition {
    BTreeIndex.Definition(layout(table), isUnique: isUnique)
  }
}
