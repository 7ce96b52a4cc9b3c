/// What EXPLAIN shows of a node and execution does not need.
public final class PlanDescription: Sendable {
  /// The names of the input rows' columns: of scans of something else than tables, and of tables whose columns have
  /// aliases. Empty: the table's own.
  public let columnNames: [String]
  /// How many settings like `enable_seqscan = off` forbid the node and what is below it.
  public let disabledNodes: Int
  /// How many of an aggregation's keys GROUP BY says; those behind depend on them. Nil: all.
  public let groupKeyCount: Int?
  /// Queries of WITH that belong to the query whose topmost node it is, by their index in
  /// ``PlannedStatement/commonTables``.
  public let commonTables: [Int]
  /// Whether a join gives each outer row one partner at most.
  public let isInnerUnique: Bool

  public init(
    columnNames: [String] = [], disabledNodes: Int = 0, groupKeyCount: Int? = nil, commonTables: [Int] = [],
    isInnerUnique: Bool = false
  ) {
    (self.columnNames, self.disabledNodes, self.groupKeyCount) = (columnNames, disabledNodes, groupKeyCount)
    (self.commonTables, self.isInnerUnique) = (commonTables, isInnerUnique)
  }
}
