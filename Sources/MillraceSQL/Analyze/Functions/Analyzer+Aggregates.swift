import MillraceEngine
import MillraceTypes

/// Aggregates: where they may stand, and which query computes them (src/backend/parser/parse_agg.c).
extension Analyzer {
  func aggregate(
    _ entry: FunctionEntry, _ call: FunctionCall, _ arguments: [TypedExpression], _ type: ValueType,
    _ filter: TypedExpression?, _ scope: QueryScope
  ) throws(SQLError) -> TypedExpression {
    if let details = try functions().aggregates[entry.oid], details.kind != "n" {
      throw SQLError(
        .wrongObjectType, "WITHIN GROUP is required for ordered-set aggregate \(entry.name)", at: call.location)
    }
    if arguments.isEmpty, !call.isStar {
      throw SQLError(
        .wrongObjectType,
        "\(call.name.joined(separator: "."))(*) must be used to call a parameterless aggregate function",
        at: call.location)
    }
    if entry.returnsSet {
      throw SQLError(.invalidObjectDefinition, "aggregates cannot return sets", at: call.location)
    }
    var result = AggregateExpression(
      function: entry.oid, arguments, type, isStar: call.isStar, call.location)
    result.filter = filter
    result.isDistinct = call.isDistinct
    for key in call.orderBy { result.orderBy.append(try aggregateOrder(key, arguments, scope)) }
    if call.isDistinct { try checkDistinct(&result, call) }
    result.levelsUp = try aggregateLevel(result)
    guard let home = scope.ancestor(result.levelsUp) else { return .aggregate(result) }
    if let place = home.kind.refusal {
      throw SQLError(.groupingError, "aggregate functions are not allowed in \(place)", at: call.location)
    }
    home.query.hasAggregates = true
    return .aggregate(result)
  }

  private func aggregateOrder(
    _ key: SortBy, _ arguments: [TypedExpression], _ scope: QueryScope
  ) throws(SQLError) -> AggregateOrder {
    var expression = try scope.with(.orderBy) { () throws(SQLError) in try analyze(key.expression, scope) }
    if expression.type.id == .unknown {
      expression = try coerce(expression, to: ValueType(.text), .implicit, .implicitCast)
    }
    return AggregateOrder(expression, try sortOrder(key, expression, key.expression))
  }

  /// transformDistinctClause, for an aggregate: it is sorted by its arguments, those of ORDER BY first.
  private func checkDistinct(_ aggregate: inout AggregateExpression, _ call: FunctionCall) throws(SQLError) {
    for order in aggregate.orderBy where !aggregate.arguments.contains(order.expression) {
      throw SQLError(
        .invalidColumnReference,
        "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
        at: order.expression.location)
    }
    for argument in aggregate.arguments where try sortOperators(of: argument.type.id) == nil {
      throw SQLError(
        .undefinedFunction, "could not identify an equality operator for type \(typeName(argument.type.id))",
        at: argument.location)
    }
  }

  /// check_agg_arguments: how many queries further out the nearest one is whose columns the arguments use.
  private func aggregateLevel(_ aggregate: AggregateExpression) throws(SQLError) -> Int {
    var (columns, aggregates): (Int?, Int?) = (nil, nil)
    var inner = Location.unknown
    var setFunction: Location?
    let functions = try functions()
    func look(_ expression: TypedExpression) {
      expression.visit { part, depth in
        switch part {
        case .variable(let variable) where variable.levelsUp >= depth:
          columns = min(columns ?? .max, variable.levelsUp - depth)
        case .aggregate(let nested) where nested.levelsUp >= depth:
          let level = nested.levelsUp - depth
          if level < aggregates ?? .max { (aggregates, inner) = (level, nested.location) }
        case .call(let call) where depth == 0 && functions.functions[call.function]?.returnsSet == true:
          setFunction = setFunction ?? call.location
        default: break
        }
      }
    }
    for argument in aggregate.arguments { look(argument) }
    for order in aggregate.orderBy { look(order.expression) }
    if let filter = aggregate.filter { look(filter) }
    if let setFunction {
      throw SQLError(
        .featureNotSupported, "aggregate function calls cannot contain set-returning function calls",
        hint: "You might be able to move the set-returning function into a LATERAL FROM item.", at: setFunction)
    }
    let level = min(columns ?? .max, aggregates ?? .max)
    guard level != .max else { return 0 }
    if level == aggregates {
      throw SQLError(.groupingError, "aggregate function calls cannot be nested", at: inner)
    }
    return level
  }
}
