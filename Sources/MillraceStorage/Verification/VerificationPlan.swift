/// What is to be read, cut into pieces that jobs take one after the other.
struct VerificationPlan: Sendable {
  struct Piece: Sendable {
    let fork: RelationFork
    let segment: RelationSegment
    /// Blocks within the fork.
    let blocks: Range<UInt32>
  }

  let pieces: [Piece]
  let byteCount: Int
  let fileCount: Int

  /// Blocks of a piece: enough that starting on it costs nothing, few enough that jobs end together.
  private static let pieceBlocks: UInt32 = 4096

  init(_ listing: RelationListing) {
    var pieces: [Piece] = []
    for fork in listing.forks {
      for segment in fork.segments {
        // What lies behind the end of a full segment cannot be addressed; the listing reports it.
        let count = min(segment.blockCount, fork.segmentBlocks)
        let first = fork.firstBlock(ofSegment: segment.number).rawValue
        for start in stride(from: 0, to: count, by: Int(Self.pieceBlocks)) {
          let end = min(start + Self.pieceBlocks, count)
          pieces.append(Piece(fork: fork, segment: segment, blocks: first + start..<first + end))
        }
      }
    }
    self.pieces = pieces
    byteCount = pieces.reduce(0) { $0 + $1.blocks.count * PageLayout.blockSize }
    fileCount = listing.forks.reduce(0) { $0 + $1.segments.count }
  }
}
