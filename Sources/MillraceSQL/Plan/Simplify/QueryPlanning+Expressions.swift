import MillraceEngine
import MillraceTypes

/// Making expressions ready: constants computed, what comes from outside as parameters, subqueries as subplans
/// (PostgreSQL's preprocess_expression, and src/backend/optimizer/plan/subselect.c).
extension QueryPlanning {
  func prepare(_ expression: TypedExpression) throws(SQLError) -> TypedExpression {
    try replaceOuter(try statement.fold(expression))
  }

  /// Of conditions that have to be true together: one that is always true is gone, one that never is, is all.
  func prepare(conditions: [TypedExpression]) throws(SQLError) -> [TypedExpression] {
    var prepared: [TypedExpression] = []
    for condition in conditions {
      let folded = try statement.foldCondition(condition)
      for part in Self.conjuncts(folded) {
        if part.isFalseConstant || part.isNullConstant { return [.isFalse] }
        let replaced = try replaceOuter(part)
        if !prepared.contains(replaced) { prepared.append(replaced) }
      }
    }
    return prepared
  }

  /// What stands further out comes as parameters, and subqueries become subplans.
  private func replaceOuter(_ expression: TypedExpression) throws(SQLError) -> TypedExpression {
    switch expression {
    case .variable(let variable):
      guard variable.levelsUp > 0 else { return expression }
      var own = variable
      own.levelsUp = 0
      return provide(.variable(own), levelsUp: variable.levelsUp)
    case .aggregate(let aggregate) where aggregate.levelsUp > 0:
      var own = aggregate
      own.levelsUp = 0
      let lowered = VariableRewriter { variable, _ in
        var variable = variable
        variable.levelsUp -= aggregate.levelsUp
        return .variable(variable)
      }.rewrite(.aggregate(own))
      return provide(lowered, levelsUp: aggregate.levelsUp)
    case .subquery(var link):
      for index in link.left.indices { link.left[index] = try replaceOuter(link.left[index]) }
      return try makeSubplan(link)
    case .constant, .parameter, .caseOperand: return expression
    default:
      return try expression.mapChildren { (child) throws(SQLError) in try replaceOuter(child) }
    }
  }

  /// Something of the query so many levels further out, as a parameter.
  private func provide(_ expression: TypedExpression, levelsUp: Int) -> TypedExpression {
    var owner = self
    for _ in 0..<levelsUp {
      guard let next = owner.parent else { preconditionFailure("a column of a query that there is not") }
      owner = next
    }
    return owner.provide(expression)
  }

  /// Something of this query for what is being planned inside of it, as a parameter that will be set before that runs.
  func provide(_ expression: TypedExpression) -> TypedExpression {
    precondition(!scopes.isEmpty, "a parameter is wanted where nothing is planned inside")
    let last = scopes.count - 1
    let known = scopes[last].first { $0.value == expression }
    let number = known?.parameter ?? statement.newParameter()
    if known == nil { scopes[last].append(SubplanArgument(parameter: number, expression)) }
    return .parameter(TypedParameter(.executor(number), expression.type))
  }

  // MARK: Subplans

  /// Plans a query in an expression.
  private func makeSubplan(_ link: SubqueryLink) throws(SQLError) -> TypedExpression {
    var query = link.query
    if link.kind == .exists { query = try simplifyExists(query) }
    let fraction: Double =
      switch link.kind {
      case .exists: 1
      case .any, .all: 0.5
      case .scalar, .array: 0
      }
    scopes.append([])
    let planning = QueryPlanning(statement, query, parent: self)
    var path = try planning.plan(tupleFraction: fraction)
    let arguments = scopes.removeLast()
    var reference = SubplanReference(0, link.kind, link.type)
    (reference.left, reference.operators, reference.arguments) = (link.left, link.operators, arguments)
    let comparesRows = link.kind == .any || link.kind == .all
    if arguments.isEmpty, !comparesRows {
      let (plan, _) = try planning.createTop(path)
      let index = statement.add(subplan: plan, SubplanCost(startup: path.total, perCall: 0))
      let parameter = statement.newParameter()
      initialSubplans.append(InitialSubplan(subplan: index, link.kind, parameter: parameter))
      initialCost += link.kind == .exists ? path.startup + (path.total - path.startup) / max(path.rows, 1) : path.total
      return .parameter(TypedParameter(.executor(parameter), link.type))
    }
    reference.isHashed = link.kind == .any && arguments.isEmpty && canHash(reference, path)
    if comparesRows, arguments.isEmpty, !reference.isHashed, !path.node.keepsRows {
      path = costMaterialize(path)
    }
    let (plan, _) = try planning.createTop(path)
    reference.index = statement.add(subplan: plan, subplanCost(reference, path))
    return .subplan(reference)
  }

  /// `subplan_is_hashable` and `testexpr_is_hashable`.
  private func canHash(_ reference: SubplanReference, _ path: Path) -> Bool {
    let size = path.rows * Double(alignedWidth(path.width) + Self.heapTupleHeader)
    guard size <= settings.hashMemory else { return false }
    return reference.operators.allSatisfy { id in
      guard let found = functions.operators[id] else { return false }
      return found.canHash && (functions.functions[found.function]?.isStrict ?? false)
    }
  }

  /// PostgreSQL's cost_subplan.
  private func subplanCost(_ reference: SubplanReference, _ path: Path) -> SubplanCost {
    let test: ExpressionCost = cost(reference.left)
    let operators = Double(reference.operators.count) * settings.cpuOperatorCost
    let perRow = test.perTuple + operators
    if reference.isHashed {
      return SubplanCost(startup: test.startup + path.total + settings.cpuOperatorCost * path.rows, perCall: perRow)
    }
    let run = path.total - path.startup
    var result = SubplanCost(startup: test.startup, perCall: 0)
    switch reference.kind {
    case .exists: result.perCall += run / clampRows(path.rows)
    case .any, .all: result.perCall += 0.5 * run + 0.5 * path.rows * perRow
    case .scalar, .array: result.perCall += run
    }
    if reference.arguments.isEmpty, path.node.keepsRows {
      result.startup += path.startup
    } else {
      result.perCall += path.startup
    }
    return result
  }

  /// What EXISTS does not need of its query (`simplify_EXISTS_query`).
  func simplifyExists(_ query: Query) throws(SQLError) -> Query {
    guard query.command == .select, query.setOperations == nil, !query.hasAggregates, query.having == nil,
      query.offset == nil, query.rowMarks.isEmpty, query.with.allSatisfy({ $0.query.command == .select })
    else { return query }
    var query = query
    if let limit = query.limit {
      guard let constant = try statement.fold(limit).asConstant else { return query }
      if case .word(let word) = constant.value, Int64(bitPattern: word) <= 0 { return query }
    }
    if query.targets.contains(where: { statement.returnsSet($0.expression) }) { return query }
    query.targets = []
    (query.groupBy, query.orderBy, query.distinct) = ([], [], .no)
    (query.limit, query.hasAggregates) = (nil, false)
    return query
  }
}

extension PathNode {
  /// Whether its rows can be read again without computing them again (`ExecMaterializesOutput`).
  var keepsRows: Bool {
    switch self {
    case .materialize, .sort, .function, .commonTable, .workTable: true
    default: false
    }
  }
}
