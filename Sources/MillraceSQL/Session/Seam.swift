// What the branches of analysis, planner and executor bring; goes when they are merged.
import MillraceEngine
import MillraceTypes

struct PlannerSettings { init(_ e: any SessionEnvironment) {} }
struct Planner {
  init(_ catalog: SessionCatalog, _ e: any SessionEnvironment, settings: PlannerSettings) {}
  func plan(_ q: Query, boundParameters: TupleSlot?, tupleFraction: Double) throws(SQLError) -> PlannedStatement {
    throw .unsupported("plan")
  }
}
extension SQLSession {
  func alterTable(_ s: AlterTableStatement) throws(SQLError) {}
  func createIndex(_ s: CreateIndexStatement) throws(SQLError) {}
  func createView(_ s: CreateViewStatement) throws(SQLError) {}
  func rename(_ s: RenameStatement) throws(SQLError) {}
  func setSchema(_ s: SetSchemaStatement) throws(SQLError) {}
  func comment(_ s: CommentStatement) throws(SQLError) {}
  func reindex(_ s: ReindexStatement) throws(SQLError) {}
  func createSchema(_ s: CreateSchemaStatement) throws(SQLError) {}
  func createRole(_ s: CreateRoleStatement) throws(SQLError) {}
  func alterRole(_ s: AlterRoleStatement) throws(SQLError) {}
  func dropRole(_ s: DropRoleStatement) throws(SQLError) {}
  func grantRole(_ s: GrantRoleStatement) throws(SQLError) {}
  func alterOwner(_ s: AlterOwnerStatement) throws(SQLError) {}
  func createDatabase(_ s: CreateDatabaseStatement) throws(SQLError) {}
  func dropDatabase(_ s: DropDatabaseStatement) throws(SQLError) {}
  func vacuum(_ s: VacuumStatement) throws(SQLError) {}
  func explain(_ s: ExplainStatement, source: String, _ c: any SQLClient) throws(SQLError) {}
  enum EF { case text, json }
  static func explainFormat(_ s: ExplainStatement) -> EF { .text }
  func createTableAs(_ s: SelectStatement) throws(SQLError) -> String { "" }
  func run(_ s: CreateTableAsStatement) throws(SQLError) -> String { "" }
  func run(_ s: CopyStatement, _ c: any SQLClient) throws(SQLError) -> String { "" }
  func evaluate(_ e: Expression, as: ValueType, what: String, _ arena: Arena) throws(SQLError) -> Datum? { nil }
}
