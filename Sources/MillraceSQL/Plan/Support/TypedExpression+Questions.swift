import MillraceEngine
import MillraceTypes

/// What the planner asks of an expression (PostgreSQL's clauses.c and var.c in src/backend/optimizer/util).
extension TypedExpression {
  var containsAggregate: Bool {
    contains { if case .aggregate(let aggregate) = $0 { aggregate.levelsUp == 0 } else { false } }
  }

  var containsSubquery: Bool { contains { if case .subquery = $0 { true } else { false } } }

  var containsSubplan: Bool {
    contains {
      switch $0 {
      case .subplan, .subquery: true
      default: false
      }
    }
  }

  var containsVariable: Bool { contains { if case .variable = $0 { true } else { false } } }

  /// The columns that it refers to, each once, in the order in which they stand in it.
  var variables: [Variable] {
    var found: [Variable] = []
    collectVariables(into: &found)
    return found
  }

  func collectVariables(into found: inout [Variable]) {
    if case .variable(let variable) = self {
      if variable.levelsUp == 0, !found.contains(variable) { found.append(variable) }
      return
    }
    forEachChild { child in child.collectVariables(into: &found) }
  }

  func collectAggregates(into found: inout [AggregateExpression]) {
    if case .aggregate(let aggregate) = self, aggregate.levelsUp == 0 {
      if !found.contains(aggregate) { found.append(aggregate) }
      return
    }
    forEachChild { child in child.collectAggregates(into: &found) }
  }

  /// Without casts that change nothing but the type's name.
  var withoutRelabels: TypedExpression {
    var expression = self
    while case .relabel(let inner, _, _) = expression { expression = inner }
    return expression
  }

  var asConstant: TypedConstant? {
    if case .constant(let constant) = self { return constant }
    return nil
  }

  var isNullConstant: Bool { asConstant?.value == .null }
  var isTrueConstant: Bool { asConstant.map { $0.type.id == .bool && $0.value == .word(1) } ?? false }
  var isFalseConstant: Bool { asConstant.map { $0.type.id == .bool && $0.value == .word(0) } ?? false }

  static let isTrue = TypedExpression.constant(TypedConstant(ValueType(.bool), .word(1)))
  static let isFalse = TypedExpression.constant(TypedConstant(ValueType(.bool), .word(0)))
}

extension QueryPlanning {
  /// The entries of this query's range table that an expression refers to (`pull_varnos`).
  func relations(of expression: TypedExpression) -> RelationSet {
    var found = RelationSet()
    Self.collectRelations(expression, &found)
    return found
  }

  private static func collectRelations(_ expression: TypedExpression, _ found: inout RelationSet) {
    switch expression {
    case .variable(let variable): if variable.levelsUp == 0 { found.insert(variable.entry) }
    case .constant, .parameter: break
    default: expression.forEachChild { child in collectRelations(child, &found) }
    }
  }

  func isVolatile(_ expression: TypedExpression) -> Bool { statement.isVolatile(expression) }

  /// Whether an index or the like can look it up once: it refers to no row of the relation and is not volatile.
  func isLookupValue(_ expression: TypedExpression, for relation: RelationSet) -> Bool {
    !relations(of: expression).overlaps(relation) && !isVolatile(expression)
  }
}

extension StatementPlanning {
  func isVolatile(_ expression: TypedExpression) -> Bool {
    expression.contains { part in
      switch part {
      case .call(let call): self.functions.functions[call.function]?.volatility == "v"
      case .aggregate(let aggregate): self.functions.functions[aggregate.function]?.volatility == "v"
      case .subquery(let link): self.isVolatile(link.query)
      default: false
      }
    }
  }

  func isVolatile(_ query: Query) -> Bool {
    var found = false
    QueryVisitor.forEachPart(query) { part in found = found || isVolatile(part) }
    QueryVisitor.forEachNested(query) { nested in found = found || isVolatile(nested) }
    return found
  }

  func returnsSet(_ expression: TypedExpression) -> Bool {
    expression.contains { part in
      guard case .call(let call) = part else { return false }
      return self.functions.functions[call.function]?.returnsSet ?? false
    }
  }

  /// Whether the expression is null as soon as one of its columns is (`contain_nonstrict_functions`, negated).
  func isStrict(_ expression: TypedExpression) -> Bool {
    switch expression {
    case .constant, .variable, .parameter: true
    case .relabel(let inner, _, _), .throughText(let inner, _, _), .not(let inner): isStrict(inner)
    case .call(let call):
      (functions.functions[call.function]?.isStrict ?? false) && call.arguments.allSatisfy { isStrict($0) }
    case .arrayComparison(let comparison):
      !comparison.isAll && isStrict(comparison.left) && isStrict(comparison.array)
    default: false
    }
  }
}
