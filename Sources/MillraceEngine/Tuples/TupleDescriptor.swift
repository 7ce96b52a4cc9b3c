public import MillraceTypes

/// The columns of a table, or of what a query returns: PostgreSQL's `TupleDesc`. Immutable; shared by all sessions.
public final class TupleDescriptor: Sendable {
  public let columns: [ColumnDescriptor]
  /// The type of whole rows; none for what is no table.
  public let rowType: TypeID
  /// Takes all columns.
  public let deformer: TupleDeformer
  /// Forms tuples of all columns.
  let former: TupleFormer
  private let numbers: [String: Int]

  /// - Parameter columns: at most 1600, dropped ones included.
  public init(_ columns: [ColumnDescriptor], rowType: TypeID = .none) {
    precondition(columns.count <= Self.columnsMax, "a row has at most \(Self.columnsMax) columns")
    (self.columns, self.rowType) = (columns, rowType)
    deformer = TupleDeformer(columns, wanted: Array(columns.indices))
    former = TupleFormer(columns)
    numbers = Dictionary(
      columns.enumerated().lazy.filter { !$0.element.isDropped }.map { ($0.element.name, $0.offset) },
      uniquingKeysWith: { first, _ in first })
  }

  /// `MaxHeapAttributeNumber`.
  public static let columnsMax = 1600

  public var count: Int { columns.count }

  /// The index of a column, from 0; nil where there is none of that name.
  public func index(of name: String) -> Int? { numbers[name] }

  /// Takes some of the columns, and passes over the others.
  /// - Parameter wanted: indices from 0.
  public func deformer(for wanted: some Sequence<Int>) -> TupleDeformer {
    TupleDeformer(columns, wanted: Array(wanted))
  }
}
