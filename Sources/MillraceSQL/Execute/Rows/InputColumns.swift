/// What expressions of a plan refer to.
enum InputColumns {
  /// The input columns that a node's filter and output use, ascending; all of them where there is no output list.
  /// - Parameter conditions: what else is evaluated over the same rows.
  static func needed(by plan: Plan, _ conditions: [TypedExpression] = []) -> [Int] {
    guard let output = plan.output else { return Array(plan.inputTypes.indices) }
    var found: Set<Int> = []
    for expression in output + plan.filter + conditions { collect(expression, into: &found) }
    return found.sorted()
  }

  static func collect(_ expression: TypedExpression, into found: inout Set<Int>) {
    if case .input(let column) = expression { found.insert(column.index) }
    expression.forEachChild { collect($0, into: &found) }
  }
}

/// The executor parameters that a plan's rows depend on, and that are set further up.
enum ParameterDependencies {
  static func of(_ plan: Plan, _ planned: PlannedStatement) -> [Int] {
    var used: Set<Int> = []
    var set: Set<Int> = []
    collect(plan, planned, &used, &set)
    return used.subtracting(set).sorted()
  }

  static func of(_ expressions: [TypedExpression], _ planned: PlannedStatement) -> Set<Int> {
    var (used, set) = (Set<Int>(), Set<Int>())
    for expression in expressions { collect(expression, planned, &used, &set) }
    return used
  }

  private static func collect(
    _ plan: Plan, _ planned: PlannedStatement, _ used: inout Set<Int>, _ set: inout Set<Int>
  ) {
    for expression in plan.filter + (plan.output ?? []) + plan.operation.expressions {
      collect(expression, planned, &used, &set)
    }
    if case .nestedLoop(_, _, let parameters) = plan.operation {
      for parameter in parameters { set.insert(parameter.parameter) }
    }
    for initial in plan.initialSubplans {
      set.insert(initial.parameter)
      collect(planned.subplans[initial.subplan], planned, &used, &set)
    }
    switch plan.operation {
    case .commonTableScan(let index, _): collect(planned.commonTables[index].plan, planned, &used, &set)
    default: break
    }
    for input in plan.inputs { collect(input, planned, &used, &set) }
  }

  private static func collect(
    _ expression: TypedExpression, _ planned: PlannedStatement, _ used: inout Set<Int>, _ set: inout Set<Int>
  ) {
    switch expression {
    case .parameter(let parameter):
      if case .executor(let number) = parameter.source { used.insert(number) }
    case .subplan(let reference):
      for argument in reference.arguments {
        set.insert(argument.parameter)
        collect(argument.value, planned, &used, &set)
      }
      collect(planned.subplans[reference.index], planned, &used, &set)
    default: break
    }
    expression.forEachChild { collect($0, planned, &used, &set) }
  }
}

extension PlanOperation {
  /// The expressions of the operation itself.
  fileprivate var expressions: [TypedExpression] {
    switch self {
    case .result(let condition): condition.map { [$0] } ?? []
    case .values(let rows): rows.flatMap { $0 }
    case .indexScan(let scan), .bitmapIndexScan(let scan): scan.conditions.compactMap(\.value)
    case .bitmapHeapScan(_, let recheck): recheck
    case .tidScan(_, let places): places
    case .functionScan(let call, _, _): [.call(call)]
    case .nestedLoop(_, let condition, let parameters): condition + parameters.map(\.value)
    case .hashJoin(_, let keys, let condition), .mergeJoin(_, let keys, let condition):
      condition + keys.flatMap { [$0.outer, $0.inner] }
    case .aggregate(_, _, let aggregates): aggregates.map { .aggregate($0) }
    case .limit(let count, let offset, _): [count, offset].compactMap { $0 }
    case .memoize(let memoization): memoization.keys
    default: []
    }
  }
}

/// Whether what a node has kept is still what it would find: it depends on parameters that have not been set since.
struct ParameterVersions {
  private let parameters: [Int]
  private var versions: [UInt64] = []

  /// - Parameter keys: what refers to parameters that do not count.
  init(_ plan: Plan, _ runtime: PlanRuntime, besides keys: [TypedExpression] = []) {
    let all = runtime.planned.executorParameterCount == 0 ? [] : ParameterDependencies.of(plan, runtime.planned)
    let known = ParameterDependencies.of(keys, runtime.planned)
    parameters = all.filter { !known.contains($0) }
  }

  /// Whether none of them has been set since the last call.
  mutating func areUnchanged(_ context: ExecutionContext) -> Bool {
    guard !parameters.isEmpty else { return true }
    let current = parameters.map { context.parameterGenerations[$0] }
    defer { versions = current }
    return current == versions
  }
}
