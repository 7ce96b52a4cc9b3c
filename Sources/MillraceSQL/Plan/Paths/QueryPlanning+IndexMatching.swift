import MillraceEngine
import MillraceTypes

/// Which conditions an index can look up (PostgreSQL's match_clause_to_indexcol,
/// src/backend/optimizer/path/indxpath.c).
extension QueryPlanning {
  func match(_ restriction: Restriction, _ index: IndexInfo, _ column: Int, _ relation: RelationInfo) -> IndexClause? {
    guard !restriction.isPseudoConstant else { return nil }
    let key = index.columns[column]
    func isKey(_ expression: TypedExpression) -> Bool { self.isKey(expression, key, relation) }
    func make(_ conditions: [IndexCondition], isLossy: Bool = false) -> IndexClause {
      IndexClause(restriction: restriction, column: column, conditions: conditions, isLossy: isLossy)
    }
    switch restriction.clause {
    case .call(let call) where call.operatorID != 0 && call.arguments.count == 2:
      return match(call, key, relation, column, isKey).map { make($0.conditions, isLossy: $0.isLossy) }
    case .arrayComparison(let comparison) where !comparison.isAll:
      guard isKey(comparison.left), isLookupValue(comparison.array, for: relation.members),
        strategy(comparison.operatorID, key) == .equal,
        let conversion = IndexKeyConversion(
          from: elementType(comparison.array.type.id), to: keyType(key, comparison.left)), !conversion.mayNeedRecheck
      else { return nil }
      return make([IndexCondition(column: column, .anyOf, comparison.array, original: restriction.clause)])
    case .nullTest(let argument, let isNegated) where isKey(argument):
      return make([IndexCondition(column: column, isNegated ? .isNotNull : .isNull, nil, original: restriction.clause)])
    case .variable where isKey(restriction.clause):
      return make([IndexCondition(column: column, .equal, .isTrue, original: restriction.clause)])
    case .not(let argument) where key.type == .bool && isKey(argument):
      return make([IndexCondition(column: column, .equal, .isFalse, original: restriction.clause)])
    case .booleanTest(let argument, let value, isNegated: false)
    where key.type == .bool && isKey(argument) && value != .isUnknown:
      let constant: TypedExpression = value == .isTrue ? .isTrue : .isFalse
      return make([IndexCondition(column: column, .equal, constant, original: restriction.clause)])
    case .rowComparison(let comparison):
      guard column == 0, isKey(comparison.left[0]), isLookupValue(comparison.right[0], for: relation.members),
        strategy(comparison.operators[0], key) != nil,
        let value = value(comparison.right[0], for: keyType(key, comparison.left[0]))
      else { return nil }
      let isLess = comparison.kind == .less || comparison.kind == .lessOrEqual
      let bound = IndexCondition(
        column: column, isLess ? .lessOrEqual : .greaterOrEqual, value, original: restriction.clause)
      return make([bound], isLossy: true)
    default: return nil
    }
  }

  private func isKey(_ expression: TypedExpression, _ key: IndexInfo.Column, _ relation: RelationInfo) -> Bool {
    let plain = expression.withoutRelabels
    if let column = key.column {
      guard case .variable(let variable) = plain else { return false }
      return variable.entry == relation.entry && variable.levelsUp == 0 && variable.column == .column(column)
    }
    return key.expression?.withoutRelabels == plain
  }

  /// The type that the index's own values have.
  private func keyType(_ key: IndexInfo.Column, _ operand: TypedExpression) -> TypeID {
    key.column == nil ? key.type : operand.withoutRelabels.type.id
  }

  private func elementType(_ array: TypeID) -> TypeID { TypeDescriptor.builtIn[array]?.elementID ?? .none }

  private func match(
    _ call: CallExpression, _ key: IndexInfo.Column, _ relation: RelationInfo, _ column: Int,
    _ isKey: (TypedExpression) -> Bool
  ) -> (conditions: [IndexCondition], isLossy: Bool)? {
    let (left, right) = (call.arguments[0], call.arguments[1])
    let clause = TypedExpression.call(call)
    if isKey(left), isLookupValue(right, for: relation.members) {
      if let comparison = strategy(call.operatorID, key), let value = value(right, for: keyType(key, left)) {
        return ([IndexCondition(column: column, comparison, value, original: clause)], false)
      }
      return pattern(call, column, key)
    }
    guard isKey(right), isLookupValue(left, for: relation.members),
      let commutator = functions.operators[call.operatorID]?.commutator,
      let comparison = strategy(commutator, key), let value = value(left, for: keyType(key, right)),
      let turned = functions.operators[commutator]
    else { return nil }
    var original = call
    (original.operatorID, original.function, original.arguments) = (commutator, turned.function, [right, left])
    return ([IndexCondition(column: column, comparison, value, original: .call(original))], false)
  }

  /// What an operator means to an index's column.
  private func strategy(_ operatorID: UInt32, _ key: IndexInfo.Column) -> IndexCondition.Comparison? {
    let found = functions.familyOperators[operatorID]?.first {
      $0.family == key.family && $0.accessMethod == SystemOID.btree
    }
    switch found?.strategy {
    case 1: return .less
    case 2: return .lessOrEqual
    case 3: return .equal
    case 4: return .greaterOrEqual
    case 5: return .greater
    default: return nil
    }
  }

  /// A value that an index on a type can be searched for: of that type, or of another one of its family; nil where it
  /// cannot.
  private func value(_ expression: TypedExpression, for type: TypeID) -> TypedExpression? {
    let (own, wanted) = (expression.type.id, type)
    if IndexKeyConversion(from: own, to: wanted) != nil { return expression }
    guard let cast = functions.casts[FunctionCatalog.CastKey(Self.orderType(own), Self.orderType(wanted))],
      cast.context == "i"
    else { return nil }
    if cast.function == 0 { return .relabel(expression, ValueType(wanted), .implicitCast) }
    return .call(CallExpression(function: cast.function, [expression], ValueType(wanted), form: .implicitCast))
  }

  /// `column LIKE 'begin%'`: all that begins like that lies together (`match_pattern_prefix`).
  private func pattern(
    _ call: CallExpression, _ column: Int, _ key: IndexInfo.Column
  ) -> (conditions: [IndexCondition], isLossy: Bool)? {
    guard functions.operators[call.operatorID]?.name == "~~", key.type == .text || key.type == .varchar,
      case .bytes(let pattern)? = call.arguments[1].asConstant?.value
    else { return nil }
    var prefix: [UInt8] = []
    let shape = pattern.withByteView { LikePattern.fixedPrefix($0, to: &prefix) }
    func bound(_ comparison: IndexCondition.Comparison, _ bytes: [UInt8], _ strategy: Int16) -> IndexCondition? {
      guard let id = statement.familyOperator(key.family, .text, .text, strategy: strategy),
        let found = functions.operators[id]
      else { return nil }
      let value = TypedExpression.constant(TypedConstant(ValueType(.text), .bytes(bytes)))
      let original = TypedExpression.call(
        CallExpression(function: found.function, operatorID: id, [call.arguments[0], value], ValueType(.bool)))
      return IndexCondition(column: column, comparison, value, original: original)
    }
    if shape.isExact {
      guard let equal = bound(.equal, prefix, 3) else { return nil }
      return ([equal], false)
    }
    guard !prefix.isEmpty, let low = bound(.greaterOrEqual, prefix, 4) else { return nil }
    guard let above = Self.following(prefix), let high = bound(.less, above, 1) else { return ([low], true) }
    return ([low, high], true)
  }

  // MARK: Partial indexes

  /// Whether what is asked for implies an index's predicate: each part of that stands among the conditions, or follows
  /// from one of them in a simple way (`predicate_implied_by`, src/backend/optimizer/util/predtest.c).
  func implies(_ conditions: [TypedExpression], _ predicate: [TypedExpression]) -> Bool {
    predicate.allSatisfy { part in conditions.contains { implies($0, part) } }
  }

  private func implies(_ condition: TypedExpression, _ part: TypedExpression) -> Bool {
    if condition == part { return true }
    if case .or(let arms) = part, arms.contains(where: { implies(condition, $0) }) { return true }
    if case .nullTest(let argument, isNegated: true) = part {
      guard case .variable = argument.withoutRelabels else { return false }
      return statement.isStrict(condition) && isBooleanOperator(condition)
        && condition.variables.contains { .variable($0) == argument.withoutRelabels }
    }
    return impliesComparison(condition, part)
  }

  private func isBooleanOperator(_ condition: TypedExpression) -> Bool {
    switch condition {
    case .call(let call): call.type.id == .bool
    case .arrayComparison: true
    default: false
    }
  }

  /// `x > 10` implies `x > 5`: both compare the same with constants (`operator_predicate_proof`).
  private func impliesComparison(_ condition: TypedExpression, _ part: TypedExpression) -> Bool {
    guard case .call(let known) = condition, case .call(let wanted) = part, known.arguments.count == 2,
      wanted.arguments.count == 2, known.arguments[0] == wanted.arguments[0],
      let first = known.arguments[1].withoutRelabels.asConstant,
      let second = wanted.arguments[1].withoutRelabels.asConstant,
      let one = functions.familyOperators[known.operatorID]?.first(where: { $0.accessMethod == SystemOID.btree }),
      let two = functions.familyOperators[wanted.operatorID]?.first(where: { $0.family == one.family }),
      let compare = TypeDescriptor.builtIn[first.type.id]?.compare,
      let left = comparable(first, first.type.id), let right = comparable(second, first.type.id)
    else { return false }
    let order = compare(left, right)
    switch (one.strategy, two.strategy) {
    case (1, 1), (2, 2), (1, 2): return order <= 0
    case (2, 1): return order < 0
    case (5, 5), (4, 4), (5, 4): return order >= 0
    case (4, 5): return order > 0
    case (3, 1): return order < 0
    case (3, 2): return order <= 0
    case (3, 3): return order == 0
    case (3, 4): return order >= 0
    case (3, 5): return order > 0
    default: return false
    }
  }
}
