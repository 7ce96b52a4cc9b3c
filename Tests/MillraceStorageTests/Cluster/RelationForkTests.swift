import Testing

@testable import MillraceStorage

@Suite struct RelationForkTests {
  /// A fork with segments of four blocks, from the lengths of its files in blocks. `nil` is a file that is not there.
  static func fork(_ blocks: [Double?]) -> RelationFork {
    let segments = blocks.enumerated().compactMap { number, blocks in
      blocks.map { RelationSegment(number: UInt32(number), length: UInt64($0 * 8192)) }
    }
    return RelationFork(
      locator: RelationLocator(tablespace: 1663, database: 5, relNumber: 16384), backend: nil, fork: .main,
      path: "base/5/16384", segments: segments, segmentBlocks: 4)
  }

  @Test func `a fork ends with its first segment that is not full`() {
    let cases: [(blocks: [Double?], count: UInt32, stored: UInt64)] = [
      ([0], 0, 0), ([3], 3, 3), ([4], 4, 4), ([4, 0], 4, 4), ([4, 2], 6, 6), ([4, 4, 1], 9, 9), ([3, 0, 0], 3, 3),
      ([3, 4], 3, 7), ([4, nil, 4], 4, 8), ([nil, 4], 0, 4), ([2.5], 2, 2), ([5], 4, 5),
    ]
    for (blocks, count, stored) in cases {
      #expect(Self.fork(blocks).blockCount == count, "\(blocks)")
      #expect(Self.fork(blocks).storedBlockCount == stored, "\(blocks)")
    }
  }

  @Test(
    arguments: [[0], [3], [4], [4, 0], [4, 4, 1], [3, 0, 0], [4, 4, 4], [0, 0], [4, nil, 0], [nil, 0]] as [[Double?]])
  func `a sound fork has no anomalies`(blocks: [Double?]) {
    #expect(Self.fork(blocks).anomalies.isEmpty)
  }

  @Test func `each anomaly names its file and what is wrong`() {
    let path = "base/5/16384"
    let cases: [(blocks: [Double?], anomalies: [ClusterAnomaly])] = [
      ([2.5], [.partialPage(path: path, block: BlockNumber(2), presentBytes: 4096)]),
      ([4, 1.25], [.partialPage(path: path + ".1", block: BlockNumber(5), presentBytes: 2048)]),
      ([3, 1], [.segmentEndsEarly(path: path, blockCount: 3, segmentBlocks: 4, followedBy: 1)]),
      ([0, 1], [.segmentEndsEarly(path: path, blockCount: 0, segmentBlocks: 4, followedBy: 1)]),
      ([4, nil, 1], [.segmentsMissing(path: path + ".1", count: 1, followedBy: 2)]),
      ([nil, 1], [.segmentsMissing(path: path, count: 1, followedBy: 1)]),
      ([4, nil, nil, nil, 2, 0], [.segmentsMissing(path: path + ".1", count: 3, followedBy: 4)]),
      ([5], [.segmentTooLong(path: path, length: 5 * 8192, segmentBlocks: 4)]),
      (
        [4.5],
        [
          .partialPage(path: path, block: BlockNumber(4), presentBytes: 4096),
          .segmentTooLong(path: path, length: 36_864, segmentBlocks: 4),
        ]
      ),
      (
        [3, nil, 0, 2],
        [
          .segmentEndsEarly(path: path, blockCount: 3, segmentBlocks: 4, followedBy: 3),
          .segmentsMissing(path: path + ".1", count: 1, followedBy: 3),
          .segmentEndsEarly(path: path + ".2", blockCount: 0, segmentBlocks: 4, followedBy: 3),
        ]
      ),
    ]
    for (blocks, anomalies) in cases {
      #expect(Self.fork(blocks).anomalies == anomalies, "\(blocks)")
      for anomaly in anomalies {
        #expect(!anomaly.description.isEmpty && anomaly.path.hasPrefix(path))
      }
    }
  }

  @Test func `blocks are numbered across segments`() {
    let fork = Self.fork([4, 4, 1])
    #expect(fork.firstBlock(ofSegment: 0) == BlockNumber(0))
    #expect(fork.firstBlock(ofSegment: 2) == BlockNumber(8))
    #expect(fork.path(ofSegment: 0) == "base/5/16384")
    #expect(fork.path(ofSegment: 2) == "base/5/16384.2")
  }
}
