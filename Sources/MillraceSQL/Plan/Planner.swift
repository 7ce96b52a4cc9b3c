public import MillraceEngine
public import MillraceTypes

/// Makes a plan of an analysed statement: PostgreSQL's planner (src/backend/optimizer/plan/planner.c).
///
/// The way with the least cost is chosen, by the model of costsize.c and the statistics that ANALYZE left. What it
/// costs to plan depends on the statement alone, not on the catalog. Used by the session's thread, in a transaction
/// that has locked what the statement refers to.
public struct Planner {
  let catalog: SessionCatalog
  let environment: any SessionEnvironment
  let settings: PlannerSettings
  /// How values are read and written, where constants are computed.
  public var typeSettings = TypeSettings()
  /// How many pages tables and indexes are taken to have, by OID, instead of those that their files have: for plans as
  /// they would be elsewhere.
  var pageCounts: [UInt32: Double] = [:]

  public init(_ catalog: SessionCatalog, _ environment: any SessionEnvironment, settings: PlannerSettings) {
    (self.catalog, self.environment, self.settings) = (catalog, environment, settings)
  }

  /// - Parameters:
  ///   - boundParameters: the values of `$1` and so on that the plan may depend on; nil for one that is good for all.
  ///   - tupleFraction: the part of the rows that is going to be fetched; 0 for all.
  /// - Throws: ``SQLError``: what computing constants throws, and what is not supported.
  public func plan(
    _ query: Query, boundParameters: TupleSlot? = nil, tupleFraction: Double = 0
  ) throws(SQLError) -> PlannedStatement {
    let statement = try StatementPlanning(self, bound: boundParameters)
    defer { statement.takeApart() }
    if let simple = try statement.planSimple(query, tupleFraction: tupleFraction) { return simple }
    let planning = QueryPlanning(statement, query, parent: nil)
    let path = try planning.plan(tupleFraction: tupleFraction)
    let (plan, _) = try planning.createTop(path)
    return statement.finish(query, planning, plan)
  }
}
