import Glibc
import Synchronization

/// Submission and completion: what happens to an I/O between its batch and its waiters.
extension IOEngine {
  /// What the kernel is to be given for a handle: what was described, unless it was merged or is being continued.
  struct Submission {
    let vectors: UnsafeMutablePointer<IOVector>
    let vectorCount: Int32
    let offset: Int64
    let length: Int
  }

  @inline(__always) func submission(_ index: UInt32) -> Submission {
    let slot = table[index]
    let offset = Int64(bitPattern: slot.pointee.offset.relaxed)
    guard slot.pointee.submissionCount > 0 else {
      return Submission(
        vectors: table.vectors(index), vectorCount: Int32(slot.pointee.vectorCount), offset: offset,
        length: Int(slot.pointee.length.relaxed))
    }
    return Submission(
      vectors: table.submissionVectors(index), vectorCount: slot.pointee.submissionCount,
      offset: offset + Int64(slot.pointee.transferred), length: slot.pointee.submissionLength)
  }

  // MARK: Issuing

  /// Merges and submits claimed handles. `handles` is overwritten.
  @inline(__always) func issue(
    _ handles: UnsafeMutablePointer<UInt32>, count: Int, owner: UInt32, reaper: UInt32?, waitFor: Int = 0
  ) {
    guard count > 0 else { return }
    let now = monotonicNanoseconds()
    var heads = 0
    for position in 0..<count {
      let index = handles[position]
      table[index].pointee.submittedAt.relaxed = now
      if heads > 0, merge(index, into: handles[heads - 1]) { continue }
      handles[heads] = index
      heads += 1
    }
    backendSlot(owner).pointee.issued.sharedAdd(UInt64(heads))
    backendSlot(owner).pointee.submissions.sharedAdd(1)
    method.submit(handles, count: heads, owner: owner, reaper: reaper, waitFor: waitFor)
  }

  /// Appends an I/O to the one before it in the batch, if both are one stretch of one file.
  private func merge(_ index: UInt32, into head: UInt32) -> Bool {
    let (slot, headSlot) = (table[index], table[head])
    guard let operation = slot.pointee.operation, operation.transfersData,
      headSlot.pointee.operation == operation, headSlot.pointee.priority == slot.pointee.priority,
      headSlot.pointee.fileIdentity.relaxed == slot.pointee.fileIdentity.relaxed
    else { return false }
    let whole = submission(head)
    let own = submission(index)
    guard whole.offset &+ Int64(whole.length) == own.offset,
      whole.length + own.length <= configuration.mergedBytesMax
    else { return false }

    // Neighbours in memory become one piece, which may make room.
    let target = table.submissionVectors(head)
    var count = Int(whole.vectorCount)
    let joins = whole.vectors[count - 1].adjoins(own.vectors[0])
    guard count + Int(own.vectorCount) - (joins ? 1 : 0) <= table.vectorsPerHandle else { return false }
    if whole.vectors != target { target.update(from: whole.vectors, count: count) }
    for position in 0..<Int(own.vectorCount) {
      if target[count - 1].adjoins(own.vectors[position]) {
        target[count - 1].byteCount += own.vectors[position].byteCount
      } else {
        target[count] = own.vectors[position]
        count += 1
      }
    }
    headSlot.pointee.submissionCount = Int32(count)
    headSlot.pointee.submissionLength = whole.length + own.length

    var last = head
    while table[last].pointee.mergeNext != .noHandle { last = table[last].pointee.mergeNext }
    table[last].pointee.mergeNext = index
    slot.pointee.mergedInto.relaxed = head
    return true
  }

  /// Submits, on behalf of its owner, what a backend has staged. Any thread that waits for such an I/O does this, so
  /// that no batch can be part of a deadlock.
  func submitStaged(of owner: UInt32, reaper: UInt32?) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: IOBackend.batchMax) { claimed in
      guard let handles = claimed.baseAddress else { return }
      var count = 0
      let first = owner * UInt32(table.handlesPerBackend)
      for index in first..<first + UInt32(table.handlesPerBackend) {
        guard count < IOBackend.batchMax else { break }
        if table.word(index).state == .staged, table.claim(index, evenBound: owner == reaper) {
          handles[count] = index
          count += 1
        }
      }
      issue(handles, count: count, owner: owner, reaper: reaper)
    }
  }

  // MARK: Executing

  /// Executes what is left of an I/O, or a merge, once.
  /// - Returns: bytes, or -errno.
  @inline(__always) package func attempt(_ index: UInt32) -> Int64 {
    let slot = table[index]
    guard let operation = slot.pointee.operation, let file = slot.pointee.file else {
      invariantFailure("an undefined I/O was executed")
    }
    let io = submission(index)
    return file._withUnsafeGuaranteedRef {
      $0.execute(operation, io.vectors, count: io.vectorCount, at: io.offset, length: Int64(io.length))
    }
  }

  /// Reads what the page cache has of an I/O, once. - Returns: bytes, or -EAGAIN or -EOPNOTSUPP.
  @inline(__always) func attemptCached(_ index: UInt32) -> Int64 {
    guard let file = table[index].pointee.file else { invariantFailure("an undefined I/O was executed") }
    let io = submission(index)
    return file._withUnsafeGuaranteedRef { $0.readCached(io.vectors, count: io.vectorCount, at: io.offset) }
  }

  /// Completes a read, claimed to be executed in place, if the page cache has it.
  /// - Returns: false where it does not: then the I/O is one that the method must be given, and may be asked about.
  func completeIfCached(_ index: UInt32, reaper: UInt32) -> Bool {
    let slot = table[index]
    slot.pointee.submittedAt.relaxed = monotonicNanoseconds()
    let raw = attemptCached(index)
    guard raw >= 0 else {
      let before = HandleWord(
        rawValue: slot.pointee.word.wrappingSubtract(HandleWord.inPlace, ordering: .acquiringAndReleasing).oldValue)
      // Who has gone to sleep because this thread was at work on it shall ask the method.
      if before.has(HandleWord.sleepers) { Futex.wake(table.wordAddress(index)) }
      return false
    }
    backendSlot(reaper).pointee.issued.sharedAdd(1)
    backendSlot(reaper).pointee.submissions.sharedAdd(1)
    switch absorb(injected(raw, index), index) {
    case .again: executeInPlace(index, reaper: reaper)
    case .done(let result): finish(index, result, at: monotonicNanoseconds(), reaper: reaper)
    }
    return true
  }

  /// Executes an I/O, or a merge, on the calling thread until nothing is left to retry.
  func executeInPlace(_ index: UInt32, reaper: UInt32?) {
    let slot = table[index]
    while true {
      let raw = attempt(index)
      let now = monotonicNanoseconds()
      if slot.pointee.mergeNext != .noHandle {
        distribute(index, injected(raw, index), at: now, reaper: reaper)
        return
      }
      switch absorb(injected(raw, index), index) {
      case .again: continue
      case .done(let result):
        finish(index, result, at: now, reaper: reaper)
        return
      }
    }
  }

  // MARK: Completing

  /// Takes the raw result of a submitted I/O or merge: retries it, or runs its completions and wakes its waiters.
  /// - Parameters:
  ///   - raw: bytes, or -errno.
  ///   - now: monotonic nanoseconds, read once for what is reaped together.
  ///   - reaper: the backend whose thread this is, if it is one.
  @inline(__always) package func complete(_ index: UInt32, _ raw: Int64, at now: UInt64, reaper: UInt32?) {
    if table[index].pointee.mergeNext != .noHandle {
      distribute(index, injected(raw, index), at: now, reaper: reaper)
      return
    }
    switch absorb(injected(raw, index), index) {
    case .again: method.retry(index, reaper: reaper)
    case .done(let result): finish(index, result, at: now, reaper: reaper)
    }
  }

  @inline(__always) private func injected(_ raw: Int64, _ index: UInt32) -> Int64 {
    guard let injection else { return raw }
    let path = table[index].pointee.file?._withUnsafeGuaranteedRef { $0.path } ?? ""
    return injection.result(raw, of: CompletionContext(table, index, id: .engine, datum: 0), path: path)
  }

  /// What one attempt came to.
  private enum Verdict {
    /// Something is left to do, or nothing was done for a passing reason.
    case again
    /// The final raw result: bytes of all attempts, or -errno.
    case done(Int64)
  }

  /// Attempts in a row that move nothing before the reason counts as the result.
  private static let fruitlessMax: UInt16 = 64

  /// Adds an attempt to what earlier ones did, and prepares the next one where there is to be one.
  @inline(__always) private func absorb(_ raw: Int64, _ index: UInt32) -> Verdict {
    let slot = table[index]
    let wanted = Int(slot.pointee.length.relaxed)
    if raw >= 0 {
      guard slot.pointee.operation?.transfersData == true else { return .done(0) }
      if raw == Int64(wanted - slot.pointee.transferred) { return .done(Int64(wanted)) }
    }
    return absorbUnusual(raw, index, wanted: wanted)
  }

  /// Short transfers and errors.
  private func absorbUnusual(_ raw: Int64, _ index: UInt32, wanted: Int) -> Verdict {
    let slot = table[index]
    if raw < 0 {
      let number = Int32(-raw)
      // ECANCELED: the kernel gives up what a thread had submitted when that thread ends.
      guard number == EAGAIN || number == EINTR || number == ECANCELED,
        slot.pointee.fruitless < Self.fruitlessMax
      else { return .done(raw) }
      slot.pointee.fruitless = slot.pointee.fruitless + 1
      backendSlot(slot.pointee.owner).pointee.retries.sharedAdd(1)
      return .again
    }
    if raw == 0 {
      // The end of the file, or a device that takes nothing more.
      return .done(slot.pointee.operation == .readv ? Int64(slot.pointee.transferred) : -Int64(ENOSPC))
    }
    // Direct I/O goes on at an aligned place, and is at the end of the file where it cannot get to the next one.
    let alignment = slot.pointee.file?._withUnsafeGuaranteedRef { $0.alignment.offset } ?? 1
    let usable = (slot.pointee.transferred + Int(raw)) / alignment * alignment - slot.pointee.transferred
    guard usable > 0 else { return .done(Int64(slot.pointee.transferred) + raw) }
    // Not `+=`, which ThreadSanitizer takes for a change of the whole slot, its word included.
    slot.pointee.transferred = slot.pointee.transferred + usable
    slot.pointee.fruitless = 0
    continueTransfer(index, wanted: wanted)
    backendSlot(slot.pointee.owner).pointee.retries.sharedAdd(1)
    return .again
  }

  /// Puts together the vectors of what is left after `transferred` bytes.
  private func continueTransfer(_ index: UInt32, wanted: Int) {
    let slot = table[index]
    let (described, target) = (table.vectors(index), table.submissionVectors(index))
    var skip = slot.pointee.transferred
    var count = 0
    for position in 0..<slot.pointee.vectorCount {
      let piece = described[position]
      if skip >= piece.byteCount {
        skip -= piece.byteCount
        continue
      }
      target[count] = IOVector(base: piece.base.map { $0 + skip }, byteCount: piece.byteCount - skip)
      skip = 0
      count += 1
    }
    slot.pointee.submissionCount = Int32(count)
    slot.pointee.submissionLength = wanted - slot.pointee.transferred
  }

  /// Hands the result of a merge to its members, in file order. One that got nothing, or whose merge failed, is tried
  /// again by itself, so that only the member that is at fault fails.
  private func distribute(_ head: UInt32, _ raw: Int64, at now: UInt64, reaper: UInt32?) {
    var remaining = max(raw, 0)
    var member = head
    while member != .noHandle {
      let slot = table[member]
      let next = slot.pointee.mergeNext
      slot.pointee.mergeNext = .noHandle
      slot.pointee.mergedInto.relaxed = .noHandle
      slot.pointee.submissionCount = 0
      let share = min(remaining, Int64(slot.pointee.length.relaxed))
      remaining -= share
      if share == 0 {
        backendSlot(slot.pointee.owner).pointee.retries.sharedAdd(1)
        method.retry(member, reaper: reaper)
      } else {
        switch absorb(share, member) {
        case .again: method.retry(member, reaper: reaper)
        case .done(let result): finish(member, result, at: now, reaper: reaper)
        }
      }
      member = next
    }
  }

  /// Ends an I/O: completions, then everybody who waits.
  @inline(__always) private func finish(_ index: UInt32, _ raw: Int64, at now: UInt64, reaper: UInt32?) {
    let slot = table[index]
    slot.pointee.rawResult.relaxed = UInt64(bitPattern: raw)
    slot.pointee.completedAt.relaxed = now
    table.advance(index, from: .submitted, to: .completedIO)

    var outcome: IOOutcome
    if raw < 0 {
      outcome = IOOutcome(.failed, result: 0, detail: UInt32(-raw))
    } else {
      let isWhole = raw == Int64(slot.pointee.length.relaxed) || slot.pointee.operation?.transfersData == false
      outcome = IOOutcome(isWhole ? .ok : .partial, result: Int32(truncatingIfNeeded: raw))
    }
    if slot.pointee.completionCount > 0 { outcome = runSharedCompletions(index, outcome) }
    slot.pointee.outcome.relaxed = outcome.rawValue

    let owner = slot.pointee.owner
    slot.pointee.file?._withUnsafeGuaranteedRef { file in
      // Last: afterwards the file may be gone.
      _ = file.inFlight.wrappingSubtract(1, ordering: .releasing)
    }
    let before = table.advance(index, from: .completedIO, to: .completedShared)

    // From here on the slot is its owner's, who may already use it again; the word's address stays good.
    if before.has(HandleWord.sleepers) { Futex.wake(table.wordAddress(index)) }
    if before.has(HandleWord.awaiters) { waiters.resume(IOReference(index: index, generation: before.generation)) }
    if owner == reaper {
      withBackend(owner) { $0.reclaim(index, completedBySelf: true) }
    } else {
      noteCompletion(for: owner)
    }
  }

  /// Counts a completion for an owner on another thread, and wakes it if it has enough.
  @inline(__always) private func noteCompletion(for owner: UInt32) {
    let backend = backendSlot(owner)
    let count = backend.pointee.completions.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
    if count >= backend.pointee.wakeAt.load(ordering: .sequentiallyConsistent) {
      Futex.wake(completionsAddress(owner))
    }
  }

  /// The word that an owner sleeps on: its slot's first field.
  @inline(__always) private func completionsAddress(_ owner: UInt32) -> UnsafeMutablePointer<Atomic<UInt64>> {
    UnsafeMutableRawPointer(backendSlot(owner)).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// Sleeps until other threads have completed `count` I/Os of an owner beyond `seen`. May return early.
  func sleepForCompletions(owner: UInt32, count: Int, seen: UInt64) {
    let backend = backendSlot(owner)
    backend.pointee.wakeAt.store(seen + UInt64(count), ordering: .sequentiallyConsistent)
    Futex.wait(completionsAddress(owner), while: seen)
    backend.pointee.wakeAt.store(.max, ordering: .relaxed)
  }

  // MARK: Callbacks

  /// Calls `body` for each completion of a handle, the last registered first.
  @inline(__always) private func forEachCompletion(
    _ index: UInt32, _ body: (IOCompletion, borrowing CompletionContext) -> Void
  ) {
    let slot = table[index]
    for position in (0..<slot.pointee.completionCount).reversed() {
      let pair = slot.pointee.completions >> (UInt64(position) * 16)
      let id = UInt8(truncatingIfNeeded: pair)
      let context = CompletionContext(
        table, index, id: IOCompletionID(rawValue: id), datum: UInt8(truncatingIfNeeded: pair >> 8))
      completions.with(id) { body($0, context) }
    }
  }

  func runStageCallbacks(_ index: UInt32) {
    forEachCompletion(index) { completion, context in completion.stage(context) }
  }

  private func runSharedCompletions(_ index: UInt32, _ outcome: IOOutcome) -> IOOutcome {
    var outcome = outcome
    forEachCompletion(index) { completion, context in outcome = completion.complete(context, outcome) }
    return outcome
  }

  func runLocalCompletions(_ index: UInt32, _ outcome: IOOutcome) -> IOOutcome {
    var outcome = outcome
    forEachCompletion(index) { completion, context in outcome = completion.completeLocal(context, outcome) }
    return outcome
  }
}
