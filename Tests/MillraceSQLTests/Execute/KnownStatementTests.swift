import Testing

@testable import MillraceSQL

/// Statements of the simple protocol that come again with other numbers.
@Suite(.serialized) struct KnownStatementTests {
  private struct Read: Equatable {
    var text: String
    var numbers: [Int32]
  }

  private func read(_ sql: String) -> Read? {
    var template = StatementTemplate()
    guard template.read(sql) else { return nil }
    return Read(text: String(decoding: template.text, as: UTF8.self), numbers: template.numbers)
  }

  @Test("whole numbers are taken out of a text, and nothing else")
  func template() {
    #expect(
      read("select a1 from t2 where id = 17;\n") == Read(text: "select a1 from t2 where id = $1", numbers: [17]))
    #expect(
      read("update t set v = v + -5, w = w-3 where id=-9")
        == Read(text: "update t set v = v + $1, w = w-$2 where id=$3", numbers: [-5, 3, -9]))
    #expect(
      read("insert into t values (1, '2', \"3\", 'it''s 4')")
        == Read(text: "insert into t values ($1, '2', \"3\", 'it''s 4')", numbers: [1]))
    #expect(read("BEGIN;") == Read(text: "BEGIN", numbers: []))
    let many = (1...11).map(String.init).joined(separator: ",")
    #expect(read("select " + many)?.text == "select " + (1...11).map { "$\($0)" }.joined(separator: ","))
    for sql in [
      "select 1.5", "select .5", "select 1e5", "select 1234567890", "select $1", "select 1; select 2", "select 1 -- 2",
      "select 1 /* 2 */", "select E'1'", "select x'1F'", "select U&'1'", "select 'a\\b'", "select 'open",
      "select 0x1F", "select 1_000", "select $$1$$", "select t$1", "select \u{0}",
      "select " + String(repeating: "1,", count: 40) + "1", String(repeating: " ", count: 2000),
    ] {
      #expect(read(sql) == nil, "\(sql)")
    }
  }

  @Test("what comes again gives what it would have given by itself")
  func again() throws {
    let rig = try SQLRig()
    func run(_ sql: String) -> [[String?]] {
      let answer = rig.execute(sql)
      #expect(answer.failure == nil, "\(sql)")
      return answer.rows
    }
    func failure(_ sql: String) -> [Character: String]? { rig.execute(sql).failure }
    _ = run("create table t (id int primary key, small smallint, big bigint, text varchar(10))")
    for id in 1...6 { #expect(rig.execute("insert into t values (\(id), \(id), \(id), 'x')").tag == "INSERT 0 1") }
    for id in 1...5 { #expect(run("select big, text from t where id = \(id)") == [["\(id)", "x"]]) }
    #expect(run("select big, text from t where id = 77") == [])
    for id in 1...4 { #expect(rig.execute("update t set big = big + -\(id) where id = \(id)").tag == "UPDATE 1") }
    #expect(run("select sum(big) from t") == [["11"]])
    #expect(run("select sum(big) from t") == [["11"]])
    // A value that is too large is one with every row, and without one.
    for id in [1, 2, 3, 99] { #expect(failure("update t set small = 7000\(id) where id = \(id)")?["C"] == "22003") }
    for _ in 1...3 { #expect(failure("insert into t values (1, 1, 1, 'x')")?["C"] == "23505") }
    for number in 1...4 { #expect(rig.execute("delete from t where id = \(number) returning id").rows.count == 1) }
    // The number says what is meant.
    let first: [[[String?]]] = [[["5", "-5"]], [["6", "-6"]]]
    for column in 1...2 { #expect(run("select id, -id from t order by \(column) limit 1") == first[column - 1]) }
    for count in 0...2 { #expect(run("select id from t limit \(count)").count == count) }
    for length in 1...3 { #expect(run("select 'abcd'::varchar(\(length))") == [[String("abcd".prefix(length))]]) }
    try rig.close()
  }

  @Test("a change of the table, of the search path or of a setting is noticed at once")
  func changes() throws {
    let rig = try SQLRig()
    func run(_ sql: String) -> [[String?]] {
      let answer = rig.execute(sql)
      #expect(answer.failure == nil, "\(sql)")
      return answer.rows
    }
    _ = run("create table t (id int primary key, v timestamp)")
    for id in 1...4 { _ = run("insert into t values (\(id), '2026-01-02')") }
    for id in 1...4 { #expect(run("select v from t where id = \(id)") == [["2026-01-02 00:00:00"]]) }
    _ = run("set datestyle = 'SQL, DMY'")
    for id in 1...3 { #expect(run("select v from t where id = \(id)") == [["02/01/2026 00:00:00"]]) }
    _ = run("alter table t add column w int default 7")
    for id in 1...3 { #expect(run("select * from t where id = \(id)").first?.count == 3) }
    _ = run("alter table t drop column v")
    for id in 1...3 { #expect(rig.execute("select v from t where id = \(id)").failure?["P"] == "8") }
    for id in 1...3 { #expect(run("select * from t where id = \(id)") == [["\(id)", "7"]]) }
    _ = run("create schema s")
    _ = run("create table s.t (id int primary key)")
    _ = run("set search_path = s")
    for id in 1...3 { #expect(run("select * from t where id = \(id)") == []) }
    _ = run("reset search_path")
    for id in 1...3 { #expect(run("select w from t where id = \(id)") == [["7"]]) }
    _ = run("drop table t")
    for id in 1...3 { #expect(rig.execute("select w from t where id = \(id)").failure?["C"] == "42P01") }
    try rig.close()
  }

  @Test("transactions begin, end and fail as they do otherwise; what is new in them is seen")
  func transactions() throws {
    let rig = try SQLRig()
    _ = rig.execute("create table t (id int primary key, v int)")
    for round in 1...4 {
      #expect(rig.execute("begin;").tag == "BEGIN")
      #expect(rig.execute("insert into t values (\(round), 0)").tag == "INSERT 0 1")
      for step in 1...3 { #expect(rig.execute("update t set v = v + \(step) where id = \(round)").tag == "UPDATE 1") }
      #expect(rig.execute("select v from t where id = \(round)").rows == [["6"]])
      if round == 2 {
        #expect(rig.execute("insert into t values (\(round), 0)").failure?["C"] == "23505")
        #expect(rig.execute("select v from t where id = \(round)").failure?["C"] == "25P02")
        #expect(rig.execute("end;").tag == "ROLLBACK")
      } else {
        #expect(rig.execute("end;").tag == "COMMIT")
      }
    }
    #expect(rig.execute("select id, v from t").rows == [["1", "6"], ["3", "6"], ["4", "6"]])
    for id in 1...3 {
      _ = rig.execute("set default_transaction_read_only = on")
      #expect(rig.execute("update t set v = v + 1 where id = \(id)").failure?["C"] == "25006")
      _ = rig.execute("set default_transaction_read_only = off")
      #expect(rig.execute("update t set v = v + 1 where id = \(id)").failure == nil)
    }
    try rig.close()
  }

  @Test("a table that has grown since is not read as a whole for ever")
  func growth() throws {
    let rig = try SQLRig()
    _ = rig.execute("create table t (id int primary key, v int)")
    for id in 1...3 { _ = rig.execute("insert into t values (\(id), \(id))") }
    for id in 1...3 { #expect(rig.execute("select v from t where id = \(id)").rows == [["\(id)"]]) }
    _ = rig.execute("insert into t select n, n from generate_series(4, 50000) n")
    for id in 100...260 { #expect(rig.execute("select v from t where id = \(id)").rows == [["\(id)"]]) }
    try rig.close()
  }
}
