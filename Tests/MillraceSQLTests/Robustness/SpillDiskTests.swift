import Foundation
import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// A disk that becomes full under what does not fit into `work_mem`.
@Suite(.serialized, .enabled(if: LoopMount.obstacle == nil, "needs root, loop devices and ext4"))
struct SpillDiskTests {
  private static let statements = [
    "select count(*) from (select * from wide order by t, id offset 1) s",
    "select t, count(*), max(u) from wide group by t, u",
    "select count(*) from wide a join wide b on a.t = b.t and a.u = b.u",
    "select count(*) from (select distinct t, u, id from wide) d",
    "select count(*) from (select t, u from wide union select u, t from wide) e",
    "with w as materialized (select * from wide) select count(*) from w v join w x on v.id = x.id",
  ]

  @Test func `a statement that finds no room for its temporary files fails, and all others go on`() throws {
    let disk = try LoopMount(megabytes: 96)
    let path = disk.path + "/data"
    try SQLRig.initialize(path)
    let rig = try SQLRig(opening: path, try TemporaryDirectory(), ["autovacuum=off", "checkpoint_timeout=1h"])
    for statement in [
      "create table wide (id int, t text, u text)",
      "insert into wide select n, repeat(md5(n::text), 3), repeat(md5((n * 7)::text), 2)"
        + " from generate_series(1, 9000) n",
      // So that reading leaves nothing behind that would have to be logged.
      "vacuum (freeze) wide", "checkpoint", "set work_mem = '64kB'",
    ] {
      let answer = rig.execute(statement)
      try #require(answer.failure == nil, "\(statement): \(answer.failure ?? [:])")
    }
    for statement in Self.statements {
      try disk.fill(leaving: 400 << 10)
      let free = disk.freeBytes
      let failure = rig.execute(statement).failure ?? [:]
      #expect(failure["C"] == "53100", "\(statement): \(failure)")
      #expect(failure["M"]?.contains("No space left on device") == true)
      #expect(rig.execute("select count(*) from wide").rows == [["9000"]])
      let left = try FileManager.default.contentsOfDirectory(atPath: path + "/base/pgsql_tmp")
      #expect(left == [] && disk.freeBytes > free - (200 << 10), "\(statement) left \(free - disk.freeBytes) bytes")
      try disk.free()
    }
    for statement in Self.statements {
      let answer = rig.execute(statement)
      #expect(answer.failure == nil, "\(statement) with room: \(answer.failure ?? [:])")
    }
    try rig.close()
  }
}
