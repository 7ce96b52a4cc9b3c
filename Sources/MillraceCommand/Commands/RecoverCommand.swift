import ArgumentParser
import Foundation
import MillraceEngine
import MillraceStorage
import MillraceWAL

struct RecoverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover",
    abstract: "Recovers a cluster that was not closed in order, and says what was done.",
    discussion: """
      Opening a cluster recovers it in any case; this does nothing else. A cluster that was closed in order is only \
      looked at, and closed again.
      """)

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var options: DatabaseOptions

  private struct Report: Encodable {
    let wasNeeded: Bool
    let redoStart, redoDone, end: String?
    let endReason: String?
    let records, walBytes, fullPageImages, pagesPrefetched: UInt64
    let seconds, redoSeconds, waitedForPagesSeconds, waitedForWalSeconds: Double
    let nextTransaction: UInt64
  }

  func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    var configuration = try options.configuration(sessionsMax: 1)
    // What it says is in the report.
    configuration.onNotice = { _ in }
    let (recovery, seconds) = try Database.whileOpen(configuration) { database in
      (database.recovery, (clock.now - start) / .seconds(1))
    }
    let report = Report(
      wasNeeded: recovery.wasNeeded, redoStart: recovery.redoStart?.description,
      redoDone: recovery.redoDone?.description, end: recovery.wasNeeded ? recovery.endPosition.description : nil,
      endReason: recovery.problem?.description, records: recovery.recordCount, walBytes: Self.bytes(recovery),
      fullPageImages: recovery.imageCount, pagesPrefetched: recovery.pages.read, seconds: seconds,
      redoSeconds: Double(recovery.elapsedNanoseconds) / 1e9,
      waitedForPagesSeconds: Double(recovery.pageWaitNanoseconds) / 1e9,
      waitedForWalSeconds: Double(recovery.walWaitNanoseconds) / 1e9, nextTransaction: recovery.state.nextXID)
    if json { Output.json(report) } else { show(report) }
  }

  /// From where recovery started to read to where the log ends, page headers with it.
  private static func bytes(_ recovery: RecoveryReport) -> UInt64 {
    recovery.redoStart.map { recovery.endPosition.rawValue - $0.rawValue } ?? 0
  }

  private func show(_ report: Report) {
    guard report.wasNeeded else {
      Output.line("\(options.directory) was closed in order; there was nothing to recover")
      return
    }
    Output.line(
      "recovered \(options.directory) in \(Format.fixed(report.seconds, 2)) s:"
        + " \(Format.bytes(Int(report.walBytes))) of log, \(Format.count(Int(report.records))) records")
    Output.line("  from \(report.redoStart ?? "-") to \(report.end ?? "-"), where \(report.endReason ?? "it ends")")
    Output.line(
      "  \(Format.count(Int(report.fullPageImages))) full-page images,"
        + " \(Format.count(Int(report.pagesPrefetched))) pages read ahead")
    Output.line(
      "  waited \(Format.fixed(report.waitedForPagesSeconds, 2)) s for pages and"
        + " \(Format.fixed(report.waitedForWalSeconds, 2)) s for the log")
  }
}
