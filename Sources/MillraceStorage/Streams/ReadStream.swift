import CMillrace
public import MillraceIO

/// Gives out the pages that a ``BlockSource`` names, read ahead, in the source's order (PostgreSQL's
/// src/backend/storage/aio/read_stream.c). On one thread, with one backend.
///
///     let stream = ReadStream(pool, backend, fork, BlockRange(0..<count))
///     while let page = try stream.next() { … }
///
/// Neighbouring blocks become one read, up to `io_combine_limit`. How far it reads ahead follows what is measured: the
/// distance doubles when the consumer had to wait, and falls by one with each page that was there anyway, once that has
/// lasted. All streams of a pool draw on one budget (``StreamBudget``).
///
/// Two distances, in blocks: `combineDistance`, how large a read may get before it is started, grows with every read,
/// because large reads are always cheaper; `readAheadDistance`, how far ahead reads have been started, grows only with
/// waiting, because too far costs pins, and I/O that nobody may want.
///
///     buffers      ┌──────── queue, maxPinned + 1 ────────┬─ overflow ─┐
///                  │   oldest ▼        next ▼             │            │   A read's buffers lie in a row, if need
///                  │   [ pinned pages ][ free ]           │            │   be into the overflow, and are copied
///     operations   [ oldest … next ] of maxIOs            └────────────┘   to the front from there.
///
/// After a throw the stream stands behind the read that failed, and goes on if asked to.
public final class ReadStream {
  let reader: BufferReader
  // Besides in the reader, because what is one step away is used without counting a reference.
  let pool: BufferPool
  private let budget: StreamBudget
  private let fork: ForkID
  private let raisesUsage: Bool
  let source: BlockSource
  let configuration: ReadStreamConfiguration
  let maxIOs: Int
  let maxPinned: Int
  /// What only this class touches; in memory of its own, so that no access to it is checked at run time.
  let own: UnsafeMutablePointer<State>
  private let issuesInPlace: Bool
  /// Whether the kernel is told of reads that are far from the one before (io_method=sync, buffered).
  private let advises: Bool
  /// The errors that wait, where some do: apart from the rest, because looking at one copies it.
  private var deferred: StorageError?
  private var failure: StorageError?

  struct State {
    let buffers: UnsafeMutablePointer<BufferID>
    let operations: UnsafeMutablePointer<ReadBuffersOperation>
    /// Which entry of `buffers` an operation starts at.
    let operationStarts: UnsafeMutablePointer<Int>
    let perBufferData: UnsafeMutableRawPointer?
    var oldest = 0
    var next = 0
    var pinned = 0
    /// Of the budget, beside what is pinned.
    var kept = 0
    /// Buffers that a shortened operation left pinned behind `next`.
    var forwarded = 0
    var oldestOperation = 0, nextOperation = 0
    var inProgress = 0
    var pendingBlock: UInt32 = 0
    var pendingCount = 0
    var combineDistance = 1
    var readAheadDistance = 1
    /// Pages without I/O that are let pass before the distances fall.
    var holdOff = 0
    /// A block that the source gave and that could not be taken yet.
    var ungot: UInt32?
    var hasEnded = false, isFast = false
    /// The block behind the last that was started: the kernel reads ahead by itself from there.
    var following: UInt32 = 0
    var dataOfLast = 0
    /// Whether an error waits behind the pages that are in the queue.
    var hasDeferred = false
    /// Whether the oldest operation failed, of which the first pages came and are given out before its error.
    var hasFailure = false
    var statistics = ReadStreamStatistics()
  }

  /// - Parameters:
  ///   - backend: of the thread that will call.
  ///   - strategy: the ring to read through; nil for the pool at large.
  public init(
    _ pool: BufferPool, _ backend: IOBackend, _ fork: StoredFork, _ source: BlockSource,
    strategy: BufferStrategy? = nil, configuration: ReadStreamConfiguration = ReadStreamConfiguration()
  ) {
    self.source = source
    self.configuration = configuration
    self.pool = pool
    (budget, self.fork, raisesUsage) = (pool.readAheadBudget, fork.id, strategy == nil)
    reader = BufferReader(
      pool: pool, backend: backend, fork: fork, strategy: strategy, flags: configuration.flags,
      combineLimit: configuration.combineLimit, onWarning: configuration.onWarning)
    maxIOs = max(configuration.ioConcurrency, 1)
    issuesInPlace = configuration.ioConcurrency == 0
    // Who asks for pages in a way of its own starts its reads itself.
    advises =
      !issuesInPlace && configuration.flags.isEmpty && !fork.isDirect && pool.engine.methodKind == .sync
    let combineLimit = reader.combineLimit
    let poolShare = max(pool.count / (pool.scope == .local ? 4 : 2), 1)
    // One I/O can be consumed while the others are in flight.
    maxPinned = max(1, min((maxIOs + 1) * combineLimit, strategy?.pinLimit ?? .max, poolShare, 32_000))

    let entries = maxPinned + 1 + combineLimit
    let buffers = UnsafeMutablePointer<BufferID>.allocate(capacity: entries)
    buffers.initialize(repeating: .noBuffer, count: entries)
    let operations = UnsafeMutablePointer<ReadBuffersOperation>.allocate(capacity: maxIOs)
    operations.initialize(repeating: ReadBuffersOperation(), count: maxIOs)
    let starts = UnsafeMutablePointer<Int>.allocate(capacity: maxIOs)
    starts.initialize(repeating: 0, count: maxIOs)
    let dataSize = configuration.perBufferDataSize
    own = .allocate(capacity: 1)
    own.initialize(
      to: State(
        buffers: buffers, operations: operations, operationStarts: starts,
        perBufferData: dataSize > 0
          ? .allocate(byteCount: dataSize * (maxPinned + 1), alignment: 16) : nil))
    own.pointee.statistics.capacity = maxPinned
    pool.readAheadBudget.addStream()
    setInitialDistances()
  }

  deinit {
    reset()
    budget.removeStream()
    own.pointee.buffers.deallocate()
    own.pointee.operations.deallocate()
    own.pointee.operationStarts.deallocate()
    own.pointee.perBufferData?.deallocate()
    own.deinitialize(count: 1)
    own.deallocate()
  }

  /// Where the stream starts: assuming that everything is cached, unless the caller or the source knows better.
  private func setInitialDistances() {
    var distance = 1
    if configuration.startsFull { distance = min(maxPinned, reader.combineLimit) }
    if let certain = source.certainCount { distance = max(distance, min(certain, maxPinned)) }
    own.pointee.readAheadDistance = max(distance, 1)
    own.pointee.combineDistance = max(min(distance, reader.combineLimit), 1)
    own.pointee.holdOff = distance > 1 ? maxPinned : 0
  }

  public var statistics: ReadStreamStatistics { own.pointee.statistics }

  /// Entries of the circular queue.
  @inline(__always) private var queueSize: Int { maxPinned + 1 }

  // MARK: Consuming

  /// The next page, pinned and valid; nil at the end.
  /// - Throws: ``StorageError`` with the blocks that could not be had. Calling again goes on behind them.
  /// - Complexity: no allocation, no lock, no reference count; waits if the page is not there yet.
  public func next() throws(StorageError) -> PinnedBuffer? {
    if own.pointee.isFast, let buffer = nextFast() { return PinnedBuffer(pool, buffer) }
    if own.pointee.pinned == 0 {
      // Buffers that were short at the last call may be there now: the caller has had a page to let go of since.
      if own.pointee.hasDeferred, deferred?.code == .noUnpinnedBuffers { forgetDeferred() }
      lookAhead()
      if own.pointee.pinned == 0 {
        budget.release(all: &own.pointee.kept)
        try throwDeferred()
        return nil
      }
    }
    let index = own.pointee.oldest
    if own.pointee.inProgress > 0, own.pointee.operationStarts[own.pointee.oldestOperation] == index {
      try finishOldestOperation()
    }
    let buffer = own.pointee.buffers[index]
    clearEntry(index)
    own.pointee.oldest = index + 1 == queueSize ? 0 : index + 1
    own.pointee.pinned -= 1
    own.pointee.dataOfLast = index
    budget.release(1, keeping: &own.pointee.kept)
    noteGivenOut()
    lookAhead()
    own.pointee.isFast = isFastEligible
    return PinnedBuffer(pool, buffer)
  }

  private func throwDeferred() throws(StorageError) {
    guard own.pointee.hasDeferred, let error = deferred else { return }
    forgetDeferred()
    throw error
  }

  private func forgetDeferred() {
    own.pointee.hasDeferred = false
    deferred = nil
  }

  /// What the source attached to the page that was given out last. Valid until the next call.
  public var perBufferData: UnsafeMutableRawPointer? {
    own.pointee.perBufferData.map { $0 + own.pointee.dataOfLast * configuration.perBufferDataSize }
  }

  @inline(__always) private func noteGivenOut() {
    own.pointee.statistics.prefetchCount += 1
    own.pointee.statistics.distanceSum += UInt64(own.pointee.pinned)
    own.pointee.statistics.distanceMax = max(own.pointee.statistics.distanceMax, own.pointee.pinned)
  }

  /// Both copies of an entry, where it has two.
  @inline(__always) private func clearEntry(_ index: Int) {
    own.pointee.buffers[index] = .noBuffer
    if index < reader.combineLimit { own.pointee.buffers[queueSize + index] = .noBuffer }
  }

  /// Waits for the read that the oldest page belongs to, and learns from having had to.
  private func finishOldestOperation() throws(StorageError) {
    let operation = own.pointee.operations + own.pointee.oldestOperation
    do throws(StorageError) {
      if own.pointee.hasFailure, let failure { throw failure }
      // Where every read is executed in place (io_method=sync), looking farther ahead would gain nothing.
      let waited = try reader.wait(operation) || issuesInPlace
      retireOldestOperation()
      if waited {
        own.pointee.statistics.waitCount += 1
        own.pointee.readAheadDistance = min(own.pointee.readAheadDistance * 2, maxPinned)
      }
      own.pointee.combineDistance = min(own.pointee.combineDistance * 2, reader.combineLimit, maxPinned)
      own.pointee.holdOff = maxPinned
    } catch {
      let done = operation.pointee.done
      guard done > 0 else {
        own.pointee.hasFailure = false
        failure = nil
        retireOldestOperation()
        discard(operation.pointee.count)
        throw error
      }
      // The first pages came and are given out; the operation now stands for the rest, with its error.
      own.pointee.hasFailure = true
      failure = error
      operation.pointee.dropDone()
      own.pointee.operationStarts[own.pointee.oldestOperation] = (own.pointee.oldest + done) % queueSize
    }
  }

  @inline(__always) private func retireOldestOperation() {
    own.pointee.oldestOperation = own.pointee.oldestOperation + 1 == maxIOs ? 0 : own.pointee.oldestOperation + 1
    own.pointee.inProgress -= 1
  }

  /// Lets go of the oldest pages.
  private func discard(_ count: Int) {
    for _ in 0..<count {
      let index = own.pointee.oldest
      pool.unpin(own.pointee.buffers[index])
      clearEntry(index)
      own.pointee.oldest = index + 1 == queueSize ? 0 : index + 1
    }
    own.pointee.pinned -= count
    budget.release(count)
  }

  // MARK: The fast path

  /// Everything has been cached for a while: one page ahead, nothing pending, nothing to attach.
  private var isFastEligible: Bool {
    own.pointee.inProgress == 0 && own.pointee.forwarded == 0 && own.pointee.pinned == 1
      && own.pointee.readAheadDistance == 1 && own.pointee.combineDistance == 1 && own.pointee.pendingCount == 0
      && own.pointee.perBufferData == nil && own.pointee.ungot == nil && !own.pointee.hasDeferred
      && !own.pointee.hasEnded
  }

  /// Swaps the one page ahead for the next. - Returns: nil where that is over; the page is still queued then.
  private func nextFast() -> BufferID? {
    guard let block = source.nextBlock(perBufferData: nil) else {
      own.pointee.isFast = false
      own.pointee.hasEnded = true
      return nil
    }
    let index = own.pointee.oldest
    let tag = BufferTag(fork, block.rawValue)
    guard let following = pool.pinIfPresent(tag, raisesUsage: raisesUsage) else {
      own.pointee.isFast = false
      own.pointee.ungot = block.rawValue
      return nil
    }
    guard pool.state(following).has(BufferState.valid) else {
      pool.unpin(following)
      own.pointee.isFast = false
      own.pointee.ungot = block.rawValue
      return nil
    }
    reader.hits.count()
    let buffer = own.pointee.buffers[index]
    own.pointee.buffers[index] = following
    noteGivenOut()
    // Mostly blocks are asked for in order, and were given buffers in order.
    pool.prefetchLookUp(BufferTag(fork, block.rawValue &+ 1), following &+ 1)
    return buffer
  }

  /// Has the processor bring in the page that will be given out next, if that is in the pool already. For who will look
  /// at most of it, and has something to do in between.
  public func prefetchNextPage() {
    if own.pointee.isFast { millrace_prefetch_page(pool.page(own.pointee.buffers[own.pointee.oldest])) }
  }

  // MARK: Looking ahead

  private var mayLookAhead: Bool {
    guard !own.pointee.hasEnded, !own.pointee.hasDeferred, own.pointee.inProgress < maxIOs else { return false }
    let (pending, pinned) = (own.pointee.pendingCount, own.pointee.pinned)
    if pending > 0, pinned == 0, pending < own.pointee.combineDistance { return true }
    return pinned + pending < own.pointee.readAheadDistance
  }

  private var shouldStartPending: Bool {
    let pending = own.pointee.pendingCount
    guard pending > 0, own.pointee.inProgress < maxIOs, !own.pointee.hasDeferred else { return false }
    if own.pointee.hasEnded || pending >= own.pointee.combineDistance { return true }
    // There shall always be one page to give out; otherwise it may wait and grow.
    return own.pointee.pinned == 0 && !mayLookAhead
  }

  /// How many more reads must be possible before any is started, once as many are in flight as may be: what is started
  /// together costs one system call and wakes the device, or a worker, once.
  private var groupSize: Int { max(maxIOs / 4, 1) }

  /// Starts reads until far enough ahead, submitted together.
  func lookAhead() {
    guard own.pointee.inProgress <= maxIOs - groupSize, mayLookAhead || shouldStartPending else { return }
    let batch = reader.backend.batch()
    while mayLookAhead {
      if shouldStartPending {
        if !startPending() { break }
        continue
      }
      guard let block = nextBlock() else {
        own.pointee.hasEnded = true
        break
      }
      if own.pointee.pendingCount > 0, own.pointee.pendingBlock + UInt32(own.pointee.pendingCount) == block {
        own.pointee.pendingCount += 1
        continue
      }
      while own.pointee.pendingCount > 0 {
        if own.pointee.inProgress == maxIOs || !startPending() {
          own.pointee.ungot = block
          batch.submit()
          return
        }
      }
      own.pointee.pendingBlock = block
      own.pointee.pendingCount = 1
    }
    while shouldStartPending, startPending() {}
    batch.submit()
  }

  private func nextBlock() -> UInt32? {
    if let ungot = own.pointee.ungot {
      own.pointee.ungot = nil
      return ungot
    }
    let place = (own.pointee.next + own.pointee.pendingCount) % queueSize
    let data = own.pointee.perBufferData.map { $0 + place * configuration.perBufferDataSize }
    return source.nextBlock(perBufferData: data)?.rawValue
  }

  /// Starts a read of what is pending, or as much of it as buffers can be had for.
  /// - Returns: whether anything was started or found.
  private func startPending() -> Bool {
    let wanted = own.pointee.pendingCount
    let forwarded = own.pointee.forwarded
    var granted = 0
    if wanted > forwarded {
      granted = budget.reserve(
        wanted - forwarded, held: own.pointee.pinned + forwarded, keeping: &own.pointee.kept)
      if granted < wanted - forwarded, own.pointee.pinned > 0 {
        // Too little to be worth a read; there will be more when what is pinned has been consumed.
        budget.release(granted)
        own.pointee.readAheadDistance = max(min(own.pointee.readAheadDistance, own.pointee.pinned), 1)
        return false
      }
    }
    var count = min(wanted, forwarded + granted)
    let start = own.pointee.next
    let operation = own.pointee.operations + own.pointee.nextOperation
    let needsWait: Bool
    let block = own.pointee.pendingBlock
    do throws(StorageError) {
      needsWait = try reader.start(
        operation, block: block, buffers: own.pointee.buffers + start, count: &count,
        synchronously: issuesInPlace, advises: advises && block != own.pointee.following)
    } catch {
      failPending(error, granted: granted)
      return false
    }
    noteStarted(start: start, count: count, isRead: needsWait, reserved: forwarded + granted)
    return true
  }

  /// Enters an operation's buffers into the queue.
  private func noteStarted(start: Int, count: Int, isRead: Bool, reserved: Int) {
    var left = 0
    while start + count + left < queueSize + reader.combineLimit, left < own.pointee.pendingCount - count,
      own.pointee.buffers[start + count + left] != .noBuffer
    { left += 1 }
    own.pointee.forwarded = left
    budget.release(reserved - count - left)

    let overflow = start + count + left - queueSize
    if overflow > 0 { own.pointee.buffers.update(from: own.pointee.buffers + queueSize, count: overflow) }
    own.pointee.pinned += count
    own.pointee.next = (start + count) % queueSize
    own.pointee.pendingBlock += UInt32(count)
    own.pointee.pendingCount -= count
    own.pointee.following = own.pointee.pendingBlock

    if isRead {
      own.pointee.operationStarts[own.pointee.nextOperation] = start
      own.pointee.nextOperation = own.pointee.nextOperation + 1 == maxIOs ? 0 : own.pointee.nextOperation + 1
      own.pointee.inProgress += 1
      own.pointee.statistics.ioCount += 1
      own.pointee.statistics.ioBlocks += UInt64(count)
      own.pointee.statistics.inProgressSum += UInt64(own.pointee.inProgress)
    } else if own.pointee.inProgress == 0 {
      // Cached: fall back slowly, so that rare misses in a cached relation do not find the stream asleep.
      if own.pointee.holdOff > 0 {
        own.pointee.holdOff -= 1
      } else {
        own.pointee.readAheadDistance = max(own.pointee.readAheadDistance - 1, 1)
        own.pointee.combineDistance = max(own.pointee.combineDistance - 1, 1)
      }
    }
  }

  /// Gives up of what is pending the blocks that an error names, with the error behind the queued pages. Where buffers
  /// are short, nothing is given up: the shortage passes, at the latest when pages of this stream have been consumed.
  private func failPending(_ error: StorageError, granted: Int) {
    releaseForwarded(granted: granted)
    if error.code == .noUnpinnedBuffers, own.pointee.pinned > 0 {
      own.pointee.readAheadDistance = max(min(own.pointee.readAheadDistance, own.pointee.pinned), 1)
      return
    }
    deferred = error
    own.pointee.hasDeferred = true
    let lost = min(error.blocks.count, own.pointee.pendingCount)
    own.pointee.pendingBlock += UInt32(lost)
    own.pointee.pendingCount -= lost
    if lost > 0, let data = own.pointee.perBufferData {
      // Data lies where its page will; so it moves up with the pages that are still to come, that of the next block
      // included.
      let size = configuration.perBufferDataSize
      for place in own.pointee.next...own.pointee.next + own.pointee.pendingCount {
        (data + place % queueSize * size).copyMemory(from: data + (place + lost) % queueSize * size, byteCount: size)
      }
    }
  }

  private func releaseForwarded(granted: Int) {
    // Those that an earlier call left, and those that the failed one had pinned.
    var index = own.pointee.next
    while index < queueSize + reader.combineLimit, own.pointee.buffers[index] != .noBuffer {
      pool.unpin(own.pointee.buffers[index])
      own.pointee.buffers[index] = .noBuffer
      if index >= queueSize { own.pointee.buffers[index - queueSize] = .noBuffer }
      if index < reader.combineLimit { own.pointee.buffers[queueSize + index] = .noBuffer }
      index += 1
    }
    budget.release(own.pointee.forwarded + granted + own.pointee.kept)
    (own.pointee.forwarded, own.pointee.kept) = (0, 0)
  }

  // MARK: Stopping

  /// Makes the stream end for now: pages that are queued are still given out. For sources that need a page to know the
  /// next block. ``resume()`` goes on at the distance that was reached.
  public func pause() {
    own.pointee.hasEnded = true
    own.pointee.isFast = false
  }

  /// Ends a pause: the source is asked again.
  public func resume() { own.pointee.hasEnded = false }

  /// Lets go of everything, waiting for the I/O that is in flight, and starts over with what the source gives next.
  public func reset() {
    own.pointee.isFast = false
    own.pointee.hasDeferred = false
    own.pointee.hasFailure = false
    (deferred, failure) = (nil, nil)
    own.pointee.ungot = nil
    while own.pointee.inProgress > 0 {
      reader.settle(own.pointee.operations + own.pointee.oldestOperation)
      retireOldestOperation()
    }
    discard(own.pointee.pinned)
    releaseForwarded(granted: 0)
    own.pointee.pendingCount = 0
    own.pointee.hasEnded = false
    own.pointee.oldest = 0
    own.pointee.next = 0
    setInitialDistances()
  }
}
