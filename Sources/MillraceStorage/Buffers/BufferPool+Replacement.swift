import MillraceIO
import Synchronization

/// Finding a buffer for another page: PostgreSQL's clock sweep (src/backend/storage/buffer/freelist.c), which here
/// takes clean pages first.
extension BufferPool {
  /// Writes that one search starts in passing.
  private static let writesInPassing = 4

  /// Finds a buffer to use for another page: pinned once, without a tag.
  /// - Parameter backend: the calling thread's, to write out what must make room; without one only clean pages do.
  /// - Throws: ``StorageError`` `.noUnpinnedBuffers`, or what kept dirty pages from being written.
  func takeVictim(strategy: BufferStrategy?, backend: IOBackend?) throws(StorageError) -> BufferID {
    guard let strategy else { return try takeFromPool(backend, use) }
    if let buffer = try takeFromRing(strategy, backend) {
      backend?.uses.add(strategy.use, .reuses)
      return buffer
    }
    let buffer = try takeFromPool(backend, strategy.use)
    strategy.replaceCandidate(with: buffer)
    return buffer
  }

  private func takeFromRing(_ strategy: BufferStrategy, _ backend: IOBackend?) throws(StorageError) -> BufferID? {
    guard let buffer = strategy.candidate() else { return nil }
    if let backend, strategy.kind != .bulkRead { strategy.writeAhead(self, backend) }
    if takeForReplacement(buffer, usageMax: 1) { return buffer }
    var seen = state(buffer)
    if let backend, seen.has(BufferState.ioInProgress), seen.has(BufferState.valid) {
      // Its write was started long ago, and perhaps only nobody has looked.
      backend.submit()
      waitForIO(buffer, backend: backend)
      if takeForReplacement(buffer, usageMax: 1) { return buffer }
      seen = state(buffer)
    }
    if seen.pins > 0 { strategy.grow() }
    guard let backend, seen.has(BufferState.dirty), seen.pins == 0, seen.usage <= 1 else { return nil }
    // A scan does not wait for the log: what it made dirty in passing leaves its ring.
    if strategy.kind == .bulkRead, let flushedPosition, lsnHint(buffer) > flushedPosition {
      counters.ringRejects.sharedIncrement()
      return nil
    }
    try writeVictim(buffer, backend, strategy.use)
    return takeForReplacement(buffer, usageMax: 1) ? buffer : nil
  }

  private func takeFromPool(_ backend: IOBackend?, _ use: IOUse) throws(StorageError) -> BufferID {
    counters.allocations.sharedIncrement()
    allocationLatch.setIfWaitedFor()
    // Those that were never used come first, in order: neighbours in memory then hold neighbouring blocks.
    if nextUnused.load(ordering: .relaxed) < UInt32(count) {
      let buffer = nextUnused.wrappingAdd(1, ordering: .relaxed).oldValue
      if buffer < UInt32(count), takeForReplacement(buffer, usageMax: 0) { return buffer }
    }
    while true {
      var met = DirtyBuffers()
      if let buffer = sweep(&met, backend, use) { return buffer }
      // Only now, when the hand has come round without meeting a clean one, is a write waited for.
      guard let victim = met.unwritten ?? met.inFlight, let backend else {
        throw StorageError.noUnpinnedBuffers(count: count)
      }
      counters.writesWaitedFor.sharedIncrement()
      if met.unwritten == nil {
        backend.submit()
        waitForIO(victim, backend: backend)
      } else {
        try writeVictim(victim, backend, use)
      }
      if takeForReplacement(victim, usageMax: 0, evictor: backend, use) { return victim }
    }
  }

  /// What a sweep met besides buffers that could go.
  private struct DirtyBuffers {
    /// The first that nobody uses and that has no usage left.
    var unwritten: BufferID?
    /// The first that is being written.
    var inFlight: BufferID?
  }

  /// The clock sweep: usage counts fall as the hand passes, and who has none left goes, if it is clean. What is dirty
  /// is passed over, and its write started, so that it is clean for those who come next.
  /// - Returns: nil where the hand has come round and met pinned buffers only, or, after the first dirty one, has come
  ///   round twice without a clean one.
  private func sweep(_ met: inout DirtyBuffers, _ backend: IOBackend?, _ use: IOUse) -> BufferID? {
    var fruitless = 0
    var started = 0
    // Round twice where there are dirty ones: a clean page that was used once can go, too.
    while fruitless < (met.unwritten == nil ? count : count * 2) {
      let buffer = BufferID(clockHand.wrappingAdd(1, ordering: .relaxed).oldValue % UInt64(count))
      let seen = state(buffer)
      if met.unwritten != nil || seen.pins > 0 { fruitless += 1 } else { fruitless = 0 }
      if seen.pins > 0 {
        if met.inFlight == nil, seen.has(BufferState.ioInProgress), seen.has(BufferState.dirty) {
          met.inFlight = buffer
        }
        continue
      }
      if seen.usage > 0 {
        _ = descriptors[Int(buffer)].state.compareExchange(
          expected: seen.rawValue, desired: seen.rawValue - BufferState.oneUsage, ordering: .relaxed)
      } else if seen.has(BufferState.dirty) {
        if met.unwritten == nil {
          met.unwritten = buffer
          // Earlier writes may be over, and nobody has looked.
          if let backend, backend.outstandingCount > 0 { backend.reap(atLeast: 0) }
        }
        if let backend, started < Self.writesInPassing, startWriteInPassing(buffer, backend, use) {
          started += 1
        }
      } else if takeForReplacement(buffer, usageMax: 0, evictor: backend, use) {
        return buffer
      }
    }
    return nil
  }

  /// Takes an unpinned buffer and removes its page from the table.
  /// - Parameters:
  ///   - usageMax: the usage up to which the page may go.
  ///   - discardsDirty: whether a dirty page may go without being written.
  ///   - evictor: who needs the buffer for another page, and what for.
  func takeForReplacement(
    _ buffer: BufferID, usageMax: UInt64, discardsDirty: Bool = false, evictor: IOBackend? = nil,
    _ use: IOUse = .other
  ) -> Bool {
    let descriptor = descriptors + Int(buffer)
    let seen = state(buffer)
    guard seen.pins == 0, seen.usage <= usageMax, !seen.has(BufferState.ioInProgress),
      discardsDirty || !seen.has(BufferState.dirty)
    else { return false }
    // In one step pinned and without a valid tag: from then on nobody else can pin it.
    guard
      descriptor.pointee.state.compareExchange(
        expected: seen.rawValue, desired: BufferState.onePin, ordering: .acquiringAndReleasing
      ).exchanged
    else { return false }
    if seen.has(BufferState.tagValid) {
      table.remove(buffer, tag(buffer))
      descriptor.pointee.tag.store(0, ordering: .relaxed)
      evictor?.uses.add(use, .evictions)
    }
    return true
  }

  // MARK: Writing victims out

  /// The LSN of a page that nobody has locked for the caller: right, unless somebody is changing the page just now.
  private func lsnHint(_ buffer: BufferID) -> LogSequenceNumber {
    guard tryLock(buffer, .share) else { return LogSequenceNumber(.max) }
    defer { unlock(buffer, .share) }
    return PageHeader.lsn(of: page(buffer))
  }

  /// Starts the write of a dirty page and of its dirty neighbours, if that can be done without waiting for anything.
  private func startWriteInPassing(_ buffer: BufferID, _ backend: IOBackend, _ use: IOUse) -> Bool {
    // There a write is over when it has been started.
    guard engine.methodKind != .sync, claimUnused(buffer, tag(buffer), flushedPosition) else { return false }
    do throws(StorageError) {
      _ = try startWriteWithNeighbours(buffer, backend, use, outcome: nil)
      return true
    } catch {
      // Who must have this page written will be told.
      return false
    }
  }

  /// Writes a dirty page, with its dirty neighbours, and waits for that. Gives up where somebody has it locked.
  private func writeVictim(_ buffer: BufferID, _ backend: IOBackend, _ use: IOUse) throws(StorageError) {
    guard pinUnused(buffer, tag(buffer)) else { return }
    switch claimForWrite(buffer) {
    case .claimed: break
    case .clean:
      unpin(buffer)
      return
    case .busy:
      // Mostly because it is being written already. Who has it locked otherwise may be waiting for a page that this
      // thread has locked; then another page must go.
      if state(buffer).has(BufferState.ioInProgress) {
        backend.submit()
        waitForIO(buffer, backend: backend)
      }
      unpin(buffer)
      return
    }
    let lsn = lsn(ofClaimed: buffer)
    if let flushedPosition, lsn > flushedPosition, let flushGuard {
      backend.submit()
      do throws(StorageError) {
        try flushGuard.flush(upTo: lsn, backend: backend)
      } catch {
        abandonClaim(buffer)
        unpin(buffer)
        throw error
      }
    }
    var outcome = IOOutcome.unknown
    let written = try withUnsafeMutablePointer(to: &outcome) { outcome throws(StorageError) in
      let written = try startWriteWithNeighbours(buffer, backend, use, outcome: outcome)
      backend.wait(for: written.reference)
      return written
    }
    if outcome.status != .ok { throw writeFailure(outcome, path: written.path, blocks: written.blocks) }
  }

  private struct StartedWrite {
    let reference: IOReference
    let blocks: Range<UInt32>
    let path: String
  }

  /// Starts the write of a claimed page whose log is durable, and of those on both sides of it that are dirty, that
  /// nobody uses, and whose log is durable, too.
  private func startWriteWithNeighbours(
    _ buffer: BufferID, _ backend: IOBackend, _ use: IOUse, outcome: UnsafeMutablePointer<IOOutcome>?
  ) throws(StorageError) -> StartedWrite {
    let limit = engine.configuration.vectorsPerHandle
    let tag = tag(buffer)
    let (segment, end, path) = forks.with(tag.fork) { fork in
      let segment = tag.block / fork.blocksPerSegment * fork.blocksPerSegment
      return (segment, segment + (fork.blocksPerSegment - 1), outcome == nil ? "" : fork.path)
    }
    let flushed = flushedPosition
    return try withUnsafeTemporaryAllocation(of: BufferID.self, capacity: limit * 2) { run throws(StorageError) in
      guard let middle = run.baseAddress.map({ $0 + limit }) else {
        fatalError("invariant broken: a run of pages without memory")
      }
      middle.pointee = buffer
      var (before, after) = (0, 0)
      while before + 1 < limit, tag.block - UInt32(before) > segment,
        let neighbour = claimNeighbour(BufferTag(tag.fork, tag.block - UInt32(before) - 1), flushed)
      {
        before += 1
        (middle - before).pointee = neighbour
      }
      while before + after + 1 < limit, tag.block + UInt32(after) < end,
        let neighbour = claimNeighbour(BufferTag(tag.fork, tag.block + UInt32(after) + 1), flushed)
      {
        after += 1
        (middle + after).pointee = neighbour
      }
      let first = tag.block - UInt32(before)
      let reference = try startWrite(middle - before, before + after + 1, backend, for: use, outcome: outcome)
      return StartedWrite(
        reference: reference, blocks: first..<first + UInt32(before + after + 1), path: path)
    }
  }

  private func claimNeighbour(_ tag: BufferTag, _ flushed: LogSequenceNumber?) -> BufferID? {
    guard let buffer = table.find(tag) else { return nil }
    let seen = state(buffer)
    guard seen.has(BufferState.dirty), seen.pins == 0, claimUnused(buffer, tag, flushed) else { return nil }
    return buffer
  }

  /// Pins and claims a page that nobody uses, if it can be written without waiting for a lock or for the log.
  private func claimUnused(_ buffer: BufferID, _ tag: BufferTag, _ flushed: LogSequenceNumber?) -> Bool {
    guard pinUnused(buffer, tag) else { return false }
    guard claimForWrite(buffer) == .claimed else {
      unpin(buffer)
      return false
    }
    if let flushed, lsn(ofClaimed: buffer) > flushed {
      abandonClaim(buffer)
      unpin(buffer)
      return false
    }
    return true
  }
}
