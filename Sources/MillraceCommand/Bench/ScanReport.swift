import Foundation
import MillraceIO
import MillraceSettings
import MillraceStorage

/// What `bench scan` found, as a table, as JSON and as a page.
struct ScanReport {
  let comparison: ScanComparison
  let outcomes: [ScanComparison.Outcome]

  private var scan: RelationScan { comparison.scan }
  private var relation: String { scan.relation.path }

  /// What was read, in a few words.
  private var subject: String {
    let all = "\(relation), \(Format.bytes(scan.pageCount * 8192))"
    return scan.blocks == nil ? all : "\(Format.count(scan.pageCount)) random blocks of \(all)"
  }

  private static let columns: [TableColumn] = [
    .text("cache"), .text("path"), .text("io_method"), .number("MiB/s"), .number("to sync"), .number("CPU µs/page"),
    .number("blocks/read"), .number("distance"), .number("reads"), .number("waits"), .number("submissions"),
  ]

  /// How many of them fit into the 80 columns of a terminal.
  private static let columnsOnTerminal = 8

  private var rows: [[String]] {
    outcomes.map { outcome in
      let median = outcome.median
      return [
        outcome.scanCase.cache.rawValue, outcome.scanCase.path, outcome.scanCase.method.rawValue,
        Format.significant(outcome.mebibytesPerSecond),
        outcome.ratioToSync(in: outcomes).map { Format.ratio($0, to: 1) } ?? "-",
        Format.significant(outcome.cpuMicrosecondsPerPage), Format.significant(median.averageReadBlocks),
        Format.significant(median.averageDistance), Format.count(median.reads), Format.count(median.waits),
        Format.count(median.submitCalls),
      ]
    }
  }

  // MARK: Table

  func print() {
    var table = Table(Array(Self.columns.prefix(Self.columnsOnTerminal)))
    for row in rows { table.append(Array(row.prefix(Self.columnsOnTerminal))) }
    Output.line("\(subject), \(comparison.rounds == 1 ? "one round" : "medians of \(comparison.rounds) rounds")")
    Output.write(table.text())
    for group in Self.grouped(comparison.skipped) { Output.line("skipped: \(group)") }
  }

  /// What was skipped for the same reason, in one sentence.
  private static func grouped(_ skipped: [ScanComparison.Skipped]) -> [String] {
    var reasons: [String] = []
    for one in skipped where !reasons.contains(one.reason) { reasons.append(one.reason) }
    return reasons.map { reason in
      let names = skipped.filter { $0.reason == reason }.map { "\($0.method)\($0.isDirect ? " direct" : "")" }
      return "\(names.joined(separator: ", ")): \(reason)"
    }
  }

  // MARK: JSON

  struct Document: Encodable {
    struct Result: Encodable {
      let ioMethod: String
      let direct: Bool
      let cache: String
      let bytes: Int
      let seconds, cpuSeconds, mibPerS: Double
      let reads: Int
      let averageReadBlocks, averageDistance: Double
      let waits, submitCalls: Int
      let ratioToSync: Double?
    }
    struct Skipped: Encodable {
      let ioMethod: String
      let direct: Bool
      let reason: String
    }
    let relation: String
    let pages, bytes, items, rounds: Int
    let random: Bool
    let results: [Result]
    let skipped: [Skipped]
  }

  var document: Document {
    Document(
      relation: relation, pages: scan.pageCount, bytes: scan.pageCount * 8192, items: outcomes.first?.median.items ?? 0,
      rounds: comparison.rounds, random: scan.blocks != nil,
      results: outcomes.map { outcome in
        let median = outcome.median
        return Document.Result(
          ioMethod: outcome.scanCase.method.rawValue, direct: outcome.scanCase.isDirect,
          cache: outcome.scanCase.cache.rawValue, bytes: median.bytes, seconds: median.seconds,
          cpuSeconds: outcome.cpuSeconds, mibPerS: outcome.mebibytesPerSecond, reads: median.reads,
          averageReadBlocks: median.averageReadBlocks, averageDistance: median.averageDistance, waits: median.waits,
          submitCalls: median.submitCalls, ratioToSync: outcome.ratioToSync(in: outcomes))
      },
      skipped: comparison.skipped.map {
        Document.Skipped(ioMethod: $0.method.rawValue, direct: $0.isDirect, reason: $0.reason)
      })
  }

  // MARK: Page

  /// - Parameter command: what repeats the measurement.
  func page(command: String) -> ReportPage {
    let machine = Machine()
    let fileSystem = FileSystem(of: scan.directory.path)
    let settings = scan.settings
    return ReportPage(
      title: "One relation, read in every way",
      summary: "\(subject), through the buffer pool, by each I/O method, past the page cache and through it.",
      facts: [
        ("kernel", machine.kernel),
        ("processor", "\(machine.cores) cores\(machine.processor.map { " of \($0)" } ?? "")"),
        ("memory", Format.bytes(machine.memory)),
        ("file system", "\(fileSystem.type) on \(fileSystem.source)"),
        ("data directory", "PostgreSQL \(scan.directory.majorVersion), \(scan.directory.path)"),
        ("shared_buffers", Format.bytes(settings.bytes(.sharedBuffers))),
        ("effective_io_concurrency", "\(settings[.effectiveIOConcurrency])"),
        ("io_combine_limit", Format.bytes(settings.effectiveIOCombineLimit * 8192)),
      ],
      sections: [speed, cost, everything], command: command,
      footer: "millrace \(Version.current), \(Date.now.formatted(.iso8601))")
  }

  private var speed: ReportSection {
    let fastest = outcomes.map(\.spread.upperBound).max()
    return ReportSection(
      heading: "Speed",
      blocks: [
        .paragraph(
          "Cold: nothing of it was in the page cache. Warm: the same had just been read; direct reads do not use the"
            + " page cache, so for them only what lies below this machine can be warm. Both charts have one scale."),
        .bars(
          ScanCase.Cache.allCases.map { cache in
            chart(cache == .cold ? "Cold" : "Warm", .mebibytesPerSecond, cache, scale: fastest) {
              BarChart.Bar($0.scanCase.path, $0.mebibytesPerSecond, spread: comparison.rounds > 1 ? $0.spread : nil)
            }
          }),
      ])
  }

  private var cost: ReportSection {
    let largest = outcomes.map(\.cpuMicrosecondsPerPage).max()
    return ReportSection(
      heading: "Processor time of a page",
      blocks: [
        .paragraph("User and system time of all threads, the check of each page's checksum included."),
        .bars(
          ScanCase.Cache.allCases.map { cache in
            chart(cache == .cold ? "Cold" : "Warm", .microsecondsPerOperation, cache, scale: largest) {
              BarChart.Bar($0.scanCase.path, $0.cpuMicrosecondsPerPage)
            }
          }),
      ])
  }

  private var everything: ReportSection {
    let caption =
      comparison.rounds == 1 ? "One round" : "Medians of \(comparison.rounds) rounds that took turns"
    let skipped = Self.grouped(comparison.skipped).map { ReportSection.Block.paragraph("Skipped: \($0).") }
    return ReportSection(
      heading: "All figures", blocks: [.table(ReportTable(caption, Self.columns, rows: rows))] + skipped)
  }

  private func chart(
    _ title: String, _ format: ValueFormat, _ cache: ScanCase.Cache, scale: Double?,
    _ bar: (ScanComparison.Outcome) -> BarChart.Bar
  ) -> BarChart {
    var methods: [IOMethodKind] = []
    for method in outcomes.map(\.scanCase.method) + comparison.skipped.map(\.method) where !methods.contains(method) {
      methods.append(method)
    }
    return BarChart(
      title, format, scaleMaximum: scale,
      groups: methods.map { method in
        BarChart.Group(
          method.rawValue,
          [false, true].map { isDirect in
            let scanCase = ScanCase(method: method, isDirect: isDirect, cache: cache)
            return outcomes.first { $0.scanCase == scanCase }.map(bar)
              ?? BarChart.Bar(scanCase.path, missing: "skipped")
          })
      })
  }
}
