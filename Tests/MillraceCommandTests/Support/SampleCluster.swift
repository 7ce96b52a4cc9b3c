import Foundation
import MillraceStorage
import MillraceTestSupport

/// A data directory of PostgreSQL 18 with one table in it, made up from a seed: enough for every tool that reads pages,
/// and too little for a server, which needs catalogs.
struct SampleCluster {
  /// The one relation, below the directory.
  static let relation = "base/5/16384"

  let temporary: TemporaryDirectory
  let blockCount: Int
  /// Blocks of a full segment.
  let segmentBlocks: Int

  /// Writes everything below `data`.
  func write() throws {
    for name in ["base/5", "global", "pg_tblspc", "pg_wal"] { try temporary.createDirectory("data/" + name) }
    let time = Int64(Date.now.timeIntervalSince1970)
    let controlFile = ControlFile(
      newCluster: UInt64(time) << 32 | UInt64(getpid()), time: time, segmentBlocks: UInt32(segmentBlocks))
    try temporary.write(controlFile.encoded(), to: "data/global/pg_control")
    for name in ["PG_VERSION", "base/5/PG_VERSION"] { try temporary.write(Array("18\n".utf8), to: "data/" + name) }
    let sample = SampleRelation()
    for segment in 0..<(blockCount + segmentBlocks - 1) / segmentBlocks {
      let blocks = segment * segmentBlocks..<min((segment + 1) * segmentBlocks, blockCount)
      var bytes = [UInt8](repeating: 0, count: blocks.count * PageLayout.blockSize)
      bytes.withUnsafeMutableBytes { buffer in
        for (place, block) in blocks.enumerated() {
          let page = buffer[place * PageLayout.blockSize..<(place + 1) * PageLayout.blockSize]
          sample.fill(UnsafeMutableRawBufferPointer(rebasing: page), block: BlockNumber(UInt32(block)))
        }
      }
      try temporary.write(bytes, to: "data/" + Self.relation + (segment == 0 ? "" : ".\(segment)"))
    }
  }
}
