@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Testing

@Suite struct BTreeUniquenessTests {
  /// What a table would say of its rows.
  private final class Rows {
    var liveness: [HeapTID: UniquenessCheck.Liveness] = [:]
    var asked = 0

    func check(_ mode: UniquenessCheck.Mode = .immediate) -> UniquenessCheck {
      UniquenessCheck(mode) { place throws(EngineError) in
        self.asked += 1
        return self.liveness[HeapTID(place)] ?? .dead(toAll: true)
      }
    }
  }

  @Test("a key is free, taken, or waits for who may take it, wherever among many dead entries the row is")
  func outcomes() throws {
    let rig = try EngineRig(seed: 2)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let test = try IndexRig.create(session, IndexRig.definition(IndexColumn(.int4), isUnique: true))
    let rows = Rows()
    try session.begin()
    // So many versions of one row that they fill several pages.
    for number in 0..<9000 {
      rows.liveness[HeapTID(number)] = .dead(toAll: false)
      #expect(try test.insert([.number(Int64(number % 3))], HeapTID(number), session) == .inserted)
    }
    #expect(try test.index.blockCount() > 5)
    for number in [1, 4501, 8998] {
      let key = [IndexValue.number(Int64(number % 3))]
      let place = HeapTID(number).identifier
      rows.liveness[HeapTID(number)] = .live
      #expect(try test.insert(key, HeapTID(90_001), session, rows.check()) == .conflict(with: place))
      rows.liveness[HeapTID(number)] = .inProgress(TransactionID(77))
      #expect(
        try test.insert(key, HeapTID(90_002), session, rows.check()) == .mustWait(for: TransactionID(77), at: place))
      rows.liveness[HeapTID(number)] = .dead(toAll: false)
      let before = test.entries.count
      #expect(try test.insert(key, HeapTID(100_000 + number), session, rows.check()) == .inserted)
      rows.liveness[HeapTID(100_000 + number)] = .dead(toAll: false)
      #expect(test.entries.count == before + 1)
    }
    // Two nulls are not equal.
    for number in 200_000..<200_003 {
      #expect(try test.insert([.null], HeapTID(number), session, rows.check()) == .inserted)
    }
    try test.check(session)
    try session.commit()
    session.close()
    try database.close()
  }

  @Test("entries that are dead for everybody are marked by who comes by, and make room for others")
  func deadEntries() throws {
    let rig = try EngineRig(seed: 6)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let test = try IndexRig.create(session, IndexRig.definition(IndexColumn(.int4), isUnique: true))
    let rows = Rows()
    try session.begin()
    for number in 0..<20_000 {
      let key = Int64(number % 10)
      // The version before it is gone.
      if number >= 10 { rows.liveness[HeapTID(number - 10)] = .dead(toAll: true) }
      #expect(try test.insert([.number(key)], HeapTID(number), session, rows.check()) == .inserted)
      rows.liveness[HeapTID(number)] = .live
    }
    try session.commit()
    #expect(try test.index.blockCount() < 8)
    let alive = Set(rows.liveness.filter { $0.value == .live }.keys)
    #expect(alive.isSubset(of: Set(try test.scan(session))))
    session.close()
    try database.close()
  }

  @Test("an entry that is there already is looked at again")
  func existing() throws {
    let rig = try EngineRig(seed: 8)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let test = try IndexRig.create(session, IndexRig.definition(IndexColumn(.int4), isUnique: true))
    let rows = Rows()
    try session.begin()
    for number in 1...2 { rows.liveness[HeapTID(number)] = .live }
    #expect(try test.insert([.number(5)], HeapTID(1), session, rows.check(.partial)) == .inserted)
    #expect(
      try test.insert([.number(5)], HeapTID(2), session, rows.check(.partial))
        == .conflict(with: HeapTID(1).identifier))
    #expect(try test.scan(session).count == 2)
    #expect(
      try test.insert([.number(5)], HeapTID(2), session, rows.check(.existing))
        == .conflict(with: HeapTID(1).identifier))
    rows.liveness[HeapTID(1)] = .dead(toAll: false)
    #expect(try test.insert([.number(5)], HeapTID(2), session, rows.check(.existing)) == .inserted)
    #expect(try test.scan(session).count == 2)
    try session.commit()
    session.close()
    try database.close()
  }
}
