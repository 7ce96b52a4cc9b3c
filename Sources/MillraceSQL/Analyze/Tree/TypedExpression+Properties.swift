/// Where an expression stands, and what is in it.
extension TypedExpression {
  /// Where it begins in the statement's text: `exprLocation()`. Of an operator that is where its left operand does.
  public var location: Location {
    switch self {
    case .constant(let constant): constant.location
    case .variable(let variable): variable.location
    case .parameter(let parameter): parameter.location
    case .call(let call): leftmost(call.location)
    case .distinct(let comparison), .nullIf(let comparison): leftmost(comparison.location)
    case .arrayComparison(let comparison): leftmost(comparison.location)
    case .caseWhen(let expression): expression.location
    case .aggregate(let aggregate): aggregate.location
    case .subquery(let link): leftmost(link.location)
    case .relabel(let argument, _, _), .throughText(let argument, _, _): argument.location
    default: leftmost(.unknown)
    }
  }

  private func leftmost(_ own: Location) -> Location {
    var first = own
    forEachChild { child in
      let location = child.location
      if location.isKnown, !first.isKnown || location.offset < first.offset { first = location }
    }
    return first
  }

  /// Whether this expression or one that it is made of fulfils a condition; subqueries are not looked into.
  public func contains(_ condition: (TypedExpression) -> Bool) -> Bool {
    if condition(self) { return true }
    var isFound = false
    forEachChild { if !isFound, $0.contains(condition) { isFound = true } }
    return isFound
  }
}
