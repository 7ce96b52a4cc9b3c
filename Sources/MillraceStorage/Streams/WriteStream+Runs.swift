import MillraceIO

/// From a batch of pages to writes: the log first, then pages that can go out together, each run one I/O.
extension WriteStream {
  /// Makes the log durable for the whole batch. - Returns: false where that failed; then the batch is given up.
  func flushLog() -> Bool {
    guard let flushed = pool.flushedPosition else { return true }
    var highest = LogSequenceNumber.invalid
    for position in 0..<own.pointee.entryCount {
      let buffer = own.pointee.entries[position].buffer
      // Who has it locked is changing it; then its LSN is looked at when it is claimed.
      guard pool.state(buffer).rawValue & flag != 0, pool.tryLock(buffer, .share) else { continue }
      highest = max(highest, pool.lsn(ofClaimed: buffer))
      pool.unlock(buffer, .share)
    }
    return highest <= flushed || flushLog(upTo: highest) || giveUpBatch(from: 0)
  }

  private func flushLog(upTo position: LogSequenceNumber) -> Bool {
    guard let flushGuard = pool.flushGuard else { return true }
    own.pointee.statistics.logFlushCount += 1
    backend.submit()
    do throws(StorageError) {
      try flushGuard.flush(upTo: position, backend: backend)
      return true
    } catch {
      note(error)
      return false
    }
  }

  func giveUpBatch(from position: Int) -> Bool {
    own.pointee.statistics.failedCount += UInt64(own.pointee.entryCount - position)
    dropEntries(from: position)
    return false
  }

  func dropEntries(from position: Int) {
    for position in position..<own.pointee.entryCount { pool.unpin(own.pointee.entries[position].buffer) }
    own.pointee.entryCount = 0
  }

  // MARK: Runs

  /// Claims a page and its followers, and starts their write. - Returns: the entry to go on with.
  func startRun(from first: Int) -> Int {
    let allowed = reserve(min(combineLimit, own.pointee.entryCount - first))
    var next = first
    let count = claimRun(&next, limit: allowed)
    budget.release(allowed - count)
    own.pointee.reserved -= allowed - count
    if count > 0 { issue(count) }
    return next
  }

  /// Asks for a place in flight and for blocks of the budget, waiting for own writes if need be.
  private func reserve(_ wanted: Int) -> Int {
    retireFinished()
    // Where the backend's I/O can wait, it does, beside I/O that somebody waits for.
    if yields, backend.yieldToForeground(keeping: configuration.besideForeground) {
      own.pointee.statistics.yieldCount += 1
      retireFinished()
    }
    while own.pointee.inFlight == maxIOs { retireOldest() }
    while true {
      let granted = budget.reserve(wanted, held: own.pointee.reserved)
      if granted == wanted || own.pointee.inFlight == 0 {
        own.pointee.reserved += granted
        return granted
      }
      budget.release(granted)
      retireOldest()
    }
  }

  /// Claims the first page from an entry on that is to be written, and those that follow it in its file as far as they
  /// can be had at once. - Returns: how many, in `run`.
  private func claimRun(_ next: inout Int, limit: Int) -> Int {
    let entries = own.pointee.entries
    var (count, limit) = (0, limit)
    var wanted: UInt64 = 0
    while next < own.pointee.entryCount, count < limit {
      let entry = entries[next]
      if count > 0, entry.tag != wanted { break }
      switch claim(entry.buffer, isFirst: count == 0) {
      case .busy: return count
      case .clean:
        pool.unpin(entry.buffer)
        next += 1
        if count > 0 { return count }
        // The budget stays reserved for the next one that is dirty.
        continue
      case .claimed:
        if count == 0 { limit = min(limit, blocksLeft(inSegmentOf: entry)) }
      }
      own.pointee.run[count] = entry.buffer
      count += 1
      next += 1
      wanted = entry.tag + 1
    }
    return count
  }

  private func blocksLeft(inSegmentOf entry: Entry) -> Int {
    let tag = BufferTag(rawValue: entry.tag)
    return directory.with(tag.fork) { Int($0.blocksPerSegment - tag.block % $0.blocksPerSegment) }
  }

  /// Claims a page whose log is durable, or, where it is the first of a write, makes it so.
  /// - Returns: `.busy` only for a page that is not the first.
  private func claim(_ buffer: BufferID, isFirst: Bool) -> BufferPool.WriteClaim {
    var claim = pool.claimForWrite(buffer, if: flag)
    if claim == .busy {
      guard isFirst else { return .busy }
      guard waitsForLocks else {
        own.pointee.statistics.lockedCount += 1
        return .clean
      }
      own.pointee.statistics.waitCount += 1
      claim = pool.claimForWriteByWaiting(buffer, if: flag, backend) ? .claimed : .clean
    }
    guard claim == .claimed else {
      own.pointee.statistics.cleanCount += 1
      return .clean
    }
    guard let flushed = pool.flushedPosition else { return .claimed }
    let lsn = pool.lsn(ofClaimed: buffer)
    if lsn <= flushed { return .claimed }
    // It has been changed since the batch's flush.
    if isFirst, flushLog(upTo: lsn) { return .claimed }
    pool.abandonClaim(buffer)
    guard isFirst else { return .busy }
    own.pointee.statistics.failedCount += 1
    return .clean
  }

  /// Starts the write of the claimed run.
  private func issue(_ count: Int) {
    let place = (own.pointee.oldest + own.pointee.inFlight) % maxIOs
    let operation = own.pointee.operations + place
    let tag = pool.tag(own.pointee.run[0])
    operation.pointee.block = tag.block
    operation.pointee.count = count
    operation.pointee.fork = directory.with(tag.fork) { keep($0) }
    do throws(StorageError) {
      let outcome = UnsafeMutableRawPointer(operation).assumingMemoryBound(to: IOOutcome.self)
      operation.pointee.reference = try pool.startWrite(
        own.pointee.run, count, backend, for: configuration.use, outcome: outcome)
      own.pointee.inFlight += 1
      own.pointee.statistics.ioCount += 1
      own.pointee.statistics.ioBlocks += UInt64(count)
      own.pointee.statistics.inProgressSum += UInt64(own.pointee.inFlight)
    } catch {
      own.pointee.statistics.failedCount += UInt64(count)
      budget.release(count)
      own.pointee.reserved -= count
      note(error)
    }
  }

  func forgetForks() {
    waitForFlushes()
    forks.removeAll()
    own.pointee.lastFork = nil
  }

  /// Keeps a fork as long as the stream may need it.
  @inline(__always) private func keep(_ fork: StoredFork) -> Unmanaged<StoredFork> {
    let reference = Unmanaged.passUnretained(fork)
    // Compared as an address, because looking at a reference counts one.
    if own.pointee.lastFork != UnsafeRawPointer(reference.toOpaque()) {
      forks.append(fork)
      own.pointee.lastFork = UnsafeRawPointer(reference.toOpaque())
    }
    return reference
  }
}
