import MillraceEngine
import MillraceTypes

/// Statements that need no planning to speak of.
extension StatementPlanning {
  /// nil where the statement has to be planned like any other.
  func planSimple(_ query: Query) throws(SQLError) -> PlannedStatement? { nil }
}
