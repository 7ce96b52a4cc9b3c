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
