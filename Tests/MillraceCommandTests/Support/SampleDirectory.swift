import Foundation
import MillraceTestSupport

/// A sample cluster with small segments, in a directory of its own.
struct SampleDirectory {
  let temporary: TemporaryDirectory

  static let relation = SampleCluster.relation

  var path: String { temporary.path + "/data" }

  /// - Parameters:
  ///   - blocks: pages of the relation.
  ///   - segmentBlocks: pages of a full segment.
  init(blocks: Int = 160, segmentBlocks: Int = 64) throws {
    temporary = try TemporaryDirectory()
    try temporary.createDirectory("data")
    try SampleCluster(temporary: temporary, blockCount: blocks, segmentBlocks: segmentBlocks).write()
  }

  /// Changes the bytes of a file.
  func edit(_ relative: String, _ change: (inout [UInt8]) -> Void) throws {
    let url = temporary.url("data/" + relative)
    var bytes = Array(try Data(contentsOf: url))
    change(&bytes)
    try Data(bytes).write(to: url)
  }

  func write(_ text: String, to relative: String) throws { try temporary.write(text.utf8, to: "data/" + relative) }
}
