import MillraceIO

/// Asking the kernel to write out soon what was just written to its page cache, so that the sync at the end of a
/// checkpoint finds little to do (PostgreSQL's WritebackContext, in src/backend/storage/buffer/bufmgr.c).
extension WriteStream {
  /// Blocks that were written and that the kernel will be asked to write out.
  struct Writeback {
    var fork: Unmanaged<StoredFork>
    var block: UInt32
    var count: UInt32
  }

  /// Notes that blocks have been written.
  func collectWriteback(_ fork: Unmanaged<StoredFork>, _ block: UInt32, _ count: UInt32) {
    guard configuration.flushAfter > 0, !fork._withUnsafeGuaranteedRef({ $0.isDirect }) else { return }
    let last = own.pointee.writebacks + own.pointee.writebackCount - 1
    if own.pointee.writebackCount > 0, last.pointee.fork.toOpaque() == fork.toOpaque(),
      last.pointee.block + last.pointee.count == block
    {
      last.pointee.count += count
    } else {
      (last + 1).initialize(to: Writeback(fork: fork, block: block, count: count))
      own.pointee.writebackCount += 1
    }
    own.pointee.writebackBlocks += Int(count)
    if own.pointee.writebackBlocks >= configuration.flushAfter { startWriteback() }
  }

  /// Asks for what has been collected. Does not wait.
  func startWriteback() {
    for position in 0..<own.pointee.writebackCount {
      let writeback = own.pointee.writebacks[position]
      writeback.fork._withUnsafeGuaranteedRef { flush($0, writeback.block..<writeback.block + writeback.count) }
    }
    (own.pointee.writebackCount, own.pointee.writebackBlocks) = (0, 0)
  }

  /// Requests that are kept in mind at once.
  static let flushesMax = 64

  /// A request in flight.
  struct Flush {
    var outcome = IOOutcome.unknown
    var reference = IOReference.none
    /// Kept by the stream.
    var fork: Unmanaged<StoredFork>
  }

  /// Waits for requests to write out: as long as one is under way its fork must not go. One that failed may have found
  /// that what was written before cannot be made durable.
  func waitForFlushes() {
    for position in 0..<own.pointee.flushCount {
      let flush = own.pointee.flushes + position
      backend.wait(for: flush.pointee.reference)
      guard flush.pointee.outcome.status == .failed else { continue }
      let number = Int32(bitPattern: flush.pointee.outcome.detail)
      flush.pointee.fork._withUnsafeGuaranteedRef { fork in
        if let error = fork.requests?.noteFlushFailure(number, path: fork.path) { note(error) }
      }
    }
    own.pointee.flushCount = 0
  }

  /// One request for each segment that blocks lie in. One that has been closed is left alone: it is not worth opening
  /// again, and will be synced anyway.
  private func flush(_ fork: StoredFork, _ blocks: Range<UInt32>) {
    var next = blocks.lowerBound
    while next < blocks.upperBound {
      let inside = next % fork.blocksPerSegment
      let count = min(blocks.upperBound - next, fork.blocksPerSegment - inside)
      let isOpen = fork.withOpenSegment(Int(next / fork.blocksPerSegment)) { file in
        if own.pointee.flushCount == Self.flushesMax { waitForFlushes() }
        let flush = own.pointee.flushes + own.pointee.flushCount
        flush.initialize(to: Flush(fork: Unmanaged.passUnretained(fork)))
        own.pointee.flushCount += 1
        let handle = backend.acquire()
        handle.setUse(configuration.use ?? pool.use)
        handle.returns(to: UnsafeMutableRawPointer(flush).assumingMemoryBound(to: IOOutcome.self))
        flush.pointee.reference = handle.start(
          .flushRange, file, at: Int64(inside) * Int64(PageLayout.blockSize),
          length: Int64(count) * Int64(PageLayout.blockSize))
      }
      if isOpen { own.pointee.statistics.flushRangeCount += 1 }
      next += count
    }
  }
}
