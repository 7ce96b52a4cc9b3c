import Foundation
import MillraceStorage

/// Looks at every page of a cluster, one after another: what `millrace verify` does, without an I/O engine.
struct ClusterScan {
  struct BadPage: Hashable {
    var path: String
    /// Within the file.
    var block: UInt32
    var verdict: PageVerdict
    var expected: UInt16
    var found: UInt16
  }

  private(set) var fileCount = 0
  private(set) var blockCount: UInt64 = 0
  private(set) var newCount = 0
  private(set) var otherLayout: [String] = []
  private(set) var bad: [BadPage] = []
  private(set) var diagnoses: [String: PageDiagnosis] = [:]

  init(_ directory: DataDirectory, _ listing: RelationListing) throws {
    for fork in listing.forks {
      for segment in fork.segments {
        try scan(fork, segment, in: directory)
      }
    }
  }

  private mutating func scan(_ fork: RelationFork, _ segment: RelationSegment, in directory: DataDirectory) throws {
    let path = fork.path(ofSegment: segment.number)
    let file = try Data(contentsOf: URL(fileURLWithPath: directory.absolutePath(path)), options: .alwaysMapped)
    fileCount += 1
    let checksumsEnabled = directory.controlFile.checksumsEnabled
    let first = fork.firstBlock(ofSegment: segment.number)
    file.withUnsafeBytes { file in
      for index in 0..<segment.blockCount {
        guard let page = file.baseAddress.map({ $0 + Int(index) * PageLayout.blockSize }) else { return }
        let block = first.advanced(by: index)
        blockCount += 1
        let verdict = PageVerifier.isVerified(page, block: block, checksumsEnabled: checksumsEnabled)
        if verdict.contains(.allZero) {
          newCount += 1
        } else if !PageHeader(page).hasExpectedLayout {
          otherLayout.append("\(path):\(index)")
        }
        if !verdict.isValid {
          bad.append(
            BadPage(
              path: path, block: index, verdict: verdict,
              expected: PageChecksum.compute(page, block: block), found: PageHeader(page).checksum))
          diagnoses["\(path):\(index)"] = PageDiagnosis(
            page, block: block, checksumsEnabled: checksumsEnabled, forkBlockCount: fork.blockCount)
        }
      }
    }
  }
}

/// What PostgreSQL's own `pg_checksums --check` says about a cluster.
struct ChecksumsReport {
  struct BadBlock: Hashable {
    var path: String
    /// Within the file.
    var block: UInt32
    var expected: UInt16
    var found: UInt16
  }

  let filesScanned: Int
  let blocksScanned: UInt64
  let bad: Set<BadBlock>

  init(_ cluster: PostgresCluster) throws {
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
