import MillraceIO
import MillraceStorage

/// Who holds and who wants which lock: PostgreSQL's heavyweight locks (src/backend/storage/lmgr/lock.c, proc.c).
///
/// The table is cut into partitions by the locks' tags, each under a short lock of its own. Weak locks on relations,
/// which every statement takes, stay with their sessions (``FastPathSlots``) as long as nobody wants a strong one on
/// anything with the same counter: the two sides write one word and then read the other's, in one order of all, so that
/// one of them sees the other. A transaction's lock on its own number is entered only when somebody waits for its end.
final class LockManager: Sendable {
  static let partitionCount = 16
  private static let counterCount = 1024

  /// The locks whose tags fall into one part of the table. Whoever touches them has the partition locked.
  final class Partition {
    fileprivate(set) var locks: [LockTag: SharedLock] = [:]
    private var free: [SharedLock] = []

    func lock(_ tag: LockTag) -> SharedLock {
      if let known = locks[tag] { return known }
      let lock = free.popLast() ?? SharedLock(tag)
      lock.reuse(for: tag)
      locks[tag] = lock
      return lock
    }

    /// Forgets a lock that nobody holds or wants.
    func tidy(_ lock: SharedLock) {
      guard lock.isIdle else { return }
      locks[lock.tag] = nil
      if free.count < 64 { free.append(lock) }
    }
  }

  /// In an object of its own, so that an array of them does not move what is locked.
  private final class PartitionBox: Sendable {
    let state = Locked(Partition())
  }

  let lockers: [Locker]
  private let partitions: [PartitionBox]
  /// How many strong locks are held or wanted among the relations that share a counter.
  private let strong = AtomicWords(count: LockManager.counterCount)

  init(sessionsMax: Int) {
    lockers = (0..<sessionsMax).map { Locker(place: $0) }
    partitions = (0..<Self.partitionCount).map { _ in PartitionBox() }
  }

  @inline(__always) private func partition(of tag: LockTag) -> PartitionBox {
    partitions[Int(tag.spread) & (Self.partitionCount - 1)]
  }

  @inline(__always) private static func counter(of tag: LockTag) -> Int { Int(tag.spread >> 8) & (counterCount - 1) }

  // MARK: The fast path

  /// Takes a weak lock on a relation without the shared table.
  /// - Returns: false where that cannot be done.
  @inline(__always) func acquireFast(_ tag: LockTag, _ mode: LockMode, _ locker: Locker) -> Bool {
    let counter = Self.counter(of: tag)
    guard strong.load(counter) == 0, locker.fast.insert(tag.field2, mode) != nil else { return false }
    // Who wants a strong lock has either counted itself before, or sees the slot now.
    if strong.load(counter) == 0 { return true }
    // Where it has been taken out meanwhile it is in the shared table, and so it is held all the same.
    return !locker.fast.remove(tag.field2, mode)
  }

  /// Gives a weak lock back. - Returns: false where it is in the shared table.
  @inline(__always) func releaseFast(_ tag: LockTag, _ mode: LockMode, _ locker: Locker) -> Bool {
    locker.fast.remove(tag.field2, mode)
  }

  /// Announces a strong lock. Balanced by ``endStrong(_:)``.
  func beginStrong(_ tag: LockTag) { strong.add(Self.counter(of: tag), 1) }

  func endStrong(_ tag: LockTag) { strong.add(Self.counter(of: tag), UInt64.max) }

  /// Enters the weak locks on a relation that sessions hold by themselves. In its partition.
  private func transfer(_ tag: LockTag, to partition: Partition) {
    for locker in lockers where locker.databaseID == tag.field1 {
      let modes = locker.fast.takeAll(of: tag.field2)
      if !modes.isEmpty {
        let lock = partition.lock(tag)
        modes.forEach { lock.grant($0, to: locker.place) }
      }
    }
  }

  // MARK: The shared table

  /// Asks for a lock.
  /// - Parameter waits: whether to get into the queue where it cannot be had at once.
  /// - Returns: nil where it cannot be had, and `waits` is false.
  func request(
    _ tag: LockTag, _ mode: LockMode, _ locker: Locker, waits: Bool
  ) -> SharedLock.Joining? {
    let isStrong = tag.kind == .relation && FastPathSlots.isStrong(mode)
    return partition(of: tag).state.withLock { partition in
      if isStrong { transfer(tag, to: partition) }
      return request(tag, mode, locker, waits: waits, in: partition)
    }
  }

  private func request(
    _ tag: LockTag, _ mode: LockMode, _ locker: Locker, waits: Bool, in partition: Partition
  ) -> SharedLock.Joining? {
    let lock = partition.lock(tag)
    defer { partition.tidy(lock) }
    if mode.conflicts.isDisjoint(with: lock.wanted), !lock.isObstructed(mode, for: locker.place) {
      lock.grant(mode, to: locker.place)
      return .granted
    }
    guard waits else {
      // Those who only wait do not hold it, but a session that jumps the queue would starve them.
      return nil
    }
    let result = lock.join(SharedLock.Request(place: locker.place, mode: mode))
    if result == .queued {
      locker.state = .waiting
      locker.wait = Locker.Wait(tag: tag, mode: mode, start: monotonicNanoseconds())
    }
    return result
  }

  /// Gives a lock back.
  /// - Returns: whether the session held it.
  @discardableResult
  func release(_ tag: LockTag, _ mode: LockMode, _ locker: Locker) -> Bool {
    partition(of: tag).state.withLock { partition in
      guard let lock = partition.locks[tag], lock.release(mode, of: locker.place) else { return false }
      if !lock.queue.isEmpty { wakeUp(lock) }
      partition.tidy(lock)
      return true
    }
  }

  private func wakeUp(_ lock: SharedLock) { Self.wakeUp(lock, lockers) }

  private static func wakeUp(_ lock: SharedLock, _ lockers: [Locker]) {
    lock.wakeUp { request in
      let locker = lockers[request.place]
      locker.wait = nil
      locker.state = .granted
      locker.latch.set()
    }
  }

  /// Takes a session out of the queue that it is in.
  /// - Returns: false where it has got the lock meanwhile.
  func leave(_ tag: LockTag, _ locker: Locker) -> Bool {
    partition(of: tag).state.withLock { partition in
      defer { locker.state = .none }
      guard let lock = partition.locks[tag], lock.leave(locker.place) else { return false }
      locker.wait = nil
      wakeUp(lock)
      partition.tidy(lock)
      return true
    }
  }

  // MARK: Transactions' numbers

  /// Asks for a share of the lock that a transaction has on its own number, entering that lock first where the
  /// transaction still runs.
  /// - Parameter owner: who runs the transaction at this moment; nil where nobody does.
  func requestEnd(
    _ tag: LockTag, of owner: () -> Int?, _ locker: Locker, waits: Bool
  ) -> SharedLock.Joining? {
    partition(of: tag).state.withLock { partition in
      // Announced before the look: an owner that is about to end either sees this, and then comes here, or has ended.
      for _ in 0..<2 {
        guard let place = owner() else { break }
        if lockers[place].isAwaited {
          partition.lock(tag).grant(.exclusive, to: place)
          break
        }
        lockers[place].isAwaited = true
      }
      return request(tag, .share, locker, waits: waits, in: partition)
    }
  }

  /// Wakes who waits for the end of a transaction, which has ended.
  func releaseEnd(_ tag: LockTag, _ locker: Locker) { release(tag, .exclusive, locker) }

  // MARK: All of it

  /// Calls `body` with every partition locked: nothing changes meanwhile.
  func withAll<Result>(_ body: (View) -> Result) -> Result { withAll([], body) }

  private func withAll<Result>(_ locked: [Partition], _ body: (View) -> Result) -> Result {
    if locked.count == Self.partitionCount { return body(View(lockers: lockers, partitions: locked)) }
    return partitions[locked.count].state.withLock { withAll(locked + [$0], body) }
  }

  /// The whole table, while all partitions are locked.
  struct View {
    let lockers: [Locker]
    let partitions: [Partition]

    func lock(_ tag: LockTag) -> SharedLock? {
      partitions[Int(tag.spread) & (LockManager.partitionCount - 1)].locks[tag]
    }

    /// Grants what can be granted after a queue was changed.
    func wakeUp(_ lock: SharedLock) { LockManager.wakeUp(lock, lockers) }

    /// Takes a session out of the queue that it is in.
    func leave(_ locker: Locker) {
      guard let wait = locker.wait, let lock = lock(wait.tag), lock.leave(locker.place) else { return }
      locker.wait = nil
      locker.state = .none
      wakeUp(lock)
    }
  }

  /// What is held and wanted, for `pg_locks`. Of the fast path and of transactions' own numbers it is what was true at
  /// some moment of the call.
  func snapshot() -> [LockStatus] {
    var found: [LockStatus] = []
    for locker in lockers {
      let database = locker.databaseID
      locker.fast.forEach { relation, modes in
        modes.forEach { mode in
          found.append(
            LockStatus(
              tag: .relation(relation, database: database), mode: mode, place: locker.place,
              processID: locker.processID, transaction: locker.transaction, isGranted: true, isFastPath: true))
        }
      }
    }
    withAll { view in
      for lock in view.partitions.flatMap(\.locks.values) {
        for holding in lock.holdings {
          holding.modes.forEach { found.append(status(lock.tag, $0, holding.place, isGranted: true)) }
        }
        for request in lock.queue {
          var waiting = status(lock.tag, request.mode, request.place, isGranted: false)
          waiting.waitStart = view.lockers[request.place].wait?.start
          found.append(waiting)
        }
      }
    }
    return found
  }

  private func status(_ tag: LockTag, _ mode: LockMode, _ place: Int, isGranted: Bool) -> LockStatus {
    let locker = lockers[place]
    return LockStatus(
      tag: tag, mode: mode, place: place, processID: locker.processID, transaction: locker.transaction,
      isGranted: isGranted, isFastPath: false)
  }
}

/// A row of `pg_locks`.
public struct LockStatus: Sendable {
  public let tag: LockTag
  public let mode: LockMode
  /// Whose it is: the session's place, its process number, and its transaction where one is under way.
  public let place: Int
  public let processID: Int32
  public let transaction: VirtualTransactionID?
  public let isGranted: Bool
  public let isFastPath: Bool
  /// Since when it is waited for: nanoseconds of the monotonic clock.
  public var waitStart: UInt64?
}
