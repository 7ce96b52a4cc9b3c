import MillraceTypes

/// What is known of the values of an expression: PostgreSQL's `VariableStatData` (src/include/utils/selfuncs.h).
struct VariableFacts {
  var expression: TypedExpression
  var relation: RelationInfo?
  var facts: ColumnFacts?
  /// Whether there is a unique index: no value comes twice.
  var isUnique = false
  /// How many different values there are, where something else than statistics says so; as `stadistinct`.
  var distinctHint = 0.0

  var nullFraction: Double { facts?.nullFraction ?? 0 }

  /// PostgreSQL's get_variable_numdistinct.
  var distinct: (count: Double, isDefault: Bool) {
    var distinct = facts?.distinct ?? 0
    let rows = relation?.tuples ?? 0
    if facts == nil {
      distinct = expression.type.id == .bool ? 2 : distinctHint
    }
    if isUnique { distinct = -1 * (1 - nullFraction) }
    if distinct > 0 { return (max(1, distinct.rounded(.toNearestOrEven)), false) }
    guard rows > 0 else { return (Self.defaultDistinct, true) }
    if distinct < 0 { return (max(1, (-distinct * rows).rounded(.toNearestOrEven)), false) }
    if rows < Self.defaultDistinct { return (max(1, rows.rounded(.toNearestOrEven)), false) }
    return (Self.defaultDistinct, true)
  }

  /// `DEFAULT_NUM_DISTINCT`.
  static let defaultDistinct = 200.0
}

/// What PostgreSQL assumes where nothing is known (src/include/utils/selfuncs.h).
enum DefaultSelectivity {
  static let equal = 0.005
  static let inequality = 0.3333333333333333
  static let range = 0.005
  static let match = 0.005
  static let unknownBoolean = 0.005
  static let notUnknownBoolean = 1 - unknownBoolean
  static let isNull = 0.005
  static let isNotNull = 1 - isNull
  static let function = 0.3333333
}

func clampProbability(_ value: Double) -> Double { min(max(value, 0), 1) }
