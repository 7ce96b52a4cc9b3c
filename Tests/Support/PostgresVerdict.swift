import Foundation

/// What PostgreSQL 18's own programs say of a cluster that was shut down: every page has its checksum, the control file
/// has sane values, and every record of the log that is still there can be read.
package struct PostgresVerdict {
  /// A sentence for everything that they object to.
  package private(set) var objections: [String] = []
  private let programs: String
  private let cluster: String

  /// - Throws: when the programs are not there.
  package init(_ cluster: String) throws {
    self.cluster = cluster
    programs = try PostgresInstallation.required(18).binaries
    let checksums = try run("pg_checksums", "--check", "-D", cluster)
    if checksums.status != 0 || !checksums.output.contains("Bad checksums:  0") {
      objections.append("pg_checksums: \(checksums.output) \(checksums.errors)")
    }
    let control = try run("pg_controldata", "-D", cluster)
    let values = Dictionary(
      control.output.split(separator: "\n").compactMap { line -> (String, String)? in
        guard let colon = line.firstIndex(of: ":") else { return nil }
        return (String(line[..<colon]), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
      }, uniquingKeysWith: { first, _ in first })
    if control.status != 0 || control.errors != "" || values["Database cluster state"] != "shut down" {
      objections.append("pg_controldata: \(control)")
    }
    try readLog(
      to: values["Latest checkpoint location"] ?? "", in: values["Latest checkpoint's REDO WAL file"] ?? "")
  }

  private func run(_ program: String, _ words: String...) throws -> ChildProcess.Outcome {
    try ChildProcess.run(["\(programs)/\(program)"] + words)
  }

  /// From the oldest segment that is there, up to the checkpoint.
  private mutating func readLog(to checkpoint: String, in current: String) throws {
    let segments = try FileManager.default.contentsOfDirectory(atPath: cluster + "/pg_wal")
      .filter { $0.count == 24 && $0 <= current }.sorted()
    let dump = try run("pg_waldump", "-p", cluster + "/pg_wal", "-e", checkpoint, segments.first ?? "", current)
    if dump.status != 0 || dump.output.contains("UNKNOWN") || dump.errors.contains("error") {
      objections.append("pg_waldump: \(dump.errors)")
    }
  }
}
