import ArgumentParser
import Foundation
import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceStorage

struct BenchCheckpointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Measures a checkpoint of many dirty pages.",
    discussion: """
      Makes a table, updates a row on each of its pages, and has them written, as fast as that can be done. With \
      --foreground-reads it measures random reads of another table, while no checkpoint runs and beside one that is \
      spread over the same time. shared_buffers is chosen for the purpose unless -c says otherwise. The tables stay \
      in the cluster.
      """)

  @Option(help: ArgumentHelp("How much is dirty.", valueName: "size"))
  var dirty = "1GiB"

  @Flag(help: "Measure reads beside the checkpoint.")
  var foregroundReads = false

  @Option(help: ArgumentHelp("With --foreground-reads: how long each of the two is measured.", valueName: "time"))
  var runtime = "5s"

  @Option(help: ArgumentHelp("With --foreground-reads: how many threads read.", valueName: "count"))
  var readers = 4

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var options: DatabaseOptions

  private struct Report: Encodable {
    struct Latencies: Encodable {
      let p50, p95, p99, p999: Double
    }
    struct Reads: Encodable {
      let readsPerS: Double
      let latencyUs: Latencies
    }
    struct ForegroundReads: Encodable {
      let readers: Int
      let without, with: Reads
    }
    let ioMethod, ioDirect: String
    let dirtyPages, files: Int
    let seconds, writeSeconds, syncSeconds, mibPerS: Double
    let writes, logFlushes: UInt64
    let averageWriteBlocks, averageInFlight: Double
    let foregroundReads: ForegroundReads?
  }

  func run() throws {
    let byteCount = try ByteCount(parsing: dirty).bytes
    guard byteCount >= 1 << 20 else { throw CommandError("--dirty \(dirty) is less than 1MiB") }
    let seconds = try TimeSpan(parsing: runtime).seconds
    guard seconds > 0 else { throw CommandError("--runtime \(runtime) is not longer than nothing") }
    guard (1...1000).contains(readers) else {
      throw CommandError("--readers \(readers) is outside the valid range (1 .. 1000)")
    }
    // Everything that is dirty has to be in memory, and nothing else may ask for a checkpoint meanwhile.
    let pool = byteCount + (256 << 20)
    let configuration = try options.configuration(
      sessionsMax: readers + 4,
      defaults: [
        "shared_buffers=\(pool >> 20)MB", "max_wal_size=64GB", "checkpoint_timeout=1d", "bgwriter_lru_maxpages=0",
      ])
    show(
      try Database.whileOpen(configuration) { database in
        try foregroundReads ? measureReads(database, byteCount, seconds) : measure(database, byteCount)
      })
  }

  private func measure(_ database: Database, _ byteCount: Int) throws -> Report {
    let table = try DirtyTable(database, byteCount: byteCount)
    defer { table.close() }
    try table.makeDirty()
    return report(try database.checkpoint(), database, reads: nil)
  }

  // MARK: Reads beside it

  private func measureReads(_ database: Database, _ byteCount: Int, _ seconds: Double) throws -> Report {
    let table = try DirtyTable(database, byteCount: byteCount)
    defer { table.close() }
    let readTable = try makeReadTable(database, byteCount: max(byteCount, 1 << 30))
    let reads = try ForegroundReads(database, readTable, clients: readers)
    try table.makeDirty()
    let without = try reads.run {
      let clock = ContinuousClock()
      let start = clock.now
      while (clock.now - start) / .seconds(1) < seconds {
        try Interruption.check()
        pause(0.01)
      }
    }
    // What the first half has read shall not be quicker to read for the second.
    dropCache(database, readTable)
    var checkpoint: CheckpointReport?
    let with = try reads.run { checkpoint = try database.checkpoint(pacedBy: Self.pacing(over: seconds)) }
    guard let checkpoint else { fatalError("invariant broken: a checkpoint neither was made nor failed") }
    return report(
      checkpoint, database,
      reads: Report.ForegroundReads(readers: readers, without: Self.figures(without), with: Self.figures(with)))
  }

  /// Spread evenly over some time.
  private static func pacing(over seconds: Double) -> CheckpointPacing {
    let start = monotonicNanoseconds()
    var pacing = CheckpointPacing(
      elapsed: { Double(monotonicNanoseconds() - start) / 1e9 / seconds },
      isUrgent: { Interruption.isRequested }, sleep: { pause(0.01) })
    pacing.completionTarget = 1
    return pacing
  }

  /// A table whose pages are on disk and not in memory.
  private func makeReadTable(_ database: Database, byteCount: Int) throws -> HeapRelation {
    let session = try database.makeSession("read table")
    defer { session.close() }
    let table = try LoadedTable(session, payload: 1000) { _, pages in
      pages * PageLayout.blockSize < byteCount ? 1000 : 0
    }.relation
    try database.checkpoint()
    database.pool.invalidate(table.storedFork, backend: session.backend)
    dropCache(database, table)
    return table
  }

  /// As far as the system lets itself be asked.
  private func dropCache(_ database: Database, _ table: HeapRelation) {
    var segment = 0
    while true {
      let name = "base/\(table.locator.database)/\(table.locator.relNumber)" + (segment == 0 ? "" : ".\(segment)")
      guard let file = try? DescriptorFile.open("\(database.path)/\(name)", []) else { return }
      try? file.dropCache()
      file.close()
      segment += 1
    }
  }

  // MARK: The report

  private static func figures(_ reads: ForegroundReads.Result) -> Report.Reads {
    func microseconds(_ position: Int) -> Double { Double(reads.latencies[position]) / 1000 }
    return Report.Reads(
      readsPerS: Double(reads.reads) / reads.seconds,
      latencyUs: Report.Latencies(
        p50: microseconds(0), p95: microseconds(1), p99: microseconds(2), p999: microseconds(3)))
  }

  private func report(
    _ checkpoint: CheckpointReport, _ database: Database, reads: Report.ForegroundReads?
  ) -> Report {
    let writing = checkpoint.writing
    let stream = writing.pages.stream
    let seconds = Double(checkpoint.totalNanoseconds) / 1e9
    return Report(
      ioMethod: database.engine.methodKind.rawValue, ioDirect: database.ioDirectText,
      dirtyPages: writing.pages.dirty, files: writing.sync.files, seconds: seconds,
      writeSeconds: Double(writing.writeNanoseconds) / 1e9, syncSeconds: Double(writing.syncNanoseconds) / 1e9,
      mibPerS: Double(writing.pages.dirty * PageLayout.blockSize) / 1_048_576 / seconds, writes: stream.ioCount,
      logFlushes: stream.logFlushCount,
      averageWriteBlocks: Double(stream.ioBlocks) / Double(max(stream.ioCount, 1)),
      averageInFlight: Double(stream.inProgressSum) / Double(max(stream.ioCount, 1)), foregroundReads: reads)
  }

  private func show(_ report: Report) {
    guard !json else { return Output.json(report) }
    Output.line(
      "checkpoint of \(Format.bytes(report.dirtyPages * PageLayout.blockSize)) in \(Format.fixed(report.seconds, 2)) s,"
        + " \(Format.mebibytesPerSecond(report.mibPerS)), io_method=\(report.ioMethod),"
        + " \(Format.access(ioDirect: report.ioDirect))"
    )
    Output.line(
      "  writing \(Format.fixed(report.writeSeconds, 2)) s, making \(report.files) files durable"
        + " \(Format.fixed(report.syncSeconds, 2)) s")
    Output.line(
      "  \(Format.count(Int(report.writes))) writes of \(Format.fixed(report.averageWriteBlocks, 1)) pages,"
        + " \(Format.fixed(report.averageInFlight, 1)) in flight, \(Format.count(Int(report.logFlushes))) flushes of"
        + " the log")
    guard let reads = report.foregroundReads else { return }
    for (name, figures) in [("without a checkpoint", reads.without), ("beside it", reads.with)] {
      Output.line(
        "  reads \(name): \(Format.operationsPerSecond(figures.readsPerS))/s,"
          + " p50 \(Format.latency(microseconds: figures.latencyUs.p50)),"
          + " p99 \(Format.latency(microseconds: figures.latencyUs.p99))")
    }
  }
}
