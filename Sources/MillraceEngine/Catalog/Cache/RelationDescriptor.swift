public import MillraceStorage

/// All that the catalog says of a relation: PostgreSQL's `RelationData` (src/include/utils/rel.h), as of one moment.
///
/// Immutable, and shared by all sessions that see the same; who has one keeps it valid by a lock on the relation.
public final class RelationDescriptor: Sendable {
  /// `relkind`.
  public enum Kind: UInt8, Sendable {
    case table = 0x72
    case index = 0x69
    case sequence = 0x53
    case toast = 0x74
    case view = 0x76
    case materializedView = 0x6D
    case compositeType = 0x63
    case foreignTable = 0x66
    case partitionedTable = 0x70
    case partitionedIndex = 0x49

    /// Whether there are files.
    public var hasStorage: Bool {
      switch self {
      case .table, .index, .sequence, .toast, .materializedView: true
      case .view, .compositeType, .foreignTable, .partitionedTable, .partitionedIndex: false
      }
    }

    /// What messages call it.
    public var noun: String {
      switch self {
      case .table, .partitionedTable: "table"
      case .index, .partitionedIndex: "index"
      case .sequence: "sequence"
      case .toast: "TOAST table"
      case .view: "view"
      case .materializedView: "materialized view"
      case .compositeType: "type"
      case .foreignTable: "foreign table"
      }
    }
  }

  /// `relpersistence`.
  public enum Persistence: UInt8, Sendable {
    case permanent = 0x70
    case unlogged = 0x75
    case temporary = 0x74
  }

  /// What the planner goes by: as of the last VACUUM or ANALYZE.
  public struct Statistics: Sendable, Hashable {
    /// `relpages`.
    public var pages: Int32
    /// `reltuples`; -1 where nobody has counted yet.
    public var tuples: Float
    /// `relallvisible`.
    public var allVisiblePages: Int32
  }

  public let oid: UInt32
  public let name: String
  public let namespace: UInt32
  public let kind: Kind
  public let persistence: Persistence
  public let owner: UInt32
  public let accessMethod: UInt32
  public let isShared: Bool
  /// Where its files are; nil where it has none.
  public let locator: RelationLocator?
  /// Whose temporary relation it is, as its files' names say; nil for all others.
  public let temporaryBackend: UInt32?
  /// Its rows; nil where it has none of its own, and for an index.
  public let heap: HeapRelation?
  public let tuple: TupleDescriptor
  /// In the order of their OIDs.
  public let indexes: [IndexDescriptor]
  /// In the order of their names.
  public let constraints: [ConstraintDescriptor]
  /// `reloptions`: `fillfactor` and others.
  public let options: [String: String]
  /// Its TOAST table, or 0.
  public let toastRelation: UInt32
  /// What a view shows, as SQL; nil for what is none.
  public let definition: String?
  public let statistics: Statistics

  /// All of it.
  struct Parts {
    var row: CatalogRow<CatalogColumns.Class>
    var locator: RelationLocator?
    var temporaryBackend: UInt32?
    var heap: HeapRelation?
    var tuple: TupleDescriptor
    var indexes: [IndexDescriptor] = []
    var constraints: [ConstraintDescriptor] = []
    var definition: String?
  }

  /// - Returns: nil where the row is of a kind that is not known.
  init?(_ parts: Parts) {
    let row = parts.row
    guard let kind = Kind(rawValue: row[.relkind].byte),
      let persistence = Persistence(rawValue: row[.relpersistence].byte)
    else { return nil }
    (oid, name, namespace) = (row[.oid].oid, row[.relname].string ?? "", row[.relnamespace].oid)
    (self.kind, self.persistence, owner) = (kind, persistence, row[.relowner].oid)
    (accessMethod, isShared) = (row[.relam].oid, row[.relisshared].bool)
    (locator, temporaryBackend) = (parts.locator, parts.temporaryBackend)
    (heap, tuple) = (parts.heap, parts.tuple)
    (indexes, constraints, definition) = (parts.indexes, parts.constraints, parts.definition)
    options = Self.options(row[.reloptions].strings)
    toastRelation = row[.reltoastrelid].oid
    statistics = Statistics(
      pages: Int32(truncatingIfNeeded: row[.relpages].integer), tuples: row[.reltuples].real,
      allVisiblePages: Int32(truncatingIfNeeded: row[.relallvisible].integer))
  }

  static func options(_ texts: [String]) -> [String: String] {
    var options: [String: String] = [:]
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      options[String(parts[0])] = parts.count > 1 ? String(parts[1]) : "true"
    }
    return options
  }

  /// How much of a page insertions fill, in percent.
  public var fillFactor: Int { Self.fillFactor(options) }

  static func fillFactor(_ options: [String: String]) -> Int {
    min(max(options["fillfactor"].flatMap { Int($0) } ?? 100, 10), 100)
  }

  /// Its first file, below the directory of the cluster (`GetRelationPath`); nil where it has none.
  public var filePath: String? {
    guard let locator else { return nil }
    if locator.tablespace == RelationLocator.globalTablespace { return "global/\(locator.relNumber)" }
    let owner = temporaryBackend.map { "t\($0)_" } ?? ""
    return "base/\(locator.database)/\(owner)\(locator.relNumber)"
  }

  public var primaryKey: IndexDescriptor? { indexes.first { $0.isPrimary } }

  /// Columns that some index has, from 0: an update that changes one of them needs new entries.
  public var indexedColumns: Set<Int> { Set(indexes.flatMap(\.referencedColumns)) }
}
