import MillraceTypes

/// A condition that has to be true of a row, and what is known of it: PostgreSQL's `RestrictInfo`
/// (src/include/nodes/pathnodes.h).
final class Restriction {
  let clause: TypedExpression
  /// Whether it belongs to WHERE or to an inner join: it filters. Else it decides what an outer join matches.
  var isPushedDown: Bool
  /// Whether it must wait for an outer join below to be done.
  var isOuterJoinDelayed: Bool
  /// Whether it refers to no row and is not volatile: it is looked at once.
  var isPseudoConstant: Bool
  /// What it refers to.
  let clauseRelations: RelationSet
  /// What must be joined before it can be looked at.
  var required: RelationSet
  /// The side of its outer join that is kept; empty for what is pushed down.
  var outerRelations: RelationSet
  /// What the operands of an operator refer to, where it is one with two operands.
  var left = RelationSet()
  var right = RelationSet()
  /// Whether the operands refer to different relations, so that it can join them.
  var canJoin = false
  /// The families of B-tree operators in which it is the equality; empty where it cannot merge.
  var mergeFamilies: [UInt32] = []
  var canHash = false
  /// The classes of the operands.
  var leftClass: EquivalenceClass?
  var rightClass: EquivalenceClass?
  /// The class that it was made from.
  var parentClass: EquivalenceClass?
  /// For OR: its arms, each a list of what must be true together.
  var arms: [[Restriction]]?
  /// Caches; negative as long as nobody has asked.
  var normSelectivity = -1.0
  var outerSelectivity = -1.0
  var cost: ExpressionCost?
  var mergeSelectivity: [MergeSelectivityKey: MergeSelectivity] = [:]

  init(_ clause: TypedExpression, relations: RelationSet, required: RelationSet, isPushedDown: Bool = true) {
    (self.clause, clauseRelations, self.required) = (clause, relations, required)
    (self.isPushedDown, isOuterJoinDelayed, isPseudoConstant) = (isPushedDown, false, false)
    outerRelations = RelationSet()
  }

  /// The operands of an operator with two.
  var operands: (left: TypedExpression, right: TypedExpression)? {
    guard case .call(let call) = clause, call.operatorID != 0, call.arguments.count == 2 else { return nil }
    return (call.arguments[0], call.arguments[1])
  }

  var operatorID: UInt32 {
    if case .call(let call) = clause { return call.operatorID }
    return 0
  }

  /// Whether it is part of a join of these two inputs: each operand is computed from one of them.
  func joins(_ outer: RelationSet, _ inner: RelationSet) -> Bool {
    guard canJoin else { return false }
    return (left.isSubset(of: outer) && right.isSubset(of: inner))
      || (left.isSubset(of: inner) && right.isSubset(of: outer))
  }

  /// Whether it filters the rows of this join, instead of deciding what matches (`RINFO_IS_PUSHED_DOWN`).
  func filters(_ join: RelationSet) -> Bool { isPushedDown || !required.isSubset(of: join) }
}

/// Which order a merge join goes by: what ``Restriction/mergeSelectivity`` depends on.
struct MergeSelectivityKey: Hashable {
  var family: UInt32
  var isDescending: Bool
  var isNullsFirst: Bool
}

/// Which parts of its inputs a merge join reads: from the first match to the last.
struct MergeSelectivity {
  var leftStart = 0.0
  var leftEnd = 1.0
  var rightStart = 0.0
  var rightEnd = 1.0
}

/// What evaluating expressions costs: once, and for each row.
struct ExpressionCost {
  var startup = 0.0
  var perTuple = 0.0

  static func + (left: ExpressionCost, right: ExpressionCost) -> ExpressionCost {
    ExpressionCost(startup: left.startup + right.startup, perTuple: left.perTuple + right.perTuple)
  }

  static func += (left: inout ExpressionCost, right: ExpressionCost) { left = left + right }
}
