import Foundation
import Millrace
import Synchronization

/// The demonstration's own database: embedded in this process, and used as any program would.
struct DemoDatabase {
  /// The directory of the cluster.
  let path: String
  /// `-c` words of the command line.
  let settings: [String: String]

  static let table = "measured"

  /// A number in order, one at random, and a text that fills the row to 136 bytes on its page: 58 rows a page.
  static let rowsPerPage = 58

  struct Loaded {
    let rows: Int
    let seconds: Double
    /// The table's file, below the directory.
    let relation: String
  }

  struct Commits {
    let count: Int
    let seconds: Double
    let clients: Int
  }

  struct Crash {
    /// The last number whose commit the killed process had been told of.
    let acknowledged: Int
    /// The highest number that is there after recovery, and how many there are.
    let recovered: Int
    let rows: Int
    let seconds: Double
  }

  /// Makes the table and fills it, then writes a checkpoint.
  func load(pages: Int, _ progress: ProgressBar) async throws -> Loaded {
    let rows = pages * Self.rowsPerPage
    let start = ContinuousClock.now
    let relation = try await withDatabase { database in
      try await database.execute("create table \(Self.table) (id int8 primary key, k int4, payload text)")
      let piece = 50_000
      for first in stride(from: 0, to: rows, by: piece) {
        try Interruption.check()
        let last = min(first + piece, rows) - 1
        try await database.execute(
          """
          insert into \(Self.table)
          select id, id * 2654435761 % \(rows), lpad(id::text, 96, '0') from generate_series(\(first), \(last)) as id
          """)
        progress.add((last - first + 1) * 8192 / Self.rowsPerPage)
      }
      let name = try await database.query("select pg_relation_filepath('\(Self.table)')").first()
      try await database.checkpoint()
      return try name?[0, as: String.self] ?? ""
    }
    return Loaded(rows: rows, seconds: (ContinuousClock.now - start) / .seconds(1), relation: relation)
  }

  /// Commits one row a transaction from several tasks at once.
  func commit(clients: Int, forSeconds duration: Double) async throws -> Commits {
    try await withDatabase { database in
      try await database.execute("create table if not exists committed (n int8 primary key)")
      let start = ContinuousClock.now
      let counts = try await withThrowingTaskGroup(of: Int.self) { group in
        for client in 0..<clients {
          group.addTask {
            var count = 0
            while (ContinuousClock.now - start) / .seconds(1) < duration, !Interruption.isRequested {
              try await database.execute("insert into committed values ($1)", count * clients + client)
              count += 1
            }
            return count
          }
        }
        return try await group.reduce(0, +)
      }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      try Interruption.check()
      return Commits(count: counts, seconds: seconds, clients: clients)
    }
  }

  /// Inserts numbers, each in a transaction, and says on standard output when it is committed; until it is killed.
  func writeUntilKilled() async throws {
    try await withDatabase { database in
      try await database.execute("create table if not exists survived (n int8 primary key)")
      for number in 1... {
        try await database.execute("insert into survived values ($1)", number)
        Output.line("\(number)")
      }
    }
  }

  /// Starts a process that commits and kills it after some time; then opens what it leaves, which recovers it, and
  /// looks whether all is there that it had been told was committed.
  func crash(afterSeconds duration: Double) async throws -> Crash {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["demo", "--write-until-killed", path] + settings.flatMap { ["-c", "\($0.key)=\($0.value)"] }
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let killer = Task {
      try await Task.sleep(for: .seconds(duration))
      kill(process.processIdentifier, SIGKILL)
    }
    // Numbers, a line each; the last line may be a part of one.
    let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    killer.cancel()
    let acknowledged = said.split(separator: "\n", omittingEmptySubsequences: false).dropLast().last.flatMap { Int($0) }
    guard let acknowledged else {
      throw CommandError("the process that was to be killed while it committed had committed nothing")
    }
    let start = ContinuousClock.now
    return try await withDatabase { database in
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let row = try await database.query("select count(*), coalesce(max(n), 0) from survived").first()
      guard let row else { throw CommandError("an aggregate gave no row") }
      let (rows, last) = try row.decode(Int.self, Int.self)
      return Crash(acknowledged: acknowledged, recovered: last, rows: rows, seconds: seconds)
    }
  }

  private func withDatabase<Result: Sendable>(
    _ body: @Sendable (Database) async throws -> Result
  ) async throws -> Result {
    var options = Millrace.DatabaseOptions()
    options.settings = settings
    options.connectionsMax = 32
    let database = try await Database.open(at: path, options)
    let result: Result
    do {
      result = try await body(database)
    } catch {
      try? await database.close()
      throw error
    }
    try await database.close()
    return result
  }

  /// Waits for asynchronous work on the main thread, which has nothing else to do.
  static func wait<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) throws -> Result {
    let result = Mutex<Swift.Result<Result, any Error>?>(nil)
    let done = DispatchSemaphore(value: 0)
    Task.detached {
      let outcome: Swift.Result<Result, any Error>
      do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
      result.withLock { $0 = outcome }
      done.signal()
    }
    done.wait()
    guard let outcome = result.withLock({ $0 }) else { throw CommandError("an asynchronous task gave no result") }
    return try outcome.get()
  }
}
