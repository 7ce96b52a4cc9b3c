#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
import MillraceEngine
import MillraceTypes

/// Selectivities of comparisons of two relations' columns (PostgreSQL's eqjoinsel and its like,
/// src/backend/utils/adt/selfuncs.c).
extension QueryPlanning {
  /// `eqjoinsel`.
  func joinEqualSelectivity(
    _ operatorID: UInt32, _ arguments: [TypedExpression], _ kind: JoinKind, _ special: SpecialJoin?
  ) -> Double {
    let (first, second) = (examine(arguments[0]), examine(arguments[1]))
    let inner = innerSelectivity(first, second)
    guard kind == .semi || kind == .anti, let special else { return clampProbability(inner) }
    // The left side of the join is what is counted.
    let isReversed = !(relations(of: arguments[0]).isSubset(of: special.left))
    let (left, right) = isReversed ? (second, first) : (first, second)
    let rightRows = findRelation(special.minimumRight)?.rows ?? right.relation?.rows ?? 1000
    let leftRows = findRelation(special.minimumLeft)?.rows ?? left.relation?.rows ?? 1000
    let result = semiSelectivity(left, right, rightRows: rightRows)
    _ = leftRows
    return clampProbability(min(result, rightRows * inner))
  }

  func findRelation(_ members: RelationSet) -> RelationInfo? {
    if let entry = members.single { return relations[entry] }
    return joins[members]
  }

  /// How the most common values of both match each other.
  private func matches(_ first: VariableFacts, _ second: VariableFacts) -> (
    first: [Bool], second: [Bool], product: Double
  )? {
    guard let one = first.facts, let two = second.facts, !one.commonValues.isEmpty, !two.commonValues.isEmpty,
      Self.orderType(one.type) == Self.orderType(two.type) || (Self.isInteger(one.type) && Self.isInteger(two.type)),
      let type = TypeDescriptor.builtIn[one.type], let equal = type.equal
    else { return nil }
    var firstMatches = Array(repeating: false, count: one.commonValues.count)
    var secondMatches = Array(repeating: false, count: two.commonValues.count)
    var product = 0.0
    for (place, value) in one.commonValues.enumerated() {
      for other in two.commonValues.indices where !secondMatches[other] && equal(value, two.commonValues[other]) {
        (firstMatches[place], secondMatches[other]) = (true, true)
        product += one.commonFrequencies[place] * two.commonFrequencies[other]
        break
      }
    }
    return (firstMatches, secondMatches, product)
  }

  /// `eqjoinsel_inner`.
  private func innerSelectivity(_ first: VariableFacts, _ second: VariableFacts) -> Double {
    let (distinctFirst, distinctSecond) = (first.distinct.count, second.distinct.count)
    guard let found = matches(first, second), let one = first.facts, let two = second.facts else {
      let result = (1 - first.nullFraction) * (1 - second.nullFraction)
      return result / max(distinctFirst, distinctSecond)
    }
    func parts(_ facts: ColumnFacts, _ matches: [Bool]) -> (
      matched: Double, unmatched: Double, other: Double, count: Int
    ) {
      var (matched, unmatched, count) = (0.0, 0.0, 0)
      for (place, isMatch) in matches.enumerated() {
        if isMatch {
          matched += facts.commonFrequencies[place]
          count += 1
        } else {
          unmatched += facts.commonFrequencies[place]
        }
      }
      let (own, rest) = (clampProbability(matched), clampProbability(unmatched))
      return (own, rest, clampProbability(1 - facts.nullFraction - own - rest), count)
    }
    let (left, right) = (parts(one, found.first), parts(two, found.second))
    let count = Double(left.count)
    var fromFirst = clampProbability(found.product)
    if distinctSecond > Double(two.commonValues.count) {
      fromFirst += left.unmatched * right.other / (distinctSecond - Double(two.commonValues.count))
    }
    if distinctSecond > count {
      fromFirst += left.other * (right.other + right.unmatched) / (distinctSecond - count)
    }
    var fromSecond = clampProbability(found.product)
    if distinctFirst > Double(one.commonValues.count) {
      fromSecond += right.unmatched * left.other / (distinctFirst - Double(one.commonValues.count))
    }
    if distinctFirst > count {
      fromSecond += right.other * (left.other + left.unmatched) / (distinctFirst - count)
    }
    return min(fromFirst, fromSecond)
  }

  /// `eqjoinsel_semi`: which part of the left rows has a partner.
  private func semiSelectivity(_ left: VariableFacts, _ right: VariableFacts, rightRows: Double) -> Double {
    let (one, two) = (left.distinct, right.distinct)
    var (distinctRight, isDefaultRight) = (two.count, two.isDefault)
    let isDefaultLeft = one.isDefault
    if let relation = right.relation, distinctRight >= relation.rows {
      distinctRight = relation.rows
      isDefaultRight = false
    }
    if distinctRight >= rightRows {
      distinctRight = rightRows
      isDefaultRight = false
    }
    let nulls = left.nullFraction
    guard let found = matches(left, right), let facts = left.facts else {
      if isDefaultLeft || isDefaultRight { return 0.5 * (1 - nulls) }
      return (one.count <= distinctRight || distinctRight < 0) ? 1 - nulls : distinctRight / one.count * (1 - nulls)
    }
    var matched = 0.0
    var count = 0
    for (place, isMatch) in found.first.enumerated() where isMatch {
      matched += facts.commonFrequencies[place]
      count += 1
    }
    matched = clampProbability(matched)
    var uncertain = 0.5
    if !isDefaultLeft, !isDefaultRight {
      let (first, second) = (one.count - Double(count), distinctRight - Double(count))
      uncertain = first <= second || second < 0 ? 1 : second / first
    }
    return matched + uncertain * clampProbability(1 - matched - nulls)
  }

  /// `neqjoinsel`.
  func joinNotEqualSelectivity(
    _ found: OperatorEntry, _ arguments: [TypedExpression], _ kind: JoinKind, _ special: SpecialJoin?
  ) -> Double {
    if kind == .semi || kind == .anti, let special {
      // It is likely that some row is different.
      let isReversed = !(relations(of: arguments[0]).isSubset(of: special.left))
      return 1 - examine(arguments[isReversed ? 1 : 0]).nullFraction
    }
    guard let negator = functions.operators[found.negator] else { return 1 - DefaultSelectivity.equal }
    return 1 - joinEqualSelectivity(negator.oid, arguments, kind, special)
  }

  // MARK: Groups

  /// How many different values expressions have in so many rows (`estimate_num_groups`).
  func groupCount(_ expressions: [TypedExpression], rows: Double) -> Double {
    let rows = clampRows(rows)
    guard !expressions.isEmpty else { return 1 }
    var total = 1.0
    var found: [VariableFacts] = []
    for expression in expressions {
      if expression.type.id == .bool {
        total *= 2
        continue
      }
      let own = examine(expression)
      var parts = [own]
      if own.facts == nil, !own.isUnique, case .variable = expression.withoutRelabels {
      } else if own.facts == nil, !own.isUnique {
        let variables = expression.variables
        if variables.isEmpty {
          if isVolatile(expression) { return rows }
          continue
        }
        parts = variables.map { examine(.variable($0)) }
      }
      for part in parts
      where !found.contains(where: { $0.expression == part.expression && $0.relation === part.relation }) {
        // Of equal columns the one with fewer values counts.
        if let same = found.firstIndex(where: { areEqual($0.expression, part.expression) }) {
          if part.distinct.count < found[same].distinct.count { found[same] = part }
          continue
        }
        found.append(part)
      }
    }
    guard !found.isEmpty else { return min(total.rounded(.up), rows) }
    while let first = found.first {
      let own = found.filter { $0.relation === first.relation }
      found.removeAll { $0.relation === first.relation }
      total *= groupCount(own, first.relation)
    }
    return max(1, min(total.rounded(.up), rows))
  }

  private func areEqual(_ first: TypedExpression, _ second: TypedExpression) -> Bool {
    classes.contains { known in
      !known.sources.isEmpty && known.members.contains { $0.expression == first }
        && known.members.contains { $0.expression == second }
    }
  }

  private func groupCount(_ found: [VariableFacts], _ relation: RelationInfo?) -> Double {
    var (product, most) = (1.0, 0.0)
    for part in found {
      let distinct = part.distinct.count
      product *= distinct
      most = max(most, distinct)
    }
    guard let relation, relation.tuples > 0 else { return product }
    var limit = relation.tuples
    if found.count > 1 {
      limit *= 0.1
      if limit < most { limit = min(most, relation.tuples) }
    }
    product = min(product, limit)
    if product > 0, relation.rows < relation.tuples {
      product *= 1 - pow((relation.tuples - relation.rows) / relation.tuples, relation.tuples / product)
    }
    return clampRows(product)
  }
}
