import Glibc
@testable import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import Synchronization
import Testing

/// Several sessions on one table, each on a thread of its own while it waits.
final class SessionRig {
  let rig: EngineRig
  let database: Database
  let sessions: [Session]
  let table: SampleTable
  /// For one row at a time.
  let memory = RowMemory()

  init(_ count: Int, rows: Int32 = 3, _ settings: [String] = []) throws {
    rig = try EngineRig(["io_method=sync"] + settings)
    let database = try rig.open()
    self.database = database
    sessions = try (0..<count).map { try database.makeSession("session \($0)") }
    for session in sessions { session.waitLimits.deadlockTimeout = 1 }
    table = try SampleTable.create(sessions[0])
    try sessions[0].begin()
    for id in 0..<rows { _ = try table.insert(.init(id: id, value: 100, body: []), sessions[0]) }
    try sessions[0].commit()
  }

  func close() throws {
    for session in sessions { session.close() }
    try database.close()
  }

  func place(_ id: Int32, _ session: Session) throws -> TupleIdentifier {
    try #require(try table.places(session).first { $0.row.id == id }?.place)
  }

  /// Runs what will have to wait, and returns when it does.
  func start(
    _ session: Int, _ body: @escaping (Session) throws(EngineError) -> Session.ChangeResult
  ) throws -> WaitingSession {
    let waiting = try WaitingSession(sessions[session], body)
    while !waiting.hasEnded, database.locks.lockers[sessions[session].place].state != .waiting { sched_yield() }
    return waiting
  }
}

/// A session that does something on a thread of its own.
final class WaitingSession: @unchecked Sendable {
  // Safe because the outcome is guarded by the thread's end, and the session is used there alone until then.
  private let thread: LockThread
  private let outcome: OutcomeBox

  init(_ session: Session, _ body: @escaping (Session) throws(EngineError) -> Session.ChangeResult) throws {
    let outcome = OutcomeBox()
    self.outcome = outcome
    let work = SessionWork(session, body)
    thread = try LockThread { () throws(EngineError) in
      defer { outcome.hasEnded.store(true, ordering: .releasing) }
      outcome.result = try work.body(work.session)
      return true
    }
  }

  var hasEnded: Bool { outcome.hasEnded.load(ordering: .acquiring) }

  func end() throws -> Session.ChangeResult {
    _ = try #require(thread.join()).get()
    return try #require(outcome.result)
  }
}

final class SessionWork: @unchecked Sendable {
  // Safe because the thread that makes it leaves the session alone until the other has ended.
  let session: Session
  let body: (Session) throws(EngineError) -> Session.ChangeResult

  init(_ session: Session, _ body: @escaping (Session) throws(EngineError) -> Session.ChangeResult) {
    (self.session, self.body) = (session, body)
  }
}

final class OutcomeBox: @unchecked Sendable {
  // Safe because the result is read after the thread that writes it has ended.
  var result: Session.ChangeResult?
  let hasEnded = Atomic(false)
}

@Suite struct RowLockTests {
  /// PostgreSQL's documentation, table 13.3: whether a row lock waits for one that another transaction has.
  private static let conflictTable: [[Bool]] = [
    [false, false, false, true], [false, false, true, true], [false, true, true, true], [true, true, true, true],
  ]

  @Test("row locks exclude each other as PostgreSQL's table says, and so do changes")
  func conflicts() throws {
    let rig = try SessionRig(2)
    let (first, second) = (rig.sessions[0], rig.sessions[1])
    for (row, held) in TupleLockMode.allCases.enumerated() {
      for (column, wanted) in TupleLockMode.allCases.enumerated() {
        try first.begin()
        try second.begin()
        let place = try rig.place(0, first)
        #expect(try first.lock(place, of: rig.table.relation, held) == .done(place))
        let expected: Session.ChangeResult = Self.conflictTable[row][column] ? .wouldBlock : .done(place)
        #expect(try second.lock(place, of: rig.table.relation, wanted, .noWait) == expected, "\(held) \(wanted)")
        // Again by itself, and weaker.
        #expect(try first.lock(place, of: rig.table.relation, .keyShare) == .done(place))
        try second.rollback()
        try first.commit()
      }
      // Without a change of the key only the stronger locks are in the way; a deletion is excluded by all.
      try first.begin()
      try second.begin()
      let place = try rig.place(0, first)
      #expect(try first.lock(place, of: rig.table.relation, held) == .done(place))
      #expect(try second.delete(place, from: rig.table.relation, .noWait) == .wouldBlock)
      let row = try rig.memory.row(0, 7, [])
      let result = try second.update(place, of: rig.table.relation, to: row, .noWait)
      if held == .keyShare {
        guard case .done(let new) = result else { Issue.record("\(result)"); continue }
        // The lock is on the new version, too.
        try second.commit()
        try second.begin()
        #expect(try second.delete(new, from: rig.table.relation, .noWait) == .wouldBlock)
        #expect(try second.lock(new, of: rig.table.relation, .noKeyUpdate, .noWait) == .done(new))
      } else {
        #expect(result == .wouldBlock, "\(held)")
      }
      try second.rollback()
      try first.commit()
    }
    try rig.close()
  }

  @Test("who wants a row that another changes waits, and learns what became of it")
  func outcomes() throws {
    let rig = try SessionRig(2)
    let (first, second) = (rig.sessions[0], rig.sessions[1])
    let relation = rig.table.relation
    for commits in [true, false] {
      for deletes in [true, false] {
        for wish in 0..<3 {
          try first.begin()
          let id = try #require(try rig.table.places(first).first?.row.id)
          let place = try rig.place(id, first)
          try second.begin()
          _ = try second.snapshot()
          var next = place
          if deletes {
            #expect(try first.delete(place, from: relation) == .done(place))
          } else {
            guard case .done(let new) = try rig.table.update(place, to: .init(id: id, value: 1, body: []), first) else {
              Issue.record("not updated")
              return
            }
            next = new
          }
          let xid = try #require(first.transactionID)
          let row = try rig.memory.row(id, 5, [])
          let waiting = try rig.start(1) { session throws(EngineError) in
            switch wish {
            case 0: return try session.delete(place, from: relation)
            case 1: return try session.lock(place, of: relation, .share)
            default:
              return try session.update(place, of: relation, to: row)
            }
          }
          if commits { try first.commit() } else { try first.rollback() }
          let result = try waiting.end()
          if !commits {
            guard case .done = result else { Issue.record("\(result)"); return }
          } else if deletes {
            #expect(result == .deleted)
          } else {
            #expect(result == .updated(next: next, by: xid))
            #expect(try second.lock(next, of: relation, .update, replacing: xid) == .done(next))
            #expect(try second.lock(next, of: relation, .update, replacing: TransactionID(3)) == .deleted)
          }
          try second.rollback()
          if commits && deletes {
            try first.begin()
            _ = try rig.table.insert(.init(id: id, value: 100, body: []), first)
            try first.commit()
          }
        }
      }
    }
    #expect(rig.database.lockStatus().isEmpty)
    try rig.close()
  }

  @Test("at repeatable read what has been changed since cannot be changed")
  func repeatableRead() throws {
    let rig = try SessionRig(2)
    let (first, second) = (rig.sessions[0], rig.sessions[1])
    for deletes in [true, false] {
      try second.begin(.repeatableRead)
      let place = try rig.place(deletes ? 0 : 1, second)
      try first.begin()
      if deletes {
        _ = try first.delete(place, from: rig.table.relation)
      } else {
        _ = try rig.table.update(place, to: .init(id: 1, value: 3, body: []), first)
      }
      try first.commit()
      do {
        _ = try second.delete(place, from: rig.table.relation)
        Issue.record("changed what it could not see")
      } catch {
        #expect(error.code.sqlState == "40001")
        #expect(
          error.message == "could not serialize access due to concurrent \(deletes ? "delete" : "update")")
      }
      try second.rollback()
    }
    try rig.close()
  }

  @Test("two that want each other's row are a deadlock, and one of them goes on")
  func deadlock() throws {
    let rig = try SessionRig(2)
    let relation = rig.table.relation
    let (first, second) = (rig.sessions[0], rig.sessions[1])
    try first.begin()
    try second.begin()
    let (one, two) = (try rig.place(0, first), try rig.place(1, first))
    #expect(try first.lock(one, of: relation, .update) == .done(one))
    #expect(try second.lock(two, of: relation, .update) == .done(two))
    first.waitLimits.deadlockTimeout = 60_000
    let waiting = try rig.start(0) { session throws(EngineError) in try session.lock(two, of: relation, .update) }
    do {
      _ = try second.lock(one, of: relation, .update)
      Issue.record("both got their rows")
    } catch {
      #expect(error.code == .deadlock)
      #expect(error.detail?.contains("waits for ShareLock on transaction") == true, "\(error.detail ?? "")")
    }
    try second.rollback()
    #expect(try waiting.end() == .done(two))
    try first.commit()
    try rig.close()
  }

  @Test("waiting for a row ends by cancelling, by lock_timeout and by statement_timeout")
  func interrupted() throws {
    let rig = try SessionRig(2)
    let relation = rig.table.relation
    let (first, second) = (rig.sessions[0], rig.sessions[1])
    try first.begin()
    let place = try rig.place(0, first)
    _ = try first.lock(place, of: relation, .update)
    for reason in 0..<3 {
      try second.begin()
      second.statementTimeout = reason == 1 ? 20 : 0
      second.waitLimits.lockTimeout = reason == 2 ? 20 : 0
      second.beginStatement()
      let waiting = try rig.start(1) { session throws(EngineError) in try session.delete(place, from: relation) }
      if reason == 0 { #expect(rig.database.session(withProcessID: second.processID)?.cancel() == true) }
      do {
        _ = try waiting.end()
        Issue.record("waited in vain")
      } catch let error as EngineError {
        let expected = ["user request", "statement timeout", "lock timeout"][reason]
        #expect(error.message == "canceling statement due to \(expected)")
        #expect(error.code.sqlState == (reason == 2 ? "55P03" : "57014"))
      }
      second.endStatement()
      try second.rollback()
    }
    try first.rollback()
    try rig.close()
  }

  @Test("a savepoint that is rolled back lets go of rows, and one that is released does not")
  func savepoints() throws {
    let rig = try SessionRig(2)
    let (first, second) = (rig.sessions[0], rig.sessions[1])
    let relation = rig.table.relation
    try first.begin()
    let (one, two) = (try rig.place(0, first), try rig.place(1, first))
    try first.savepoint("a")
    _ = try first.lock(one, of: relation, .update)
    try first.rollback(toSavepoint: "a")
    _ = try first.lock(two, of: relation, .update)
    try first.releaseSavepoint("a")
    try second.begin()
    #expect(try second.lock(one, of: relation, .update, .noWait) == .done(one))
    #expect(try second.lock(two, of: relation, .update, .noWait) == .wouldBlock)
    // A part of the transaction locked it, and the whole changes it.
    let row = try rig.memory.row(1, 5, [])
    guard case .done = try first.update(two, of: relation, to: row) else { Issue.record("not updated"); return }
    try first.commit()
    try second.commit()
    try rig.close()
  }

  @Test("waiters for a row get it in the order in which they came")
  func fairness() throws {
    let rig = try SessionRig(5)
    let relation = rig.table.relation
    try rig.sessions[0].begin()
    let place = try rig.place(0, rig.sessions[0])
    _ = try rig.sessions[0].lock(place, of: relation, .update)
    let order = OrderBox(.init([]))
    var waiting: [WaitingSession] = []
    for number in 1..<5 {
      rig.sessions[number].waitLimits.deadlockTimeout = 60_000
      try rig.sessions[number].begin()
      waiting.append(
        try rig.start(number) { session throws(EngineError) in
          let result = try session.lock(place, of: relation, .update)
          order.order.withLock { $0.append(number) }
          try session.commit()
          return result
        })
    }
    try rig.sessions[0].commit()
    for one in waiting { #expect(try one.end() == .done(place)) }
    #expect(order.order.withLock { $0 } == [1, 2, 3, 4])
    try rig.close()
  }
}
