// What the branches of analysis, planner and executor bring; goes when they are merged.
import MillraceEngine
import MillraceTypes

extension SQLSession {
  func vacuum(_ s: VacuumStatement) throws(SQLError) {}
  func explain(_ s: ExplainStatement, source: String, _ c: any SQLClient) throws(SQLError) {}
  enum EF { case text, json }
  static func explainFormat(_ s: ExplainStatement) -> EF { .text }
}
