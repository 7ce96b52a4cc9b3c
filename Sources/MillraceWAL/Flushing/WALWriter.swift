public import MillraceIO
public import MillraceStorage
import Synchronization

/// What is done for the log when no committer does it: writes the pages that are complete, makes durable what was
/// committed with `synchronous_commit=off`, drives asynchronous flushes, and prepares segments before they are needed
/// (PostgreSQL's WAL writer).
///
/// It is woken when half of `wal_buffers` is in no write, and goes on writing behind who inserts as long as that is so:
/// an inserter finds space instead of having to make it. (PostgreSQL's writer does not know how full the buffers are;
/// its inserters write one page after another themselves, AdvanceXLInsertBuffer.)
///
/// A commit that is not waited for is durable after at most three times `wal_writer_delay`.
public final class WALWriter {
  private let log: WriteAheadLog
  private let backend: IOBackend
  private var lastFlush: UInt64
  private var hasWarned = false

  /// - Parameter backend: of the thread that calls ``round(now:)``.
  public init(_ log: WriteAheadLog, backend: IOBackend) {
    (self.log, self.backend) = (log, backend)
    lastFlush = monotonicNanoseconds()
  }

  /// One round, PostgreSQL's XLogBackgroundFlush and what goes with it.
  ///
  /// Whole pages are written as soon as they are complete. A flush is made where a commit waits for it in the
  /// background, where `wal_writer_flush_after` has been written since the last, or where `wal_writer_delay` has
  /// passed.
  /// - Parameter now: monotonic nanoseconds.
  /// - Returns: whether there was anything to do.
  /// - Throws: ``WALError`` `.stopped`.
  @discardableResult
  public func round(now: UInt64) throws(WALError) -> Bool {
    try log.throwIfFailed()
    prepareSegments()
    let before = (log.writes.initiated, log.flushed)
    try log.writeCompletePages(backend: backend)

    let commit = log.shared.pointee.asynchronousCommit.load(ordering: .sequentiallyConsistent)
    let durable = log.flushed
    let unflushedPages = (log.writes.initiated - min(log.writes.initiated, durable)) / WriteAheadLog.pageSize
    let delay = UInt64(log.configuration.writerDelay) * 1_000_000
    let isDue =
      unflushedPages > UInt64(log.configuration.writerFlushAfterPages) || now >= lastFlush && now - lastFlush >= delay
    if commit > durable {
      try log.flush(upTo: LogSequenceNumber(commit), backend: backend)
      lastFlush = now
    } else if isDue, log.writes.initiated > durable {
      // What is on the last page, nobody waits for: it is not written before it is full.
      let target = WriteAheadLog.pageStart(log.writes.initiated)
      try log.makeDurable(target, wholePages: true, backend: backend)
      lastFlush = now
    }
    try driveUnattended()
    return before != (log.writes.initiated, log.flushed)
  }

  /// Ends what was started and is waited for by nobody, and meanwhile starts to write what comes, as far as that keeps
  /// a ring's length from having to be waited for. Within bounds, so that a round ends.
  private func driveUnattended() throws(WALError) {
    let limit = log.writes.initiated + 4 * log.buffers.byteCount
    while !log.writes.isEmpty || !log.flushes.isEmpty && !log.isDurableWhenWritten {
      try log.throwIfFailed()
      let isBehind = log.isWriteBehindDue(at: log.complete().position)
      if isBehind, !log.writes.isFull, !log.isPartialPageInFlight, log.writes.initiated < limit {
        try log.writeCompletePages(backend: backend)
      } else {
        log.drive(backend)
      }
    }
  }

  /// Makes the segments that will be needed next. What cannot be made now is tried again, and is an error only when it
  /// is needed.
  private func prepareSegments() {
    let current = log.geometry.segment(of: log.reservedPosition)
    guard log.configuration.segmentsAhead > 0 else { return }
    do throws(IOError) {
      try log.segments.prepare(
        through: current + UInt64(log.configuration.segmentsAhead), from: current + 1, backend: backend)
      hasWarned = false
    } catch {
      if !hasWarned { log.engine.logWarning("a WAL segment could not be prepared: \(error)") }
      hasWarned = true
    }
  }

  /// Rounds until the log stops or ``WriteAheadLog/stopWriter()`` is called. On a thread of its own.
  ///
  /// Sleeps `wal_writer_delay` between two rounds, and twenty-five times as long once nothing has happened for fifty
  /// rounds, unless it is woken (PostgreSQL's LOOPS_UNTIL_HIBERNATE).
  public func run() {
    var idleRounds = 0
    while !log.isWriterStopping, !log.hasFailed {
      let ticket = log.writerEvent.prepare()
      do throws(WALError) {
        idleRounds = try round(now: monotonicNanoseconds()) ? 0 : idleRounds + 1
      } catch {
        return
      }
      let delay = Int64(log.configuration.writerDelay) * 1_000_000
      if log.isWriterStopping || log.isWriteBehindDue(at: log.complete().position) { continue }
      log.writerEvent.sleep(ticket, timeout: idleRounds > 50 ? delay * 25 : delay)
    }
  }
}

extension WriteAheadLog {
  /// Has a commit made durable in the background: `synchronous_commit=off` (PostgreSQL's XLogSetAsyncXactLSN).
  public func commitInBackground(_ end: LogSequenceNumber) {
    _ = shared.pointee.asynchronousCommit.max(end.rawValue, ordering: .sequentiallyConsistent)
    let pages = (end.rawValue - min(flushed, end.rawValue)) / Self.pageSize
    if pages >= UInt64(configuration.writerFlushAfterPages) { writerEvent.signalAll() }
  }

  /// Ends ``WALWriter/run()`` after its round.
  public func stopWriter() {
    shared.pointee.isWriterStopping.store(true, ordering: .sequentiallyConsistent)
    writerEvent.signalAll()
  }

  var isWriterStopping: Bool { shared.pointee.isWriterStopping.load(ordering: .sequentiallyConsistent) }

  /// Ends what is in flight and closes the segments' files. Nobody may use the log any more; what was not flushed is
  /// lost, unless it is flushed first.
  public func close(backend: IOBackend) {
    while !hasFailed, !writes.isEmpty || !flushes.isEmpty && !isDurableWhenWritten { drive(backend) }
    while let file = openSegments.takeAny() { engine.close(file.takeRetainedValue(), by: backend) }
  }
}
