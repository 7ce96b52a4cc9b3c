import MillraceTypes

/// Expressions that are equal in every row that counts: PostgreSQL's `EquivalenceClass`
/// (src/backend/optimizer/path/equivclass.c).
final class EquivalenceClass {
  struct Member {
    let expression: TypedExpression
    let relations: RelationSet
    /// Whether it is the same for all rows.
    let isConstant: Bool
    let type: TypeID
  }

  var families: [UInt32]
  var members: [Member] = []
  /// The clauses that it was made of.
  var sources: [Restriction] = []
  /// What was derived from it, by the two members.
  var derived: [Restriction] = []
  var relations = RelationSet()
  var hasConstant = false
  var hasVolatile = false
  /// Two different constants are equal: nothing comes out. Then the clauses are used as they were written.
  var isBroken = false
  /// The class that has taken this one in.
  var mergedInto: EquivalenceClass?
  /// For classes made from a sort clause that is volatile: which one.
  var sortReference: Int?

  init(families: [UInt32]) { self.families = families }

  var canonical: EquivalenceClass {
    var found = self
    while let next = found.mergedInto { found = next }
    return found
  }

  func add(_ expression: TypedExpression, _ relations: RelationSet, isConstant: Bool? = nil) {
    let isConstant = isConstant ?? relations.isEmpty
    members.append(
      Member(expression: expression, relations: relations, isConstant: isConstant, type: expression.type.id))
    if isConstant { hasConstant = true }
    self.relations.formUnion(relations)
  }

  /// Whether ordering by it orders nothing (`EC_MUST_BE_REDUNDANT`).
  var isRedundant: Bool { hasConstant && !hasVolatile }
}

/// One of the keys by which rows are in order: PostgreSQL's `PathKey`. Two that order alike are equal.
struct PathKey: Hashable {
  let classIdentity: EquivalenceClass
  let family: UInt32
  let isDescending: Bool
  let isNullsFirst: Bool

  init(_ class: EquivalenceClass, family: UInt32, isDescending: Bool, isNullsFirst: Bool) {
    (classIdentity, self.family) = (`class`, family)
    (self.isDescending, self.isNullsFirst) = (isDescending, isNullsFirst)
  }

  static func == (left: PathKey, right: PathKey) -> Bool {
    left.classIdentity === right.classIdentity && left.family == right.family
      && left.isDescending == right.isDescending && left.isNullsFirst == right.isNullsFirst
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(classIdentity))
    hasher.combine(family)
    hasher.combine(isDescending)
  }
}

extension [PathKey] {
  /// Whether rows in this order are in the other order too.
  func fulfils(_ wanted: [PathKey]) -> Bool {
    count >= wanted.count && zip(self, wanted).allSatisfy { $0 == $1 }
  }

  /// How many of the wanted keys it begins with.
  func commonPrefix(_ wanted: [PathKey]) -> Int {
    var common = 0
    while common < count, common < wanted.count, self[common] == wanted[common] { common += 1 }
    return common
  }

  /// PostgreSQL's compare_pathkeys.
  func compare(_ other: [PathKey]) -> PathKeyOrder {
    let common = commonPrefix(other)
    if common == count { return common == other.count ? .equal : .worse }
    return common == other.count ? .better : .different
  }
}

enum PathKeyOrder { case equal, better, worse, different }
