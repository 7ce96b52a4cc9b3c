import Foundation
import Millrace
import MillraceTestSupport
import Testing

/// The code of the tutorial (Sources/Millrace/Millrace.docc), compiled and run.
@Suite struct GettingStartedTests {
  private struct Account: Codable, Equatable {
    var id: Int
    var owner: String
    var balance: Int
  }

  @Test func `what the tutorial shows works`() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/data"
    var (sqlState, canRetry) = ("", true)

    var options = DatabaseOptions()
    options.settings = ["io_method": "worker", "shared_buffers": "64MB"]
    let database = try await Database.open(at: path, options)

    try await database.execute(
      "create table account (id int primary key, owner text not null, balance int8 not null check (balance >= 0))")
    try await database.execute("insert into account values ($1, $2, $3)", 1, "Ada", 100)
    try await database.execute("insert into account values ($1, $2, $3)", 2, "Grace", 50)

    var owners: [String] = []
    for try await row in try await database.query("select owner from account where balance >= $1 order by id", 50) {
      owners.append(try row["owner", as: String.self])
    }
    #expect(owners == ["Ada", "Grace"])

    let accounts = try await database.query("select * from account order by id").collect(as: Account.self)
    #expect(accounts == [Account(id: 1, owner: "Ada", balance: 100), Account(id: 2, owner: "Grace", balance: 50)])

    try await database.transaction { transaction in
      try await transaction.execute("update account set balance = balance - $1 where id = $2", 30, 1)
      try await transaction.execute("update account set balance = balance + $1 where id = $2", 30, 2)
    }
    #expect(try await database.query("select balance from account order by id").collect(as: Int.self) == [70, 80])

    do {
      try await database.execute("update account set balance = balance - 1000 where id = 1")
    } catch let error as DatabaseError {
      sqlState = error.sqlState  // 23514: a check constraint is violated
      canRetry = error.isRetryable
    }
    #expect(sqlState == "23514" && !canRetry)

    try await database.close()
  }

  @Test func `the first page's three lines work`() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/data"
    var total = 0
    let database = try await Database.open(at: path)
    for try await row in try await database.query("select 1 + $1", 1) {
      total += try row[0, as: Int.self]
    }
    #expect(total == 2)
    try await database.close()
  }

  @Test func `every line of code in the documentation is in these tests`() throws {
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let lines = Set(source.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) })
    let directory = PostgresInstallation.packageRoot.path + "/Sources/Millrace/Millrace.docc"
    for page in ["Millrace.md", "GettingStarted.md"] {
      var isCode = false
      for line in try String(contentsOfFile: "\(directory)/\(page)", encoding: .utf8).split(separator: "\n") {
        if line.hasPrefix("```") { isCode = line == "```swift" && !isCode }
        guard isCode, !line.hasPrefix("```") else { continue }
        let code = line.trimmingCharacters(in: .whitespaces).replacing("struct Account", with: "private struct Account")
        #expect(lines.contains(code), "\(page): \(code)")
      }
    }
  }
}
