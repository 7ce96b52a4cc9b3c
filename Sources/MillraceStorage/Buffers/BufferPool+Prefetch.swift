public import MillraceIO

/// What came of asking for a page ahead of time.
public enum PrefetchResult: Sendable, Equatable {
  /// It is in the pool.
  case cached
  /// Somebody is reading it.
  case inProgress
  /// It is being read now; the reference tells until when.
  case started(IOReference)
  /// It cannot be read ahead: all buffers are pinned, or its file cannot be opened.
  case unavailable
}

extension BufferPool {
  /// Starts to read a page that will be wanted soon, and does not wait (PostgreSQL's PrefetchSharedBuffer, but that the
  /// page is read into the pool). Nothing is pinned when it returns; whoever then reads the page finds it or joins the
  /// I/O. What goes wrong is found out by them.
  ///
  /// Neighbours that are asked for within one batch of the backend become one I/O.
  /// - Complexity: O(1), no allocation, unless the segment has to be opened.
  public func prefetch(_ fork: StoredFork, _ block: BlockNumber, _ backend: IOBackend) -> PrefetchResult {
    let tag = BufferTag(fork.id, block.rawValue)
    if let buffer = table.find(tag) {
      let seen = state(buffer)
      // Only a hint, so without a pin: it may go before it is used.
      if seen.has(BufferState.valid) { return .cached }
      if seen.has(BufferState.ioInProgress) { return .inProgress }
    }
    do {
      forks.add(fork)
      return try fork.withSegment(Int(block.rawValue / fork.blocksPerSegment)) { file throws(IOError) in
        startPrefetch(fork, block, file, backend)
      }
    } catch {
      return .unavailable
    }
  }

  private func startPrefetch(
    _ fork: StoredFork, _ block: BlockNumber, _ file: SegmentFile, _ backend: IOBackend
  ) -> PrefetchResult {
    let buffer: BufferID
    do throws(StorageError) {
      buffer = try pinOrAllocate(BufferTag(fork.id, block.rawValue), strategy: nil)
    } catch {
      return .unavailable
    }
    // The I/O has a pin of its own.
    defer { unpin(buffer) }
    // The handle first: others wait while a buffer is marked and its I/O not started.
    let handle = backend.acquire()
    switch startIO(buffer) {
    case .alreadyDone: return .cached
    case .inProgress: return .inProgress
    case .ready: break
    }
    handle.vectors[0] = IOVector(base: page(buffer), byteCount: PageLayout.blockSize)
    handle.data[0] = buffer
    handle.setContext(UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque()))
    handle.add(readCompletion, datum: ReadBuffersFlags().verification.rawValue)
    handle.add(segmentCompletion)
    handle.setUse(use)
    counters.reads.sharedIncrement()
    let offset = Int64(block.rawValue % fork.blocksPerSegment) * Int64(PageLayout.blockSize)
    return .started(handle.start(.readv, file, at: offset, vectorCount: 1, dataCount: 1))
  }
}
