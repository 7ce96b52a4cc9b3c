public import MillraceIO

/// How a single page is wanted (PostgreSQL's ReadBufferMode).
public enum ReadMode: Sendable {
  /// As it is on disk, or in the pool.
  case normal
  /// To be made anew by the caller: locked exclusively, and not read from disk. It is full of zeros, unless the pool
  /// had it already; then it is as it was (PostgreSQL's RBM_ZERO_AND_LOCK).
  case zeroAndLock
}

extension BufferPool {
  /// Pins one page, reading it if it is not in the pool (PostgreSQL's ReadBufferExtended).
  /// - Parameters:
  ///   - backend: the calling thread's.
  ///   - strategy: the ring to read through; nil for the pool at large.
  ///   - onWarning: called with a sentence when something had to be zeroed or ignored.
  /// - Throws: ``StorageError``.
  /// - Complexity: a look-up and a compare-and-swap where the page is there; no allocation then.
  @inline(__always) public func read(
    _ fork: StoredFork, _ block: BlockNumber, _ backend: IOBackend, mode: ReadMode = .normal,
    strategy: BufferStrategy? = nil, flags: ReadBuffersFlags = [], onWarning: (String) -> Void = { _ in }
  ) throws(StorageError) -> PinnedBuffer {
    if mode == .normal {
      if let buffer = pinIfPresent(BufferTag(fork.id, block.rawValue), raisesUsage: strategy == nil) {
        if state(buffer).has(BufferState.valid) {
          countHit(fork, strategy, backend)
          return PinnedBuffer(self, buffer)
        }
        unpin(buffer)
      }
      return try readMissing(fork, block, backend, strategy, flags, onWarning)
    }
    return try zeroAndLock(fork, block, backend, strategy)
  }

  /// Pins a page if it is in the pool and valid; nothing is read.
  /// - Returns: nil where it would have to be read, or somebody reads it just now.
  /// - Complexity: a look-up and a compare-and-swap.
  public func pinIfCached(_ fork: StoredFork, _ block: BlockNumber, _ backend: IOBackend) -> PinnedBuffer? {
    guard let buffer = pinIfPresent(BufferTag(fork.id, block.rawValue), raisesUsage: true) else { return nil }
    guard state(buffer).has(BufferState.valid) else {
      unpin(buffer)
      return nil
    }
    countHit(fork, nil, backend)
    return PinnedBuffer(self, buffer)
  }

  @inline(never) private func readMissing(
    _ fork: StoredFork, _ block: BlockNumber, _ backend: IOBackend, _ strategy: BufferStrategy?,
    _ flags: ReadBuffersFlags, _ onWarning: (String) -> Void
  ) throws(StorageError) -> PinnedBuffer {
    try withoutActuallyEscaping(onWarning) { onWarning throws(StorageError) in
      let reader = BufferReader(
        pool: self, backend: backend, fork: fork, strategy: strategy, flags: flags, combineLimit: 1,
        onWarning: onWarning)
      var buffer = BufferID.noBuffer
      var operation = ReadBuffersOperation()
      return try withUnsafeMutablePointer(to: &buffer) { buffer throws(StorageError) in
        try withUnsafeMutablePointer(to: &operation) { operation throws(StorageError) in
          do throws(StorageError) {
            var count = 1
            if try reader.start(operation, block: block.rawValue, buffers: buffer, count: &count, synchronously: true) {
              _ = try reader.wait(operation)
            }
            return PinnedBuffer(self, buffer.pointee)
          } catch {
            if buffer.pointee != .noBuffer { unpin(buffer.pointee) }
            throw error
          }
        }
      }
    }
  }

  private func zeroAndLock(
    _ fork: StoredFork, _ block: BlockNumber, _ backend: IOBackend, _ strategy: BufferStrategy?
  ) throws(StorageError) -> PinnedBuffer {
    forks.add(fork)
    let buffer = try pinOrAllocate(BufferTag(fork.id, block.rawValue), strategy: strategy, backend: backend)
    while true {
      switch startIO(buffer) {
      case .alreadyDone:
        countHit(fork, strategy, backend)
        lock(buffer, .exclusive, backend: backend)
        return PinnedBuffer(self, buffer, locked: .exclusive)
      case .inProgress:
        backend.submit()
        waitForIO(buffer, backend: backend)
      case .ready:
        page(buffer).initializeMemory(as: UInt8.self, repeating: 0, count: PageLayout.blockSize)
        // Before it is valid, so that nobody sees the page before the caller has made it.
        lock(buffer, .exclusive, backend: backend)
        terminateIO(buffer, valid: true)
        return PinnedBuffer(self, buffer, locked: .exclusive)
      }
    }
  }
}
