import MillraceIO
import Synchronization

/// The buffers' part in the completion of a write: pages become clean, their locks and pins go. Runs on whichever
/// thread reaps, so that nobody who waits for a page depends on the thread that wrote it out.
final class BufferWriteCompletion: IOCompletion, @unchecked Sendable {
  // Safe because it has no state, and only touches buffers that the I/O has the right to.

  /// One serves all pools; which one, the I/O's context says.
  static let shared = BufferWriteCompletion()

  /// As the datum of an I/O whose outcome nobody will ask for: a failure goes to the log.
  static let unattended: UInt8 = 1

  /// Lets others wait for the I/O, which from now on holds the issuer's locks and pins.
  override func stage(_ io: borrowing CompletionContext) {
    let reference = io.reference.rawValue
    let descriptors = BufferPool.with(io) { $0.descriptors }
    for buffer in io.data {
      let descriptor = descriptors + Int(buffer)
      descriptor.pointee.ioReference.store(reference, ordering: .releasing)
      BufferPool.noteStaged(descriptor)
    }
  }

  override func complete(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    BufferPool.with(io) { pool in complete(io, outcome, pool) }
  }

  private func complete(
    _ io: borrowing CompletionContext, _ outcome: IOOutcome, _ pool: BufferPool
  ) -> IOOutcome {
    let written = outcome.status == .failed ? 0 : Int(outcome.result)
    let data = io.mutableData
    // By now the segment is among those that the next checkpoint syncs, which must not find a page clean before.
    for offset in data.indices {
      let buffer = data[offset]
      if pool.terminateWrite(buffer, succeeded: offset < written) { data[offset] = buffer | Self.failedAgainMark }
    }
    pool.counters.blocksWritten.sharedIncrement(by: UInt64(written))
    pool.counters.writesInFlight.sharedDecrement()
    if written < data.count { pool.counters.writeFailures.sharedIncrement() }
    return outcome
  }

  // Above the number of any buffer (BufferPool.countMax).
  private static let failedAgainMark: UInt32 = 1 << 31

  /// Writes to the log what nobody else will report, and that a page's second failure in a row is a bad sign. Here and
  /// not where the I/O is completed, because that must not allocate.
  override func completeLocal(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    if outcome.status != .ok { log(io, outcome) }
    return outcome
  }

  @inline(never) private func log(_ io: borrowing CompletionContext, _ outcome: IOOutcome) {
    guard let place = io.place else { return }
    let first = UInt32(place.firstBlock) + UInt32(io.offset / Int64(PageLayout.blockSize))
    BufferPool.with(io) { pool in
      if io.datum == Self.unattended {
        let error = pool.writeFailure(outcome, path: place.path, blocks: first..<first + UInt32(io.data.count))
        pool.engine.logWarning(error.description)
      }
      for (offset, entry) in io.data.enumerated() where entry & Self.failedAgainMark != 0 {
        pool.engine.logWarning(
          "could not write block \(first + UInt32(offset)) of \"\(place.path)\";"
            + " DETAIL: Multiple failures --- write error might be permanent.")
      }
    }
  }
}
