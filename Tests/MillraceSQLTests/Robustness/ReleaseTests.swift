import Foundation
import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// That statements leave nothing in memory: plans, executions and the relations they knew go with them.
@Suite(.serialized) struct ReleaseTests {
  /// What a closed database had.
  private struct Remains {
    weak var database: Database?
    weak var pool: BufferPool?
    weak var session: SQLSession?
  }

  private static let groups = [
    ["select 1", "select * from nope", "select 1 / 0"],
    ["select * from t", "select count(*), min(id) from t where k > 3 or s like 'a%'"],
    ["select * from t a join t b on a.id = b.k left join t c on c.id = b.id order by a.id limit 3"],
    [
      "select (select max(id) from t), (select count(*) from t b where b.k = a.k) from t a where exists "
        + "(select 1 from t c where c.id = a.k) and id in (select k from t)"
    ],
    [
      "with w as materialized (select * from t) select count(*) from w a, w b where a.id = b.k",
      "with recursive r(n) as (select 1 union all select n + 1 from r where n < 20) select sum(n) from r",
      "with d as (delete from t where id = 7 returning id) select * from d",
    ],
    [
      "select k from t union select id from t except select 3",
      "select k, count(*) from t group by k having count(*) > 1",
    ],
    ["select * from t, lateral (select t.id + 1 as x) l, generate_series(1, t.k) g limit 5"],
    [
      "insert into t values (1, 1) on conflict (id) do update set k = excluded.k", "update t set k = k + 1 where k = 2",
      "delete from t using (values (1), (2)) v(x) where t.id = v.x", "create table u as select * from t",
    ],
    ["begin", "declare c cursor for select * from t", "fetch 3 from c", "commit"],
    [
      "prepare p(int) as select * from t where id = $1", "execute p(1)", "execute p(2)",
      "explain analyze select * from t",
    ],
    ["begin", "select * from t", "select 1 / 0"],
  ]

  @Test("nothing is left of a database that was closed, whatever was run on it", arguments: groups)
  func statements(_ statements: [String]) throws {
    let temporary = try TemporaryDirectory()
    try SQLRig.initialize(temporary.path + "/data")
    let remains = try run(statements, temporary)
    #expect(remains.database == nil && remains.pool == nil && remains.session == nil, "\(statements)")
  }

  private func run(_ statements: [String], _ temporary: TemporaryDirectory) throws -> Remains {
    let rig = try SQLRig(opening: temporary.path + "/data", temporary)
    _ = rig.execute("create table t (id int primary key, k int, s text)")
    _ = rig.execute("insert into t select n, n % 10, 'a' from generate_series(1, 200) n")
    for statement in statements { _ = rig.execute(statement) }
    try rig.close()
    return Remains(database: rig.database, pool: rig.database.pool, session: rig.sql)
  }
}
