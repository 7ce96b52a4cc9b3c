import ArgumentParser
import Foundation
import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceStorage

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks every page of a PostgreSQL data directory.",
    discussion: """
      Reads all relations of a cluster of PostgreSQL 14 to 18 and reports each damaged page: relation file, fork, \
      segment, block, and what is wrong with it. Where the cluster has data checksums they are verified, else page \
      headers only. Nothing is written into the directory.

        millrace verify -D /var/lib/postgresql/18/main
        millrace verify -D PGDATA --io-direct data --jobs 4
            past the page cache, so that what a machine has cached stays
        millrace verify -D PGDATA --online --rate 100MB/s
            beside a running server: a page that fails is read again first

      Exit status: 0 no damage, 1 damage found, 2 the check could not be run or finished.
      """)

  @Option(name: .customShort("D"), help: ArgumentHelp("The data directory.", valueName: "directory"))
  var directory: String

  @Option(
    help: ArgumentHelp(
      "Only this relation: a path below the directory, such as base/5/16384, or a file number.",
      valueName: "path|number"))
  var relation: String?

  @Option(
    name: .customLong("io-direct"),
    help: ArgumentHelp("data: bypass the page cache.", valueName: "list"))
  var ioDirect: String?

  @Option(help: ArgumentHelp("Threads; as many as there are cores, at most 8, unless given.", valueName: "count"))
  var jobs: Int?

  @Option(help: ArgumentHelp("Read no faster than this, such as 100MB/s.", valueName: "rate"))
  var rate: String?

  @Flag(help: "A server is running on the directory.")
  var online = false

  @Flag(inversion: .prefixedNo, help: "Show a progress bar; by default on a terminal only.")
  var progress: Bool?

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var engine: EngineOptions

  func run() throws {
    let verification = try verify()
    show(verification)
    if !verification.result.damages.isEmpty { throw ExitStatus.damageFound.exitCode }
  }

  /// Reads everything and prints nothing but progress.
  func verify() throws -> Verification {
    let bar = ProgressBar("verify", bytesTotal: 0, style: .choose(flag: progress))
    defer { bar.finish() }
    let (settings, options) = try checked(bar)
    let directory = try DataDirectory(path: directory)
    try checkServer(directory)
    let listing =
      try relation.map { try directory.relations(in: directory.selection(for: $0)) } ?? directory.relations()
    let engine = try IOEngine(IOConfiguration(tool: settings, backendsMax: options.jobs))
    let verifier = ClusterVerifier(directory, listing, engine: engine, options: options)
    bar.setTotal(verifier.byteCount)

    let clock = ContinuousClock()
    let start = clock.now
    let result = try verifier.run {
      if verifier.damagesFound > 0 { bar.setNote("\(Format.count(verifier.damagesFound)) damaged") }
      return Interruption.isRequested
    }
    try Interruption.check()
    return Verification(
      directory: directory, unrecognized: listing.unrecognized, options: options, method: engine.methodKind,
      result: result, seconds: (clock.now - start) / .seconds(1))
  }

  func show(_ verification: Verification) {
    if json {
      Output.json(verification.document)
    } else {
      verification.print()
    }
  }

  private func checked(_ bar: ProgressBar) throws -> (Settings, VerificationOptions) {
    var settings = try engine.settings()
    if let ioDirect { try settings.set("io_direct", to: ioDirect) }
    var options = VerificationOptions()
    options.jobs = jobs ?? min(ProcessInfo.processInfo.activeProcessorCount, 8)
    guard (1...64).contains(options.jobs) else {
      throw CommandError("--jobs \(options.jobs) is outside the valid range (1 .. 64)")
    }
    if let rate {
      let limit = try ByteRate(parsing: rate).bytesPerSecond
      guard limit > 0 else { throw CommandError("--rate \(rate) would never end; give a rate above 0") }
      options.rate = limit
    }
    options.onProgress = { bar.add($0) }
    options.isOnline = online
    options.isDirect = settings[.ioDirect].contains(.data)
    options.ioConcurrency = settings[.maintenanceIOConcurrency]
    options.combineLimit = settings.effectiveIOCombineLimit
    return (settings, options)
  }

  private func checkServer(_ directory: DataDirectory) throws {
    if case .running(let process) = try directory.serverStatus(), !online {
      throw CommandError(
        "a server (process \(process)) is using \"\(directory.path)\"; stop it, or say --online to check beside it")
    }
    if !online, !json, !directory.controlFile.state.isClean {
      Output.warningLine(
        "the server was not shut down cleanly (state: \(directory.controlFile.state))",
        detail: "Pages that were being written are found torn until recovery has replayed the WAL.")
    }
  }
}
