import Glibc
@testable import MillraceEngine
import MillraceIO
import MillraceStorage
import Synchronization
import Testing

/// A lock manager and some sessions, each on a thread of its own while it waits.
final class LockRig: Sendable {
  let manager: LockManager

  init(sessions: Int) {
    manager = LockManager(sessionsMax: sessions)
    for locker in manager.lockers {
      locker.databaseID = 5
      locker.processID = Int32(100 + locker.place)
    }
  }

  func session(_ place: Int) -> SessionLocks { SessionLocks(manager, manager.lockers[place]) }

  /// Waits until a session is in a queue.
  func waitUntilWaiting(_ place: Int) {
    while manager.lockers[place].state != .waiting { sched_yield() }
  }

  static let table = LockTag.relation(1000, database: 5)
  static func tag(_ number: UInt32) -> LockTag { .advisory(Int64(number), database: 5) }
}

/// What a session does on a thread of its own, and how that ended.
final class LockThread: @unchecked Sendable {
  // Safe because the outcome is read after the thread has been joined.
  private var thread: NamedThread?
  private(set) var outcome: Result<Bool, EngineError>?

  init(_ body: @escaping @Sendable () throws(EngineError) -> Bool) throws {
    thread = try NamedThread("locker") { [self] in
      do throws(EngineError) { outcome = .success(try body()) } catch { outcome = .failure(error) }
    }
  }

  func join() -> Result<Bool, EngineError>? {
    thread?.join()
    thread = nil
    return outcome
  }
}

extension SessionLocks: @unchecked Sendable {
  // Safe because a test uses each on one thread at a time.
}

extension SessionLocks {
  /// Takes a lock, waiting for it. - Returns: whether it was got.
  @discardableResult
  func take(
    _ tag: LockTag, _ mode: LockMode, deadlockTimeout: Int = 1, lockTimeout: Int = 0
  ) throws(EngineError) -> Bool {
    var limits = WaitLimits()
    limits.deadlockTimeout = deadlockTimeout
    limits.lockTimeout = lockTimeout
    return try lock(tag, mode, .wait, limits) != .notAvailable
  }

  func tryTake(_ tag: LockTag, _ mode: LockMode) throws(EngineError) -> Bool {
    try lock(tag, mode, .noWait, WaitLimits()) != .notAvailable
  }
}

@Suite struct LockTests {
  /// PostgreSQL's documentation, table 13.2: X where the requested mode (row) conflicts with the held one (column).
  private static let conflictTable = [
    ".......X", "......XX", "....XXXX", "...XXXXX", "..XX.XXX", "..XXXXXX", ".XXXXXXX", "XXXXXXXX",
  ]

  @Test("modes conflict as PostgreSQL's table says, on the fast path and off it")
  func conflicts() throws {
    for (row, line) in Self.conflictTable.enumerated() {
      for (column, mark) in line.enumerated() {
        let (wanted, held) = (LockMode.allCases[row], LockMode.allCases[column])
        #expect(wanted.conflicts(with: held) == (mark == "X"))
        #expect(held.conflicts(with: wanted) == (mark == "X"))
        for tag in [LockRig.table, .relation(1000, database: 0), LockRig.tag(7)] {
          let rig = LockRig(sessions: 2)
          let (first, second) = (rig.session(0), rig.session(1))
          #expect(try first.tryTake(tag, held))
          #expect(try second.tryTake(tag, wanted) == (mark != "X"), "\(wanted) beside \(held) on \(tag.text)")
          // Nobody is in the way of itself, though perhaps of what the other has just got.
          #expect(try first.tryTake(tag, wanted) == (mark == "X" || !wanted.conflicts(with: wanted)))
          first.endTransaction()
          #expect(try second.tryTake(tag, wanted))
          second.endTransaction()
          #expect(rig.manager.snapshot().isEmpty)
        }
      }
    }
  }

  @Test("weak locks on relations are not in the shared table until somebody wants a strong one")
  func fastPath() throws {
    let rig = LockRig(sessions: 3)
    let (reader, writer, owner) = (rig.session(0), rig.session(1), rig.session(2))
    try reader.take(LockRig.table, .accessShare)
    try reader.take(LockRig.table, .rowShare)
    try writer.take(LockRig.table, .rowExclusive)
    #expect(rig.manager.snapshot().count == 3)
    #expect(rig.manager.snapshot().allSatisfy { $0.isFastPath })
    #expect(try owner.tryTake(LockRig.table, .shareUpdateExclusive))
    #expect(try !owner.tryTake(LockRig.table, .share))
    #expect(rig.manager.snapshot().allSatisfy { !$0.isFastPath })
    // What was taken over is given back all the same.
    writer.endTransaction()
    #expect(try owner.tryTake(LockRig.table, .share))
    #expect(try !writer.tryTake(LockRig.table, .rowExclusive))
    #expect(reader.unlock(LockRig.table, .rowShare))
    #expect(!reader.unlock(LockRig.table, .rowShare))
    reader.endTransaction()
    owner.endTransaction()
    #expect(rig.manager.snapshot().isEmpty)
    #expect(try writer.tryTake(LockRig.table, .rowExclusive))
    #expect(rig.manager.snapshot().allSatisfy { $0.isFastPath })
  }

  @Test("more relations than the fast path has room for are locked in the shared table")
  func fastPathOverflow() throws {
    let rig = LockRig(sessions: 1)
    let session = rig.session(0)
    for relation in 0..<500 as Range<UInt32> { try session.take(.relation(relation, database: 5), .accessShare) }
    let held = rig.manager.snapshot()
    #expect(held.count == 500)
    #expect(held.contains { $0.isFastPath })
    #expect(held.contains { !$0.isFastPath })
    session.endTransaction()
    #expect(rig.manager.snapshot().isEmpty)
  }

  @Test("waiters get their turn in order, and sharers together")
  func queueOrder() throws {
    let rig = LockRig(sessions: 5)
    let first = rig.session(0)
    try first.take(LockRig.tag(1), .share)
    let order = Locked<[Int]>([])
    let box = OrderBox(order)
    var threads: [LockThread] = []
    // An exclusive one, two that share behind it although the lock is shared now, and an exclusive one at the end.
    for (place, mode) in [(1, LockMode.exclusive), (2, .share), (3, .share), (4, .exclusive)] {
      let session = rig.session(place)
      threads.append(
        try LockThread { () throws(EngineError) in
          try session.take(LockRig.tag(1), mode)
          box.order.withLock { $0.append(place) }
          session.endTransaction()
          return true
        })
      rig.waitUntilWaiting(place)
    }
    let other = LockRig.tag(1)
    #expect(try !rig.session(0).tryTake(LockRig.tag(1), .exclusive))
    #expect(rig.manager.snapshot().filter { $0.tag == other && !$0.isGranted }.count == 4)
    first.endTransaction()
    for thread in threads { #expect(try thread.join()?.get() == true) }
    let found = box.order.withLock { $0 }
    #expect(found.first == 1 && found.last == 4 && Set(found[1...2]) == [2, 3], "\(found)")
    #expect(rig.manager.snapshot().isEmpty)
  }

  @Test("a nested transaction that is rolled back unlocks what it has locked, and one that is committed does not")
  func nesting() throws {
    let rig = LockRig(sessions: 2)
    let (session, other) = (rig.session(0), rig.session(1))
    try session.take(LockRig.tag(1), .exclusive)
    session.beginNested()
    try session.take(LockRig.tag(1), .exclusive)
    try session.take(LockRig.tag(2), .exclusive)
    session.beginNested()
    try session.take(LockRig.tag(3), .exclusive)
    session.endNested(isCommitted: true)
    #expect(try !other.tryTake(LockRig.tag(3), .share))
    session.endNested(isCommitted: false)
    #expect(try other.tryTake(LockRig.tag(3), .share))
    #expect(try other.tryTake(LockRig.tag(2), .share))
    #expect(try !other.tryTake(LockRig.tag(1), .share))
    #expect(try session.lock(LockRig.tag(9), .exclusive, .wait, WaitLimits(), isForSession: true) == .acquired)
    session.endTransaction()
    #expect(try other.tryTake(LockRig.tag(1), .share))
    #expect(try !other.tryTake(LockRig.tag(9), .share))
    #expect(!session.unlock(LockRig.tag(9), .exclusive))
    #expect(session.unlock(LockRig.tag(9), .exclusive, isForSession: true))
    #expect(try other.tryTake(LockRig.tag(9), .share))
  }

  @Test("who waits too long, or is cancelled, leaves the queue and lets others pass")
  func givingUp() throws {
    let rig = LockRig(sessions: 4)
    let (holder, impatient, cancelled, sharer) = (rig.session(0), rig.session(1), rig.session(2), rig.session(3))
    try holder.take(LockRig.tag(1), .share)
    let first = try LockThread { () throws(EngineError) in
      try impatient.take(LockRig.tag(1), .exclusive, lockTimeout: 20)
    }
    if case .failure(let error)? = first.join() {
      #expect(error.code == .lockNotAvailable && error.message == "canceling statement due to lock timeout")
    } else {
      Issue.record("a wait without end")
    }
    let second = try LockThread { () throws(EngineError) in try cancelled.take(LockRig.tag(1), .exclusive) }
    rig.waitUntilWaiting(2)
    let third = try LockThread { () throws(EngineError) in try sharer.take(LockRig.tag(1), .share) }
    rig.waitUntilWaiting(3)
    rig.manager.lockers[2].raise(.cancel)
    if case .failure(let error)? = second.join() {
      #expect(error.code == .cancelled && error.message == "canceling statement due to user request")
    } else {
      Issue.record("a cancelled wait went on")
    }
    #expect(try third.join()?.get() == true)
  }
}

/// Takes a lock's guard into closures.
final class OrderBox: Sendable {
  let order: Locked<[Int]>
  init(_ order: consuming Locked<[Int]>) { self.order = order }
}
