/// Statements whose plans are compared with PostgreSQL's, and the tables they are about.
enum PlanCorpus {
  static let schema = [
    "create table a (id int primary key, b int, c text, d numeric)",
    "create table t (id int primary key, a_id int not null, v int)",
    "create table small (x int, y text)",
    rows("a", "i, i % 100, 'text' || (i % 1000)::text, i / 10.0", 10000),
    rows("t", "i, i % 2000, i % 10", 5000),
    rows("small", "i, 'y' || i::text", 10),
    "create index a_b on a (b)",
    "create index a_c on a (c)",
    "create index t_a_id on t (a_id)",
    "create index t_v_id on t (v, id)",
  ]

  static let tables = ["a", "t", "small"]

  private static func rows(_ table: String, _ values: String, _ count: Int) -> String {
    "insert into \(table) with recursive r(i) as (select 1 union all select i + 1 from r where i < \(count)) "
      + "select \(values) from r"
  }

  /// How many of the statements are estimated to cost the same to the last digit.
  static let sameCostsMin = 50

  /// Joins with few different keys on the outer side, for nested loops.
  static let memoized = [
    "select t.id, a.c from t join a on a.id = t.v",
    "select t.id, a.c from t left join a on a.id = t.v",
    "select t.id, a.c from t left join a on a.id = t.v and a.b = t.v",
    "select t.id, a.c from t join a on a.id = t.v + 1",
    "select t.id, a.id from t join a on a.b = t.v where t.id < 500",
    "select t.id, a.c from t join a on a.id = t.v where a.b > 3",
    "select t.id, a.id from t join a on a.id = t.id",
    "select t.id from t where exists (select 1 from a where a.id = t.v)",
    "select t.id, u.id from t join t u on u.v = t.v and u.id = t.a_id",
    "select t.id, a.c from t join small s on s.x = t.id join a on a.id = t.v",
  ]

  /// What both must do in the same way.
  static let statements = [
    "select * from a",
    "select id from a where b > 50",
    "select id from a where id = 5",
    "select * from a where id in (1, 2, 3)",
    "select * from a where id = 5 and b = 3",
    "select * from a where b = 5",
    "select * from a where b = 5 and c = 'text5'",
    "select * from a where b = 5 or id = 7",
    "select * from a where b < 2 and id < 1000",
    "select * from a order by id",
    "select * from a order by id desc",
    "select * from a order by b, id limit 10",
    "select * from a order by c limit 5",
    "select * from a order by d desc nulls last limit 3",
    "select count(*) from a",
    "select b, count(*) from a group by b",
    "select b, sum(id) from a where id < 100 group by b having sum(id) > 10 order by b",
    "select v / 10, count(*) from t group by 1",
    "select v / 10, count(*) from t group by 1 order by 1",
    "select id / 10 from t order by id / 10",
    "select count(*) from (select id / 3 from t group by 1) g",
    "select id % 1000, v, count(*) from t group by 1, 2",
    "select distinct b from a",
    "select distinct on (b) b, id from a order by b, id",
    "select a.id, t.id from a join t on t.a_id = a.id where t.v = 3",
    "select a.id, t.id from a join t on t.a_id = a.id where a.id = 5",
    "select a.id, t.id from a left join t on t.a_id = a.id",
    "select a.id from a left join t on t.a_id = a.id where t.id is null",
    "select * from a where exists (select 1 from t where t.a_id = a.id)",
    "select * from a where id in (select a_id from t where v = 1)",
    "select * from a where id not in (select a_id from t where v = 1)",
    "select * from small s1, small s2",
    "select * from small s1, small s2 where s1.x < s2.x",
    "select * from small s join a on a.id = s.x",
    "select * from small s join a on a.b = s.x join t on t.a_id = a.id",
    "select id, (select max(v) from t where t.a_id = a.id) from a where id < 10",
    "select id, (select max(v) from t) from a where id < 10",
    "select * from a where b = (select min(x) from small)",
    "select 1",
    "select 1 where false",
    "select * from a where false",
    "select * from (select id, b from a where b < 10) s where id > 5",
    "select * from (select b, count(*) n from a group by b) s where n > 5",
    "select id from a union all select id from t",
    "select id from a union select id from t",
    "select x from small intersect select id from a",
    "select x from small except select id from a",
    "with w as (select * from a where b = 1) select * from w where id < 50",
    "with w as materialized (select * from a where b = 1) select * from w w1, w w2 where w1.id = w2.b",
    "with recursive r(n) as (select 1 union all select n + 1 from r where n < 10) select * from r",
    "values (1, 'a'), (2, 'b')",
    "select * from (values (1, 'a'), (2, 'b')) v(n, s) where n = 1",
    "insert into small values (11, 'z')",
    "insert into small select id, c from a where b = 1",
    "update a set b = b + 1 where id = 5",
    "delete from a where id = 5",
    "update a set b = t.v from t where t.a_id = a.id and t.id = 7 returning a.id, t.v",
    "insert into a (id, b) values (1, 2) on conflict (id) do update set b = excluded.b",
    "select * from a where id = 5 for update",
    "select * from a where ctid = '(0,1)'",
    "select * from a where c like 'text99%'",
    "select upper(c), b + 1 from a where length(c) > 5",
    "select case when b > 5 then 'x' else 'y' end from a where b is not null",
    "select max(id), min(id) from a",
    "select * from a full join t on t.id = a.id",
    "select * from a join t using (id) order by a.id limit 10",
    "select b, c, count(*) from a group by b, c order by count(*) desc limit 5",
    "select * from a where b between 10 and 20 and d > 5.5",
    "select sum(d), avg(b) from a where b = any (array[1,2,3])",
    "select * from a a1 join a a2 on a1.id = a2.b join t on t.id = a2.id where a1.b = 7",
  ]
}
