import MillraceTestSupport

/// Queries over joins of all kinds, subqueries in FROM and in conditions, and set operations.
struct JoinGenerator {
  private var random: SeededGenerator
  private var aliases = 0

  init(_ random: SeededGenerator) { self.random = random }

  static let schema = [
    "create table p (a int, b int, c int)",
    "create table q (a int primary key, b int, c int)",
    "create table u (a int not null, b int, c int)",
    rows("p", "i % 13, case when i % 7 = 0 then null else i % 10 end, i", 60),
    rows("q", "i, case when i % 5 = 0 then null else i % 6 end, 20 - i", 40),
    rows("u", "i % 9, i % 4, case when i % 3 = 0 then null else i end", 50),
    "create index p_a on p (a)",
    "create index p_b_c on p (b, c)",
    "create index q_b on q (b)",
    "create index u_a_b on u (a, b desc)",
  ]

  /// What is forbidden in turns, so that every way is taken.
  static let settings = [
    [], ["enable_hashjoin", "enable_hashagg"], ["enable_hashjoin", "enable_mergejoin"],
    ["enable_nestloop", "enable_hashjoin"], ["enable_nestloop", "enable_mergejoin", "enable_seqscan"],
    ["enable_material", "enable_indexscan", "enable_sort"], ["enable_seqscan", "enable_bitmapscan"],
  ]

  private static func rows(_ table: String, _ values: String, _ count: Int) -> String {
    "insert into \(table) with recursive r(i) as (select 1 union all select i + 1 from r where i < \(count)) "
      + "select \(values) from r"
  }

  // MARK: Parts

  private mutating func one<Element>(_ choices: [Element]) -> Element { choices[random.below(choices.count)] }
  private mutating func number(_ limit: Int = 13) -> Int { random.below(limit) }
  private mutating func table() -> String { one(["p", "q", "u"]) }
  private mutating func column(_ aliases: [String]) -> String { "\(one(aliases)).\(one(["a", "b", "c"]))" }

  private mutating func condition(_ aliases: [String]) -> String {
    let own = column(aliases)
    switch random.below(20) {
    case 0..<7: return "\(own) \(one(["=", "=", "=", "<", ">"])) \(column(aliases))"
    case 7..<10: return "\(own) \(one(["=", "<", ">", "<=", ">=", "<>"])) \(number())"
    case 10: return "\(own) is \(one(["null", "not null"]))"
    case 11: return "coalesce(\(own), \(number(6))) = \(number(6))"
    case 12: return "\(own) in (\(number()), \(number()), \(number()))"
    case 13: return "(\(condition(aliases)) or \(condition(aliases)))"
    case 14: return "\(one(["", "not "]))exists (select 1 from \(table()) s where s.a = \(own))"
    case 15: return "\(one(["", "not "]))exists (select 1 from \(table()) s where s.a = \(own) and s.b > \(number(9)))"
    case 16:
      return "\(own) \(one(["", "not "]))in (select \(one(["a", "b", "c"])) from \(table()) where b > \(number(9)))"
    case 17: return "\(own) = (select max(b) from \(table()) z where z.a = \(column(aliases)))"
    case 18: return "not (\(condition(aliases)))"
    default: return "\(own) < \(column(aliases))"
    }
  }

  private mutating func item(_ depth: Int) -> (sql: String, aliases: [String]) {
    guard depth > 0, random.below(10) > 2 else {
      aliases += 1
      let alias = "t\(aliases)"
      switch random.below(10) {
      case 0: return ("(select a, b, c from \(table()) where \(one(["a", "b", "c"])) < \(number())) \(alias)", [alias])
      case 1: return ("(select a, max(b) b, count(*) c from \(table()) group by a) \(alias)", [alias])
      default: return ("\(table()) \(alias)", [alias])
      }
    }
    let (left, right) = (item(depth - 1), item(depth - 1))
    let kind = one(["join", "join", "left join", "left join", "right join", "full join"])
    var on = "\(column(left.aliases)) = \(column(right.aliases))"
    if kind != "full join", random.below(10) < 3 { on += " and \(condition(left.aliases + right.aliases))" }
    return ("(\(left.sql) \(kind) \(right.sql) on \(on))", left.aliases + right.aliases)
  }

  mutating func statement() -> String {
    aliases = 0
    var (from, names) = item(1 + random.below(2))
    var conditions: [String] = []
    if random.below(10) < 3 {
      let other = item(1)
      conditions.append("\(column(names)) = \(column(other.aliases))")
      (from, names) = ("\(from), \(other.sql)", names + other.aliases)
    }
    for _ in 0..<random.below(3) { conditions.append(condition(names)) }
    let filter = conditions.isEmpty ? "" : " where " + conditions.joined(separator: " and ")
    let (x, y, z) = (column(names), column(names), column(names))
    switch random.below(10) {
    case 0..<5:
      return "select count(*), sum(x), sum(y * 3), sum(coalesce(z, 100)) "
        + "from (select \(x) x, \(y) y, \(z) z from \(from)\(filter)) s"
    case 5, 6: return "select \(x) g, count(*), min(\(y)), count(distinct \(y)) from \(from)\(filter) group by \(x)"
    case 7: return "select distinct \(x) x, \(y) y from \(from)\(filter) order by 1, 2 limit 40"
    default:
      let operation = one(["union", "union all", "intersect", "except", "except all", "intersect all"])
      return "select g, count(*) from (select \(x) g from \(from)\(filter) \(operation) "
        + "select \(one(["a", "b", "c"])) from \(table())) s group by g"
    }
  }
}
