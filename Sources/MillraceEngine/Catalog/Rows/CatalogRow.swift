/// A row of a system table, by the names of its columns.
public struct CatalogRow<Column: CatalogColumn>: Sendable, Hashable {
  public var values: [CatalogValue]
  /// Where it is stored; nil for a new one.
  public let identifier: TupleIdentifier?

  /// A new row, all null.
  public init() {
    values = Array(repeating: .null, count: Column.allCases.count)
    identifier = nil
  }

  public init(_ values: [CatalogValue], at identifier: TupleIdentifier? = nil) {
    precondition(values.count == Column.allCases.count, "a row of a system table has another number of columns")
    (self.values, self.identifier) = (values, identifier)
  }

  public subscript(column: Column) -> CatalogValue {
    get { values[column.rawValue] }
    set { values[column.rawValue] = newValue }
  }
}
