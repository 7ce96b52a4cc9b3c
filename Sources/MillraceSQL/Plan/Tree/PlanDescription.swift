/// What EXPLAIN shows of a node and execution does not need.
public final class PlanDescription: Sendable {
  /// The names of the input rows' columns: of scans of something else than tables, and of tables whose columns have
  /// aliases. Empty: the table's own.
  public let columnNames: [String]
  /// How many settings like `enable_seqscan = off` forbid the node and what is below it.
  public let disabledNodes: Int
  /// How many of an aggregation's keys GROUP BY says; those behind depend on them. Nil: all.
  public let groupKeyCount: Int?
  /// How many columns of a UNION, for a subquery of it that is shown as `*SELECT* 1`.
  public let subqueryNumber: Int?
  /// Whether a join gives each outer row one partner at most.
  public let isInnerUnique: Bool
  /// The groups that a hashed aggregation expects, or the number of rows that a hash table does.
  public let plannedGroups: Double?

  public init(
    columnNames: [String] = [], disabledNodes: Int = 0, groupKeyCount: Int? = nil, subqueryNumber: Int? = nil,
    isInnerUnique: Bool = false, plannedGroups: Double? = nil
  ) {
    (self.columnNames, self.disabledNodes, self.groupKeyCount) = (columnNames, disabledNodes, groupKeyCount)
    (self.subqueryNumber, self.isInnerUnique) = (subqueryNumber, isInnerUnique)
    self.plannedGroups = plannedGroups
  }
}
