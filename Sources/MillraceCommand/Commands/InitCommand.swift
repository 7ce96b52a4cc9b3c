import ArgumentParser
import Foundation
import MillraceEngine
import MillraceIO
import MillraceSettings

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Makes the directory of a new cluster.",
    discussion: """
      In the formats of PostgreSQL 18, whose pg_controldata, pg_checksums and pg_waldump accept it. Settings that are \
      given with -c are written into its millrace.conf.

        millrace init -D data -c shared_buffers=1GB -c io_direct=data,wal
      """)

  @Option(
    name: .customShort("D"), help: ArgumentHelp("A directory that is empty or not there.", valueName: "directory"))
  var directory: String

  @Option(
    name: .customLong("wal-segsize"),
    help: ArgumentHelp("The size of the log's segments, a power of two from 1MB to 1GB.", valueName: "size"))
  var walSegmentSize = "16MB"

  @Flag(name: .customLong("data-checksums"), inversion: .prefixedNo, help: "Whether pages carry checksums.")
  var dataChecksums = true

  @Option(
    name: .customShort("c"),
    help: ArgumentHelp("A setting for the cluster's millrace.conf. May be repeated.", valueName: "name=value"))
  var assignments: [String] = []

  func run() throws {
    var settings = Settings()
    let assignments = try assignments.map { try SettingAssignment($0) }
    for assignment in assignments { try settings.set(assignment.name, to: assignment.value) }
    for warning in settings.warnings { Output.warningLine(warning.message, detail: warning.detail) }

    var options = ClusterInitializer.Options(
      microseconds: DatabaseConfiguration.systemMicroseconds(), processID: getpid())
    options.walSegmentSize = UInt64(try ByteCount(parsing: walSegmentSize).bytes)
    options.segmentBlocks = UInt32(settings[.segmentSize])
    options.checksums = dataChecksums
    options.configuration = assignments.map { "\($0.name) = '\($0.value.replacing("'", with: "''"))'" }
    do {
      try ClusterInitializer(LocalFileSystem(), path: directory, options).run { Interruption.isRequested }
    } catch {
      try Interruption.check()
      throw error
    }
    Output.line("made a cluster in \(directory)")
  }
}
