import MillraceEngine
import MillraceTypes

/// A table, another entry of FROM, or a join of some: what is known of its rows, and the ways to get them. PostgreSQL's
/// `RelOptInfo` (src/include/nodes/pathnodes.h).
final class RelationInfo {
  let members: RelationSet
  /// Of what is no join: its entry in the range table.
  let entry: Int?
  /// Of a table.
  var descriptor: RelationDescriptor?
  var indexes: [IndexInfo] = []
  /// Rows that come out, and those that are there before conditions.
  var rows = 1.0
  var tuples = 0.0
  var pages = 0.0
  /// The part of the pages that are visible to all.
  var visibleFraction = 0.0
  /// Bytes of an average row.
  var width = 0
  /// Conditions on it alone, and those that it takes part in together with others.
  var restrictions: [Restriction] = []
  var joinClauses: [Restriction] = []
  var restrictionCost = ExpressionCost()
  /// Whether equivalence classes may give join clauses for it.
  var hasEquivalenceJoins = false
  /// What must be given from outside: it refers to these entries.
  var lateral = RelationSet()
  /// The columns that others need of it.
  var needed: [Variable] = []
  /// Whether nothing can come out.
  var isEmpty = false
  /// Of a subquery: its planning, and the way chosen.
  var subquery: QueryPlanning?
  /// Of a subquery: the way chosen, and what refers to the entries before it.
  var subqueryPath: Path?
  var statistics: [Int: ColumnFacts?] = [:]
  var columnWidths: [Int: Int] = [:]

  /// Whether one that starts early is kept although others take less in all: only a part of the rows is wanted.
  var considersStartup = false
  var paths: [Path] = []
  var cheapestStartup: Path?
  var cheapestTotal: Path?
  /// The cheapest of each set of relations that parameters come from, the unparameterised one included.
  var cheapestParameterized: [Path] = []
  /// For a semi join: its distinct rows.
  var uniquePath: Path??
  var parameterInfos: [RelationSet: ParameterInfo] = [:]
  /// Whether its rows have a unique partner for these outer relations; see `innerrel_is_unique`.
  var uniqueFor: [RelationSet: Bool] = [:]

  init(_ members: RelationSet, entry: Int? = nil) { (self.members, self.entry) = (members, entry) }
}

/// What comes out of a relation when parameters from other relations are given: PostgreSQL's `ParamPathInfo`.
final class ParameterInfo {
  let required: RelationSet
  var rows: Double
  let clauses: [Restriction]

  init(_ required: RelationSet, rows: Double, _ clauses: [Restriction]) {
    (self.required, self.rows, self.clauses) = (required, rows, clauses)
  }
}

/// An index, with what the planner wants to know of it: PostgreSQL's `IndexOptInfo`.
final class IndexInfo {
  struct Column {
    /// The table's column; nil for an expression.
    var column: Int?
    var expression: TypedExpression?
    var family: UInt32
    var type: TypeID
    var isDescending: Bool
    var isNullsFirst: Bool
  }

  let descriptor: IndexDescriptor
  let columns: [Column]
  let pages: Double
  let tuples: Double
  /// The level of the root.
  let height: Int
  /// What rows it has; empty: all.
  let predicate: [TypedExpression]
  /// Whether the query's conditions imply the predicate.
  var isPredicateImplied = true

  init(
    _ descriptor: IndexDescriptor, _ columns: [Column], pages: Double, tuples: Double, height: Int,
    predicate: [TypedExpression]
  ) {
    (self.descriptor, self.columns, self.pages) = (descriptor, columns, pages)
    (self.tuples, self.height, self.predicate) = (tuples, height, predicate)
  }

  var isUnique: Bool { descriptor.isUnique && descriptor.isImmediate }
}

/// What ANALYZE knows of a column, or of the rows of a subquery.
struct ColumnFacts {
  var nullFraction = 0.0
  var width = 0
  /// As `pg_statistic.stadistinct`: negative as a part of the rows; 0 unknown.
  var distinct = 0.0
  var type: TypeID
  var commonValues: [Datum] = []
  var commonFrequencies: [Double] = []
  var bounds: [Datum] = []
  var correlation: Double?
  /// What the values belong to.
  var owner: AnyObject?
}
