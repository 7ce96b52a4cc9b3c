/// One thing that is locked by somebody, or was wanted by somebody: PostgreSQL's `LOCK` with its `PROCLOCK`s. Guarded
/// by its partition. Reused for other things when nobody holds or wants it any more.
final class SharedLock {
  struct Holding {
    let place: Int
    var modes: LockModes
  }

  private(set) var tag: LockTag
  private(set) var holdings: [Holding] = []
  /// Who waits, in the order of their turns.
  var queue: [Request] = []
  /// How many hold each mode.
  private var counts: [Int32]
  private(set) var granted: LockModes = []

  struct Request: Equatable {
    let place: Int
    let mode: LockMode
  }

  init(_ tag: LockTag) {
    self.tag = tag
    counts = Array(repeating: 0, count: 9)
  }

  func reuse(for tag: LockTag) { self.tag = tag }

  var isIdle: Bool { holdings.isEmpty && queue.isEmpty }

  /// What those in the queue want.
  var wanted: LockModes { queue.reduce(into: []) { $0.insert(LockModes($1.mode)) } }

  func modes(of place: Int) -> LockModes { holdings.first { $0.place == place }?.modes ?? [] }

  /// Whether somebody else holds what keeps a session from having a mode (LockCheckConflicts). What the session itself
  /// holds is no obstacle.
  func isObstructed(_ mode: LockMode, for place: Int) -> Bool {
    let conflicting = mode.conflicts.intersection(granted)
    guard !conflicting.isEmpty else { return false }
    let own = modes(of: place)
    var isObstructed = false
    conflicting.forEach { other in
      if counts[Int(other.rawValue)] > (own.contains(LockModes(other)) ? 1 : 0) { isObstructed = true }
    }
    return isObstructed
  }

  func grant(_ mode: LockMode, to place: Int) {
    let bit = LockModes(mode)
    if let index = holdings.firstIndex(where: { $0.place == place }) {
      if holdings[index].modes.contains(bit) { return }
      holdings[index].modes.insert(bit)
    } else {
      holdings.append(Holding(place: place, modes: bit))
    }
    counts[Int(mode.rawValue)] += 1
    granted.insert(bit)
  }

  /// - Returns: false where the session does not hold it.
  func release(_ mode: LockMode, of place: Int) -> Bool {
    let bit = LockModes(mode)
    guard let index = holdings.firstIndex(where: { $0.place == place }), holdings[index].modes.contains(bit) else {
      return false
    }
    holdings[index].modes.remove(bit)
    if holdings[index].modes.isEmpty { holdings.remove(at: index) }
    counts[Int(mode.rawValue)] -= 1
    if counts[Int(mode.rawValue)] == 0 { granted.remove(bit) }
    return true
  }

  /// What becomes of a request that cannot be granted at once.
  enum Joining: Equatable {
    case granted
    case queued
    /// One that is in the queue waits for this session, and this session would wait for it.
    case deadlock(with: Request)
  }

  /// Puts a request where it belongs in the queue (JoinWaitQueue, src/backend/storage/lmgr/proc.c): at the end, but
  /// before the first that waits for what this session holds already, since behind it both would wait for each other.
  func join(_ request: Request) -> Joining {
    let held = modes(of: request.place)
    guard !held.isEmpty else {
      queue.append(request)
      return .queued
    }
    var ahead: LockModes = []
    for (index, other) in queue.enumerated() {
      if !other.mode.conflicts.isDisjoint(with: held) {
        if !request.mode.conflicts.isDisjoint(with: modes(of: other.place)) { return .deadlock(with: other) }
        if request.mode.conflicts.isDisjoint(with: ahead), !isObstructed(request.mode, for: request.place) {
          grant(request.mode, to: request.place)
          return .granted
        }
        queue.insert(request, at: index)
        return .queued
      }
      ahead.insert(LockModes(other.mode))
    }
    queue.append(request)
    return .queued
  }

  /// Grants what can be granted, in the order of the queue: whoever conflicts with one that stays before it, stays too
  /// (ProcLockWakeup).
  /// - Parameter woken: called for each that got what it wanted.
  func wakeUp(_ woken: (Request) -> Void) {
    var ahead: LockModes = []
    var index = 0
    while index < queue.count {
      let request = queue[index]
      if request.mode.conflicts.isDisjoint(with: ahead), !isObstructed(request.mode, for: request.place) {
        grant(request.mode, to: request.place)
        queue.remove(at: index)
        woken(request)
      } else {
        ahead.insert(LockModes(request.mode))
        index += 1
      }
    }
  }

  /// Takes a request out of the queue. - Returns: whether it was there.
  func leave(_ place: Int) -> Bool {
    guard let index = queue.firstIndex(where: { $0.place == place }) else { return false }
    queue.remove(at: index)
    return true
  }
}
