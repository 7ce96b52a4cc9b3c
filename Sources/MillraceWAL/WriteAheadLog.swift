public import MillraceIO
public import MillraceStorage
import Synchronization

/// The write-ahead log of a cluster: records go in, positions become durable.
///
///     let (start, end) = try log.insert(builder, backend: backend)
///     try log.flush(upTo: end, backend: backend)
///
/// Five positions, each at most the one before:
///
///     inserted   space up to here has been given to records            (``insertPosition``)
///     complete   all records up to here have been copied to the buffers
///     initiated  writes up to here have been put in order
///     written    all writes up to here have ended                      (``writtenPosition``)
///     flushed    all of it up to here is durable                       (``flushedPosition``)
///
/// What goes on between them is told where it is done: ``Reservation`` and ``InsertionSlots`` (insertion),
/// ``WALBuffers`` (the ring), ``PositionQueue`` (writes and flushes in flight), ``CommitBatches`` (group commit).
///
/// Any thread may use it, each through a backend of its own, of the engine that the log was made with.
public final class WriteAheadLog: @unchecked Sendable {
  // Safe because what is not immutable is atomic, guarded by a lock, or governed by the parts that are named above.

  public let engine: IOEngine
  public let configuration: WALConfiguration
  public let geometry: WALGeometry
  public let segments: WALSegmentDirectory
  /// The method in use, after `auto` has decided.
  public let syncMethod: WALSyncMethod
  /// Why `auto` has chosen it: what was measured, and when. Nil where it was given.
  public let syncMethodReason: String?
  /// Whether a write is as good as a flush: `open_sync`, `open_datasync`, or fsync off.
  let isDurableWhenWritten: Bool
  /// How segments are opened for writing.
  let segmentOptions: IOFileOptions
  /// Whether writes go past the page cache.
  var isDirect: Bool { segmentOptions.contains(.direct) }

  let reservation: Reservation
  let slots: InsertionSlots
  let buffers: WALBuffers
  let writes: PositionQueue
  let flushes: PositionQueue
  let batches: CommitBatches
  let leader: LeaderLock
  let openSegments: OpenSegments
  let positionWaiters = PositionWaiters()
  /// For records that fill pages up; used by the thread that has set `isPadding`.
  let paddingBuilder = WALRecordBuilder()
  let zeroPage: UnsafeRawBufferPointer
  /// Held by the one thread that begins an epoch; inserters know nothing of it.
  let epochChange = Locked(())
  private(set) var writeCompletion = IOCompletionID.engine
  private(set) var flushCompletion = IOCompletionID.engine
  /// The page that begins with a new record where the rest of one that was given up should be; `.max` for none.
  let overwrittenPage: UInt64

  let shared: UnsafeMutablePointer<Shared>

  /// Words that threads of all kinds read and change.
  struct Shared: ~Copyable {
    /// First, so that their addresses are known: what threads sleep on until WAL has been written, and the WAL writer
    /// until there is something for it to do.
    let writtenEvent = Atomic<UInt64>(0)
    let writerEvent = Atomic<UInt64>(0)
    let flushed: Atomic<UInt64>
    let failure = Atomic<UInt64>(0)
    /// Set while a leader waits for `commit_delay`.
    let isDelaying = Atomic<Bool>(false)
    let isWriterStopping = Atomic<Bool>(false)
    /// The newest commit that nobody waits for.
    let asynchronousCommit = Atomic<UInt64>(0)
    /// How often the flushed position was raised, and published.
    let publications = Atomic<UInt64>(0)
    /// How often a committer waited for others.
    let commitDelays = Atomic<UInt64>(0)
    /// Set by the thread that uses the padding builder.
    let isPadding = Atomic<Bool>(false)
    let padded = Atomic<UInt64>(0)
    let paddedBytes = Atomic<UInt64>(0)
    let switchedSegments = Atomic<UInt64>(0)

    init(flushed: UInt64) { self.flushed = Atomic(flushed) }
  }

  /// Where threads sleep until WAL has been written, and where the WAL writer does.
  let writtenEvent: EventCount
  let writerEvent: EventCount

  /// Goes on with a log.
  /// - Parameters:
  ///   - end: where it goes on. Its page is read, so that the records on it stay.
  ///   - backend: of the calling thread.
  /// - Throws: ``WALError``: a value out of range, or a segment that cannot be read, made or opened.
  public init(
    engine: IOEngine, _ configuration: WALConfiguration, at end: WALResumePoint, backend: IOBackend
  ) throws(WALError) {
    try configuration.validate()
    self.engine = engine
    self.configuration = configuration
    geometry = WALGeometry(segmentSize: configuration.segmentSize)
    segments = WALSegmentDirectory(configuration)
    let choice = try SyncMethodChoice.resolve(configuration, backend: backend)
    (syncMethod, syncMethodReason) = (choice.method, choice.reason)
    isDurableWhenWritten = choice.method.isDurableOnWrite || !configuration.isFsyncEnabled
    segmentOptions = choice.segmentOptions

    let next = geometry.usableByte(at: end.position)
    let start = geometry.endPosition(ofUsableByte: next).rawValue
    reservation = Reservation(
      Reservation.State(
        next: next, previous: geometry.usableByte(at: end.lastRecord),
        epoch: InsertionEpoch(count: 0, fullPageWrites: configuration.fullPageWrites)),
      redoPosition: end.redoPosition.rawValue)
    slots = InsertionSlots(count: engine.configuration.backendsMax)
    do throws(IOError) {
      buffers = try WALBuffers(pageCount: configuration.bufferPages, hugePages: configuration.hugePages)
    } catch {
      throw WALError(.invalidConfiguration, "wal_buffers: \(error)")
    }
    writes = PositionQueue(capacity: configuration.ioConcurrency, start: start)
    flushes = PositionQueue(capacity: max(configuration.ioConcurrency, 2), start: start)
    batches = CommitBatches(
      most: configuration.commitBatchesMax, learns: configuration.learnsCommitDepth)
    leader = LeaderLock()
    overwrittenPage = end.abandonedRecord == nil ? .max : start
    // Those that the ring spans, and on either side one that is about to be opened or closed.
    openSegments = OpenSegments(count: Int(buffers.byteCount / configuration.segmentSize) + 4)
    let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: WALLayout.pageSize, alignment: 8)
    zeros.initializeMemory(as: UInt8.self, repeating: 0)
    zeroPage = UnsafeRawBufferPointer(zeros)
    shared = .allocate(capacity: 1)
    shared.initialize(to: Shared(flushed: start))
    let words = UnsafeMutableRawPointer(shared).assumingMemoryBound(to: Atomic<UInt64>.self)
    (writtenEvent, writerEvent) = (EventCount(words), EventCount(words + 1))

    writeCompletion = engine.register(WALCompletion(self, isFlush: false))
    flushCompletion = engine.register(WALCompletion(self, isFlush: true))
    engine.register(buffers.memory)
    if end.isAfterCrash { try settle(start, backend: backend) }
    try adoptLastPage(start, backend: backend)
    if let record = end.abandonedRecord { try giveUp(record, backend: backend) }
  }

  /// Sees to it that nothing that looks like the log's continuation lies behind its end (see ``WALTail``), nor anything
  /// else that a crash has left.
  private func settle(_ start: UInt64, backend: IOBackend) throws(WALError) {
    do throws(IOError) {
      try segments.removeTemporaryFiles()
      if configuration.clearsStalePages {
        try WALTail.clear(
          after: LogSequenceNumber(start), timeline: configuration.timeline, segmentSize: geometry.segmentSize,
          fileSystem: configuration.fileSystem, directory: configuration.directory, backend: backend)
      }
    } catch {
      throw WALError(error)
    }
  }

  deinit {
    reservation.deallocate()
    slots.deallocate()
    buffers.deallocate()
    writes.deallocate()
    flushes.deallocate()
    batches.deallocate()
    leader.deallocate()
    while let file = openSegments.takeAny() { engine.close(file.takeRetainedValue()) }
    openSegments.deallocate()
    zeroPage.deallocate()
    shared.deinitialize(count: 1)
    shared.deallocate()
  }

  /// Brings the page on which the log ends into the buffers, up to there.
  private func adoptLastPage(_ start: UInt64, backend: IOBackend) throws(WALError) {
    let page = start & ~UInt64(WALLayout.pageSize - 1)
    let used = Int(start - page)
    guard used > 0 else { return }
    guard case .mine = buffers.enter(page, written: start) else {
      fatalError("invariant broken: WAL buffers were not empty")
    }
    let memory = UnsafeMutableRawBufferPointer(start: buffers.address(of: page), count: WALLayout.pageSize)
    do throws(IOError) {
      // Opened apart, because the segment's own descriptor may be for durable writes.
      let file = try segments.open(
        page / geometry.segmentSize, isDirect ? .direct : [], backend: backend)
      defer { engine.close(file, by: backend) }
      let got = try backend.read(file, at: Int64(page % geometry.segmentSize), memory)
      guard got >= used else {
        throw IORequest(.readv, file: file, offset: Int64(page % geometry.segmentSize), length: WALLayout.pageSize)
          .shortTransfer(transferred: got)
      }
    } catch {
      throw WALError(error)
    }
    UnsafeMutableRawBufferPointer(rebasing: memory[used...]).initializeMemory(as: UInt8.self, repeating: 0)
    buffers.publish(page)
  }

  // MARK: Positions

  /// Where the next record will start, unless others come before it.
  public var insertPosition: LogSequenceNumber { geometry.position(ofUsableByte: reservation.load().next) }

  /// Where the last record ends that has been given its place.
  public var reservedPosition: LogSequenceNumber { geometry.endPosition(ofUsableByte: reservation.load().next) }

  /// Up to where all writes have ended.
  public var writtenPosition: LogSequenceNumber { LogSequenceNumber(writes.position) }

  /// Up to where the log is durable: what has been acknowledged lies before it.
  public var flushedPosition: LogSequenceNumber { LogSequenceNumber(flushed) }

  /// Where recovery would have to start if the checkpoint that is under way were done.
  public var redoPosition: LogSequenceNumber {
    LogSequenceNumber(reservation.redoPosition(reservation.load().epoch))
  }

  @inline(__always) var flushed: UInt64 { shared.pointee.flushed.load(ordering: .sequentiallyConsistent) }

  /// Up to where records have been copied, and who is in the way of more.
  func complete() -> (position: UInt64, obstacle: InsertionSlots.Obstacle?) {
    // The reservation first; see InsertionSlots.
    let reserved = reservation.load().next
    let (byte, obstacle) = slots.completed(reserved: reserved)
    return (geometry.endPosition(ofUsableByte: byte).rawValue, obstacle)
  }

  // MARK: Failure

  /// Why the log has stopped; nil while it runs.
  public var failure: WALError? {
    let failure = WALFailure(rawValue: shared.pointee.failure.load(ordering: .sequentiallyConsistent))
    return failure.isNone ? nil : failure.error(timeline: configuration.timeline, segmentSize: geometry.segmentSize)
  }

  @inline(__always) var hasFailed: Bool { shared.pointee.failure.load(ordering: .sequentiallyConsistent) != 0 }

  @inline(__always) func throwIfFailed() throws(WALError) {
    if hasFailed { try throwFailure() }
  }

  @inline(never) private func throwFailure() throws(WALError) {
    if let failure { throw failure }
  }

  /// Stops the log and wakes everybody who waits for it. The first cause counts. On any thread.
  func fail(_ failure: WALFailure) {
    let isFirst = shared.pointee.failure.compareExchange(
      expected: 0, desired: failure.rawValue, ordering: .sequentiallyConsistent
    ).exchanged
    guard isFirst else { return }
    writtenEvent.signalAll()
    batches.signalAll()
    writerEvent.signalAll()
    positionWaiters.wakeAll()
  }
}
