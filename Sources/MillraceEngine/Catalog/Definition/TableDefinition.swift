public import MillraceTypes

/// A column that is to be made.
public struct ColumnDefinition: Sendable {
  public var name: String
  public var type: TypeID
  public var typmod: Int32 = -1
  /// The type's own unless given.
  public var collation: UInt32?
  public var isNotNull = false
  /// The name of the constraint that says so; made up unless given.
  public var notNullName: String?
  /// The default, or how the column is generated, as SQL.
  public var defaultExpression: String?
  public var identity = ColumnDescriptor.Identity.none
  public var generated = ColumnDescriptor.Generated.none
  public var storage: TypeDescriptor.Storage?
  public var compression = ColumnDescriptor.Compression.default
  /// What rows have that are there already: the default's value, where it is the same for all. Only for a column that
  /// is added to a table.
  public var missing: MissingValue?
  /// Dimensions of an array, as written.
  public var dimensions = 0

  public init(_ name: String, _ type: TypeID, typmod: Int32 = -1) {
    (self.name, self.type, self.typmod) = (name, type, typmod)
  }
}

/// A constraint that is to be made.
public struct ConstraintDefinition: Sendable {
  public enum Kind: Sendable {
    /// An expression, as SQL.
    case check(String)
    /// Its index is made with it.
    case primaryKey
    case unique(isNullsNotDistinct: Bool)
    case foreignKey(ForeignKey)
  }

  /// To which table's columns the own ones refer, and what becomes of rows when those change.
  public struct ForeignKey: Sendable {
    public var table: UInt32
    /// From 0.
    public var columns: [Int]
    /// The index that makes them unique.
    public var index: UInt32
    public var updateAction = UInt8(ascii: "a")
    public var deleteAction = UInt8(ascii: "a")
    public var matchType = UInt8(ascii: "s")
    /// For each column the operators `primary = foreign`, `primary = primary`, `foreign = foreign`.
    public var operators: [(UInt32, UInt32, UInt32)] = []

    public init(table: UInt32, columns: [Int], index: UInt32) {
      (self.table, self.columns, self.index) = (table, columns, index)
    }
  }

  /// Made up unless given.
  public var name: String?
  public var kind: Kind
  /// The table's columns, from 0: those of a key, or those that a check looks at.
  public var columns: [Int]
  /// Columns that its index only stores.
  public var included: [Int] = []
  public var isDeferrable = false
  public var isInitiallyDeferred = false
  /// Whether the rows that are there are known to keep it: not so for `NOT VALID`.
  public var isValidated = true
  public var isNoInherit = false
  /// Of its index.
  public var options: [String: String] = [:]

  public init(_ kind: Kind, columns: [Int], name: String? = nil) {
    (self.kind, self.columns, self.name) = (kind, columns, name)
  }
}

/// A table that is to be made.
public struct TableDefinition: Sendable {
  public var name: String
  public var namespace: UInt32
  public var persistence = RelationDescriptor.Persistence.permanent
  public var columns: [ColumnDefinition]
  public var constraints: [ConstraintDefinition] = []
  public var options: [String: String] = [:]
  /// What becomes of a temporary table's rows, or of itself, when the transaction commits.
  public var onCommit = TemporaryRelations.CommitAction.preserveRows

  public init(_ name: String, namespace: UInt32, columns: [ColumnDefinition]) {
    (self.name, self.namespace, self.columns) = (name, namespace, columns)
  }
}
