/// A join whose order matters: PostgreSQL's `SpecialJoinInfo` (src/include/nodes/pathnodes.h).
final class SpecialJoin {
  /// Never a right one: they are turned round.
  let kind: JoinKind
  /// What must be joined on each side before this join is made.
  var minimumLeft: RelationSet
  var minimumRight: RelationSet
  /// What stands on each side.
  let left: RelationSet
  let right: RelationSet
  /// Whether the condition is not true where the left side is null.
  var isLeftStrict = false
  /// Whether joins above cannot be done before it.
  var delaysUpperJoins = false
  /// For a semi join that could be a plain one if its right side had no duplicates: the operators and expressions.
  var semiOperators: [UInt32] = []
  var semiExpressions: [TypedExpression] = []
  var semiCanSort = false
  var semiCanHash = false

  init(
    _ kind: JoinKind, minimumLeft: RelationSet, minimumRight: RelationSet, left: RelationSet, right: RelationSet
  ) {
    (self.kind, self.minimumLeft, self.minimumRight) = (kind, minimumLeft, minimumRight)
    (self.left, self.right) = (left, right)
  }

  /// A plain join of two sides, for estimates.
  static func inner(_ left: RelationSet, _ right: RelationSet) -> SpecialJoin {
    SpecialJoin(.inner, minimumLeft: left, minimumRight: right, left: left, right: right)
  }
}
