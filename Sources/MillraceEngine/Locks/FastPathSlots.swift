/// The weak locks on relations that one session holds and nobody else needs to know of (fast-path locks of PostgreSQL,
/// src/backend/storage/lmgr/README). Its own thread puts them in and takes them out; who wants a strong lock on the
/// same relation takes them out too, and enters them into the shared table for their holder. All by compare-and-swap on
/// one word a relation: nobody locks anything.
///
/// A word is the relation's number in its upper half, and a bit for each of the three weak modes. Slots are searched in
/// groups of sixteen, two lines of cache, by the relation's number.
struct FastPathSlots: ~Copyable {
  static let groupSize = 16
  static let groupCount = 4

  private let words = AtomicWords(count: groupSize * groupCount)

  /// The modes that can be held here: none of them conflicts with another of them.
  static func isWeak(_ mode: LockMode) -> Bool { mode <= .rowExclusive }

  /// The modes that conflict with one of those.
  static func isStrong(_ mode: LockMode) -> Bool { mode > .shareUpdateExclusive }

  @inline(__always) private static func slots(of relation: UInt32) -> Range<Int> {
    let group = Int((relation &* 0x9E37_79B1) >> 30)
    return group * groupSize..<(group + 1) * groupSize
  }

  /// Puts a lock in. By the owner's thread.
  /// - Returns: where; nil if there is no room.
  @inline(__always) func insert(_ relation: UInt32, _ mode: LockMode) -> Int? {
    let bit = UInt64(1) << mode.rawValue
    while true {
      var free: Int?
      var found: Int?
      for index in Self.slots(of: relation) {
        let word = words.relaxed(index)
        if word == 0 {
          if free == nil { free = index }
        } else if UInt32(truncatingIfNeeded: word >> 32) == relation {
          found = index
          break
        }
      }
      if let index = found {
        let word = words.relaxed(index)
        // Somebody may just have taken it out; then there is a free slot.
        if word != 0, words.replace(index, word, by: word | bit) { return index }
        continue
      }
      guard let index = free else { return nil }
      words.store(index, UInt64(relation) << 32 | bit)
      return index
    }
  }

  /// Takes a lock out. By the owner's thread.
  /// - Returns: false where somebody else has taken it out: then it is in the shared table.
  @inline(__always) func remove(_ relation: UInt32, _ mode: LockMode) -> Bool {
    let bit = UInt64(1) << mode.rawValue
    for index in Self.slots(of: relation) {
      let word = words.relaxed(index)
      guard UInt32(truncatingIfNeeded: word >> 32) == relation, word & bit != 0 else { continue }
      let left = word & ~bit
      // Others only ever take out the whole word.
      return words.replace(index, word, by: left & 0xFFFF_FFFF == 0 ? 0 : left)
    }
    return false
  }

  /// Takes all locks on a relation out, for another thread.
  func takeAll(of relation: UInt32) -> LockModes {
    for index in Self.slots(of: relation) {
      while true {
        let word = words.load(index)
        guard word != 0, UInt32(truncatingIfNeeded: word >> 32) == relation else { break }
        if words.replace(index, word, by: 0) { return LockModes(rawValue: UInt16(truncatingIfNeeded: word)) }
      }
    }
    return []
  }

  /// What is held now, for another thread.
  func forEach(_ body: (UInt32, LockModes) -> Void) {
    for index in 0..<words.count {
      let word = words.load(index)
      if word != 0 { body(UInt32(word >> 32), LockModes(rawValue: UInt16(truncatingIfNeeded: word))) }
    }
  }
}
