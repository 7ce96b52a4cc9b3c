import Glibc
import MillraceIO
import Synchronization

/// What happens when a write or a flush of the log ends, on whichever thread reaps it: the position that it was about
/// moves on, is published, and whoever waits for it wakes. There is no other place that publishes a position, so every
/// `wal_sync_method` does it alike, and once for each advance.
final class WALCompletion: IOCompletion, @unchecked Sendable {
  // Safe because the log that it points to is not let go of with I/O in flight.

  private let log: Unmanaged<WriteAheadLog>
  private let isFlush: Bool

  init(_ log: WriteAheadLog, isFlush: Bool) {
    self.log = .passUnretained(log)
    self.isFlush = isFlush
  }

  /// Tells others what to wait with before the I/O can end.
  override func stage(_ io: borrowing CompletionContext) {
    guard let context = io.context else { return }
    let number = PositionQueue.number(context)
    let reference = io.reference
    log._withUnsafeGuaranteedRef { log in
      log.queue(isFlush: isFlush).setReference(reference, of: number)
      if !isFlush { log.writtenEvent.signalAll() }
    }
  }

  override func complete(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    guard let context = io.context else { return outcome }
    log._withUnsafeGuaranteedRef { log in
      guard outcome.status == .ok else {
        // What was written in part has come to the end of the space.
        let number = outcome.status == .failed ? Int32(bitPattern: outcome.detail) : ENOSPC
        log.fail(
          WALFailure(
            isFlush ? .flush : .write, errno: number,
            segment: PositionQueue.start(context) / log.geometry.segmentSize))
        return
      }
      let queue = log.queue(isFlush: isFlush)
      guard let position = queue.complete(PositionQueue.number(context)) else { return }
      if isFlush { log.publishFlushed(position) } else { log.publishWritten(position) }
    }
    return outcome
  }
}

extension WriteAheadLog {
  @inline(__always) func queue(isFlush: Bool) -> PositionQueue { isFlush ? flushes : writes }

  /// All writes up to a position have ended.
  func publishWritten(_ position: UInt64) {
    writtenEvent.signalAll()
    if isDurableWhenWritten {
      publishFlushed(position)
    } else if batches.hasRoom {
      // Somebody may have waited for the page that it ends on.
      batches.nudge()
    }
  }

  /// Everything up to a position is durable: the one place where this is made known.
  func publishFlushed(_ position: UInt64) {
    guard !hasFailed else { return }
    let (before, _) = shared.pointee.flushed.max(position, ordering: .sequentiallyConsistent)
    guard before < position else { return }
    shared.pointee.publications.sharedAdd(1)
    batches.end(upTo: position, clock: configuration.monotonicClock)
    positionWaiters.publish(position)
  }
}
