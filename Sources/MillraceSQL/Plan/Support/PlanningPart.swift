/// What planning makes and what refers to itself through others: ways to their relation and back, conditions to their
/// classes and back. Nobody would ever give these back, so they are taken apart when the statement has its plan.
protocol PlanningPart: AnyObject {
  /// Lets go of all that may lead back here. It is used no more.
  func takeApart()
}

extension RelationInfo: PlanningPart {
  func takeApart() {
    (paths, cheapestParameterized, cheapestStartup, cheapestTotal) = ([], [], nil, nil)
    (uniquePath, subquery, subqueryPath) = (nil, nil, nil)
  }
}

extension EquivalenceClass: PlanningPart {
  func takeApart() { (sources, derived, mergedInto) = ([], [], nil) }
}

extension QueryPlanning: PlanningPart {
  func takeApart() {
    (relations, joins, classes) = ([], [:], [])
    (commonTables, workTable) = ([:], nil)
  }
}
