import Glibc
public import MillraceIO
public import MillraceStorage
import Synchronization

/// Making the log durable, for those who wait for it: group commit.
extension WriteAheadLog {
  /// Waits until the log is durable up to a position: PostgreSQL's XLogFlush. Until this returns nothing may be
  /// acknowledged that lies before it.
  ///
  /// One committer alone writes and flushes in place, two system calls and no other thread. Where others are at it, it
  /// is their next write and flush that serves, or one that it makes for all who came meanwhile.
  /// - Parameters:
  ///   - position: at most ``reservedPosition``: the end of a record that was inserted.
  ///   - backend: of the calling thread; not exclusive.
  ///   - siblings: other transactions that are under way, for `commit_siblings`.
  /// - Throws: ``WALError``.
  public func flush(upTo position: LogSequenceNumber, backend: IOBackend, siblings: Int = 0) throws(WALError) {
    let target = try target(position)
    if flushed >= target { return }
    try waitForInsertions(through: target)
    if configuration.commitDelay > 0, siblings >= configuration.commitSiblings { delay() }
    try makeDurable(target, backend: backend)
  }

  /// Starts making the log durable up to a position, and does not wait for it: commits overlap it with what they have
  /// to do besides. ``flush(upTo:backend:siblings:)`` waits for it.
  public func startFlush(upTo position: LogSequenceNumber, backend: IOBackend) throws(WALError) {
    let target = try target(position)
    if flushed >= target { return }
    try waitForInsertions(through: target)
    while flushed < target, batches.covering(target) == nil, mayLead(target) {
      try throwIfFailed()
      try lead(target, isAttended: false, backend: backend)
    }
  }

  /// A position in the form in which ends of records are compared: the end of a page, not the place behind the next
  /// one's header, which means the same.
  private func target(_ position: LogSequenceNumber) throws(WALError) -> UInt64 {
    try throwIfFailed()
    var target = position.rawValue
    let offset = Int(target % Self.pageSize)
    if offset != 0, offset <= geometry.pageHeaderSize(at: position) { target = Self.pageStart(target) }
    if target > flushed, target > reservedPosition.rawValue {
      throw WALError(
        .positionBeyondEnd, "a flush of WAL up to \(position) was asked for, which ends at \(reservedPosition)")
    }
    return target
  }

  // MARK: Group commit

  /// - Parameters:
  ///   - target: up to where the log is complete.
  ///   - wholePages: a page that is not full is left alone where the target does not lie on it.
  func makeDurable(_ target: UInt64, wholePages: Bool = false, backend: IOBackend) throws(WALError) {
    while flushed < target {
      try throwIfFailed()
      if let batch = batches.covering(target) {
        if batch.isAttended { sleep(onBatch: batch.number, target) } else { drive(backend) }
      } else if mayLead(target) {
        if configuration.padsPartialPages, !wholePages { try padPartialPage(backend: backend) }
        try lead(target, isAttended: true, wholePages: wholePages, backend: backend)
      } else if batches.areAttended || isDelaying {
        sleepForNextBatch(target)
      } else {
        drive(backend)
      }
    }
  }

  private var isDelaying: Bool { shared.pointee.isDelaying.load(ordering: .sequentiallyConsistent) }

  /// Whether a batch can be begun now.
  private func mayLead(_ target: UInt64) -> Bool {
    if !batches.hasRoom || isDelaying { return false }
    // Its page comes back when the batch before it ends.
    return !(isPartialPageInFlight && writes.initiated < target)
  }

  private func sleep(onBatch number: UInt64, _ target: UInt64) {
    let event = batches.event(number)
    let ticket = event.prepare()
    if flushed < target, !hasFailed, batches.isInFlight(number) { event.sleep(ticket) }
  }

  /// Sleeps until the next batch has ended, or this thread is to lead it.
  private func sleepForNextBatch(_ target: UInt64) {
    let next = batches.appended
    let event = batches.event(next)
    let ticket = event.prepare()
    // Not served by a batch that was begun meanwhile: of those who wait for the next one only one is woken to lead.
    guard flushed < target, !hasFailed, batches.appended == next, batches.covering(target) == nil, !mayLead(target),
      batches.areAttended || isDelaying
    else { return }
    event.sleep(ticket)
  }

  /// Waits for others to come, once for all who are here (`commit_delay`).
  private func delay() {
    let isMine = shared.pointee.isDelaying.compareExchange(
      expected: false, desired: true, ordering: .sequentiallyConsistent
    ).exchanged
    guard isMine else { return }
    shared.pointee.commitDelays.sharedAdd(1)
    usleep(UInt32(configuration.commitDelay))
    shared.pointee.isDelaying.store(false, ordering: .sequentiallyConsistent)
    batches.nudge()
  }

  // MARK: Leading

  /// Appends a batch of everything that is complete, if none has come first, and makes it durable.
  /// - Parameter isAttended: stays until it has ended.
  private func lead(
    _ target: UInt64, isAttended: Bool, wholePages: Bool = false, backend: IOBackend
  ) throws(WALError) {
    guard leader.tryAcquire() else { return leader.waitForRelease() }
    guard flushed < target, batches.covering(target) == nil, mayLead(target) else { return leader.release() }
    var position = complete().position
    if wholePages { position = max(Self.pageStart(position), target) }
    guard isDurableWhenWritten || hasRoomForFlushes(upTo: position), !writes.isFull || writes.initiated >= target else {
      leader.release()
      return drive(backend)
    }
    let firstFlush = flushes.appended
    var range = EntryRange(first: writes.appended, upTo: writes.initiated)
    if range.upTo < position, !isPartialPageInFlight {
      let pages = (position - Self.pageStart(range.upTo)) / Self.pageSize
      range = appendWrites(upTo: position, isSplit: pages > UInt64(configuration.ioTargetPages))
    }
    guard range.upTo > flushed else {
      // Not even the first piece could be appended.
      leader.release()
      if let segment = range.missingSegment { return try open(segment, backend: backend) }
      return drive(backend)
    }
    if !isDurableWhenWritten { appendFlushes(upTo: range.upTo) }
    let flushCount = flushes.appended - firstFlush
    batches.append(upTo: range.upTo, isAttended: isAttended, at: configuration.monotonicClock())
    leader.release()
    // It may have become durable just before: then nobody else ends it.
    batches.end(upTo: flushed, clock: configuration.monotonicClock)
    perform(range, flushes: firstFlush..<firstFlush + flushCount, isAttended: isAttended, backend: backend)
    if let segment = range.missingSegment { try open(segment, backend: backend) }
  }

  /// Starts the writes and flushes of a batch, and stays with them where that was promised.
  private func perform(
    _ range: EntryRange, flushes numbers: Range<UInt64>, isAttended: Bool, backend: IOBackend
  ) {
    start(range, isAwaited: isAttended || !isDirect, backend: backend)
    guard isAttended else {
      startReadyFlushes(backend: backend)
      if !numbers.isEmpty { writerEvent.signalAll() }
      return
    }
    for number in numbers {
      // Its own flush first: another's may be in flight, and need not be waited for before.
      let upTo = flushes.range(number).upTo
      while writes.position < upTo, !hasFailed { waitForOldestWrite(backend) }
      if hasFailed { return }
      startFlush(number, flags: numbers.count == 1 ? .synchronous : [], backend: backend)
    }
    while flushed < range.upTo, !hasFailed { drive(backend) }
  }

  // MARK: Following

  /// Sleeps until the log is durable beyond a position, or has stopped: for WAL senders and the like, which follow and
  /// do not drive.
  /// - Parameter timeout: nanoseconds; negative for none.
  /// - Returns: the durable position.
  /// - Throws: ``WALError`` `.stopped`.
  public func waitForFlush(
    beyond position: LogSequenceNumber, timeout: Int64 = -1
  ) throws(WALError) -> LogSequenceNumber {
    while true {
      let ticket = positionWaiters.event.prepare()
      let durable = flushed
      if durable > position.rawValue { return LogSequenceNumber(durable) }
      try throwIfFailed()
      if !positionWaiters.event.sleep(ticket, timeout: timeout) { return flushedPosition }
    }
  }

  /// Has a thread woken at every publication of the durable position, whatever makes it durable, and when the log
  /// stops: for one who waits for other things besides, and looks himself.
  /// - Parameter wake: called on whichever thread reaps a flush; sets a latch or the like, and does not wait.
  /// - Returns: what ``stopFollowing(_:)`` takes.
  package func follow(_ wake: @escaping @Sendable () -> Void) -> UInt64 { positionWaiters.addFollower(wake) }

  /// Afterwards the follower is not called any more.
  package func stopFollowing(_ ticket: UInt64) { positionWaiters.removeFollower(ticket) }

  /// Suspends the task until the log is durable up to a position. Does not drive it.
  /// - Throws: ``WALError`` `.stopped`, or `.cancelled` where the task was cancelled first.
  public func flushed(upTo position: LogSequenceNumber) async throws(WALError) {
    if flushed >= position.rawValue { return }
    let waiters = positionWaiters
    let ticket = waiters.ticket()
    let isDue = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        waiters.add(continuation, ticket: ticket, position: position.rawValue)
        if flushed >= position.rawValue || hasFailed { waiters.withdraw(ticket: ticket, result: true) }
        if Task.isCancelled { waiters.withdraw(ticket: ticket, result: false) }
      }
    } onCancel: {
      waiters.withdraw(ticket: ticket, result: false)
    }
    if flushed >= position.rawValue { return }
    try throwIfFailed()
    if !isDue { throw WALError(.cancelled, "waiting for WAL was cancelled; the log goes on") }
  }
}
