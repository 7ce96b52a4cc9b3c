@testable import MillraceIO
@testable import MillraceStorage

/// A log that is durable as far as somebody asked for.
final class RecordingGuard: PageFlushGuard, @unchecked Sendable {
  // Safe because what is mutable is inside the lock.

  private struct State {
    var flushed = LogSequenceNumber.invalid
    var flushes: [UInt64] = []
    var failure: StorageError?
    var end: UInt64 = 0
    var inserted = LogSequenceNumber.invalid
  }

  private let state = Locked(State())

  override var flushedPosition: LogSequenceNumber { state.withLock { $0.flushed } }

  /// Up to where it was asked to be durable, in order.
  var flushes: [UInt64] { state.withLock { $0.flushes } }

  /// What every flush shall fail with.
  func fail(with error: StorageError?) { state.withLock { $0.failure = error } }

  /// Up to where there is a log: a flush makes all of it durable.
  func insert(upTo position: UInt64) { state.withLock { $0.inserted = LogSequenceNumber(position) } }

  /// The end of one more record, which is not durable yet.
  func append() -> LogSequenceNumber {
    state.withLock { state in
      state.end += 1
      return LogSequenceNumber(state.end)
    }
  }

  /// Is durable up to a position without having been asked.
  func advance(to position: UInt64) {
    state.withLock { $0.flushed = max($0.flushed, LogSequenceNumber(position)) }
  }

  override func flush(upTo position: LogSequenceNumber, backend: IOBackend) throws(StorageError) {
    try state.withLock { state throws(StorageError) in
      if let failure = state.failure { throw failure }
      state.flushes.append(position.rawValue)
      state.flushed = max(state.flushed, position, state.inserted)
    }
  }
}
