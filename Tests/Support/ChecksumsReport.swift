import Foundation

/// What PostgreSQL's own `pg_checksums --check` says about a cluster.
package struct ChecksumsReport {
  package struct BadBlock: Hashable {
    package let path: String
    /// Within the file.
    package let block: UInt32
    package let expected: UInt16
    package let found: UInt16

    package init(path: String, block: UInt32, expected: UInt16, found: UInt16) {
      (self.path, self.block, self.expected, self.found) = (path, block, expected, found)
    }
  }

  package let filesScanned: Int
  package let blocksScanned: UInt64
  package let bad: Set<BadBlock>

  package init(_ cluster: PostgresCluster) throws {
    let outcome = try cluster.installation.run("pg_checksums", ["--check", "-D", cluster.path], mayFail: true)
    func number(_ label: String) -> UInt64? {
      let line = outcome.output.split(separator: "\n").first { $0.hasPrefix(label + ":") }
      return line.flatMap { UInt64($0.dropFirst(label.count + 1).filter { $0 != " " }) }
    }
    guard let files = number("Files scanned"), let blocks = number("Blocks scanned") else {
      throw PostgresInstallation.Failure(command: "pg_checksums", outcome: outcome)
    }
    filesScanned = Int(files)
    blocksScanned = blocks

    let line = #/failed in file "(.+)", block (\d+): calculated checksum ([0-9A-F]+) but block contains ([0-9A-F]+)/#
    bad = Set(
      outcome.errors.matches(of: line).compactMap { match in
        guard let block = UInt32(match.2), let expected = UInt16(match.3, radix: 16),
          let found = UInt16(match.4, radix: 16)
        else { return nil }
        return BadBlock(
          path: String(match.1.dropFirst(cluster.path.count + 1)), block: block, expected: expected, found: found)
      })
  }
}
