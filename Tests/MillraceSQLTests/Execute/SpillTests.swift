import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// What does not fit into `work_mem` goes to files, and comes out the same.
@Suite(.serialized) struct SpillTests {
  private static let statements = [
    "select id, t from wide order by t, id",
    "select id from wide order by k desc, t, id limit 10 offset 4000",
    "select k, count(*), min(t) from wide group by k order by k",
    "select t, count(*), sum(id) from wide group by t order by t limit 50",
    "select count(*), sum(a.id), min(b.t) from wide a join wide b on a.t = b.t and a.id <= b.id",
    "select count(*), sum(a.id), sum(b.id) from wide a full join wide b on a.id = b.id + 2500",
    "select count(*) from wide a where not exists (select from wide b where b.id = a.id + 100)",
    "select count(*), sum(id) from (select distinct t, id from wide) d",
    "select count(*) from (select t from wide except select t from wide where id < 2500) e",
    "with w as materialized (select * from wide) select count(*) from w v join w u on v.id = u.id where v.k < 10",
  ]

  @Test("sorts, hash tables and groups give the same rows in 64 kB and in 64 MB")
  func sameRows() throws {
    var generator = SeededGenerator(for: "operations that spill")
    let rig = try SQLRig()
    #expect(rig.execute("create table wide (id int primary key, k int, t text)").failure == nil)
    for start in stride(from: 0, to: 5000, by: 500) {
      let rows = (start..<start + 500).map {
        let text = String(repeating: "w", count: 20 + generator.below(60)) + "\(generator.below(2000))"
        return "(\($0), \(generator.below(700)), '\(text)')"
      }
      #expect(rig.execute("insert into wide values " + rows.joined(separator: ",")).failure == nil)
    }
    for statement in Self.statements {
      _ = rig.execute("set work_mem = '64MB'")
      let expected = rig.execute(statement)
      #expect(expected.failure == nil && !expected.rows.isEmpty)
      _ = rig.execute("set work_mem = '64kB'")
      #expect(rig.execute(statement).rows == expected.rows, "\(statement)")
    }
    try rig.close()
  }
}
