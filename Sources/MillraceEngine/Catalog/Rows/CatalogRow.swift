/// A row of a system table, by the names of its columns.
public struct CatalogRow<Column: CatalogColumn>: Sendable, Hashable {
  public var values: [CatalogValue]
  /// Where it is stored; nil for a new one.
  public let identifier: TupleIdentifier?
  private let stored: [CatalogValue]

  /// A new row, all null.
  public init() {
    values = Array(repeating: .null, count: Column.allCases.count)
    (identifier, stored) = (nil, [])
  }

  public init(_ values: [CatalogValue], at identifier: TupleIdentifier? = nil) {
    precondition(values.count == Column.allCases.count, "a row of a system table has another number of columns")
    (self.values, self.identifier, stored) = (values, identifier, values)
  }

  /// Whether a column, from 0, is another than was read.
  func hasChanged(_ column: Int) -> Bool { stored.isEmpty || stored[column] != values[column] }

  public subscript(column: Column) -> CatalogValue {
    get { values[column.rawValue] }
    set { values[column.rawValue] = newValue }
  }
}
