import MillraceTypes

/// A way to get rows, with what it costs: PostgreSQL's `Path` (src/include/nodes/pathnodes.h). Only the one that is
/// chosen in the end becomes a ``Plan``.
final class Path {
  let node: PathNode
  /// What rows it gives; nil above joins, where expressions are computed.
  let relation: RelationInfo?
  var rows: Double
  var startup: Double
  var total: Double
  var width: Int
  var ordering: [PathKey]
  /// The relations that parameters come from.
  let parameters: ParameterInfo?
  /// How many nodes there are that the settings forbid.
  var disabled: Int

  init(
    _ node: PathNode, _ relation: RelationInfo?, rows: Double, startup: Double = 0, total: Double = 0, width: Int,
    ordering: [PathKey] = [], parameters: ParameterInfo? = nil, disabled: Int = 0
  ) {
    (self.node, self.relation, self.rows) = (node, relation, rows)
    (self.startup, self.total, self.width) = (startup, total, width)
    (self.ordering, self.parameters, self.disabled) = (ordering, parameters, disabled)
  }

  var required: RelationSet { parameters?.required ?? RelationSet() }

  /// Another node over it, which costs nothing yet.
  func below(_ node: PathNode, ordering: [PathKey]? = nil) -> Path {
    Path(
      node, relation, rows: rows, startup: startup, total: total, width: width, ordering: ordering ?? self.ordering,
      parameters: parameters, disabled: disabled)
  }
}

/// What a path does.
indirect enum PathNode {
  /// One row without columns, or none where one of the conditions is not true.
  case result([TypedExpression])
  case sequential
  case index(IndexPath)
  case bitmapHeap(BitmapPath)
  case tid([TypedExpression], [Restriction])
  case values, function, commonTable(Int), workTable(Int)
  case subquery(Path)
  case join(JoinPath)
  case materialize(Path)
  case memoize(Path, MemoizePath)
  case sort(Path)
  case incrementalSort(Path, presorted: Int)
  /// The distinct rows of the right side of a semi join.
  case uniqueRows(Path, SpecialJoin, isHashed: Bool)
  /// Computes expressions.
  case project(Path, [TypedExpression])
  case projectSet(Path, [TypedExpression])
  /// What must be true once, before anything is read.
  case gate(Path, [TypedExpression])
  case aggregate(Path, AggregatePath)
  case unique(Path, keys: [SortGroupExpression])
  case lockRows(Path)
  case limit(Path)
  case append([Path])
  case setOperation(Path, Path, TypedSetOperation)
  case recursiveUnion(Path, Path, commonTable: Int, TypedSetOperation)
  case modify(Path)
  /// min and max without reading all rows: each is the first row of an index.
  case extremes([ExtremePath])
}

/// A scan of an index, and the conditions that it fulfils (`IndexPath`).
struct IndexPath {
  var index: IndexInfo
  /// In the order of the index's columns.
  var clauses: [IndexClause]
  var isBackward: Bool
  /// Whether the index has all that is needed of a row.
  var isIndexOnly = false
  /// What reading the index alone costs, and the part of the table that it gives.
  var indexCost = 0.0
  var selectivity = 0.0
  /// How many rows a scan of it gives.
  var rows = 0.0
}

/// A condition that an index can look up (`IndexClause`).
struct IndexClause {
  var restriction: Restriction
  var column: Int
  var conditions: [IndexCondition]
  /// Whether it lets rows through that do not fulfil the condition.
  var isLossy = false
}

/// A bitmap that comes from indexes.
indirect enum BitmapPath {
  case index(IndexPath, parameters: RelationSet)
  case and([BitmapPath], selectivity: Double, cost: Double)
  case or([BitmapPath], Restriction, selectivity: Double, cost: Double)

  var selectivity: Double {
    switch self {
    case .index(let path, _): path.selectivity
    case .and(_, let selectivity, _), .or(_, _, let selectivity, _): selectivity
    }
  }
}

/// A join of two paths (`JoinPath`).
struct JoinPath {
  enum Method { case nested, merge, hash }

  var method: Method
  var kind: JoinKind
  var outer: Path
  var inner: Path
  /// All that is to be true of the pair.
  var clauses: [Restriction]
  /// Those among them by which it merges or hashes.
  var keys: [Restriction] = []
  /// Whether an outer row has one partner at most.
  var isInnerUnique = false
  /// The orders in which a merge join wants its inputs; empty where they are in it.
  var outerSort: [PathKey] = []
  var innerSort: [PathKey] = []
  var mergeKeys: [PathKey] = []
  var materializesInner = false
}

/// An aggregate that is the first value in some order, and how that is found.
struct ExtremePath {
  var aggregate: AggregateExpression
  var planning: QueryPlanning
  var path: Path
}

struct AggregatePath {
  var strategy: AggregateStrategy
  /// How many groups are expected.
  var groups: Double
  var keys: [SortGroupExpression]
  var aggregates: [AggregateExpression]
  var having: [TypedExpression]
}

/// An expression by which is grouped or made distinct.
struct SortGroupExpression: Hashable {
  var expression: TypedExpression
  var order: SortOrder
}
