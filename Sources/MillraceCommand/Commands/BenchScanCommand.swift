import ArgumentParser
import Foundation
import MillraceIO
import MillraceSettings
import MillraceStorage

struct BenchScanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan",
    abstract: "Compares the I/O methods on one relation of a PostgreSQL data directory.",
    discussion: """
      Reads the relation's main fork through a buffer pool of its own, as a sequential scan does, by each method, \
      through the page cache and past it (direct), cold and warm. Nothing is written into the directory.

        millrace bench scan -D PGDATA --relation base/5/16384
        millrace bench scan -D PGDATA --relation 16384 --report scan.html
        millrace bench scan -D PGDATA --relation 16384 --random 20000
            blocks in no order, known ahead, as a bitmap scan has them

      Cold means that the relation was dropped from the page cache; a server that has its files mapped or dirty keeps \
      some of it there. Warm means that the same was just read; it is not in the pool. Past the page cache there is \
      nothing to be warm but the device. What cannot run here is listed as skipped, with the reason.
      """)

  @Option(name: .customShort("D"), help: ArgumentHelp("The data directory.", valueName: "directory"))
  var directory: String

  @Option(
    help: ArgumentHelp(
      "A path below the directory, as pg_relation_filepath() gives it, or a file number.", valueName: "path|number"))
  var relation: String

  @Option(help: ArgumentHelp("Methods to compare, separated by commas.", valueName: "list"))
  var methods = "sync,worker,io_uring,posix_aio"

  @Option(help: ArgumentHelp("How often each is measured; the median counts.", valueName: "count"))
  var rounds = 3

  @Option(help: ArgumentHelp("Read so many blocks in random order instead, known ahead.", valueName: "count"))
  var random: Int?

  @Option(help: ArgumentHelp("Chooses the random blocks.", valueName: "number"))
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Write a page with charts, which loads nothing from anywhere.", valueName: "file.html"))
  var report: String?

  @Flag(inversion: .prefixedNo, help: "Show a progress bar; by default on a terminal only.")
  var progress: Bool?

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var options: SettingOptions

  func run() throws { show(try measure()) }

  /// Measures, writes the page, and prints nothing but progress.
  func measure() throws -> ScanReport {
    let methods = try checkedMethods()
    let comparison = ScanComparison(try checkedScan(), methods: methods, rounds: rounds)
    if let report { try OutputFile.check(report) }
    guard !comparison.isEmpty else {
      throw CommandError("none of the methods can run here: \(comparison.skipped.first?.reason ?? "none was named")")
    }
    let bar = ProgressBar("bench scan", bytesTotal: comparison.byteCount, style: .choose(flag: progress))
    defer { bar.finish() }
    let result = ScanReport(comparison: comparison, outcomes: try comparison.run(bar))
    if let report { try OutputFile.write(result.page(command: command).html(), to: report) }
    return result
  }

  func show(_ result: ScanReport) {
    if json {
      Output.json(result.document)
    } else {
      result.print()
      if let report { Output.line("report: \(report)") }
    }
  }

  private func checkedMethods() throws -> [IOMethodKind] {
    guard (1...1000).contains(rounds) else {
      throw CommandError("--rounds \(rounds) is outside the valid range (1 .. 1000)")
    }
    var kinds: [IOMethodKind] = []
    for name in methods.split(separator: ",", omittingEmptySubsequences: false) {
      let name = name.trimmingCharacters(in: .whitespaces)
      guard let kind = IOMethodKind(rawValue: name), IOMethodKind.real.contains(kind) else {
        let known = IOMethodKind.real.map(\.rawValue).joined(separator: ", ")
        throw CommandError("\"\(name)\" in --methods is not a method to compare; there are \(known)")
      }
      if !kinds.contains(kind) { kinds.append(kind) }
    }
    return kinds
  }

  private func checkedScan() throws -> RelationScan {
    let settings = try options.settings()
    guard settings[.ioMethod] == .auto, settings[.ioDirect].isEmpty else {
      throw CommandError("bench scan compares values of io_method and io_direct, so they cannot be set; see --methods")
    }
    let directory = try DataDirectory(path: directory)
    let selection = try directory.selection(for: relation)
    guard selection.fork == nil || selection.fork == .main else {
      throw CommandError("\"\(relation)\" is not the main fork of a relation; name the relation itself")
    }
    let main = try directory.relations(in: selection).forks.first { $0.fork == .main }
    guard let main, main.blockCount > 0 else {
      throw CommandError("relation \"\(relation)\" in \"\(directory.path)\" has no pages; choose another")
    }
    return RelationScan(directory: directory, relation: main, settings: settings, blocks: try randomBlocks(main))
  }

  /// Distinct blocks in random order (Floyd's choice, shuffled), the same for the same seed.
  private func randomBlocks(_ relation: RelationFork) throws -> [BlockNumber]? {
    guard let random else { return nil }
    guard random > 0, random <= Int(relation.blockCount) else {
      throw CommandError("--random \(random) is outside the valid range (1 .. \(relation.blockCount), its blocks)")
    }
    var generator = XorShift(seed: seed &* 0x9E37_79B9_7F4A_7C15)
    var chosen: Set<UInt32> = []
    var blocks: [BlockNumber] = []
    for limit in Int(relation.blockCount) - random..<Int(relation.blockCount) {
      let candidate = UInt32(generator.next(below: UInt64(limit + 1)))
      let block = chosen.contains(candidate) ? UInt32(limit) : candidate
      chosen.insert(block)
      blocks.append(BlockNumber(block))
    }
    for index in blocks.indices.dropFirst().reversed() {
      blocks.swapAt(index, Int(generator.next(below: UInt64(index + 1))))
    }
    return blocks
  }

  /// What the report says that repeats it.
  private var command: String {
    var words = ["millrace", "bench", "scan", "-D", directory, "--relation", relation]
    if methods != "sync,worker,io_uring,posix_aio" { words += ["--methods", methods] }
    if rounds != 3 { words += ["--rounds", "\(rounds)"] }
    if let random { words += ["--random", "\(random)", "--seed", "\(seed)"] }
    for assignment in options.assignments { words += ["-c", assignment] }
    if let report { words += ["--report", report] }
    return words.map(Self.quoted).joined(separator: " ")
  }

  /// As a shell takes it for one word.
  private static func quoted(_ word: String) -> String {
    let plain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=,:".contains($0)) }
    return plain && !word.isEmpty ? word : "'\(word.replacingOccurrences(of: "'", with: "'\\''"))'"
  }
}
