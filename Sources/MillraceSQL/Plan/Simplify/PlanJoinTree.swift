/// FROM and WHERE on their way to a plan: what PostgreSQL's jointree is after prepjointree.c has been at it. Conditions
/// are lists of what has to be true together.
indirect enum PlanJoinTree {
  case entry(Int)
  /// Everything in it, in any order, filtered.
  case list([PlanJoinTree], [TypedExpression])
  case join(JoinKind, PlanJoinTree, PlanJoinTree, [TypedExpression])

  /// The entries of the range table that it reads.
  var members: RelationSet {
    switch self {
    case .entry(let entry): RelationSet(entry)
    case .list(let items, _): items.reduce(into: RelationSet()) { $0.formUnion($1.members) }
    case .join(_, let left, let right, _): left.members | right.members
    }
  }

  init(_ tree: JoinTree) {
    switch tree {
    case .entry(let entry): self = .entry(entry)
    case .join(let join):
      let (left, right) = (PlanJoinTree(join.left), PlanJoinTree(join.right))
      let condition = join.condition.map { [$0] } ?? []
      self =
        switch join.kind {
        case .inner: .join(.inner, left, right, condition)
        case .left: .join(.left, left, right, condition)
        // A right join is a left one, turned round.
        case .right: .join(.left, right, left, condition)
        case .full: .join(.full, left, right, condition)
        }
    }
  }

  /// The same with each list of conditions replaced.
  func mapConditions<Failure: Error>(
    _ body: ([TypedExpression]) throws(Failure) -> [TypedExpression]
  ) throws(Failure) -> PlanJoinTree {
    switch self {
    case .entry: return self
    case .list(let items, let conditions):
      var mapped: [PlanJoinTree] = []
      for item in items { mapped.append(try item.mapConditions(body)) }
      return .list(mapped, try body(conditions))
    case .join(let kind, let left, let right, let conditions):
      return .join(kind, try left.mapConditions(body), try right.mapConditions(body), try body(conditions))
    }
  }
}
