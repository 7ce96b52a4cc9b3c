import MillraceEngine
import MillraceTypes

/// What evaluating expressions costs (PostgreSQL's cost_qual_eval, src/backend/optimizer/path/costsize.c).
extension QueryPlanning {
  /// MAXALIGN(SizeofHeapTupleHeader).
  static let heapTupleHeader = 24

  func alignedWidth(_ width: Int) -> Int { (width + 7) & ~7 }

  /// A number of rows is a whole one, and one at least (`clamp_row_est`).
  func clampRows(_ rows: Double) -> Double {
    if rows.isNaN || rows > 1e100 { return 1e100 }
    return rows <= 1 ? 1 : rows.rounded(.toNearestOrEven)
  }

  func cost(_ expression: TypedExpression) -> ExpressionCost {
    var total = ExpressionCost()
    addCost(expression, &total)
    return total
  }

  func cost(_ expressions: [TypedExpression]) -> ExpressionCost {
    var total = ExpressionCost()
    for expression in expressions { addCost(expression, &total) }
    return total
  }

  func cost(_ restriction: Restriction) -> ExpressionCost {
    if let known = restriction.cost { return known }
    let cost = cost(restriction.clause)
    restriction.cost = cost
    return cost
  }

  func cost(_ restrictions: [Restriction]) -> ExpressionCost {
    restrictions.reduce(into: ExpressionCost()) { $0 += cost($1) }
  }

  private func addCost(_ expression: TypedExpression, _ total: inout ExpressionCost) {
    let step = settings.cpuOperatorCost
    switch expression {
    case .constant, .variable, .parameter, .caseOperand, .input, .aggregate: return
    case .call, .distinct, .nullIf, .minMax: total.perTuple += step
    case .throughText: total.perTuple += 2 * step
    case .rowComparison(let comparison): total.perTuple += Double(comparison.operators.count) * step
    case .arrayComparison(let comparison):
      let length = arrayLength(comparison.array)
      if isHashed(comparison) {
        total.startup += length * step
        total.perTuple += 2 * step
      } else {
        total.perTuple += length * 0.5 * step
      }
    case .subplan(let reference):
      let cost = statement.subplanCosts[reference.index]
      total.startup += cost.startup
      total.perTuple += cost.perCall
      return
    default: break
    }
    expression.forEachChild { child in addCost(child, &total) }
  }

  /// How many elements an array has (`estimate_array_length`).
  func arrayLength(_ array: TypedExpression) -> Double {
    switch array.withoutRelabels {
    case .array(let elements, _): Double(elements.count)
    case .constant(let constant): constant.arrayCount.map(Double.init) ?? 10
    default: 10
    }
  }

  /// Whether PostgreSQL would look up a list of constants in a hash table (`convert_saop_to_hashed_saop`).
  private func isHashed(_ comparison: TypedArrayComparison) -> Bool {
    guard let found = functions.operators[comparison.operatorID] else { return false }
    let equality = comparison.isAll ? functions.operators[found.negator] : found
    guard let equality, equality.canHash else { return false }
    switch comparison.array.withoutRelabels {
    case .constant(let constant): return (constant.arrayCount ?? 0) >= 9
    case .array(let elements, _): return elements.count >= 9 && elements.allSatisfy { $0.asConstant != nil }
    default: return false
    }
  }
}

extension TypedConstant {
  /// How many elements an array's value has; nil where it is none.
  var arrayCount: Int? {
    guard case .bytes(let bytes) = value else { return nil }
    return bytes.withByteView { view in
      guard view.count >= 12 else { return nil }
      let dimensions = Int(view.load(at: 0, as: Int32.self))
      guard dimensions > 0, view.count >= 12 + 8 * dimensions else { return dimensions == 0 ? 0 : nil }
      return (0..<dimensions).reduce(1) { $0 * Int(view.load(at: 12 + 4 * $1, as: Int32.self)) }
    }
  }
}
