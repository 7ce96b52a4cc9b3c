/// Where expressions begin (exprLocation of nodes/nodeFuncs.c, for raw trees).
extension Expression {
  /// The first byte of it, as far as the grammar says it; of an operator that of its left operand.
  public var location: Location {
    switch self {
    case .constant(let constant): constant.location
    case .column(let reference): reference.location
    case .parameter(let parameter): parameter.location
    case .operation(let operation): Self.first(operation.left, operation.location)
    case .arrayComparison(let comparison): Self.first(comparison.left, comparison.location)
    case .distinct(let distinct): Self.first(distinct.left, distinct.location)
    case .nullIf(let nullIf): nullIf.location
    case .inList(let list): Self.first(list.left, list.location)
    case .between(let between): Self.first(between.operand, between.location)
    case .like(let like): Self.first(like.left, like.location)
    case .boolean(let boolean): Self.first(boolean.arguments.first, boolean.location)
    case .cast(let cast): Self.first(cast.argument, Self.earlier(cast.location, cast.type.location))
    case .collate(let clause): clause.argument.location
    case .function(let call): Self.first(call.arguments.first, call.location)
    case .namedArgument(let argument): argument.location
    case .indirection(let indirection): indirection.argument.location
    case .array(let array): array.location
    case .row(let row): row.location
    case .subquery(let subquery): subquery.location
    case .caseWhen(let expression): expression.location
    case .coalesce(let expression): expression.location
    case .minMax(let expression): expression.location
    case .valueFunction(let function): function.location
    case .nullTest(let test): Self.first(test.argument, test.location)
    case .booleanTest(let test): Self.first(test.argument, test.location)
    case .grouping(let grouping): grouping.location
    case .setToDefault(let location): location
    case .currentOf: .unknown
    }
  }

  private static func first(_ operand: Expression?, _ own: Location) -> Location {
    guard let operand else { return own }
    return earlier(operand.location, own)
  }

  private static func earlier(_ a: Location, _ b: Location) -> Location {
    guard a.isKnown else { return b }
    return b.isKnown && b.offset < a.offset ? b : a
  }
}
