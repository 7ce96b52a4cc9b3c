import Foundation
import MillraceTestSupport
import Testing

/// A cluster whose servers are killed while pgbench runs TPC-B on it, each client numbering its transactions.
final class ServerKillRig {
  static let clients = 4
  static let accounts = 2000

  /// Commits that clients were told of.
  private(set) var acknowledged = 0
  private let directory: TemporaryDirectory
  private let words: [String]
  private let programs: String
  /// How many commits each client of a round was told of.
  private var told: [Int: [Int: Int]] = [:]

  private static let schema = """
    create table pgbench_branches (bid int primary key, bbalance int, filler char(88)) with (fillfactor = 50);
    create table pgbench_tellers (tid int primary key, bid int, tbalance int, filler char(84)) with (fillfactor = 50);
    create table pgbench_accounts (aid int primary key, bid int, abalance int, filler char(84));
    create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
    create table told (round int, client int, n int, primary key (round, client, n));
    insert into pgbench_branches select n, 0 from generate_series(1, 4) n;
    insert into pgbench_tellers select n, 1, 0 from generate_series(1, 40) n;
    insert into pgbench_accounts select n, 1, 0 from generate_series(1, \(accounts)) n;
    """

  /// TPC-B, with a number for each transaction of a client, and something that is taken back.
  private static let script = """
    \\set n :n + 1
    \\set aid random(1, \(accounts))
    \\set bid random(1, 4)
    \\set tid random(1, 40)
    \\set delta random(-5000, 5000)
    begin;
    update pgbench_accounts set abalance = abalance + :delta where aid = :aid;
    select abalance from pgbench_accounts where aid = :aid;
    update pgbench_tellers set tbalance = tbalance + :delta where tid = :tid;
    savepoint taken_back;
    update pgbench_tellers set tbalance = tbalance + 1 where tid = :tid;
    rollback to taken_back;
    update pgbench_branches set bbalance = bbalance + :delta where bid = :bid;
    insert into pgbench_history (tid, bid, aid, delta, mtime)
      values (:tid, :bid, :aid, :delta, current_timestamp);
    insert into told values (:round, :client_id, :n);
    end;
    """

  /// What goes on beside; each statement gives one line.
  private static let maintenance = """
    checkpoint;
    drop index if exists extra;
    drop table if exists scratch;
    vacuum pgbench_accounts;
    select 'a spacer' from pgbench_history where delta > 5000 union all select 'a line';
    create index extra on pgbench_accounts (abalance, aid);
    create table scratch (n int primary key, long text);
    insert into scratch select n, repeat(md5(n::text), 300) from generate_series(1, 30) n;
    vacuum (freeze) pgbench_tellers;
    analyze pgbench_accounts;
    update scratch set long = long || 'x' where n % 3 = 0;
    vacuum pgbench_history;

    """

  /// Makes the cluster and fills it.
  /// - Parameter settings: of its servers, as `name=value`.
  init(_ settings: [String]) throws {
    directory = try TemporaryDirectory()
    words = settings.flatMap { ["-c", $0] }
    programs = try PostgresInstallation.required(18).binaries
    let made = try Millrace.run(["init", "-D", directory.path + "/data", "--wal-segsize", "1MB"])
    try #require(made.status == 0, "\(made.errors)")
    try directory.write(Self.script.utf8, to: "script")
    try directory.write(String(repeating: Self.maintenance, count: 200).utf8, to: "maintenance")
    let server = try started()
    _ = try psql(Self.schema)
    try #require(try server.end(SIGINT) == 0)
  }

  private func started() throws -> RunningServer {
    let server = try RunningServer(directory, words)
    server.read(until: RunningServer.ready)
    try #require(server.log.hasSuffix(RunningServer.ready), "\(server.log)")
    return server
  }

  private var target: [String] { ["-h", directory.path, "-U", "postgres"] }

  private func psql(_ sql: String...) throws -> [[String]] {
    let outcome = try ChildProcess.run(
      ["\(programs)/psql", "-XAtq", "-v", "ON_ERROR_STOP=1"] + target + sql.flatMap { ["-c", $0] })
    try #require(outcome.status == 0, "\(outcome.errors)")
    return outcome.output.split(separator: "\n").map { $0.split(separator: "|").map(String.init) }
  }

  /// Kills a server that recovers what the one before it left.
  func killWhileStarting(after lines: Int) throws {
    let server = try RunningServer(directory, words)
    for _ in 0...lines { server.read(until: "\n") }
    _ = try server.end(SIGKILL)
  }

  /// Starts a server, checks what it has recovered, and kills it under load.
  /// - Parameter lines: how far the statements beside the load have come then.
  func run(_ round: Int, killedAfter lines: Int) throws {
    let server = try started()
    try check()
    let prefix = "\(directory.path)/log.\(round)"
    let mode = ["simple", "extended", "prepared"][round % 3]
    // Each client has its thread: who prepares a statement waits for locks, and would keep others from ending theirs.
    let bench = try ChildProcess(
      ["\(programs)/pgbench", "-n", "-M", mode, "-c", "\(Self.clients)", "-j", "\(Self.clients)", "-T", "60"]
        + ["-l", "--log-prefix", prefix] + target + [
          "-D", "n=0", "-D", "round=\(round)", "-f", directory.path + "/script", "postgres",
        ])
    let pipe = try Pipe()
    let beside = try ChildProcess(
      ["\(programs)/psql", "-XAt"] + target + ["-f", directory.path + "/maintenance"],
      output: .descriptor(pipe.writing))
    close(pipe.writing)
    for _ in 0..<lines { _ = Pipe.read(pipe.reading, until: "\n") }
    let status = try server.end(SIGKILL)
    close(pipe.reading)
    _ = try beside.wait()
    let outcome = try bench.wait()
    #expect(status == 128 + SIGKILL, "it ended by itself: \(server.log)")
    #expect(!outcome.errors.contains("ERROR:"), "\(outcome.errors)")
    try noteLogs("log.\(round).", of: round)
  }

  /// A line of pgbench's log begins with the number of a client that has been told of a commit.
  private func noteLogs(_ prefix: String, of round: Int) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasPrefix(prefix) }
    var log = ""
    for name in names { log += try String(contentsOfFile: "\(directory.path)/\(name)", encoding: .utf8) }
    var counts = Dictionary(uniqueKeysWithValues: (0..<Self.clients).map { ($0, 0) })
    for line in log.split(separator: "\n") {
      let client = try #require(line.split(separator: " ").first.flatMap { Int($0) })
      counts[client, default: 0] += 1
    }
    acknowledged += counts.values.reduce(0, +)
    told[round] = counts
  }

  /// What TPC-B keeps equal is equal, by the tables and by their indexes, and what a client was told is there.
  private func check() throws {
    let sums = try psql(
      """
      select sum(abalance), (select sum(tbalance) from pgbench_tellers), (select sum(bbalance) from pgbench_branches),
        (select coalesce(sum(delta), 0) from pgbench_history) from pgbench_accounts
      """)[0]
    #expect(sums.allSatisfy { $0 == sums[0] }, "\(sums)")
    let byIndex = try psql(
      "set enable_seqscan = off; set enable_bitmapscan = off",
      "select count(*), sum(abalance) from pgbench_accounts where aid > 0")[0]
    #expect(byIndex == ["\(Self.accounts)", sums[0]])
    let counts = try psql("select (select count(*) from pgbench_history), count(*) from told")[0]
    #expect(counts[0] == counts[1])
    var found: [Int: [Int: Int]] = [:]
    for row in try psql("select round, client, count(*), min(n), max(n) from told group by round, client") {
      let numbers = row.compactMap { Int($0) }
      try #require(numbers.count == 5)
      #expect(numbers[3] == 1 && numbers[4] == numbers[2], "numbers are missing: \(row)")
      found[numbers[0], default: [:]][numbers[1]] = numbers[2]
    }
    for (round, counts) in told {
      for (client, count) in counts {
        // One more may have been committed without its client's being told.
        let there = found[round]?[client] ?? 0
        #expect((count...count + 1).contains(there), "client \(client) of round \(round): \(there) of \(count)")
        told[round]?[client] = there
      }
    }
  }

  /// The last server's leavings are recovered and checked, by ourselves and by PostgreSQL's programs.
  func finish() throws {
    let checked = try Millrace.run(["check", "-D", directory.path + "/data"] + words)
    #expect(checked.status == 0 && checked.output.hasSuffix(": all agrees\n"), "\(checked)")
    let server = try started()
    try check()
    #expect(try server.end(SIGTERM) == 0)
    #expect(server.log.hasSuffix("LOG:  database system is shut down\n"), "\(server.log)")
    #expect(try PostgresVerdict(directory.path + "/data").objections.isEmpty)
  }
}
