import CMillrace
import Glibc
import Synchronization

/// `io_method=posix_aio`: the system's POSIX AIO (aio_read(3), lio_listio(3)).
///
/// In one process any thread may ask for and take the result of any request, so what PostgreSQL's project needs signals
/// and an exchange between processes for is a compare-and-swap here: who takes a request's result is who sets its place
/// free.
///
/// - POSIX has no vectored request: each piece of memory is a request of its own, and the I/O is over when all are. The
///   result is the bytes up to the first short piece.
/// - glibc serves one request per descriptor number at a time: requests are spread over duplicates of the file's
///   descriptor.
/// - What POSIX AIO does not have (flushRange, allocate) and what it refuses (EAGAIN, at its limits) is executed in
///   place.
final class MethodPosixAIO: IOMethod, @unchecked Sendable {
  // Safe because requests belong to the submitter until SUBMITTED I/O is published, and then to who claims the I/O.

  /// `vectorsPerHandle` requests for each handle; the system keeps pointers to them, so they never move.
  private var requests: UnsafeMutablePointer<aiocb>?
  /// A ``PendingRequests`` for each handle.
  private var pending: UnsafeMutablePointer<Atomic<UInt64>>?
  /// Threads that sleep in aio_suspend on requests of a handle. glibc looks at a request again when it wakes there, so
  /// it must not be another one by then.
  private var suspended: UnsafeMutablePointer<Atomic<UInt64>>?
  /// What the page cache has is read without a change of threads.
  private var cachedReads: CachedReads?
  private let duplicates = Locked<[UInt64: DuplicatedDescriptors]>([:])
  private let awaited = AwaitedIO(name: "io reaper")

  override var kind: IOMethodKind { .posixAIO }

  static func obstacle() -> String? {
    // A request that cannot succeed tells whether the interface is there at all.
    let request = UnsafeMutablePointer<aiocb>.allocate(capacity: 1)
    request.initialize(to: aiocb())
    defer { request.deallocate() }
    request.pointee.aio_fildes = -1
    if aio_read(request) != 0 {
      return errno == ENOSYS ? "this system has no POSIX AIO; use io_method=worker" : nil
    }
    while aio_error(request) == EINPROGRESS { sched_yield() }
    aio_return(request)
    return nil
  }

  override func start(_ engine: IOEngine) throws(IOError) {
    try super.start(engine)
    cachedReads = CachedReads(backendsMax: configuration.backendsMax)
    let count = engine.table.count * engine.table.vectorsPerHandle
    let memory = UnsafeMutablePointer<aiocb>.allocate(capacity: count)
    memory.initialize(repeating: aiocb(), count: count)
    requests = memory
    let counters = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: engine.table.count)
    for index in 0..<engine.table.count { (counters + index).initialize(to: Atomic(0)) }
    pending = counters
    let sleepers = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: engine.table.count)
    for index in 0..<engine.table.count { (sleepers + index).initialize(to: Atomic(0)) }
    suspended = sleepers
  }

  override func stop() {
    awaited.stop()
    duplicates.withLock { duplicates in
      for descriptors in duplicates.values { descriptors.close() }
      duplicates = [:]
    }
    cachedReads?.deallocate()
    requests?.deallocate()
    pending?.deallocate()
    suspended?.deallocate()
  }

  override func needsInPlaceExecution(_ index: UInt32) -> Bool {
    let slot = engine.table[index]
    switch slot.pointee.operation {
    case .flushRange, .allocate: return true
    default: return slot.pointee.file?._withUnsafeGuaranteedRef { $0.descriptor < 0 } ?? true
    }
  }

  /// How far behind other requests those stand that can wait; up to 20 may be asked for (AIO_PRIO_DELTA_MAX).
  private static let loweredBy: Int32 = 10

  override func willClose(_ file: IOFile) {
    duplicates.withLock { $0.removeValue(forKey: file.identity) }?.close()
  }

  override func attach(owner: UInt32, exclusive: Bool) throws(IOError) { cachedReads?.forget(owner: owner) }

  // MARK: Submitting

  @inline(__always) private func requests(of index: UInt32) -> UnsafeMutablePointer<aiocb> {
    guard let requests else { invariantFailure("POSIX AIO was used before it was started") }
    return requests + Int(index) * engine.table.vectorsPerHandle
  }

  @inline(__always) private func pending(_ index: UInt32) -> UnsafeMutablePointer<Atomic<UInt64>> {
    guard let pending else { invariantFailure("POSIX AIO was used before it was started") }
    return pending + Int(index)
  }

  @inline(__always) private func suspended(_ index: UInt32) -> UnsafeMutablePointer<Atomic<UInt64>> {
    guard let suspended else { invariantFailure("POSIX AIO was used before it was started") }
    return suspended + Int(index)
  }

  override func submit(
    _ batch: UnsafePointer<UInt32>, count: Int, owner: UInt32, reaper: UInt32?, waitFor: Int
  ) {
    for position in 0..<count where cachedReads?.serve(batch[position], owner, reaper, engine) != true {
      submit(batch[position], reaper: reaper)
    }
  }

  override func retry(_ index: UInt32, reaper: UInt32?) {
    // After EAGAIN the system is at its limits; in place it gets done.
    if engine.table[index].pointee.fruitless > 0 {
      engine.executeInPlace(index, reaper: reaper)
    } else {
      submit(index, reaper: reaper)
    }
  }

  private func submit(_ index: UInt32, reaper: UInt32?) {
    let slot = engine.table[index]
    guard let operation = slot.pointee.operation, let file = slot.pointee.file else {
      invariantFailure("an undefined I/O was submitted")
    }
    let descriptors = file._withUnsafeGuaranteedRef { self.descriptors(of: $0) }
    let io = engine.submission(index)
    let first = requests(of: index)
    let count = operation.transfersData ? Int(io.vectorCount) : 1
    var offset = io.offset
    var accepted = 0
    // Who still sleeps on the requests' last use is about to wake: it is over.
    while suspended(index).pointee.load(ordering: .sequentiallyConsistent) > 0 { sched_yield() }
    while accepted < count {
      let request = first + accepted
      request.pointee = aiocb()
      request.pointee.aio_fildes = descriptors.next()
      request.pointee.aio_sigevent.sigev_notify = Int32(SIGEV_NONE)
      // glibc serves the waiting requests in this order.
      request.pointee.aio_reqprio = slot.pointee.priority.isForeground ? 0 : Self.loweredBy
      let result: Int32
      if operation.transfersData {
        let piece = io.vectors[accepted]
        request.pointee.aio_buf = piece.base
        request.pointee.aio_nbytes = piece.byteCount
        request.pointee.aio_offset = off_t(offset)
        offset &+= Int64(piece.byteCount)
        result = operation == .readv ? aio_read(request) : aio_write(request)
      } else {
        result = aio_fsync(operation == .fdatasync ? O_DSYNC : O_SYNC, request)
      }
      if result != 0 { break }
      accepted += 1
    }
    if accepted == 0 {
      // At the system's limits: done here and now, which also holds the submitter back.
      engine.executeInPlace(index, reaper: reaper)
    } else {
      // From here on any thread may take the results. What was not accepted counts as not transferred, and is retried.
      let counter = pending(index)
      let previous = PendingRequests(rawValue: counter.pointee.relaxed)
      counter.pointee.store(previous.next(count: accepted).rawValue, ordering: .releasing)
    }
  }

  private func descriptors(of file: IOFile) -> DuplicatedDescriptors {
    duplicates.withLock { duplicates in
      if let known = duplicates[file.identity] { return known }
      let made = DuplicatedDescriptors(file.descriptor, count: configuration.posixAIODescriptors)
      duplicates[file.identity] = made
      return made
    }
  }

  // MARK: Reaping

  /// Completes an I/O if all its requests are over and nobody else does it.
  @discardableResult
  private func takeIfDone(_ index: UInt32, reaper: UInt32?, now: UInt64) -> Bool {
    let counter = pending(index)
    let seen = PendingRequests(rawValue: counter.pointee.load(ordering: .acquiring))
    guard seen.count > 0, firstUnfinished(index, count: seen.count) == nil else { return false }
    // Fails where another thread has taken them since, although the handle may have as many requests in flight again.
    guard
      counter.pointee.compareExchange(
        expected: seen.rawValue, desired: seen.taken.rawValue, ordering: .acquiringAndReleasing
      ).exchanged
    else { return false }
    engine.complete(index, result(requests(of: index), count: seen.count), at: now, reaper: reaper)
    return true
  }

  /// Bytes up to the first piece that is short; the error of the first piece if that failed.
  private func result(_ first: UnsafeMutablePointer<aiocb>, count: Int) -> Int64 {
    var total: Int64 = 0
    var isOpen = true
    for position in 0..<count {
      let request = first + position
      let error = aio_error(request)
      let bytes = aio_return(request)
      guard isOpen else { continue }
      if error != 0 {
        isOpen = false
        if position == 0 { total = -Int64(error) }
      } else {
        total += Int64(bytes)
        isOpen = bytes == Int(request.pointee.aio_nbytes)
      }
    }
    return total
  }

  override func poll(owner: UInt32, reaper: UInt32?) {
    guard engine.backendSlot(owner).pointee.outstanding.relaxed > 0 else { return }
    let table = engine.table
    let first = owner * UInt32(table.handlesPerBackend)
    let now = monotonicNanoseconds()
    for index in first..<first + UInt32(table.handlesPerBackend) where table.word(index).state == .submitted {
      takeIfDone(index, reaper: reaper, now: now)
    }
  }

  override func wait(for index: UInt32, _ reference: IOReference, reaper: UInt32?) {
    // The requests of a merge are its head's.
    let head = engine.table[index].pointee.mergedInto.relaxed
    let index = head == .noHandle ? index : head
    if takeIfDone(index, reaper: reaper, now: monotonicNanoseconds()) { return }
    withUnsafeTemporaryAllocation(of: UnsafePointer<aiocb>?.self, capacity: 1) { list in
      guard let start = list.baseAddress, let unfinished = beginSuspension(index) else {
        // Being submitted or taken by another thread right now.
        sched_yield()
        return
      }
      list[0] = UnsafePointer(unfinished)
      _ = aio_suspend(start, 1, nil)
      endSuspension(index)
    }
    takeIfDone(index, reaper: reaper, now: monotonicNanoseconds())
  }

  /// Keeps a handle's requests from being used again until ``endSuspension(_:)``.
  /// - Returns: one that is in flight; nil, and nothing to end, where none is.
  private func beginSuspension(_ index: UInt32) -> UnsafeMutablePointer<aiocb>? {
    _ = suspended(index).pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
    let seen = PendingRequests(rawValue: pending(index).pointee.load(ordering: .sequentiallyConsistent))
    if seen.count > 0, let unfinished = firstUnfinished(index, count: seen.count) { return unfinished }
    endSuspension(index)
    return nil
  }

  private func endSuspension(_ index: UInt32) {
    _ = suspended(index).pointee.wrappingSubtract(1, ordering: .releasing)
  }

  private func firstUnfinished(_ index: UInt32, count: Int) -> UnsafeMutablePointer<aiocb>? {
    let first = requests(of: index)
    for position in 0..<count where aio_error(first + position) == EINPROGRESS { return first + position }
    return nil
  }

  override func wait(owner: UInt32, count: Int, seen: UInt64) {
    let table = engine.table
    let first = owner * UInt32(table.handlesPerBackend)
    let handles = table.handlesPerBackend
    withUnsafeTemporaryAllocation(of: UnsafePointer<aiocb>?.self, capacity: handles) { list in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: handles) { indexes in
        var listed = 0
        for index in first..<first + UInt32(handles) where table.word(index).state == .submitted {
          guard let unfinished = beginSuspension(index) else { continue }
          (list[listed], indexes[listed]) = (UnsafePointer(unfinished), index)
          listed += 1
        }
        guard listed > 0, let start = list.baseAddress else { return engine.waitForOldest(of: owner) }
        // Returns when one is over.
        _ = aio_suspend(start, Int32(listed), nil)
        for position in 0..<listed { endSuspension(indexes[position]) }
      }
    }
  }

  override func noteAwaited(_ index: UInt32, _ reference: IOReference) { awaited.add(reference, engine) }
}

/// How many requests of a handle are in flight, and for the how manieth time: who takes their results must not mistake
/// a later round for the one that it has looked at.
struct PendingRequests {
  let rawValue: UInt64
  private static let roundShift: UInt64 = 16

  init(rawValue: UInt64) { self.rawValue = rawValue }

  /// 0 while somebody takes the results, and when there are none.
  var count: Int { Int(rawValue & (1 << Self.roundShift - 1)) }

  /// The next round.
  func next(count: Int) -> PendingRequests {
    PendingRequests(rawValue: ((rawValue >> Self.roundShift) &+ 1) << Self.roundShift | UInt64(count))
  }

  /// The same round, its results taken.
  var taken: PendingRequests { PendingRequests(rawValue: (rawValue >> Self.roundShift) << Self.roundShift) }
}

/// Duplicates of a file's descriptor, taken in turn.
private final class DuplicatedDescriptors: @unchecked Sendable {
  // Safe because the descriptors never change and the turn is atomic.

  private let descriptors: [Int32]
  private let turn = Atomic<UInt32>(0)
  private let original: Int32

  /// - Parameter count: with the original; fewer where the process has no more descriptors to give.
  init(_ original: Int32, count: Int) {
    self.original = original
    var made = [original]
    while made.count < count {
      let duplicate = fcntl(original, F_DUPFD_CLOEXEC, 0)
      guard duplicate >= 0 else { break }
      made.append(duplicate)
    }
    descriptors = made
  }

  func next() -> Int32 {
    let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
    return descriptors[Int(number % UInt32(descriptors.count))]
  }

  func close() {
    for descriptor in descriptors where descriptor != original { Glibc.close(descriptor) }
  }
}
