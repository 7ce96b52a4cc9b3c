import Glibc
public import MillraceIO

/// Growing and cutting off (PostgreSQL's mdextend, mdzeroextend and mdtruncate).
///
/// Every segment before the last has its full length, at any moment and as of every checkpoint: only then do other
/// programs, and this one when it comes back, find what is behind it.
extension StoredFork {
  /// Appends blocks of zeros: reserves their space, or writes them where they are few or that is what is configured.
  ///
  /// Any number of threads may do so at the same time, and each is given blocks of its own; nobody waits for anybody
  /// else's I/O. The fork must have been created. Where this fails, some of the blocks may be there nevertheless, as
  /// new pages.
  /// - Parameters:
  ///   - count: at least 1.
  ///   - backend: the calling thread's; its I/O goes through it.
  /// - Returns: the new blocks.
  /// - Throws: ``IOError``, with ENOSPC where the disk is full.
  public func extend(by count: UInt32, _ backend: IOBackend) throws(IOError) -> Range<UInt32> {
    requireUse(count > 0, "a fork was extended by no blocks")
    _ = try blockCount()
    guard let range = size.begin(count) else {
      throw IOError(
        .systemCall, errno: EFBIG, message: "cannot extend file \"\(path)\" beyond \(ForkSize.blocksMax) blocks")
    }
    do throws(IOError) {
      try fill(range, backend)
    } catch {
      size.end(range, isDone: false, recount: { try? countedBlocks() }, trim: trimToWholeBlocks)
      throw error
    }
    size.end(range, isDone: true, recount: { try? countedBlocks() }, trim: trimToWholeBlocks)
    return range
  }

  /// Appends what is missing to so many blocks; for recovery, which meets pages in any order.
  /// - Throws: ``IOError``.
  public func extend(to count: UInt32, _ backend: IOBackend) throws(IOError) {
    let present = try blockCount()
    if present < count { _ = try extend(by: count - present, backend) }
  }

  /// Cuts off the part of a block that a write which ended early has left at the end. Where that fails, too, the next
  /// block is written over it.
  private func trimToWholeBlocks() {
    guard let count = try? countedBlocks() else { return }
    let whole = Int64(count % blocksPerSegment) * Int64(PageLayout.blockSize)
    try? withSegment(Int(count / blocksPerSegment)) { file throws(IOError) in
      if try file.size() > whole { try file.truncate(to: whole) }
    }
  }

  /// Makes a range part of the files.
  private func fill(_ range: Range<UInt32>, _ backend: IOBackend) throws(IOError) {
    var next = range.lowerBound
    while next < range.upperBound {
      let (segment, inside) = (Int(next / blocksPerSegment), next % blocksPerSegment)
      let count = min(range.upperBound - next, blocksPerSegment - inside)
      try prepareSegment(segment)
      try withSegment(segment) { file throws(IOError) in
        try fill(file, segment, inside..<inside + count, backend)
        file.requestSync()
      }
      next += count
    }
  }

  /// Sees to it that a segment is there, and that all before it have their full length.
  private func prepareSegment(_ number: Int) throws(IOError) {
    guard number >= Int(segmentsReady.relaxed) else { return }
    // Rare enough, once for each segment, that others who want the same may wait.
    try segmentPreparation.withLock { _ throws(IOError) in
      // The first segment is made when the fork is.
      for segment in stride(from: max(Int(segmentsReady.relaxed), 1), through: number, by: 1) {
        let whole = Int64(blocksPerSegment) * Int64(PageLayout.blockSize)
        try withSegment(segment - 1) { file throws(IOError) in
          // Others may still be filling it; this only moves its end, and what they fill is below that.
          if try file.size() < whole { try file.truncate(to: whole) }
          file.requestSync()
        }
        try createSegment(segment)
        try withSegment(segment) { file throws(IOError) in
          // What was left behind the end when somebody was interrupted in cutting the fork off.
          if try file.size() > 0 { try file.truncate(to: 0) }
        }
        segmentsReady.relaxed = UInt64(segment + 1)
      }
    }
  }

  // MARK: Filling

  /// Fills blocks of one segment with zeros.
  private func fill(
    _ file: SegmentFile, _ segment: Int, _ blocks: Range<UInt32>, _ backend: IOBackend
  ) throws(IOError) {
    let block = Int64(PageLayout.blockSize)
    let bytes = Int64(blocks.lowerBound) * block..<Int64(blocks.upperBound) * block
    if extendMethod == .allocate, UInt32(blocks.count) > FileExtendMethod.fewBlocks {
      let error = allocate(file, bytes, backend)
      if error == 0 { return }
      // A file system that cannot reserve says so in one of these ways.
      guard error == EOPNOTSUPP || error == EINVAL || error == ENOSYS else {
        throw extendFailure(segment, errno: error)
      }
    }
    let error = try writeZeros(file, bytes, backend)
    if error != 0 { throw extendFailure(segment, errno: error) }
  }

  private func extendFailure(_ segment: Int, errno: Int32) -> IOError {
    IOError(.systemCall, errno: errno, message: "could not extend file \"\(segmentName(path, segment))\"")
  }

  /// - Returns: the error number, or 0.
  private func allocate(_ file: SegmentFile, _ bytes: Range<Int64>, _ backend: IOBackend) -> Int32 {
    var outcome = IOOutcome.unknown
    withUnsafeMutablePointer(to: &outcome) { slot in
      let handle = backend.acquire()
      handle.returns(to: slot)
      let length = bytes.upperBound - bytes.lowerBound
      backend.wait(for: handle.start(.allocate, file, at: bytes.lowerBound, length: length, flags: .synchronous))
    }
    return outcome.status == .failed ? Int32(bitPattern: outcome.detail) : 0
  }

  /// Writes zeros in large pieces, all of them in flight together. - Returns: the error number, or 0.
  private func writeZeros(_ file: SegmentFile, _ bytes: Range<Int64>, _ backend: IOBackend) throws(IOError) -> Int32 {
    let zeros = try Zeros.memory.get()
    let piece = Int64(zeros.byteCount)
    let count = Int((bytes.upperBound - bytes.lowerBound + piece - 1) / piece)
    return withUnsafeTemporaryAllocation(of: IOOutcome.self, capacity: count) { outcomes in
      guard let slots = outcomes.baseAddress else { return 0 }
      do {
        let batch = backend.batch()
        for index in 0..<count {
          let start = bytes.lowerBound + Int64(index) * piece
          let length = Int(min(piece, bytes.upperBound - start))
          let handle = backend.acquire()
          handle.returns(to: slots + index)
          _ = handle.start(
            .writev, file, at: start, memory: UnsafeMutableRawBufferPointer(rebasing: zeros.bytes[..<length]))
        }
        batch.submit()
      }
      while outcomes.contains(where: { $0.status == .unknown }) { backend.reap(atLeast: 1) }
      for outcome in outcomes {
        if outcome.status == .failed { return Int32(bitPattern: outcome.detail) }
        if outcome.status != .ok { return ENOSPC }
      }
      return 0
    }
  }

  // MARK: Cutting off

  /// Cuts the fork off behind its first blocks. Segments that lie wholly behind are emptied and stay, as PostgreSQL
  /// leaves them; unlinking the fork removes them as well.
  ///
  /// The caller has dropped the pages from all pools and sees to it that nobody reads, writes or extends the fork.
  /// - Parameter isRedo: in recovery the fork may be shorter already.
  /// - Throws: ``IOError``. Then the fork may have been cut off in part, at its end.
  public func truncate(to blocks: UInt32, isRedo: Bool = false) throws(IOError) {
    let present = try blockCount()
    guard blocks <= present else {
      if isRedo { return }
      throw IOError(
        .systemCall, errno: EINVAL,
        message: "could not truncate file \"\(path)\" to \(blocks) blocks: it's only \(present) blocks now")
    }
    guard blocks < present else { return }
    size.forget()
    // From the end, so that what is left is whole if this is interrupted.
    for segment in stride(from: Int((present - 1) / blocksPerSegment), through: Int(blocks / blocksPerSegment), by: -1)
    {
      let first = UInt32(segment) * blocksPerSegment
      try withSegment(segment) { file throws(IOError) in
        let kept = blocks > first ? blocks - first : 0
        try file.truncate(to: Int64(kept) * Int64(PageLayout.blockSize))
        file.requestSync()
      }
    }
    learn(blocks)
  }
}

/// A piece of zeros to write from.
enum Zeros {
  static let memory: Result<IOMemory, IOError> = {
    do throws(IOError) { return .success(try IOMemory(byteCount: 1 << 20)) } catch { return .failure(error) }
  }()
}
