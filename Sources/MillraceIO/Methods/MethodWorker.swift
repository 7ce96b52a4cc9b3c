import Glibc
import Logging
import Synchronization

/// `io_method=worker`: threads that execute queued I/O.
///
/// A queue of handle numbers for each of two lanes, foreground and what can wait (``IOPriority``), under one short
/// lock. A submitter takes the lock once for a batch, wakes one worker, and executes itself what does not fit. A woken
/// worker that finds more wakes the next, unless wake-ups have lately been in vain: PostgreSQL 19's way to spread a
/// burst without waking threads for nothing. The pool grows when all workers are busy and the queue is longer than the
/// pool, and shrinks from the top when its highest-numbered worker has been idle for long.
///
/// Foreground I/O is taken first, but does not keep the other lane waiting for ever, and a worker is kept free of the
/// other lane's: a query finds one, however many checkpoint writes are on their way.
///
/// Where the page cache has the data, a read is served by the submitter without a change of threads (RWF_NOWAIT).
final class MethodWorker: IOMethod, @unchecked Sendable {
  // Safe because all shared state is in `queue` under its lock, or atomic.

  struct Queue {
    var foreground = WorkerLane()
    var background = WorkerLane()
    /// Foreground I/Os taken in a row while others waited.
    var passes = 0
    /// Background I/Os that workers are at.
    var backgroundExecuting = 0
    /// Bit i: worker i exists.
    var registered: UInt64 = 0
    /// Bit i: worker i sleeps, or is about to, and nobody has woken it.
    var idle: UInt64 = 0
    var configuration: WorkerPoolConfiguration
    var threads: [NamedThread?]
    var isStopping = false
    /// Not before this may the pool grow beyond its minimum.
    var nextLaunch: UInt64 = 0
    var decisions = WorkerPoolStatistics()

    var depth: Int { foreground.depth + background.depth }
    /// Background I/Os that may be taken now: so many that one worker stays free of them, where there are several.
    var backgroundTakeable: Int { min(background.depth, max(workerCount - 1, 1) - backgroundExecuting) }
    /// Whether there is something that a worker may take now.
    var hasWork: Bool { foreground.depth > 0 || backgroundTakeable > 0 }
    var workerCount: Int { registered.nonzeroBitCount }
    /// The highest worker's number, or -1.
    var highest: Int { 63 - registered.leadingZeroBitCount }
  }

  private let queue: Locked<Queue>
  /// What worker i sleeps on; changes with each wake-up.
  private let doorbells: UnsafeMutablePointer<Atomic<UInt64>>
  /// What the page cache has is read without a change of threads.
  private var cachedReads: CachedReads?

  override var kind: IOMethodKind { .worker }

  override init(_ configuration: IOConfiguration) {
    queue = Locked(
      Queue(
        configuration: configuration.workers,
        threads: Array(repeating: nil, count: WorkerPoolConfiguration.countLimit)))
    doorbells = .allocate(capacity: WorkerPoolConfiguration.countLimit)
    for index in 0..<WorkerPoolConfiguration.countLimit { (doorbells + index).initialize(to: Atomic(0)) }
    super.init(configuration)
  }

  deinit {
    queue.withLock { queue in
      queue.foreground.deallocate()
      queue.background.deallocate()
    }
    doorbells.deinitialize(count: WorkerPoolConfiguration.countLimit)
    doorbells.deallocate()
    cachedReads?.deallocate()
  }

  // MARK: Life

  override func start(_ engine: IOEngine) throws(IOError) {
    try super.start(engine)
    cachedReads = CachedReads(backendsMax: configuration.backendsMax)
    let failure = queue.withLock { queue in fillToMinimum(&queue) }
    if let failure { throw failure }
  }

  override func stop() {
    let threads = queue.withLock { queue in
      queue.isStopping = true
      return queue.threads.compactMap { $0 }
    }
    wake(.max)
    for thread in threads { thread.join() }
  }

  override func attach(owner: UInt32, exclusive: Bool) throws(IOError) {
    cachedReads?.forget(owner: owner)
  }

  /// Changes bounds and pace while running.
  func resize(_ configuration: WorkerPoolConfiguration) throws(IOError) {
    try configuration.validate()
    let failure = queue.withLock { queue in
      queue.configuration = configuration
      return fillToMinimum(&queue)
    }
    // All look whether they are still wanted.
    wake(.max)
    if let failure { throw failure }
  }

  func statistics() -> WorkerPoolStatistics {
    queue.withLock { queue in
      var statistics = queue.decisions
      statistics.workerCount = queue.workerCount
      statistics.idleCount = queue.idle.nonzeroBitCount
      statistics.queueDepth = queue.depth
      return statistics
    }
  }

  /// The workers that exist, in order.
  var workerNumbers: [Int] {
    let registered = queue.withLock { $0.registered }
    return (0..<WorkerPoolConfiguration.countLimit).filter { registered & 1 << UInt64($0) != 0 }
  }

  private func fillToMinimum(_ queue: inout Queue) -> IOError? {
    let bounds = queue.configuration
    if bounds.workersMin > bounds.workersMax {
      configuration.logger.warning(
        """
        "io_min_workers" (\(bounds.workersMin)) should be less than or equal to \
        "io_max_workers" (\(bounds.workersMax)); the pool will have \(bounds.workersMax) workers
        """)
    }
    while queue.workerCount < min(bounds.workersMin, bounds.workersMax) {
      if let failure = launch(&queue) { return failure }
    }
    return nil
  }

  /// Starts a worker with the lowest free number. With the lock.
  private func launch(_ queue: inout Queue) -> IOError? {
    let number = (~queue.registered).trailingZeroBitCount
    queue.threads[number]?.join()
    queue.threads[number] = nil
    queue.registered |= 1 << UInt64(number)
    do throws(IOError) {
      queue.threads[number] = try NamedThread("io worker \(number)") { [unowned self] in run(number) }
    } catch {
      queue.registered &= ~(1 << UInt64(number))
      return error
    }
    queue.decisions.launched += 1
    return nil
  }

  // MARK: Submitting

  override func submit(
    _ batch: UnsafePointer<UInt32>, count: Int, owner: UInt32, reaper: UInt32?, waitFor: Int
  ) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count) { uncached in
      guard let queued = uncached.baseAddress else { return }
      var queuedCount = 0
      for position in 0..<count where cachedReads?.serve(batch[position], owner, reaper, engine) != true {
        queued[queuedCount] = batch[position]
        queuedCount += 1
      }
      enqueue(queued, count: queuedCount, reaper: reaper)
    }
  }

  override func retry(_ index: UInt32, reaper: UInt32?) {
    withUnsafePointer(to: index) { enqueue($0, count: 1, reaper: reaper) }
  }

  /// Queues what fits, wakes a worker, executes the rest.
  private func enqueue(_ batch: UnsafePointer<UInt32>, count: Int, reaper: UInt32?) {
    var start = 0
    // One step, unless a batch mixes I/O that is waited for with other.
    while start < count {
      let isForeground = engine.table[batch[start]].pointee.priority.isForeground
      var end = start + 1
      while end < count, engine.table[batch[end]].pointee.priority.isForeground == isForeground { end += 1 }
      enqueue(batch + start, count: end - start, isForeground: isForeground, reaper: reaper)
      start = end
    }
  }

  private func enqueue(_ batch: UnsafePointer<UInt32>, count: Int, isForeground: Bool, reaper: UInt32?) {
    let (queued, wakeUp) = queue.withLock { queue -> (Int, UInt64) in
      let queued =
        isForeground ? queue.foreground.append(batch, count: count) : queue.background.append(batch, count: count)
      if queued < count { queue.decisions.overflows += UInt64(count - queued) }
      return (queued, queue.hasWork ? Self.takeIdle(&queue, above: -1) : 0)
    }
    wake(wakeUp)
    // The queue is full: the submitter helps, which is also what slows it down.
    for position in queued..<count { engine.executeInPlace(batch[position], reaper: reaper) }
  }

  /// Who wants many completions executes of its own what no worker has come to, instead of sleeping: that is done
  /// sooner, and neither is woken for it.
  override func wait(owner: UInt32, count: Int, seen: UInt64) {
    let index = queue.withLock { queue in
      let index =
        takeFirst(of: owner, from: &queue.foreground) ?? takeFirst(of: owner, from: &queue.background)
      if index != nil { queue.decisions.helped += 1 }
      return index
    }
    guard let index else { return super.wait(owner: owner, count: count, seen: seen) }
    engine.executeInPlace(index, reaper: owner)
  }

  /// With the lock.
  private func takeFirst(of owner: UInt32, from lane: inout WorkerLane) -> UInt32? {
    guard let first = lane.first, engine.table[first].pointee.owner == owner else { return nil }
    return lane.takeFirst()
  }

  // MARK: Working

  /// Takes the lowest idle worker above a number out of the idle ones. With the lock.
  /// - Returns: its bit, or 0.
  private static func takeIdle(_ queue: inout Queue, above number: Int) -> UInt64 {
    let candidates = queue.idle & ~((1 << UInt64(number + 1)) - 1)
    let lowest = candidates & (0 &- candidates)
    queue.idle &= ~lowest
    return lowest
  }

  /// Wakes the workers whose bits are set.
  private func wake(_ workers: UInt64) {
    var rest = workers & ((1 << UInt64(WorkerPoolConfiguration.countLimit)) - 1)
    while rest != 0 {
      let number = rest.trailingZeroBitCount
      rest &= rest - 1
      _ = doorbells[number].wrappingAdd(1, ordering: .releasing)
      Futex.wake(doorbells + number, count: 1)
    }
  }

  private enum Step {
    case execute(UInt32, isBackground: Bool, wake: UInt64)
    /// Nanoseconds until it may leave; negative for as long as it takes.
    case sleep(Int64)
    case leave
  }

  /// A worker's recent ratio of wake-ups to work; both halve when one gets large, so that it forgets.
  private struct WakeRatio {
    var executed = 0
    var wakeUps = 0
    /// Whether waking the next one has been worth it lately.
    var favoursWaking: Bool { wakeUps <= executed }
    mutating func note(executed isWork: Bool) {
      if isWork { executed += 1 } else { wakeUps += 1 }
      if executed >= 4 || wakeUps >= 4 { (executed, wakeUps) = (executed / 2, wakeUps / 2) }
    }
  }

  private func run(_ number: Int) {
    var ratio = WakeRatio()
    var timedOut = false
    var wasBackground = false
    while true {
      let bell = doorbells[number].load(ordering: .acquiring)
      let step = queue.withLock { queue in
        if wasBackground { queue.backgroundExecuting -= 1 }
        return next(&queue, number, &ratio, timedOut: timedOut)
      }
      (timedOut, wasBackground) = (false, false)
      switch step {
      case .execute(let index, let isBackground, let others):
        wake(others)
        wasBackground = isBackground
        engine.executeInPlace(index, reaper: nil)
      case .sleep(let timeout):
        timedOut = !Futex.wait(doorbells + number, while: bell, timeout: timeout)
        if !timedOut { ratio.note(executed: false) }
      case .leave:
        // The new highest worker starts its own clock.
        wake(.max)
        return
      }
    }
  }

  /// What a worker does next. With the lock.
  private func next(_ queue: inout Queue, _ number: Int, _ ratio: inout WakeRatio, timedOut: Bool) -> Step {
    let bit = UInt64(1) << UInt64(number)
    if let (index, isBackground) = Self.take(&queue) {
      queue.idle &= ~bit
      queue.decisions.executed += 1
      ratio.note(executed: true)
      var wakeUp: UInt64 = 0
      if queue.depth > 0, ratio.favoursWaking {
        if queue.hasWork { wakeUp = Self.takeIdle(&queue, above: number) }
        if wakeUp == 0 { growIfWorthIt(&queue) }
      }
      return .execute(index, isBackground: isBackground, wake: wakeUp)
    }
    let bounds = queue.configuration
    let isSurplus = number >= bounds.workersMax
    let mayLeave = number == queue.highest && number >= bounds.workersMin
    if queue.isStopping || isSurplus || (mayLeave && (timedOut || bounds.idleTimeoutMilliseconds == 0)) {
      queue.registered &= ~bit
      queue.idle &= ~bit
      if !queue.isStopping { queue.decisions.left += 1 }
      return .leave
    }
    if queue.idle & bit != 0, !timedOut { queue.decisions.spuriousWakeUps += 1 }
    queue.idle |= bit
    return .sleep(mayLeave ? Int64(bounds.idleTimeoutMilliseconds) * 1_000_000 : -1)
  }

  /// Foreground I/Os that may pass one that waits, so that a checkpoint ends however busy the sessions are.
  private static let passesMax = 16

  /// Takes the I/O that is next. With the lock.
  private static func take(_ queue: inout Queue) -> (UInt32, isBackground: Bool)? {
    let mayTakeBackground = queue.backgroundTakeable > 0
    if !mayTakeBackground || queue.passes < passesMax, let index = queue.foreground.takeFirst() {
      if queue.background.depth > 0 { queue.passes += 1 }
      return (index, false)
    }
    guard mayTakeBackground, let index = queue.background.takeFirst() else { return nil }
    queue.passes = 0
    queue.backgroundExecuting += 1
    return (index, true)
  }

  /// Adds a worker if work piles up and the last one was not added just now. With the lock, by a worker that has I/O to
  /// do.
  private func growIfWorthIt(_ queue: inout Queue) {
    let bounds = queue.configuration
    guard queue.depth > queue.workerCount, !queue.isStopping else { return }
    guard queue.workerCount < bounds.workersMax else {
      queue.decisions.refusedAtMaximum += 1
      return
    }
    let now = monotonicNanoseconds()
    guard now >= queue.nextLaunch else {
      queue.decisions.deferredByInterval += 1
      return
    }
    let interval = UInt64(bounds.launchIntervalMilliseconds) * 1_000_000
    // From the previous launch, unless that is long past.
    queue.nextLaunch = queue.nextLaunch + interval > now ? queue.nextLaunch + interval : now + interval
    if let failure = launch(&queue) { configuration.logger.warning("\(failure)") }
  }
}

/// What the worker pool has done and decided: a row of `pg_stat_io_workers`.
public struct WorkerPoolStatistics: Sendable, Equatable {
  public internal(set) var workerCount = 0
  public internal(set) var idleCount = 0
  public internal(set) var queueDepth = 0
  public internal(set) var executed: UInt64 = 0
  public internal(set) var launched: UInt64 = 0
  /// Workers that left after being idle, or above a lowered maximum.
  public internal(set) var left: UInt64 = 0
  /// Growth wanted, and not done because the pool is at its maximum.
  public internal(set) var refusedAtMaximum: UInt64 = 0
  /// Growth wanted, and not done because the last was too recent.
  public internal(set) var deferredByInterval: UInt64 = 0
  /// I/Os that their submitters executed because the queue was full.
  public internal(set) var overflows: UInt64 = 0
  /// I/Os that their submitters executed while they waited.
  public internal(set) var helped: UInt64 = 0
  /// Wake-ups that found nothing to do.
  public internal(set) var spuriousWakeUps: UInt64 = 0
}

extension IOEngine {
  /// What the worker pool does; nil for other methods.
  public func workerPoolStatistics() -> WorkerPoolStatistics? { (method as? MethodWorker)?.statistics() }

  /// Changes the bounds of the worker pool while it runs (`io_min_workers` and its kind at reload). Does nothing for
  /// other methods.
  /// - Throws: ``IOError`` for values out of range, or when no thread can be started.
  public func resizeWorkers(_ configuration: WorkerPoolConfiguration) throws(IOError) {
    try (method as? MethodWorker)?.resize(configuration)
  }
}
