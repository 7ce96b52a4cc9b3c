import MillraceEngine
import MillraceTypes

/// What the planner asks of ANALYZE's results and of the analyser.
extension StatementPlanning {
  /// What ANALYZE found out about a column; nil where it has not looked.
  func statistics(of table: RelationDescriptor, _ column: Int) -> ColumnFacts? {
    // Without statistics the plan is a worse one, and no other.
    guard let known = try? catalog.columnStatistics(of: table.oid)[column] else { return nil }
    var facts = ColumnFacts(type: table.tuple.columns[column].typeID)
    (facts.nullFraction, facts.width) = (Double(known.nullFraction), Int(known.width))
    facts.distinct = Double(known.distinctCount)
    (facts.commonValues, facts.commonFrequencies) = (known.commonValues, known.commonFrequencies.map(Double.init))
    (facts.bounds, facts.correlation) = (known.histogramBounds, known.correlation.map(Double.init))
    facts.owner = known
    return facts
  }

  /// An expression that the catalog has as SQL, over a table's columns (entry 0).
  func analyze(
    _ sql: String, over table: RelationDescriptor, for purpose: Analyzer.Purpose, expecting: ValueType? = nil
  ) throws(SQLError) -> TypedExpression {
    let analyzer = Analyzer(catalog, environment)
    return try analyzer.analyzeExpression(sql, over: table, expecting: expecting, for: purpose)
  }
}
