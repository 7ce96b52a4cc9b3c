import ArgumentParser
import Foundation
import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceStorage
import MillraceWAL

struct BenchWALCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wal",
    abstract: "Measures commits of one row each.",
    discussion: """
      As many clients as given insert a row and commit, one after another; each commit is durable before the next one \
      of its client begins, unless synchronous_commit is off.

        millrace bench wal -D data --clients 1,8,32
        millrace bench wal -D data --io-direct wal --wal-sync-method open_datasync

      The table stays in the cluster.
      """)

  @Option(help: ArgumentHelp("How many clients, one measurement for each number.", valueName: "list"))
  var clients = "1,8,32"

  @Option(help: ArgumentHelp("How long each is measured.", valueName: "time"))
  var runtime = "5s"

  @Option(help: ArgumentHelp("Bytes of each row's text.", valueName: "bytes"))
  var payload = 100

  @Option(
    help: ArgumentHelp(
      "Instead: insert and update rows until so much is logged, then stop as a process that is killed does. For"
        + " measurements of recovery.", valueName: "size"))
  var stopAfterWal: String?

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var options: DatabaseOptions

  func run() throws {
    let counts = try checkedClients()
    guard (1...6000).contains(payload) else {
      throw CommandError("--payload \(payload) is outside the valid range (1 .. 6000)")
    }
    let seconds = try TimeSpan(parsing: runtime).seconds
    guard seconds > 0 else { throw CommandError("--runtime \(runtime) is not longer than nothing") }
    let configuration = try options.configuration(
      sessionsMax: (counts.max() ?? 1) + 2, defaults: ["shared_buffers=256MB"])
    if let stopAfterWal {
      return try crash(after: try ByteCount(parsing: stopAfterWal).bytes, configuration)
    }
    show(
      try Database.whileOpen(configuration) { database in
        Report(database, results: try measure(database, counts, seconds).map(Self.figures))
      })
  }

  private func checkedClients() throws -> [Int] {
    try clients.split(separator: ",", omittingEmptySubsequences: false).map { word in
      guard let count = Int(word.trimmingCharacters(in: .whitespaces)), (1...1000).contains(count) else {
        throw CommandError("\"\(word)\" in --clients is not a number from 1 to 1000")
      }
      return count
    }
  }

  private func measure(_ database: Database, _ counts: [Int], _ seconds: Double) throws -> [CommitLoad.Result] {
    let session = try database.makeSession("bench wal")
    defer { session.close() }
    let table = try session.transaction { session throws(EngineError) in try session.createRelation() }
    return try counts.map { count in
      try CommitLoad(database, table, clients: count, runtime: seconds, payload: payload).run()
    }
  }

  // MARK: Something to recover

  private struct Changes: Encodable {
    let rowInserts, rowUpdates: Int
    let walBytes: UInt64
  }

  private func crash(after bytes: Int, _ configuration: DatabaseConfiguration) throws {
    let database = try Database.open(configuration)
    let start = database.log.reservedPosition.rawValue
    let changes = try RowChanges(database: database, payload: payload).run(logBytes: bytes)
    let logged = database.log.flushedPosition.rawValue - start
    database.crash()
    if json {
      Output.json(Changes(rowInserts: changes.inserts, rowUpdates: changes.updates, walBytes: logged))
    } else {
      Output.line(
        "stopped after \(Format.count(changes.inserts)) insertions and \(Format.count(changes.updates)) updates,"
          + " \(Format.bytes(Int(logged))) of log; recover with: millrace recover -D \(options.directory)")
    }
  }

  // MARK: The report

  private struct Report: Encodable {
    struct Latencies: Encodable {
      let p50, p95, p99, p999, max: Double
    }
    struct Result: Encodable {
      let clients, commits: Int
      let seconds, commitsPerS: Double
      let latencyUs: Latencies
      let writesPerCommit, flushesPerCommit, bytesPerCommit, commitsPerBatch: Double
      let writeDepth, flushDepth: UInt64
    }
    let ioMethod, ioDirect, walSyncMethod: String
    /// What `wal_sync_method=auto` has chosen by.
    let walSyncMethodReason: String?
    let results: [Result]

    init(_ database: Database, results: [Result]) {
      (ioMethod, ioDirect) = (database.engine.methodKind.rawValue, database.ioDirectText)
      (walSyncMethod, walSyncMethodReason) = (database.log.syncMethod.rawValue, database.log.syncMethodReason)
      self.results = results
    }
  }

  private func show(_ document: Report) {
    guard !json else { return Output.json(document) }
    Output.line(
      "commits of one row, io_method=\(document.ioMethod), \(Format.access(ioDirect: document.ioDirect)),"
        + " wal_sync_method=\(document.walSyncMethod)")
    var table = Table([
      .number("clients"), .number("commits/s"), .number("p50"), .number("p95"), .number("p99"), .number("max"),
      .number("writes/commit"), .number("flushes/commit"), .number("depth"),
    ])
    for result in document.results {
      table.append([
        "\(result.clients)", Format.operationsPerSecond(result.commitsPerS),
        Format.latency(microseconds: result.latencyUs.p50), Format.latency(microseconds: result.latencyUs.p95),
        Format.latency(microseconds: result.latencyUs.p99), Format.latency(microseconds: result.latencyUs.max),
        Format.fixed(result.writesPerCommit, 2), Format.fixed(result.flushesPerCommit, 2),
        "\(max(result.writeDepth, result.flushDepth))",
      ])
    }
    Output.write(table.text())
  }

  private static func figures(_ result: CommitLoad.Result) -> Report.Result {
    let commits = Double(max(result.commits, 1))
    func microseconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1000 }
    return Report.Result(
      clients: result.clients, commits: result.commits, seconds: result.seconds,
      commitsPerS: Double(result.commits) / result.seconds,
      latencyUs: Report.Latencies(
        p50: microseconds(result.latencies[0]), p95: microseconds(result.latencies[1]),
        p99: microseconds(result.latencies[2]), p999: microseconds(result.latencies[3]),
        max: microseconds(result.latencyMaximum)),
      writesPerCommit: Double(result.log.writes) / commits, flushesPerCommit: Double(result.log.syncs) / commits,
      bytesPerCommit: Double(result.log.bytes) / commits,
      commitsPerBatch: commits / Double(max(result.log.commitBatches, 1)), writeDepth: result.log.writeDepthReached,
      flushDepth: result.log.syncDepthReached)
  }
}
