import CMillrace
public import MillraceIO
import Synchronization

/// Pages in memory, shared by all threads (PostgreSQL's shared buffers), or of one session's temporary relations (its
/// local buffers): the same code serves both, since in one process a pool that only one session uses differs in nothing
/// but its size (docs/decisions/0004).
///
/// One aligned mapping holds the pages, so that direct I/O goes to the place where a page is used. Pinning a page that
/// is here costs a look-up and one compare-and-swap; no lock, no allocation, no reference count.
public final class BufferPool: @unchecked Sendable {
  // Safe because descriptors are atomic, and a page's bytes are touched only under a pin, or by the I/O that fills it.

  public enum Scope: Sendable {
    /// `shared_buffers`.
    case shared
    /// `temp_buffers`, of one session.
    case local
  }

  public let engine: IOEngine
  public let scope: Scope
  /// Which of a thread's counters are this pool's.
  private let usageIndex: Int
  /// Buffers.
  public let count: Int
  /// The pages' memory.
  public let memory: IOMemory
  /// Whether pages carry checksums.
  public let checksums: Bool
  /// How far all read streams together may look ahead.
  public let readAheadBudget: StreamBudget
  /// How much all write streams together may have in flight.
  public let writeBudget: StreamBudget

  /// What is read and written without a ring counts as.
  let use: IOUse
  let descriptors: UnsafeMutablePointer<BufferDescriptor>
  let table: BufferTable
  /// The forks of which there may be pages here.
  let forks = ForkDirectory()
  let readCompletion: IOCompletionID
  let writeCompletion: IOCompletionID
  let segmentCompletion: IOCompletionID
  let segmentWriteCompletion: IOCompletionID
  let nextUnused = Atomic<UInt32>(0)
  /// Where the clock sweep goes on: how many buffers it has passed since the start.
  let clockHand = Atomic<UInt64>(0)
  private let flushGuardReference = Atomic<UnsafeRawPointer?>(nil)
  let counters = BufferPoolCounters()
  /// What the background writer sleeps on when there is nothing for it to do; set when somebody needs a buffer.
  let allocationLatch = Latch()

  /// The most buffers that a pool can have, PostgreSQL's limit: 8 TiB.
  static let countMax = Int(Int32.max) / 2

  /// Makes a pool and tells the engine of its memory.
  /// - Parameters:
  ///   - count: buffers; at least 16.
  ///   - checksums: whether pages carry checksums, which are then verified when a page is read.
  /// - Throws: ``IOError`` when there is not so much memory.
  public init(
    engine: IOEngine, count: Int, scope: Scope = .shared, checksums: Bool = true,
    hugePages: IOMemory.HugePages = .try
  ) throws(IOError) {
    guard (16...Self.countMax).contains(count) else {
      throw IOError(
        .invalidConfiguration,
        message: "\(count) is outside the valid range for parameter \"shared_buffers\" (16 .. \(Self.countMax))")
    }
    (self.engine, self.scope, self.count) = (engine, scope, count)
    use = scope == .shared ? .relation : .temporaryRelation
    usageIndex = scope == .local ? 1 : 0
    memory = try IOMemory(byteCount: count * PageLayout.blockSize, hugePages: hugePages)
    descriptors = .allocateCacheLines(capacity: count)
    for index in 0..<count { (descriptors + index).initialize(to: BufferDescriptor()) }
    table = BufferTable(descriptors, count: count)
    readAheadBudget = StreamBudget(total: max(count / 2, 8))
    writeBudget = StreamBudget(total: min(max(count / 4, 8), 4096))
    self.checksums = checksums
    segmentCompletion = engine.register(SegmentReadCompletion.shared)
    readCompletion = engine.register(BufferReadCompletion.shared)
    segmentWriteCompletion = engine.register(SegmentWriteCompletion.shared)
    writeCompletion = engine.register(BufferWriteCompletion.shared)
    // Of pools that come and go with sessions the kernel is not told: it would keep their memory.
    if scope == .shared { engine.register(memory) }
  }

  deinit {
    flushGuard = nil
    table.deallocate()
    descriptors.deinitialize(count: count)
    descriptors.deallocate()
  }

  /// The bytes of a buffer's page. Valid under a pin.
  @inline(__always) func page(_ buffer: BufferID) -> UnsafeMutableRawPointer {
    memory.baseAddress + Int(buffer) * PageLayout.blockSize
  }

  @inline(__always) func tag(_ buffer: BufferID) -> BufferTag {
    BufferTag(rawValue: descriptors[Int(buffer)].tag.load(ordering: .relaxed))
  }

  @inline(__always) func state(_ buffer: BufferID) -> BufferState {
    BufferState(rawValue: descriptors[Int(buffer)].state.load(ordering: .acquiring))
  }

  /// What must be durable before a page is written out; nil where no log is kept. To be set before the first page is
  /// changed, and taken away, if at all, after the last one was written.
  public var flushGuard: PageFlushGuard? {
    get { flushGuardReference.load(ordering: .acquiring).map { Unmanaged.fromOpaque($0).takeUnretainedValue() } }
    set {
      let new = newValue.map { UnsafeRawPointer(Unmanaged.passRetained($0).toOpaque()) }
      guard let old = flushGuardReference.exchange(new, ordering: .acquiringAndReleasing) else { return }
      Unmanaged<PageFlushGuard>.fromOpaque(old).release()
    }
  }

  /// Up to where the log is durable; nil where none is kept. Counts no reference.
  @inline(__always) var flushedPosition: LogSequenceNumber? {
    guard let known = flushGuardReference.load(ordering: .acquiring) else { return nil }
    return Unmanaged<PageFlushGuard>.fromOpaque(known)._withUnsafeGuaranteedRef { $0.flushedPosition }
  }

  /// Where a thread counts what it uses of this pool.
  @inline(__always) func usage(of backend: IOBackend) -> UnsafeMutablePointer<PageUsage> {
    backend.pageUsage + usageIndex
  }

  /// Clean pages that the calling thread has made dirty, in all pools of a scope.
  public static func pagesDirtied(_ scope: Scope) -> UInt64 { millrace_dirtied(scope == .local) }

  // MARK: Pinning

  /// Pins a page that has a buffer, valid or not. - Returns: nil if it has none.
  @inline(__always) func pinIfPresent(_ tag: BufferTag, raisesUsage: Bool) -> BufferID? {
    var attempts = 0
    while let buffer = table.find(tag) {
      if pin(buffer, expecting: tag, raisesUsage: raisesUsage) { return buffer }
      // It is being replaced; in a moment the table will say so.
      BufferTable.letOthersRun(&attempts)
    }
    return nil
  }

  /// Has the processor bring in what pinning a page will look at, if it is in a certain buffer.
  @inline(__always) func prefetchLookUp(_ tag: BufferTag, _ buffer: BufferID) {
    table.prefetch(tag)
    // An address is all that is made of it, so it may be one behind the last.
    millrace_prefetch(descriptors + Int(buffer))
  }

  /// Pins a buffer if it still holds the expected page.
  @inline(__always) private func pin(_ buffer: BufferID, expecting tag: BufferTag, raisesUsage: Bool) -> Bool {
    let descriptor = descriptors + Int(buffer)
    var seen = BufferState(rawValue: descriptor.pointee.state.load(ordering: .relaxed))
    while true {
      guard seen.has(BufferState.tagValid) else { return false }
      var desired = seen.rawValue + BufferState.onePin
      // A ring's pages do not grow popular by passing through.
      if seen.usage < (raisesUsage ? BufferState.usageMax : 1) { desired += BufferState.oneUsage }
      let (exchanged, now) = descriptor.pointee.state.weakCompareExchange(
        expected: seen.rawValue, desired: desired, successOrdering: .acquiring, failureOrdering: .relaxed)
      if exchanged { break }
      seen = BufferState(rawValue: now)
    }
    // Pinned, it cannot be replaced any more; it may have been before.
    if descriptor.pointee.tag.load(ordering: .relaxed) == tag.rawValue { return true }
    unpin(buffer)
    return false
  }

  /// Pins a buffer if it holds the expected page, without making the page more popular: to write it out.
  @inline(__always) func pinUnused(_ buffer: BufferID, _ tag: BufferTag) -> Bool {
    let descriptor = descriptors + Int(buffer)
    var seen = BufferState(rawValue: descriptor.pointee.state.load(ordering: .relaxed))
    while true {
      guard seen.has(BufferState.tagValid), self.tag(buffer) == tag else { return false }
      let (exchanged, now) = descriptor.pointee.state.weakCompareExchange(
        expected: seen.rawValue, desired: seen.rawValue + BufferState.onePin, successOrdering: .acquiring,
        failureOrdering: .relaxed)
      if exchanged { break }
      seen = BufferState(rawValue: now)
    }
    if self.tag(buffer) == tag { return true }
    unpin(buffer)
    return false
  }

  /// Adds a pin to one that the caller holds.
  @inline(__always) func addPin(_ buffer: BufferID) {
    _ = descriptors[Int(buffer)].state.wrappingAdd(BufferState.onePin, ordering: .relaxed)
  }

  @inline(__always) func unpin(_ buffer: BufferID) {
    let before = BufferState(
      rawValue: descriptors[Int(buffer)].state.wrappingSubtract(BufferState.onePin, ordering: .releasing).oldValue)
    precondition(before.pins > 0, "invariant broken: a buffer was unpinned that was not pinned")
  }

  /// Pins the buffer of a page, giving it one if it has none; then the page is not valid yet.
  /// - Parameter backend: the calling thread's, to write out what must make room; without one only clean pages do.
  /// - Throws: ``StorageError`` `.noUnpinnedBuffers`.
  @inline(__always) func pinOrAllocate(
    _ tag: BufferTag, strategy: BufferStrategy?, backend: IOBackend? = nil
  ) throws(StorageError) -> BufferID {
    if let buffer = pinIfPresent(tag, raisesUsage: strategy == nil) { return buffer }
    return publish(try takeVictim(strategy: strategy, backend: backend), tag, raisesUsage: strategy == nil)
  }

  /// Gives a page a buffer that the caller has taken, unless another thread was faster with the same page.
  /// - Returns: the page's buffer, pinned.
  func publish(_ buffer: BufferID, _ tag: BufferTag, raisesUsage: Bool) -> BufferID {
    let descriptor = descriptors + Int(buffer)
    var attempts = 0
    while true {
      let other = table.insert(buffer, tag) {
        descriptor.pointee.tag.store(tag.rawValue, ordering: .relaxed)
        descriptor.pointee.ioReference.store(0, ordering: .relaxed)
        // Still only our pin: without a valid tag nobody else could take one.
        descriptor.pointee.state.store(
          BufferState.onePin | BufferState.oneUsage | BufferState.tagValid, ordering: .releasing)
      }
      guard let other else { return buffer }
      if pin(other, expecting: tag, raisesUsage: raisesUsage) {
        unpin(buffer)
        return other
      }
      BufferTable.letOthersRun(&attempts)
    }
  }

  /// All pins that there are, those of I/O with them. For tests, and for views that may be a little off.
  package var pinCount: Int { (0..<UInt32(count)).reduce(0) { $0 + Int(state($1).pins) } }
}

/// What a pool has done so far (`pg_stat_io`'s hits, reads, evictions, reuses).
final class BufferPoolCounters: Sendable {
  /// Operations; one combined read counts once.
  let reads = Atomic<UInt64>(0)
  let blocksRead = Atomic<UInt64>(0)
  let checksumFailures = Atomic<UInt64>(0)
  /// Clean pages that became dirty.
  let dirtied = Atomic<UInt64>(0)
  /// Operations; one combined write counts once.
  let writes = Atomic<UInt64>(0)
  let blocksWritten = Atomic<UInt64>(0)
  /// Writes that did not write all.
  let writeFailures = Atomic<UInt64>(0)
  /// Writes that have been started and are not over.
  let writesInFlight = Atomic<UInt64>(0)
  /// Writes that somebody who needed a buffer had to wait for, because no clean one could be had.
  let writesWaitedFor = Atomic<UInt64>(0)
  /// Dirty pages that left a scan's ring because their log was not durable.
  let ringRejects = Atomic<UInt64>(0)
  /// Of the background writer: pages that it has written, and rounds that ended because there were so many.
  let cleaned = Atomic<UInt64>(0)
  let cleaningEndedEarly = Atomic<UInt64>(0)
  /// Buffers that were asked for, to hold other pages, but for those that rings use again.
  let allocations = Atomic<UInt64>(0)
  /// Content locks that could not be had at once.
  let lockWaits = Atomic<UInt64>(0)
}

extension Atomic where Value == UInt64 {
  @inline(__always) func sharedIncrement(by amount: UInt64 = 1) { _ = wrappingAdd(amount, ordering: .relaxed) }
  @inline(__always) func sharedDecrement() { _ = wrappingSubtract(1, ordering: .relaxed) }
}

/// Counters of a pool at one moment.
public struct BufferPoolStatistics: Sendable, Equatable {
  public let hits, reads, blocksRead, evictions, reuses, checksumFailures: UInt64
  /// Writes, one combined write counted once; their blocks; and those that did not write all.
  public let writes, blocksWritten, writeFailures: UInt64
  /// Writes that somebody who needed a buffer had to wait for, because no clean one could be had.
  public let writesWaitedFor: UInt64
  /// Buffers that were asked for, to hold other pages, but for those that rings use again (`buffers_alloc`).
  public let allocations: UInt64
  /// Clean pages that became dirty.
  public let dirtied: UInt64
  /// What the background writer has written, and how often it stopped at its limit (`buffers_clean`,
  /// `maxwritten_clean`).
  public let cleaned, cleaningEndedEarly: UInt64
  /// Content locks that could not be had at once.
  public let lockWaits: UInt64
}

extension BufferPool {
  private var uses: [IOUse] {
    scope == .local ? [use] : [.relation, .relationVacuum, .relationBulkRead, .relationBulkWrite]
  }

  /// Counts a page that was there.
  @inline(__always) func countHit(_ fork: StoredFork, _ strategy: BufferStrategy?, _ backend: IOBackend) {
    HitCounters(self, fork, strategy, backend).count()
  }

  /// Hits, evictions and reuses are those of all pools of its scope.
  public var statistics: BufferPoolStatistics {
    BufferPoolStatistics(
      hits: engine.total(.hits, of: uses), reads: counters.reads.relaxed, blocksRead: counters.blocksRead.relaxed,
      evictions: engine.total(.evictions, of: uses), reuses: engine.total(.reuses, of: uses),
      checksumFailures: counters.checksumFailures.relaxed, writes: counters.writes.relaxed,
      blocksWritten: counters.blocksWritten.relaxed, writeFailures: counters.writeFailures.relaxed,
      writesWaitedFor: counters.writesWaitedFor.relaxed, allocations: counters.allocations.relaxed,
      dirtied: counters.dirtied.relaxed, cleaned: counters.cleaned.relaxed,
      cleaningEndedEarly: counters.cleaningEndedEarly.relaxed, lockWaits: counters.lockWaits.relaxed)
  }
}
