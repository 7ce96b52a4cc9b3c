import Foundation
import Millrace
import MillraceTestSupport
import Testing

@Suite struct DatabaseTests {
  private func withDatabase<Result: Sendable>(
    _ options: DatabaseOptions = DatabaseOptions(), _ body: @Sendable (Database) async throws -> Result
  ) async throws -> Result {
    let database = try await Database.temporary(options)
    do {
      let result = try await body(database)
      try await database.close()
      return result
    } catch {
      try? await database.close()
      throw error
    }
  }

  @Test func `values go in and come out, each as the type of Swift that it is`() async throws {
    try await withDatabase { database in
      try await database.execute(
        """
        create table v (a int2, b int4, c int8, d float4, e float8, f bool, g text, h bytea, i uuid, j timestamptz,
          k numeric)
        """)
      let (id, time) = (UUID(), Date(timeIntervalSince1970: 1_234_567_890.125))
      let count = try await database.execute(
        "insert into v values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", Int16(-1), Int32.max, Int64.min,
        Float(1.5), 2.25, true, "naïve", [UInt8]([0, 255]), id, time, "12.5")
      #expect(count == 1)
      let row = try #require(try await database.query("select * from v").first())
      #expect(try row["a", as: Int16.self] == -1)
      #expect(try row["b", as: Int32.self] == .max && row["b", as: Int.self] == Int(Int32.max))
      #expect(try row["c", as: Int64.self] == .min)
      #expect(try row["d", as: Float.self] == 1.5 && row["e", as: Double.self] == 2.25)
      #expect(try row["f", as: Bool.self] && row["g", as: String.self] == "naïve")
      #expect(try row["h", as: [UInt8].self] == [0, 255] && row["i", as: UUID.self] == id)
      #expect(try row["j", as: Date.self] == time && row["k", as: Double.self] == 12.5)
      #expect(try row["k", as: String.self] == "12.5")
    }
  }

  @Test func `NULL is nil, and an error where nil cannot be`() async throws {
    try await withDatabase { database in
      let missing: Int? = nil
      let row = try #require(try await database.query("select $1::int as a, 5 as b", missing).first())
      #expect(try row["a", as: Int?.self] == nil && row["b", as: Int?.self] == 5)
      #expect(row.isNull(0) && row.text(0) == nil && row.text(1) == "5")
      #expect(throws: RowError.self) { try row["a", as: Int.self] }
      #expect(throws: RowError.self) { try row["c", as: Int.self] }
      #expect(throws: RowError.self) { try row["b", as: Bool.self] }
      #expect(throws: RowError.self) { try row[2, as: Int.self] }
    }
  }

  private struct Person: Codable, Equatable {
    enum Kind: String, Codable { case engineer, reviewer }
    var id: Int
    var name: String
    var kind: Kind
    var mentor: Int?
  }

  @Test func `rows are values of Codable types, tuples, and single values`() async throws {
    try await withDatabase { database in
      try await database.execute("create table person (id int primary key, name text, kind text, mentor int)")
      let people = [
        Person(id: 1, name: "Ada", kind: .engineer, mentor: nil),
        Person(id: 2, name: "Grace", kind: .reviewer, mentor: 1),
      ]
      for person in people {
        try await database.execute(
          "insert into person values ($1, $2, $3, $4)", person.id, person.name, person.kind.rawValue, person.mentor)
      }
      let query = "select id, name, kind, mentor from person order by id"
      #expect(try await database.query(query).collect(as: Person.self) == people)
      let second = try #require(try await database.query("select id, name from person where id = $1", 2).first())
      let (id, name) = try second.decode(Int.self, String.self)
      #expect(id == 2 && name == "Grace")
      #expect(try await database.query("select id from person order by id desc").collect(as: Int.self) == [2, 1])
    }
  }

  @Test func `a transaction is committed when its closure returns, and rolled back when it throws`() async throws {
    struct Stop: Error {}
    try await withDatabase { database in
      try await database.execute("create table t (a int)")
      try await database.transaction { transaction in
        try await transaction.execute("insert into t values (1)")
        // What a savepoint's closure has done is undone when it throws.
        await #expect(throws: Stop.self) {
          try await transaction.savepoint { inner in
            try await inner.execute("insert into t values (2)")
            throw Stop()
          }
        }
        _ = try await transaction.savepoint { try await $0.execute("insert into t values (3)") }
      }
      await #expect(throws: Stop.self) {
        try await database.transaction { transaction in
          try await transaction.execute("insert into t values (4)")
          throw Stop()
        }
      }
      #expect(try await database.query("select a from t order by a").collect(as: Int.self) == [1, 3])
    }
  }

  @Test func `errors have PostgreSQL's code and place, and the connection goes on`() async throws {
    try await withDatabase { database in
      try await database.execute("create table t (a int primary key)")
      try await database.execute("insert into t values (1)")
      let duplicate = await #expect(throws: DatabaseError.self) {
        try await database.execute("insert into t values ($1)", 1)
      }
      #expect(duplicate?.sqlState == "23505" && duplicate?.constraint == "t_pkey")
      let unknown = await #expect(throws: DatabaseError.self) {
        _ = try await database.query("select b from t")
      }
      #expect(unknown?.sqlState == "42703" && unknown?.position == 8)
      let wrong = await #expect(throws: DatabaseError.self) { try await database.execute("selct") }
      #expect(wrong?.sqlState == "42601")
      #expect(try await database.query("select a from t").collect(as: Int.self) == [1])
    }
  }

  @Test func `a result larger than memory's share comes piece by piece, and can be left`() async throws {
    var options = DatabaseOptions()
    options.connectionsMax = 1
    try await withDatabase(options) { database in
      var (count, sum) = (0, 0)
      for try await row in try await database.query("select n from generate_series(1, 20000) as n") {
        count += 1
        sum += try row[0, as: Int.self]
      }
      #expect(count == 20000 && sum == 20000 * 20001 / 2)
      // The only connection comes back although nobody read to the end.
      for try await row in try await database.query("select n from generate_series(1, 20000) as n") {
        if try row[0, as: Int.self] == 3 { break }
      }
      #expect(try await database.query("select 1").collect(as: Int.self) == [1])
    }
  }

  @Test func `many tasks use a few connections at once, and wait for each other's rows`() async throws {
    var options = DatabaseOptions()
    options.connectionsMax = 3
    try await withDatabase(options) { database in
      try await database.execute("create table counter (id int primary key, n int)")
      try await database.execute("insert into counter values (1, 0)")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<12 {
          group.addTask {
            for _ in 0..<5 { try await database.execute("update counter set n = n + 1 where id = $1", 1) }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await database.query("select n from counter").collect(as: Int.self) == [60])
    }
  }

  @Test func `a cancelled task's statement ends, and its connection is sound`() async throws {
    var options = DatabaseOptions()
    options.connectionsMax = 1
    try await withDatabase(options) { database in
      let task = Task { try await database.execute("select pg_sleep(600)") }
      // Wherever it has come to by then.
      await Task.yield()
      task.cancel()
      let outcome = await task.result
      #expect(throws: (any Error).self) { try outcome.get() }
      let after = try await database.query("select 2").collect(as: Int.self)
      #expect(after == [2])
    }
  }

  @Test func `a task that was cancelled before its statement begins does not run it`() async throws {
    try await withDatabase { database in
      let task = Task {
        try await database.transaction { transaction in
          withUnsafeCurrentTask { $0?.cancel() }
          try await transaction.execute("select pg_sleep(600)")
        }
      }
      let outcome = await task.result
      #expect(throws: (any Error).self) { try outcome.get() }
    }
  }

  @Test func `what was committed is there when it is opened again, and one process at a time has it`() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/data"
    let first = try await Database.open(at: path)
    try await first.execute("create table t (a int); insert into t values (1), (2)")
    await #expect(throws: DatabaseError.self) { _ = try await Database.open(at: path) }
    try await first.close()
    await #expect(throws: DatabaseError.self) { try await first.execute("select 1") }
    let second = try await Database.open(at: path)
    #expect(try await second.query("select a from t order by a").collect(as: Int.self) == [1, 2])
    try await second.close()
    var options = DatabaseOptions()
    options.createsIfMissing = false
    await #expect(throws: DatabaseError.self) { _ = try await Database.open(at: directory.path + "/none", options) }
    options.settings = ["no_such_setting": "1"]
    await #expect(throws: DatabaseError.self) { _ = try await Database.open(at: path, options) }
  }

  @Test func `a temporary database leaves nothing`() async throws {
    let database = try await Database.temporary()
    let path = database.path
    #expect(FileManager.default.fileExists(atPath: path))
    try await database.close()
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
