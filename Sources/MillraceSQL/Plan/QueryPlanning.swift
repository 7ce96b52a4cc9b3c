import MillraceEngine
import MillraceTypes

/// The planning of one query: of the statement's own, or of one in FROM, WITH or an expression. PostgreSQL's
/// `PlannerInfo` (src/include/nodes/pathnodes.h).
final class QueryPlanning {
  let statement: StatementPlanning
  let parent: QueryPlanning?
  var query: Query
  var tree = PlanJoinTree.list([], [])

  /// By their entries in the range table.
  var relations: [RelationInfo?] = []
  /// Joins of several.
  var joins: [RelationSet: RelationInfo] = [:]
  var specialJoins: [SpecialJoin] = []
  var classes: [EquivalenceClass] = []
  /// Conditions of full joins and of outer joins that an equality with a constant may pass.
  var outerClauses: [Restriction] = []
  /// Where each column is needed; see ``Need``.
  var needs: [Variable: Need] = [:]
  /// What has to be true once before anything is read.
  var gates: [TypedExpression] = []
  /// Whether there is no join but inner ones, so that classes may be made of all equalities.
  var hasOuterJoins = false
  /// Whether there is a full join that no method can do.
  var hasImpossibleFullJoin = false
  /// All entries that are read.
  var allRelations = RelationSet()
  var totalPages = 0.0
  /// How many rows are going to be fetched: a part below 1, a number from 1 on, 0 for all.
  var tupleFraction = 0.0
  /// LIMIT's number of rows, OFFSET included; negative where it is not known.
  var limitTuples = -1.0
  /// LIMIT and OFFSET: 0 where there is none, negative where it is not known.
  var limitCount = 0.0
  var limitOffset = 0.0
  /// What comes out at the end: what is shown, then what only sorting, locking or changing rows needs.
  var outputs: [TypedExpression] = []

  /// The order that is wanted of the joins, and those that later steps want.
  var wantedOrder: [PathKey] = []
  var groupOrder: [PathKey] = []
  var distinctOrder: [PathKey] = []
  var sortOrder: [PathKey] = []
  /// GROUP BY without what is always the same or depends on the rest, in the order in which it is grouped.
  var groupKeys: [SortGroupExpression] = []
  /// Whether columns that are not in GROUP BY may be asked for, because they depend on what is.
  var extraGroupKeys: [SortGroupExpression] = []
  var aggregates: [AggregateExpression] = []

  /// The query as it came, where min and max could be looked up in indexes.
  var original: Query?

  var initialSubplans: [InitialSubplan] = []
  var initialCost = 0.0
  /// What runs inside of this query gets from its rows, for each thing that is being planned.
  var scopes: [[SubplanArgument]] = []
  /// Of entries that refer to others before them: what they get.
  var lateralArguments: [Int: [SubplanArgument]] = [:]
  /// Queries of WITH that are computed once, by name: their index, and what comes out.
  var commonTables: [String: CommonTableInfo] = [:]
  /// While the recursive part of a query of WITH is planned: what the part before it gives.
  var workTable: (name: String, info: CommonTableInfo)?

  /// While plans are made: from which relations nested loops give parameters, and which they are.
  var outerRelations = RelationSet()
  var outerParameters: [SubplanArgument] = []

  init(_ statement: StatementPlanning, _ query: Query, parent: QueryPlanning?) {
    (self.statement, self.query, self.parent) = (statement, query, parent)
    _ = statement.keep(self)
  }

  var settings: PlannerSettings { statement.settings }
  var functions: FunctionCatalog { statement.functions }

  /// Who needs a column: conditions over these relations, or the result.
  struct Need {
    var relations = RelationSet()
    var isFinal = false
    /// In which order needs were found.
    var order: Int
  }
}

/// A query of WITH that is computed once.
struct CommonTableInfo {
  var index: Int
  var rows: Double
  var width: Int
  var planning: QueryPlanning?
}

extension QueryPlanning {
  /// Finds the best way.
  /// - Parameter tupleFraction: how many of its rows are going to be fetched; see ``tupleFraction``.
  func plan(tupleFraction: Double) throws(SQLError) -> Path {
    guard query.rangeTable.count <= RelationSet.countMax else {
      throw SQLError(
        .programLimitExceeded,
        "a query has \(query.rangeTable.count) entries in its range table, and "
          + "\(RelationSet.countMax) are possible")
    }
    self.tupleFraction = tupleFraction
    try planCommonTables()
    keepForExtremes()
    if query.setOperations == nil { try simplify() }
    let path = query.setOperations == nil ? try planUpper() : try planSetOperations()
    path.startup += initialCost
    path.total += initialCost
    return path
  }
}
