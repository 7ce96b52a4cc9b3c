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
  let budget: StreamBudget
  let directory: ForkDirectory
  /// Which pages are written: dirty ones, or those that the checkpoint needs.
  let flag: UInt64
  /// Whether it waits for pages that others have locked. Not where its thread may have pages locked itself: those who
  /// lock the one may be waiting for the other.
  let waitsForLocks: Bool
  let combineLimit: Int
  let maxIOs: Int
  /// Whether its I/O gives way to what somebody waits for.
  let yields: Bool
  let batchLimit: Int
  /// What only this class touches; in memory of its own, so that no access to it is checked at run time.
  let own: UnsafeMutablePointer<State>
  /// The forks of writes in flight and of what is still to be flushed, the last one last: when a write is over none of
  /// its pages keeps its fork here.
  var forks: [StoredFork] = []
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
    let flushes: UnsafeMutablePointer<Flush>
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

  func note(_ error: StorageError) {
    if failure == nil { failure = error }
  }
}
