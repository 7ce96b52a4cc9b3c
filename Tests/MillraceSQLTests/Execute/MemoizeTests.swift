import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// Caches of what nested loops look up.
@Suite(.serialized) struct MemoizeTests {
  private func tables(_ rig: SQLRig) {
    let numbers = { (count: Int) in
      "with recursive r(i) as (select 1 union all select i + 1 from r where i < \(count)) select"
    }
    for sql in [
      "create table inside (id int primary key, kind int, body text)",
      "insert into inside \(numbers(2000)) i, i % 100, case when i % 7 > 0 then repeat('x', i % 50) end from r",
      "create index on inside (kind)",
      "create table outside (id int, kind int, name text)",
      "insert into outside \(numbers(3000)) i, case when i % 11 > 0 then i % 120 end, 'n' || (i % 5)::text from r",
      "analyze inside", "analyze outside", "set enable_hashjoin = off", "set enable_mergejoin = off",
    ] {
      #expect(rig.execute(sql).failure == nil, "\(sql)")
    }
  }

  private func plan(_ sql: String, _ rig: SQLRig, _ options: String = "costs off") -> [String] {
    rig.execute("explain (\(options)) \(sql)").rows.compactMap { $0[0] }
  }

  /// An answer with and without a cache.
  private func compare(_ sql: String, _ rig: SQLRig) {
    #expect(plan(sql, rig).contains { $0.contains("Memoize") }, "\(sql)")
    let cached = rig.execute(sql)
    _ = rig.execute("set enable_memoize = off")
    #expect(!plan(sql, rig).contains { $0.contains("Memoize") }, "\(sql)")
    let plain = rig.execute(sql)
    _ = rig.execute("set enable_memoize = on")
    #expect(cached.failure == nil && plain.failure == nil && !plain.rows.isEmpty, "\(sql)")
    let sort = { (rows: [[String?]]) in rows.map { $0.map { $0 ?? "null" }.joined(separator: "|") }.sorted() }
    #expect(sort(cached.rows) == sort(plain.rows), "\(sql)")
  }

  private static let join = "select o.id, i.id, i.body from outside o join inside i on i.kind = o.kind"

  @Test("rows are the same with it, whatever the kind of join and however little memory there is")
  func answers() throws {
    let rig = try SQLRig()
    tables(rig)
    for memory in ["64kB", "4MB"] {
      _ = rig.execute("set work_mem = '\(memory)'")
      compare(Self.join, rig)
      compare("select o.id, i.id, i.body from outside o left join inside i on i.id = o.kind", rig)
      compare("select o.id, i.body from outside o left join inside i on i.id = o.kind and i.kind < 50", rig)
    }
    // Of another column of the query around it, too; then what was remembered counts no more.
    compare(
      """
      select k, (select count(i.body) from outside o join inside i on i.kind = o.kind and i.id > k * 400
        where o.id < 400) from generate_series(1, 3) k
      """, rig)
    try rig.close()
  }

  @Test("EXPLAIN counts what was remembered and what was not")
  func counters() throws {
    let rig = try SQLRig()
    tables(rig)
    let lines = plan(Self.join, rig, "analyze, costs off, timing off, summary off, buffers off")
    #expect(
      lines.contains { $0.hasSuffix("Cache Key: o.kind") } && lines.contains { $0.hasSuffix("Cache Mode: logical") })
    // 120 different numbers, and null.
    #expect(
      lines.contains { $0.contains("Hits: 2879  Misses: 121  Evictions: 0  Overflows: 0  Memory Usage: ") }, "\(lines)")
    _ = rig.execute("set work_mem = '64kB'")
    _ = rig.execute("set hash_mem_multiplier = 1")
    let less = plan(Self.join, rig, "analyze, costs off, timing off, summary off, buffers off")
    #expect(!less.contains { $0.contains("Evictions: 0 ") })
    // More for one number than there is memory for.
    for sql in [
      "insert into inside with recursive r(i) as (select 1 union all select i + 1 from r where i < 300) "
        + "select 2000 + i, 7, repeat('y', 1000) from r",
      "analyze inside", "set work_mem = '256kB'",
    ] {
      #expect(rig.execute(sql).failure == nil)
    }
    let over = plan(Self.join, rig, "analyze, costs off, timing off, summary off, buffers off")
    #expect(over.contains { $0.contains("Overflows: ") && !$0.contains("Overflows: 0 ") }, "\(over)")
    compare(Self.join, rig)
    try rig.close()
  }
}
