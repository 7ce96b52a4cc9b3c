import MillraceEngine
import MillraceTypes

/// A statement that has been prepared, by Parse or by PREPARE, and the plans that were made for it (PostgreSQL's
/// utils/cache/plancache.c).
final class PreparedStatement {
  let name: String
  /// The text that it came from; positions in errors refer to it.
  let source: String
  /// How often a plan is used that nobody has asked to be kept.
  static let reuseMax: UInt64 = 64

  /// nil where there was none in the string.
  let statement: Statement?
  /// Whether it is one of SELECT, INSERT, UPDATE and DELETE.
  let isPlannable: Bool
  var parameterTypes: [TypeID]
  /// What the client has said of these.
  var givenTypes: [TypeID] = []
  /// What it returns; nil for no rows.
  var columns: [ResultColumn]? {
    didSet { columnTypes = (columns ?? []).map(\.type) }
  }
  private(set) var columnTypes: [ValueType] = []
  /// By PREPARE.
  let isFromSQL: Bool
  let time: Int64
  /// How often it has run.
  var genericCount: UInt64 = 0
  var customCount: UInt64 = 0

  /// For SELECT, INSERT, UPDATE and DELETE: the analysed statement, as of ``generation``.
  var query: Query?
  /// The catalog's, and the search path's, when the statement was analysed or last found to be the same still.
  var generation: UInt64 = 0
  var pathGeneration: UInt64 = 0
  /// The plan for all values of the parameters.
  var generic: CachedPlan?
  var genericCost = -1.0
  var customCost = 0.0

  init(name: String, source: String, _ statement: Statement?, isFromSQL: Bool, time: Int64) {
    (self.name, self.source, self.statement) = (name, source, statement)
    (self.isFromSQL, self.time) = (isFromSQL, time)
    isPlannable = statement.map { SQLSession.isPlannable($0) } ?? false
    (parameterTypes, columns) = ([], nil)
  }

  /// Forgets what the catalog may say otherwise now.
  func invalidate() { (query, generic, genericCost) = (nil, nil, -1) }
}

/// A plan that several executions share, and what must still be so for it to be right.
struct CachedPlan {
  let planned: PlannedStatement
  /// What the plan refers to, as it was.
  let relations: [RelationDescriptor]
}

/// `plan_cache_mode`: whether prepared statements are planned for all values of their parameters or for each.
enum PlanCacheMode { case automatic, generic, custom }
