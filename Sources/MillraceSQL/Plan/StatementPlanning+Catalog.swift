import MillraceEngine
import MillraceTypes

/// What the planner asks of ANALYZE's results and of the analyser.
extension StatementPlanning {
  /// What ANALYZE found out about a column; nil where it has not looked.
  func statistics(of table: RelationDescriptor, _ column: Int) -> ColumnFacts? { nil }

  /// An expression that the catalog has as SQL, over a table's columns (entry 0).
  func analyze(
    _ sql: String, over table: RelationDescriptor, expecting: ValueType? = nil
  ) throws(SQLError) -> TypedExpression? {
    nil
  }
}
