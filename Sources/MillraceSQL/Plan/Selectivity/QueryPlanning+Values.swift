import MillraceEngine
import MillraceTypes

/// Selectivities of comparisons with one value (PostgreSQL's src/backend/utils/adt/selfuncs.c).
extension QueryPlanning {
  /// What is known of an expression's values (`examine_variable`).
  func examine(_ expression: TypedExpression) -> VariableFacts {
    let plain = expression.withoutRelabels
    var found = VariableFacts(expression: plain)
    if case .variable(let variable) = plain, variable.levelsUp == 0, let relation = relations[variable.entry] {
      found.relation = relation
      switch variable.column {
      case .column(let column):
        found.facts = facts(relation, column)
        if let hint = subqueryFacts(relation, column) {
          (found.facts, found.isUnique, found.distinctHint) = (hint.facts, hint.isUnique, hint.distinctHint)
          if let below = hint.relation { found.relation = below }
        }
        found.isUnique =
          found.isUnique
          || relation.indexes.contains {
            $0.isUnique && $0.predicate.isEmpty && $0.columns.count == 1 && $0.columns[0].column == column
          }
        if case .values = query.rangeTable[variable.entry].kind { found.distinctHint = -1 }
      case .system(.ctid): found.distinctHint = -1
      case .system(.tableoid): found.distinctHint = 1
      case .system, .wholeRow: break
      }
      return found
    }
    let members = relations(of: plain)
    if let entry = members.single { found.relation = relations[entry] }
    return found
  }

  /// What a subquery's own relations know of a column that it only passes on.
  private func subqueryFacts(_ relation: RelationInfo, _ column: Int) -> VariableFacts? {
    guard let inner = relation.subquery, inner.query.setOperations == nil else { return nil }
    let shown = inner.query.targets.filter { !$0.isHidden }
    guard column < shown.count else { return nil }
    if inner.query.groupBy.count == 1, inner.query.groupBy[0].target == column {
      var found = VariableFacts(expression: shown[column].expression)
      found.isUnique = true
      found.relation = relation
      return found
    }
    if case .all(let keys) = inner.query.distinct, keys.count == 1, keys[0].target == column {
      var found = VariableFacts(expression: shown[column].expression)
      found.isUnique = true
      found.relation = relation
      return found
    }
    guard case .variable = shown[column].expression.withoutRelabels, inner.query.groupBy.isEmpty,
      inner.query.distinct == .no
    else { return nil }
    return inner.examine(shown[column].expression)
  }

  /// The statistics of a table's column.
  func facts(_ relation: RelationInfo, _ column: Int) -> ColumnFacts? {
    if let known = relation.statistics[column] { return known }
    let read = relation.descriptor.flatMap { statement.statistics(of: $0, column) }
    relation.statistics[column] = .some(read)
    return read
  }

  // MARK: = and <>

  /// Which operand is examined, and whether it stands on the left.
  private func sides(
    _ arguments: [TypedExpression], _ entry: Int?
  ) -> (variable: VariableFacts, other: TypedExpression, isLeft: Bool)? {
    let (left, right) = (relations(of: arguments[0]), relations(of: arguments[1]))
    func counts(_ relations: RelationSet) -> Bool { entry.map { relations.contains($0) } ?? !relations.isEmpty }
    if counts(left), !counts(right) { return (examine(arguments[0]), arguments[1], true) }
    if counts(right), !counts(left) { return (examine(arguments[1]), arguments[0], false) }
    return nil
  }

  /// `eqsel` and `neqsel`.
  func equalSelectivity(_ arguments: [TypedExpression], _ entry: Int?, isNegated: Bool) -> Double {
    guard let (variable, other, _) = sides(arguments, entry) else {
      return isNegated ? 1 - DefaultSelectivity.equal : DefaultSelectivity.equal
    }
    if other.isNullConstant { return 0 }
    var result: Double
    if variable.isUnique, let relation = variable.relation, relation.tuples >= 1 {
      result = 1 / relation.tuples
    } else if let facts = variable.facts {
      if let constant = other.withoutRelabels.asConstant, isComparable(constant, facts.type) {
        result = equalSelectivity(variable, facts, comparable(constant, facts.type))
      } else {
        result = 1 - facts.nullFraction
        let distinct = variable.distinct.count
        if distinct > 1 { result /= distinct }
        if let most = facts.commonFrequencies.first, result > most { result = most }
      }
    } else {
      result = 1 / variable.distinct.count
    }
    if isNegated { result = 1 - result - variable.nullFraction }
    return clampProbability(result)
  }

  /// `var_eq_const`, of a constant as a value of the column's own type; nil where it is equal to none of those.
  private func equalSelectivity(_ variable: VariableFacts, _ facts: ColumnFacts, _ datum: Datum?) -> Double {
    guard let equal = TypeDescriptor.builtIn[facts.type]?.equal else { return 1 / variable.distinct.count }
    if let datum {
      for (value, frequency) in zip(facts.commonValues, facts.commonFrequencies) where equal(value, datum) {
        return frequency
      }
    }
    let common = facts.commonFrequencies.reduce(0, +)
    var result = clampProbability(1 - common - facts.nullFraction)
    let others = variable.distinct.count - Double(facts.commonValues.count)
    if others > 1 { result /= others }
    if let least = facts.commonFrequencies.last, result > least { result = least }
    return result
  }

  private func isComparable(_ constant: TypedConstant, _ type: TypeID) -> Bool {
    guard let conversion = IndexKeyConversion(from: constant.type.id, to: type) else { return false }
    return !conversion.dependsOnZone && constant.value != .null
  }

  /// A constant as a value of the column's type; nil where it is equal to none, or of a type that is not compared with
  /// it.
  func comparable(_ constant: TypedConstant, _ type: TypeID) -> Datum? {
    guard let conversion = IndexKeyConversion(from: constant.type.id, to: type), !conversion.dependsOnZone,
      let value = datum(constant), case .equal(let found) = conversion.position(of: value, .utc)
    else { return nil }
    return found
  }

  /// The value of the column's type that comes nearest to a constant.
  private func nearest(_ constant: TypedConstant, _ type: TypeID) -> Datum? {
    guard let conversion = IndexKeyConversion(from: constant.type.id, to: type) else { return nil }
    return datum(constant).map { conversion.nearest(to: $0, .utc) }
  }

  private func datum(_ constant: TypedConstant) -> Datum? {
    switch constant.value {
    case .null: nil
    case .word(let word): Datum(word: word)
    case .bytes(let bytes): statement.arena.copy(bytes)
    }
  }

  static func isInteger(_ type: TypeID) -> Bool { type == .int2 || type == .int4 || type == .int8 }

  // MARK: < and >

  /// `scalarltsel` and its like.
  func inequalitySelectivity(_ name: String, _ arguments: [TypedExpression], _ entry: Int?) -> Double {
    guard let (variable, other, isLeft) = sides(arguments, entry) else { return DefaultSelectivity.inequality }
    if other.isNullConstant { return 0 }
    guard let constant = other.withoutRelabels.asConstant, let facts = variable.facts,
      let datum = nearest(constant, facts.type), let compare = TypeDescriptor.builtIn[facts.type]?.compare
    else { return DefaultSelectivity.inequality }
    // The column is to stand on the left.
    let isGreater = name.hasPrefix(">") == isLeft
    let isEqual = name.hasSuffix("=")
    func holds(_ value: Datum) -> Bool {
      let order = compare(value, datum)
      return isEqual && order == 0 ? true : isGreater ? order > 0 : order < 0
    }
    var (common, matching) = (0.0, 0.0)
    for (value, frequency) in zip(facts.commonValues, facts.commonFrequencies) {
      common += frequency
      if holds(value) { matching += frequency }
    }
    var result = clampProbability(1 - facts.nullFraction - common)
    let histogram = histogramSelectivity(variable, facts, datum, isGreater: isGreater, isEqual: isEqual)
    result *= histogram ?? 0.5
    return clampProbability(result + matching)
  }

  /// `ineq_histogram_selectivity`: which part of what the histogram counts is on that side of a value; nil where there
  /// is no histogram.
  func histogramSelectivity(
    _ variable: VariableFacts, _ facts: ColumnFacts, _ datum: Datum, isGreater: Bool, isEqual: Bool
  ) -> Double? {
    let bounds = facts.bounds
    guard bounds.count > 1, let type = TypeDescriptor.builtIn[facts.type], let compare = type.compare else {
      return nil
    }
    var (low, high) = (0, bounds.count)
    while low < high {
      let middle = (low + high) / 2
      let order = compare(bounds[middle], datum)
      // With <= and > a bound that is equal is still below.
      let isBelow = isEqual != isGreater ? order <= 0 : order < 0
      if isBelow { low = middle + 1 } else { high = middle }
    }
    var fraction: Double
    if low == 0 {
      fraction = 0
    } else if low >= bounds.count {
      fraction = 1
    } else {
      var equalPart = 0.0
      if low == 1 || isGreater == isEqual {
        let others = variable.distinct.count - Double(facts.commonValues.count)
        if others > 1 { equalPart = 1 / others }
      }
      let within = ScalarPosition.fraction(datum, from: bounds[low - 1], to: bounds[low], type)
      fraction = (Double(low - 1) + within) / Double(bounds.count - 1)
      if low == 1 { fraction += equalPart * (1 - within) }
      if isGreater == isEqual { fraction -= equalPart }
    }
    let result = isGreater ? 1 - fraction : fraction
    let cutoff = 0.01 / Double(bounds.count - 1)
    return min(max(result, cutoff), 1 - cutoff)
  }

  // MARK: Patterns

  /// `patternsel`, without looking at the histogram's values one by one.
  func matchSelectivity(_ name: String, _ arguments: [TypedExpression], _ entry: Int?) -> Double {
    let isNegated = name.hasPrefix("!")
    guard let (variable, other, isLeft) = sides(arguments, entry), isLeft,
      let constant = other.withoutRelabels.asConstant
    else {
      return Self.matchDefault(name)
    }
    guard case .bytes(let pattern) = constant.value else { return 0 }
    let ignoresCase = name.hasSuffix("*")
    let isLike = name.contains("~~")
    guard isLike else { return Self.matchDefault(name) }
    var prefix: [UInt8] = []
    let shape = pattern.withByteView { LikePattern.fixedPrefix($0, to: &prefix) }
    if shape.isExact, !ignoresCase {
      let text = TypedExpression.constant(TypedConstant(ValueType(.text), .bytes(prefix)))
      return equalSelectivity([arguments[0], text], entry, isNegated: isNegated)
    }
    if ignoresCase { prefix = [] }
    let rest = Self.likeRest(Array(pattern.dropFirst(prefix.count)))
    var result = rest
    if !prefix.isEmpty { result *= prefixSelectivity(variable, prefix) }
    if let facts = variable.facts {
      var (common, matching) = (0.0, 0.0)
      for (value, frequency) in zip(facts.commonValues, facts.commonFrequencies) {
        common += frequency
        let isMatch = pattern.withByteView { view in
          (try? LikePattern.matches(value.bytes, view, ignoresCase: ignoresCase)) ?? false
        }
        if isMatch { matching += frequency }
      }
      result = min(max(result, 0.0001), 0.9999)
      result = clampProbability(result * (1 - facts.nullFraction - common) + matching)
    }
    return clampProbability(isNegated ? 1 - result - variable.nullFraction : result)
  }

  /// `prefix_selectivity`.
  private func prefixSelectivity(_ variable: VariableFacts, _ prefix: [UInt8]) -> Double {
    guard let facts = variable.facts, facts.bounds.count > 1 else { return DefaultSelectivity.match }
    let low = histogramSelectivity(
      variable, facts, statement.arena.copy(prefix), isGreater: true, isEqual: true)
    guard var result = low else { return DefaultSelectivity.match }
    if let above = Self.following(prefix),
      let high = histogramSelectivity(
        variable, facts, statement.arena.copy(above), isGreater: false, isEqual: false)
    {
      result = high + result - 1
    }
    let equal = equalSelectivity(variable, facts, statement.arena.copy(prefix))
    return max(result, equal)
  }

  /// The least text above all those that begin like this.
  static func following(_ prefix: [UInt8]) -> [UInt8]? {
    var prefix = prefix
    while let last = prefix.popLast() {
      if last < 0x7F {
        prefix.append(last + 1)
        return prefix
      }
    }
    return nil
  }

  /// `like_selectivity`.
  private static func likeRest(_ pattern: [UInt8]) -> Double {
    var result = 1.0
    var place = 0
    // Wildcards at the begin do not count.
    while place < pattern.count, pattern[place] == UInt8(ascii: "%") || pattern[place] == UInt8(ascii: "_") {
      place += 1
    }
    while place < pattern.count {
      switch pattern[place] {
      case UInt8(ascii: "%"): result *= 5
      case UInt8(ascii: "_"): result *= 0.9
      case UInt8(ascii: "\\"):
        place += 1
        result *= 0.2
      default: result *= 0.2
      }
      place += 1
    }
    return min(result, 1)
  }
}
