/// A set of the entries of one range table: PostgreSQL's `Relids`. Two words, never allocated.
struct RelationSet: Hashable, Sendable {
  private(set) var bits: UInt128

  /// A query with more entries is refused before sets are made of them.
  static let countMax = 128

  init() { bits = 0 }
  private init(bits: UInt128) { self.bits = bits }

  init(_ entry: Int) {
    precondition(entry >= 0 && entry < Self.countMax, "entry \(entry) of a range table")
    bits = 1 << UInt128(entry)
  }

  var isEmpty: Bool { bits == 0 }
  var count: Int { bits.nonzeroBitCount }
  /// The only one; nil where there are none or several.
  var single: Int? { bits.nonzeroBitCount == 1 ? bits.trailingZeroBitCount : nil }
  var first: Int? { bits == 0 ? nil : bits.trailingZeroBitCount }
  var hasSeveral: Bool { bits & (bits &- 1) != 0 }

  func contains(_ entry: Int) -> Bool { bits >> UInt128(entry) & 1 != 0 }
  func isSubset(of other: RelationSet) -> Bool { bits & ~other.bits == 0 }
  func overlaps(_ other: RelationSet) -> Bool { bits & other.bits != 0 }
  func union(_ other: RelationSet) -> RelationSet { RelationSet(bits: bits | other.bits) }
  func intersection(_ other: RelationSet) -> RelationSet { RelationSet(bits: bits & other.bits) }
  func subtracting(_ other: RelationSet) -> RelationSet { RelationSet(bits: bits & ~other.bits) }

  mutating func insert(_ entry: Int) { bits |= 1 << UInt128(entry) }
  mutating func remove(_ entry: Int) { bits &= ~(1 << UInt128(entry)) }
  mutating func formUnion(_ other: RelationSet) { bits |= other.bits }
  mutating func subtract(_ other: RelationSet) { bits &= ~other.bits }

  static func | (left: RelationSet, right: RelationSet) -> RelationSet { left.union(right) }
}

extension RelationSet: Sequence {
  struct Iterator: IteratorProtocol {
    var bits: UInt128

    mutating func next() -> Int? {
      guard bits != 0 else { return nil }
      let entry = bits.trailingZeroBitCount
      bits &= bits &- 1
      return entry
    }
  }

  func makeIterator() -> Iterator { Iterator(bits: bits) }
}
