import ArgumentParser
import Foundation
import MillraceSettings
import MillraceStorage

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Shows on a database of its own what all this is about.",
    discussion: """
      Starts a database inside of this program, fills a table, reads it cold by every I/O method, buffered and direct, \
      checks every page, writes a checkpoint, commits from several tasks at once, kills a process in the middle of \
      that and recovers what it leaves. At the end it says what to type into psql.

      With a data directory of PostgreSQL, which is only read, it reads and checks the largest table of that.

        millrace demo
        millrace demo --size 2GiB --directory /mnt/data
        millrace demo --pgdata /var/lib/postgresql/18/main
      """)

  @Option(help: ArgumentHelp("A data directory to use instead of a database of its own.", valueName: "directory"))
  var pgdata: String?

  @Option(help: ArgumentHelp("Size of the table.", valueName: "size"))
  var size = "512MiB"

  @Option(
    help: ArgumentHelp(
      "Where the database is made; the first place for temporary files that has direct I/O, unless given.",
      valueName: "directory"))
  var directory: String?

  @Option(help: ArgumentHelp("Where the page with the charts goes.", valueName: "file.html"))
  var report = "millrace-demo.html"

  @Flag(inversion: .prefixedNo, help: "Keep the database, to look at it with psql.")
  var keep = true

  @Option(help: .hidden)
  var writeUntilKilled: String?

  @Flag(inversion: .prefixedNo, help: "Show progress bars; by default on a terminal only.")
  var progress: Bool?

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var options: SettingOptions

  func run() throws {
    let settings = try options.settingValues()
    if let writeUntilKilled {
      let database = DemoDatabase(path: writeUntilKilled, settings: settings)
      return try DemoDatabase.wait { try await database.writeUntilKilled() }
    }
    let byteCount = try checkedSize()
    try OutputFile.check(report)
    if let pgdata {
      guard directory == nil else {
        throw CommandError("--directory is about a database of the demonstration's own, and --pgdata means none")
      }
      let cluster = try DataDirectory(path: pgdata)
      let shown = try show(pgdata, relation: try Self.largestRelation(of: cluster))
      return try finish(shown, nil)
    }
    // More than the table, for its index and the log.
    let demoDirectory = try DemoDirectory(below: directory, byteCount: byteCount * 3)
    // Its end is the end of the database, so it must not come before that of the commands.
    try withExtendedLifetime(demoDirectory) {
      let database = DemoDatabase(path: demoDirectory.path, settings: settings)
      let loaded = try load(database, byteCount: byteCount)
      let shown = try show(database.path, relation: loaded.relation)
      let survived = try change(database, loaded)
      try finish(shown, survived)
      demoDirectory.isKept = keep
      if keep { sayWhatIsNext(database.path) }
    }
  }

  // MARK: The database of its own

  private func load(_ database: DemoDatabase, byteCount: Int) throws -> DemoDatabase.Loaded {
    say("filling table \(DemoDatabase.table) of an embedded database in \(database.path)")
    let bar = ProgressBar("demo", bytesTotal: byteCount, style: .choose(flag: progress))
    defer { bar.finish() }
    let loaded = try DemoDatabase.wait {
      try await database.load(pages: byteCount / PageLayout.blockSize, bar)
    }
    bar.finish()
    say(
      "\(Format.count(loaded.rows)) rows in \(Format.fixed(loaded.seconds, 1)) s, with an index, logged, and a"
        + " checkpoint written")
    return loaded
  }

  private struct Changes: Encodable {
    let rows: Int
    let loadSeconds: Double
    let clients: Int
    let commitsPerSecond: Double
    let acknowledged: Int
    let recovered: Int
    let recoverySeconds: Double
  }

  private func change(_ database: DemoDatabase, _ loaded: DemoDatabase.Loaded) throws -> Changes {
    let clients = 16
    say("\ncommitting one row a transaction, from \(clients) tasks at once")
    let commits = try DemoDatabase.wait { try await database.commit(clients: clients, forSeconds: 2) }
    let perSecond = Double(commits.count) / commits.seconds
    say("  \(Format.count(Int(perSecond))) durable commits a second")
    say("killing a process that commits (kill -9), and recovering what it leaves")
    let crash = try DemoDatabase.wait { try await database.crash(afterSeconds: 1.5) }
    say(
      "  it had been told of \(Format.count(crash.acknowledged)) commits;"
        + " \(Format.count(crash.recovered)) are there, \(Format.fixed(crash.seconds, 2)) s later")
    guard crash.recovered >= crash.acknowledged, crash.rows == crash.recovered else {
      throw CommandError(
        "of \(crash.acknowledged) acknowledged commits \(crash.rows) are there after recovery, up to"
          + " \(crash.recovered): this is a bug, please report it with the directory \(database.path)")
    }
    return Changes(
      rows: loaded.rows, loadSeconds: loaded.seconds, clients: clients, commitsPerSecond: perSecond,
      acknowledged: crash.acknowledged, recovered: crash.recovered, recoverySeconds: crash.seconds)
  }

  private func sayWhatIsNext(_ path: String) {
    say(
      """

      the same database with psql: in one terminal

        \(CommandLine.arguments.first ?? "millrace") serve -D \(path) -p 5433

      and in another

        psql -h localhost -p 5433 -U postgres
        postgres=# explain (analyze, buffers, io) select count(*), sum(k) from \(DemoDatabase.table);
        postgres=# select * from pg_stat_aios;
        postgres=# select * from pg_stat_aio_backends;

      rm -r \(path) when you are done
      """)
  }

  private func checkedSize() throws -> Int {
    let byteCount = try ByteCount(parsing: size).bytes
    guard (1 << 20...64 << 30).contains(byteCount) else {
      throw CommandError("--size \(size) is outside the valid range (1MiB .. 64GiB)")
    }
    return byteCount / PageLayout.blockSize * PageLayout.blockSize
  }

  private static func largestRelation(of cluster: DataDirectory) throws -> String {
    let forks = try cluster.relations().forks.filter { $0.fork == .main && $0.backend == nil }
    guard let largest = forks.max(by: { $0.blockCount < $1.blockCount }), largest.blockCount > 0 else {
      throw CommandError("\"\(cluster.path)\" has no relation with pages to show anything on")
    }
    return largest.path
  }

  private struct Document: Encodable {
    let doctor: Diagnosis
    let scan: ScanReport.Document
    let verify: Verification.Document
    let changes: Changes?
    let report: String
  }

  /// What the commands have found.
  private struct Shown {
    let diagnosis: Diagnosis
    let scan: ScanReport
    let verification: Verification
  }

  /// Runs the commands one after the other, as if they had been typed.
  private func show(_ cluster: String, relation: String) throws -> Shown {
    let settings = options.assignments.flatMap { ["-c", $0] } + progressFlag
    let doctorCommand = try DoctorCommand.parse([cluster])
    announce(["doctor", cluster])
    let diagnosis = try Diagnosis(of: cluster)
    if !json { doctorCommand.show(diagnosis) }

    let scanArguments = ["-D", cluster, "--relation", relation, "--rounds", "1", "--report", report]
    announce(["bench", "scan"] + scanArguments)
    let scanCommand = try BenchScanCommand.parse(scanArguments + settings)
    let scan = try scanCommand.measure()
    if !json { scanCommand.show(scan) }

    // A data directory that is in use is checked beside its server.
    let isRunning = if case .running = try DataDirectory(path: cluster).serverStatus() { true } else { false }
    let verifyArguments = ["-D", cluster] + (isRunning ? ["--online"] : [])
    announce(["verify"] + verifyArguments)
    let verifyCommand = try VerifyCommand.parse(verifyArguments + settings)
    let verification = try verifyCommand.verify()
    if !json { verifyCommand.show(verification) }
    return Shown(diagnosis: diagnosis, scan: scan, verification: verification)
  }

  private func finish(_ shown: Shown, _ changes: Changes?) throws {
    if json {
      Output.json(
        Document(
          doctor: shown.diagnosis, scan: shown.scan.document, verify: shown.verification.document, changes: changes,
          report: report))
    } else {
      Output.line()
      Output.line("the comparison with charts: \(report)")
    }
    if !shown.verification.result.damages.isEmpty { throw ExitStatus.damageFound.exitCode }
  }

  private var progressFlag: [String] {
    switch progress {
    case true?: ["--progress"]
    case false?: ["--no-progress"]
    case nil: []
    }
  }

  private func announce(_ command: [String]) {
    if !json { Output.line("\n$ millrace \(command.joined(separator: " "))\n") }
  }

  private func say(_ text: String) {
    if !json { Output.line(text) }
  }
}
