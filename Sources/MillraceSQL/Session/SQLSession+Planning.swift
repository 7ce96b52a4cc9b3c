import MillraceEngine
import MillraceSettings
import MillraceTypes

/// From a statement to a plan, and keeping plans (PostgreSQL's utils/cache/plancache.c).
extension SQLSession {
  // MARK: Once

  func analyze(_ statement: Statement, _ parameters: ParameterTypes) throws(SQLError) -> Query {
    let analyzer = Analyzer(catalog, self, parameters: parameters)
    analyzer.typeSettings = typeSettings
    analyzer.maxStackDepth = parser.maxStackDepth
    return try analyzer.analyze(statement)
  }

  func plan(_ query: Query, bound: TupleSlot? = nil, tupleFraction: Double = 0) throws(SQLError) -> PlannedStatement {
    let plannerSettings = self.plannerSettings ?? PlannerSettings(self)
    self.plannerSettings = plannerSettings
    return try Planner(catalog, self, settings: plannerSettings)
      .plan(query, boundParameters: bound, tupleFraction: tupleFraction)
  }

  /// What a query returns; nil for no rows.
  static func columns(of query: Query) -> [ResultColumn]? {
    let targets = query.command == .select ? query.targets.filter { !$0.isHidden } : query.returning
    if query.command != .select, targets.isEmpty { return nil }
    return targets.map { ResultColumn($0) }
  }

  // MARK: Preparing

  /// Looks a statement's names up and finds out the types of its parameters.
  /// - Parameter isVariable: whether there may be more parameters than types are given.
  func prepare(
    _ prepared: PreparedStatement, parameterTypes: [TypeID], isVariable: Bool = true
  ) throws(SQLError) {
    guard let statement = prepared.statement else { return }
    let types = ParameterTypes(parameterTypes.map { $0 == .none ? nil : ValueType($0) }, isVariable: isVariable)
    guard Self.isPlannable(statement) else {
      (prepared.givenTypes, prepared.parameterTypes) = (parameterTypes, parameterTypes)
      if let query = Self.queryInside(statement) {
        _ = try analyze(query, types)
        prepared.parameterTypes = types.types.map(\.id)
      }
      prepared.columns = try columns(ofUtility: statement)
      return
    }
    let query = try analyze(statement, types)
    prepared.givenTypes = parameterTypes
    prepared.parameterTypes = types.types.map(\.id)
    prepared.columns = Self.columns(of: query)
    note(query, of: prepared)
  }

  /// SELECT INTO is CREATE TABLE AS.
  static func isPlannable(_ statement: Statement) -> Bool {
    switch statement {
    case .select(let select): select.into == nil
    case .insert, .update, .delete: true
    default: false
    }
  }

  func note(_ query: Query, of prepared: PreparedStatement) {
    prepared.query = query
    (prepared.generation, prepared.pathGeneration) = (catalog.generation, pathGeneration)
  }

  // MARK: Plans that are kept

  /// The plan of a prepared statement for its next execution. What it refers to is locked.
  func plan(_ prepared: PreparedStatement, _ parameters: TupleSlot) throws(SQLError) -> PlannedStatement {
    if prepared.generic != nil, try !isValid(prepared) { prepared.invalidate() }
    if let generic = prepared.generic, usesGeneric(prepared) {
      prepared.genericCount += 1
      return generic.planned
    }
    let query = try currentQuery(of: prepared)
    if prepared.generic == nil, usesGeneric(prepared) || prepared.genericCost < 0 {
      let planned = try plan(query)
      prepared.generic = try cached(planned)
      prepared.genericCost = planned.plan.cost.total
      if usesGeneric(prepared) {
        prepared.genericCount += 1
        return planned
      }
    }
    let planned = try plan(query, bound: parameters)
    prepared.customCount += 1
    prepared.customCost += planned.plan.cost.total + planningCost(planned)
    return planned
  }

  private func currentQuery(of prepared: PreparedStatement) throws(SQLError) -> Query {
    catalog.acceptInvalidations()
    if let query = prepared.query, prepared.generation == catalog.generation,
      prepared.pathGeneration == pathGeneration
    {
      return query
    }
    guard let statement = prepared.statement else { preconditionFailure("an empty statement was to be planned") }
    let query = try analyze(statement, ParameterTypes(prepared.parameterTypes.map { ValueType($0) }, isVariable: false))
    let columns = Self.columns(of: query)
    guard columns?.map(\.type) == prepared.columns?.map(\.type) else {
      var error = SQLError(.featureNotSupported, "cached plan must not change result type")
      // By this drivers know it, prepare the statement again, and go on.
      error.routine = "RevalidateCachedQuery"
      throw error
    }
    prepared.columns = columns
    note(query, of: prepared)
    return query
  }

  func cached(_ planned: PlannedStatement) throws(SQLError) -> CachedPlan {
    var relations: [RelationDescriptor] = []
    relations.reserveCapacity(planned.relations.count)
    for relation in planned.relations {
      relations.append(
        try SQLError.engine { () throws(EngineError) in try catalog.requiredRelation(relation.relation) })
    }
    return CachedPlan(planned: planned, relations: relations)
  }

  /// Locks what a kept plan refers to, and finds out whether that is still as it was.
  func isValid(_ prepared: PreparedStatement) throws(SQLError) -> Bool {
    guard let generic = prepared.generic else { return false }
    return try SQLError.engine { () throws(EngineError) in
      for relation in generic.planned.relations {
        try catalog.lock(relation.relation, Self.lockMode(relation.access))
      }
      catalog.acceptInvalidations()
      guard prepared.pathGeneration == pathGeneration else { return false }
      if prepared.generation == catalog.generation { return true }
      for (place, relation) in generic.planned.relations.enumerated() {
        guard try catalog.relation(relation.relation) === generic.relations[place] else { return false }
      }
      prepared.generation = catalog.generation
      return true
    }
  }

  private static func lockMode(_ access: PlannedRelation.Access) -> LockMode {
    switch access {
    case .read: .accessShare
    case .lockRows: .rowShare
    case .write: .rowExclusive
    }
  }

  /// Whether the plan for all values is taken (choose_custom_plan). One that costs next to nothing always is: no other
  /// could save what planning takes.
  private func usesGeneric(_ prepared: PreparedStatement) -> Bool {
    if prepared.parameterTypes.isEmpty { return true }
    switch planCacheMode {
    case .generic: return true
    case .custom: return false
    case .automatic: break
    }
    guard prepared.genericCost >= 0 else { return false }
    if prepared.genericCost < Self.cheapPlanCost { return true }
    guard prepared.customCount >= 5 else { return false }
    return prepared.genericCost < prepared.customCost / Double(prepared.customCount)
  }

  static let cheapPlanCost = 20.0

  /// cached_plan_cost.
  private func planningCost(_ planned: PlannedStatement) -> Double {
    1000 * settings[.cpuOperatorCost] * Double(planned.relations.count + 1)
  }
}

extension SelectStatement {
  /// The table of SELECT INTO.
  var into: IntoClause? {
    switch body {
    case .select(let block): block.into
    case .setOperation(let operation): operation.left.into
    case .values: nil
    }
  }

  /// The same without it.
  var withoutInto: SelectStatement {
    var copy = self
    switch body {
    case .select(var block):
      block.into = nil
      copy.body = .select(block)
    case .setOperation(var operation):
      operation.left = operation.left.withoutInto
      copy.body = .setOperation(operation)
    case .values: break
    }
    return copy
  }
}
