import Foundation
@testable import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import Synchronization
import Testing

@Suite final class BTreeConcurrencyTests: Sendable {
  /// What threads share.
  private final class Shared: Sendable {
    /// What they found wrong.
    let failures = Locked<[String]>([])
    /// What has been inserted to stay.
    let inserted = Locked<Set<UInt64>>([])
    /// Threads that insert.
    let active = Atomic<Int>(4)
    let winners = Locked<[Int64: Int]>([:])
  }

  private let shared = Shared()

  @Test("threads insert, scan both ways and vacuum at once; nothing is lost, nothing is out of order")
  func threads() throws {
    let rig = try EngineRig(["shared_buffers=1MB"])
    let database = try rig.open()
    let session = try database.makeSession("main")
    let definition = IndexRig.definition(IndexColumn(.int4), IndexColumn(.text))
    let index = try IndexRig.create(session, definition).index
    DispatchQueue.concurrentPerform(iterations: 7) { worker in
      do {
        let session = try database.makeSession("worker \(worker)")
        defer { session.close() }
        switch worker {
        case 0..<4:
          defer { shared.active.subtract(1, ordering: .sequentiallyConsistent) }
          try insert(worker, IndexRig(index), session)
        case 6:
          while shared.active.load(ordering: .sequentiallyConsistent) > 0 { try Self.vacuum(IndexRig(index), session) }
        default:
          var random = SeededGenerator(seed: UInt64(worker))
          while shared.active.load(ordering: .sequentiallyConsistent) > 0 {
            try scan(IndexRig(index), session, worker == 4 ? .forward : .backward, &random)
          }
        }
      } catch {
        shared.failures.withLock { $0.append("worker \(worker): \(error)") }
      }
    }
    #expect(shared.failures.withLock { $0 } == [])
    let test = IndexRig(index)
    // What came after the last one.
    try Self.vacuum(test, session)
    var checker = BTreeChecker(index, session)
    #expect(try checker.run(), "\(checker.problems.prefix(5))")
    let found = Set(try test.scan(session).map(\.rawValue))
    #expect(found.count == 4 * 1000 && found == shared.inserted.withLock { $0 })
    session.close()
    try database.close()
  }

  /// Inserts what stays, and as much that VACUUM takes away again: heap TIDs from block 1,000,000 on.
  private func insert(_ worker: Int, _ test: IndexRig, _ session: Session) throws {
    var random = SeededGenerator(seed: UInt64(worker) + 50)
    for batch in 0..<50 {
      try session.begin()
      for number in 0..<20 {
        let own = (batch * 20 + number) * 4 + worker
        let key: [IndexValue] = [
          .number(Int64(worker == 0 ? own : random.below(500))), .text(random.bytes(random.below(300))),
        ]
        let place = HeapTID(own)
        try test.insert(key, place, session)
        shared.inserted.withLock { _ = $0.insert(place.rawValue) }
        let passing = HeapTID(TupleIdentifier(BlockNumber(1_000_000 + UInt32(own)), 1))
        try test.insert([.number(Int64(random.below(500))), .text(random.bytes(100))], passing, session)
      }
      try session.commit()
    }
  }

  private static func vacuum(_ test: IndexRig, _ session: Session) throws {
    _ = try session.vacuum(test.index) { $0.block.rawValue >= 1_000_000 }
    try session.transaction { session throws(EngineError) in _ = try session.requireTransactionID() }
  }

  /// All that was there before is found, in order.
  private func scan(
    _ test: IndexRig, _ session: Session, _ direction: ScanDirection, _ random: inout SeededGenerator
  ) throws {
    let before = shared.inserted.withLock { $0 }
    let scan = BTreeScan(test.index, session, wantsTuples: random.below(2) == 0)
    var found: Set<UInt64> = []
    while let place = try scan.next(direction) {
      guard place.block.rawValue < 1_000_000 else { continue }
      if !found.insert(HeapTID(place).rawValue).inserted {
        shared.failures.withLock { $0.append("a \(direction) scan found \(place) twice") }
      }
    }
    if !before.isSubset(of: found) {
      shared.failures.withLock { $0.append("a \(direction) scan missed \(before.subtracting(found).count) entries") }
    }
  }

  @Test("of several threads that insert the same key into a unique index, one does")
  func unique() throws {
    let rig = try EngineRig()
    let database = try rig.open()
    let session = try database.makeSession("main")
    let index = try IndexRig.create(session, IndexRig.definition(IndexColumn(.int4), isUnique: true)).index
    DispatchQueue.concurrentPerform(iterations: 4) { worker in
      do {
        let session = try database.makeSession("worker \(worker)")
        defer { session.close() }
        let test = IndexRig(index)
        try session.begin()
        for key in 0..<600 as Range<Int64> {
          let check = UniquenessCheck { _ throws(EngineError) in .live }
          let result = try test.insert([.number(key * 7 % 600)], HeapTID(Int(key) * 4 + worker), session, check)
          if result == .inserted { shared.winners.withLock { $0[key, default: 0] += 1 } }
        }
        try session.commit()
      } catch {
        shared.failures.withLock { $0.append("worker \(worker): \(error)") }
      }
    }
    #expect(shared.failures.withLock { $0 } == [])
    #expect(shared.winners.withLock { $0.count == 600 && $0.values.allSatisfy { $0 == 1 } })
    #expect(try IndexRig(index).scan(session).count == 600)
    session.close()
    try database.close()
  }
}
