@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

@Suite struct BTreeTests {
  @Test(
    "entries come back in order, both ways, whatever the order of insertion", arguments: 1...4 as ClosedRange<UInt64>)
  func order(seed: UInt64) throws {
    let rig = try EngineRig(seed: seed)
    let database = try rig.open()
    let session = try database.makeSession("test")
    var random = SeededGenerator(seed: seed)
    let rigs = try [
      IndexRig.create(session, IndexRig.definition(IndexColumn(.int4))),
      IndexRig.create(session, IndexRig.definition(IndexColumn(.text, isDescending: true))),
      IndexRig.create(session, IndexRig.definition(IndexColumn(.int8), IndexColumn(.text, nullsFirst: true))),
    ]
    var number = 0
    for round in 0..<40 {
      try session.begin()
      for _ in 0..<80 {
        number += 1
        let small = Int64(random.below(seed.isMultiple(of: 2) ? 30 : 100_000))
        let text = random.bytes(random.below(random.below(30) == 0 ? 900 : 30))
        let isNull = random.below(20) == 0
        let heapTID = HeapTID(number)
        try rigs[0].insert([isNull ? .null : .number(round < 20 ? small : Int64(number))], heapTID, session)
        try rigs[1].insert([isNull ? .null : .text(text)], heapTID, session)
        try rigs[2].insert([.number(small % 10), isNull ? .null : .text(text)], heapTID, session)
      }
      try session.commit()
    }
    for rig in rigs {
      try rig.check(session)
      let expected = rig.sorted.map(\.heapTID)
      #expect(try rig.scan(session) == expected)
      #expect(try rig.scan(session, [], .backward) == expected.reversed())
      #expect(try rig.index.blockCount() > 5)
    }
    session.close()
    try database.close()
  }

  @Test("a search finds what satisfies all conditions, both ways")
  func conditions() throws {
    var random = SeededGenerator(for: "conditions")
    let rig = try EngineRig(seed: 7)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let test = try IndexRig.create(
      session,
      IndexRig.definition(
        IndexColumn(.int4, isDescending: true), IndexColumn(.int4), IndexColumn(.int8, nullsFirst: true)))
    try session.begin()
    for number in 1...3000 {
      func value(_ limit: Int) -> IndexValue { random.below(12) == 0 ? .null : .number(Int64(random.below(limit))) }
      try test.insert([value(9), value(12), value(1000)], HeapTID(number), session)
    }
    try session.commit()
    let sorted = test.sorted
    for _ in 0..<600 {
      var keys: [IndexScanKey] = []
      var predicates: [(IndexRig.Entry) -> Bool] = []
      for _ in 0..<random.below(4) {
        let column = random.below(3)
        let (key, predicate) = Self.condition(column, &random)
        keys.append(key)
        predicates.append(predicate)
      }
      let expected = sorted.filter { entry in predicates.allSatisfy { $0(entry) } }.map(\.heapTID)
      let description = "seed \(random.seed), \(keys)"
      #expect(try test.scan(session, keys) == expected, "\(description)")
      #expect(try test.scan(session, keys, .backward) == expected.reversed(), "\(description) backward")
    }
    session.close()
    try database.close()
  }

  private static func condition(
    _ column: Int, _ random: inout SeededGenerator
  ) -> (IndexScanKey, (IndexRig.Entry) -> Bool) {
    let limit = [9, 12, 1000][column]
    let number = Int64(random.below(limit + 2) - 1)
    let value = Datum(number)
    func compare(_ holds: @escaping (Int64) -> Bool) -> (IndexRig.Entry) -> Bool {
      { entry in
        guard case .number(let found) = entry.key[column] else { return false }
        return holds(found)
      }
    }
    switch random.below(8) {
    case 0, 1: return (IndexScanKey(column, .equal(value)), compare { $0 == number })
    case 2: return (IndexScanKey(column, .less(value)), compare { $0 < number })
    case 3: return (IndexScanKey(column, .lessOrEqual(value)), compare { $0 <= number })
    case 4: return (IndexScanKey(column, .greater(value)), compare { $0 > number })
    case 5: return (IndexScanKey(column, .greaterOrEqual(value)), compare { $0 >= number })
    case 6:
      let values = (0..<random.below(6)).map { _ in Int64(random.below(limit + 2) - 1) }
      return (IndexScanKey(column, .anyOf(values.map { Datum($0) })), compare { values.contains($0) })
    default:
      let isNull = random.below(2) == 0
      return (IndexScanKey(column, isNull ? .isNull : .isNotNull), { ($0.key[column] == .null) == isNull })
    }
  }
}
