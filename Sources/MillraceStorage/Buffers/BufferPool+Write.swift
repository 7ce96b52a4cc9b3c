import MillraceIO
import Synchronization

/// Writing pages out: claiming them, and one I/O for a run of neighbours (PostgreSQL's FlushBuffer, in
/// src/backend/storage/buffer/bufmgr.c).
///
/// A page that is claimed has its content locked share-exclusively and its I/O in progress; so it does not change while
/// its checksum is computed in place and the device reads it, and no copy is made. The claim and a pin pass to the I/O
/// when it is staged, and end with it.
extension BufferPool {
  enum WriteClaim: Equatable {
    case claimed
    /// There is nothing to write.
    case clean
    /// Somebody has it locked.
    case busy
  }

  /// Claims a pinned page for writing if that can be done at once.
  /// - Parameter flag: what the page must be: dirty, or needed by the checkpoint.
  @inline(__always) func claimForWrite(_ buffer: BufferID, if flag: UInt64 = BufferState.dirty) -> WriteClaim {
    let descriptor = descriptors + Int(buffer)
    var seen = descriptor.pointee.state.load(ordering: .acquiring)
    while true {
      if seen & flag == 0 { return .clean }
      guard let locked = ContentLock.acquired(.shareExclusive, seen) else { return .busy }
      let (exchanged, now) = descriptor.pointee.state.weakCompareExchange(
        expected: seen, desired: locked | BufferState.ioInProgress, successOrdering: .acquiring,
        failureOrdering: .acquiring)
      if exchanged { return .claimed }
      seen = now
    }
  }

  /// Claims a pinned page for writing, waiting for its lock. The caller has nothing claimed that is not staged.
  /// - Returns: false where there is nothing to write any more.
  func claimForWriteByWaiting(_ buffer: BufferID, if flag: UInt64 = BufferState.dirty, _ backend: IOBackend) -> Bool {
    // What is staged holds locks that whoever holds this one may want.
    backend.submit()
    lock(buffer, .shareExclusive, backend: backend)
    if state(buffer).rawValue & flag == 0 {
      unlock(buffer, .shareExclusive)
      return false
    }
    _ = descriptors[Int(buffer)].state.bitwiseOr(BufferState.ioInProgress, ordering: .acquiringAndReleasing)
    return true
  }

  /// Gives a claim up; the page stays dirty, and pinned.
  func abandonClaim(_ buffer: BufferID) { endWrite(buffer, clearing: 0, setting: 0, dropsPin: false) }

  /// Ends a write: the claim and the I/O's pin go.
  /// - Returns: whether the page could not be written, and could not the last time either.
  @inline(__always) func terminateWrite(_ buffer: BufferID, succeeded: Bool) -> Bool {
    if succeeded {
      endWrite(
        buffer, clearing: BufferState.dirty | BufferState.checkpointNeeded | BufferState.ioError, setting: 0,
        dropsPin: true)
      return false
    }
    return endWrite(buffer, clearing: 0, setting: BufferState.ioError, dropsPin: true).has(BufferState.ioError)
  }

  @discardableResult
  @inline(__always) private func endWrite(
    _ buffer: BufferID, clearing: UInt64, setting: UInt64, dropsPin: Bool
  ) -> BufferState {
    let descriptor = descriptors + Int(buffer)
    descriptor.pointee.ioReference.store(0, ordering: .relaxed)
    var seen = descriptor.pointee.state.load(ordering: .relaxed)
    while true {
      precondition(
        seen & (BufferState.ioInProgress | ContentLock.shareExclusive)
          == BufferState.ioInProgress | ContentLock.shareExclusive,
        "invariant broken: a write ended that held no claim")
      var (desired, wakes) = ContentLock.released(.shareExclusive, seen)
      desired &= ~(BufferState.ioInProgress | BufferState.sleepers | clearing)
      desired |= setting
      if dropsPin { desired -= BufferState.onePin }
      let (exchanged, now) = descriptor.pointee.state.weakCompareExchange(
        expected: seen, desired: desired, successOrdering: .acquiringAndReleasing, failureOrdering: .relaxed)
      if exchanged {
        if seen & BufferState.sleepers != 0 { Self.wakeSleepers(descriptor) }
        if wakes != 0 { Self.wakeLockers(descriptor, wakes) }
        return BufferState(rawValue: seen)
      }
      seen = now
    }
  }

  /// How far the log must be durable before a claimed page may be written out.
  @inline(__always) func lsn(ofClaimed buffer: BufferID) -> LogSequenceNumber { PageHeader.lsn(of: page(buffer)) }

  /// Starts the write of claimed neighbours, whose log is durable. Their claims and one pin of each go to the I/O; also
  /// where this throws.
  /// - Parameters:
  ///   - buffers: neighbouring blocks of one segment, rising; not more than one I/O holds.
  ///   - use: what it counts as; nil for what the pool is for.
  ///   - outcome: where the outcome goes, in whole blocks; nil where nobody waits for it.
  /// - Returns: what to wait for.
  func startWrite(
    _ buffers: UnsafePointer<BufferID>, _ count: Int, _ backend: IOBackend, for use: IOUse? = nil,
    outcome: UnsafeMutablePointer<IOOutcome>?
  ) throws(StorageError) -> IOReference {
    let first = tag(buffers[0])
    return try forks.with(first.fork) { fork throws(StorageError) in
      do throws(IOError) {
        return try fork.withSegment(Int(first.block / fork.blocksPerSegment)) { file throws(IOError) in
          let handle = backend.acquire()
          let vectorCount = describe(buffers, count, handle)
          handle.setContext(UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque()))
          handle.add(writeCompletion, datum: outcome == nil ? BufferWriteCompletion.unattended : 0)
          handle.add(segmentWriteCompletion)
          handle.setUse(use ?? self.use)
          if let outcome { handle.returns(to: outcome) } else { handle.setPriority(.checkpoint) }
          counters.writes.sharedIncrement()
          usage(of: backend).pointee.writes &+= UInt64(count)
          counters.writesInFlight.sharedIncrement()
          return handle.start(
            .writev, file, at: Int64(first.block % fork.blocksPerSegment) * Int64(PageLayout.blockSize),
            vectorCount: vectorCount, dataCount: count, flags: scope == .local ? .referencesLocal : [])
        }
      } catch {
        for position in 0..<count {
          abandonClaim(buffers[position])
          unpin(buffers[position])
        }
        throw .io(
          fork.openFailure(error, block: first.block), blocks: first.block..<first.block + UInt32(count))
      }
    }
  }

  /// Makes the pages fit to be written, and describes their memory to a handle. - Returns: in how many pieces.
  @inline(__always) private func describe(
    _ buffers: UnsafePointer<BufferID>, _ count: Int, _ handle: borrowing IOHandle
  ) -> Int {
    let (vectors, data) = (handle.vectors, handle.data)
    if checksums { setChecksums(buffers, count) }
    var vectorCount = 0
    for position in 0..<count {
      let buffer = buffers[position]
      let page = page(buffer)
      data[position] = buffer
      if vectorCount > 0, vectors[vectorCount - 1].base.map({ $0 + vectors[vectorCount - 1].byteCount }) == page {
        vectors[vectorCount - 1].byteCount += PageLayout.blockSize
      } else {
        vectors[vectorCount] = IOVector(base: page, byteCount: PageLayout.blockSize)
        vectorCount += 1
      }
    }
    return vectorCount
  }

  /// Computes checksums in place, of two pages at a time: half as dear. A page that was never initialized has none.
  @inline(__always) private func setChecksums(_ buffers: UnsafePointer<BufferID>, _ count: Int) {
    var waiting: BufferID?
    for position in 0..<count where !PageView(page(buffers[position])).isNew {
      let buffer = buffers[position]
      guard let other = waiting else {
        waiting = buffer
        continue
      }
      waiting = nil
      PageChecksum.setInPlace(
        (page(other), BlockNumber(tag(other).block)), (page(buffer), BlockNumber(tag(buffer).block)))
    }
    if let waiting { PageChecksum.setInPlace(page(waiting), block: BlockNumber(tag(waiting).block)) }
  }

  /// The error of a write that did not write all.
  func writeFailure(_ outcome: IOOutcome, path: String, blocks: Range<UInt32>) -> StorageError {
    let request = IORequest(
      .writev, path: path, offset: Int64(blocks.lowerBound) * Int64(PageLayout.blockSize),
      length: blocks.count * PageLayout.blockSize, blockSize: PageLayout.blockSize)
    let isShort = outcome.status != .failed || outcome.decidedBy == segmentWriteCompletion
    let error =
      isShort
      ? request.shortTransfer(transferred: Int(outcome.result) * PageLayout.blockSize)
      : request.failure(errno: Int32(bitPattern: outcome.detail))
    return .io(error, blocks: blocks)
  }
}
