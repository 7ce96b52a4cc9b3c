import Synchronization

/// What one thread holds to issue I/O: its handles, its staged batch, its counters. PostgreSQL's per-backend AIO state.
///
/// A backend is used by one thread at a time. Any thread may wait for the I/O it started, and may submit what it has
/// staged, so a backend can block on anything while it has I/O staged or in flight. An exclusive backend is bound to
/// the thread that first submits: others can only sleep until that thread reaps, so it must not block on anything but
/// I/O, through this backend. Before it sleeps on another backend's, it completes its own.
public final class IOBackend {
  /// As views and the log show it.
  public let name: String
  /// Whether its I/O is reaped by its own thread alone.
  public let isExclusive: Bool
  /// The class of its I/O, where a handle is not told otherwise (``IOHandle/setPriority(_:)``).
  public let priority: IOPriority
  /// Whose thread it is, for views.
  public let kind: IOBackendKind
  public let engine: IOEngine

  /// Its place among the engine's backends: the lowest that was free when it was made.
  package let index: UInt32
  let table: HandleTable
  let method: IOMethod
  /// For reads that are submitted one by one.
  private let cachedReads: CachedReads?
  let shared: UnsafeMutablePointer<BackendSlot>
  /// What the words of its handles have set while they are in use.
  private let wordFlags: UInt64

  /// What its thread has used of shared buffer pools, and behind that of local ones; counted by these.
  public let pageUsage: UnsafeMutablePointer<PageUsage>
  /// What it has done, by what for.
  package let uses = IOUseCounters()
  /// What its thread has used of temporary files; counted by who reads and writes them.
  public var temporaryFileUsage = TemporaryFileUsage()
  /// The state that only the owner touches. In memory of its own, so that no access to it is checked at run time.
  let own: UnsafeMutablePointer<OwnState>

  struct OwnState {
    /// The free handles, last used first, so that they are warm.
    var idleHead = UInt32.noHandle
    var handedOut = UInt32.noHandle
    /// All that is staged or in flight, in the order of staging.
    var outstandingHead = UInt32.noHandle
    var outstandingTail = UInt32.noHandle
    var outstandingCount = 0
    var stagedCount = 0
    var batchDepth = 0
    /// The completion counter at the last look at the outstanding ones.
    var completionsSeen: UInt64 = 0
    /// How many handles have come back from I/O since the start.
    var reclaimed: UInt64 = 0
    var isClosed = false
    /// Staged handles, then room to put together what is submitted.
    let staged: UnsafeMutablePointer<UInt32>
    let claimed: UnsafeMutablePointer<UInt32>
  }

  /// I/Os that are submitted together at most (PostgreSQL's PGAIO_SUBMIT_BATCH_SIZE).
  public static let batchMax = 32

  init(_ engine: IOEngine, index: UInt32, name: String, isExclusive: Bool, priority: IOPriority, kind: IOBackendKind) {
    (self.engine, self.index, self.name, self.isExclusive) = (engine, index, name, isExclusive)
    (self.priority, self.kind) = (priority, kind)
    (table, method, shared) = (engine.table, engine.method, engine.backendSlot(index))
    cachedReads = engine.method.cachedReadsOfLoneIO
    wordFlags = isExclusive ? HandleWord.bound : 0
    pageUsage = .allocate(capacity: 2)
    pageUsage.initialize(repeating: PageUsage(), count: 2)
    own = .allocate(capacity: 1)
    own.initialize(
      to: OwnState(
        staged: .allocate(capacity: Self.batchMax), claimed: .allocate(capacity: Self.batchMax)))
    let first = index * UInt32(table.handlesPerBackend)
    shared.pointee.resetCounters()
    own.pointee.completionsSeen = shared.pointee.completions.relaxed
    for handle in (first..<first + UInt32(table.handlesPerBackend)).reversed() {
      table[handle].pointee.wantedPriority = priority
      pushIdle(handle)
    }
    shared.pointee.isForeground.relaxed = priority.isForeground ? 1 : 0
  }

  deinit {
    close()
    pageUsage.deallocate()
    uses.deallocate()
    own.pointee.staged.deallocate()
    own.pointee.claimed.deallocate()
    own.deallocate()
  }

  /// I/Os staged or in flight.
  public var outstandingCount: Int { own.pointee.outstandingCount }

  /// Waits for all I/O of this backend and gives its place back. Idempotent; also done when the backend is released.
  /// Afterwards nothing may be started.
  public func close() {
    guard !own.pointee.isClosed else { return }
    invariant(own.pointee.handedOut == .noHandle, "a backend was closed with a handle handed out")
    reap(atLeast: own.pointee.outstandingCount)
    own.pointee.isClosed = true
    shared.pointee.isForeground.relaxed = 0
    engine.detach(self)
  }

  // MARK: Acquiring and reclaiming

  /// Gets a handle. Never fails: without a free one it waits for I/O of this backend to complete.
  ///
  /// Only one handle can be out at a time; a second call before the first handle is used or let go of ends the process,
  /// since a backend that could take all its handles would wait for itself.
  /// - Complexity: O(1), no allocation; may wait.
  @inline(__always) public func acquire() -> IOHandle {
    requireUse(own.pointee.handedOut == .noHandle, "Only one IO can be handed out")
    if own.pointee.idleHead == .noHandle { makeIdle() }
    return IOHandle(index: popIdle(), backend: self)
  }

  /// Gets a handle if one is free or has become so; does not wait.
  public func acquireIfIdle() -> IOHandle? {
    requireUse(own.pointee.handedOut == .noHandle, "Only one IO can be handed out")
    if own.pointee.idleHead == .noHandle {
      method.poll(owner: index, reaper: index)
      reclaimCompleted()
      guard own.pointee.idleHead != .noHandle else { return nil }
    }
    return IOHandle(index: popIdle(), backend: self)
  }

  @inline(__always) private func popIdle() -> UInt32 {
    let handle = own.pointee.idleHead
    let slot = table[handle]
    own.pointee.idleHead = slot.pointee.next
    own.pointee.handedOut = handle
    let generation = HandleWord(rawValue: slot.pointee.word.relaxed).generation
    setWord(of: handle, generation, .handedOut)
    return handle
  }

  /// Moves a handle on while no other thread may.
  @inline(__always) private func setWord(of handle: UInt32, _ generation: UInt64, _ state: IOHandleState) {
    let word = HandleWord(generation: generation, state: state, flags: wordFlags)
    table[handle].pointee.word.store(word.rawValue, ordering: .releasing)
  }

  @inline(__always) private func pushIdle(_ handle: UInt32) {
    table[handle].pointee.next = own.pointee.idleHead
    own.pointee.idleHead = handle
  }

  /// Frees at least one handle.
  private func makeIdle() {
    reclaimCompleted()
    if own.pointee.idleHead != .noHandle { return }
    submit()
    if own.pointee.idleHead != .noHandle { return }
    invariant(own.pointee.outstandingCount > 0, "no free IOs despite no in-flight IOs")
    shared.pointee.handleWaits.ownerAdd(1)
    reap(atLeast: 1)
    invariant(own.pointee.idleHead != .noHandle, "no IO became idle by waiting")
  }

  /// Takes an unused handle back. Its generation rises, so that nobody takes it for the next use.
  func release(_ handle: UInt32) {
    invariant(own.pointee.handedOut == handle, "release in unexpected state")
    own.pointee.handedOut = .noHandle
    makeIdle(handle)
  }

  /// Ends a handle's use: a new generation first, then the fields, so that no view takes new fields for old ones.
  @inline(__always) private func makeIdle(_ handle: UInt32) {
    let slot = table[handle]
    let generation = HandleWord(rawValue: slot.pointee.word.relaxed).generation
    setWord(of: handle, generation + 1, .idle)
    atomicMemoryFence(ordering: .releasing)
    slot.pointee.description.relaxed = 0
    slot.pointee.returning = nil
    slot.pointee.context = nil
    slot.pointee.completions = 0
    slot.pointee.completionCount = 0
    slot.pointee.transferred = 0
    slot.pointee.fruitless = 0
    slot.pointee.submissionCount = 0
    slot.pointee.wantedPriority = priority
    slot.pointee.use = .other
    slot.pointee.file = nil
    pushIdle(handle)
  }

  /// Takes back a handle whose I/O everybody sees completed: own callbacks, own counters, own copy of the outcome.
  @inline(__always) func reclaim(_ handle: UInt32, completedBySelf: Bool) {
    let slot = table[handle]
    invariant(table.word(handle).state == .completedShared, "a handle was reclaimed before it was completed")
    var outcome = IOOutcome(rawValue: slot.pointee.outcome.relaxed)
    if slot.pointee.completionCount > 0 {
      outcome = engine.runLocalCompletions(handle, outcome)
      setWord(of: handle, table.word(handle).generation, .completedLocal)
    }
    slot.pointee.returning?.pointee = outcome
    let latency = engine.latencies.record(handle, in: table)
    let raw = Int64(bitPattern: slot.pointee.rawResult.relaxed)
    engine.priorityCounters(index, slot.pointee.priority).pointee
      .note(slot.pointee.operation, raw: raw, latency: latency)
    if raw > 0 {
      if slot.pointee.operation == .readv {
        shared.pointee.bytesRead.ownerAdd(UInt64(raw))
      } else {
        shared.pointee.bytesWritten.ownerAdd(UInt64(raw))
      }
    }
    if completedBySelf { shared.pointee.completedSelf.ownerAdd(1) } else { shared.pointee.completedOther.ownerAdd(1) }

    let (previous, next) = (slot.pointee.previous, slot.pointee.next)
    if previous == .noHandle { own.pointee.outstandingHead = next } else { table[previous].pointee.next = next }
    if next == .noHandle { own.pointee.outstandingTail = previous } else { table[next].pointee.previous = previous }
    own.pointee.outstandingCount -= 1
    own.pointee.reclaimed += 1
    shared.pointee.outstanding.relaxed = UInt64(own.pointee.outstandingCount)
    makeIdle(handle)
  }

  /// Reclaims what other threads have completed since the last look.
  func reclaimCompleted() {
    let completions = shared.pointee.completions.load(ordering: .acquiring)
    guard completions != own.pointee.completionsSeen else { return }
    own.pointee.completionsSeen = completions
    var handle = own.pointee.outstandingHead
    while handle != .noHandle {
      let next = table[handle].pointee.next
      if table.word(handle).state == .completedShared { reclaim(handle, completedBySelf: false) }
      handle = next
    }
  }

  // MARK: Defining

  func addCompletion(_ completion: IOCompletionID, datum: UInt8, to handle: UInt32) {
    let slot = table[handle]
    let count = slot.pointee.completionCount
    invariant(count < 4, "a handle was given a fifth completion")
    // Not `|=`, which ThreadSanitizer takes for a change of the whole slot, its word included.
    let pair = (UInt64(completion.rawValue) | UInt64(datum) << 8) << (UInt64(count) * 16)
    slot.pointee.completions = slot.pointee.completions | pair
    slot.pointee.completionCount = count + 1
  }

  /// Describes the operation of the handed-out handle, stages it, and submits unless a batch is open.
  @inline(__always) func define(
    _ handle: UInt32, _ operation: IOOperation, _ file: IOFile, offset: Int64, length: Int, vectorCount: Int,
    dataCount: Int, flags: IOFlags
  ) -> IOReference {
    invariant(own.pointee.handedOut == handle, "a handle was started that is not handed out")
    invariant(
      vectorCount <= table.vectorsPerHandle, "an I/O was given more pieces of memory than a handle has room for")
    invariant(dataCount <= table.vectorsPerHandle, "an I/O was given more data than a handle has room for")
    own.pointee.handedOut = .noHandle
    let slot = table[handle]
    var flags = flags
    if !file.isDirect { flags.insert(.buffered) }
    _ = file.inFlight.wrappingAdd(1, ordering: .relaxed)
    slot.pointee.file = Unmanaged.passUnretained(file)
    slot.pointee.fileIdentity.relaxed = file.identity
    slot.pointee.offset.relaxed = UInt64(bitPattern: offset)
    slot.pointee.length.relaxed = UInt64(length)
    slot.pointee.submittedAt.relaxed = 0
    slot.pointee.description.relaxed = HandleSlot.pack(
      operation, flags, vectors: vectorCount, data: dataCount, priority: slot.pointee.wantedPriority)
    let generation = HandleWord(rawValue: slot.pointee.word.relaxed).generation
    setWord(of: handle, generation, .defined)

    if slot.pointee.completionCount > 0 { engine.runStageCallbacks(handle) }
    appendOutstanding(handle)
    shared.pointee.started.ownerAdd(1)
    count(slot.pointee.use, operation, length)

    if flags.contains(.synchronous) || method.needsInPlaceExecution(handle) {
      // From DEFINED straight to SUBMITTED, marked so that nobody asks the method about it.
      _ = slot.pointee.word.wrappingAdd(
        UInt64(IOHandleState.submitted.rawValue - IOHandleState.defined.rawValue) | HandleWord.inPlace,
        ordering: .acquiringAndReleasing)
      executeInPlace(handle)
    } else {
      let before = table.advance(handle, from: .defined, to: .staged)
      if before.has(HandleWord.sleepers) { Futex.wake(table.wordAddress(handle)) }
      own.pointee.staged[own.pointee.stagedCount] = handle
      own.pointee.stagedCount += 1
      // A task that awaits it already, by a stage callback, submits only what it finds staged.
      let isAwaited = before.has(HandleWord.awaiters)
      if own.pointee.batchDepth == 0 || own.pointee.stagedCount == Self.batchMax || isAwaited { submit() }
      if isAwaited { method.noteAwaited(handle, IOReference(index: handle, generation: generation)) }
    }
    return IOReference(index: handle, generation: generation)
  }

  @inline(__always) private func appendOutstanding(_ handle: UInt32) {
    let tail = own.pointee.outstandingTail
    table[handle].pointee.previous = tail
    table[handle].pointee.next = .noHandle
    if tail == .noHandle { own.pointee.outstandingHead = handle } else { table[tail].pointee.next = handle }
    own.pointee.outstandingTail = handle
    own.pointee.outstandingCount += 1
    shared.pointee.outstanding.relaxed = UInt64(own.pointee.outstandingCount)
  }

  private func executeInPlace(_ handle: UInt32) {
    table[handle].pointee.submittedAt.relaxed = monotonicNanoseconds()
    shared.pointee.executedInPlace.ownerAdd(1)
    shared.pointee.issued.sharedAdd(1)
    let slot = table[handle]
    let (use, operation) = (slot.pointee.use, slot.pointee.operation ?? .readv)
    show(.executing(operation, for: use))
    engine.executeInPlace(handle, reaper: index)
    show(nil)
    countTime(of: handle, use, operation)
  }

  // MARK: Submitting

  /// Stages what is started until the batch ends, which submits it all in one call. Nested batches end with the
  /// outermost.
  public func batch() -> IOBatch { IOBatch(self) }

  /// Submits what is staged, in one call. Does nothing where nothing is.
  /// - Parameter willWait: the caller waits next; then a single I/O is executed in place, which serves it best.
  /// - Complexity: O(staged), no allocation.
  public func submit(willWait: Bool = false) { submit(willWait: willWait, waitFor: 0) }

  private func submit(willWait: Bool, waitFor: Int) {
    let count = own.pointee.stagedCount
    guard count > 0 else { return }
    own.pointee.stagedCount = 0
    let (staged, claimed) = (own.pointee.staged, own.pointee.claimed)
    if willWait, count == 1, own.pointee.outstandingCount == 1 {
      if table.claim(staged[0], inPlace: true) { executeInPlace(staged[0]) }
      return
    }
    // A waiter on another thread may have submitted some already.
    var claimedCount = 0
    if count == 1, let cachedReads, cachedReads.isWorthTrying(staged[0], index, in: table) {
      guard table.claim(staged[0], inPlace: true) else { return }
      let use = table[staged[0]].pointee.use
      let isCached = engine.completeIfCached(staged[0], reaper: index)
      cachedReads.note(hit: isCached, owner: index)
      if isCached {
        countTime(of: staged[0], use, .readv)
        return
      }
      claimed[0] = staged[0]
      claimedCount = 1
    } else {
      for position in 0..<count where table.claim(staged[position]) {
        claimed[claimedCount] = staged[position]
        claimedCount += 1
      }
    }
    engine.issue(claimed, count: claimedCount, owner: index, reaper: index, waitFor: waitFor)
  }

  // MARK: Waiting

  /// Blocks until an I/O, this backend's or another's, has completed. Returns at once where it has long been over.
  /// - Returns: whether it had to wait.
  @discardableResult
  public func wait(for reference: IOReference) -> Bool {
    if engine.isCompleted(reference) {
      reclaimIfOwn(reference)
      return false
    }
    let owner = table[reference.index].pointee.owner
    if isExclusive, owner != index {
      // While this thread sleeps nobody could complete what it has in flight, which may be what the other waits for.
      reap(atLeast: own.pointee.outstandingCount)
    }
    submit(willWait: owner == index)
    // What has ended and only not been reaped is not waited for: streams learn from the difference.
    method.poll(owner: owner, reaper: index)
    let wait = beginWait(for: reference.index)
    let waited = engine.wait(for: reference, reaper: index)
    end(wait, waited: waited)
    reclaimIfOwn(reference)
    return waited
  }

  /// Whether an I/O has completed. Never waits; costs a system call on no method.
  public func isCompleted(_ reference: IOReference) -> Bool {
    if !engine.isCompleted(reference) {
      method.poll(owner: table[reference.index].pointee.owner, reaper: index)
      guard engine.isCompleted(reference) else { return false }
    }
    reclaimIfOwn(reference)
    return true
  }

  private func reclaimIfOwn(_ reference: IOReference) {
    let handle = reference.index
    guard table[handle].pointee.owner == index else { return }
    let word = table.word(handle)
    if reference.matches(word), word.state == .completedShared { reclaim(handle, completedBySelf: false) }
  }

  /// Submits what is staged, waits until at least `count` of this backend's I/Os have completed, and takes their
  /// handles back.
  /// - Parameter count: clamped to what is outstanding; 0 only collects.
  /// - Returns: how many handles came back.
  @discardableResult
  public func reap(atLeast count: Int) -> Int {
    let before = own.pointee.reclaimed
    let wanted = UInt64(min(count, own.pointee.outstandingCount))
    submit(willWait: false, waitFor: Int(wanted))
    while true {
      method.poll(owner: index, reaper: index)
      reclaimCompleted()
      let got = own.pointee.reclaimed - before
      if got >= wanted || own.pointee.outstandingCount == 0 { return Int(got) }
      let wait = beginWait(for: own.pointee.outstandingHead)
      method.wait(owner: index, count: Int(wanted - got), seen: own.pointee.completionsSeen)
      end(wait)
    }
  }

  /// Gives up the outcome of an I/O that this backend started: it goes on, and nothing is written to the issuer's slot.
  public func abandon(_ reference: IOReference) {
    let slot = table[reference.index]
    guard slot.pointee.owner == index, reference.matches(table.word(reference.index)) else { return }
    slot.pointee.returning = nil
  }
}

/// An open batch. Ends when it is consumed by ``submit()`` or let go of, so it cannot be left open.
public struct IOBatch: ~Copyable {
  private let backend: Unmanaged<IOBackend>

  init(_ backend: IOBackend) {
    backend.own.pointee.batchDepth += 1
    self.backend = Unmanaged.passUnretained(backend)
  }

  /// Ends the batch and submits it.
  public consuming func submit() {}

  deinit {
    backend._withUnsafeGuaranteedRef {
      $0.own.pointee.batchDepth -= 1
      if $0.own.pointee.batchDepth == 0 { $0.submit() }
    }
  }
}
