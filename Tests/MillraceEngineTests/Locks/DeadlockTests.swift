@testable import MillraceEngine
import MillraceIO
import MillraceTestSupport
import Testing

@Suite struct DeadlockTests {
  /// Runs sessions that each take the locks of a list, one after another, with every first one taken before any second.
  private func run(
    _ lists: [[(LockTag, LockMode)]]
  ) throws -> (failures: [EngineError], rig: LockRig) {
    let rig = LockRig(sessions: lists.count)
    let sessions = lists.indices.map { rig.session($0) }
    for (session, list) in zip(sessions, lists) { try session.take(list[0].0, list[0].1) }
    var threads: [LockThread] = []
    for (session, list) in zip(sessions, lists) {
      let rest = Array(list.dropFirst())
      threads.append(
        try LockThread { () throws(EngineError) in
          defer { session.endTransaction() }
          for (tag, mode) in rest { try session.take(tag, mode) }
          return true
        })
    }
    var failures: [EngineError] = []
    for thread in threads { if case .failure(let error)? = thread.join() { failures.append(error) } }
    #expect(rig.manager.snapshot().isEmpty)
    return (failures, rig)
  }

  @Test("a circle of any length is broken by one of its members, in PostgreSQL's words", arguments: 2...8)
  func circle(count: Int) throws {
    let lists = (0..<count).map { index in
      [
        (LockRig.tag(UInt32(index)), LockMode.exclusive),
        (LockRig.tag(UInt32((index + 1) % count)), LockMode.exclusive),
      ]
    }
    let (failures, _) = try run(lists)
    let error = try #require(failures.first)
    #expect(failures.count == 1)
    #expect(error.code.sqlState == "40P01" && error.message == "deadlock detected")
    #expect(error.hint == "See server log for query details.")
    let lines = (error.detail ?? "").split(separator: "\n")
    #expect(lines.count == count)
    for line in lines {
      #expect(
        line.contains(
          #/^Process \d+ waits for ExclusiveLock on advisory lock \[5,0,\d+,1\]; blocked by process \d+\.$/#),
        "\(line)")
    }
  }

  @Test("two that share a lock and both want it alone are a deadlock")
  func upgrade() throws {
    let tag = LockRig.table
    let (failures, _) = try run([
      [(tag, .share), (tag, .exclusive)], [(tag, .share), (tag, .exclusive)], [(LockRig.tag(9), .share)],
    ])
    #expect(failures.count == 1)
    #expect(failures.first?.code == .deadlock)
  }

  @Test("a circle through the order of a queue is ended by changing the order")
  func softEdge() throws {
    // Session 0 shares A. Session 1 holds B and wants A alone. Session 2 holds nothing that hurts, wants to share A,
    // and stands behind session 1 in the queue; session 0 wants something of session 2.
    let rig = LockRig(sessions: 3)
    let sessions = (0..<3).map { rig.session($0) }
    let (a, c) = (LockRig.tag(1), LockRig.tag(3))
    try sessions[0].take(a, .share)
    try sessions[2].take(c, .exclusive)
    let first = try LockThread { () throws(EngineError) in
      defer { sessions[1].endTransaction() }
      return try sessions[1].take(a, .exclusive, deadlockTimeout: 60_000)
    }
    rig.waitUntilWaiting(1)
    let second = try LockThread { () throws(EngineError) in
      defer { sessions[2].endTransaction() }
      return try sessions[2].take(a, .share, deadlockTimeout: 60_000)
    }
    rig.waitUntilWaiting(2)
    // Session 0 waits for 2, which waits, only by the queue's order, for 1, which waits for 0.
    #expect(try sessions[0].take(c, .share))
    sessions[0].endTransaction()
    #expect(try first.join()?.get() == true)
    #expect(try second.join()?.get() == true)
    #expect(rig.manager.snapshot().isEmpty)
  }

  @Test("whoever would wait for one that waits for it in the same queue is told at once")
  func early() throws {
    let rig = LockRig(sessions: 2)
    let (first, second) = (rig.session(0), rig.session(1))
    try first.take(LockRig.table, .share)
    try second.take(LockRig.table, .share)
    let thread = try LockThread { () throws(EngineError) in
      defer { first.endTransaction() }
      return try first.take(LockRig.table, .exclusive, deadlockTimeout: 60_000)
    }
    rig.waitUntilWaiting(0)
    do {
      try second.take(LockRig.table, .exclusive, deadlockTimeout: 60_000)
      Issue.record("two waited for each other")
    } catch {
      #expect(error.code == .deadlock)
    }
    second.endTransaction()
    #expect(try thread.join()?.get() == true)
  }

  @Test("random lockers never have what conflicts, and all come to an end", arguments: 1...4 as ClosedRange<UInt64>)
  func random(seed: UInt64) throws {
    let rig = LockRig(sessions: 6)
    var threads: [LockThread] = []
    let held = HeldModes()
    for place in 0..<6 {
      let session = rig.session(place)
      threads.append(
        try LockThread { () throws(EngineError) in
          var random = SeededGenerator(seed: seed * 100 + UInt64(place))
          for _ in 0..<150 {
            var mine: [(Int, LockMode)] = []
            do throws(EngineError) {
              for _ in 0..<random.below(4) + 1 {
                let number = random.below(5)
                let mode = LockMode.allCases[random.below(8)]
                let tag = LockTag.relation(UInt32(number), database: 5)
                if random.below(3) == 0 {
                  guard try session.tryTake(tag, mode) else { continue }
                } else {
                  try session.take(tag, mode)
                }
                held.add(place, number, mode)
                mine.append((number, mode))
              }
            } catch {
              guard error.code == .deadlock else { throw error }
            }
            held.removeAll(place)
            session.endTransaction()
          }
          return true
        })
    }
    for thread in threads { #expect(try thread.join()?.get() == true) }
    #expect(held.conflicts == 0)
    #expect(rig.manager.snapshot().isEmpty)
  }
}

/// Which modes sessions have, and how often two had what excludes each other.
final class HeldModes: Sendable {
  private let state = Locked<(held: [(place: Int, number: Int, mode: LockMode)], conflicts: Int)>(([], 0))

  var conflicts: Int { state.withLock { $0.conflicts } }

  func add(_ place: Int, _ number: Int, _ mode: LockMode) {
    state.withLock { state in
      for other in state.held where other.number == number && other.place != place && other.mode.conflicts(with: mode) {
        state.conflicts += 1
      }
      state.held.append((place, number, mode))
    }
  }

  func removeAll(_ place: Int) { state.withLock { state in state.held.removeAll { $0.place == place } } }
}
