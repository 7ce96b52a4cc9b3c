/// One file of a fork.
public struct RelationSegment: Sendable, Hashable {
  /// Which part of the fork this is, counted from zero.
  public let number: UInt32
  /// The file's length in bytes, when it was listed.
  public let length: UInt64

  public init(number: UInt32, length: UInt64) {
    self.number = number
    self.length = length
  }

  /// How many whole pages the file holds.
  public var blockCount: UInt32 { UInt32(clamping: length / UInt64(PageLayout.blockSize)) }

  /// How many bytes follow the last whole page. Zero, unless the file is damaged or just being extended.
  public var partialPageLength: Int { Int(length % UInt64(PageLayout.blockSize)) }
}

/// One fork of a relation, as its files are on disk.
public struct RelationFork: Sendable, Hashable {
  public let locator: RelationLocator
  /// The backend whose temporary relation this is; `nil` for every other relation. Temporary relations are there only
  /// while their session runs, and after a crash.
  public let backend: UInt32?
  public let fork: ForkNumber
  /// The path of the first segment, relative to the data directory.
  public let path: String
  /// The files, by rising number. At least one; numbers may be missing, see `anomalies`.
  public let segments: [RelationSegment]
  /// How many blocks a segment holds when it is full.
  public let segmentBlocks: UInt32

  /// The path of a segment, relative to the data directory.
  public func path(ofSegment number: UInt32) -> String {
    number == 0 ? path : "\(path).\(number)"
  }

  /// The number that the first block of a segment has in the fork.
  ///
  /// - Precondition: `number` is one of `segments`.
  public func firstBlock(ofSegment number: UInt32) -> BlockNumber {
    BlockNumber(0).advanced(by: number * segmentBlocks)
  }

  /// How many blocks the fork has for PostgreSQL: full segments from the first on, up to and with the first that is not
  /// full (`mdnblocks` in src/backend/storage/smgr/md.c).
  public var blockCount: UInt32 {
    var count: UInt32 = 0
    for (index, segment) in segments.enumerated() {
      guard segment.number == UInt32(index) else { break }
      count += min(segment.blockCount, segmentBlocks)
      if segment.blockCount < segmentBlocks { break }
    }
    return count
  }

  /// How many whole pages all files of the fork hold, whether or not PostgreSQL would find them: what `pg_checksums`
  /// scans.
  public var storedBlockCount: UInt64 {
    segments.reduce(0) { $0 + UInt64($1.blockCount) }
  }
}

extension RelationFork {
  /// What is wrong with the lengths and numbers of the files. Empty if all is well.
  ///
  /// A segment that is not full is the last. It may be followed by empty ones, which PostgreSQL leaves behind when it
  /// truncates a relation, so only what comes after them and holds data shows that something is missing.
  public var anomalies: [ClusterAnomaly] {
    var anomalies: [ClusterAnomaly] = []
    let lastWithData = segments.last { $0.length > 0 }?.number
    var expected: UInt32 = 0
    for segment in segments {
      let path = path(ofSegment: segment.number)
      if let lastWithData, segment.number > expected, segment.number <= lastWithData {
        let missing = segment.number - expected
        anomalies.append(
          .segmentsMissing(path: self.path(ofSegment: expected), count: missing, followedBy: lastWithData))
      }
      if segment.partialPageLength > 0 {
        let block = UInt64(segment.number) * UInt64(segmentBlocks) + UInt64(segment.blockCount)
        anomalies.append(
          .partialPage(
            path: path, block: BlockNumber(UInt32(clamping: block)), presentBytes: segment.partialPageLength))
      }
      if segment.blockCount > segmentBlocks || segment.blockCount == segmentBlocks && segment.partialPageLength > 0 {
        anomalies.append(.segmentTooLong(path: path, length: segment.length, segmentBlocks: segmentBlocks))
      } else if let lastWithData, segment.number < lastWithData, segment.blockCount < segmentBlocks {
        anomalies.append(
          .segmentEndsEarly(
            path: path, blockCount: segment.blockCount, segmentBlocks: segmentBlocks, followedBy: lastWithData))
      }
      expected = segment.number + 1
    }
    return anomalies
  }
}
