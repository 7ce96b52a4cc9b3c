import MillraceEngine
import MillraceTypes

/// Which part of the rows fulfils conditions (PostgreSQL's src/backend/optimizer/path/clausesel.c).
extension QueryPlanning {
  /// - Parameters:
  ///   - entry: the relation whose columns count, while those of others are like constants; nil: all.
  ///   - special: the join that it is for; nil for a scan.
  func selectivity(
    _ restrictions: [Restriction], _ entry: Int?, _ kind: JoinKind, _ special: SpecialJoin?
  ) -> Double {
    if restrictions.count == 1 { return selectivity(restrictions[0], entry, kind, special) }
    var total = 1.0
    var ranges: [RangePair] = []
    for restriction in restrictions {
      let own = selectivity(restriction, entry, kind, special)
      if let bound = rangeBound(restriction, entry) {
        add(bound, own, &ranges)
      } else {
        total *= own
      }
    }
    for range in ranges { total *= combined(range) }
    return total
  }

  func selectivity(
    _ restriction: Restriction, _ entry: Int?, _ kind: JoinKind, _ special: SpecialJoin?
  ) -> Double {
    if restriction.isPseudoConstant { return restriction.clause.isFalseConstant ? 0 : 1 }
    let isCacheable = entry == nil || restriction.clauseRelations.single != nil
    if isCacheable {
      let known = kind == .inner ? restriction.normSelectivity : restriction.outerSelectivity
      if known >= 0 { return known }
    }
    let result: Double
    if let arms = restriction.arms {
      result = arms.reduce(0.0) { sum, arm in
        let own = selectivity(arm, entry, kind, special)
        return sum + own - sum * own
      }
    } else {
      result = clampProbability(selectivity(of: restriction.clause, entry, kind, special))
    }
    if isCacheable {
      if kind == .inner { restriction.normSelectivity = result } else { restriction.outerSelectivity = result }
    }
    return result
  }

  /// `clause_selectivity` of an expression.
  func selectivity(
    of clause: TypedExpression, _ entry: Int?, _ kind: JoinKind, _ special: SpecialJoin?
  ) -> Double {
    switch clause {
    case .constant(let constant): return constant.value == .word(1) ? 1 : 0
    case .variable: return booleanSelectivity(clause, entry)
    case .not(let argument): return 1 - selectivity(of: argument, entry, kind, special)
    case .and(let arguments):
      let parts = arguments.map { part in
        let own = relations(of: part)
        return makeRestriction(part, own, required: own, isPushedDown: true)
      }
      return selectivity(parts, entry, kind, special)
    case .or(let arguments):
      return arguments.reduce(0.0) { sum, argument in
        let own = clampProbability(selectivity(of: argument, entry, kind, special))
        return sum + own - sum * own
      }
    case .call(let call): return callSelectivity(call, entry, kind, special)
    case .distinct(let comparison):
      let equal = operatorSelectivity(
        comparison.operatorID, [comparison.left, comparison.right], entry, kind, special)
      return clampProbability(1 - equal)
    case .arrayComparison(let comparison): return arraySelectivity(comparison, entry, kind, special)
    case .nullTest(let argument, let isNegated): return nullSelectivity(argument, isNegated, entry)
    case .booleanTest(let argument, let value, let isNegated):
      return testSelectivity(argument, value, isNegated, entry, kind, special)
    case .relabel(let inner, _, _): return selectivity(of: inner, entry, kind, special)
    case .rowComparison(let comparison):
      return operatorSelectivity(
        comparison.operators[0], [comparison.left[0], comparison.right[0]], entry, kind, special)
    default: return 0.5
    }
  }

  private func callSelectivity(
    _ call: CallExpression, _ entry: Int?, _ kind: JoinKind, _ special: SpecialJoin?
  ) -> Double {
    guard call.operatorID != 0 else {
      return call.type.id == .bool ? DefaultSelectivity.function : 0.5
    }
    return operatorSelectivity(call.operatorID, call.arguments, entry, kind, special)
  }

  /// Which estimator an operator has (`pg_operator.oprrest` and `oprjoin`), by its meaning.
  func operatorSelectivity(
    _ operatorID: UInt32, _ arguments: [TypedExpression], _ entry: Int?, _ kind: JoinKind, _ special: SpecialJoin?
  ) -> Double {
    guard let found = functions.operators[operatorID], arguments.count == 2 else { return 0.5 }
    let isJoin =
      entry == nil && special != nil
      && relations(of: arguments[0]).union(relations(of: arguments[1])).hasSeveral
    switch found.name {
    case "=":
      return isJoin
        ? joinEqualSelectivity(operatorID, arguments, kind, special)
        : equalSelectivity(arguments, entry, isNegated: false)
    case "<>":
      return isJoin
        ? joinNotEqualSelectivity(found, arguments, kind, special)
        : equalSelectivity(arguments, entry, isNegated: true)
    case "<", "<=", ">", ">=":
      return isJoin ? DefaultSelectivity.inequality : inequalitySelectivity(found.name, arguments, entry)
    case "~~", "~~*", "!~~", "!~~*", "~", "~*", "!~", "!~*", "^@":
      return isJoin ? Self.matchDefault(found.name) : matchSelectivity(found.name, arguments, entry)
    case "<@", "@>", "&&": return 0.01
    default: return 0.5
    }
  }

  static func matchDefault(_ name: String) -> Double {
    name.hasPrefix("!") ? 1 - DefaultSelectivity.match : DefaultSelectivity.match
  }

  // MARK: Ranges

  private struct RangePair {
    var expression: TypedExpression
    var low: Double?
    var high: Double?
  }

  private struct RangeBound {
    var expression: TypedExpression
    var isLow: Bool
  }

  /// A condition that bounds an expression on one side.
  private func rangeBound(_ restriction: Restriction, _ entry: Int?) -> RangeBound? {
    guard let (left, right) = restriction.operands,
      let name = functions.operators[restriction.operatorID]?.name, ["<", "<=", ">", ">="].contains(name)
    else { return nil }
    let isLess = name.hasPrefix("<")
    func isFixed(_ expression: TypedExpression, _ relations: RelationSet) -> Bool {
      let isConstant = entry.map { !relations.contains($0) } ?? relations.isEmpty
      return isConstant && !isVolatile(expression)
    }
    guard entry != nil || restriction.clauseRelations.single != nil else { return nil }
    if isFixed(right, restriction.right) { return RangeBound(expression: left, isLow: !isLess) }
    if isFixed(left, restriction.left) { return RangeBound(expression: right, isLow: isLess) }
    return nil
  }

  private func add(_ bound: RangeBound, _ selectivity: Double, _ ranges: inout [RangePair]) {
    let place =
      ranges.firstIndex { $0.expression == bound.expression }
      ?? {
        ranges.append(RangePair(expression: bound.expression))
        return ranges.count - 1
      }()
    if bound.isLow {
      ranges[place].low = min(ranges[place].low ?? 1, selectivity)
    } else {
      ranges[place].high = min(ranges[place].high ?? 1, selectivity)
    }
  }

  private func combined(_ range: RangePair) -> Double {
    guard let low = range.low, let high = range.high else { return range.low ?? range.high ?? 1 }
    if low == DefaultSelectivity.inequality || high == DefaultSelectivity.inequality { return DefaultSelectivity.range }
    var both = high + low - 1
    both += nullSelectivity(range.expression, false, nil)
    if both <= 0 { both = both < -0.01 ? DefaultSelectivity.range : 1e-10 }
    return both
  }

  // MARK: NULL and boolean tests

  /// `nulltestsel`.
  func nullSelectivity(_ argument: TypedExpression, _ isNegated: Bool, _ entry: Int?) -> Double {
    let found = examine(argument)
    if let facts = found.facts { return isNegated ? 1 - facts.nullFraction : facts.nullFraction }
    if case .variable(let variable) = argument.withoutRelabels, case .system = variable.column {
      return isNegated ? 1 : 0
    }
    return isNegated ? DefaultSelectivity.isNotNull : DefaultSelectivity.isNull
  }

  /// `boolvarsel`.
  private func booleanSelectivity(_ variable: TypedExpression, _ entry: Int?) -> Double {
    let found = examine(variable)
    guard found.facts != nil else { return 0.5 }
    return equalSelectivity([variable, .isTrue], entry, isNegated: false)
  }

  /// `booltestsel`.
  private func testSelectivity(
    _ argument: TypedExpression, _ value: BooleanTest.Value, _ isNegated: Bool, _ entry: Int?, _ kind: JoinKind,
    _ special: SpecialJoin?
  ) -> Double {
    let found = examine(argument)
    guard let facts = found.facts else {
      let own = selectivity(of: argument, entry, kind, special)
      switch (value, isNegated) {
      case (.isUnknown, false): return DefaultSelectivity.unknownBoolean
      case (.isUnknown, true): return DefaultSelectivity.notUnknownBoolean
      case (.isTrue, false), (.isFalse, true): return own
      case (.isFalse, false), (.isTrue, true): return 1 - own
      }
    }
    let nulls = facts.nullFraction
    var isTrue = (1 - nulls) / 2
    if let first = facts.commonValues.first, let frequency = facts.commonFrequencies.first {
      isTrue = first.word != 0 ? frequency : 1 - frequency - nulls
    }
    let isFalse = 1 - isTrue - nulls
    switch (value, isNegated) {
    case (.isUnknown, false): return nulls
    case (.isUnknown, true): return 1 - nulls
    case (.isTrue, false): return isTrue
    case (.isTrue, true): return 1 - isTrue
    case (.isFalse, false): return isFalse
    case (.isFalse, true): return 1 - isFalse
    }
  }

  // MARK: Arrays

  /// `scalararraysel`.
  private func arraySelectivity(
    _ comparison: TypedArrayComparison, _ entry: Int?, _ kind: JoinKind, _ special: SpecialJoin?
  ) -> Double {
    let name = functions.operators[comparison.operatorID]?.name
    let elements = elements(of: comparison.array)
    let values =
      elements
      ?? Array(repeating: TypedExpression.parameter(TypedParameter(.external(0), comparison.left.type)), count: 10)
    var total = comparison.isAll ? 1.0 : 0.0
    var disjoint = total
    for value in values {
      let own = operatorSelectivity(comparison.operatorID, [comparison.left, value], entry, kind, special)
      if comparison.isAll {
        total *= own
        if name == "<>" { disjoint += own - 1 }
      } else {
        total += own - total * own
        if name == "=" { disjoint += own }
      }
    }
    let isDisjoint = (name == "=" && !comparison.isAll) || (name == "<>" && comparison.isAll)
    if isDisjoint, disjoint >= 0, disjoint <= 1 { total = disjoint }
    return clampProbability(total)
  }

  /// The elements of a list that is written out.
  func elements(of array: TypedExpression) -> [TypedExpression]? {
    switch array.withoutRelabels {
    case .array(let elements, _): return elements
    case .constant(let constant):
      guard case .bytes(let bytes) = constant.value,
        let type = TypeDescriptor.builtIn[constant.type.id],
        let element = TypeDescriptor.builtIn[type.elementID]
      else { return nil }
      let datum = statement.arena.copy(bytes)
      return ArrayType.elements(datum, of: element).map { value in
        guard let value else { return .constant(TypedConstant(ValueType(element.id), .null)) }
        return .constant(
          TypedConstant(ValueType(element.id), element.isByValue ? .word(value.word) : .bytes(value.bytes.array)))
      }
    default: return nil
    }
  }
}
