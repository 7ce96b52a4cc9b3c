// What the branches of analysis, planner and executor bring; goes when they are merged.
import MillraceEngine
import MillraceTypes

extension SQLSession {
  func alterTable(_ s: AlterTableStatement) throws(SQLError) {}
  func vacuum(_ s: VacuumStatement) throws(SQLError) {}
  func run(_ s: CopyStatement, _ c: any SQLClient) throws(SQLError) -> String { "" }
}
