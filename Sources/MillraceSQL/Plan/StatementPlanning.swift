import MillraceEngine
import MillraceTypes

/// What the planning of one statement has in common for all of its queries: PostgreSQL's `PlannerGlobal`.
final class StatementPlanning {
  let catalog: SessionCatalog
  let environment: any SessionEnvironment
  let settings: PlannerSettings
  let typeSettings: TypeSettings
  let pageCounts: [UInt32: Double]
  let functions: FunctionCatalog
  /// The values of the statement's parameters, where the plan may depend on them.
  let bound: TupleSlot?
  /// For values that are computed while planning.
  private(set) lazy var arena = Arena(chunkSize: 4096)
  private var knownFolder: ConstantFolder?
  private(set) var subplans: [Plan] = []
  /// What running each subplan costs: before its first row, and each time.
  private(set) var subplanCosts: [SubplanCost] = []
  private var subplanNumbers: [Int] = []
  var commonTables: [PlannedCommonTable?] = []
  private(set) var parameterCount = 0
  private(set) var relations: [PlannedRelation] = []
  /// What is to be taken apart at the end.
  private var parts: [any PlanningPart] = []
  /// Operators that were looked up in families.
  var familyOperators: [FamilyKey: UInt32?] = [:]

  init(_ planner: Planner, bound: TupleSlot?) throws(SQLError) {
    (catalog, environment, settings) = (planner.catalog, planner.environment, planner.settings)
    (typeSettings, pageCounts, self.bound) = (planner.typeSettings, planner.pageCounts, bound)
    let catalog = catalog
    functions = try Self.engine { () throws(EngineError) in try catalog.functions() }
  }

  /// Calls the engine, whose errors are the statement's.
  static func engine<Result>(_ body: () throws(EngineError) -> Result) throws(SQLError) -> Result {
    do throws(EngineError) { return try body() } catch { throw SQLError(error) }
  }

  func relation(_ oid: UInt32) throws(SQLError) -> RelationDescriptor {
    let catalog = catalog
    return try Self.engine { () throws(EngineError) in try catalog.requiredRelation(oid) }
  }

  /// What computes constants.
  func folder() throws(SQLError) -> ConstantFolder {
    if let knownFolder { return knownFolder }
    let made = try ConstantFolder(catalog.session, environment, typeSettings, parameters: bound)
    knownFolder = made
    return made
  }

  /// Notes what has been made.
  func keep<Part: PlanningPart>(_ part: Part) -> Part {
    parts.append(part)
    return part
  }

  /// Ends planning: nothing but the plan is left.
  func takeApart() {
    for part in parts { part.takeApart() }
    parts = []
  }

  // MARK: What the plan has

  func newParameter() -> Int {
    defer { parameterCount += 1 }
    return parameterCount
  }

  func add(subplan: Plan, _ cost: SubplanCost) -> Int {
    subplans.append(subplan)
    subplanNumbers.append(subplans.count + commonTables.count)
    subplanCosts.append(cost)
    return subplans.count - 1
  }

  /// The strongest access counts.
  func use(_ relation: UInt32, _ access: PlannedRelation.Access) {
    guard let known = relations.firstIndex(where: { $0.relation == relation }) else {
      relations.append(PlannedRelation(relation, access))
      return
    }
    if access == .write || (access == .lockRows && relations[known].access == .read) {
      relations[known].access = access
    }
  }

  func finish(
    _ query: Query, _ planning: QueryPlanning, _ plan: Plan, isLookup: Bool = false
  ) -> PlannedStatement {
    let shown = query.command == .select ? query.targets.filter { !$0.isHidden } : query.returning
    let tables = commonTables.map { table -> PlannedCommonTable in
      guard let table else { preconditionFailure("a query of WITH has no plan") }
      return table
    }
    let isReadOnly = !relations.contains { $0.access != .read }
    return PlannedStatement(
      command: query.command, plan, subplans: subplans, commonTables: tables, columns: shown,
      returnsRows: query.command == .select || !query.returning.isEmpty, executorParameterCount: parameterCount,
      relations: relations, isReadOnly: isReadOnly, rangeTableSize: query.rangeTableSize,
      subplanNumbers: subplanNumbers, isLookup: isLookup)
  }
}

/// What a subplan costs (PostgreSQL's cost_subplan): once, and for each row of what is around it.
struct SubplanCost {
  var startup: Double
  var perCall: Double
}

extension Query {
  /// How many entries its range table and those of all queries in it have.
  var rangeTableSize: Int {
    var size = 0
    QueryVisitor.visit(self) { query in size += query.rangeTable.count }
    return size
  }
}
