import ArgumentParser
import Foundation
import MillraceEngine
import MillraceSettings
import MillraceWAL

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Checks every index of a cluster, and that each agrees with its table.",
    discussion: """
      What PostgreSQL's amcheck does, for all tables of all databases: the structure of each index, level by level; \
      that it leads to every row of its table by its key, and to nothing that is not there; and that unique keys are. \
      Of indexes of expressions or of some rows the structure alone is checked. Whether pages are damaged, \
      `millrace verify` finds out.

      No server may be running. The cluster is opened as a server does, so one that was not closed in order is \
      recovered first.

        millrace check -D data
        millrace check -D data --json

      Exit status: 0 all agrees, 1 something does not, 2 the check could not be run or finished.
      """)

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var options: DatabaseOptions

  private struct Document: Encodable {
    struct Problem: Encodable {
      let database, relation, path, message: String
      let block: UInt32?
    }

    let directory: String
    let wasRecovered: Bool
    let databases, tables, indexes: Int
    let rows, entries, pages: UInt64
    let seconds: Double
    let problems: [Problem]
    let skipped: [String]
  }

  func run() throws {
    var configuration = try options.configuration(sessionsMax: 4)
    configuration.assignments.append(try SettingAssignment("autovacuum=off"))
    if json { configuration.onNotice = { _ in } }
    let clock = ContinuousClock()
    let start = clock.now
    let (report, wasRecovered) = try Database.whileOpen(configuration) { database in
      var checker = ClusterChecker(database)
      checker.onProgress = { _ in !Interruption.isRequested }
      let report = try checker.run()
      try Interruption.check()
      return (report, database.recovery.wasNeeded)
    }
    let seconds = (clock.now - start) / .seconds(1)
    if json {
      Output.json(document(report, wasRecovered: wasRecovered, seconds: seconds))
    } else {
      show(report, seconds: seconds)
    }
    if !report.problems.isEmpty { throw ExitStatus.damageFound.exitCode }
  }

  private func document(_ report: CheckReport, wasRecovered: Bool, seconds: Double) -> Document {
    Document(
      directory: options.directory, wasRecovered: wasRecovered, databases: report.databases, tables: report.tables,
      indexes: report.indexes, rows: report.rows, entries: report.entries, pages: report.pages, seconds: seconds,
      problems: report.problems.map { problem in
        Document.Problem(
          database: problem.database, relation: problem.relation, path: problem.path, message: problem.message,
          block: problem.block)
      },
      skipped: report.skipped)
  }

  private func show(_ report: CheckReport, seconds: Double) {
    for problem in report.problems {
      let block = problem.block.map { ", block \($0)" } ?? ""
      Output.line("\(problem.database): \(problem.relation) (\(problem.path)\(block)): \(problem.message)")
    }
    for name in report.skipped { Output.warningLine("\(name) could not be held against its table") }
    let verdict = report.problems.isEmpty ? "all agrees" : "\(Format.count(report.problems.count)) problems"
    Output.line(
      "\(Format.count(report.tables)) tables with \(Format.count(report.indexes)) indexes in"
        + " \(Format.count(report.databases)) databases, \(Format.count(Int(report.rows))) rows,"
        + " \(Format.count(Int(report.entries))) entries, in \(Format.fixed(seconds, 2)) s: \(verdict)")
  }
}
