import MillraceTestSupport
import Testing

@testable import MillraceSQL

@Suite("EXPLAIN")
struct ExplainTests {
  @Test(
    "numbers are rounded as C's printf rounds them",
    arguments: [
      (15.785, 2, "15.79"), (0.125, 2, "0.12"), (0.375, 2, "0.38"), (2.5, 0, "2"), (3.5, 0, "4"), (164.0, 2, "164.00"),
      (-1.005, 2, "-1.00"), (0.004, 2, "0.00"), (1e15, 2, "1000000000000000.00"), (0.0305, 3, "0.030"),
    ])
  func numbers(_ value: Double, _ digits: Int, _ text: String) {
    #expect(ExplainOutput.fixed(value, digits) == text)
  }

  @Test(
    "texts are written into JSON as they have to be",
    arguments: [
      ("plain", "\"plain\""), ("a\"b\\c", "\"a\\\"b\\\\c\""), ("x\ny\tz", "\"x\\ny\\tz\""), ("\u{1}", "\"\\u0001\""),
    ])
  func texts(_ text: String, _ json: String) {
    #expect(ExplainOutput.quoted(text) == json)
  }

  private func options(_ sql: String) throws -> ExplainOptions {
    guard case .explain(let statement) = try Parser().parse(sql)[0].statement else {
      throw PlanPair.Failed(what: "\(sql) is no EXPLAIN")
    }
    return try ExplainOptions(statement)
  }

  @Test("options mean what PostgreSQL's mean")
  func options() throws {
    let plain = try options("explain select 1")
    #expect(!plain.analyze && plain.costs && !plain.buffers && !plain.summary && plain.format == .text)
    let analyzed = try options("explain analyze select 1")
    #expect(analyzed.analyze && analyzed.buffers && analyzed.timing && analyzed.summary)
    #expect(analyzed.instrumentation == [.rows, .timing, .buffers])
    let quiet = try options("explain (analyze, buffers off, timing off, summary off, costs off) select 1")
    #expect(!quiet.buffers && !quiet.timing && !quiet.summary && !quiet.costs)
    #expect(try options("explain (format json) select 1").format == .json)
  }

  @Test(
    "options that do not fit are refused in PostgreSQL's words",
    arguments: [
      ("explain (io) select 1", "EXPLAIN option IO requires ANALYZE"),
      ("explain (wal) select 1", "EXPLAIN option WAL requires ANALYZE"),
      ("explain (timing) select 1", "EXPLAIN option TIMING requires ANALYZE"),
      ("explain (nonsense) select 1", "unrecognized EXPLAIN option \"nonsense\""),
      ("explain (format csv) select 1", "unrecognized value for EXPLAIN option \"format\": \"csv\""),
      ("explain (costs maybe) select 1", "costs requires a Boolean value"),
    ])
  func refusals(_ sql: String, _ message: String) throws {
    do {
      _ = try options(sql)
      Issue.record("\(sql) was accepted")
    } catch let error as SQLError {
      #expect(error.message == message)
    }
  }

  @Test("what was executed is shown with what was counted")
  func analyze() throws {
    let rig = try SQLRig()
    for sql in ["create table e (i int primary key, j int)", "insert into e values (1, 1), (2, 2), (3, 1)"] {
      #expect(rig.execute(sql).failure == nil)
    }
    let answer = rig.execute(
      "explain (analyze, costs off, timing off, summary off, buffers off) "
        + "select j, count(*) from e where i < 3 group by j")
    let lines = answer.rows.map { $0[0] ?? "" }
    #expect(lines.first?.hasSuffix("(actual rows=2.00 loops=1)") == true, "\(lines)")
    #expect(lines.contains { $0.contains("Group Key: j") }, "\(lines)")
    let json = rig.execute("explain (format json) select * from e where i = 1")
    #expect(json.rows.count == 1)
    #expect(json.rows[0][0]?.contains("\"Node Type\": \"") == true, "\(json.rows)")
    try rig.close()
  }

  /// The counts of the first line of buffers that names some kind of them.
  private func buffers(_ kind: String, _ sql: String, _ rig: SQLRig) -> [String: Int] {
    let answer = rig.execute("explain (analyze, buffers, costs off, timing off, summary off) " + sql)
    #expect(answer.failure == nil)
    for line in answer.rows.compactMap({ $0[0] }) {
      let words = line.drop { $0 == " " }
      guard words.hasPrefix("Buffers: ") else { continue }
      for group in words.dropFirst(9).split(separator: ", ") where group.hasPrefix(kind + " ") {
        let counts = group.split(separator: " ").dropFirst().map { $0.split(separator: "=") }
        return Dictionary(uniqueKeysWithValues: counts.map { (String($0[0]), Int($0[1]) ?? -1) })
      }
    }
    return [:]
  }

  @Test("buffers that were dirtied and written are counted, of shared, local and temporary files")
  func buffers() throws {
    let rig = try SQLRig()
    for sql in ["create table e (i int)", "create temp table l (i int)", "set work_mem = 64"] {
      #expect(rig.execute(sql).failure == nil)
    }
    let fill = "insert into e select generate_series(1, 2000)"
    let filled = buffers("shared", fill, rig)
    // 2,000 rows of 28 bytes and a line pointer each are nine pages, by which the table has grown.
    #expect(filled["dirtied", default: 0] >= 9 && filled["written", default: 0] >= 9, "\(filled)")
    let changed = buffers("shared", "update e set i = i + 1 where i = 7", rig)
    #expect(changed["hit", default: 0] > 0 && changed["written"] == nil, "\(changed)")
    let own = buffers("local", "insert into l select generate_series(1, 2000)", rig)
    #expect(own["dirtied", default: 0] >= 9 && own["written", default: 0] >= 9, "\(own)")
    #expect(buffers("shared", "select count(*) from l", rig)["dirtied"] == nil)
    #expect(buffers("local", "select count(*) from l", rig)["hit", default: 0] >= 9)
    let sorted = buffers("temp", "select i from generate_series(1, 20000) i order by i desc", rig)
    #expect(sorted["read", default: 0] > 0 && sorted["written", default: 0] > 0, "\(sorted)")
    try rig.close()
  }
}
