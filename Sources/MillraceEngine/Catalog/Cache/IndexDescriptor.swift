public import MillraceStorage
import MillraceTypes

/// An index of a table: its rows in `pg_index` and `pg_class`.
public struct IndexDescriptor: Sendable {
  /// A column of an index, or an expression.
  public struct Column: Sendable, Hashable {
    /// The table's column, from 0; nil for an expression.
    public var column: Int?
    /// The expression, as SQL.
    public var expression: String?
    public var collation: UInt32 = 0
    public var operatorClass: UInt32 = 0
    public var isDescending = false
    public var isNullsFirst = false

    public init(column: Int) { self.column = column }
    public init(expression: String) { self.expression = expression }
  }

  public let oid: UInt32
  public let name: String
  public let namespace: UInt32
  public let table: UInt32
  public let accessMethod: UInt32
  public let locator: RelationLocator
  /// Key columns first, then those that are only stored (`INCLUDE`).
  public let columns: [Column]
  public let keyCount: Int
  public let isUnique: Bool
  public let isNullsNotDistinct: Bool
  public let isPrimary: Bool
  /// Whether uniqueness is checked with each row; else at the end of the statement or the transaction.
  public let isImmediate: Bool
  /// Whether queries may use it.
  public let isValid: Bool
  /// Who made it, where only transactions may use it for which that one has ended before their oldest snapshot: there
  /// are versions of rows that it does not know (`indcheckxmin`).
  public let usableAfter: TransactionID?
  /// Whether insertions must enter rows.
  public let isReady: Bool
  /// Which rows it has, as SQL; nil for all.
  public let predicate: String?
  public let options: [String: String]
  /// The index itself; nil where it is no B-tree, or of a type whose order is not known.
  public let tree: BTreeIndex?

  /// What separates the expressions of one index in `pg_index.indexprs`.
  static let separator: Character = "\u{1F}"

  init(
    _ row: CatalogRow<CatalogColumns.Index>, _ relation: CatalogRow<CatalogColumns.Class>, locator: RelationLocator,
    usableAfter: TransactionID?, tree: (BTreeIndex.Definition) -> BTreeIndex?, types: (Int) -> TypeDescriptor?
  ) {
    (oid, table) = (row[.indexrelid].oid, row[.indrelid].oid)
    (name, namespace) = (relation[.relname].string ?? "", relation[.relnamespace].oid)
    (accessMethod, self.locator) = (relation[.relam].oid, locator)
    keyCount = Int(row[.indnkeyatts].integer)
    (isUnique, isNullsNotDistinct) = (row[.indisunique].bool, row[.indnullsnotdistinct].bool)
    (isPrimary, isImmediate) = (row[.indisprimary].bool, row[.indimmediate].bool)
    (isValid, isReady) = (row[.indisvalid].bool, row[.indisready].bool)
    self.usableAfter = usableAfter
    predicate = row[.indpred].string
    options = RelationDescriptor.options(relation[.reloptions].strings)
    columns = Self.columns(row)
    self.tree =
      accessMethod == SystemOID.btree
      ? Self.definition(row, columns, options, types).flatMap(tree) : nil
  }

  /// - Parameter types: the type of a column of the index.
  private static func definition(
    _ row: CatalogRow<CatalogColumns.Index>, _ columns: [Column], _ options: [String: String],
    _ types: (Int) -> TypeDescriptor?
  ) -> BTreeIndex.Definition? {
    var keys: [IndexColumn] = []
    var included: [TypeDescriptor] = []
    for (place, column) in columns.enumerated() {
      guard let type = types(place) else { return nil }
      if place >= Int(row[.indnkeyatts].integer) {
        included.append(type)
      } else {
        guard type.compare != nil else { return nil }
        keys.append(IndexColumn(type, isDescending: column.isDescending, nullsFirst: column.isNullsFirst))
      }
    }
    var definition = BTreeIndex.Definition(
      IndexLayout(keys: keys, included: included), isUnique: row[.indisunique].bool)
    definition.nullsNotDistinct = row[.indnullsnotdistinct].bool
    if let fillFactor = options["fillfactor"].flatMap({ Int($0) }) { definition.fillFactor = fillFactor }
    if let deduplicates = options["deduplicate_items"] {
      definition.deduplicates = ["true", "on", "yes", "1"].contains(deduplicates.lowercased())
    }
    return definition
  }

  private static func columns(_ row: CatalogRow<CatalogColumns.Index>) -> [Column] {
    var expressions = (row[.indexprs].string ?? "").split(separator: separator).map(String.init)[...]
    let (collations, classes, flags) = (row[.indcollation].oids, row[.indclass].oids, row[.indoption].int16s)
    return row[.indkey].int16s.enumerated().map { place, number in
      var column = number > 0 ? Column(column: Int(number) - 1) : Column(expression: expressions.popFirst() ?? "")
      guard place < classes.count, place < flags.count, place < collations.count else { return column }
      column.collation = collations[place]
      column.operatorClass = classes[place]
      // INDOPTION_DESC and INDOPTION_NULLS_FIRST.
      column.isDescending = flags[place] & 1 != 0
      column.isNullsFirst = flags[place] & 2 != 0
      return column
    }
  }

  /// The table's columns that it stores, from 0. Expressions and the predicate may refer to more: see
  /// ``hasExpressions``.
  public var referencedColumns: [Int] { columns.compactMap(\.column) }

  /// Whether what it holds depends on more than its plain columns.
  public var hasExpressions: Bool { predicate != nil || columns.contains { $0.column == nil } }
}

/// A rule that a table's rows keep: a row of `pg_constraint`.
public struct ConstraintDescriptor: Sendable {
  /// `contype`.
  public enum Kind: UInt8, Sendable {
    case check = 0x63
    case foreignKey = 0x66
    case notNull = 0x6E
    case primaryKey = 0x70
    case unique = 0x75
    case trigger = 0x74
    case exclusion = 0x78
  }

  public let oid: UInt32
  public let name: String
  public let kind: Kind
  public let isDeferrable: Bool
  public let isInitiallyDeferred: Bool
  public let isValidated: Bool
  public let isEnforced: Bool
  /// The table's columns, from 0.
  public let columns: [Int]
  /// The index that keeps it, or 0.
  public let index: UInt32
  /// A check's expression, as SQL.
  public let expression: String?
  public let referencedTable: UInt32
  /// From 0.
  public let referencedColumns: [Int]
  /// `a` for no action, `r`estrict, `c`ascade, set `n`ull, set `d`efault.
  public let updateAction: UInt8
  public let deleteAction: UInt8
  public let matchType: UInt8

  /// - Returns: nil where the row is of a kind that is not known.
  init?(_ row: CatalogRow<CatalogColumns.Constraint>) {
    guard let kind = Kind(rawValue: row[.contype].byte) else { return nil }
    (oid, name, self.kind) = (row[.oid].oid, row[.conname].string ?? "", kind)
    (isDeferrable, isInitiallyDeferred) = (row[.condeferrable].bool, row[.condeferred].bool)
    (isValidated, isEnforced) = (row[.convalidated].bool, row[.conenforced].bool)
    columns = row[.conkey].int16s.map { Int($0) - 1 }
    index = row[.conindid].oid
    expression = row[.conbin].string
    referencedTable = row[.confrelid].oid
    referencedColumns = row[.confkey].int16s.map { Int($0) - 1 }
    (updateAction, deleteAction) = (row[.confupdtype].byte, row[.confdeltype].byte)
    matchType = row[.confmatchtype].byte
  }
}
