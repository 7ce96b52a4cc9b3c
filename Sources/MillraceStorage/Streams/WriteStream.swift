public import MillraceIO

/// Writes dirty pages out, the mirror of ``ReadStream``: what is given to it is collected, sorted, joined with its
/// neighbours into writes of up to `io_combine_limit`, many of which are in flight together. One mechanism for all who
/// write pages: checkpoint, background writer, eviction, bulk load, vacuum. On one thread, with one backend.
///
///     let stream = WriteStream(pool, backend)
///     for … { stream.add(page) }
///     try stream.finish()
///
/// A batch goes out in four steps:
///
/// 1. The log is made durable up to the highest LSN in the batch, once, before any page is claimed; so that nobody
///    waits for a page while the log is being flushed.
/// 2. Pages are claimed, in file order. Only for the first page of a write is its lock waited for, and before that what
///    is staged goes out, because its pages are locked; following pages that are locked by others start a write of
///    their own. So writers cannot wait for each other in a circle.
/// 3. A page that has been changed since step 1 may need the log once more.
/// 4. What is claimed is staged, and submitted together.
///
/// A page that cannot be written stays dirty; ``finish()`` throws the first error. All streams of a pool draw on one
/// budget (``BufferPool/writeBudget``).
public final class WriteStream {
  public let configuration: WriteStreamConfiguration
  let pool: BufferPool
  let backend: IOBackend
  // Besides in the pool, because what is one step away is used without counting a reference.
  private let budget: StreamBudget
  private let directory: ForkDirectory
  /// Which pages are written: dirty ones, or those that the checkpoint needs.
  let flag: UInt64
  /// Whether it waits for pages that others have locked. Not where its thread may have pages locked itself: those who
  /// lock the one may be waiting for the other.
  let waitsForLocks: Bool
  let combineLimit: Int
  let maxIOs: Int
  /// Whether its I/O gives way to what somebody waits for.
  private let yields: Bool
  let batchLimit: Int
  /// What only this class touches; in memory of its own, so that no access to it is checked at run time.
  let own: UnsafeMutablePointer<State>
  /// The forks of writes in flight and of what is still to be flushed, the last one last: when a write is over none of
  /// its pages keeps its fork here.
  private var forks: [StoredFork] = []
  /// The first failure. Apart from the rest, because looking at one copies it.
  private var failure: StorageError?

  /// A page that has been added, pinned.
  struct Entry {
    var tag: UInt64
    var buffer: BufferID
  }

  /// A write in flight.
  struct Operation {
    var outcome = IOOutcome.unknown
    var reference = IOReference.none
    /// Kept by the stream.
    var fork: Unmanaged<StoredFork>?
    var block: UInt32 = 0
    var count = 0
  }

  struct State {
    let entries: UnsafeMutablePointer<Entry>
    var entryCount = 0
    /// The claimed pages of the next write.
    let run: UnsafeMutablePointer<BufferID>
    /// A circle of writes in flight, oldest first.
    let operations: UnsafeMutablePointer<Operation>
    var oldest = 0
    var inFlight = 0
    /// The last of the forks that are kept.
    var lastFork: UnsafeRawPointer?
    /// What is held of the budget.
    var reserved = 0
    let writebacks: UnsafeMutablePointer<Writeback>
    var writebackCount = 0
    var writebackBlocks = 0
    /// Requests to write out that may not be over.
    let flushes: UnsafeMutablePointer<IOReference>
    var flushCount = 0
    var statistics = WriteStreamStatistics()
  }

  /// - Parameter backend: of the thread that will call.
  public convenience init(
    _ pool: BufferPool, _ backend: IOBackend, configuration: WriteStreamConfiguration = WriteStreamConfiguration()
  ) { self.init(pool, backend, configuration: configuration, writing: BufferState.dirty, waitsForLocks: true) }

  init(
    _ pool: BufferPool, _ backend: IOBackend, configuration: WriteStreamConfiguration, writing flag: UInt64,
    waitsForLocks: Bool
  ) {
    (self.pool, self.backend, self.configuration, self.flag) = (pool, backend, configuration, flag)
    (budget, directory, self.waitsForLocks) = (pool.writeBudget, pool.forks, waitsForLocks)
    combineLimit = max(1, min(configuration.combineLimit, backend.engine.configuration.vectorsPerHandle))
    maxIOs = max(configuration.ioConcurrency, 1)
    yields = !backend.priority.isForeground
    // The pages of a batch are pinned.
    let wanted = configuration.batchLimit > 0 ? configuration.batchLimit : combineLimit * 8
    batchLimit = max(1, min(wanted, pool.count / 8))
    own = .allocate(capacity: 1)
    let entries = UnsafeMutablePointer<Entry>.allocate(capacity: batchLimit)
    let run = UnsafeMutablePointer<BufferID>.allocate(capacity: combineLimit)
    let operations = UnsafeMutablePointer<Operation>.allocate(capacity: maxIOs)
    operations.initialize(repeating: Operation(), count: maxIOs)
    let writebacks = UnsafeMutablePointer<Writeback>.allocate(capacity: max(configuration.flushAfter, 1))
    own.initialize(
      to: State(
        entries: entries, run: run, operations: operations, writebacks: writebacks,
        flushes: .allocate(capacity: Self.flushesMax)))
    budget.addStream()
  }

  /// Lets go of what has not been written, and waits for what has been started.
  deinit {
    dropEntries(from: 0)
    settle()
    waitForFlushes()
    budget.removeStream()
    own.pointee.entries.deallocate()
    own.pointee.run.deallocate()
    own.pointee.operations.deallocate()
    own.pointee.writebacks.deallocate()
    own.pointee.flushes.deallocate()
    own.deinitialize(count: 1)
    own.deallocate()
  }

  public var statistics: WriteStreamStatistics { own.pointee.statistics }

  // MARK: Adding

  /// Adds a page, which is unlocked if its pin has locked it. It is written out with its batch if it is dirty then.
  public func add(_ page: consuming PinnedBuffer) {
    if page.lockMode != nil { page.unlock() }
    append(page.take())
  }

  /// Adds a page that is not pinned, if it is still in that buffer.
  func add(_ buffer: BufferID, _ tag: BufferTag) {
    if pool.pinUnused(buffer, tag) { append(buffer) }
  }

  /// Adds a page with a pin of the caller's.
  @inline(__always) func append(_ buffer: BufferID) {
    let tag = pool.tag(buffer).rawValue
    let entries = own.pointee.entries
    // Mostly they come in order.
    var place = own.pointee.entryCount
    while place > 0, entries[place - 1].tag > tag { place -= 1 }
    if place > 0, entries[place - 1].tag == tag {
      pool.unpin(buffer)
      return
    }
    (entries + place + 1).update(from: entries + place, count: own.pointee.entryCount - place)
    (entries + place).initialize(to: Entry(tag: tag, buffer: buffer))
    own.pointee.entryCount += 1
    if own.pointee.entryCount == batchLimit { start() }
  }

  // MARK: Writing

  /// Starts to write what has been added. Waits where too much is in flight, for locks and for the log; not for the
  /// writes themselves.
  public func start() {
    guard own.pointee.entryCount > 0 else { return }
    if own.pointee.inFlight == 0, own.pointee.writebackCount == 0, forks.count > 1 { forgetForks() }
    guard flushLog() else { return }
    let batch = backend.batch()
    var next = 0
    while next < own.pointee.entryCount { next = startRun(from: next) }
    own.pointee.entryCount = 0
    batch.submit()
  }

  /// Writes what has been added, and waits until all is over.
  /// - Throws: ``StorageError``, the first since the last call. The pages that it names, and perhaps others, stay
  ///   dirty.
  public func finish() throws(StorageError) {
    start()
    settle()
    startWriteback()
    waitForFlushes()
    if let failure {
      self.failure = nil
      throw failure
    }
  }

  /// Waits for what has been started. Before a pause: until a write is reaped, its pages stay locked.
  func settle() {
    while own.pointee.inFlight > 0 { retireOldest() }
  }

  /// How many pages can be added before the batch goes out.
  var room: Int { batchLimit - own.pointee.entryCount }

  /// Whether something could not be written since the last call of ``finish()``.
  var hasFailed: Bool { failure != nil }

  /// Makes the log durable for the whole batch. - Returns: false where that failed; then the batch is given up.
  private func flushLog() -> Bool {
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

  private func giveUpBatch(from position: Int) -> Bool {
    own.pointee.statistics.failedCount += UInt64(own.pointee.entryCount - position)
    dropEntries(from: position)
    return false
  }

  private func dropEntries(from position: Int) {
    for position in position..<own.pointee.entryCount { pool.unpin(own.pointee.entries[position].buffer) }
    own.pointee.entryCount = 0
  }

  private func note(_ error: StorageError) {
    if failure == nil { failure = error }
  }

  /// Claims a page and its followers, and starts their write. - Returns: the entry to go on with.
  private func startRun(from first: Int) -> Int {
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
      operation.pointee.reference = try pool.startWrite(own.pointee.run, count, backend, outcome: outcome)
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

  private func forgetForks() {
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

  // MARK: Retiring

  /// Takes back what has ended, without waiting.
  private func retireFinished() {
    while own.pointee.inFlight > 0,
      backend.isCompleted(own.pointee.operations[own.pointee.oldest].reference)
    { retireOldest() }
  }

  /// Waits for the oldest write and looks at what became of it.
  private func retireOldest() {
    let operation = own.pointee.operations + own.pointee.oldest
    if backend.wait(for: operation.pointee.reference) { own.pointee.statistics.waitCount += 1 }
    let (outcome, block, count) = (operation.pointee.outcome, operation.pointee.block, operation.pointee.count)
    own.pointee.oldest = own.pointee.oldest + 1 == maxIOs ? 0 : own.pointee.oldest + 1
    own.pointee.inFlight -= 1
    own.pointee.reserved -= count
    budget.release(count)
    guard let fork = operation.pointee.fork else { fatalError("invariant broken: a write without a fork") }
    if outcome.status == .ok {
      collectWriteback(fork, block, UInt32(count))
    } else {
      let written = outcome.status == .failed ? 0 : Int(outcome.result)
      own.pointee.statistics.failedCount += UInt64(count - written)
      fork._withUnsafeGuaranteedRef {
        note(pool.writeFailure(outcome, path: $0.path, blocks: block..<block + UInt32(count)))
      }
    }
  }
}
