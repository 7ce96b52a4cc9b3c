import Glibc
import MillraceEngine
import MillraceIO
import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// What becomes of statements that meet rows which another transaction is changing: EvalPlanQual.
@Suite(.serialized) struct RecheckTests {
  /// A statement of a second session, which waits for the first one to commit.
  private func whileHeld(
    _ held: String, _ waiting: String, _ rig: SQLRig
  ) throws -> ServerSession.Answer {
    let other = try SQLRig.Other(rig, "waiter")
    #expect(rig.execute("begin").failure == nil)
    #expect(rig.execute(held).failure == nil)
    let thread = try TestThread("waiter") { other.execute(waiting) }
    // It waits for the first transaction as soon as it has asked for a lock that it does not get.
    while !rig.database.lockStatus().contains(where: { !$0.isGranted }) { _ = sched_yield() }
    #expect(rig.execute("commit").failure == nil)
    let answer = try thread.join()
    other.close()
    return answer
  }

  private func table(_ rig: SQLRig) {
    #expect(rig.execute("create table acc (id int primary key, v int, t text)").failure == nil)
    #expect(rig.execute("create index acc_v on acc (v)").failure == nil)
    #expect(rig.execute("insert into acc values (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c')").failure == nil)
  }

  @Test("an update goes on from the newest version of its row")
  func update() throws {
    let rig = try SQLRig()
    table(rig)
    let answer = try whileHeld(
      "update acc set v = v + 5 where id = 1", "update acc set v = v * 2, t = t || '!' where id = 1 returning v, t", rig
    )
    #expect(answer.rows == [["30", "a!"]])
    try rig.close()
  }

  @Test("a row that does not qualify any more is left alone")
  func disqualified() throws {
    let rig = try SQLRig()
    table(rig)
    #expect(try whileHeld("update acc set v = 50 where id = 2", "delete from acc where v = 20", rig).tag == "DELETE 0")
    #expect(rig.execute("select count(*) from acc").rows == [["3"]])
    #expect(
      try whileHeld("delete from acc where id = 3", "update acc set v = 0 where id = 3", rig).tag == "UPDATE 0")
    try rig.close()
  }

  @Test("a statement that is kept looks again in each of its executions")
  func kept() throws {
    let rig = try SQLRig()
    table(rig)
    let other = try SQLRig.Other(rig, "waiter")
    for round in 1...6 {
      let waiting = "update acc set v = v + 1 where id = 1"
      #expect(other.execute(waiting).tag == "UPDATE 1")
      guard round % 2 == 0 else { continue }
      #expect(rig.execute("begin").failure == nil)
      let isGone = round == 6
      #expect(
        rig.execute(isGone ? "delete from acc where id = 1" : "update acc set v = v + 100 where id = 1").tag != nil)
      let thread = try TestThread("waiter") { other.execute(waiting) }
      while !rig.database.lockStatus().contains(where: { !$0.isGranted }) { _ = sched_yield() }
      #expect(rig.execute("commit").failure == nil)
      #expect(try thread.join().tag == (isGone ? "UPDATE 0" : "UPDATE 1"))
      if !isGone {
        #expect(rig.execute("select v from acc where id = 1").rows == [["\(10 + round / 2 * 100 + round + round / 2)"]])
      }
    }
    other.close()
    try rig.close()
  }

  @Test("an update from a join looks at the new version with the other table's rows")
  func joined() throws {
    let rig = try SQLRig()
    table(rig)
    #expect(rig.execute("create table d (id int, add int)").failure == nil)
    #expect(rig.execute("insert into d values (1, 100), (2, 200)").failure == nil)
    for method in ["hashjoin", "nestloop", "mergejoin"] {
      _ = rig.execute("set enable_\(method) = off")
      let before = rig.execute("select v from acc where id = 1").rows[0][0].flatMap { Int($0) } ?? 0
      let answer = try whileHeld(
        "update acc set v = v + 1 where id = 1",
        "update acc set v = v + d.add from d where d.id = acc.id and acc.id = 1", rig)
      #expect(answer.tag == "UPDATE 1")
      #expect(rig.execute("select v from acc where id = 1").rows == [["\(before + 101)"]])
      _ = rig.execute("reset enable_\(method)")
    }
    try rig.close()
  }

  @Test("FOR UPDATE gives out the newest version, or passes over what is held")
  func lockRows() throws {
    let rig = try SQLRig()
    table(rig)
    let answer = try whileHeld(
      "update acc set v = 11 where id = 1", "select id, v from acc where id = 1 for update", rig)
    #expect(answer.rows == [["1", "11"]])
    let other = try SQLRig.Other(rig, "other")
    #expect(rig.execute("begin").failure == nil)
    #expect(rig.execute("update acc set t = 'held' where id = 2").failure == nil)
    #expect(other.execute("select id from acc order by id for update skip locked").rows == [["1"], ["3"]])
    let refused = other.execute("select id from acc where id = 2 for update nowait")
    #expect(refused.failure?["C"] == "55P03")
    #expect(refused.failure?["M"] == "could not obtain lock on row in relation \"acc\"")
    #expect(rig.execute("rollback").failure == nil)
    other.close()
    try rig.close()
  }

  @Test("two who insert the same key: the second updates, does nothing, or is refused")
  func conflict() throws {
    let rig = try SQLRig()
    table(rig)
    let updated = try whileHeld(
      "insert into acc values (7, 1, 'first')",
      "insert into acc values (7, 2, 'second') on conflict (id) do update set t = acc.t || excluded.t returning t", rig)
    #expect(updated.rows == [["firstsecond"]])
    let nothing = try whileHeld(
      "insert into acc values (8, 1, 'first')", "insert into acc values (8, 2, 'second') on conflict do nothing", rig)
    #expect(nothing.tag == "INSERT 0 0")
    let refused = try whileHeld(
      "insert into acc values (9, 1, 'first')", "insert into acc values (9, 2, 'second')", rig)
    #expect(refused.failure?["C"] == "23505")
    #expect(refused.failure?["D"] == "Key (id)=(9) already exists.")
    try rig.close()
  }
}

extension SQLRig {
  /// One more session of the same cluster.
  final class Other: @unchecked Sendable {
    // Safe because one thread uses it at a time.
    private let sql: SQLSession

    init(_ rig: SQLRig, _ name: String) throws {
      let session = try rig.database.makeSession(name)
      try session.connect(to: "postgres")
      sql = try SQLSession(session, rig.sql.instance, SessionIdentity(user: "postgres"))
    }

    func execute(_ text: String) -> ServerSession.Answer { SQLRig.execute(text, sql) }
    func close() { sql.close() }
  }
}
