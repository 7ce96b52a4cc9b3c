// What the branches of analysis, planner and executor bring; goes when they are merged.
import MillraceEngine
import MillraceTypes

extension SQLSession {
  func vacuum(_ s: VacuumStatement) throws(SQLError) {}
}
