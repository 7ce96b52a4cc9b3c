import MillraceIO
import MillraceStorage

/// What is to be done where a lock cannot be had at once.
public enum LockWaitPolicy: Sendable, Hashable {
  case wait
  /// To go on without it: NOWAIT, and SKIP LOCKED.
  case noWait
}

/// How long a session waits.
public struct WaitLimits: Sendable, Equatable {
  /// After so many milliseconds a waiter looks for a deadlock: `deadlock_timeout`.
  public var deadlockTimeout = 1000
  /// After so many milliseconds it gives up: `lock_timeout`; 0 for never.
  public var lockTimeout = 0
  /// When the running statement must end, in nanoseconds of the monotonic clock; 0 for never.
  var statementDeadline: UInt64 = 0

  public init() {}
}

/// The locks of one session, as its own thread knows them (PostgreSQL's `LOCALLOCK`s and their resource owners): how
/// often it has each, and since which of its nested transactions, so that what one that is rolled back has locked is
/// unlocked then.
final class SessionLocks {
  private struct Key: Hashable {
    let tag: LockTag
    let mode: LockMode

    /// The fields by which the locks of a session differ, in one word: each lock is looked for several times.
    func hash(into hasher: inout Hasher) {
      let relation = UInt64(tag.field2) << 32 | UInt64(tag.field3)
      hasher.combine(relation ^ UInt64(tag.field4) << 16 ^ UInt64(mode.rawValue) << 60)
    }
  }

  /// Which nesting has a lock how often.
  private struct Owner {
    let level: Int
    var count: Int
  }

  private struct Entry {
    var last: Owner
    /// Outer ones, from the outside.
    var others: [Owner] = []
    var isFast: Bool
  }

  private let manager: LockManager
  let locker: Locker
  private var entries: [Key: Entry] = [:]
  /// What each nesting has, in the order of getting it: 0 for the session, 1 for the transaction, then those in it.
  private var owned: [[Key]] = [[], []]
  private var level = 1

  init(_ manager: LockManager, _ locker: Locker) { (self.manager, self.locker) = (manager, locker) }

  // MARK: Locking

  enum Acquisition: Sendable {
    case acquired
    /// The session had it already.
    case alreadyHeld
    /// Somebody else has what conflicts.
    case notAvailable
  }

  /// Takes a lock until the end of the transaction.
  /// - Parameters:
  ///   - isForSession: until it is given back, whatever becomes of the transaction.
  /// - Throws: ``EngineError``: a deadlock, a timeout, or the statement was cancelled.
  /// - Complexity: no allocation and no shared lock for a weak mode on a relation of the session's database.
  func lock(
    _ tag: LockTag, _ mode: LockMode, _ policy: LockWaitPolicy, _ limits: WaitLimits, isForSession: Bool = false
  ) throws(EngineError) -> Acquisition {
    let key = Key(tag: tag, mode: mode)
    let level = isForSession ? 0 : level
    if let index = entries.index(forKey: key) {
      noteAgain(key, at: index, level)
      return .alreadyHeld
    }
    if tag.kind == .relation, tag.field1 == locker.databaseID, FastPathSlots.isWeak(mode) {
      if manager.acquireFast(tag, mode, locker) {
        note(key, level, isFast: true)
        return .acquired
      }
    }
    let isStrong = Self.isStrong(key)
    if isStrong { manager.beginStrong(tag) }
    do throws(EngineError) {
      guard try wait(manager.request(tag, mode, locker, waits: policy == .wait), tag, mode, limits) else {
        if isStrong { manager.endStrong(tag) }
        return .notAvailable
      }
    } catch {
      if isStrong { manager.endStrong(tag) }
      throw error
    }
    note(key, level, isFast: false)
    return .acquired
  }

  /// Waits for the end of a transaction, or of the part of one that has this number.
  /// - Parameters:
  ///   - tag: `.transaction` or `.virtualTransaction`.
  ///   - owner: who runs it; nil where nobody does any more.
  /// - Returns: false where it still runs and the policy is not to wait.
  func waitForEnd(
    of tag: LockTag, _ policy: LockWaitPolicy, _ limits: WaitLimits, owner: () -> Int?
  ) throws(EngineError) -> Bool {
    while owner() != nil {
      let joining = manager.requestEnd(tag, of: owner, locker, waits: policy == .wait)
      guard try wait(joining, tag, .share, limits) else { return false }
      manager.release(tag, .share, locker)
    }
    return true
  }

  private static func isStrong(_ key: Key) -> Bool {
    key.tag.kind == .relation && FastPathSlots.isStrong(key.mode)
  }

  private func note(_ key: Key, _ level: Int, isFast: Bool) {
    entries[key] = Entry(last: Owner(level: level, count: 1), isFast: isFast)
    owned[level].append(key)
  }

  private func noteAgain(_ key: Key, at index: Dictionary<Key, Entry>.Index, _ level: Int) {
    let isNew = withEntry(index) { entry -> Bool in
      if entry.last.level == level {
        entry.last.count += 1
        return false
      }
      if let index = entry.others.firstIndex(where: { $0.level == level }) {
        entry.others[index].count += 1
        return false
      }
      if level > entry.last.level {
        entry.others.append(entry.last)
        entry.last = Owner(level: level, count: 1)
      } else {
        entry.others.append(Owner(level: level, count: 1))
      }
      return true
    }
    if isNew { owned[level].append(key) }
  }

  private func withEntry<Result>(
    _ index: Dictionary<Key, Entry>.Index, _ body: (inout Entry) -> Result
  ) -> Result { body(&entries.values[index]) }

  // MARK: Waiting

  /// - Returns: whether the lock is held in the end.
  private func wait(
    _ joining: SharedLock.Joining?, _ tag: LockTag, _ mode: LockMode, _ limits: WaitLimits
  ) throws(EngineError) -> Bool {
    switch joining {
    case nil: return false
    case .granted: return true
    case .deadlock(let other):
      let members = [
        DeadlockDetector.Member(place: locker.place, tag: tag, mode: mode),
        DeadlockDetector.Member(place: other.place, tag: tag, mode: other.mode),
      ]
      throw deadlock(members)
    case .queued:
      try sleep(tag, mode, limits)
      return true
    }
  }

  private func sleep(_ tag: LockTag, _ mode: LockMode, _ limits: WaitLimits) throws(EngineError) {
    let start = monotonicNanoseconds()
    var deadlockCheck = start + UInt64(max(limits.deadlockTimeout, 1)) * 1_000_000
    let lockDeadline = limits.lockTimeout > 0 ? start + UInt64(limits.lockTimeout) * 1_000_000 : UInt64.max
    let statementDeadline = limits.statementDeadline > 0 ? limits.statementDeadline : UInt64.max
    while true {
      locker.latch.reset()
      if locker.state == .granted {
        locker.state = .none
        return
      }
      let now = monotonicNanoseconds()
      if let failure = interruption(now, lockDeadline, statementDeadline) {
        // Where it has been granted meanwhile, nobody knows of it yet.
        if !manager.leave(tag, locker) { manager.release(tag, mode, locker) }
        throw failure
      }
      if now >= deadlockCheck {
        deadlockCheck = .max
        if let members = checkForDeadlock() { throw deadlock(members) }
        sendBackgroundAway(tag, mode)
        continue
      }
      locker.latch.wait(Int64(clamping: min(deadlockCheck, lockDeadline, statementDeadline) &- now))
    }
  }

  private func interruption(_ now: UInt64, _ lockDeadline: UInt64, _ statementDeadline: UInt64) -> EngineError? {
    if let error = locker.interruption() { return error }
    if now >= statementDeadline { return .statementTimeout }
    if now >= lockDeadline {
      return EngineError(.lockNotAvailable, "canceling statement due to lock timeout")
    }
    return nil
  }

  /// Who vacuums in the background makes way for whoever has waited so long (ProcSleep).
  private func sendBackgroundAway(_ tag: LockTag, _ mode: LockMode) {
    guard manager.lockers.contains(where: { $0.background == .yielding }) else { return }
    for status in manager.snapshot() where status.tag == tag && status.isGranted && status.mode.conflicts(with: mode) {
      let holder = manager.lockers[status.place]
      if holder.background == .yielding { holder.raise(.cancel) }
    }
  }

  /// - Returns: the members of a deadlock that this session is part of and was taken out of.
  private func checkForDeadlock() -> [DeadlockDetector.Member]? {
    manager.withAll { view in
      guard locker.state == .waiting else { return nil }
      var detector = DeadlockDetector(view)
      guard case .deadlock(let members) = detector.check(locker.place) else { return nil }
      view.leave(locker)
      return members
    }
  }

  /// The error in PostgreSQL's words (DeadLockReport).
  private func deadlock(_ members: [DeadlockDetector.Member]) -> EngineError {
    var lines: [String] = []
    for (index, member) in members.enumerated() {
      let next = members[(index + 1) % members.count]
      lines.append(
        "Process \(manager.lockers[member.place].processID) waits for \(member.mode) on \(member.tag.text);"
          + " blocked by process \(manager.lockers[next.place].processID).")
    }
    return EngineError(
      .deadlock, "deadlock detected", detail: lines.joined(separator: "\n"),
      hint: "See server log for query details.")
  }

  // MARK: Unlocking

  /// Gives a lock back once.
  /// - Returns: false where the transaction, or the session, does not have it.
  @discardableResult
  func unlock(_ tag: LockTag, _ mode: LockMode, isForSession: Bool = false) -> Bool {
    let key = Key(tag: tag, mode: mode)
    guard let entry = entries[key] else { return false }
    let owners = [entry.last] + entry.others
    let wanted =
      isForSession ? owners.first { $0.level == 0 } : owners.filter { $0.level > 0 }.max { $0.level < $1.level }
    guard let owner = wanted else { return false }
    if owner.count == 1, let index = owned[owner.level].lastIndex(of: key) { owned[owner.level].remove(at: index) }
    disown(key, owner.level, all: false)
    return true
  }

  /// Takes counts off an entry, and the entry and the lock away with the last.
  private func disown(_ key: Key, _ level: Int, all: Bool) {
    guard let index = entries.index(forKey: key) else { return }
    let isLast = withEntry(index) { entry -> Bool in
      if entry.last.level == level {
        entry.last.count -= all ? entry.last.count : 1
        guard entry.last.count == 0 else { return false }
        guard let outer = entry.others.popLast() else { return true }
        entry.last = outer
      } else if let index = entry.others.firstIndex(where: { $0.level == level }) {
        entry.others[index].count -= all ? entry.others[index].count : 1
        if entry.others[index].count == 0 { entry.others.remove(at: index) }
      }
      return false
    }
    guard isLast else { return }
    let entry = entries.remove(at: index).value
    if !(entry.isFast && manager.releaseFast(key.tag, key.mode, locker)) {
      manager.release(key.tag, key.mode, locker)
    }
    if Self.isStrong(key) { manager.endStrong(key.tag) }
  }

  /// Whether the session has a lock.
  func holds(_ tag: LockTag, _ mode: LockMode) -> Bool { entries[Key(tag: tag, mode: mode)] != nil }

  // MARK: Nested transactions

  func beginNested() {
    level += 1
    if owned.count == level { owned.append([]) }
  }

  /// Ends the innermost one: what it has goes to the one around it, or is given back.
  func endNested(isCommitted: Bool) {
    precondition(level > 1, "a nested transaction ended that had not begun")
    if isCommitted {
      for key in owned[level] { hand(key, to: level - 1) }
      owned[level].removeAll(keepingCapacity: true)
    } else {
      releaseAll(level)
    }
    level -= 1
  }

  private func hand(_ key: Key, to outer: Int) {
    guard let index = entries.index(forKey: key) else { preconditionFailure("a lock is not among those held") }
    let isNew = withEntry(index) { entry -> Bool in
      let count = entry.last.count
      if let index = entry.others.firstIndex(where: { $0.level == outer }) {
        entry.last = Owner(level: outer, count: entry.others.remove(at: index).count + count)
        return false
      }
      entry.last = Owner(level: outer, count: count)
      return true
    }
    if isNew { owned[outer].append(key) }
  }

  /// Gives back what the transaction has.
  func endTransaction() {
    while level > 1 { endNested(isCommitted: false) }
    releaseAll(1)
  }

  /// Gives back what the session has beyond its transactions.
  func endSession() { releaseAll(0) }

  /// The same of one kind.
  func releaseSession(_ kind: LockTag.Kind) {
    for key in owned[0] where key.tag.kind == kind { disown(key, 0, all: true) }
    owned[0].removeAll { $0.tag.kind == kind }
  }

  private func releaseAll(_ level: Int) {
    for key in owned[level] { disown(key, level, all: true) }
    owned[level].removeAll(keepingCapacity: true)
  }
}

extension Locker {
  /// Why the session must give up what it does; nil where it need not.
  func interruption() -> EngineError? {
    let interrupts = interrupts
    if interrupts.isEmpty { return nil }
    if interrupts.contains(.terminate) {
      return EngineError(.adminShutdown, "terminating connection due to administrator command")
    }
    return EngineError(.cancelled, "canceling statement due to user request")
  }
}

extension EngineError {
  static var statementTimeout: EngineError {
    EngineError(.cancelled, "canceling statement due to statement timeout")
  }
}
