import MillraceIO

/// The file's part in the completion of a write: remembers that the segment has to be made durable, whatever came of
/// the write, and turns bytes into whole blocks (PostgreSQL's md_writev_complete). It runs before the buffers' part, so
/// that a page is not clean before the next checkpoint knows of its file.
final class SegmentWriteCompletion: IOCompletion, @unchecked Sendable {
  // Safe because it has no state, and segments guard what it touches.

  static let shared = SegmentWriteCompletion()

  /// As the datum: somebody else makes the file durable (PostgreSQL's `skipFsync`).
  static let withoutSync: UInt8 = 1

  override func complete(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    if io.datum != Self.withoutSync {
      // Registered for I/O on segments alone.
      io.withFile { unsafeDowncast($0, to: SegmentFile.self).requestSync() }
    }
    guard outcome.status != .failed else { return outcome }
    let blocks = outcome.result / Int32(PageLayout.blockSize)
    if blocks == 0 { return IOOutcome(.failed, result: 0, decidedBy: io.id) }
    return IOOutcome(Int(blocks) * PageLayout.blockSize == io.length ? .ok : .partial, result: blocks, decidedBy: io.id)
  }
}
