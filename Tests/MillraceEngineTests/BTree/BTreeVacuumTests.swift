@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

@Suite struct BTreeVacuumTests {
  @Test("pages that were made ahead and never used are free, and counted as out of the tree")
  func newPages() throws {
    let rig = try EngineRig(seed: 7)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let test = try IndexRig.create(session, IndexRig.definition(IndexColumn(.int4)))
    try session.begin()
    for number in 1...300 { try test.insert([.number(Int64(number))], HeapTID(number), session) }
    try session.commit()
    let before = try test.index.blockCount()
    _ = try test.index.fork.extend(by: 3, session.backend)
    let result = try session.vacuum(test.index) { _ in false }
    #expect(result.pageCount == before + 3 && result.freeCount >= 3 && result.deletedCount >= result.freeCount)
    try test.check(session)
    session.close()
    try database.close()
  }

  @Test("entries go, and empty pages with them, down to nothing", arguments: 1...6 as ClosedRange<UInt64>)
  func vacuum(seed: UInt64) throws {
    let rig = try EngineRig(seed: seed)
    let database = try rig.open()
    let session = try database.makeSession("test")
    var random = SeededGenerator(seed: seed)
    let test = try IndexRig.create(session, IndexRig.definition(IndexColumn(.int4), IndexColumn(.text)))
    let isWide = seed.isMultiple(of: 2)
    var number = 0
    for round in 0..<6 {
      try session.begin()
      for _ in 0..<(isWide ? 600 : 1500) {
        number += 1
        let text = isWide ? random.bytes(400 + random.below(500)) : []
        try test.insert([.number(Int64(random.below(200))), .text(text)], HeapTID(number), session)
      }
      try session.commit()
      try test.check(session, "seed \(seed), before round \(round)")
      let dead = Self.victims(test, round, &random)
      let result = try session.vacuum(test.index) { dead.contains(HeapTID($0)) }
      test.entries.removeAll { dead.contains($0.heapTID) }
      #expect(result.removedCount == UInt64(dead.count))
      #expect(result.remainingCount == UInt64(test.entries.count))
      if round == 5 { #expect(test.entries.isEmpty) }
      try test.check(session, "seed \(seed), after round \(round)")
      #expect(try test.scan(session) == test.sorted.map(\.heapTID))
      #expect(try test.scan(session, [], .backward) == test.sorted.map(\.heapTID).reversed())
    }
    // Nobody who began before they were deleted is left, then.
    try session.transaction { session throws(EngineError) in _ = try session.requireTransactionID() }
    // All but the pages that are the last of their levels have gone.
    let result = try session.cleanUp(test.index)
    #expect(result.freeCount + UInt32(10) > result.pageCount)
    let before = try test.index.blockCount()
    try session.begin()
    for number in 1...500 {
      try test.insert([.number(Int64(number)), .text([])], HeapTID(number), session)
    }
    try session.commit()
    #expect(try test.index.blockCount() == before)
    try test.check(session)
    session.close()
    try database.close()
  }

  /// Whose entries go: some here and there, a range of keys, all.
  private static func victims(_ test: IndexRig, _ round: Int, _ random: inout SeededGenerator) -> Set<HeapTID> {
    let low = Int64(random.below(100))
    let gone = test.entries.filter { entry in
      switch round {
      case 0: return random.below(3) == 0
      case 1, 3:
        guard case .number(let key) = entry.key[0] else { return false }
        return (low..<low + 90).contains(key)
      case 2: return random.below(10) > 0
      case 4: return false
      default: return true
      }
    }
    return Set(gone.map(\.heapTID))
  }
}
