import MillraceTestSupport

/// Statements over the tables of ``StatementCorpus/schema``, made by chance: expressions of every type, and queries.
struct StatementGenerator {
  enum Kind: CaseIterable { case bool, int4, int8, numeric, float8, text, date, time, timestamp, interval, bytea, uuid }

  private var random: SeededGenerator

  init(_ random: SeededGenerator) { self.random = random }

  mutating func expressionStatement() -> String {
    let first = expression(pick(Kind.allCases), 3)
    let second = expression(pick(Kind.allCases), 2)
    let list = "id, \(first) AS x, \(second) AS y"
    switch random.below(4) {
    case 0: return "SELECT \(list) FROM v ORDER BY id"
    case 1: return "SELECT \(list) FROM v WHERE \(expression(.bool, 2)) ORDER BY id"
    default: return "SELECT \(list) FROM v WHERE id = \(random.below(11)) ORDER BY id"
    }
  }

  private mutating func pick<Element>(_ choices: [Element]) -> Element { choices[random.below(choices.count)] }

  // MARK: Expressions

  mutating func expression(_ kind: Kind, _ depth: Int) -> String {
    if depth == 0 || random.below(6) == 0 { return leaf(kind) }
    switch random.below(14) {
    case 0:
      let (condition, first) = (expression(.bool, depth - 1), expression(kind, depth - 1))
      return "CASE WHEN \(condition) THEN \(first) ELSE \(expression(kind, depth - 1)) END"
    case 1: return "COALESCE(\(expression(kind, depth - 1)), \(leaf(kind)))"
    case 2: return "NULLIF(\(expression(kind, depth - 1)), \(leaf(kind)))"
    case 3: return "\(pick(["GREATEST", "LEAST"]))(\(expression(kind, depth - 1)), \(leaf(kind)))"
    default: break
    }
    switch kind {
    case .bool: return boolean(depth - 1)
    case .int4, .int8, .numeric, .float8: return number(kind, depth - 1)
    case .text: return text(depth - 1)
    default: return other(kind, depth - 1)
    }
  }

  private mutating func leaf(_ kind: Kind) -> String {
    switch kind {
    case .bool: pick(["b", "b", "true", "false", "NULL::bool"])
    case .int4: pick(["i4", "id", "i2::int", "0", "1", "-7", "2147483647", "NULL::int"])
    case .int8: pick(["i8", "id::bigint", "4294967296", "-1::bigint", "NULL::bigint"])
    case .numeric: pick(["n", "n2", "1.5", "-0.001", "12345678901234567890.5", "NULL::numeric"])
    case .float8: pick(["f8", "f4::float8", "0.5::float8", "-2e10::float8", "'NaN'::float8", "NULL::float8"])
    case .text: pick(["t", "vc::text", "ch::text", "'x'", "''", "'aB c'", "NULL::text"])
    case .date: pick(["d", "date '2024-02-29'", "date '1999-12-31'", "NULL::date"])
    case .time: pick(["tm", "time '12:34:56.789'", "NULL::time"])
    case .timestamp: pick(["ts", "timestamp '2024-02-29 23:59:59'", "NULL::timestamp"])
    case .interval: pick(["iv", "interval '1 day 02:03:04'", "interval '-1 mon'", "NULL::interval"])
    case .bytea: pick(["by", "'\\x00ff'::bytea", "NULL::bytea"])
    case .uuid: pick(["u", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "NULL::uuid"])
    }
  }

  private mutating func boolean(_ depth: Int) -> String {
    let kind = pick(Kind.allCases)
    let comparison = pick(["=", "<>", "<", "<=", ">", ">="])
    switch random.below(11) {
    case 0, 1: return "(\(expression(.bool, depth)) AND \(expression(.bool, depth)))"
    case 2: return "(\(expression(.bool, depth)) OR \(expression(.bool, depth)))"
    case 3: return "(NOT \(expression(.bool, depth)))"
    case 4: return "(\(expression(kind, depth)) IS \(pick(["", "NOT "]))NULL)"
    case 5: return "(\(expression(kind, depth)) IS \(pick(["", "NOT "]))DISTINCT FROM \(expression(kind, depth)))"
    case 6: return "(\(expression(kind, depth)) IN (\(leaf(kind)), \(leaf(kind)), \(leaf(kind))))"
    case 7: return "(\(expression(kind, depth)) \(pick(["", "NOT "]))BETWEEN \(leaf(kind)) AND \(leaf(kind)))"
    case 8:
      return
        "(\(expression(.text, depth)) \(pick(["LIKE", "NOT LIKE", "ILIKE"])) \(pick(["'%e%'", "'o%'", "'_n_'", "''"])))"
    default: return "(\(expression(kind, depth)) \(comparison) \(expression(kind, depth)))"
    }
  }

  private mutating func number(_ kind: Kind, _ depth: Int) -> String {
    let a = expression(kind, depth)
    switch (kind, random.below(8)) {
    case (_, 0), (_, 1): return "(\(a) \(pick(["+", "-"])) \(expression(kind, depth)))"
    case (_, 2): return "(\(a) * \(leaf(kind)))"
    case (_, 3): return "(\(a) / \(leaf(kind)))"
    case (.int4, 4), (.int8, 4), (.numeric, 4): return "(\(a) % \(leaf(kind)))"
    case (_, 5): return pick(["(-\(a))", "abs(\(a))", "(+\(a))"])
    case (.int4, 6):
      return pick([
        "length(\(expression(.text, depth)))", "ascii(\(leaf(.text)))", "(\(a) & 255)",
        "(\(leaf(.date)) - date '2000-01-01')",
      ])
    case (.int4, _):
      return pick([
        "\(leaf(.float8))::int", "\(leaf(.numeric))::int", "\(leaf(.int8))::int", "strpos(\(leaf(.text)), 'e')",
      ])
    case (.int8, _):
      return pick([
        "\(leaf(.int4))::bigint", "\(leaf(.numeric))::bigint", "(\(leaf(.int4)) + \(leaf(.int8)))", "(\(a) # 5)",
      ])
    case (.numeric, 6):
      return pick(["round(\(a), \(random.below(4)))", "trunc(\(a))", "ceil(\(a))", "floor(\(a))", "sign(\(a))"])
    case (.numeric, _):
      return pick([
        "\(leaf(.int8))::numeric", "(\(leaf(.int4)) + \(a))", "extract(epoch FROM \(leaf(.interval)))",
        "\(a)::numeric(20,3)",
      ])
    case (.float8, _):
      return pick([
        "sqrt(abs(\(a)))", "\(leaf(.int4))::float8", "\(leaf(.numeric))::float8", "floor(\(a))", "trunc(\(a))",
      ])
    default: return a
    }
  }

  private mutating func text(_ depth: Int) -> String {
    let a = expression(.text, depth)
    let small = random.below(5)
    switch random.below(12) {
    case 0, 1: return "(\(a) || \(expression(.text, depth)))"
    case 2: return "\(pick(["upper", "lower", "reverse", "initcap", "trim", "md5", "quote_literal"]))(\(a))"
    case 3: return "substr(\(a), \(small), 3)"
    case 4: return "\(pick(["left", "right"]))(\(a), \(small - 2))"
    case 5: return "\(pick(["lpad", "rpad"]))(\(a), \(small + 3), 'xy')"
    case 6: return "replace(\(a), 'e', '--')"
    case 7: return "concat(\(leaf(pick(Kind.allCases))), \(a))"
    case 8: return "split_part(\(a), ' ', \(small + 1))"
    case 9: return "\(a)::varchar(\(small + 1))"
    default: return "\(expression(pick(Kind.allCases), depth))::text"
    }
  }

  private mutating func other(_ kind: Kind, _ depth: Int) -> String {
    let a = expression(kind, depth)
    switch kind {
    case .date: return pick(["(\(a) + \(random.below(400)))", "(\(a) - 31)", "\(leaf(.timestamp))::date"])
    case .time:
      return pick(["(\(a) + \(leaf(.interval)))", "\(leaf(.timestamp))::time", "(\(a) - interval '90 minutes')"])
    case .timestamp:
      return pick([
        "(\(a) + \(leaf(.interval)))", "(\(a) - \(leaf(.interval)))", "\(leaf(.date))::timestamp",
        "date_trunc('\(pick(["year", "month", "day", "hour", "week", "quarter"]))', \(a))",
        "(\(leaf(.date)) + \(leaf(.time)))",
      ])
    case .interval:
      return pick([
        "(\(a) + \(leaf(.interval)))", "(-\(a))", "(\(a) * \(random.below(5)))",
        "(\(leaf(.timestamp)) - \(leaf(.timestamp)))",
        "justify_hours(\(a))", "(\(a) / 2)", "justify_days(\(a))",
      ])
    case .bytea: return pick(["(\(a) || \(leaf(.bytea)))", "substr(\(a), 1, 2)", "decode(md5(\(leaf(.text))), 'hex')"])
    default: return a
    }
  }

  // MARK: Queries

  mutating func queryStatement() -> String {
    switch random.below(5) {
    case 0: return grouped()
    case 1: return combined()
    case 2: return nested()
    default: return joined()
    }
  }

  private mutating func condition(_ tables: [String]) -> String {
    let a = "\(pick(tables)).k"
    let b = "\(pick(tables)).id"
    switch random.below(8) {
    case 0: return "\(a) IS NOT NULL"
    case 1: return "\(a) \(pick(["=", "<", ">", "<>"])) \(random.below(6))"
    case 2: return "(\(a) = \(b) OR \(b) > 3)"
    case 3: return "\(b) IN (SELECT k FROM jb)"
    case 4: return "\(b) NOT IN (1, 4, \(random.below(8)))"
    case 5: return "EXISTS (SELECT 1 FROM jc WHERE jc.k = \(a))"
    case 6: return "COALESCE(\(a), 0) < \(b)"
    default: return "true"
    }
  }

  private mutating func joined() -> String {
    var from = "ja a"
    var tables = ["a"]
    for alias in ["b", "c"].prefix(1 + random.below(2)) {
      let other = pick(tables)
      let on = pick([
        "\(other).k = \(alias).k", "\(other).id = \(alias).k", "\(other).k = \(alias).k AND \(alias).id > 1",
        "\(other).id < \(alias).id",
      ])
      // A full join wants a condition that can be merged or hashed.
      let kind =
        on.contains("<") || on.contains(">")
        ? pick(["JOIN", "LEFT JOIN"]) : pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
      from += " \(kind) \(pick(["ja", "jb"])) \(alias) ON \(on)"
      tables.append(alias)
    }
    let columns = tables.flatMap { ["\($0).id", "\($0).k"] }.joined(separator: ", ")
    let order = (1...tables.count * 2).map { "\($0)\(pick(["", " DESC", " NULLS FIRST"]))" }.joined(separator: ", ")
    let limit = random.below(4) == 0 ? " LIMIT \(random.below(6)) OFFSET \(random.below(3))" : ""
    let distinct = pick(["", "", "DISTINCT "])
    return
      "SELECT \(distinct)\(columns) FROM \(from) WHERE \(condition(tables)) AND \(condition(tables)) "
      + "ORDER BY \(order)\(limit)"
  }

  private mutating func grouped() -> String {
    let key = pick(["a.k", "b.k", "a.x", "a.k % 2", "b.y IS NULL"])
    let aggregates = [
      "count(*)", "count(b.k)", "sum(a.id)", "min(a.x)", "max(b.y)", "avg(b.id)", "count(DISTINCT a.x)",
      "bool_or(a.k = b.k)",
    ]
    let join = pick([
      "JOIN jb b ON a.k = b.k", "LEFT JOIN jb b ON a.k = b.k", "CROSS JOIN jb b", "FULL JOIN jb b ON a.k = b.k",
    ])
    let having = random.below(3) == 0 ? " HAVING count(*) > \(random.below(3))" : ""
    let filter = random.below(3) == 0 ? " FILTER (WHERE a.id > \(random.below(4)))" : ""
    return
      "SELECT \(key) AS g, \(pick(aggregates))\(filter), \(pick(aggregates)) FROM ja a \(join) "
      + "WHERE \(condition(["a", "b"])) "
      + "GROUP BY \(key)\(having) ORDER BY g"
  }

  private mutating func combined() -> String {
    let parts = [
      "SELECT k FROM ja", "SELECT k FROM jb", "SELECT id FROM ja WHERE k > 1", "SELECT k FROM jc", "SELECT z FROM jc",
      "VALUES (1), (NULL)",
    ]
    let operation = pick(["UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL"])
    let more = random.below(2) == 0 ? "" : " \(pick(["UNION ALL", "EXCEPT"])) \(pick(parts))"
    return "\(pick(parts)) \(operation) \(pick(parts))\(more) ORDER BY 1"
  }

  private mutating func nested() -> String {
    switch random.below(4) {
    case 0:
      return
        "SELECT id, (SELECT \(pick(["count(*)", "max(y)", "sum(id)"])) FROM jb "
        + "WHERE jb.k \(pick(["=", "<", ">="])) ja.k) FROM ja ORDER BY id"
    case 1:
      return
        "SELECT id FROM ja WHERE k \(pick(["IN", "NOT IN"])) (SELECT \(pick(["k", "id", "a_id"])) FROM jb "
        + "WHERE \(pick(["jb.id > ja.id", "true", "k IS NOT NULL"]))) ORDER BY id"
    case 2:
      return
        "WITH s AS \(pick(["", "MATERIALIZED "]))(SELECT k, count(*) AS n FROM ja GROUP BY k) "
        + "SELECT s.k, n, jb.id FROM s "
        + "\(pick(["JOIN", "LEFT JOIN", "FULL JOIN"])) jb ON s.k = jb.k ORDER BY 1, 2, 3"
    default:
      return "SELECT s.k, t.id FROM (SELECT \(pick(["", "DISTINCT "]))k FROM ja WHERE \(condition(["ja"]))) s "
        + "LEFT JOIN LATERAL (SELECT id FROM jb WHERE jb.k \(pick(["=", "<"])) s.k ORDER BY id LIMIT 2) t ON true "
        + "ORDER BY 1, 2"
    }
  }
}
