import ArgumentParser
import Foundation
import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceWAL

struct BenchLoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Measures loading many rows into a table without an index.",
    discussion: """
      PostgreSQL's COPY without a file: rows of a number and a text are made up, logged, and durable when the time is \
      taken. The table stays in the cluster.
      """)

  @Option(help: ArgumentHelp("How many rows.", valueName: "count"))
  var rows = 3_000_000

  @Option(help: ArgumentHelp("Bytes of each row's text.", valueName: "bytes"))
  var payload = 100

  @Flag(inversion: .prefixedNo, help: "Show a progress bar; by default on a terminal only.")
  var progress: Bool?

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var options: DatabaseOptions

  private struct Report: Encodable {
    let ioMethod, ioDirect: String
    let rows, rowBytes, pages: Int
    let seconds, mibPerS, rowsPerS, cpuSeconds: Double
    let walBytes, walRecords: UInt64
  }

  func run() throws {
    guard rows > 0 else { throw CommandError("--rows \(rows) is not a number of rows") }
    guard (1...6000).contains(payload) else {
      throw CommandError("--payload \(payload) is outside the valid range (1 .. 6000)")
    }
    let configuration = try options.configuration(sessionsMax: 2, defaults: ["shared_buffers=256MB"])
    show(try Database.whileOpen(configuration) { try load($0) })
  }

  private func load(_ database: Database) throws -> Report {
    let bar = ProgressBar("bench load", bytesTotal: rows * (8 + payload), style: .choose(flag: progress))
    defer { bar.finish() }
    let session = try database.makeSession("bench load")
    defer { session.close() }
    let before = database.log.statistics()
    let cpuBefore = CPUTime.ofProcess
    let clock = ContinuousClock()
    let start = clock.now
    var shown = 0
    let table = try LoadedTable(session, payload: payload) { loaded, _ in
      bar.add((loaded - shown) * (8 + payload))
      shown = loaded
      return min(10_000, rows - loaded)
    }
    let seconds = (clock.now - start) / .seconds(1)
    let log = database.log.statistics().since(before)
    return Report(
      ioMethod: database.engine.methodKind.rawValue, ioDirect: database.ioDirectText, rows: rows,
      rowBytes: table.rowBytes, pages: table.pageCount, seconds: seconds,
      mibPerS: Double(rows * (8 + payload)) / 1_048_576 / seconds, rowsPerS: Double(rows) / seconds,
      cpuSeconds: CPUTime.ofProcess - cpuBefore, walBytes: log.bytes, walRecords: log.records)
  }

  private func show(_ report: Report) {
    guard !json else { return Output.json(report) }
    Output.line(
      "loaded \(Format.count(report.rows)) rows of \(report.rowBytes) bytes in \(Format.fixed(report.seconds, 2)) s,"
        + " io_method=\(report.ioMethod), \(Format.access(ioDirect: report.ioDirect))")
    Output.line(
      "  \(Format.mebibytesPerSecond(report.mibPerS)), \(Format.operationsPerSecond(report.rowsPerS)) rows/s,"
        + " \(Format.fixed(report.cpuSeconds, 2)) s of CPU")
    Output.line(
      "  \(Format.count(report.pages)) pages, \(Format.bytes(Int(report.walBytes))) of log in"
        + " \(Format.count(Int(report.walRecords))) records")
  }
}
