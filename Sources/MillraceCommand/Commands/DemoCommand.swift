import ArgumentParser
import Foundation
import MillraceSettings
import MillraceStorage

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Shows on real pages what the other commands do.",
    discussion: """
      Writes a sample cluster of PostgreSQL 18 with one table, or takes a data directory of yours, and runs on it:

        millrace doctor       what this machine offers
        millrace bench scan   the table by every method, buffered and direct
        millrace verify       whether every page is intact

      The sample is removed at the end, unless --keep; the report with the charts stays. A data directory of yours is \
      only read.

        millrace demo
        millrace demo --size 2GiB --directory /mnt/data
        millrace demo --pgdata /var/lib/postgresql/18/main
      """)

  @Option(help: ArgumentHelp("A data directory to use instead of a sample.", valueName: "directory"))
  var pgdata: String?

  @Option(help: ArgumentHelp("Size of the sample's table.", valueName: "size"))
  var size = "512MiB"

  @Option(
    help: ArgumentHelp(
      "Where the sample is made; the first place for temporary files that has direct I/O, unless given.",
      valueName: "directory"))
  var directory: String?

  @Option(help: ArgumentHelp("Where the page with the charts goes.", valueName: "file.html"))
  var report = "millrace-demo.html"

  @Flag(help: "Keep the sample.")
  var keep = false

  @Flag(inversion: .prefixedNo, help: "Show progress bars; by default on a terminal only.")
  var progress: Bool?

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var options: SettingOptions

  func run() throws {
    let settings = try options.settings()
    let byteCount = try checkedSize()
    try OutputFile.check(report)
    if let pgdata {
      try checkNoSampleOptions()
      let cluster = try DataDirectory(path: pgdata)
      try show(pgdata, relation: try Self.largestRelation(of: cluster))
    } else {
      let sampleDirectory = try DemoDirectory(below: directory, byteCount: byteCount, isKept: keep)
      // Its end is the end of the sample, so it must not come before that of the commands.
      try withExtendedLifetime(sampleDirectory) {
        let sample = SampleCluster(at: sampleDirectory.path, byteCount: byteCount)
        say("writing a sample table of \(Format.bytes(byteCount)) to \(sample.path)")
        do {
          let bar = ProgressBar("demo", bytesTotal: byteCount, style: .choose(flag: progress))
          defer { bar.finish() }
          try sample.write(settings, isDirect: sampleDirectory.isDirect, bar)
        }
        try show(sample.path, relation: SampleCluster.relation)
        if keep { say("the sample stays in \(sample.path)") }
      }
    }
  }

  private func checkedSize() throws -> Int {
    let byteCount = try ByteCount(parsing: size).bytes
    guard (1 << 20...64 << 30).contains(byteCount) else {
      throw CommandError("--size \(size) is outside the valid range (1MiB .. 64GiB)")
    }
    return byteCount / PageLayout.blockSize * PageLayout.blockSize
  }

  private func checkNoSampleOptions() throws {
    guard directory == nil, !keep else {
      throw CommandError("--directory and --keep are about the sample, and --pgdata means that there is none")
    }
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
    let report: String
  }

  /// Runs the commands one after the other, as if they had been typed.
  private func show(_ cluster: String, relation: String) throws {
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
    if json {
      Output.json(
        Document(doctor: diagnosis, scan: scan.document, verify: verification.document, report: report))
    } else {
      verifyCommand.show(verification)
      Output.line()
      Output.line("the comparison with charts: \(report)")
    }
    if !verification.result.damages.isEmpty { throw ExitStatus.damageFound.exitCode }
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
