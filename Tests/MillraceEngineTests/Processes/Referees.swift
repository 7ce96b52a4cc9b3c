import Foundation
import MillraceTestSupport
import Testing

/// Checks a cluster that was shut down with PostgreSQL 18's own programs, where they are installed: every page has its
/// checksum, the control file has sane values, and every record of the log that is still there can be read.
func expectSoundToPostgreSQL(_ cluster: String, _ location: SourceLocation = #_sourceLocation) throws {
  guard PostgresInstallation.isExpected(18) else { return }
  let programs = try PostgresInstallation.required(18).binaries
  func run(_ program: String, _ words: String...) throws -> ChildProcess.Outcome {
    try ChildProcess.run(["\(programs)/\(program)"] + words)
  }
  let checksums = try run("pg_checksums", "--check", "-D", cluster)
  #expect(
    checksums.status == 0 && checksums.output.contains("Bad checksums:  0"), "\(checksums.output) \(checksums.errors)",
    sourceLocation: location)

  let control = try run("pg_controldata", "-D", cluster)
  let values = Dictionary(
    control.output.split(separator: "\n").compactMap { line -> (String, String)? in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      return (String(line[..<colon]), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
    }, uniquingKeysWith: { first, _ in first })
  #expect(
    control.status == 0 && control.errors == "" && values["Database cluster state"] == "shut down", "\(control)",
    sourceLocation: location)

  // From the oldest segment that is there, up to the checkpoint.
  let checkpoint = try #require(values["Latest checkpoint location"])
  let current = try #require(values["Latest checkpoint's REDO WAL file"])
  let segments = try FileManager.default.contentsOfDirectory(atPath: cluster + "/pg_wal")
    .filter { $0.count == 24 && $0 <= current }.sorted()
  let oldest = try #require(segments.first)
  let dump = try run("pg_waldump", "-p", cluster + "/pg_wal", "-e", checkpoint, oldest, current)
  #expect(
    dump.status == 0 && !dump.output.contains("UNKNOWN") && !dump.errors.contains("error"),
    "\(dump.errors)", sourceLocation: location)
}
