import Glibc
import MillraceIO
import MillraceStorage
import Synchronization

/// From the buffers to the files: several writes in flight, in the order of their positions.
///
/// **The partial page.** While a write that ends in the middle of a page is in flight, that page is not written again:
/// the two could reach the medium in either order, and the older one last. Everything else may overlap.
extension WriteAheadLog {
  static var pageSize: UInt64 { UInt64(WALLayout.pageSize) }

  @inline(__always) static func pageStart(_ position: UInt64) -> UInt64 { position & ~(pageSize - 1) }

  @inline(__always) static func pageEnd(_ position: UInt64) -> UInt64 { pageStart(position + pageSize - 1) }

  /// The end of the segment that the byte at a position lies in.
  @inline(__always) func segmentEnd(_ position: UInt64) -> UInt64 {
    (position | (geometry.segmentSize - 1)) + 1
  }

  /// Whether the page that a write would have to begin with is in flight.
  var isPartialPageInFlight: Bool {
    let initiated = writes.initiated
    return initiated % Self.pageSize != 0 && writes.position < initiated
  }

  // MARK: Insertions

  /// Waits until all records up to a position have been copied.
  /// - Parameter position: at most the end of what has been reserved.
  func waitForInsertions(through position: UInt64) throws(WALError) {
    var spins = 0
    while true {
      let (complete, obstacle) = complete()
      if complete >= position { return }
      try throwIfFailed()
      guard let obstacle else { continue }
      // Copying takes less than falling asleep; but an inserter may have lost its processor, or wait for space.
      spins += 1
      if spins < 32 { sched_yield() } else { slots.sleep(on: obstacle) }
    }
  }

  // MARK: Ordering

  /// A stretch of entries that one thread has appended and now starts.
  struct EntryRange {
    var first: UInt64 = 0
    var count: UInt64 = 0
    /// The position that the last one ends at.
    var upTo: UInt64 = 0
    /// The segment that has to be opened before more can be appended.
    var missingSegment: UInt64?
  }

  /// Appends writes from where the last one ended. With the leader lock; no partial page may be in flight.
  /// - Parameters:
  ///   - position: at most where the log is complete.
  ///   - isSplit: in pieces of `io_wal_target_blocks`, to have several in flight.
  func appendWrites(upTo position: UInt64, isSplit: Bool) -> EntryRange {
    var from = writes.initiated
    var range = EntryRange(first: writes.appended, upTo: from)
    let pieceBytes =
      isSplit && configuration.ioTargetPages > 0 ? UInt64(configuration.ioTargetPages) * Self.pageSize : .max
    // Who comes up after a crash looks no further for what was in flight. Whoever waits for more gets it by driving the
    // flush of a segment that is full, which has been appended with its last write.
    let firstBarred = flushed / geometry.segmentSize + WALTail.segmentsNotDurable
    while from < position, !writes.isFull {
      let segment = from / geometry.segmentSize
      if segment >= firstBarred { break }
      guard let file = openSegments.file(segment) else {
        range.missingSegment = segment
        break
      }
      let start = Self.pageStart(from)
      var end = min(position, segmentEnd(from))
      // One piece of memory: not beyond the ring's end. And not beyond what one I/O can have.
      end = min(end, start + (buffers.byteCount - start % buffers.byteCount), start + (1 << 30))
      if end - start > pieceBytes { end = start + pieceBytes }
      let endsSegment = end == segmentEnd(from) && !isDurableWhenWritten
      if endsSegment, flushes.isFull { break }
      _ = writes.append(from: start, upTo: end, file: file)
      // A segment that is full is made durable whoever asks, as PostgreSQL does: its file need not stay open then.
      if endsSegment { appendFlushes(upTo: end) }
      range.count += 1
      range.upTo = end
      from = end
    }
    return range
  }

  /// Appends the flushes that make everything durable from where the last one ended: one for each segment's file. With
  /// the leader lock; there must be room for them.
  func appendFlushes(upTo position: UInt64) {
    var from = flushes.initiated
    while from < position {
      let end = min(position, segmentEnd(from))
      guard let file = openSegments.file(from / geometry.segmentSize) else {
        fatalError("invariant broken: a WAL segment was closed before it was durable")
      }
      _ = flushes.append(from: from, upTo: end, file: file)
      from = end
    }
  }

  /// Whether there is room to flush up to a position.
  func hasRoomForFlushes(upTo position: UInt64) -> Bool {
    let from = flushes.initiated
    guard from < position else { return true }
    let needed = (position - 1) / geometry.segmentSize - from / geometry.segmentSize + 1
    return flushes.appended - flushes.completed + needed <= flushes.capacity
  }

  /// Opens a segment, and closes those that are done with. Without the leader lock.
  func open(_ segment: UInt64, backend: IOBackend) throws(WALError) {
    var file: IOFile?
    do throws(IOError) {
      file = try segments.open(segment, segmentOptions, backend: backend)
    } catch {
      engine.logWarning("\(error)")
      fail(WALFailure(.segment, errno: error.errno, segment: segment))
      try throwIfFailed()
    }
    while let opened = file {
      leader.acquire()
      if openSegments.file(segment) == nil {
        if openSegments.add(opened, segment) { file = nil }
      } else {
        // Another thread was faster.
        leader.release()
        engine.close(opened, by: backend)
        return
      }
      let finished = openSegments.takeFinished(durable: flushed, segmentSize: geometry.segmentSize)
      leader.release()
      if let finished {
        engine.close(finished.takeRetainedValue(), by: backend)
      } else if file != nil {
        // All places are taken by what is not durable yet.
        try throwIfFailed()
        drive(backend)
      }
    }
  }

  // MARK: Starting

  /// Starts a write that this thread, or none, has appended.
  /// - Parameter flags: `.synchronous` executes it in place.
  func startWrite(_ number: UInt64, flags: IOFlags, backend: IOBackend) {
    let handle = backend.acquire()
    guard writes.claim(number) else { return }
    let (from, upTo) = writes.range(number)
    handle.setPriority(.wal)
    handle.add(writeCompletion)
    handle.setUse(.wal)
    handle.setContext(writes.context(number))
    handle.vectors[0] = IOVector(base: buffers.address(of: from), byteCount: Int(Self.pageEnd(upTo) - from))
    _ = handle.start(
      .writev, unretained: writes.file(number), at: Int64(from & (geometry.segmentSize - 1)), vectorCount: 1,
      flags: flags)
  }

  /// Starts a flush up to whose end everything has been written.
  func startFlush(_ number: UInt64, flags: IOFlags, backend: IOBackend) {
    let handle = backend.acquire()
    guard flushes.claim(number) else { return }
    handle.setPriority(.wal)
    handle.add(flushCompletion)
    handle.setUse(.wal)
    handle.setContext(flushes.context(number))
    _ = handle.start(syncMethod == .fsync ? .fsync : .fdatasync, unretained: flushes.file(number), flags: flags)
  }

  /// Starts writes: one in place where the caller waits for it, several together.
  func start(_ range: EntryRange, isAwaited: Bool, backend: IOBackend) {
    if range.count == 1, isAwaited {
      startWrite(range.first, flags: .synchronous, backend: backend)
      return
    }
    let batch = backend.batch()
    for number in range.first..<range.first + range.count { startWrite(number, flags: [], backend: backend) }
    batch.submit()
  }

  // MARK: Driving

  /// Does the next thing that moves the log on, or waits for it: the oldest write, or the oldest flush where everything
  /// before it has been written. Whoever calls this may do so for I/O that other threads have started, and that nobody
  /// else is waiting for.
  func drive(_ backend: IOBackend) {
    if !isDurableWhenWritten, let flush = flushes.oldest(), writes.position >= flush.upTo {
      if !flush.isStarted {
        startFlush(flush.number, flags: .synchronous, backend: backend)
      } else if flush.reference.isNone {
        sched_yield()
      } else {
        backend.wait(for: flush.reference)
      }
      return
    }
    waitForOldestWrite(backend)
  }

  func waitForOldestWrite(_ backend: IOBackend) {
    guard let write = writes.oldest() else { return }
    guard write.isStarted else {
      // The thread that appended it is about to start it.
      let ticket = writtenEvent.prepare()
      if let write = writes.oldest(), !write.isStarted, !hasFailed { writtenEvent.sleep(ticket) }
      return
    }
    if write.reference.isNone { sched_yield() } else { backend.wait(for: write.reference) }
  }

  /// Waits until everything up to a position has been written.
  func waitForWrites(through position: UInt64, backend: IOBackend) throws(WALError) {
    while writes.position < position {
      try throwIfFailed()
      waitForOldestWrite(backend)
    }
  }

  /// Writes out up to a position so that its space can be used again; does not flush. Writes as much as is complete, in
  /// whole pages, and leaves more of it in flight than it waits for.
  func write(through position: UInt64, backend: IOBackend) throws(WALError) {
    try waitForInsertions(through: position)
    while writes.position < position {
      try throwIfFailed()
      if writes.initiated < position {
        try writeCompletePages(backend: backend)
      } else {
        waitForOldestWrite(backend)
      }
    }
    startReadyFlushes(backend: backend)
  }

  /// Starts the flushes, without waiting for them, that nobody has started and before which everything has been
  /// written.
  func startReadyFlushes(backend: IOBackend) {
    guard !isDurableWhenWritten else { return }
    for number in flushes.numbersInFlight where flushes.isPending(number, upTo: writes.position) {
      startFlush(number, flags: [], backend: backend)
    }
  }

  /// Whether so much is in the buffers and in no write that inserters will soon have to write for want of space: half
  /// of `wal_buffers`. One half is filled while the other is being written.
  @inline(__always) func isWriteBehindDue(at position: UInt64) -> Bool {
    position > writes.initiated + buffers.byteCount / 2
  }

  /// Starts writes of the pages that are complete.
  /// - Parameter pagesMin: fewer are left for later.
  func writeCompletePages(atLeast pagesMin: UInt64 = 1, backend: IOBackend) throws(WALError) {
    guard leader.tryAcquire() else { return leader.waitForRelease() }
    let position = Self.pageStart(complete().position)
    let initiated = writes.initiated
    if position < Self.pageStart(initiated) + pagesMin * Self.pageSize {
      leader.release()
      return
    }
    guard !isPartialPageInFlight, !writes.isFull else {
      leader.release()
      return waitForOldestWrite(backend)
    }
    let range = appendWrites(upTo: position, isSplit: true)
    leader.release()
    if range.count > 0 { start(range, isAwaited: false, backend: backend) }
    if let segment = range.missingSegment {
      try open(segment, backend: backend)
    } else if range.count == 0 {
      drive(backend)
    }
  }
}
